import type { ConfigurationRevision, StoredToken } from '../control-store.ts';

type ControlRow = Readonly<Record<string, unknown>>;

/** A revision from a database row, of whichever engine. */
export function toRevision(row: ControlRow): ConfigurationRevision {
  return {
    number: Number(row['number']),
    document: String(row['document']),
    author: String(row['author']),
    at: Number(row['at']),
    summary: String(row['summary']),
  };
}

/** A token from a database row, of whichever engine. */
export function toToken(row: ControlRow): StoredToken {
  const time = (name: string): number | undefined => (row[name] === null ? undefined : Number(row[name]));
  return {
    id: String(row['id']),
    scope: JSON.parse(String(row['scope'])) as StoredToken['scope'],
    label: String(row['label']),
    hash: String(row['hash']),
    createdAt: Number(row['created']),
    expiresAt: time('expires'),
    revokedAt: time('revoked'),
    lastUsedAt: time('used'),
  };
}
