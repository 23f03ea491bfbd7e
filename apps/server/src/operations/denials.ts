import { messageOf } from '@landbridge/connector-sdk';
import type { HostLog } from '@landbridge/engine';
import type { ControlStore } from '@landbridge/store';

/**
 * Requests that were not authenticated (401) or not allowed (403), in the audit of administration (SEC-60).
 *
 * 1. The first one of a source is a row at once. Those that follow within a minute are counted, and the count is one more row: who tries
 *    a million tokens writes two rows a minute, and hides nobody else's.
 * 2. A source is a credential, or an address where nobody was authenticated; with the connector that was asked for.
 * 3. Of the request it has the method and the route, never the path: ids, filters and whatever else was tried stay out.
 * 4. Of very many sources at once the rest are counted together.
 */
export interface Denial {
  /** Absent: nobody was authenticated. */
  readonly credential: string | undefined;
  readonly connector: string | undefined;
  readonly address: string;
  readonly method: string;
  readonly route: string;
  readonly status: 401 | 403;
}

/** The denials of a host on their way into the audit. */
export interface Denials {
  note(denial: Denial): void;
  /** Writes what was counted; resolves when all of it is in the audit. */
  flush(): Promise<void>;
  /** Writes what was counted, and counts no more. */
  close(): Promise<void>;
}

const WINDOW_MILLISECONDS = 60_000;
/** So many sources are told apart within a window. */
const SOURCES = 100;

interface Counted {
  readonly actor: string;
  readonly action: string;
  readonly from: string;
  repeats: number;
}

/** Opens them; a row that cannot be written is a line of the log: the request was denied already. */
export function openDenials(control: Pick<ControlStore, 'addAudit'>, log: Pick<HostLog, 'error'>, now: () => number = Date.now): Denials {
  let counted = new Map<string, Counted>();
  let others = 0;
  let work: Promise<unknown> = Promise.resolve();
  const write = (actor: string, action: string, detail: string): void => {
    const record = { at: now(), actor, action, detail };
    work = work
      .then(() => control.addAudit(record))
      .catch((error: unknown) => log.error({ reason: messageOf(error) }, 'a denied request could not be written to the audit'));
  };

  function flush(): Promise<void> {
    const before = counted;
    const rest = others;
    counted = new Map();
    others = 0;
    for (const { actor, action, from, repeats } of before.values()) if (repeats > 0) write(actor, action, `${repeats} more ${from}`);
    if (rest > 0) write('host', 'denied', `${rest} more from other sources`);
    return work.then(() => {});
  }

  const timer = setInterval(() => void flush(), WINDOW_MILLISECONDS).unref();
  return {
    note({ credential, connector, address, method, route, status }) {
      const actor = credential ?? address;
      const key = JSON.stringify([actor, connector, status]);
      const known = counted.get(key);
      if (known !== undefined) {
        known.repeats += 1;
      } else if (counted.size >= SOURCES) {
        others += 1;
      } else {
        const action = `denied.${status}`;
        const at = connector === undefined ? '' : ` at ${connector}`;
        counted.set(key, { actor, action, from: `from ${address}${at}`, repeats: 0 });
        write(actor, action, `${method} ${route} from ${address}${at}`);
      }
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}
