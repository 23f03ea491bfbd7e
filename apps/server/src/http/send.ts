import { type ScimError, toErrorBody } from '@landbridge/scim';
import type { FastifyReply } from 'fastify';

/** The type of everything that the SCIM service answers (S-202). */
export const SCIM_JSON = 'application/scim+json; charset=utf-8';

/** Answers with plain JSON: the endpoints that are not SCIM. */
export function sendJson(reply: FastifyReply, status: number, body: unknown): FastifyReply {
  return reply.code(status).header('content-type', 'application/json; charset=utf-8').send(JSON.stringify(body));
}

/** Answers with a SCIM error body, and when to come back where the error says so. */
export function sendScimError(reply: FastifyReply, error: ScimError): FastifyReply {
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter));
  return reply
    .code(error.status)
    .header('content-type', SCIM_JSON)
    .send(JSON.stringify(toErrorBody(error)));
}

/**
 * Writes an answer straight to the connection: status, headers as names and values in turn, body with its length. What hooks see of it
 * is that it was answered.
 */
export function sendRaw(reply: FastifyReply, status: number, headers: string[], body: string | undefined): void {
  const { raw } = reply;
  reply.hijack();
  if (body === undefined) {
    raw.writeHead(status, headers).end();
    return;
  }
  const bytes = Buffer.byteLength(body);
  headers.push('content-length', String(bytes));
  // What is as long in UTF-8 as in UTF-16 is ASCII, and need not be encoded.
  raw.writeHead(status, headers).end(body, bytes === body.length ? 'latin1' : 'utf8');
}
