import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EncodedAttributes, EncodedValue } from '@landbridge/connector-sdk';

/**
 * The application behind the scripted connector: objects, the calls it received, and a script of what is to go wrong. It
 * lives in a SQLite file, so that a test reads and writes it while the connector works in its own thread, and what was
 * applied outlives both.
 */
export interface ScriptedApplication {
  readonly file: string;
  /** Puts an object there as somebody else would, behind the back of the host. */
  put(object: ScriptedObject): void;
  remove(type: string, key: string): void;
  get(type: string, key: string): ScriptedObject | undefined;
  objects(type?: string): readonly ScriptedObject[];
  /** Makes a point do something, `times` times (default 1), after `skip` harmless passes. */
  script(point: ScriptPoint, action: ScriptAction, options?: { readonly times?: number; readonly skip?: number; readonly value?: string | number }): void;
  /** Forgets what is left of the script. */
  calm(): void;
  /** Everything the connector was asked, in order, as JSON values. */
  calls(): readonly ScriptedCall[];
  /** What the next delta import after this sequence brings. */
  changesSince(sequence: number): readonly { readonly sequence: number; readonly operation: string; readonly type: string; readonly key: string }[];
  lastSequence(): number;
  setPassword(type: string, key: string, password: string): void;
  close(): void;
}

/** An object of the application. Values are encoded; references hold what the connector writes. */
export interface ScriptedObject {
  readonly type: string;
  /** The anchor, as text. */
  readonly key: string;
  readonly dn?: string;
  readonly partition?: string;
  readonly attributes: EncodedAttributes;
  readonly password?: string;
}

/** Where something can go wrong. */
export type ScriptPoint =
  | 'open-import'
  | 'import-page'
  | 'close-import'
  | 'open-export'
  | 'before-put'
  | 'during-put'
  | 'after-put'
  | 'close-export'
  | 'set-password'
  | 'find';

/**
 * What goes wrong: `throw` an error with a code of the contract (value), `throw-text` something that is no error, `hang`,
 * `block` the thread, `exit` the process of the connector, `delay` by milliseconds (value); of results: `omit`, `repeat`,
 * `rename` their identifiers, `withhold-anchor`, `fail-entry` with a code (value), `apply-late`: answer never, apply after
 * milliseconds (value); of pages: `duplicate` an entry, `drop-anchor` of one, `as-update` all of them, `bad-entry`: one with an error.
 */
export type ScriptAction =
  | 'throw'
  | 'throw-text'
  | 'hang'
  | 'block'
  | 'exit'
  | 'delay'
  | 'omit'
  | 'repeat'
  | 'rename'
  | 'withhold-anchor'
  | 'fail-entry'
  | 'apply-late'
  | 'duplicate'
  | 'drop-anchor'
  | 'as-update'
  | 'bad-entry';

/** One call of the connector. */
export interface ScriptedCall {
  readonly call: string;
  readonly detail: unknown;
}

const TABLES = `
CREATE TABLE IF NOT EXISTS objects(type TEXT NOT NULL, key TEXT NOT NULL, dn TEXT, partition TEXT NOT NULL DEFAULT '', attributes TEXT NOT NULL, password TEXT, PRIMARY KEY(type, key));
CREATE TABLE IF NOT EXISTS calls(id INTEGER PRIMARY KEY, call TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS script(id INTEGER PRIMARY KEY, point TEXT NOT NULL, action TEXT NOT NULL, value TEXT, skip INTEGER NOT NULL, times INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS changes(sequence INTEGER PRIMARY KEY AUTOINCREMENT, operation TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS keys(next INTEGER NOT NULL);`;

