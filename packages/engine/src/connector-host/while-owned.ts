import { ConnectorError, toErrorData } from '@landbridge/connector-sdk';
import type { Ownership } from '@landbridge/store';
import { CLOSE_MILLISECONDS, PASSWORD_MILLISECONDS } from './batch-in-thread.ts';
import type { ConnectorHandle, ExportHandle } from './connector-handle.ts';

/**
 * A connector whose calls that change the application begin only while this host owns it (R34): none starts unless its time-out
 * ends before the lease does. Whoever takes the connector over has waited for that end, and finds nothing at work.
 *
 * What was not begun was not applied: it is refused, and the client asks again, whoever answers then.
 */
export function whileOwned(handle: ConnectorHandle, ownership: Pick<Ownership, 'hold'>, callMilliseconds: number): ConnectorHandle {
  return {
    ...handle,
    async openExport(options) {
      await own(callMilliseconds);
      return guard(await handle.openExport(options));
    },
    // Each part of it must begin within the lease: one call after the other.
    exportBatch: async () => undefined,
    async setPassword(...values) {
      await own(PASSWORD_MILLISECONDS);
      await handle.setPassword(...values);
    },
  };

  async function own(milliseconds: number): Promise<void> {
    try {
      await ownership.hold(milliseconds);
    } catch (error) {
      // Clients see the message, and need not know where the store is.
      throw new ConnectorError('terminated', 'this host does not own the connector just now', { retryAfter: 5 }, { cause: error });
    }
  }

  function guard(session: ExportHandle): ExportHandle {
    return {
      async put(changes, options) {
        try {
          await own(options.timeoutMilliseconds);
        } catch (error) {
          return changes.map(() => ({ status: 'refused', error: toErrorData(error) }));
        }
        return session.put(changes, options);
      },
      /** Where results count at the close only (R17), one that is too late must not make them count: the session ends as failed. */
      async close(reason) {
        try {
          await own(CLOSE_MILLISECONDS);
        } catch (error) {
          await session.close('failed');
          return { error: toErrorData(error) };
        }
        return session.close(reason);
      },
    };
  }
}
