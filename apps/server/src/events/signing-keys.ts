import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

/** The keys that sign security event tokens, and the set that receivers check them with (S-246). */
export interface SigningKeys {
  current(): { readonly kid: string; readonly key: CryptoKey };
  /** A JSON Web Key Set (RFC 7517 §5): the key in use, and those before it until the last token they signed is old. */
  publicSet(): { readonly keys: readonly JWK[] };
  /** A new key signs from now on. */
  rotate(): Promise<{ readonly kid: string }>;
}

interface StoredKey {
  readonly kid: string;
  readonly createdAt: number;
  readonly private: JWK;
}

/** How long a replaced key stays published, milliseconds: receivers may be away for weeks. */
const PUBLISHED = 45 * 24 * 3_600_000;

/** Opens the keys of a data folder; the first one is made when it is needed. */
export async function openSigningKeys(folder: string, now: () => number = Date.now): Promise<SigningKeys> {
  const file = join(folder, 'event-keys.json');
  let keys: readonly StoredKey[] = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as readonly StoredKey[]) : [];
  let current = keys[0] === undefined ? await add() : await open(keys[0]);

  async function open(stored: StoredKey): Promise<{ kid: string; key: CryptoKey }> {
    return { kid: stored.kid, key: (await importJWK(stored.private, 'ES256')) as CryptoKey };
  }

  async function add(): Promise<{ kid: string; key: CryptoKey }> {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const stored: StoredKey = { kid: randomUUID(), createdAt: now(), private: await exportJWK(privateKey) };
    // A key is out of use from the time its successor was made.
    const published = keys.filter((_, index) => (index === 0 ? true : now() - (keys[index - 1]?.createdAt ?? 0) < PUBLISHED));
    keys = [stored, ...published];
    // Whole or not at all: a torn file would lose the keys of tokens that are under way.
    writeFileSync(`${file}.new`, JSON.stringify(keys), { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return open(stored);
  }

  return {
    current: () => current,
    publicSet: () => ({ keys: keys.map(({ kid, private: { d: _, ...open } }) => ({ ...open, kid, alg: 'ES256', use: 'sig' })) }),
    async rotate() {
      current = await add();
      return { kid: current.kid };
    },
  };
}
