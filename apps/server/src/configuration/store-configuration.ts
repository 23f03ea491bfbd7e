import type { PostgresOptions } from '@landbridge/store';
import { resolveReferences, UnresolvedError } from './parse-configuration.ts';
import { REFERENCE, type StoreDocument } from './store-document.ts';

/**
 * The connection that a document means, with its references resolved. A reference inside a URL is percent-encoded; one that
 * is all of it stands for the whole URL.
 *
 * @throws UnresolvedError for a reference to nothing, or a text that is no URL of a PostgreSQL database. It names no value.
 */
export function toPostgresOptions({ postgres }: StoreDocument, folder: string): PostgresOptions {
  if (typeof postgres === 'string') {
    const whole = postgres.replace(REFERENCE, '') === '';
    const url = whole ? resolveReferences(postgres, folder) : postgres.replace(REFERENCE, (one) => encodeURIComponent(resolveReferences(one, folder)));
    return checked(url);
  }
  const resolve = (text: string): string => encodeURIComponent(resolveReferences(text, folder));
  const password = postgres.password === undefined ? '' : `:${resolve(postgres.password)}`;
  const query = (['sslmode', 'sslrootcert'] as const).flatMap((name) => (postgres[name] === undefined ? [] : [`${name}=${resolve(postgres[name])}`]));
  const host = postgres.host.includes(':') ? `[${postgres.host}]` : postgres.host;
  const url = `postgres://${resolve(postgres.user)}${password}@${host}:${postgres.port ?? 5432}/${resolve(postgres.database)}${query.length === 0 ? '' : `?${query.join('&')}`}`;
  return { ...checked(url), ...(postgres.schema === undefined ? {} : { schema: postgres.schema }) };
}

function checked(url: string): PostgresOptions {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol) || parsed.pathname.length < 2)
    throw new UnresolvedError('store: write the URL of a PostgreSQL database: postgres://USER@HOST:PORT/DATABASE');
  const schema = parsed.searchParams.get('schema');
  parsed.searchParams.delete('schema');
  return { url: parsed.href, ...(schema === null ? {} : { schema }) };
}

/** A name of the place for people, without user and password. */
export function describePlace({ url, schema }: PostgresOptions): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port === '' ? '5432' : port}${decodeURIComponent(pathname)} (schema ${schema ?? 'landbridge'})`;
}
