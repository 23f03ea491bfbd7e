import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import type { OpenStore } from '../open-store.ts';
import { compileModel } from '../rules/stored-model.ts';
import type { StoreModel } from '../store-model.ts';
import { createDriver, directoryModel, group, model, person } from '../testing/people.ts';
import { openPool, type Row } from './connection.ts';
import { openPostgresConnectorStore } from './open-postgres-store.ts';
import { allFrom } from './reader.ts';
import { referencesBy } from './records.ts';
import { referencesByKey } from './spelled-references.ts';

describe.skipIf(postgresPrograms() === undefined)('reads of many entries', () => {
  const PEOPLE = 5000;
  let postgres: PrivatePostgres;
  let opened: OpenStore;
  beforeAll(async () => {
    postgres = await startPostgres();
    opened = await openPostgresConnectorStore({ postgres, connector: 'hr', owner: 'suite', thread: false });
    await opened.store.configure(model);
    const drive = createDriver(opened.store, opened.reader);
    await drive.import(Array.from({ length: PEOPLE }, (_, index) => person(String(index), { login: `user${index}`, note: 'x'.repeat(300) })));
    await opened.store.checkpoint();
  });
  afterAll(async () => {
    await opened.close();
    await postgres.stop();
  });

  it('S-106 the plan of a page takes entries in their order, and never puts all of them in order first', () => {
    const values: Readonly<Record<string, string>> = { $1: '1000', $2: '100', $3: '20' };
    const otype = Number(postgres.psql('SELECT id FROM landbridge_hr.types LIMIT 1'));
    const statement = allFrom(otype).replace(/\$\d/g, (place) => values[place] ?? place);
    const plan = postgres.psql(`SET search_path = landbridge_hr; EXPLAIN ${statement}`);
    expect(plan).toContain('Index Scan');
    expect(plan).not.toMatch(/Sort|Seq Scan on entries/);
  });

  it('S-250 a resource, and the rows of a page, come with what they refer to: a round trip less', async () => {
    const other = await openPostgresConnectorStore({ postgres: { url: postgres.url, schema: 'referring' }, connector: 'hr', owner: 'suite', thread: false });
    await other.store.configure(model);
    await createDriver(other.store, other.reader).import([person('1', { login: 'ada' }), person('2', { login: 'bob', manager: '1' })]);
    const references = [{ attribute: 'manager', raw: '1', entryId: 1 }];
    const filter = { kind: 'compare', attribute: 'login', comparison: 'equal', value: 'bob', type: 'string', caseExact: false } as const;
    const ask = { objectType: 'person', limit: 10, total: true, scanLimit: 0, referring: ['manager'] } as const;
    expect((await other.reader.query(ask)).rows).toMatchObject([{ references: [] }, { references }]);
    const { rows } = await other.reader.query({ ...ask, filter });
    expect(rows).toMatchObject([{ references }]);
    expect(await other.reader.readResource(rows[0]?.scimId ?? '', ['manager'])).toMatchObject({ references });
    expect(await other.reader.readResource(rows[0]?.scimId ?? '')).not.toHaveProperty('references');
    await other.close();
  });

  it('S-106 a query is planned for its values each time, a look-up once', async () => {
    const pool = openPool({ url: postgres.url }, 'landbridge_hr', 1);
    const kept = async (queries: Pick<typeof pool, 'all' | 'get'>): Promise<Row | undefined> => {
      for (let time = 0; time < 8; time += 1) await queries.all('SELECT e.body FROM entries e WHERE e.id = $1', 10);
      return queries.get("SELECT generic_plans AS once, custom_plans AS each FROM pg_prepared_statements WHERE statement LIKE '%entries e%'");
    };
    expect(await kept(pool)).toEqual({ once: 0, each: 8 });
    expect(await kept(pool.lookUps)).toEqual({ once: 8, each: 0 });
    await pool.close();
  });

  it('S-250 what an entry refers to by one attribute is found without reading what it refers to by another: a group has a million members', async () => {
    const everybody = Array.from({ length: PEOPLE }, (_, index) => String(index));
    await createDriver(opened.store, opened.reader).import([group('everybody', everybody)], { kind: 'delta' });
    const pool = openPool({ url: postgres.url }, 'landbridge_hr', 1);
    await pool.all('ANALYZE refs');
    const large = await pool.get('SELECT entry, attr, count(*) AS members FROM refs GROUP BY entry, attr ORDER BY members DESC LIMIT 1');
    expect(large).toMatchObject({ members: PEOPLE });
    const sql = `EXPLAIN ANALYZE SELECT r.raw FROM unnest($1::bigint[]) i(entry) CROSS JOIN ${referencesBy('i.entry', '$2')}`;
    const plan = await pool.lookUps.all(sql, [Number(large?.['entry'])], [Number(large?.['attr']) + 1000]);
    const text = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
    expect(text).toContain('AND (attr = a.attr)');
    expect(text).not.toContain('Rows Removed');
    await pool.close();
  });

  it.each<StoreModel>([{ ...model, normalizations: ['uppercase'] }, directoryModel])(
    'R27 a reference that is spelled in another way is found without looking at all of its entry, by $referenceForm',
    async (spelled) => {
      const pool = openPool({ url: postgres.url }, 'landbridge_hr', 1);
      const numbers = async (table: string): Promise<ReadonlyMap<string, number>> =>
        new Map((await pool.all(`SELECT name, id FROM ${table}`)).map((row) => [String(row['name']), Number(row['id'])]));
      const compiled = compileModel(spelled, await numbers('types'), await numbers('attributes'));
      const large = await pool.get('SELECT entry, attr, count(*) AS members FROM refs GROUP BY entry, attr ORDER BY members DESC LIMIT 1');
      expect(large).toMatchObject({ members: PEOPLE });
      const values = [Number(large?.['entry']), Number(large?.['attr']), ['17'], ['17']] as const;
      const plan = await pool.lookUps.all(`EXPLAIN ANALYZE ${referencesByKey(compiled)}`, ...values);
      const text = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
      expect(text).toContain('Index Cond: ((target = ');
      expect(text).not.toMatch(/Rows Removed|Seq Scan/);
      // The people of this suite have no names of a directory.
      expect(await pool.all(referencesByKey(compiled), ...values)).toEqual(spelled.referenceForm === 'dn' ? [] : [{ asked: '17', raw: '17' }]);
      await pool.close();
    },
  );

  it('S-106 no read waits until workers have started, which costs more than a page', async () => {
    const pool = openPool({ url: postgres.url }, 'landbridge_hr', 1);
    // Whatever is read is dear to a planner with these prices, and a worker costs nothing.
    await pool.all('SET parallel_setup_cost = 0');
    await pool.all('SET parallel_tuple_cost = 0');
    await pool.all('SET min_parallel_table_scan_size = 0');
    const plan = await pool.all("EXPLAIN SELECT count(*) FROM entries WHERE strpos(body, 'no such') > 0");
    await pool.close();
    expect(plan.map((row) => String(row['QUERY PLAN'])).join('\n')).not.toContain('Gather');
    expect(plan.length).toBeGreaterThan(0);
  });

  it('R22 the planner hears of entries while a first import goes on, not after it', async () => {
    const other = await openPostgresConnectorStore({ postgres: { url: postgres.url, schema: 'growing' }, connector: 'hr', owner: 'suite', thread: false });
    await other.store.configure(model);
    const { stepId } = await createDriver(other.store, other.reader).begin();
    for (let page = 0; page < 3; page += 1)
      await other.store.applyPage(
        stepId,
        Array.from({ length: 500 }, (_, index) => person(`${page}-${index}`, { login: `user${page}-${index}` })),
      );
    const known = "SELECT count(*) > 0 FROM pg_stats WHERE schemaname = 'growing_hr' AND tablename = 'entries' AND attname = 'anchor_key'";
    await expect.poll(() => postgres.psql(known).trim(), { timeout: 10_000 }).toBe('t');
    await other.close();
  });

  it('S-106 many reads of one kind at once have each their own answer', async () => {
    const { reader } = opened;
    const rows = await Promise.all(Array.from({ length: 300 }, (_, index) => reader.readByAnchor('person', String(index * 7))));
    const again = await Promise.all(rows.map((row) => reader.readResource(row?.scimId ?? '')));
    expect(again.map((row) => row?.anchor)).toEqual(rows.map((row) => row?.anchor));
    expect(await Promise.all(['nobody', 'nobody'].map((id) => reader.readResource(id)))).toEqual([undefined, undefined]);
  });

  it('S-100 what finds a handful says how many there are without counting, and a full page counts', async () => {
    const find = (login: string, limit: number) =>
      opened.reader.query({
        objectType: 'person',
        filter: {
          kind: 'compare',
          attribute: 'login',
          type: 'string',
          comparison: login.endsWith('*') ? 'starts' : 'equal',
          value: login.replace('*', ''),
          caseExact: false,
        },
        limit,
        offset: 0,
        total: true,
        scanLimit: 10,
      });
    expect(await find('USER77', 5)).toMatchObject({ total: 1, rows: [{ anchor: '77' }] });
    expect(await find('nobody', 5)).toEqual({ total: 0, rows: [] });
    expect(await find('user12*', 111)).toMatchObject({ total: 111 });
    expect(await find('user12*', 5)).toMatchObject({ total: 111 });
  });
});
