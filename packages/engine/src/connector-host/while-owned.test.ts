import { describe, expect, it } from 'vitest';
import type { ConnectorHandle, EncodedChange } from './connector-handle.ts';
import { whileOwned } from './while-owned.ts';

/** A handle that notes what reaches the connector, and a lease that lasts so long and cannot be renewed. */
function setUp(leaseMilliseconds: number) {
  const calls: string[] = [];
  const lease = { milliseconds: leaseMilliseconds };
  const direct = {
    openExport: async () => ({
      put: async (changes: readonly EncodedChange[]) => {
        calls.push('put');
        return changes.map(() => ({ status: 'applied' as const }));
      },
      close: async (reason: string) => {
        calls.push(`close ${reason}`);
        return {};
      },
    }),
    exportBatch: async () => void calls.push('batch'),
    setPassword: async () => void calls.push('password'),
    find: async () => ({ entries: [], truncated: false }),
  } as unknown as ConnectorHandle;
  const ownership = {
    hold: async (milliseconds: number) => {
      if (milliseconds > lease.milliseconds) throw new Error('the lease ends before');
    },
  };
  return { handle: whileOwned(direct, ownership, 20_000), calls, lease };
}

const change = { id: '1', modification: 'add', objectType: 'person', changes: [] } as unknown as EncodedChange;
const notOwned = { code: 'terminated', message: 'this host does not own the connector just now' };

describe('R34 calls that change the application', () => {
  it('begin while the lease outlasts their time-outs', async () => {
    const { handle, calls } = setUp(60_000);
    const session = await handle.openExport({ batchSize: 1 });
    expect(await session.put([change], { timeoutMilliseconds: 20_000 })).toEqual([{ status: 'applied' }]);
    expect(await session.close('normal')).toEqual({});
    await handle.setPassword({} as never, 'secret', {});
    expect(calls).toEqual(['put', 'close normal', 'password']);
  });

  it('do not begin where the lease ends first: what was not sent is refused, and the client asks again', async () => {
    const { handle, calls, lease } = setUp(60_000);
    const session = await handle.openExport({ batchSize: 1 });
    lease.milliseconds = 19_999;
    expect(await session.put([change], { timeoutMilliseconds: 20_000 })).toMatchObject([{ status: 'refused', error: notOwned }]);
    await expect(handle.openExport({ batchSize: 1 })).rejects.toMatchObject(notOwned);
    // A password may take longer than a put.
    lease.milliseconds = 59_999;
    await expect(handle.setPassword({} as never, 'secret', {})).rejects.toMatchObject(notOwned);
    expect(calls).toEqual([]);
  });

  it('R17 a close that comes too late does not make results count: it ends the session as failed, and says so', async () => {
    const { handle, calls, lease } = setUp(60_000);
    const session = await handle.openExport({ batchSize: 1 });
    await session.put([change], { timeoutMilliseconds: 20_000 });
    lease.milliseconds = 29_999;
    expect(await session.close('normal')).toMatchObject({ error: notOwned });
    expect(calls).toEqual(['put', 'close failed']);
  });

  it('go one after another: a session in one call could not be stopped between its parts', async () => {
    const { handle, calls } = setUp(60_000);
    expect(await handle.exportBatch?.({ batchSize: 1 }, [change], { timeoutMilliseconds: 1 })).toBeUndefined();
    expect(calls).toEqual([]);
  });
});
