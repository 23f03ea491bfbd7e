import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import type { ControlStore } from '@landbridge/store';
import type { SecretReader } from '../configuration/parse-configuration.ts';
import type { KeyRing } from './key-ring.ts';
import { readerFor } from './secret-destinations.ts';

/**
 * Secrets of connectors, encrypted at rest (envelope encryption).
 *
 * 1. Values are sealed with AES-256-GCM under a data key; the name is authenticated, so that two values cannot be exchanged.
 * 2. The data key is in the database only wrapped, by a key-encryption key that is outside of it (`key-ring.ts`).
 * 3. Everything is one row: a rotation is one transaction, and happens or does not.
 * 4. A value leaves through {@link SecretStore.readFor} alone, to where a connector is opened; no list, log or answer has one.
 */
export interface SecretStore {
  /** Reads values for one address, of `secret-destinations.ts`. @throws UnresolvedError for one that was given for others. */
  readFor(destination: string): SecretReader;
  /** Takes down where the configuration sends each secret: for a value that was set since, these are its addresses (SEC-43). */
  bind(destinations: ReadonlyMap<string, readonly string[]>): Promise<void>;
  list(): readonly SecretLine[];
  write(name: string, value: string, by: string): Promise<void>;
  /** @returns whether it was there. */
  remove(name: string): Promise<boolean>;
  /** Takes up what another host of the installation stored. @returns whether there was anything. @throws SecretKeyError */
  reload(): Promise<boolean>;
  /** Makes a new data key and, where the host itself keeps it, a new key-encryption key; seals everything anew. */
  rotate(): Promise<{ readonly secrets: number; readonly keyChanged: boolean }>;
}

/** What may be known of a secret. */
export interface SecretLine {
  readonly name: string;
  readonly updatedAt: number;
  readonly updatedBy: string;
}

/** The key-encryption key does not open what is stored. */
export class SecretKeyError extends Error {
  override readonly name = 'SecretKeyError';
}

/** Names that a reference `${secret:NAME}` may have. */
export const SECRET_REFERENCE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

interface Sealed {
  readonly nonce: string;
  readonly text: string;
  readonly tag: string;
}

interface StoredSecrets {
  readonly version: 1;
  /** The data key, wrapped; `key` says by which key-encryption key (a part of its hash). */
  readonly dataKey: Sealed & { readonly key: string };
  /** `destinations`: the addresses it is for; absent until the configuration names one. */
  readonly secrets: Readonly<Record<string, Sealed & { readonly updatedAt: number; readonly updatedBy: string; readonly destinations?: readonly string[] }>>;
}

const SETTING = 'secret-store';
const WRAP = 'landbridge data key 1';

