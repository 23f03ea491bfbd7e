import { describe, expect, it } from 'vitest';
import { readSettings } from '../settings.ts';
import { connectionText, isProtectedText } from './connection-text.ts';
import { requote } from './dialect-generic.ts';
import { isBroken, odbcError } from './odbc-errors.ts';
import { OdbcError } from './odbc-process.ts';

describe('errors by SQLSTATE, where nothing is known of the database', () => {
  it.each([
    ['08001', 'before-commit', 'server-down'],
    ['08S01', 'before-commit', 'server-down'],
    ['08S01', 'committing', 'connection-dropped'],
    ['28000', 'before-commit', 'bad-credentials'],
    ['23505', 'before-commit', 'already-exists'],
    ['23502', 'before-commit', 'missing-attribute'],
    ['23503', 'before-commit', 'constraint-violation'],
    ['22001', 'before-commit', 'invalid-attribute-value'],
    ['40001', 'before-commit', 'throttled'],
    ['42S02', 'before-commit', 'invalid-configuration'],
    ['42501', 'before-commit', 'permission-denied'],
    ['HYT00', 'before-commit', 'timeout'],
    ['HYC00', 'before-commit', 'not-supported'],
    ['IM002', 'before-commit', 'invalid-configuration'],
    ['P0001', 'before-commit', 'entry-failed'],
  ] as const)('%s %s is %s', (state, phase, code) => {
    const error = odbcError(new OdbcError({ state, native: 0, message: '[vendor][driver][database]it says so' }), phase, 'generic');
    expect(error).toMatchObject({ code, message: expect.stringMatching(/^it says so/), detail: { internal: `SQLSTATE ${state}, native 0` } });
    expect(isBroken(error)).toBe(state.startsWith('08'));
  });

  it.each([
    ['23000', 'Violation of UNIQUE KEY constraint', 'already-exists'],
    ['23000', 'Cannot insert NULL into column', 'missing-attribute'],
    ['23000', 'conflicted with the CHECK constraint', 'invalid-attribute-value'],
    ['23000', 'conflicted with the FOREIGN KEY constraint', 'constraint-violation'],
    ['HY000', 'UNIQUE constraint failed', 'already-exists'],
    ['HY000', 'something else', 'entry-failed'],
  ])('%s "%s" is %s', (state, message, code) => {
    expect(odbcError(new OdbcError({ state, native: 1, message }), 'before-commit', 'generic').code).toBe(code);
  });
});

describe('connection strings', () => {
  const settings = (parameters: Record<string, string>) =>
    readSettings({ dialect: 'odbc', ...parameters, objectTypes: { person: { table: 'p', anchor: ['id'] } } });

  it('SEC-21: the password is added, in braces where it has characters that mean something, and is refused in the string itself', () => {
    expect(connectionText(settings({ dsn: 'hr', user: 'u', password: 'a;b}c' }).settings)).toBe('DSN=hr;UID=u;PWD={a;b}}c};');
    expect(connectionText(settings({ connectionString: 'Driver={X};Server=s' }).settings)).toBe('Driver={X};Server=s;');
    expect(settings({ connectionString: 'Driver={X};Pwd=secret' }).problems).toMatchObject([
      { parameter: 'connectionString', message: expect.stringContaining('by reference') },
    ]);
    expect(JSON.stringify(settings({ connectionString: 'Driver={X};Pwd=secret' }).problems)).not.toContain('secret');
    expect(settings({}).problems).toMatchObject([{ parameter: 'connectionString' }]);
    expect(settings({ dsn: 'hr', host: 'h' }).problems).toMatchObject([{ parameter: 'host' }]);
    expect(settings({ dsn: 'hr', speaks: 'klingon' }).problems).toMatchObject([{ parameter: 'speaks' }]);
  });

  it('a connection counts as protected where its attributes say so', () => {
    const isProtected = (connectionString: string) => isProtectedText(settings({ connectionString }).settings);
    expect(['Server=db;Encrypt=yes', 'Server=db;sslmode=verify-full', 'Server=127.0.0.1', 'Driver={SQLite3};Database=/var/app.db'].map(isProtected)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['Server=db', 'Server=db;Encrypt=no', 'Server=db;sslmode=prefer'].map(isProtected)).toEqual([false, false, false]);
  });

  it('SEC-32: names are quoted as the database does it, and texts are left alone', () => {
    const sql = `SELECT "a""b", 'it''s "x"' FROM "t"`;
    expect(requote(sql, '"')).toBe(sql);
    expect(requote(sql, '[')).toBe(`SELECT [a"b], 'it''s "x"' FROM [t]`);
    expect(requote(sql, '`')).toBe(`SELECT \`a"b\`, 'it''s "x"' FROM \`t\``);
    expect(() => requote(sql, ' ')).toThrow(/needs quotes/);
    expect(requote('SELECT "a" FROM "t"', ' ')).toBe('SELECT a FROM t');
  });
});
