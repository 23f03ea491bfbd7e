import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SqlDatabase, Unit } from './database.ts';
import { mssqlCatalogue } from './mssql-catalogue.ts';
import { openMssql } from './mssql-database.ts';
import { authenticationOf } from './mssql-sign-in.ts';
import { readSettings } from './settings.ts';
import { startTdsServer, type TdsResult, type TdsServer, type TdsStatement } from './testing/tds-server.ts';
import type { TdsColumn, TdsValue } from './testing/tds-wire.ts';

const signal = new AbortController().signal;
const objectTypes = { none: { table: 'none', anchor: ['none'] } };
const opened: { close(): Promise<unknown> }[] = [];

type Answer = (statement: TdsStatement) => readonly TdsResult[] | Promise<readonly TdsResult[]>;

/** A scripted server, and the database that the connector makes of it by the real driver. */
async function open(
  answer: Answer,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly server: TdsServer; readonly database: SqlDatabase; readonly seen: () => readonly TdsStatement[] }> {
  const server = await startTdsServer(({ password }) =>
    password === 'right'
      ? {
          run: async (statement) =>
            statement.sql === mssqlCatalogue.facts ? [{ columns: [{ name: 's', type: 'tinyint' }], rows: [[1n]] }] : answer(statement),
          close() {},
        }
      : { number: 18456, class: 14, message: "Login failed for user 'idm'." },
  );
  opened.push({ close: () => server.stop() });
  const parameters = { dialect: 'mssql', host: '127.0.0.1', port: server.port, user: 'idm', password: 'right', tls: { mode: 'disable' }, objectTypes, ...more };
  const { settings, problems } = readSettings(parameters as never);
  expect(problems).toEqual([]);
  const database = await openMssql(settings);
  opened.unshift(database);
  return { server, database, seen: () => server.statements.filter(({ sql }) => sql !== mssqlCatalogue.facts) };
}

function rowsOf(columns: readonly TdsColumn[], ...rows: readonly (readonly TdsValue[])[]): TdsResult {
  return { columns, rows };
}

const control: Answer = ({ sql }) => {
  if (sql === 'BEGIN TRANSACTION') return [{ transaction: 'begin' }];
  if (sql === 'COMMIT TRANSACTION') return [{ transaction: 'commit' }];
  return /ROLLBACK/.test(sql) ? [{ transaction: 'rollback' }] : [{ count: 1 }];
};

const insert: Unit<number> = { after: [], work: async (connection) => (await connection.query('INSERT INTO t VALUES (@p1)', [1n])).changes };