/** Opens the secret store of a host; `shared`: of several, whose key-encryption key no single one may change. @throws SecretKeyError when the key-encryption key is another one. */
export async function openSecretStore(control: ControlStore, ring: KeyRing, { shared = false }: { readonly shared?: boolean } = {}): Promise<SecretStore> {
  const text = await control.readSetting(SETTING);
  const found = text === undefined ? undefined : (JSON.parse(text) as StoredSecrets);
  let dataKey: Uint8Array = found === undefined ? randomBytes(32) : unwrap(found, ring);
  let state: StoredSecrets = found ?? { version: 1, dataKey: wrap(dataKey, ring.current), secrets: {} };

  async function store(next: StoredSecrets): Promise<void> {
    await control.writeSetting(SETTING, JSON.stringify(next));
    state = next;
  }

  // A key that was put before the old one in the key file takes over at the next start.
  if (found !== undefined && found.dataKey.key !== idOf(ring.current)) await store({ ...state, dataKey: wrap(dataKey, ring.current) });
  ring.settle();

  const open = (name: string): string | undefined => {
    const sealed = Object.hasOwn(state.secrets, name) ? state.secrets[name] : undefined;
    return sealed === undefined ? undefined : Buffer.from(unseal(dataKey, sealed, name)).toString('utf8');
  };

  async function reload(): Promise<boolean> {
    const text = await control.readSetting(SETTING);
    if (text === undefined || text === JSON.stringify(state)) return false;
    const next = JSON.parse(text) as StoredSecrets;
    dataKey = unwrap(next, ring);
    state = next;
    return true;
  }

  return {
    reload,
    readFor: (destination) => readerFor(open, (name) => (Object.hasOwn(state.secrets, name) ? state.secrets[name]?.destinations : undefined), destination),
    async bind(destinations) {
      const fresh = Object.entries(state.secrets).filter(([name, one]) => one.destinations === undefined && destinations.has(name));
      if (fresh.length === 0) return;
      const bound = fresh.map(([name, one]) => [name, { ...one, destinations: destinations.get(name) ?? [] }]);
      await store({ ...state, secrets: { ...state.secrets, ...Object.fromEntries(bound) } });
    },
    list: () =>
      Object.entries(state.secrets)
        .map(([name, { updatedAt, updatedBy }]) => ({ name, updatedAt, updatedBy }))
        .sort((left, right) => (left.name < right.name ? -1 : 1)),
    async write(name, value, by) {
      await reload();
      const sealed = { ...seal(dataKey, Buffer.from(value, 'utf8'), name), updatedAt: Date.now(), updatedBy: by };
      await store({ ...state, secrets: { ...state.secrets, [name]: sealed } });
    },
    async remove(name) {
      await reload();
      if (!Object.hasOwn(state.secrets, name)) return false;
      await store({ ...state, secrets: Object.fromEntries(Object.entries(state.secrets).filter(([one]) => one !== name)) });
      return true;
    },
    async rotate() {
      await reload();
      const next = randomBytes(32);
      // A key-encryption key of the host's own changes too: the new one is in its file before anything is wrapped by it, the
      // old one leaves the file after, so that a crash between the two loses nothing.
      const keyChanged = !shared && ring.advance();
      const secrets = Object.fromEntries(
        Object.entries(state.secrets).map(([name, one]) => [name, { ...one, ...seal(next, unseal(dataKey, one, name), name) }]),
      );
      await store({ version: 1, dataKey: wrap(next, ring.current), secrets });
      dataKey = next;
      ring.settle();
      return { secrets: Object.keys(secrets).length, keyChanged };
    },
  };
}

function unwrap({ dataKey }: StoredSecrets, ring: KeyRing): Uint8Array {
  const key = ring.keys.find((one) => idOf(one) === dataKey.key);
  if (key === undefined)
    throw new SecretKeyError(
      `the secret store is encrypted with another key (${dataKey.key}) than ${ring.source} holds; restore that key, or name its file in LANDBRIDGE_SECRET_KEY_FILE`,
    );
  return unseal(key, dataKey, WRAP);
}

function wrap(dataKey: Uint8Array, key: Uint8Array): StoredSecrets['dataKey'] {
  return { ...seal(key, dataKey, WRAP), key: idOf(key) };
}

/** Tells keys apart without giving them away. */
function idOf(key: Uint8Array): string {
  return createHash('sha256').update('landbridge key id').update(key).digest('hex').slice(0, 12);
}

function seal(key: Uint8Array, plain: Uint8Array, context: string): Sealed {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return { nonce: nonce.toString('base64'), text: text.toString('base64'), tag: cipher.getAuthTag().toString('base64') };
}

function unseal(key: Uint8Array, sealed: Sealed, context: string): Uint8Array {
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(sealed.nonce, 'base64')).setAAD(Buffer.from(context));
  decipher.setAuthTag(Buffer.from(sealed.tag, 'base64'));
  try {
    return Buffer.concat([decipher.update(Buffer.from(sealed.text, 'base64')), decipher.final()]);
  } catch (error) {
    throw new SecretKeyError('the secret store is damaged: what is stored was changed from outside; restore it from a backup', { cause: error });
  }
}
