import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { compile, compilers } from './compilers.ts';
import type { DotnetRuntime } from './dotnet-programs.ts';

/** The C# sources of the worker. */
export const BRIDGE = join(import.meta.dirname, '../../../bridges/dotnet');
const CONTRACT = 'Microsoft.MetadirectoryServicesEx.dll';

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
  const compiler = compilers[runtime];
  const api = sourcesOf('api');
  const worker = sourcesOf('worker');
  const folder = join(BRIDGE, 'dist', `${runtime === 'net48' ? 'mono' : runtime}-${hashOf([...api, ...worker])}`);
  const name = `landbridge-worker${compiler.extension}`;
  const built: BuiltWorker = { executable: join(folder, name), contract: join(folder, CONTRACT) };
  if (existsSync(built.executable)) return built;
  await intoFolder(folder, async (draft) => {
    const contract = join(draft, CONTRACT);
    await compile(compiler, { sources: api, output: contract, kind: 'library', references: [] });
    await compile(compiler, { sources: worker, output: join(draft, name), kind: 'exe', references: [contract] });
  });
  return built;
}

/** Compiles a connector against the contract, and against more assemblies: samples and tests. Resolves with the DLL. */
export async function buildConnector(name: string, sources: readonly string[], more: readonly string[] = []): Promise<string> {
  const { contract } = await buildWorker('mono');
  const folder = join(BRIDGE, 'dist', `${name}-${hashOf([...sources, ...more, contract])}`);
  const dll = join(folder, `${name}.dll`);
  if (existsSync(dll)) return dll;
  await intoFolder(folder, (draft) =>
    compile(compilers.mono, { sources, output: join(draft, `${name}.dll`), kind: 'library', references: [contract, ...more] }),
  );
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