describe('the driver of SQL Server against a fixture of its protocol', () => {
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  it('R27: values of every type arrive as they are, and none as none', async () => {
    const long = `${'ü€😀'.repeat(20_000)}'`;
    const bytes = Buffer.alloc(100_000, 7);
    const columns: readonly TdsColumn[] = (
      ['bigint', 'int', 'smallint', 'tinyint', 'bit', 'nvarchar', 'nvarchar(max)', 'varchar', 'varbinary(max)', 'uniqueidentifier', 'float'] as const
    ).map((type) => ({ name: type, type }));
    const values: readonly TdsValue[] = [
      ...[2n ** 63n - 1n, -(2n ** 31n), -32768n, 255n, true, 'ä', long, 'Zoë', bytes, '0E984725-C51C-4BF4-9960-E1C80E27ABA0', 0.1],
    ];
    const { database } = await open(() => [
      rowsOf(
        columns,
        values,
        columns.map(() => null),
      ),
    ]);
    const [row, none] = (await database.query('SELECT everything', [])).rows;
    expect(row?.map((value) => (typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : value))).toEqual([
      ...['9223372036854775807', -(2n ** 31n), -32768n, 255n, true, 'ä', long, 'Zoë', bytes, '0E984725-C51C-4BF4-9960-E1C80E27ABA0', 0.1],
    ]);
    expect(none).toEqual(columns.map(() => null));
  });

  it('SEC-32: values go apart from the text, declared by few types, and lose nothing', async () => {
    const { database, seen } = await open(control);
    const long = 'ö'.repeat(4001);
    const bytes = Buffer.alloc(8001, 1);
    const values = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 63n, "o'hara ]]; DROP", '', long, true, Buffer.from([0, 255]), bytes, null, 5, 0.5];
    await database.query('SELECT 1', values);
    const [statement] = seen();
    expect(statement?.sql).toBe('SELECT 1');
    expect(statement?.declarations.split(/, ?/).map((one) => one.trim().split(' ')[1])).toEqual([
      ...['bigint', 'bigint', 'nvarchar(4000)', 'nvarchar(4000)', 'nvarchar(4000)', 'nvarchar(max)', 'bit', 'varbinary(8000)', 'varbinary(max)'],
      ...['nvarchar(4000)', 'bigint', 'nvarchar(4000)'],
    ]);
    expect(statement?.parameters.map(({ value }) => (value instanceof Uint8Array ? Buffer.from(value) : value))).toEqual([
      ...[2n ** 63n - 1n, -(2n ** 63n), '9223372036854775808', "o'hara ]]; DROP", '', long, true, Buffer.from([0, 255]), bytes, null, 5n, '0.5'],
    ]);
  });

  it.each([
    [2627, 'already-exists', "Violation of UNIQUE KEY constraint 'UQ_login'. Cannot insert duplicate key in object 'dbo.people'."],
    [2601, 'already-exists', "Cannot insert duplicate key row in object 'dbo.people' with unique index 'IX_login'."],
    [547, 'constraint-violation', 'The INSERT statement conflicted with the FOREIGN KEY constraint "FK_boss".'],
    [547, 'invalid-attribute-value', 'The INSERT statement conflicted with the CHECK constraint "CK_pay".'],
    [515, 'missing-attribute', "Cannot insert the value NULL into column 'login', table 'hr.dbo.people'; column does not allow nulls."],
    [2628, 'invalid-attribute-value', "String or binary data would be truncated in table 'hr.dbo.people', column 'login'."],
    [8114, 'invalid-attribute-value', 'Error converting data type nvarchar to numeric.'],
    [8169, 'invalid-attribute-value', 'Conversion failed when converting from a character string to uniqueidentifier.'],
    [1205, 'throttled', 'Transaction was deadlocked on lock resources with another process and has been chosen as the deadlock victim.'],
    [229, 'permission-denied', "The INSERT permission was denied on the object 'people'."],
    [208, 'invalid-configuration', "Invalid object name 'people'."],
    [50000, 'entry-failed', 'no evil people'],
  ])('error %i is %s', async (number, code, message) => {
    const { database, seen } = await open((statement) => (statement.sql.startsWith('INSERT') ? [{ error: { number, message } }] : control(statement)));
    const outcomes = await database.runUnits([insert], signal);
    expect(outcomes).toMatchObject([{ error: { code, message: expect.stringContaining(message) } }]);
    // A deadlock has rolled back already: the server is asked, not told.
    expect(seen().map(({ sql }) => sql)).toEqual(['BEGIN TRANSACTION', 'INSERT INTO t VALUES (@p1)', 'IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION']);
  });

  it('the connection of a refused statement is used again; one that the server gives up is not', async () => {
    let error: { readonly number: number; readonly class?: number; readonly message: string } = { number: 2627, message: 'duplicate' };
    const { database, server } = await open((statement) => (statement.sql.startsWith('INSERT') ? [{ error }] : control(statement)));
    await database.runUnits([insert], signal);
    await database.query('SELECT 1', []);
    expect(server.connections()).toBe(1);
    error = { number: 9100, class: 21, message: 'Possible index corruption detected.' };
    await database.runUnits([insert], signal);
    await expect.poll(() => server.connections()).toBe(0);
    expect((await database.query('UPDATE t SET a = 1', [])).changes).toBe(1);
  });

  it('R13: a connection that breaks before COMMIT has changed nothing; during COMMIT it is in doubt', async () => {
    let breaksAt = 'INSERT';
    const { database, server } = await open((statement) => {
      if (!statement.sql.startsWith(breaksAt)) return control(statement);
      server.cut();
      return [];
    });
    const [before] = await database.runUnits([insert], signal);
    expect(before).toMatchObject({ error: { code: 'server-down' } });
    breaksAt = 'COMMIT';
    const [during] = await database.runUnits([insert], signal);
    expect(during).toMatchObject({ error: { code: 'connection-dropped' } });
    breaksAt = 'nothing';
    expect(await database.runUnits([insert], signal)).toEqual([{ result: 1 }]);
  });

  it('a statement that takes too long is stopped, and so is one that is cancelled', async () => {
    const { database } = await open((statement) => (statement.sql === 'WAITFOR' ? new Promise(() => {}) : control(statement)), { commandTimeout: 1 });
    await expect(database.query('WAITFOR', [])).rejects.toMatchObject({ code: 'timeout' });
    const stop = new AbortController();
    const waiting = database.query('WAITFOR', [], stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('what a trigger counted is not what the statement changed', async () => {
    const { database } = await open(() => [{ count: 17 }, { count: 0 }]);
    expect((await database.query('UPDATE t SET a = 1 WHERE 1 = 0', [])).changes).toBe(0);
  });

  it('what comes out of a procedure is read from its own set of rows, after those of the procedure', async () => {
    const { database, seen } = await open(() => [
      rowsOf([{ name: 'noise', type: 'int' }], [1n]),
      rowsOf([{ name: 'landbridge_out_1', type: 'nvarchar(max)' }], ['77']),
    ]);
    const [call] =
      database.dialect.call?.(
        '"dbo"."add_account"',
        [
          { direction: 'in', value: 'ann' },
          { direction: 'out', value: null },
        ],
        'procedure',
      ) ?? [];
    expect(call?.sql).toBe('DECLARE @o1 nvarchar(max) = @p2; EXEC "dbo"."add_account" @p1, @o1 OUTPUT; SELECT @o1 AS landbridge_out_1');
    expect((await database.query(call?.sql ?? '', call?.values ?? [])).rows).toEqual([['77']]);
    expect(seen()[0]?.parameters.map(({ value }) => value)).toEqual(['ann', null]);
  });

  it('a cursor reads no more than it is asked for: the server waits', async () => {
    let made = 0;
    function* rows(): Generator<readonly TdsValue[]> {
      for (; made < 1_000_000; made += 1) yield [BigInt(made), 'x'.repeat(1000)];
    }
    const columns: readonly TdsColumn[] = [
      { name: 'id', type: 'bigint' },
      { name: 'text', type: 'nvarchar' },
    ];
    const { database, server } = await open((statement) => (statement.sql.startsWith('SELECT id') ? [{ columns, rows: rows() }] : control(statement)));
    const snapshot = await database.snapshot(signal);
    const cursor = await snapshot.cursor('SELECT id, text FROM everything', [], 500);
    for (let page = 0; page < 20; page += 1)
      expect((await cursor.read()).map((row) => Number(row[0]))).toEqual(Array.from({ length: 500 }, (_, index) => page * 500 + index));
    // What fills the buffers of two sockets, and no more.
    expect(made).toBeLessThan(30_000);
    await cursor.close();
    await snapshot.close();
    await expect.poll(() => server.connections()).toBe(1);
  });

  it.each([
    [4060, 'invalid-configuration', 'Cannot open database "hr" requested by the login. The login failed.'],
    [40615, 'bad-credentials', "Cannot open server 'hr' requested by the login. Client with IP address is not allowed to access the server."],
    [18487, 'bad-credentials', "Login failed for user 'idm'. Reason: The password of the account has expired."],
  ])('a login that is refused by %i is %s', async (number, code, message) => {
    const server = await startTdsServer(() => ({ number, class: 14, message }));
    opened.push({ close: () => server.stop() });
    const { settings } = readSettings({
      dialect: 'mssql',
      host: '127.0.0.1',
      port: server.port,
      user: 'idm',
      password: 'right',
      tls: { mode: 'disable' },
      objectTypes,
    });
    await expect(openMssql(settings)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('accounts sign in by a password, by that of a domain, or by Entra', () => {
    const account = { user: 'idm', password: 'secret', tenant: 'directory' };
    expect(authenticationOf('password', account)).toEqual({ type: 'default', options: { userName: 'idm', password: 'secret' } });
    expect(authenticationOf('password', { ...account, user: 'CORP\\idm' })).toEqual({
      type: 'ntlm',
      options: { domain: 'CORP', userName: 'idm', password: 'secret' },
    });
    expect(authenticationOf('entra-secret', account).options).toEqual({ clientId: 'idm', clientSecret: 'secret', tenantId: 'directory' });
    expect(authenticationOf('entra-managed-identity', { ...account, user: '' })).toEqual({ type: 'azure-active-directory-msi-vm', options: {} });
    expect(authenticationOf('entra-default', account)).toEqual({ type: 'azure-active-directory-default', options: { clientId: 'idm' } });
  });

  it('a wrong password, and a server that is not there, are told apart, and the password is not repeated', async () => {
    const refused = await open(control, { password: 'hunter2-kit' }).catch((error: unknown) => error as Error & { readonly code: string });
    expect(refused).toMatchObject({ code: 'bad-credentials', message: expect.stringMatching(/^127\.0\.0\.1:\d+: Login failed for user 'idm'\./) });
    expect(JSON.stringify(refused)).not.toContain('hunter2');
    await expect(open(control, { port: 1 })).rejects.toMatchObject({ code: 'server-down' });
  });
});

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('SQL Server over TLS, against a fixture of its protocol', () => {
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-tds-'));
  const make = (name: string): string => {
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE'];
    const files = ['-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.pem`)];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', ...files, ...subject], {
      stdio: 'ignore',
    });
    return join(folder, `${name}.pem`);
  };
  let server: TdsServer;
  let other: TdsServer;
  const files = { own: '', other: '' };

  beforeAll(async () => {
    files.own = make('IP:127.0.0.1');
    files.other = make('DNS:elsewhere.example');
    const session = {
      run: async ({ sql }: TdsStatement): Promise<readonly TdsResult[]> =>
        sql === mssqlCatalogue.facts ? [{ columns: [{ name: 's', type: 'tinyint' }], rows: [[1n]] }] : [{ count: 1 }],
      close() {},
    };
    const start = (file: string): Promise<TdsServer> =>
      startTdsServer(() => session, { cert: readFileSync(file, 'utf8'), key: readFileSync(file.replace(/pem$/, 'key'), 'utf8') });
    server = await start(files.own);
    other = await start(files.other);
  });
  afterAll(async () => {
    await server.stop();
    await other.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function tryIt(port: number, tls?: Readonly<Record<string, string>>): Promise<string> {
    const { settings } = readSettings({
      dialect: 'mssql',
      host: '127.0.0.1',
      port,
      user: 'idm',
      password: 'right',
      objectTypes,
      ...(tls === undefined ? {} : { tls }),
    });
    try {
      const database = await openMssql(settings);
      await database.query('SELECT 1', []);
      await database.close();
      return 'connected';
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
  }

  it('the certificate is checked unless the configuration says otherwise: authority, and name', async () => {
    expect(await tryIt(server.port, { mode: 'verify-full', ca: files.own })).toBe('connected');
    expect(await tryIt(server.port)).toBe('invalid-configuration');
    expect(await tryIt(server.port, { mode: 'verify-full', ca: files.other })).toBe('invalid-configuration');
    // Signed by whom it should be, for another name.
    expect(await tryIt(other.port, { mode: 'verify-full', ca: files.other })).toBe('invalid-configuration');
    expect(await tryIt(other.port, { mode: 'require' })).toBe('connected');
    expect(await tryIt(server.port, { mode: 'disable' })).toBe('invalid-configuration');
  });
});
