import type { Parameters } from '@landbridge/connector-sdk';

/** Takes the secrets of a connector's parameters out of texts: what a driver says, what a connector logs (SEC-56). */
export interface SecretHider {
  hideSecrets(text: string): string;
  /** A copy without secrets, at any depth. */
  hideSecretsIn<Value>(value: Value): Value;
}

const SOUNDS_SECRET = /pass|secret|token|key|pwd|url|connection|credential|authorization/i;
/** Below the top there are names of columns and of links among others. */
const IS_SECRET = /pass(word|phrase|wd)?$|secret|token|pwd$|(api|private|access|shared|account).?key$|authorization$|connection.?string$/i;
/** Shorter texts are words of every message. */
const SHORTEST = 4;
const LONGEST_IN_PARTS = 1000;
const MOST_DEPTH = 8;

/**
 * Secrets are the texts of parameters that came from a secret reference or whose own names sound like secrets, at any depth. The
 * longest is hidden first, so that none is shown in part.
 *
 * @param secretParameters paths of parameters that came from secret references, such as `password` or `servers.0.password`.
 */
export function createSecretHider(parameters: Parameters, secretParameters: readonly string[]): SecretHider {
  const found = new Set<string>();
  for (const [name, value] of Object.entries(parameters)) collect(value, name, SOUNDS_SECRET.test(name), new Set(secretParameters), found);
  const secrets = [...found].sort((one, other) => other.length - one.length);
  const hideSecrets = (text: string): string => secrets.reduce((shown, secret) => shown.replaceAll(secret, '[redacted]'), text);
  const hideSecretsIn = (value: unknown, depth = 0): unknown => {
    if (secrets.length === 0) return value;
    if (typeof value === 'string') return hideSecrets(value);
    if (value instanceof Error) return { name: value.name, message: hideSecrets(value.message) };
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
    if (depth > MOST_DEPTH) return '[too deep]';
    if (Array.isArray(value)) return value.map((one) => hideSecretsIn(one, depth + 1));
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, hideSecretsIn(inner, depth + 1)]));
  };
  return { hideSecrets, hideSecretsIn: <Value>(value: Value) => hideSecretsIn(value) as Value };
}

function collect(value: unknown, path: string, sounds: boolean, references: ReadonlySet<string>, found: Set<string>): void {
  if (typeof value === 'string') {
    if (value.length < SHORTEST || !(sounds || references.has(path))) return;
    found.add(value);
    const password = /^[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:([^\s@/]+)@/i.exec(value)?.[1];
    // A driver takes an address apart, and says its parts; so it does with what it takes for the pairs of a connection string.
    const parts = password === undefined ? partsOf(value) : [password, decoded(password)];
    for (const part of parts) if (part.length >= SHORTEST) found.add(part);
  } else if (Array.isArray(value)) {
    for (const [index, inner] of value.entries()) collect(inner, `${path}.${index}`, sounds && typeof inner === 'string', references, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) collect(inner, `${path}.${name}`, IS_SECRET.test(name), references, found);
  }
}

/**
 * The parts of a secret that may be said without the rest. Of a connection string they are the values that sound secret: a message
 * shall still name the server. A secret that merely has such characters is secret in every part;
 * a script or a certificate is too long to be one, and its parts are words.
 */
function partsOf(secret: string): readonly string[] {
  if (secret.length > LONGEST_IN_PARTS || secret.includes('\n')) return [];
  const pairs = secret.split(';').map((part) => {
    const equals = part.indexOf('=');
    return { name: part.slice(0, Math.max(0, equals)).trim(), value: part.slice(equals + 1).trim() };
  });
  const isConnectionString =
    pairs.length > 1 && pairs.some(({ name }) => /^(server|data source|host|address|addr|dsn|driver|provider|database|initial catalog)$/i.test(name));
  if (!isConnectionString) return /[;=,]/.test(secret) ? secret.split(/[;=,]/).map((part) => part.trim()) : [];
  // What has no name is the rest of the value before it, which had a semicolon.
  let secretName = false;
  return pairs.flatMap(({ name, value }) => {
    if (name !== '') secretName = SOUNDS_SECRET.test(name);
    if (!secretName) return [];
    return [value, value.replace(/^(["'{])(.*?)["'}]?$/, '$2'), value.replace(/["'}]$/, '')];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
