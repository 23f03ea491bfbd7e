import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto';
import { messageOf } from '@landbridge/connector-sdk';
import type { HostLog } from '@landbridge/engine';
import { ScimError } from '@landbridge/scim';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Agent, request as send } from 'undici';
import type { Credential } from '../credentials/tokens.ts';
import type { Peer } from './peer.ts';

/**
 * Requests for a connector that another host owns (R34).
 *
 * 1. Who asks is found out where the request arrives, whatever the credential is; the owner is told, in a header that only hosts with
 *    the same key can make. It holds for this method and path, for a minute.
 * 2. The owner is known by its certificate, which stands beside its lease.
 * 3. A request travels once: a host that does not own what another one thought it owns says so.
 */
export interface Forwarding {
  /** Who a forwarded request comes from; `undefined` for one whose header is not ours. */
  identify(request: FastifyRequest): Credential | undefined;
  /** Sends a request on, and its answer back. @throws ScimError 503 when the owner does not answer, or does not own it. */
  forward(peer: Peer, credential: Credential, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>;
  close(): Promise<void>;
}

const HEADER = 'x-landbridge-forwarded';
const VALID_MILLISECONDS = 60_000;
/** A write is answered within its deadline of 25 seconds. */
const ANSWER_MILLISECONDS = 60_000;
const RETRY_AFTER_SECONDS = 2;
/** What belongs to one connection (RFC 9110 §7.6.1), and what the header above stands for. */
const NOT_SENT_ON = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'authorization',
  'expect',
  HEADER,
]);

interface Ticket {
  readonly credential: Credential;
  readonly address: string;
  readonly at: number;
  readonly method: string;
  readonly url: string;
}

const addresses = new WeakMap<FastifyRequest, string>();

/** Where a client's request came from, also when another host sent it on. */
export function clientAddress(request: FastifyRequest): string {
  return addresses.get(request) ?? request.ip;
}

/** Whether another host sent the request on. */
export function isForwarded(request: FastifyRequest): boolean {
  return request.headers[HEADER] !== undefined;
}

/** Makes the forwarding of a host; `secret` is shared by the hosts of an installation, and by nobody else. */
export function createForwarding(secret: Uint8Array, log: Pick<HostLog, 'warn'>): Forwarding {
  const key = createSecretKey(createHmac('sha256', secret).update('landbridge forwarded requests').digest());
  const agents = new Map<string, Agent>();

  function agentOf({ certificate }: Peer): Agent {
    const known = agents.get(certificate);
    if (known !== undefined) return known;
    const agent = new Agent({
      connect: { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined, timeout: 3000 },
      headersTimeout: ANSWER_MILLISECONDS,
      bodyTimeout: 0,
    });
    agents.set(certificate, agent);
    return agent;
  }

  const sign = (text: string): Buffer => createHmac('sha256', key).update(text).digest();

  return {
    identify(request) {
      const [text = '', signature = ''] = String(request.headers[HEADER]).split('.');
      const given = Buffer.from(signature, 'base64url');
      const expected = sign(text);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const ticket = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Ticket;
      if (ticket.method !== request.method || ticket.url !== request.raw.url || Math.abs(Date.now() - ticket.at) > VALID_MILLISECONDS) return undefined;
      addresses.set(request, ticket.address);
      return ticket.credential;
    },
    async forward(peer, credential, request, reply) {
      const unavailable = (): ScimError =>
        new ScimError(503, 'The host that owns this connector does not answer just now; ask again.', { retryAfter: RETRY_AFTER_SECONDS });
      if (isForwarded(request)) throw unavailable();
      const url = request.raw.url ?? '/';
      const ticket: Ticket = { credential, address: request.ip, at: Date.now(), method: request.method, url };
      const text = Buffer.from(JSON.stringify(ticket)).toString('base64url');
      const headers = Object.fromEntries(Object.entries(request.headers).filter(([name, value]) => !NOT_SENT_ON.has(name) && value !== undefined));
      try {
        const answer = await send(peer.url + url, {
          method: request.method as 'GET',
          dispatcher: agentOf(peer),
          headers: { ...headers, [HEADER]: `${text}.${sign(text).toString('base64url')}` } as Record<string, string>,
          body: Buffer.isBuffer(request.body) ? request.body : null,
        });
        reply.code(answer.statusCode);
        for (const [name, value] of Object.entries(answer.headers)) if (!NOT_SENT_ON.has(name) && value !== undefined) reply.header(name, value);
        return await reply.send(answer.body);
      } catch (error) {
        log.warn({ peer: peer.url, reason: messageOf(error) }, 'the owner of a connector does not answer');
        throw unavailable();
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}
