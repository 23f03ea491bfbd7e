import type { ResourceEvent } from '@landbridge/engine';
import { asText } from '@landbridge/scim';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { clientOf } from '../credentials/tokens.ts';
import type { EventStream } from '../events/event-configuration.ts';
import type { EventStreams } from '../events/event-streams.ts';
import { eventOfIdentifier, signEvent } from '../events/security-event-token.ts';
import type { SigningKeys } from '../events/signing-keys.ts';
import { authenticate, requireReachable, type ScimRoutesOptions, sendError, sendOn } from './scim-routes.ts';
import { sendJson } from './send.ts';

/** What the event routes need. */
export interface EventRoutesOptions extends ScimRoutesOptions {
  readonly streams: EventStreams;
  readonly keys: SigningKeys;
}

/** A poll request (RFC 8936 §2.4). */
interface PollRequest {
  readonly maxEvents: number;
  readonly returnImmediately: boolean;
  readonly acknowledged: readonly number[];
  readonly failed: readonly { readonly id: number; readonly error: string }[];
}

/** How many events one answer has at most, and how long a poll waits for the first, milliseconds. */
const MOST_EVENTS = 500;
const LONG_POLL = 25_000;
const LOOK_MILLISECONDS = 250;

/** Registers the keys that receivers check tokens with (RFC 7517), and the endpoint that they poll (RFC 8936). */
export function registerEventRoutes(app: FastifyInstance, options: EventRoutesOptions): void {
  app.get('/.well-known/jwks.json', (_request, reply) =>
    reply.header('cache-control', 'max-age=300').header('content-type', 'application/jwk-set+json').send(JSON.stringify(options.keys.publicSet())),
  );
  app.post('/events/:connector/:stream', async (request, reply) => {
    reply.header('cache-control', 'no-store');
    try {
      const stream = await findStream(options, request, reply);
      if (stream === 'sent on') return reply;
      if (stream === undefined) return reply.code(404).send();
      const poll = parsePoll(request, stream);
      if (typeof poll === 'string') return refuse(reply, poll);
      return await answerPoll(options, stream, poll, request, reply);
    } catch (error) {
      sendError(options, reply, error, request.id);
      return reply;
    }
  });
}

/** Another connector's credential, or another client's, learns nothing: not even whether there is such a stream (SEC-10). */
async function findStream(options: EventRoutesOptions, request: FastifyRequest, reply: FastifyReply): Promise<EventStream | 'sent on' | undefined> {
  const params = request.params as { readonly connector: string; readonly stream: string };
  const credential = await authenticate(options, request, reply);
  const { scope } = credential;
  if (scope.kind !== 'scim' || scope.connector !== params.connector) return undefined;
  if (scope.operations !== undefined && !scope.operations.includes('read')) return undefined;
  const stream = options.streams.find(params.connector, params.stream);
  const connector = options.connectors.get(params.connector);
  if (stream === undefined || stream.push !== undefined || connector === undefined) return undefined;
  if (stream.client !== undefined && stream.client !== clientOf(scope)) return undefined;
  if (await sendOn(options, connector, credential, request, reply)) return 'sent on';
  requireReachable(connector, request);
  return stream;
}

async function answerPoll(
  options: EventRoutesOptions,
  stream: EventStream,
  poll: PollRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const look = async (): Promise<readonly ResourceEvent[]> => (await options.streams.connectorOf(stream)?.events(stream.name, poll.maxEvents + 1)) ?? [];
  if (poll.acknowledged.length > 0 || poll.failed.length > 0) await options.streams.connectorOf(stream)?.settleEvents(stream.name, poll);
  const until = performance.now() + (poll.returnImmediately || poll.maxEvents === 0 ? 0 : LONG_POLL);
  // One more than asked tells whether there are more.
  let events = await look();
  while (events.length === 0 && performance.now() < until && !request.socket.destroyed) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    events = await look();
  }
  const sets: Record<string, string> = {};
  for (const event of events.slice(0, poll.maxEvents)) {
    const { jti, token } = await signEvent(event, stream, options.publicUrl(), options.keys);
    sets[jti] = token;
  }
  return sendJson(reply, 200, { sets, moreAvailable: events.length > poll.maxEvents });
}

/** The request, or what is wrong with it. */
function parsePoll(request: FastifyRequest, stream: EventStream): PollRequest | string {
  let body: unknown = {};
  try {
    if (Buffer.isBuffer(request.body) && request.body.length > 0) body = JSON.parse(request.body.toString('utf8'));
  } catch {
    return 'the body is not valid JSON';
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'the body must be a JSON object';
  const { maxEvents = MOST_EVENTS, returnImmediately = false, ack = [], setErrs = {} } = body as Readonly<Record<string, unknown>>;
  if (!Number.isSafeInteger(maxEvents) || Number(maxEvents) < 0) return '"maxEvents" must be a number of events';
  if (typeof returnImmediately !== 'boolean') return '"returnImmediately" must be true or false';
  if (!Array.isArray(ack) || ack.length > 10_000) return '"ack" must be a list of at most 10000 identifiers';
  if (typeof setErrs !== 'object' || setErrs === null || Array.isArray(setErrs)) return '"setErrs" must be an object by identifier';
  const known = (jti: unknown): readonly number[] => {
    const id = typeof jti === 'string' ? eventOfIdentifier(jti, stream) : undefined;
    // An identifier that is not ours settles nothing.
    return id === undefined ? [] : [id];
  };
  return {
    maxEvents: Math.min(Number(maxEvents), MOST_EVENTS),
    returnImmediately,
    acknowledged: ack.flatMap(known),
    failed: Object.entries(setErrs).flatMap(([jti, error]) => known(jti).map((id) => ({ id, error: describeError(error) }))),
  };
}

function describeError(error: unknown): string {
  const { err, description } = (typeof error === 'object' && error !== null ? error : {}) as { readonly err?: unknown; readonly description?: unknown };
  return `${asText(err ?? 'unknown').slice(0, 100)}: ${asText(description ?? '').slice(0, 500)}`;
}

function refuse(reply: FastifyReply, description: string): FastifyReply {
  return sendJson(reply, 400, { err: 'invalid_request', description });
}
