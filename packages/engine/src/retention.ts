import { messageOf } from '@landbridge/connector-sdk';
import type { ConnectorStore } from '@landbridge/store';
import type { ConnectorConfiguration } from './configuration.ts';
import type { HostLog } from './host.ts';

const EVERY_MILLISECONDS = 3_600_000;
const DAY_MILLISECONDS = 86_400_000;

/** Forgets, at start and every hour, what the journal, the runs and the audit have kept long enough. */
export function startRetention(
  store: Pick<ConnectorStore, 'forgetOld'>,
  keep: NonNullable<ConnectorConfiguration['retention']>,
  more: { readonly log: HostLog; readonly now: () => number },
): { close(): Promise<void> } {
  let closed = false;
  let work = forget();
  const timer = setInterval(() => {
    work = work.then(forget);
  }, EVERY_MILLISECONDS).unref();

  async function forget(): Promise<void> {
    const at = more.now();
    const before = (days: number): number => at - days * DAY_MILLISECONDS;
    const limits = { journalBefore: before(keep.journalDays), auditBefore: before(keep.auditDays), runsBefore: before(keep.runDays) };
    let removed = 0;
    try {
      for (let done = false; !done && !closed; ) {
        const chunk = await store.forgetOld(limits);
        removed += chunk.removed;
        done = chunk.done;
      }
      if (removed > 0) more.log.info({ removed }, 'old records were forgotten');
    } catch (error) {
      more.log.warn({ reason: messageOf(error) }, 'old records could not be forgotten');
    }
  }

  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await work;
    },
  };
}
