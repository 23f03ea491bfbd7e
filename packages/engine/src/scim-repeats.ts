import { hash } from 'node:crypto';
import type { RequestIdentity } from '@landbridge/store';
import type { RequestContext } from './host.ts';

type Json = Readonly<Record<string, unknown>>;

/** Who asks, and by which key a repeat is recognised (R16). */
export function identify(context: RequestContext, method: string, target: string, body: Json): RequestIdentity {
  return {
    credential: context.credential,
    method,
    target,
    key: hash('sha256', `${context.credential}\n${method}\n${target}\n${context.ifMatch ?? ''}\n${canonical(body)}`, 'hex'),
    correlation: context.correlation,
  };
}

/** JSON with sorted keys: two bodies that say the same have the same text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
