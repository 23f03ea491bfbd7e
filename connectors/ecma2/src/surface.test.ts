import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectorErrors } from '@landbridge/connector-sdk';
import { describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { BRIDGE, buildWorker } from './build-worker.ts';

const list = readFileSync(join(BRIDGE, 'testing/surface.txt'), 'utf8');
const programs = monoPrograms();

/** The members of an enumeration in the list. */
function membersOf(name: string): readonly string[] {
  const lines = list.split('\n');
  const start = lines.indexOf(`enum Microsoft.MetadirectoryServices.${name}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('  '));
  return lines.slice(start + 1, end).map((line) => line.trim().split(' ')[1] ?? '');
}

describe('the contract assembly', () => {
  it.skipIf(programs === undefined)('has exactly the types, members and numbers that connectors are compiled against', async () => {
    if (programs === undefined) return;
    const folder = mkdtempSync(join(tmpdir(), 'landbridge-surface-'));
    try {
      const { contract } = await buildWorker('mono');
      const program = join(folder, 'surface.exe');
      execFileSync(programs.compiler, [`-out:${program}`, join(BRIDGE, 'testing/Surface.cs')]);
      expect(execFileSync(programs.runtime, [program, contract], { encoding: 'utf8' })).toBe(list);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('has the 42 exceptions, and each has its row in the table of errors or is one of rules extensions (R19)', () => {
    const exceptions = [...list.matchAll(/class Microsoft\.MetadirectoryServices\.(\w+Exception) : /g)].map((match) => match[1] ?? '');
    expect(exceptions).toHaveLength(42);
    const known = new Set<string>(Object.values(connectorErrors).flatMap((row) => row.ecma2 as readonly string[]));
    expect(exceptions.filter((name) => !known.has(name))).toEqual([
      'AttributeNotDefinedAsSourceException',
      'AttributeNotInInclusionListException',
      'DeclineMappingException',
      'FunctionEvaluationException',
      'MetadirectoryServicesException',
      'ProvisioningBySyncRuleException',
    ]);
  });

  it.each(['MAExportError', 'MAImportError'])('each member of %s has its row in the table of errors (R19)', (name) => {
    const rows = Object.entries(connectorErrors);
    const members = membersOf(name).filter((member) => member !== 'Success');
    expect(members.length).toBeGreaterThan(15);
    for (const member of members) expect(rows.filter(([, row]) => (row.ecma2 as readonly string[]).includes(member))).toHaveLength(1);
  });
});
