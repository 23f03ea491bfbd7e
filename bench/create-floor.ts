import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import type { BenchApplication } from './application.ts';

/**
 * The floor of a create: what no host can do without. For each group of creates that arrive together: an append to a file with
 * a sync (the intents), the same INSERT and COMMIT for each by the bare driver, an append with a sync (the results).
 */
export interface CreateFloor {
  /** Resolves when the group that the create became part of is durable. */
  create(): Promise<void>;
  close(): Promise<void>;
}

/** What the host makes durable for one create, about, before and after the call. */
const INTENT_BYTES = 1500;
const RESULT_BYTES = 1500;
/** Connections that the SQL connector has by default. */
const POOL = 8;
let unique = 0;

function nextUserName(): string {
  unique += 1;
  return `floor.${process.pid}.${unique}`;
}

/** Opens the floor of an application. */
export async function openCreateFloor(application: BenchApplication): Promise<CreateFloor> {
  const insert = application.server === undefined ? sqliteInsert(application.file ?? '') : postgresInsert(application.server.url);
  const folder = mkdtempSync(join(tmpdir(), 'landbridge-bench-floor-'));
  const file = openSync(join(folder, 'appends'), 'a');
  const append = (bytes: number): void => {
    writeSync(file, Buffer.alloc(bytes, 'x'));
    fdatasyncSync(file);
  };
  let waiting: (() => void)[] = [];
  let running = false;
  async function run(): Promise<void> {
    running = true;
    await Promise.resolve();
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      append(INTENT_BYTES * group.length);
      await insert.rows(group.map(nextUserName));
      append(RESULT_BYTES * group.length);
      for (const done of group) done();
    }
    running = false;
  }
  return {
    create: () =>
      new Promise((resolve, reject) => {
        waiting.push(resolve);
        if (!running) run().catch(reject);
      }),
    async close() {
      await insert.close();
      closeSync(file);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Insert {
  /** One transaction for each. */
  rows(userNames: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

function sqliteInsert(file: string): Insert {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA synchronous=FULL; PRAGMA busy_timeout=10000');
  const statement = database.prepare('INSERT INTO employees(user_name, first_name, last_name, mail) VALUES (?, ?, ?, ?) RETURNING id, status');
  return {
    async rows(userNames) {
      for (const userName of userNames) {
        database.exec('BEGIN IMMEDIATE');
        statement.get(userName, 'B', 'Ench', `${userName}@example.com`);
        database.exec('COMMIT');
      }
    },
    close: async () => database.close(),
  };
}

function postgresInsert(connectionString: string): Insert {
  const pool = new pg.Pool({ connectionString, max: POOL });
  const text = 'INSERT INTO employees(user_name, first_name, last_name, mail) VALUES ($1, $2, $3, $4) RETURNING id, status';
  const one = async (userName: string): Promise<void> => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query({ name: 'insert', text, values: [userName, 'B', 'Ench', `${userName}@example.com`] });
    await client.query('COMMIT');
    client.release();
  };
  return {
    rows: async (userNames) => void (await Promise.all(userNames.map(one))),
    close: () => pool.end(),
  };
}
