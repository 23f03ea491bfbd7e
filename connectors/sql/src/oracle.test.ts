import { afterEach, describe, expect, it, vi } from 'vitest';
import type { CatalogueColumn, SqlDatabase, Unit } from './database.ts';
import { deltaScript } from './delta-script.ts';
import { openOracleWith } from './oracle-database.ts';
import { readSettings } from './settings.ts';
import { contextOf } from './testing/applications.ts';
import { createOracleFixture, driverError, fixtureDriver, type OracleFixture } from './testing/oracle-fixture.ts';

// Oracle's driver is a fixture: no server of it can run here.
vi.mock('oracledb', async () => ({ default: (await import('./testing/oracle-fixture.ts')).fixtureDriver }));

const signal = new AbortController().signal;
const objectTypes = { none: { table: 'none', anchor: ['none'] } };
const insert: Unit<number> = { after: [], work: async (connection) => (await connection.query('INSERT INTO t ("a") VALUES (:p1)', [1n])).changes };

function column(declared: string, more: Partial<CatalogueColumn> = {}): CatalogueColumn {
  return { ...{ name: 'C', declared, type: 'string', nullable: true, defaulted: false, assigned: false, generated: false, unique: false }, ...more };
}

describe('Oracle, against a fixture of its driver', () => {
  let fixture: OracleFixture;
  let database: SqlDatabase | undefined;
  afterEach(async () => {
    await database?.close();
    fixture.stop();
  });

  async function open(script = 'CREATE TABLE t (a INTEGER)', more: Readonly<Record<string, unknown>> = {}): Promise<SqlDatabase> {
    fixture = createOracleFixture();
    fixture.run(script);
    const { settings, problems } = readSettings({ ...fixture.parameters, objectTypes, ...more } as never);
    expect(problems).toEqual([]);
    database = await openOracleWith(fixtureDriver, settings);
    return database;
  }

  it('SEC-32: values are bound by name, whole numbers as text; a session is the same whatever the account', async () => {
    const { query } = await open();
    await query('SELECT :p1, :p2, :p3, :p4, :p5', [2n ** 63n - 1n, "o'hara", true, Buffer.from([1]), null]);
    const [session] = fixture.statements;
    expect(session?.sql).toBe(
      "ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,' NLS_COMP = BINARY NLS_SORT = BINARY NLS_LANGUAGE = AMERICAN TIME_ZONE = '+00:00'",
    );
    expect(Object.entries(fixture.statements.at(-1)?.binds ?? {}).map(([name, { type, val }]) => [name, type, val])).toEqual([
      ['p1', 'STRING', '9223372036854775807'],
      ['p2', 'STRING', "o'hara"],
      ['p3', 'NUMBER', 1],
      ['p4', 'BUFFER', Buffer.from([1])],
      ['p5', 'STRING', null],
    ]);
  });

  it.each([
    ['ORA-00001', 'already-exists'],
    ['ORA-00060', 'throttled'],
    ['ORA-01400', 'missing-attribute'],
    ['ORA-02291', 'constraint-violation'],
    ['ORA-02290', 'invalid-attribute-value'],
    ['ORA-12899', 'invalid-attribute-value'],
    ['ORA-00942', 'invalid-configuration'],
    ['ORA-01031', 'permission-denied'],
    ['ORA-20001', 'entry-failed'],
    ['NJS-123', 'timeout'],
    ['ORA-03113', 'server-down'],
  ])('%s is %s, and nothing of the transaction stays', async (number, code) => {
    const { runUnits } = await open();
    fixture.before = (sql) => {
      if (sql.startsWith('INSERT')) throw driverError(number, 'said the server');
    };
    const [outcome] = await runUnits([insert], signal);
    expect(outcome).toMatchObject({ error: { code, message: expect.stringMatching(new RegExp(`^${number}: said the server`)) } });
    expect(String((outcome as { readonly error: Error }).error.message)).not.toContain('Help:');
    fixture.before = () => {};
    expect(await runUnits([insert], signal)).toEqual([{ result: 1 }]);
    expect(fixture.rows('SELECT count(*) FROM t')).toEqual([['1']]);
  });

  it('R13: a connection that is lost during COMMIT leaves it in doubt', async () => {
    const { runUnits } = await open();
    fixture.before = (sql) => {
      if (sql === 'COMMIT') throw driverError('NJS-500', 'connection to the Oracle Database was broken');
    };
    expect(await runUnits([insert], signal)).toMatchObject([{ error: { code: 'connection-dropped' } }]);
  });

  it('a wrong password, and a server that is not there, are told apart, and the password is not repeated', async () => {
    const refused = await open('', { password: 'hunter2-kit' }).catch((error: unknown) => error as Error & { readonly code: string });
    expect(refused).toMatchObject({ code: 'bad-credentials', message: expect.stringMatching(/^127\.0\.0\.1:1521: ORA-01017/) });
    expect(JSON.stringify(refused)).not.toContain('hunter2');
    await expect(open('', { database: 'nowhere' })).rejects.toMatchObject({ code: 'server-down' });
  });

  it('a new row tells its columns by RETURNING INTO, a routine by its parameters', async () => {
    const { dialect, query } = await open('CREATE TABLE t (id INTEGER PRIMARY KEY, a VARCHAR(20))');
    const sql = dialect.insertReturning?.({ into: '"t"', names: '("a")', values: 'VALUES (:p1)' }, [
      column('NUMBER(19,0)', { name: 'id', type: 'integer' }),
      column('DATE', { name: 'a' }),
    ]);
    expect(sql).toBe('INSERT INTO "t" ("a") VALUES (:p1) RETURNING "id", TO_CHAR("a", \'YYYY-MM-DD HH24:MI:SS\') INTO :o0, :o1');
    expect((await query(sql ?? '', ['x'])).rows).toEqual([['1', 'x']]);
    const parameters = [
      { direction: 'in', value: 'ann' },
      { direction: 'inout', value: 7n },
      { direction: 'out', value: null },
    ] as const;
    expect(dialect.call?.('"HR"."ADD_ACCOUNT"', parameters, 'procedure')).toEqual([
      { sql: 'BEGIN :o1 := :p2; "HR"."ADD_ACCOUNT"(:p1, :o1, :o2); END;', values: ['ann', 7n] },
    ]);
    expect(dialect.call?.('"DROP_ACCOUNT"', [{ direction: 'in', value: 7n }], 'function')).toEqual([
      { sql: 'BEGIN :o0 := "DROP_ACCOUNT"(:p1); END;', values: [7n] },
    ]);
  });

  it('R27: times and numbers are read as texts that lose nothing, and written by their formats', async () => {
    const { dialect } = await open();
    expect(dialect.selected('x', column('TIMESTAMP(6) WITH TIME ZONE'))).toBe("TO_CHAR(x, 'YYYY-MM-DD HH24:MI:SS.FF TZH:TZM')");
    expect(dialect.selected('x', column('NUMBER'))).toBe("REGEXP_REPLACE(TO_CHAR(x, 'TM9'), '^(-?)[.]', '\\10.')");
    expect(dialect.parameter?.(':p1', column('DATE'))).toBe("CAST(TO_TIMESTAMP(:p1, 'YYYY-MM-DD HH24:MI:SS.FF') AS DATE)");
    expect(dialect.earlier([':p1'], column('TIMESTAMP(6)'))).toBe(
      "TO_CHAR(TO_TIMESTAMP(:p1, 'YYYY-MM-DD HH24:MI:SS.FF') - INTERVAL '5' MINUTE, 'YYYY-MM-DD HH24:MI:SS.FF') FROM DUAL",
    );
    expect(dialect.equalsText('x', column('NUMBER'), '0.50', () => ':p1')).toBeUndefined();
    expect(dialect.equalsText('x', column('NUMBER'), '0.5', () => ':p1')).toBe('x = TO_NUMBER(:p1)');
    expect(dialect.equals('x', column('CHAR(4)'), 'ab', () => ':p1')).toBe('RTRIM(x) = :p1');
  });

  it('the script of a change log is of PL/SQL: one trigger for a table', async () => {
    await open('CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20)); CREATE TABLE mails (person INTEGER, mail VARCHAR(40))');
    const person = { table: 'people', anchor: ['id'], multiValued: { mails: { table: 'mails', key: ['person'], value: 'mail' } } };
    const script = await deltaScript(contextOf({ parameters: fixture.parameters } as never, { person }));
    expect(script.split('\n').slice(0, 11)).toEqual([
      '-- Object type person. TRUNCATE, and programs that switch triggers off, are not seen.',
      'CREATE TABLE "landbridge_log_person" ("seq" NUMBER(19) GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "id" NUMBER(19,0), "operation" char(1) NOT NULL, "changed" TIMESTAMP(3) DEFAULT SYS_EXTRACT_UTC(SYSTIMESTAMP) NOT NULL);',
      'CREATE TRIGGER "landbridge_log_person" AFTER INSERT OR UPDATE OR DELETE ON "people" FOR EACH ROW',
      'DECLARE moved NUMBER; BEGIN',
      '  IF INSERTING THEN INSERT INTO "landbridge_log_person" ("id", "operation") VALUES (:NEW."id", \'I\');',
      '  ELSIF DELETING THEN INSERT INTO "landbridge_log_person" ("id", "operation") VALUES (:OLD."id", \'D\');',
      '  ELSE INSERT INTO "landbridge_log_person" ("id", "operation") VALUES (:NEW."id", \'U\');',
      '    SELECT COUNT(*) INTO moved FROM DUAL WHERE DECODE(:OLD."id", :NEW."id", 0, 1) = 1;',
      '    IF moved > 0 THEN INSERT INTO "landbridge_log_person" ("id", "operation") VALUES (:OLD."id", \'D\'); END IF;',
      '  END IF; END;',
      '/',
    ]);
  });

  it('the real driver loads without a download, in its thin mode, and says when nothing listens', async () => {
    const { default: driver } = await vi.importActual<{ readonly default: { readonly thin: boolean } & typeof fixtureDriver }>('oracledb');
    expect(driver.thin).toBe(true);
    for (const name of Object.keys(fixtureDriver)) expect(driver, name).toHaveProperty(name);
    fixture = createOracleFixture();
    const { settings } = readSettings({ ...fixture.parameters, port: 1, objectTypes });
    await expect(openOracleWith(driver, settings)).rejects.toMatchObject({ code: 'server-down' });
  });
});
