import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ConnectorContext, EntryChange, ImportEntry } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { monoPrograms } from '../../../tools/backends.ts';
import { buildConnector, sourcesOf } from './build-worker.ts';
import { connector } from './index.ts';

const quiet = (): void => {};
const { signal } = new AbortController();

describe.skipIf(monoPrograms() === undefined)('the sample ECMA2 connector on Mono', () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-ecma2-'));
  const application = join(folder, 'application');
  let context: ConnectorContext;
  beforeAll(async () => {
    mkdirSync(application);
    const dll = await buildConnector('Landbridge.Sample.Directory', sourcesOf('sample'));
    context = {
      connector: 'sample',
      parameters: { directory: dirname(dll), connectivity: { Folder: application, Password: 'hunter2-kit' } },
      folder: join(folder, 'own'),
      log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    };
    mkdirSync(context.folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function importAll(): Promise<readonly ImportEntry[]> {
    const schema = await connector.schema(context, { signal });
    const session = await connector.openImport?.(context, { kind: 'full', schema, pageSize: 100, signal });
    const entries: ImportEntry[] = [];
    for (let more = true; more; ) {
      const page = await session?.readPage({ signal });
      entries.push(...(page?.entries ?? []));
      more = page?.more === true;
    }
    await session?.close('normal');
    return entries;
  }

  it('exports a person and a group and imports them again, each run with a new object', async () => {
    const schema = await connector.schema(context, { signal });
    const session = await connector.openExport?.(context, { kind: 'delta', schema, batchSize: 10, signal });
    const person: EntryChange = {
      id: 'one',
      modification: 'add',
      objectType: 'person',
      changes: [
        { name: 'login', modification: 'add', values: ['zoë'] },
        { name: 'level', modification: 'add', values: [2n ** 53n + 1n] },
        { name: 'active', modification: 'add', values: [true] },
        { name: 'photo', modification: 'add', values: [new Uint8Array([0, 255, 10])] },
        { name: 'mails', modification: 'add', values: ['a@x', 'b@x'] },
      ],
    };
    const [result] = (await session?.put([person], { signal })) ?? [];
    expect(result).toEqual({ id: 'one', anchor: { id: '1000' } });
    const group: EntryChange = {
      id: 'two',
      modification: 'add',
      objectType: 'group',
      changes: [
        { name: 'name', modification: 'add', values: ['Research'] },
        { name: 'members', modification: 'add', values: ['1000'] },
      ],
    };
    await session?.put([group], { signal });
    await session?.close('normal');
    for (let round = 0; round < 2; round += 1) {
      const entries = await importAll();
      expect(entries).toHaveLength(2);
      expect(entries[0]).toMatchObject({
        objectType: 'person',
        anchor: { id: '1000' },
        attributes: { login: 'zoë', level: 2n ** 53n + 1n, active: true, mails: ['a@x', 'b@x'], photo: Buffer.from([0, 255, 10]) },
      });
      expect(entries[1]).toMatchObject({ objectType: 'group', attributes: { name: 'Research', members: ['1000'] } });
    }
  });
});
