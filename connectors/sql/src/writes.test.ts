import type { Attributes, ConnectorContext, EntryChange, EntryResult } from '@landbridge/connector-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connector } from './index.ts';
import { formatNamedStatement, parseNamedStatement } from './named-statement.ts';
import {
  addOf,
  compare,
  contextOf,
  createMariadbBench,
  createPostgresBench,
  createSqliteBench,
  find,
  put,
  putOne,
  schemaOf,
  type TestedDialect,
  throughOdbc,
} from './testing/applications.ts';

const signal = new AbortController().signal;

describe('named values of a statement', () => {
  const format = (sql: string): readonly [string, readonly string[]] => {
    const statement = parseNamedStatement(sql);
    return [formatNamedStatement(statement, () => '?'), statement.names];
  };

  it.each([
    ['UPDATE t SET a = :a WHERE id = :id', 'UPDATE t SET a = ? WHERE id = ?', ['a', 'id']],
    ['SELECT \':a\', ":b", `:c` -- :d\n, /* :e */ :f::text, x := :g', 'SELECT \':a\', ":b", `:c` -- :d\n, /* :e */ ?::text, x := ?', ['f', 'g']],
    ['SELECT $$ :a $$, $q$ :b $q$, :"odd ""name""", :new.id', 'SELECT $$ :a $$, $q$ :b $q$, ?, ?', ['odd "name"', 'new.id']],
    ["SELECT 'it''s :a', :b", "SELECT 'it''s :a', ?", ['b']],
    ['first line\n  and another :größe', 'first line\n  and another ?', ['größe']],
  ])('%s', (sql, text, names) => {
    expect(format(sql)).toEqual([text, names]);
  });
});

/** Accounts that are written by whatever the application wants, with a side table. */
const TABLES: Readonly<Partial<Record<TestedDialect, string>>> = {
  sqlite: `CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT, login VARCHAR(40) NOT NULL UNIQUE, name TEXT, pass TEXT, row_version INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE phones (account INTEGER, phone TEXT);`,
  postgres: `CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100) PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, name text, pass text, row_version bigint NOT NULL DEFAULT 1);
    CREATE TABLE phones (account bigint, phone text);
    CREATE PROCEDURE add_account(IN p_login text, IN p_name text, IN p_pass text, INOUT p_id bigint) LANGUAGE plpgsql AS $$ BEGIN
      IF p_login = 'evil' THEN RAISE EXCEPTION 'no evil accounts'; END IF;
      INSERT INTO accounts (login, name, pass) VALUES (p_login, upper(p_name), p_pass) RETURNING id INTO p_id; END $$;
    CREATE FUNCTION rename_account(p_id bigint, p_login text, p_name text, OUT changed bigint) LANGUAGE plpgsql AS $$ BEGIN
      UPDATE accounts SET login = p_login, name = p_name WHERE id = p_id RETURNING id INTO changed; END $$;
    CREATE PROCEDURE drop_account(p_id bigint) LANGUAGE sql AS $$ DELETE FROM accounts WHERE id = p_id $$;
    CREATE PROCEDURE set_pass(p_id bigint, p_old text, p_new text) LANGUAGE plpgsql AS $$ BEGIN
      IF length(p_new) < 8 THEN RAISE EXCEPTION 'too short: %', p_new; END IF;
      UPDATE accounts SET pass = p_new WHERE id = p_id AND (p_old IS NULL OR pass = p_old); END $$;`,
  mariadb: `CREATE TABLE accounts (id bigint AUTO_INCREMENT PRIMARY KEY, login varchar(40) NOT NULL UNIQUE, name varchar(80), pass varchar(80), row_version bigint NOT NULL DEFAULT 1) AUTO_INCREMENT = 100;
    CREATE TABLE phones (account bigint, phone varchar(80));
    CREATE PROCEDURE add_account(IN p_login varchar(40), IN p_name varchar(80), IN p_pass varchar(80), OUT p_id bigint) BEGIN
      IF p_login = 'evil' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no evil accounts'; END IF;
      INSERT INTO accounts (login, name, pass) VALUES (p_login, upper(p_name), p_pass); SET p_id = last_insert_id(); END;
    CREATE FUNCTION rename_account(p_id bigint, p_login varchar(40), p_name varchar(80)) RETURNS bigint MODIFIES SQL DATA BEGIN
      UPDATE accounts SET login = p_login, name = p_name WHERE id = p_id; RETURN p_id; END;
    CREATE PROCEDURE drop_account(p_id bigint) DELETE FROM accounts WHERE id = p_id;
    CREATE PROCEDURE set_pass(p_id bigint, p_old varchar(80), p_new varchar(80)) BEGIN
      DECLARE words varchar(100) DEFAULT concat('too short: ', p_new);
      IF length(p_new) < 8 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = words; END IF;
      UPDATE accounts SET pass = p_new WHERE id = p_id AND (p_old IS NULL OR pass = p_old); END;`,
};

