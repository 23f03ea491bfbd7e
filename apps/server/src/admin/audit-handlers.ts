import { type AuditChain, type ChainPoint, type ChainReport, verifyChain } from '@landbridge/store';
import { AdminError } from './admin-error.ts';

/** Verifies a chain, and looks for a place that was noted elsewhere (SEC-60). */
export function verifyAudit(chain: AuditChain, query: Readonly<Record<string, string>>): Promise<ChainReport> {
  return verifyChain(chain, query['noted'] === undefined ? undefined : placeOf(query['noted']));
}

function placeOf(text: string): ChainPoint {
  const [, id, code] = /^(\d{1,15}):([\w-]{43})$/.exec(text) ?? [];
  if (id === undefined || code === undefined)
    throw new AdminError(400, 'invalid-place', `"${text}" is no place of an audit`, 'write ROW:CODE as audit verify prints it');
  return { id: Number(id), code };
}
