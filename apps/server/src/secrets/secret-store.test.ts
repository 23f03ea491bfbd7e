import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteControlStore } from '@landbridge/store';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openKeyRing } from './key-ring.ts';
import { applicationAddress, secretDestinations } from './secret-destinations.ts';
import { openSecretStore } from './secret-store.ts';

/** Secrets at rest: sealed under a data key, which is wrapped by a key that no database holds. */
let folder: string;
let control: ReturnType<typeof openSqliteControlStore>;
const VALUE = 'Tr0ub4dor-and-3-horses';
const none: NodeJS.ProcessEnv = {};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-secrets-'));
  control = openSqliteControlStore(join(folder, 'control.db'));
});
afterEach(async () => {
  await control.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything on disk, the write-ahead log included. */
const bytes = (): Buffer => Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
const open = (environment = none) => openSecretStore(control, openKeyRing(folder, environment));
const keyFile = (): string => readFileSync(join(folder, 'secrets.key'), 'utf8');

describe('the secret store', () => {
  it('gives back what was stored, after a restart too, and lists names only', async () => {
    const store = await open();
    await store.write('hr-password', VALUE, 'ada');
    await store.write('other', 'x', 'alan');
    const again = await open();
    expect(again.readFor('here')('hr-password')).toBe(VALUE);
    expect(again.readFor('here')('toString')).toBeUndefined();
    expect(again.list()).toMatchObject([
      { name: 'hr-password', updatedBy: 'ada' },
      { name: 'other', updatedBy: 'alan' },
    ]);
    expect(JSON.stringify(again.list())).not.toContain(VALUE);
    expect(await again.remove('other')).toBe(true);
    expect(await again.remove('other')).toBe(false);
    expect((await open()).readFor('here')('other')).toBeUndefined();
  });

  it('SEC-43 a value goes to the addresses it was given for, until it is set again', async () => {
    const store = await open();
    await store.write('pass', VALUE, 'ada');
    const connector = (parameters: object, more: object = {}) => ({
      package: 'sql',
      parameters: { user: 'u', password: '${secret:pass}', ...parameters },
      ...more,
    });
    const here = connector({ host: 'db.example.com', tls: { ca: 'a.pem' } });
    const read = (document: ReturnType<typeof connector>) => store.readFor(applicationAddress(document))('pass');
    await store.bind(secretDestinations({ hr: here }));
    expect(read(here)).toBe(VALUE);
    // What maps data, and what is no address, may change.
    expect(read(connector({ host: 'db.example.com', tls: { ca: 'a.pem' }, user: 'v', objectTypes: { person: { host: 'column' } } }))).toBe(VALUE);
    const elsewhere = connector({ host: 'sink.example.com', tls: { ca: 'a.pem' } });
    const others = [
      elsewhere,
      connector({ host: 'db.example.com', tls: { ca: 'b.pem' } }),
      connector({ host: 'db.example.com', tls: { ca: 'a.pem' }, proxy: 'p' }),
      { ...here, package: 'other' },
    ];
    await store.bind(secretDestinations(Object.fromEntries(others.map((one, index) => [`c${index}`, one]))));
    for (const other of others) expect(() => read(other)).toThrow('landbridge secret set pass');
    const again = await open();
    expect(() => again.readFor(applicationAddress(elsewhere))('pass')).toThrow('was given for another address');
    await store.rotate();
    expect(() => read(elsewhere)).toThrow('was given for another address');
    await store.write('pass', 'new', 'ada');
    await store.bind(secretDestinations({ hr: elsewhere }));
    expect(read(elsewhere)).toBe('new');
    expect(() => read(here)).toThrow('was given for another address');
  });

  it('any text survives, under any name', async () => {
    const store = await open();
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,20}$/), fc.string({ minLength: 1, unit: 'grapheme' }), async (name, value) => {
        await store.write(name, value, 'x');
        expect(store.readFor('here')(name)).toBe(value);
      }),
      { numRuns: 40 },
    );
  });

  it('SEC-04 no file of the data folder has a value, before or after a rotation', async () => {
    const store = await open();
    await store.write('hr-password', VALUE, 'ada');
    const forms = [VALUE, Buffer.from(VALUE).toString('base64').slice(0, 24), Buffer.from(VALUE).toString('hex')];
    for (const form of forms) expect(bytes().includes(form), form).toBe(false);
    await store.rotate();
    for (const form of forms) expect(bytes().includes(form), form).toBe(false);
    expect(store.readFor('here')('hr-password')).toBe(VALUE);
  });

  it('the key is in a file for the owner, and never in the database', async () => {
    const store = await open();
    await store.write('a', VALUE, 'ada');
    expect(statSync(join(folder, 'secrets.key')).mode & 0o077).toBe(0);
    const key = keyFile().trim();
    const database = Buffer.concat(
      readdirSync(folder)
        .filter((name) => name.startsWith('control.db'))
        .map((name) => readFileSync(join(folder, name))),
    );
    expect(database.includes(key)).toBe(false);
    expect(database.includes(Buffer.from(key, 'hex'))).toBe(false);
    expect(database.includes(Buffer.from(key, 'hex').toString('base64'))).toBe(false);
  });

  it('a rotation changes the data key and the key that wraps it; the old key opens nothing any more', async () => {
    const store = await open();
    await store.write('a', VALUE, 'ada');
    const [before, old] = [await control.readSetting('secret-store'), keyFile()];
    expect(await store.rotate()).toEqual({ secrets: 1, keyChanged: true });
    expect(keyFile()).not.toContain(old.trim());
    const after = await control.readSetting('secret-store');
    expect(after).not.toBe(before);
    expect((await open()).readFor('here')('a')).toBe(VALUE);
    await expect(openSecretStore(control, openKeyRing(folder, { LANDBRIDGE_SECRET_KEY: old }))).rejects.toThrow(/encrypted with another key/);
  });

  it('a crash between the new key file and the database loses nothing: both keys are in the file', async () => {
    const store = await open();
    await store.write('a', VALUE, 'ada');
    // The process dies after the first step of a rotation.
    openKeyRing(folder, none).advance();
    expect(keyFile().trim().split('\n')).toHaveLength(2);
    const again = await open();
    expect(again.readFor('here')('a')).toBe(VALUE);
    expect(keyFile().trim().split('\n')).toHaveLength(1);
    expect((await open()).readFor('here')('a')).toBe(VALUE);
  });

  it('a key of the operator: from the environment or a file elsewhere; a new one is put before the old one', async () => {
    const [first, second] = ['11'.repeat(32), Buffer.from('22'.repeat(32), 'hex').toString('base64')];
    await (await open({ LANDBRIDGE_SECRET_KEY: first })).write('a', VALUE, 'ada');
    const file = join(folder, 'elsewhere.key');
    writeFileSync(file, `${second}\n${first}\n`);
    expect((await open({ LANDBRIDGE_SECRET_KEY_FILE: file })).readFor('here')('a')).toBe(VALUE);
    // The second key took over: the first is not needed any more.
    expect((await open({ LANDBRIDGE_SECRET_KEY: second })).readFor('here')('a')).toBe(VALUE);
    expect(await (await open({ LANDBRIDGE_SECRET_KEY: second })).rotate()).toEqual({ secrets: 1, keyChanged: false });
    await expect(open({ LANDBRIDGE_SECRET_KEY: first })).rejects.toThrow(/another key .* LANDBRIDGE_SECRET_KEY holds/);
    expect(readdirSync(folder)).not.toContain('secrets.key');
  });

  it.each([
    [{ LANDBRIDGE_SECRET_KEY: 'short' }, /LANDBRIDGE_SECRET_KEY must hold keys of 32 bytes/],
    [{ LANDBRIDGE_SECRET_KEY_FILE: '/nowhere/key' }, /the file \/nowhere\/key does not exist/],
  ])('a key that cannot be: %j', (environment, message) => {
    expect(() => openKeyRing(folder, environment)).toThrow(message);
  });

  it('what was changed from outside, or exchanged, is not opened', async () => {
    const store = await open();
    await store.write('a', VALUE, 'ada');
    await store.write('b', 'other', 'ada');
    const stored = JSON.parse((await control.readSetting('secret-store')) ?? '') as { secrets: Record<string, unknown> };
    await control.writeSetting('secret-store', JSON.stringify({ ...stored, secrets: { a: stored.secrets['b'], b: stored.secrets['a'] } }));
    const again = await open();
    expect(() => again.readFor('here')('a')).toThrow(/damaged/);
  });
});
