import type { RequestContext, ScimAnswer } from './host.ts';
import { undecided } from './scim-errors.ts';
import type { ScimFace } from './scim-face.ts';
import type { PlannedWrite, WriteAnswer } from './writes/planned-write.ts';

/** A client that asked not to wait goes with 202: its write is durable, and an event tells the end of it. */
export interface Accepted {
  readonly status: 'accepted';
  readonly transaction: string;
}

/**
 * How long a request waits for its write: until the deadline, after which the client is told to come back and the write
 * goes on (R16); or, with `Prefer: respond-async`, until the intent is durable and as long as the client cares to wait
 * (RFC 9967 §2.5.1, RFC 7240 §4.3).
 */
export async function withDeadline(
  face: ScimFace,
  context: RequestContext,
  key: string,
  entryId: number | undefined,
  plan: () => Promise<PlannedWrite | WriteAnswer>,
): Promise<WriteAnswer | Accepted> {
  let timer: NodeJS.Timeout | undefined;
  const after = (seconds: number): Promise<void> =>
    new Promise((resolve) => {
      timer = setTimeout(resolve, seconds * 1000);
    });
  let intended = (): void => {};
  const durable = new Promise<void>((resolve) => {
    intended = resolve;
  });
  const write = face.writes.perform(key, entryId, plan, intended);
  const { deadlineSeconds } = face.configuration.limits;
  const waitSeconds = context.respondAsync?.waitSeconds ?? 0;
  const patience =
    context.respondAsync === undefined || face.configuration.eventStreams.length === 0
      ? after(deadlineSeconds).then((): never => {
          throw undecided('the write is not decided yet; ask again');
        })
      : durable
          // Who waits for nothing is answered before the application can be: the outcome does not depend on its speed.
          .then(() => (waitSeconds === 0 ? undefined : after(Math.min(waitSeconds, deadlineSeconds))))
          .then((): Accepted => ({ status: 'accepted', transaction: context.correlation }));
  try {
    return await Promise.race([write, patience]);
  } finally {
    clearTimeout(timer);
    // Nobody may be waiting any more when it ends badly; the journal and the log have it.
    write.catch(() => {});
  }
}

/** Whether the answer is 202: the write goes on, or waits for an administrator, and the client asked not to wait. */
export function isAccepted(context: RequestContext, answer: WriteAnswer | Accepted): answer is Accepted {
  return answer.status === 'accepted' || (answer.status === 'held' && context.respondAsync !== undefined);
}

/** 202 with the transaction that a later event names (RFC 9967 §2.5.1). */
export function acceptedAnswer(accepted: Accepted, location?: string): ScimAnswer {
  return { status: 202, transaction: accepted.transaction, ...(location === undefined ? {} : { location }) };
}
