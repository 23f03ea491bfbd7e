import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** The key-encryption keys of a host, the one in force first. They are never in the database. */
export interface KeyRing {
  readonly keys: readonly Uint8Array[];
  readonly current: Uint8Array;
  /** Where they are, for messages. */
  readonly source: string;
  /** Puts a new key before the others, durably, where the host keeps the keys itself. @returns whether it does. */
  advance(): boolean;
  /** What was wrapped by older keys is wrapped by the current one now: forgets them, where the host keeps the keys itself. */
  settle(): void;
}

/** Keys that cannot be read. The message says which file, and what to do. */
export class KeyRingError extends Error {
  override readonly name = 'KeyRingError';
}

/**
 * Reads the keys: of the environment variable `LANDBRIDGE_SECRET_KEY`, else of the file that `LANDBRIDGE_SECRET_KEY_FILE` names,
 * else of `secrets.key` in the data folder, which is made. Each is 32 bytes in hexadecimal or base64, several are separated by
 * blanks or lines: the first is in force, the others open what was wrapped before.
 */
export function openKeyRing(dataFolder: string, environment: NodeJS.ProcessEnv = process.env): KeyRing {
  const given = environment['LANDBRIDGE_SECRET_KEY'];
  if (given !== undefined && given !== '') return fixed(given, 'LANDBRIDGE_SECRET_KEY');
  const named = environment['LANDBRIDGE_SECRET_KEY_FILE'];
  if (named !== undefined && named !== '') {
    if (!existsSync(named)) throw new KeyRingError(`LANDBRIDGE_SECRET_KEY_FILE: the file ${named} does not exist`);
    return fixed(readFileSync(named, 'utf8'), named);
  }
  return owned(join(dataFolder, 'secrets.key'));
}

function fixed(text: string, source: string): KeyRing {
  const keys = parseKeys(text, source);
  return { keys, current: first(keys), source, advance: () => false, settle: () => {} };
}

function owned(file: string): KeyRing {
  if (!existsSync(file)) writeKeys(file, [randomBytes(32)]);
  let keys = parseKeys(readFileSync(file, 'utf8'), file);
  const keep = (next: readonly Uint8Array[]): void => {
    writeKeys(file, next);
    keys = next;
  };
  return {
    get keys() {
      return keys;
    },
    get current() {
      return first(keys);
    },
    source: file,
    advance() {
      keep([randomBytes(32), ...keys]);
      return true;
    },
    settle() {
      if (keys.length > 1) keep([first(keys)]);
    },
  };
}

function first(keys: readonly Uint8Array[]): Uint8Array {
  const [key] = keys;
  if (key === undefined) throw new KeyRingError('there is no key');
  return key;
}

function parseKeys(text: string, source: string): readonly Uint8Array[] {
  const keys = text
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map((part) => Buffer.from(part, /^[0-9a-fA-F]{64}$/.test(part) ? 'hex' : 'base64'));
  if (keys.length === 0 || keys.some((key) => key.length !== 32))
    throw new KeyRingError(`${source} must hold keys of 32 bytes, as 64 hexadecimal digits or in base64: openssl rand -hex 32`);
  return keys;
}

/** Whole or not at all, and on disk before it is relied on. */
function writeKeys(file: string, keys: readonly Uint8Array[]): void {
  const next = `${file}.new`;
  const handle = openSync(next, 'w', 0o600);
  writeSync(handle, `${keys.map((key) => Buffer.from(key).toString('hex')).join('\n')}\n`);
  fsyncSync(handle);
  closeSync(handle);
  renameSync(next, file);
}