const base = {
  query: 'SELECT id, login, name, row_version FROM accounts',
  anchor: ['id'],
  anchorAssigned: true,
  multiValued: { phones: { table: 'phones', key: ['account'], value: 'phone' } },
};

const byStatements = {
  ...base,
  write: {
    insert: [{ statement: 'INSERT INTO accounts (login, name, pass)\nVALUES (:login, upper(:name), :password) RETURNING id', returns: ['id'] }],
    update: [
      { statement: 'UPDATE accounts SET login = :login, name = :name WHERE id = :id' },
      { statement: "UPDATE accounts SET pass = 'reset' WHERE id = :id", when: ['login'] },
    ],
    delete: [{ statement: 'DELETE FROM accounts WHERE id = :id' }],
    setPassword: [{ statement: 'UPDATE accounts SET pass = :password WHERE id = :id' }],
    changePassword: [{ statement: 'UPDATE accounts SET pass = :password WHERE id = :id AND pass = :oldPassword' }],
  },
};

const byProcedures = {
  ...base,
  write: {
    insert: [{ procedure: 'add_account', parameters: [{ value: 'login' }, { value: 'name' }, { value: 'password' }, { value: 'id', direction: 'out' }] }],
    update: [{ function: 'rename_account', parameters: [{ value: 'id' }, { value: 'login' }, { value: 'name' }] }],
    delete: [{ procedure: 'drop_account', parameters: [{ value: 'id' }] }],
    setPassword: [{ procedure: 'set_pass', parameters: [{ value: 'id' }, { value: 'oldPassword' }, { value: 'password' }] }],
    changePassword: [{ procedure: 'set_pass', parameters: [{ value: 'id' }, { value: 'oldPassword' }, { value: 'password' }] }],
  },
};

