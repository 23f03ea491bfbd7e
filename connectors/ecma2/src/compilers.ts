import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ConnectorError } from '@landbridge/connector-sdk';
import { type DotnetRuntime, findProgram } from './dotnet-programs.ts';

/** What is to be compiled. */
export interface Compilation {
  readonly sources: readonly string[];
  readonly output: string;
  readonly kind: 'library' | 'exe';
  readonly references: readonly string[];
}

/** A compiler for a runtime, and what its programs are called. */
export interface Compiler {
  readonly extension: '.exe' | '.dll';
  /** @throws ConnectorError `invalid-configuration` naming what to install, or what the compiler said. */
  compile(compilation: Compilation): Promise<void>;
}

const run = promisify(execFile);

/** Mono's compiler; its assemblies run on .NET Framework as well. */
const mcs: Compiler = {
  extension: '.exe',
  async compile({ sources, output, kind, references }) {
    const compiler = findProgram('mcs');
    if (compiler === undefined)
      throw new ConnectorError(
        'invalid-configuration',
        'the .NET worker is not built and there is no C# compiler: install the Debian packages mono-mcs, mono-runtime and libmono-system-core4.0-cil',
      );
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

/** The compiler of the .NET SDK, called without a project: nothing is restored, so no network is needed. */
const roslyn: Compiler = {
  extension: '.dll',
  async compile({ sources, output, kind, references }) {
    const dotnet = findProgram('dotnet');
    const sdk = dotnet === undefined ? undefined : (await run(dotnet, ['--list-sdks'])).stdout.trim().split('\n').at(-1);
    const [, version, folder] = /^(\S+) \[(.+)\]$/.exec(sdk ?? '') ?? [];
    if (dotnet === undefined || version === undefined || folder === undefined)
      throw new ConnectorError('invalid-configuration', 'the .NET worker is not built and there is no .NET SDK: install one, or set runtime to mono');
    const packs = join(dirname(folder), 'packs/Microsoft.NETCore.App.Ref');
    const pack =
      readdirSync(packs)
        .sort((left, right) => Number.parseInt(left, 10) - Number.parseInt(right, 10))
        .at(-1) ?? '';
    const framework = readdirSync(join(packs, pack, 'ref'))[0] ?? '';
    const assemblies = join(packs, pack, 'ref', framework);
    const platform = readdirSync(assemblies).filter((name) => name.endsWith('.dll'));
    const values = [
      '-nologo',
      '-nostdlib',
      '-langversion:7.3',
      '-optimize+',
      '-debug:portable',
      '-define:TRACE',
      '-warn:0',
      `-target:${kind}`,
      `-out:${output}`,
    ];
    await run(dotnet, [
      'exec',
      join(folder, version, 'Roslyn/bincore/csc.dll'),
      ...values,
      ...[...platform.map((name) => join(assemblies, name)), ...references].map((one) => `-r:${one}`),
      ...sources,
    ]);
    if (kind === 'library') return;
    const runtime = { tfm: framework, framework: { name: 'Microsoft.NETCore.App', version: `${framework.slice(3)}.0` }, rollForward: 'Major' };
    writeFileSync(output.replace(/\.dll$/, '.runtimeconfig.json'), JSON.stringify({ runtimeOptions: runtime }));
  },
};

/** The compiler for a runtime. */
export const compilers: Readonly<Record<DotnetRuntime, Compiler>> = { mono: mcs, net48: mcs, dotnet: roslyn };

/** Compiles; what the compiler says becomes the message. */
export async function compile(compiler: Compiler, compilation: Compilation): Promise<void> {
  try {
    await compiler.compile(compilation);
  } catch (error) {
    if (error instanceof ConnectorError) throw error;
    const { stderr, stdout, message } = error as { readonly stderr?: string; readonly stdout?: string; readonly message: string };
    throw new ConnectorError('invalid-configuration', `the C# sources do not compile: ${(stderr || stdout || message).split('\n').slice(0, 5).join('; ')}`);
  }
}
