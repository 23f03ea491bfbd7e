import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildConnector } from '../../../../connectors/ecma2/src/build-worker.ts';
import { runLandbridge } from '../../../../test/fixtures/run-landbridge.ts';
import { monoPrograms } from '../../../../tools/backends.ts';

const folder = mkdtempSync(join(tmpdir(), 'landbridge-inspect-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const USING = 'using System.Collections.ObjectModel; using Microsoft.MetadirectoryServices;\n';
const GET_SCHEMA = 'public Schema GetSchema(KeyedCollection<string, ConfigParameter> p) { return Schema.Create(); }';

async function compile(name: string, text: string, more: readonly string[] = []): Promise<string> {
  const source = join(folder, `${name}.cs`);
  writeFileSync(source, USING + text);
  return buildConnector(name, [source], more);
}

function makePackage(name: string, files: readonly string[]): string {
  mkdirSync(join(folder, name));
  for (const file of files) cpSync(file, join(folder, name, basename(file)));
  return name;
}

const run = (...values: readonly string[]) => runLandbridge(values, { cwd: folder, direct: true });
const inspect = async (name: string): Promise<string> => (await run('package', 'inspect', name)).stdout;

describe.skipIf(monoPrograms() === undefined)('what a package lacks is told before it is loaded (R29, R30)', { timeout: 120_000 }, () => {
  it('a missing dependency is part of the verdict', async () => {
    const helper = await compile('Acme.Helping', 'namespace Acme { public class Base { } }');
    const dll = await compile('Acme.NeedsHelping', `public class C : Acme.Base, IMAExtensible2GetSchema { ${GET_SCHEMA} }`, [helper]);
    expect(await inspect(makePackage('missing', [dll]))).toMatch(
      /runs on Mono, once what is missing is there[\s\S]*Acme\.Helping 0\.0\.0\.0 is missing.*copy it/,
    );
    expect(await inspect(makePackage('complete', [dll, helper]))).not.toContain('missing');
  });

  it('a DLL for the current .NET is known by what it refers to', async () => {
    writeFileSync(
      join(folder, 'System.Runtime.cs'),
      '[assembly: System.Reflection.AssemblyVersion("8.0.0.0")] namespace System.Net { public class Modern { } }',
    );
    const runtime = await buildConnector('System.Runtime', [join(folder, 'System.Runtime.cs')]);
    const dll = await compile('Acme.Current', `public class C : System.Net.Modern, IMAExtensible2GetSchema { ${GET_SCHEMA} }`, [runtime]);
    expect(await inspect(makePackage('current', [dll]))).toMatch(/built for System\.Runtime 8\.0\.0\.0.*not on Mono: set runtime to dotnet/);
  });

  it('classes that could each be the connector are listed; a derived class and a broader one decide for themselves', async () => {
    const two = await compile(
      'Acme.Pair',
      `public class First : IMAExtensible2GetSchema { ${GET_SCHEMA} } public class Second : IMAExtensible2GetSchema { ${GET_SCHEMA} }`,
    );
    expect(await inspect(makePackage('pair', [two]))).toMatch(/several classes implement IMAExtensible2GetSchema: First, Second.*with class/);
    const one = await compile('Acme.Alone', `public class Base : IMAExtensible2GetSchema { ${GET_SCHEMA} } public class Derived : Base { }`);
    expect(await inspect(makePackage('alone', [one]))).not.toContain('several');
    expect(await inspect(makePackage('both', [two, one]))).toMatch(/several DLLs are connectors.*with dll/);
  });

  it('a folder without a DLL of .NET, and the worker calls it what the administrator calls it', async () => {
    makePackage('text', []);
    writeFileSync(join(folder, 'text/Acme.dll'), 'hello');
    expect(await inspect('text')).toMatch(/no DLL of \.NET.*give the folder with the DLL that the management agent names/);
    writeFileSync(
      join(folder, 'text.yaml'),
      'version: 1\nconnectors:\n  hr:\n    package: ecma2\n    parameters: { directory: ./text }\n    objectTypes: { person: { resourceType: User, mapping: { userName: id } } }\n',
    );
    const { stdout, stderr } = await run('connector', 'test', 'hr', '--config', 'text.yaml');
    expect(stdout + stderr).toContain(`no DLL in ${join(folder, 'text')} refers to Microsoft.MetadirectoryServicesEx`);
    expect(stdout + stderr).toContain('Acme.dll is not a .NET assembly');
  });
});