describe.each([
  createSqliteBench(),
  createPostgresBench(),
  createMariadbBench(),
  throughOdbc(createSqliteBench()),
  throughOdbc(createPostgresBench()),
  throughOdbc(createMariadbBench()),
])('writes on $name', (bench) => {
  beforeAll(() => (bench.isThere ? bench.start() : undefined));
  afterAll(() => bench.stop());
  const ways = [['statements', byStatements], ...(bench.dialect === 'sqlite' ? [] : [['procedures', byProcedures] as const])] as const;

  async function passwordSession(context: ConnectorContext) {
    const session = await connector.openPassword?.(context, { signal });
    if (session === undefined) throw new Error('there is no password session');
    return session;
  }

  const update = (anchor: Attributes | undefined, changes: EntryChange['changes'], more: Partial<EntryChange> = {}): Omit<EntryChange, 'id'> => ({
    modification: 'update',
    objectType: 'account',
    anchor: anchor ?? {},
    changes,
    ...more,
  });

  describe.each(ways)('by %s', (way, account) => {
    it.skipIf(!bench.isThere)(
      'add returns the anchor and what the application made of the entry, change and delete work, all with their side rows',
      async () => {
        const application = await bench.create(TABLES[bench.dialect] ?? '');
        const context = contextOf(application, { account });
        const added = await putOne(context, { ...addOf('account', { login: 'ann', name: 'Ann', phones: ['1', '2'] }), password: 'first-pass' });
        expect(added.error).toBeUndefined();
        expect(added.attributes).toEqual({ name: 'ANN', row_version: 1n });
        const { anchor } = added;
        expect(typeof anchor?.['id']).toBe('bigint');
        expect(await application.rows('SELECT login, name, pass FROM accounts')).toEqual([['ann', 'ANN', 'first-pass']]);
        const changes = [
          { name: 'name', modification: 'replace', values: ['Änn'] },
          { name: 'phones', modification: 'update', added: ['3'], removed: ['1'] },
        ] as const;
        expect((await putOne(context, update(anchor, changes))).error).toBeUndefined();
        expect(await application.rows('SELECT login, name, pass FROM accounts')).toEqual([['ann', 'Änn', 'first-pass']]);
        expect((await find(context, 'account', compare('login', 'equal', 'ann'))).entries[0]?.attributes?.['phones']).toEqual(['2', '3']);
        expect((await putOne(context, update(anchor, [{ name: 'name', modification: 'delete' }]))).error).toBeUndefined();
        expect(await application.rows('SELECT name FROM accounts')).toEqual([[null]]);
        expect((await putOne(context, { modification: 'delete', objectType: 'account', anchor: anchor ?? {}, changes: [] })).error).toBeUndefined();
        expect(await application.rows('SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM phones)')).toEqual([['0', '0']]);
        await application.close();
      },
    );

    it.skipIf(!bench.isThere)('what fails leaves nothing, and its neighbours alone; what is not there is not-found', async () => {
      const application = await bench.create(TABLES[bench.dialect] ?? '');
      const context = contextOf(application, { account });
      const results = await put(context, [
        { id: 'a', ...addOf('account', { login: 'bob', phones: ['1'] }) },
        { id: 'b', ...addOf('account', { login: 'bob', phones: ['2'] }) },
        { id: 'c', ...addOf('account', { login: 'cyd' }) },
      ]);
      const codes = (list: readonly EntryResult[]): readonly (string | undefined)[] => list.map((result) => result.error?.code).sort();
      expect(codes(results)).toEqual(['already-exists', undefined, undefined]);
      expect(await application.rows('SELECT count(*) FROM phones')).toEqual([['1']]);
      if (way === 'procedures') {
        expect((await putOne(context, addOf('account', { login: 'evil' }))).error).toMatchObject({
          code: 'entry-failed',
          message: expect.stringContaining('no evil'),
        });
      }
      const missing = { id: 4711n };
      expect((await putOne(context, update(missing, [{ name: 'name', modification: 'replace', values: ['x'] }]))).error?.code).toBe('not-found');
      expect((await putOne(context, { modification: 'delete', objectType: 'account', anchor: missing, changes: [] })).error?.code).toBe('not-found');
      await application.close();
    });

    it.skipIf(!bench.isThere)('R21: passwords are set and changed, and no message repeats them', async () => {
      const application = await bench.create(TABLES[bench.dialect] ?? '');
      const context = contextOf(application, { account });
      expect(await connector.capabilities(context)).toMatchObject({ password: true, exportPasswordInFirstPass: true });
      const { anchor = {} } = await putOne(context, { ...addOf('account', { login: 'dan' }), password: 'first-pass' });
      const session = await passwordSession(context);
      const entry = { objectType: 'account', anchor };
      expect(session.security).toBe('secure');
      await session.set(entry, 'second-pass', {});
      expect(await application.rows('SELECT pass FROM accounts')).toEqual([['second-pass']]);
      await session.change(entry, 'second-pass', 'third-pass');
      expect(await application.rows('SELECT pass FROM accounts')).toEqual([['third-pass']]);
      if (way === 'statements') await expect(session.change(entry, 'wrong-pass', 'fourth-pass')).rejects.toMatchObject({ code: 'old-password' });
      if (way === 'procedures') {
        const refused: unknown = await session.set(entry, 'hunter2', {}).catch((error: unknown) => error);
        expect(refused).toMatchObject({ code: 'password-policy', message: expect.stringContaining('too short') });
        expect(JSON.stringify([refused, String(refused)])).not.toContain('hunter2');
      }
      await expect(session.set({ objectType: 'account', anchor: { id: 4711n } }, 'whatever-1', {})).rejects.toMatchObject({ code: 'not-found' });
      expect(await application.rows('SELECT pass FROM accounts')).toEqual([['third-pass']]);
      await session.close();
      await application.close();
    });
  });

  it.skipIf(!bench.isThere)('steps with `when` run only when their attributes change', async () => {
    const application = await bench.create(TABLES[bench.dialect] ?? '');
    const context = contextOf(application, { account: byStatements });
    const { anchor } = await putOne(context, { ...addOf('account', { login: 'eve' }), password: 'kept' });
    await putOne(context, update(anchor, [{ name: 'name', modification: 'replace', values: ['Eve'] }]));
    expect(await application.rows('SELECT login, pass FROM accounts')).toEqual([['eve', 'kept']]);
    await putOne(context, update(anchor, [{ name: 'login', modification: 'replace', values: ['eva'] }]));
    expect(await application.rows('SELECT login, pass FROM accounts')).toEqual([['eva', 'reset']]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('an initial password goes in the transaction of a generated insert', async () => {
    const application = await bench.create(TABLES[bench.dialect] ?? '');
    const { setPassword } = byStatements.write;
    const context = contextOf(application, {
      account: { table: 'accounts', anchor: ['id'], anchorAssigned: true, attributes: { login: {} }, write: { setPassword } },
    });
    expect((await putOne(context, { ...addOf('account', { login: 'fay' }), password: 'pw' })).error).toBeUndefined();
    expect(await application.rows('SELECT login, pass FROM accounts')).toEqual([['fay', 'pw']]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('a version column: a change of what others changed is refused, and each write gives the new version', async () => {
    const application = await bench.create(TABLES[bench.dialect] ?? '');
    const context = contextOf(application, {
      account: { table: 'accounts', anchor: ['id'], anchorAssigned: true, version: { column: 'row_version' }, multiValued: base.multiValued },
    });
    const [type] = (await schemaOf(context)).objectTypes;
    expect(type?.attributes.find((attribute) => attribute.name === 'row_version')).toMatchObject({ version: true, direction: 'import-only', required: false });
    const added = await putOne(context, addOf('account', { login: 'gus' }));
    expect(added.attributes).toMatchObject({ row_version: 1n });
    const name = (value: string) => [{ name: 'name', modification: 'replace', values: [value] }] as const;
    const first = await putOne(context, update(added.anchor, name('one'), { seen: { row_version: 1n } }));
    expect(first).toMatchObject({ attributes: { row_version: 2n } });
    const stale = await putOne(context, update(added.anchor, name('two'), { seen: { row_version: 1n } }));
    expect(stale.error).toMatchObject({ code: 'version-conflict' });
    const phones = [{ name: 'phones', modification: 'update', added: ['9'], removed: [] }] as const;
    expect((await putOne(context, update(added.anchor, phones, { seen: { row_version: 1n } }))).error).toMatchObject({ code: 'version-conflict' });
    expect(await putOne(context, update(added.anchor, phones, { seen: { row_version: 2n } }))).toMatchObject({ attributes: { row_version: 3n } });
    expect(await application.rows('SELECT name, row_version FROM accounts')).toEqual([['one', '3']]);
    expect(await application.rows('SELECT phone FROM phones')).toEqual([['9']]);
    expect((await putOne(context, update({ id: 4711n }, name('x'), { seen: { row_version: 1n } }))).error?.code).toBe('not-found');
    await application.close();
  });

  it.skipIf(!bench.isThere)('rows of a side table that have ended are history; new ones get their dates', async () => {
    const application =
      await bench.create(`CREATE TABLE people (id INTEGER PRIMARY KEY); CREATE TABLE jobs (person INTEGER NOT NULL, job VARCHAR(20) NOT NULL, begun DATE NOT NULL, ended DATE NOT NULL);
      INSERT INTO people VALUES (1); INSERT INTO jobs VALUES (1, 'clerk', '2001-01-01', '2002-01-01'), (1, 'boss', '2002-01-01', '9999-01-01')`);
    const jobs = { table: 'jobs', key: ['person'], value: 'job', where: 'ended > CURRENT_DATE', set: { begun: '=today', ended: '9999-01-01' } };
    const context = contextOf(application, { person: { table: 'people', anchor: ['id'], anchorAssigned: false, multiValued: { jobs } } });
    const jobsNow = async () => (await find(context, 'person', compare('jobs', 'equal', 'boss'))).entries[0]?.attributes?.['jobs'];
    expect(await jobsNow()).toEqual(['boss']);
    expect((await find(context, 'person', compare('jobs', 'equal', 'clerk'))).entries).toEqual([]);
    const changes = [{ name: 'jobs', modification: 'update', added: ['clerk', 'boss'], removed: [] }] as const;
    expect((await putOne(context, { modification: 'update', objectType: 'person', anchor: { id: 1n }, changes })).error).toBeUndefined();
    expect(await jobsNow()).toEqual(['boss', 'clerk']);
    const end = [{ name: 'jobs', modification: 'update', added: [], removed: ['clerk'] }] as const;
    expect((await putOne(context, { modification: 'update', objectType: 'person', anchor: { id: 1n }, changes: end })).error).toBeUndefined();
    expect(await application.rows('SELECT job, begun FROM jobs ORDER BY begun')).toEqual([
      ['clerk', '2001-01-01'],
      ['boss', '2002-01-01'],
    ]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('values of a side table are added, removed and cleared by steps of their own, none twice, and follow an anchor', async () => {
    const application =
      await bench.create(`CREATE TABLE people (id INTEGER PRIMARY KEY, login VARCHAR(20)); CREATE TABLE mails (person INTEGER, mail VARCHAR(40), gone INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE steps (step VARCHAR(80)); CREATE VIEW live_mails AS SELECT person, mail FROM mails WHERE gone = 0`);
    const told = (word: string) => ({ statement: `INSERT INTO steps VALUES ('${word}')` });
    const mails = {
      table: 'live_mails',
      key: ['person'],
      value: 'mail',
      write: {
        add: [{ statement: 'INSERT INTO mails (person, mail) VALUES (:id, :value)' }, told('add')],
        remove: [{ statement: 'UPDATE mails SET gone = 1 WHERE person = :id AND mail = :value' }, told('remove')],
        clear: [{ statement: 'UPDATE mails SET gone = 1 WHERE person = :id' }, told('clear')],
      },
    };
    const context = contextOf(application, { person: { table: 'people', anchor: ['id'], anchorAssigned: false, multiValued: { mails } } });
    const change = async (part: EntryChange['changes'][number], id = 1n) => {
      expect((await putOne(context, { modification: 'update', objectType: 'person', anchor: { id }, changes: [part] })).error).toBeUndefined();
      const steps = (await application.rows('SELECT step FROM steps ORDER BY step')).map(([step]) => step);
      await application.run('DELETE FROM steps');
      return [(await application.rows('SELECT person, mail FROM live_mails ORDER BY mail')).map((row) => row.join(' ')), steps];
    };
    expect((await putOne(context, addOf('person', { id: 1n, login: 'a', mails: ['a@x', 'b@x'] }))).error).toBeUndefined();
    await application.run('DELETE FROM steps');
    expect(await change({ name: 'mails', modification: 'update', added: ['c@x', 'a@x'], removed: ['b@x', 'z@x'] })).toEqual([
      ['1 a@x', '1 c@x'],
      ['add', 'remove'],
    ]);
    expect(await change({ name: 'mails', modification: 'replace', values: ["o'hara@x", 'a@x'] })).toEqual([
      ['1 a@x', "1 o'hara@x"],
      ['add', 'remove'],
    ]);
    expect(await change({ name: 'id', modification: 'replace', values: [2n] })).toEqual([
      ['2 a@x', "2 o'hara@x"],
      ['add', 'add', 'clear'],
    ]);
    expect(await change({ name: 'mails', modification: 'delete' }, 2n)).toEqual([[], ['clear']]);
    expect(await change({ name: 'mails', modification: 'replace', values: ['d@x'] }, 2n)).toEqual([['2 d@x'], ['add']]);
    expect((await putOne(context, { modification: 'delete', objectType: 'person', anchor: { id: 2n }, changes: [] })).error).toBeUndefined();
    expect(await application.rows('SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM live_mails), (SELECT count(*) FROM mails)')).toEqual([
      ['0', '0', '7'],
    ]);
    await application.close();
  });

  it.skipIf(!bench.isThere)('a statement that names what is no attribute is refused with its place', async () => {
    const application = await bench.create(TABLES[bench.dialect] ?? '');
    const account = { ...base, write: { update: [{ statement: 'UPDATE accounts SET name = :nmae WHERE id = :id' }] } };
    await expect(schemaOf(contextOf(application, { account }))).rejects.toMatchObject({
      code: 'invalid-configuration',
      message: expect.stringMatching(/objectTypes\.account\.write\.update\[0\]: there is no attribute "nmae"/),
    });
    await application.close();
  });
});
