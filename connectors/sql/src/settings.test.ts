import { describe, expect, it } from 'vitest';
import { readSettings } from './settings.ts';

const base = { dialect: 'sqlite', file: 'hr.db', objectTypes: { person: { table: 'people', anchor: ['id'] } } } as const;

function problems(change: Record<string, unknown>): readonly string[] {
  // Administrators write anything.
  return readSettings({ ...base, ...change } as never).problems.map(({ parameter, message }) => `${parameter}: ${message}`);
}

function ofPerson(person: object, more: object = {}): readonly string[] {
  return problems({ objectTypes: { person: { table: 'people', anchor: ['id'], ...person }, ...more } });
}

describe('the parameters of the SQL connector', () => {
  it('otherColumns goes with attributes', () => {
    expect(ofPerson({ otherColumns: true })).toEqual(['objectTypes.person.otherColumns: goes with attributes; without them every column is one']);
    expect(ofPerson({ otherColumns: true, attributes: { login: {} } })).toEqual([]);
  });

  it('accepts the documented example, numbers also as text', () => {
    const person = {
      table: 'employees',
      schema: 'public',
      anchor: ['id'],
      anchorAssigned: true,
      attributes: {
        login: { column: 'user_name', unique: true, required: true, caseExact: false },
        salary: { column: 'salary', type: 'integer', direction: 'import-only' },
      },
      references: { manager: { column: 'manager_id', objectType: 'person' } },
      multiValued: { mails: { table: 'employee_mails', key: ['employee_id'], value: 'mail' } },
      delta: { changeLog: { table: 'log', sequence: 'seq', key: ['id'], operation: 'op', operations: { I: 'add', U: 'update', D: 'delete' } } },
    };
    const team = {
      table: 'departments',
      anchor: ['id'],
      multiValued: { members: { table: 'memberships', key: ['department_id'], reference: { columns: ['employee_id'], objectType: 'person' } } },
    };
    const read = readSettings({
      dialect: 'postgres',
      host: 'db',
      port: '5433',
      poolSize: '4',
      commandTimeout: 9,
      tls: { mode: 'verify-full', ca: 'ca.pem' },
      objectTypes: { person, team },
    });
    expect(read.problems).toEqual([]);
    expect(read.settings).toMatchObject({ port: 5433, poolSize: 4, commandTimeoutSeconds: 9, tls: { mode: 'verify-full', ca: 'ca.pem' } });
  });

  it.each([
    [{ dialect: 'db2' }, /^dialect: write one of sqlite, postgres/],
    [{ file: undefined }, /^file: /],
    [{ dialect: 'postgres' }, /^host: /],
    [{ dialect: 'postgres', url: 'http://x' }, /^url: /],
    [{ port: 'many' }, /^port: write a whole number from 1 to 65535/],
    [{ poolSize: 0 }, /^poolSize: /],
    [{ commandTimeout: -1 }, /^commandTimeout: /],
    [{ signIn: 'password' }, /^signIn: is a thing of SQL Server/],
    [{ dialect: 'mssql', host: 'x', signIn: 'magic' }, /^signIn: write one of password, entra-secret/],
    [{ dialect: 'mssql', host: 'x', signIn: 'entra-secret' }, /^tenant: write the identifier/],
    [{ colour: 'red' }, /^colour: there is no such parameter/],
    [{ tls: { mode: 'maybe' } }, /^tls\.mode: write one of disable, require, verify-full/],
    [{ objectTypes: undefined }, /^objectTypes: name at least one/],
    [{ objectTypes: {} }, /^objectTypes: name at least one/],
    [{ objectTypes: { person: 'people' } }, /^objectTypes\.person: write a structure/],
    [{ objectTypes: { person: { table: 'people' } } }, /^objectTypes\.person\.anchor: /],
  ])('says what is wrong with %j', (change, message) => {
    expect(problems(change)).toEqual([expect.stringMatching(message)]);
  });

  it.each([
    [{ view: 'v' }, /^objectTypes\.person\.table: write exactly one of/],
    [{ table: undefined, query: 'SELECT 1; DROP TABLE x' }, /^objectTypes\.person\.query: .*semicolon/],
    [{ anchor: [] }, /^objectTypes\.person\.anchor: name at least one/],
    [{ anchor: ['id', 'id'] }, /^objectTypes\.person\.anchor: names a column twice/],
    [{ tabel: 'people' }, /^objectTypes\.person\.tabel: there is no "tabel" here/],
    [{ attributes: { a: { type: 'date' } } }, /^objectTypes\.person\.attributes\.a\.type: write one of/],
    [{ attributes: { a: { unique: 'yes' } } }, /^objectTypes\.person\.attributes\.a\.unique: write true or false/],
    [{ references: { boss: { column: 'b', objectType: 'nobody' } } }, /^objectTypes\.person\.references\.boss\.objectType: write one of person/],
    [{ references: { boss: { objectType: 'person' } } }, /^objectTypes\.person\.references\.boss\.column: /],
    [{ references: { boss: { columns: ['a', 'b'], objectType: 'person' } } }, /^objectTypes\.person\.references\.boss\.columns: names 2/],
    [{ multiValued: { m: { table: 't', key: ['a', 'b'], value: 'v' } } }, /^objectTypes\.person\.multiValued\.m\.key: /],
    [{ multiValued: { m: { table: 't', key: ['a'] } } }, /^objectTypes\.person\.multiValued\.m\.value: /],
    [{ multiValued: { m: { key: ['a'], value: 'v' } } }, /^objectTypes\.person\.multiValued\.m\.table: /],
    [{ attributes: { m: {} }, multiValued: { m: { table: 't', key: ['a'], value: 'v' } } }, /^objectTypes\.person\.multiValued\.m: .*twice/],
    [{ delta: {} }, /^objectTypes\.person\.delta: write either/],
    [{ delta: { replication: 'slot' } }, /^objectTypes\.person\.delta\.replication: is a thing of PostgreSQL/],
    [{ delta: { changeLog: { table: 'l', sequence: 's', key: ['a', 'b'] } } }, /^objectTypes\.person\.delta\.changeLog\.key: /],
    [{ writeTable: 'x' }, /^objectTypes\.person\.writeTable: /],
  ])('says what is wrong with the object type %j', (change, message) => {
    expect(ofPerson(change)).toEqual([expect.stringMatching(message)]);
  });
});
