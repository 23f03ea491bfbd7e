import { readFileSync } from 'node:fs';
import { messageOf } from '@landbridge/connector-sdk';
import type { HostConnector, HostLog } from '@landbridge/engine';
import { createEgressClient } from '../egress/egress-client.ts';
import type { EventStream } from './event-configuration.ts';
import { signEvent } from './security-event-token.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a push stream needs. */
export interface PushDeliveryOptions {
  readonly stream: EventStream & { readonly push: NonNullable<EventStream['push']> };
  readonly keys: SigningKeys;
  readonly log: HostLog;
  issuer(): string;
  connector(): HostConnector | undefined;
}

/** A push stream at work. */
export interface PushDelivery {
  /** Why the receiver takes nothing at the moment. */
  readonly problem: string | undefined;
  close(): Promise<void>;
}

const LOOK_MILLISECONDS = 500;
const BACK_OFF_MILLISECONDS = [1000, 5000, 15_000, 60_000, 300_000] as const;
const BATCH = 100;
/** Errors of RFC 8935 §2.4 that an administrator repairs: the token is sent again. All others say that this token will never be taken. */
const REPAIRABLE = new Set(['authentication_failed', 'access_denied']);

/**
 * Delivers the events of a stream by push (RFC 8935), in order, each until it is taken. 202 is taken; 400 is recorded and
 * passed over, unless it can be repaired; everything else is tried again with back-off (S-244).
 */
export function startPushDelivery(options: PushDeliveryOptions): PushDelivery {
  const { stream, log } = options;
  const client = createEgressClient({
    allow: stream.egress,
    ca: stream.push.ca === undefined ? undefined : readFileSync(stream.push.ca, 'utf8'),
    milliseconds: 20_000,
    maximumBytes: 64 * 1024,
  });
  const closing = new AbortController();
  let failures = 0;
  let problem: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> = Promise.resolve();

  function schedule(milliseconds: number): void {
    if (closing.signal.aborted) return;
    timer = setTimeout(() => {
      working = work();
    }, milliseconds).unref();
  }

  async function work(): Promise<void> {
    try {
      const more = await deliverBatch();
      failures = 0;
      problem = undefined;
      schedule(more ? 0 : LOOK_MILLISECONDS);
    } catch (error) {
      if (closing.signal.aborted) return;
      problem = messageOf(error);
      const wait = BACK_OFF_MILLISECONDS[Math.min(failures, BACK_OFF_MILLISECONDS.length - 1)] ?? 300_000;
      failures += 1;
      log.warn({ connector: stream.connector, stream: stream.name, reason: problem, again: wait }, 'events could not be delivered');
      schedule(wait);
    }
  }

  async function deliverBatch(): Promise<boolean> {
    const connector = options.connector();
    if (connector === undefined) return false;
    const events = await connector.events(stream.name, BATCH);
    for (const event of events) {
      const { token, jti } = await signEvent(event, stream, options.issuer(), options.keys);
      const refusal = await send(token);
      if (refusal !== undefined) log.error({ connector: stream.connector, stream: stream.name, jti, refusal }, 'an event was refused for good');
      await connector.settleEvents(stream.name, refusal === undefined ? taken(event.id) : { acknowledged: [], failed: [{ id: event.id, error: refusal }] });
    }
    return events.length === BATCH;
  }

  /** Sends one token; returns why it will never be taken, or nothing. @throws Error when it is to be sent again. */
  async function send(token: string): Promise<string | undefined> {
    const { status, text } = await client.send(stream.push.url, {
      method: 'POST',
      signal: closing.signal,
      headers: {
        'content-type': 'application/secevent+jwt',
        accept: 'application/json',
        ...(stream.push.authorization === undefined ? {} : { authorization: stream.push.authorization }),
      },
      body: token,
    });
    if (status === 202 || status === 200) return undefined;
    const refusal = errorOf(text);
    if (status === 400 && refusal !== undefined && !REPAIRABLE.has(refusal.err)) return `${refusal.err}: ${refusal.description.slice(0, 2000)}`;
    throw new Error(`the receiver answered ${status}${refusal === undefined ? '' : ` (${refusal.err})`}`);
  }

  schedule(0);
  return {
    get problem() {
      return problem;
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      await working;
      await client.close();
    },
  };
}

function taken(id: number): { readonly acknowledged: readonly number[]; readonly failed: readonly never[] } {
  return { acknowledged: [id], failed: [] };
}

/** The error of a receiver (RFC 8935 §2.3), if it is one. */
function errorOf(text: string): { readonly err: string; readonly description: string } | undefined {
  try {
    const { err, description } = JSON.parse(text) as { readonly err?: unknown; readonly description?: unknown };
    return typeof err === 'string' ? { err, description: typeof description === 'string' ? description : '' } : undefined;
  } catch {
    // A receiver that does not say why in JSON is tried again like one that is down.
    return undefined;
  }
}
