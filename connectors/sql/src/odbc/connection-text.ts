import type { SqlSettings } from '../settings.ts';

/** The connection string: the data source or what the administrator wrote, then the account. */
export function connectionText({ dsn, connectionString, user, password }: SqlSettings): string {
  const own = connectionString === undefined ? `DSN=${braced(dsn ?? '')};` : connectionString.replace(/;?\s*$/, ';');
  return `${own}${user === undefined ? '' : `UID=${braced(user)};`}${password === undefined ? '' : `PWD=${braced(password)};`}`;
}

/** A value of an attribute; in braces where it has characters that mean something (learn.microsoft.com, "SQLDriverConnect"). */
function braced(value: string): string {
  return /^[\w.-]*$/.test(value) ? value : `{${value.replaceAll('}', '}}')}}`;
}

/** Attributes whose values are secrets: they stand in `password`, by reference. */
export const secretAttribute = /(^|;)\s*(pwd|password)\s*=/i;

/** What drivers call an encrypted connection. */
const ENCRYPTED =
  /(^|;)\s*(encrypt\s*=\s*(yes|true|1|strict|mandatory)|sslmode\s*=\s*(require|verify)|(force_?tls|forcetls|sslverify|ssl)\s*=\s*(1|yes|true)|security\s*=\s*ssl)/i;
const LOCAL = /(^|;)\s*(server|servername|host|hostname)\s*=\s*\{?(127\.\d+\.\d+\.\d+|localhost|::1)\}?\s*(;|$)/i;
const FILE = /(^|;)\s*database\s*=\s*[^;]*[\\/]/i;

/** Whether others on the network cannot read along, as far as the connection string tells. */
export function isProtectedText({ connectionString = '' }: SqlSettings): boolean {
  return ENCRYPTED.test(connectionString) || LOCAL.test(connectionString) || FILE.test(connectionString);
}
