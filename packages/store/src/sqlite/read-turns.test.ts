import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Database, openForReading, openForWriting } from './database.ts';
import { createReadTurns } from './read-turns.ts';

let folder: string;
let writer: Database;
let database: Database;
let at: number;
const count = (): number => Number(database.get('SELECT count(*) AS n FROM things')?.['n']);
const add = (): void => void writer.run('INSERT INTO things VALUES (1)');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-read-turns-'));
  writer = openForWriting(join(folder, 'file.db'));
  writer.execute('CREATE TABLE things(n INTEGER)');
  database = openForReading(join(folder, 'file.db'));
  at = 1000;
});
afterEach(() => {
  database.close();
  writer.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('reads in turns', () => {
  it('a read on its own is made at once', async () => {
    const turns = createReadTurns(database, () => at);
    const read = turns.read(count);
    add();
    expect(await read).toBe(0);
    at += 1;
    const next = turns.read(count);
    add();
    expect(await next).toBe(1);
  });

  it('reads close together are made together, after what was committed before the first of them is made', async () => {
    const turns = createReadTurns(database, () => at);
    await turns.read(count);
    const seen = [turns.read(count), turns.read(count)];
    add();
    expect(await Promise.all(seen)).toEqual([1, 1]);
  });

  it('those of one turn see the database of one moment, and the next turn sees what was committed meanwhile', async () => {
    const turns = createReadTurns(database, () => at);
    await turns.read(count);
    const addAndCount = (): number => {
      add();
      return count();
    };
    const both = [turns.read(count), turns.read(addAndCount)];
    expect(await Promise.all(both)).toEqual([0, 0]);
    expect(await turns.read(count)).toBe(1);
  });

  it('a read that throws fails alone', async () => {
    const turns = createReadTurns(database, () => at);
    await turns.read(count);
    const all = [
      turns.read(count),
      turns.read(() => {
        throw new Error('not this one');
      }),
      turns.read(count),
    ];
    expect((await Promise.allSettled(all)).map((one) => one.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    await expect(all[1]).rejects.toThrow('not this one');
    await expect(turns.read(() => database.get('SELECT * FROM absent'))).rejects.toThrow('no such table');
    expect(await turns.read(count)).toBe(0);
  });

  it('what waits when the database is to be closed is made before, and nothing is left waiting', async () => {
    const turns = createReadTurns(database, () => at);
    await turns.read(count);
    const waiting = turns.read(count);
    turns.serve();
    database.close();
    expect(await waiting).toBe(0);
    const late = turns.read(count);
    await expect(late).rejects.toThrow('not open');
    database = openForReading(join(folder, 'file.db'));
  });
});
