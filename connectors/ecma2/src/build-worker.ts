import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConnectorError } from '@landbridge/connector-sdk';
import { type DotnetRuntime, findProgram } from './dotnet-programs.ts';

/** The C# sources of the worker. */
export const BRIDGE = join(import.meta.dirname, '../../../bridges/dotnet');
const CONTRACT = 'Microsoft.MetadirectoryServicesEx.dll';
const run = promisify(execFile);

/** The compiler and where its output is, for a runtime. */
interface Flavour {
  readonly compiler: string;
  readonly debianPackage: string;
  compile(compiler: string, sources: readonly string[], output: string, kind: 'library' | 'exe', references: readonly string[]): Promise<void>;
}

const mono: Flavour = {
  compiler: 'mcs',
  debianPackage: 'mono-mcs',
  async compile(compiler, sources, output, kind, references) {
    await run(compiler, [
      '-langversion:7',
      '-optimize+',
      '-debug',
      '-define:TRACE',
      `-target:${kind}`,
      `-out:${output}`,
      ...references.map((one) => `-r:${one}`),
      ...sources,
    ]);
  },
};

const FLAVOURS: Readonly<Partial<Record<DotnetRuntime, Flavour>>> = { mono, net48: mono };

/** A built worker. */
export interface BuiltWorker {
  readonly executable: string;
  /** The assembly that connectors are compiled against. */
  readonly contract: string;
}

/**
 * The worker for a runtime: built from the sources of this package at the first use and after each change of them, into a folder
 * named by their hash. Several processes may build at a time: the first one's folder stays.
 *
 * @throws ConnectorError `invalid-configuration` naming the compiler that is missing, or what it said.
 */
export async function buildWorker(runtime: DotnetRuntime): Promise<BuiltWorker> {
  const flavour = FLAVOURS[runtime] ?? mono;
  const api = sourcesOf('api');
  const worker = sourcesOf('worker');
  const folder = join(BRIDGE, 'dist', `${runtime === 'net48' ? 'mono' : runtime}-${hashOf([...api, ...worker])}`);
  const built: BuiltWorker = { executable: join(folder, 'landbridge-worker.exe'), contract: join(folder, CONTRACT) };
  if (existsSync(built.executable)) return built;
  await intoFolder(folder, async (draft) => {
    const compiler = compilerOf(flavour);
    await compile(flavour, compiler, api, join(draft, CONTRACT), 'library', []);
    await compile(flavour, compiler, worker, join(draft, 'landbridge-worker.exe'), 'exe', [join(draft, CONTRACT)]);
  });
  return built;
}

/** Compiles a connector against the contract, and against more assemblies: samples and tests. Resolves with the DLL. */
export async function buildConnector(name: string, sources: readonly string[], more: readonly string[] = []): Promise<string> {
  const { contract } = await buildWorker('mono');
  const folder = join(BRIDGE, 'dist', `${name}-${hashOf([...sources, ...more, contract])}`);
  const dll = join(folder, `${name}.dll`);
  if (existsSync(dll)) return dll;
  await intoFolder(folder, (draft) => compile(mono, compilerOf(mono), sources, join(draft, `${name}.dll`), 'library', [contract, ...more]));
  return dll;
}

/** The C# files of a folder of the bridge. */
export function sourcesOf(folder: string): readonly string[] {
  const path = join(BRIDGE, folder);
  return readdirSync(path)
    .filter((name) => name.endsWith('.cs'))
    .sort()
    .map((name) => join(path, name));
}

function compilerOf(flavour: Flavour): string {
  const compiler = findProgram(flavour.compiler);
  if (compiler === undefined)
    throw new ConnectorError(
      'invalid-configuration',
      `the .NET worker is not built and there is no C# compiler: install the Debian packages ${flavour.debianPackage}, mono-runtime and libmono-system-core4.0-cil`,
    );
  return compiler;
}

async function compile(
  flavour: Flavour,
  compiler: string,
  sources: readonly string[],
  output: string,
  kind: 'library' | 'exe',
  references: readonly string[],
): Promise<void> {
  try {
    await flavour.compile(compiler, sources, output, kind, references);
  } catch (error) {
    const { stderr, stdout, message } = error as { readonly stderr?: string; readonly stdout?: string; readonly message: string };
    throw new ConnectorError('invalid-configuration', `the .NET worker does not compile: ${(stderr || stdout || message).split('\n').slice(0, 5).join('; ')}`);
  }
}

async function intoFolder(folder: string, build: (draft: string) => Promise<void>): Promise<void> {
  mkdirSync(join(BRIDGE, 'dist'), { recursive: true });
  const draft = mkdtempSync(join(BRIDGE, 'dist', '.draft-'));
  try {
    await build(draft);
    mkdirSync(join(folder, '..'), { recursive: true });
    if (!existsSync(folder)) renameSync(draft, folder);
  } catch (error) {
    // Another process was faster: its folder is as good.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function hashOf(files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(BRIDGE.length)).update('\0').update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}
