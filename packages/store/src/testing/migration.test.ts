import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import { verifyChain } from '../audit-chain.ts';
import type { ConnectorReader } from '../connector-store.ts';
import { connectorFile } from '../installation.ts';
import { migrateFromSqlite } from '../migrate-sqlite-to-postgres.ts';
import { openPostgresControlStore } from '../postgres/control-database.ts';
import { openPostgresConnectorStore } from '../postgres/open-postgres-store.ts';
import { openSqliteControlStore } from '../sqlite/control-database.ts';
import { openSqliteConnectorStore } from '../sqlite/open-sqlite-store.ts';
import { audit, createDriver, group, model, person, sets } from './people.ts';
import { AUDIT_KEY } from './stores.ts';

/** A SQLite installation with something of everything, moved. */
describe.skipIf(postgresPrograms() === undefined)('moving from SQLite to PostgreSQL', () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-migrate-'));
  let postgres: PrivatePostgres;
  const none = (): void => {};
  const target = (schema: string) => ({ url: postgres.url, schema });

  beforeAll(async () => {
    postgres = await startPostgres();
    const file = connectorFile(folder, 'hr');
    mkdirSync(dirname(file), { recursive: true });
    const opened = await openSqliteConnectorStore({ file, thread: false, auditKey: AUDIT_KEY });
    const drive = createDriver(opened.store, opened.reader);
    await opened.store.configure(model);
    await opened.store.openStreams(['s']);
    const people = [
      person('1', { login: 'Ada', title: 'a\t"\\N\n', mails: ['Ada@x'], manager: 'ghost', level: '9007199254740993' }),
      person('2', { login: 'bob', note: '\u0000 and \ud800' }),
      person('3'),
    ];
    await drive.import([...people, group('g', ['1', '2', 'nobody'])], { watermark: 'w7' });
    const ada = await drive.row('1');
    const change = { shadow: { active: false }, externalId: { client: 'c', value: 'E' }, aliases: ['old'] };
    await opened.store.commitLinkChanges([{ scimId: ada?.scimId ?? '', change, audit, events: { kinds: ['patch'], async: false }, at: 9 }]);
    await drive.write({ kind: 'update', entryId: ada?.id ?? 0, effect: sets({ title: 'new' }) });
    await drive.write({ kind: 'delete', entryId: (await drive.row('3'))?.id ?? 0 });
    await drive.intend({ kind: 'add', claims: [{ objectType: 'person', attribute: 'login', key: 'eve' }], effect: sets({ login: 'eve' }), sealed: 's' });
    await drive.import([person('1', { login: 'Ada', title: 'new' }), group('g', ['1', 'nobody'])], { hold: { reason: 'many' } });
    await opened.close();
    const control = openSqliteControlStore(join(folder, 'control.db'), AUDIT_KEY);
    await control.addRevision({ document: '{}', author: 'me', at: 1, summary: 's' });
    await control.writeSetting('x', 'y');
    await control.addAudit({ at: 1, actor: 'a', action: 'b', detail: 'c' });
    await control.addToken({
      id: 't',
      scope: { kind: 'admin' },
      label: 'l',
      hash: 'h',
      createdAt: 1,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedAt: undefined,
    });
    await control.touchTokens([{ id: 't', at: 4 }]);
    await control.close();
  });

  afterAll(async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Everything that readers of the store can see. */
  async function look(reader: ConnectorReader): Promise<unknown> {
    const rows = (objectType: string) => reader.query({ objectType, limit: 100, total: true, scanLimit: 1000 });
    const team = await reader.readByAnchor('group', 'g');
    const references = [...(await reader.readReferences(team?.id ?? 0, 'members', { limit: 10 }))].sort((left, right) => (left.raw < right.raw ? -1 : 1));
    const login = { kind: 'compare', attribute: 'login', comparison: 'equal', value: 'ADA', type: 'string', caseExact: false } as const;
    const mails = { ...login, attribute: 'mails', value: 'ada@X' } as const;
    const find = (filter: typeof login | typeof mails) => reader.query({ objectType: 'person', filter, limit: 5, total: true, scanLimit: 0 });
    return {
      people: await rows('person'),
      groups: await rows('group'),
      references,
      found: [await find(login), await find(mails)],
      alias: await reader.readResource('old'),
      journal: await reader.readJournal({ limit: 100 }),
      open: await reader.readOpenJournal(),
      runs: await reader.readRuns({ limit: 100 }),
      held: await reader.readHeld((await reader.readRuns({ limit: 1 }))[0]?.id ?? 0, { limit: 10 }),
      audit: await reader.readAudit({ limit: 100 }),
      watermark: await reader.readWatermark(''),
      events: await reader.readEvents('s', 10),
      streams: await reader.readEventStreams(),
    };
  }

  it('R3 R4 everything is there, and goes on where it was: ids, claims, fences, references that wait', async () => {
    const before = await openSqliteConnectorStore({ file: connectorFile(folder, 'hr'), thread: false });
    const expected = await look(before.reader);
    await before.close();
    const parts = await migrateFromSqlite(folder, target('moved'), none);
    expect(parts.map((part) => [part.name, part.status])).toEqual([
      ['hr', 'moved'],
      ['control data', 'moved'],
    ]);
    expect(parts[0]?.rows).toMatchObject({ entries: 3, journal: 3, claims: 1, held: 1, links: 2, audit: 3, runs: 2 });
    const opened = await openPostgresConnectorStore({ postgres: target('moved'), connector: 'hr', owner: 'test', thread: false, auditKey: AUDIT_KEY });
    expect(await look(opened.reader)).toEqual(expected);
    expect(await opened.store.configure(model)).toEqual({ changed: false });
    const drive = createDriver(opened.store, opened.reader);
    expect(await drive.intend({ kind: 'add', claims: [{ objectType: 'person', attribute: 'login', key: 'eve' }] })).toMatchObject({
      status: 'claimed',
      inDoubt: true,
    });
    expect(await drive.intend({ kind: 'add', claims: [{ objectType: 'person', attribute: 'login', key: 'zed' }] })).toMatchObject({
      status: 'intended',
      journalId: 4,
      entryId: 6,
    });
    // SEC-60: the chain came along, and goes on.
    await drive.write({ kind: 'update', entryId: (await drive.row('2'))?.id ?? 0, effect: sets({ title: 'x' }) });
    expect(await verifyChain(opened.reader.auditChain)).toMatchObject({ intact: true, rows: 4, uncovered: 0 });
    await drive.import([person('nobody')], { kind: 'delta' });
    expect(await drive.members('g')).toEqual(['1', 'nobody']);
    await opened.close();
    const control = await openPostgresControlStore(target('moved'), AUDIT_KEY);
    expect(await control.readRevision()).toMatchObject({ number: 1, author: 'me' });
    expect(await control.addRevision({ document: '{}', author: 'me', at: 1, summary: 's' })).toBe(2);
    expect(await verifyChain(control.auditChain)).toMatchObject({ intact: true, rows: 1 });
    expect([await control.readSetting('x'), (await control.listAudit(5)).length, (await control.listTokens())[0]?.lastUsedAt]).toEqual(['y', 1, 4]);
    await control.close();
  });

  it('R3 an interrupted move goes on; a target with anything else in it, or in use, is refused and keeps what it has', async () => {
    const options = target('twice');
    const other = await openPostgresControlStore(options);
    await other.writeSetting('of', 'somebody else');
    await expect(migrateFromSqlite(folder, options, none)).rejects.toThrow(
      'control data could not be moved: the schema has rows in the table settings already',
    );
    expect(await other.readSetting('of')).toBe('somebody else');
    await other.close();
    postgres.psql('DELETE FROM twice.settings');
    expect((await migrateFromSqlite(folder, options, none)).map((part) => part.status)).toEqual(['moved', 'moved']);
    // Killed before the control data, which come last.
    postgres.psql('DROP SCHEMA twice CASCADE');
    expect((await migrateFromSqlite(folder, options, none)).map((part) => part.status)).toEqual(['present', 'moved']);
    expect((await migrateFromSqlite(folder, options, none)).map((part) => part.status)).toEqual(['present', 'present']);
    // The host on SQLite ran once more: what was moved is out of date, and nobody has used it.
    const opened = await openSqliteConnectorStore({ file: connectorFile(folder, 'hr'), thread: false });
    await createDriver(opened.store, opened.reader).import([person('8')], { kind: 'delta' });
    await opened.close();
    expect((await migrateFromSqlite(folder, options, none)).map((part) => part.status)).toEqual(['moved', 'present']);
    await expect(migrateFromSqlite(folder, target('moved'), none)).rejects.toThrow('hr could not be moved: a host has used the schema already');
  });

  it('R3 what another data folder moved there stays, though no host has used it yet, and nothing is put beside it', async () => {
    const options = target('taken');
    await migrateFromSqlite(folder, options, none);
    const before = postgres.psql('SELECT * FROM taken_hr.entries ORDER BY id; SELECT * FROM taken.settings ORDER BY name; SELECT * FROM taken.tokens');
    const second = mkdtempSync(join(tmpdir(), 'landbridge-migrate-second-'));
    try {
      for (const connector of ['hr', 'crm']) {
        const file = connectorFile(second, connector);
        mkdirSync(dirname(file), { recursive: true });
        await (await openSqliteConnectorStore({ file, thread: false })).close();
      }
      await openSqliteControlStore(join(second, 'control.db')).close();
      await expect(migrateFromSqlite(second, options, none)).rejects.toThrow('the schema holds the state of another data folder');
    } finally {
      rmSync(second, { recursive: true, force: true });
    }
    expect(postgres.psql('SELECT * FROM taken_hr.entries ORDER BY id; SELECT * FROM taken.settings ORDER BY name; SELECT * FROM taken.tokens')).toBe(before);
    expect(postgres.psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'taken%' ORDER BY 1").trim().split('\n')).toEqual(['taken', 'taken_hr']);
  });
});