/** Opens the application of a file, creating it where there is none. */
export function openScriptedApplication(file: string): ScriptedApplication & ScriptedInternals {
  mkdirSync(dirname(file), { recursive: true });
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; ${TABLES}`);
  const read = (row: Readonly<Record<string, unknown>>): ScriptedObject => ({
    type: String(row['type']),
    key: String(row['key']),
    partition: String(row['partition']),
    attributes: JSON.parse(String(row['attributes'])) as EncodedAttributes,
    ...(row['dn'] === null ? {} : { dn: String(row['dn']) }),
    ...(row['password'] === null ? {} : { password: String(row['password']) }),
  });
  const log = (operation: string, type: string, key: string): void =>
    void database.prepare('INSERT INTO changes(operation, type, key) VALUES (?, ?, ?)').run(operation, type, key);
  const application: ScriptedApplication & ScriptedInternals = {
    file,
    put(object) {
      const known = application.get(object.type, object.key) !== undefined;
      database
        .prepare(
          `INSERT INTO objects(type, key, dn, partition, attributes) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT(type, key) DO UPDATE SET dn = excluded.dn, partition = excluded.partition, attributes = excluded.attributes`,
        )
        .run(object.type, object.key, object.dn ?? null, object.partition ?? '', JSON.stringify(object.attributes));
      log(known ? 'update' : 'add', object.type, object.key);
    },
    remove(type, key) {
      database.prepare('DELETE FROM objects WHERE type = ? AND key = ?').run(type, key);
      log('delete', type, key);
    },
    get(type, key) {
      const row = database.prepare('SELECT * FROM objects WHERE type = ? AND key = ?').get(type, key);
      return row === undefined ? undefined : read(row);
    },
    objects: (type) =>
      database
        .prepare('SELECT * FROM objects WHERE type = coalesce(?, type) ORDER BY type, key')
        .all(type ?? null)
        .map(read),
    script(point, action, { times = 1, skip = 0, value } = {}) {
      database
        .prepare('INSERT INTO script(point, action, value, skip, times) VALUES (?, ?, ?, ?, ?)')
        .run(point, action, value === undefined ? null : String(value), skip, times);
    },
    calm: () => database.exec('DELETE FROM script'),
    calls: () =>
      database
        .prepare('SELECT call, detail FROM calls ORDER BY id')
        .all()
        .map((row) => ({ call: String(row['call']), detail: JSON.parse(String(row['detail'])) as unknown })),
    changesSince: (sequence) =>
      database
        .prepare('SELECT sequence, operation, type, key FROM changes WHERE sequence > ? ORDER BY sequence')
        .all(sequence)
        .map((row) => ({ sequence: Number(row['sequence']), operation: String(row['operation']), type: String(row['type']), key: String(row['key']) })),
    lastSequence: () => Number(database.prepare('SELECT coalesce(max(sequence), 0) AS last FROM changes').get()?.['last'] ?? 0),
    setPassword(type, key, password) {
      database.prepare('UPDATE objects SET password = ? WHERE type = ? AND key = ?').run(password, type, key);
    },
    record(call, detail) {
      database.prepare('INSERT INTO calls(call, detail) VALUES (?, ?)').run(
        call,
        JSON.stringify(detail, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      );
    },
    next(point) {
      const row = database.prepare('SELECT * FROM script WHERE point = ? ORDER BY id LIMIT 1').get(point);
      if (row === undefined) return undefined;
      const id = Number(row['id']);
      if (Number(row['skip']) > 0) {
        database.prepare('UPDATE script SET skip = skip - 1 WHERE id = ?').run(id);
        return undefined;
      }
      if (Number(row['times']) > 1) database.prepare('UPDATE script SET times = times - 1 WHERE id = ?').run(id);
      else database.prepare('DELETE FROM script WHERE id = ?').run(id);
      return { action: String(row['action']) as ScriptAction, value: row['value'] === null ? undefined : String(row['value']) };
    },
    newKey() {
      const row = database.prepare('SELECT next FROM keys').get();
      const key = Number(row?.['next'] ?? 1000);
      database.exec(row === undefined ? `INSERT INTO keys(next) VALUES (${key + 1})` : `UPDATE keys SET next = ${key + 1}`);
      return String(key);
    },
    atomically(work) {
      database.exec('BEGIN IMMEDIATE');
      try {
        work();
        database.exec('COMMIT');
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
  return application;
}

/** What only the connector uses. */
export interface ScriptedInternals {
  record(call: string, detail: unknown): void;
  /** What the script has for a point now. */
  next(point: ScriptPoint): { readonly action: ScriptAction; readonly value: string | undefined } | undefined;
  newKey(): string;
  atomically(work: () => void): void;
}

/** The values of an attribute as a list. */
export function valuesOf(attributes: EncodedAttributes, name: string): readonly EncodedValue[] {
  const value = attributes[name];
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly EncodedValue[]) : [value as EncodedValue];
}
