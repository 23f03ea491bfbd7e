import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConnectorContext } from '@landbridge/connector-sdk';
import { contractChecks, runContractChecks, samplePeople } from '@landbridge/connector-testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dotnetProgram, monoPrograms } from '../../../tools/backends.ts';
import { buildConnector, sourcesOf } from './build-worker.ts';
import { connector } from './index.ts';

const quiet = (): void => {};
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
/** Checks of what ECMA2 does not have. */
const NOT_ECMA2: readonly string[] = ['find', 'find-none', 'find-limit', 'export-parallel', 'export-required', 'export-at-once', 'watch'];

describe.skipIf(monoPrograms() === undefined)('the contract through the .NET worker', () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-ecma2-'));
  let directory = '';
  const people = samplePeople('level');
  beforeAll(async () => {
    directory = dirname(await buildConnector('Landbridge.Sample.Directory', sourcesOf('sample')));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function contextOf(
    name: string,
    capabilities: Readonly<Record<string, string | boolean>>,
    connectivity: Readonly<Record<string, string>> = {},
    own: Readonly<Record<string, string>> = {},
  ): ConnectorContext {
    const application = join(folder, name);
    mkdirSync(application, { recursive: true });
    mkdirSync(join(folder, 'own'), { recursive: true });
    return {
      connector: name,
      folder: join(folder, 'own'),
      log,
      parameters: { directory, ...own, isolatedEntries: true, capabilities, connectivity: { Folder: application, ...connectivity } },
    };
  }

  async function check(
    name: string,
    capabilities: Readonly<Record<string, string | boolean>>,
    own: Readonly<Record<string, string>> = {},
  ): Promise<readonly string[]> {
    const results = await runContractChecks({
      connector,
      context: contextOf(name, capabilities, {}, own),
      unreachable: contextOf(name, capabilities, { Folder: join(folder, 'nowhere'), Password: 'hunter2-kit' }, own),
      secrets: ['hunter2-kit'],
      ...people,
    });
    expect(results).toHaveLength(contractChecks.length);
    expect(results.filter((result) => result.status === 'failed')).toEqual([]);
    return results.filter((result) => result.status === 'not-applicable' && !NOT_ECMA2.includes(result.id)).map((result) => result.id);
  }

  it('is kept by the sample connector', { timeout: 120_000 }, async () => {
    expect(await check('plain', {})).toEqual(['partitions', 'hierarchy', 'export-replace', 'export-rename']);
  });

  it('is kept on names of LDAP with partitions, renames, and whole objects', { timeout: 240_000 }, async () => {
    const capabilities = { 'DN style': 'Ldap', 'Object rename': true, 'Export type': 'ObjectReplace' };
    expect(await check('ldap', capabilities)).toEqual([]);
  });

  it.skipIf(dotnetProgram() === undefined)('is kept by the same DLL, compiled for .NET Framework, on the current .NET', { timeout: 240_000 }, async () => {
    expect(await check('current', {}, { runtime: 'dotnet' })).toEqual(['partitions', 'hierarchy', 'export-replace', 'export-rename']);
  });
});
