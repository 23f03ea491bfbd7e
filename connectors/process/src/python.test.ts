import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorContext, EntryChange } from '@landbridge/connector-sdk';
import { contractChecks, runContractChecks, samplePeople } from '@landbridge/connector-testkit';
import { afterAll, describe, expect, it } from 'vitest';
import { pythonProgram } from '../../../tools/backends.ts';
import { connector } from './index.ts';

const SAMPLE = join(import.meta.dirname, '../../../examples/python-connector/directory_connector.py');
/** What the sample does not have. */
const NOT_THERE: readonly string[] = ['partitions', 'hierarchy', 'password', 'export-parallel', 'export-replace', 'export-rename'];
const quiet = (): void => {};
const python = pythonProgram();

describe.skipIf(python === undefined)('a connector in Python, written from the page of the wire protocol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-python-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const contextOf = (file: string): ConnectorContext => ({
    connector: 'python',
    parameters: { command: python ?? '', arguments: [SAMPLE], parameters: { file } },
    folder,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });

  it('SEC-34 passes every check of the contract test kit that applies, values that are code among them', { timeout: 120_000 }, async () => {
    const people = samplePeople('level');
    const results = await runContractChecks({
      connector,
      context: contextOf(join(folder, 'people.json')),
      module: join(import.meta.dirname, 'index.ts'),
      unreachable: contextOf(join(folder, 'nowhere/people.json')),
      ...people,
    });
    expect(results).toHaveLength(contractChecks.length);
    expect(results.filter((result) => result.status === 'failed')).toEqual([]);
    expect(results.filter((result) => result.status === 'not-applicable' && !NOT_THERE.includes(result.id))).toEqual([]);
  });

  it('opens, puts and closes in one journey; where opening fails, nothing is applied', async () => {
    const { signal } = new AbortController();
    const context = contextOf(join(folder, 'journey.json'));
    const schema = await connector.schema(context, { signal });
    const step = { kind: 'delta', schema, batchSize: 1, signal } as const;
    const add = (login: string): EntryChange => ({
      id: login,
      modification: 'add',
      objectType: 'person',
      changes: [{ name: 'login', modification: 'add', values: [login] }],
    });
    for (const [login, id] of [
      ['ada', '1'],
      ['bob', '2'],
    ] as const) {
      const batch = await connector.exportBatch?.(context, step, [add(login)]);
      expect(await Promise.allSettled([batch?.opened, batch?.results, batch?.closed])).toMatchObject([
        { status: 'fulfilled' },
        { value: [{ id: login, anchor: { id } }] },
        { status: 'fulfilled' },
      ]);
    }
    const nowhere = await connector.exportBatch?.(contextOf(join(folder, 'nowhere/people.json')), step, [add('eve')]);
    expect(await Promise.allSettled([nowhere?.opened, nowhere?.results, nowhere?.closed])).toMatchObject([
      { reason: { code: 'server-down' } },
      { reason: { code: 'terminated' } },
      { reason: { code: 'terminated' } },
    ]);
  });

  it('a program that is not there, and one that does not speak the protocol, are told apart', async () => {
    const { signal } = new AbortController();
    const missing = { ...contextOf('x'), parameters: { command: join(folder, 'no-such-program') } };
    await expect(connector.schema(missing, { signal })).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringContaining('no-such-program'),
    });
    const chatter = { ...contextOf('x'), parameters: { command: python ?? '', arguments: ['-c', 'print("hello"); input()'] } };
    await expect(connector.schema(chatter, { signal })).rejects.toMatchObject({ code: 'connection-dropped', message: expect.stringContaining('not JSON') });
    const ends = { ...contextOf('x'), parameters: { command: python ?? '', arguments: ['-c', 'raise SystemExit(4)'] } };
    await expect(connector.schema(ends, { signal })).rejects.toMatchObject({ code: 'connection-dropped', message: expect.stringContaining('exit code 4') });
  });
});
