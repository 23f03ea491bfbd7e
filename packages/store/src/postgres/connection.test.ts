import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import { openSession, type Session } from './connection.ts';

describe.skipIf(postgresPrograms() === undefined)('a session', () => {
  let postgres: PrivatePostgres;
  let session: Session;
  beforeAll(async () => {
    postgres = await startPostgres();
    session = await openSession(postgres, 'public', { plans: 'rows' });
    await session.execute('CREATE TABLE line(place integer GENERATED ALWAYS AS IDENTITY, word text UNIQUE)');
  });
  afterAll(async () => {
    await session.close();
    await postgres.stop();
  });

  const add = (word: string) => session.all('INSERT INTO line(word) VALUES ($1)', word);
  const words = async (): Promise<readonly unknown[]> => (await session.all('SELECT word FROM line ORDER BY place')).map((row) => row['word']);

  it('R2 sends statements and copies in the order in which they were asked for, without waiting for each', async () => {
    const sent = [
      session.execute('BEGIN'),
      add('a'),
      session.copy('line(word)', [['b'], ['c']]),
      add('d'),
      session.copy('line(word)', [['e']]),
      session.copy('line(word)', [['f']]),
      add('g'),
    ];
    const seen = words();
    const end = session.execute('COMMIT');
    await Promise.all(sent);
    await end;
    expect(await seen).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    await session.execute('TRUNCATE line');
  });

  it('R12 nothing behind a statement that failed takes place, the failure is the one that is told, and the session goes on', async () => {
    for (const failing of [() => add('a'), () => session.copy('line(word)', [['b'], ['a']])]) {
      const sent = [session.execute('BEGIN'), add('a'), failing(), add('c'), session.copy('line(word)', [['d']]), session.execute('SELECT 1; COMMIT')];
      await expect(Promise.all(sent)).rejects.toMatchObject({ code: '23505' });
      expect((await Promise.allSettled(sent)).map((one) => one.status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'rejected', 'rejected']);
      await session.execute('ROLLBACK');
      expect(await words()).toEqual([]);
      await add('a');
      expect(await words()).toEqual(['a']);
      await session.execute('TRUNCATE line');
    }
  });
});
