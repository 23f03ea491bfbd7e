import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorContext, ParameterValue } from '@landbridge/connector-sdk';
import { contractChecks, runContractChecks, samplePeople } from '@landbridge/connector-testkit';
import { expect } from 'vitest';
import { connector } from '../index.ts';

/** The tables of the people that the kit is tried with, and a log of their changes; types in the words of a database. */
export const tables = (id: string, number: string, bytes: string): string => `
CREATE TABLE people(id ${id}, login varchar(64) NOT NULL UNIQUE, title varchar(200), pay ${number}, active boolean, photo ${bytes}, pass varchar(80));
CREATE TABLE mails(person ${number} NOT NULL REFERENCES people(id) ON DELETE CASCADE, mail varchar(100) NOT NULL, PRIMARY KEY(person, mail));
CREATE TABLE people_log(seq ${id}, person ${number} NOT NULL, operation varchar(1) NOT NULL);`;

/** What writes the log. */
export const mariadbTriggers = ['INSERT', 'UPDATE', 'DELETE']
  .map(
    (operation) =>
      `CREATE TRIGGER log_${operation} AFTER ${operation} ON people FOR EACH ROW INSERT INTO people_log(person, operation) VALUES (${operation === 'DELETE' ? 'OLD' : 'NEW'}.id, '${operation[0]}');`,
  )
  .join('\n');
/** What writes the log. */
export const sqliteTriggers = ['INSERT', 'UPDATE', 'DELETE']
  .map(
    (operation) =>
      `CREATE TRIGGER log_${operation} AFTER ${operation} ON people BEGIN INSERT INTO people_log(person, operation) VALUES (${operation === 'DELETE' ? 'OLD' : 'NEW'}.id, '${operation[0]}'); END;`,
  )
  .join('\n');
/** What writes the log. */
export const postgresTriggers = `CREATE FUNCTION log_people() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN INSERT INTO people_log(person, operation) VALUES (OLD.id, 'D'); RETURN OLD; END IF;
  INSERT INTO people_log(person, operation) VALUES (NEW.id, left(TG_OP, 1)); RETURN NEW; END $$;
CREATE TRIGGER log_people AFTER INSERT OR UPDATE OR DELETE ON people FOR EACH ROW EXECUTE FUNCTION log_people();`;

const objectTypes = {
  person: {
    table: 'people',
    anchor: ['id'],
    attributes: { login: {}, title: {}, pay: {}, active: { type: 'boolean' }, photo: {} },
    write: { setPassword: [{ statement: 'UPDATE people SET pass = :password WHERE id = :id' }] },
    anchorAssigned: true,
    multiValued: { mails: { table: 'mails', key: ['person'], value: 'mail' } },
    delta: { changeLog: { table: 'people_log', sequence: 'seq', key: ['person'] } },
  },
};

/** Checks that may not apply, because a SQL database does not have what they check. SQLite has one writer: nothing is parallel. */
const NOT_SQL: readonly string[] = ['partitions', 'hierarchy', 'export-parallel', 'export-replace', 'export-rename'];

const quiet = (): void => {};
const people = samplePeople('pay');

type Given = Readonly<Record<string, ParameterValue>>;

/** Runs every check of the kit: none fails, and none is left out but those that no SQL database can pass. */
export async function checkContract(parameters: Given, nowhere: Given): Promise<void> {
  const contextOf = (more: Given): ConnectorContext => ({
    connector: 'contract',
    parameters: { ...parameters, ...more, objectTypes },
    folder: tmpdir(),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  });
  const results = await runContractChecks({
    connector,
    context: contextOf({}),
    module: join(import.meta.dirname, '../index.ts'),
    unreachable: contextOf(nowhere),
    secrets: ['hunter2-kit'],
    ...people,
  });
  expect(results).toHaveLength(contractChecks.length);
  expect(results.filter((result) => result.status === 'failed')).toEqual([]);
  expect(results.filter((result) => result.status === 'not-applicable' && !NOT_SQL.includes(result.id))).toEqual([]);
}
