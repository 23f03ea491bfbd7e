import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type PrivatePostgres, startPostgres } from '../../../../test/backends/postgres.ts';
import { postgresPrograms } from '../../../../tools/backends.ts';
import type { OpenStore } from '../open-store.ts';
import { createDriver, model, person, sets } from '../testing/people.ts';
import { openPostgresConnectorStore } from './open-postgres-store.ts';

/** A connection to the server that can be cut right after the client's COMMIT has passed, or before it does. */
interface Cutter {
  readonly port: number;
  /** What happens to the next COMMIT. */
  arm(what: 'after' | 'before'): void;
  close(): void;
}

async function startCutter(target: { readonly host: string; readonly port: number }): Promise<Cutter> {
  let armed: 'after' | 'before' | undefined;
  const open = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    let cut = false;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => open.delete(socket));
    }
    client.on('data', (chunk) => {
      if (armed === undefined || !chunk.includes('COMMIT')) return void upstream.write(chunk);
      cut = true;
      const what = armed;
      armed = undefined;
      if (what === 'before') {
        upstream.destroy();
        client.destroy();
      } else upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      // The server has answered the COMMIT; its client never hears of it.
      if (cut) client.destroy();
      else client.write(chunk);
    });
    client.on('close', () => upstream.end());
    upstream.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    arm(what) {
      armed = what;
    },
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

describe.skipIf(postgresPrograms() === undefined)('the one writer of a connector', () => {
  let postgres: PrivatePostgres;
  let cutter: Cutter;
  let place = 0;
  beforeAll(async () => {
    postgres = await startPostgres();
    cutter = await startCutter(postgres);
  });
  afterAll(async () => {
    cutter.close();
    await postgres.stop();
  });
  beforeEach(() => {
    place += 1;
  });

  const open = (owner: string, port = postgres.port, leaseSeconds = 30): Promise<OpenStore> =>
    openPostgresConnectorStore({
      postgres: { url: postgres.url.replace(`:${postgres.port}/`, `:${port}/`), schema: `p${place}` },
      connector: 'hr',
      owner,
      leaseSeconds,
      thread: false,
    });

  it('R34 a host that was taken over cannot write: the database refuses its epoch, whatever it had begun', async () => {
    const first = await open('one');
    await first.store.configure(model);
    const old = createDriver(first.store, first.reader);
    await old.import([person('1', { title: 'old' })]);
    const outcome = await old.intend({ kind: 'update', entryId: (await old.row('1'))?.id ?? 0, effect: sets({ title: 'stale' }) });
    const { stepId } = await old.begin();
    // The same host, started again beside itself: its name gets the connector at once.
    const second = await open('one');
    await second.store.configure(model);
    const now = createDriver(second.store, second.reader);
    await expect(old.finish(outcome)).rejects.toThrow('another host has taken over this connector');
    await expect(first.store.applyPage(stepId, [person('2')])).rejects.toThrow('taken over');
    await expect(old.intend({ kind: 'add' })).rejects.toThrow('taken over');
    expect(await now.values('1')).toEqual({ id: '1', title: 'old' });
    expect(await second.reader.countEntries('person')).toBe(1);
    expect(await now.intend({ kind: 'update', entryId: (await now.row('1'))?.id ?? 0 })).toMatchObject({ status: 'in-doubt' });
    await now.finish(outcome);
    expect(await now.values('1')).toEqual({ id: '1', title: 'stale' });
    await first.close();
    await second.close();
  });

  it('R34 another host waits for the end of the lease, which its owner renews or gives back', async () => {
    const first = await open('one', postgres.port, 1);
    await expect(open('two')).rejects.toThrow(/belongs to another host \(one\) until \d\d:\d\d:\d\d UTC/);
    postgres.psql(`UPDATE p${place}_hr.head SET lease_until = now() - interval '1 second'`);
    // Its owner still writes, as long as nobody has taken the connector.
    await first.store.configure(model);
    await first.close();
    const second = await open('two');
    await second.close();
  });

  it('R12 a COMMIT whose answer was lost took place, and its caller is told so', async () => {
    const { store, reader, close } = await open('one', cutter.port);
    await store.configure(model);
    const drive = createDriver(store, reader);
    cutter.arm('after');
    const outcome = await drive.intend({ kind: 'add', claims: [{ objectType: 'person', attribute: 'login', key: 'ada' }], effect: sets({ login: 'ada' }) });
    expect(outcome.status).toBe('intended');
    cutter.arm('after');
    expect((await drive.finish(outcome, { effect: sets({ login: 'ada' }, { anchor: '1' }) }))?.row).toMatchObject({ anchor: '1' });
    expect((await reader.readJournal({ limit: 5 })).map((row) => row.state)).toEqual(['applied']);
    await close();
  });

  it('R12 a COMMIT that never arrived left nothing, and the next command goes on', async () => {
    const { store, reader, close } = await open('one', cutter.port);
    await store.configure(model);
    const drive = createDriver(store, reader);
    cutter.arm('before');
    const claims = [{ objectType: 'person', attribute: 'login', key: 'ada' }];
    await expect(drive.intend({ kind: 'add', claims })).rejects.toThrow();
    expect(await reader.readOpenJournal()).toEqual([]);
    expect(await drive.intend({ kind: 'add', claims })).toMatchObject({ status: 'intended' });
    expect((await reader.readOpenJournal()).length).toBe(1);
    await close();
  });

  it('R3 connections that the server ends are made anew', async () => {
    const { store, reader, close } = await open('one');
    await store.configure(model);
    const drive = createDriver(store, reader);
    await drive.import([person('1')]);
    postgres.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'landbridge%'");
    await expect
      .poll(
        () =>
          drive.import([person('1'), person('2')]).then(
            (one) => one.counts.added,
            () => 0,
          ),
        { timeout: 10_000 },
      )
      .toBe(1);
    expect(await reader.countEntries('person')).toBe(2);
    expect(postgres.psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'landbridge store'").trim()).toBe('1');
    await close();
  });
});
