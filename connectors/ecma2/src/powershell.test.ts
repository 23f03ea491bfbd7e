import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ConnectorContext, EntryChange } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dotnetProgram, monoPrograms } from '../../../tools/backends.ts';
import { BRIDGE, buildConnector } from './build-worker.ts';
import { findPowerShell, needsPowerShell } from './powershell.ts';
import { createTestBench, importAll, putAll, type TestBench } from './testing/harness.ts';

const PROJECT = `<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
<ItemGroup><PackageReference Include="PowerShellStandard.Library" Version="5.1.1" /></ItemGroup></Project>`;

/** The reference assembly of the PowerShell of Windows, from NuGet; undefined where that is not to be had. */
function windowsPowerShellReference(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-powershell-'));
  try {
    writeFileSync(join(folder, 'reference.csproj'), PROJECT);
    execFileSync('dotnet', ['restore', folder], { stdio: 'ignore', timeout: 120_000 });
    return join(
      process.env['NUGET_PACKAGES'] ?? join(homedir(), '.nuget/packages'),
      'powershellstandard.library/5.1.1/lib/net452/System.Management.Automation.dll',
    );
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const tools = monoPrograms() !== undefined && dotnetProgram() !== undefined;
const reference = tools ? windowsPowerShellReference() : undefined;
const powerShell = reference === undefined ? undefined : await findPowerShell();

describe.skipIf(reference === undefined || powerShell === undefined)('a connector that runs PowerShell, on the current .NET', { timeout: 180_000 }, () => {
  let bench: TestBench;
  let directory: string;
  let file: string;
  let context: ConnectorContext;

  beforeAll(async () => {
    bench = createTestBench();
    const dll = await buildConnector('Landbridge.Testing.Scripts', [join(BRIDGE, 'testing/ScriptConnector.cs')], [reference ?? '']);
    directory = join(bench.folder, 'package');
    mkdirSync(directory);
    cpSync(dll, join(directory, basename(dll)));
    cpSync(join(BRIDGE, 'testing/scripts'), directory, { recursive: true });
    // What such packages often carry: an empty reference, which must not win.
    cpSync(reference ?? '', join(directory, 'System.Management.Automation.dll'));
    file = join(bench.folder, 'people.csv');
    writeFileSync(file, '"id","login","level"\n"1","Ada","3"\n"2","BOB","9007199254740993"\n');
    context = bench.context({ directory, connectivity: { File: file } });
  }, 180_000);
  afterAll(() => bench.remove());

  it('is recognised by its reference', () => {
    expect(needsPowerShell(directory)).toBe(true);
  });

  it('imports what its script puts out, with the commands of all modules', async () => {
    const { entries } = await importAll(context);
    expect(entries.map(({ anchor, attributes }) => ({ ...anchor, ...attributes }))).toEqual([
      { id: '1', login: 'ada', level: 3n },
      { id: '2', login: 'bob', level: 9007199254740993n },
    ]);
  });

  const add = (login: string): EntryChange => ({
    id: 'c',
    modification: 'add',
    objectType: 'person',
    anchor: { id: '3' },
    changes: [{ name: 'login', modification: 'add', values: [login] }],
  });

  it('exports through its script, and what that throws is the answer', async () => {
    expect(await putAll(context, [add('eve')])).toEqual([{ id: 'c' }]);
    expect(readFileSync(file, 'utf8')).toContain('"3","eve",""');
    await expect(putAll(context, [add('refused')])).rejects.toThrow('the application refuses this login');
  });

  it('on Mono the message says what is missing and what to do', async () => {
    await expect(importAll(bench.context({ directory, runtime: 'mono', connectivity: { File: file } }))).rejects.toThrow(
      /PowerShell|System\.Management\.Automation/,
    );
  });
});
