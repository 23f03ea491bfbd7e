import { generateKeyPairSync } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { safePath } from './archive/safe-path.ts';
import { PackageError, signDigest } from './index.ts';
import { digestFolder } from './package-digest.ts';
import { openPackageStore, type PackageStore } from './package-store.ts';
import { makeZip, type ZipEntry } from './testing/make-zip.ts';

const fixtures = join(import.meta.dirname, '../fixtures');
const open = { requireSignature: false, keys: [] };
let folder: string;
let store: PackageStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'landbridge-packages-'));
  store = openPackageStore(join(folder, 'data'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A module package with some content. */
function source(name: string, content: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name: '@acme/hr', version: content, exports: './index.ts' }));
  writeFileSync(join(path, 'index.ts'), `export const content = ${JSON.stringify(content)};\n`);
  return path;
}

function zip(name: string, entries: readonly ZipEntry[]): string {
  const file = join(folder, name);
  writeFileSync(file, makeZip(entries));
  return file;
}

describe('R28 versions by content', () => {
  it('tells what a DLL lacks with the installation, also of what is installed already: not first by the worker (R29)', async () => {
    const lacking = join(folder, 'lacking');
    mkdirSync(lacking);
    cpSync(join(fixtures, 'hr.dll'), join(lacking, 'hr.dll'));
    for (const isNew of [true, false])
      expect(await store.add(lacking, { policy: open, at: 1, name: 'lacking' })).toMatchObject({
        isNew,
        inspection: { findings: expect.arrayContaining([expect.objectContaining({ what: 'Acme.Http 2.3.4.5 is missing' })]) },
      });
  });

  it('adds, keeps by digest, puts to use, goes back, removes', async () => {
    const one = await store.add(source('a', '1.0.0'), { policy: open, at: 1 });
    expect(one).toMatchObject({
      isNew: true,
      package: { name: 'hr', current: one.version.digest },
      version: { version: '1.0.0', kind: 'module', entry: 'index.ts', files: 2 },
    });
    const two = await store.add(source('b', '2.0.0'), { policy: open, at: 2 });
    // Adding does not put to use: an update validates first.
    expect(store.get('hr')).toMatchObject({ current: one.version.digest, versions: [{ version: '2.0.0' }, { version: '1.0.0' }] });
    store.use('hr', two.version.digest);
    expect(store.get('hr')).toMatchObject({ current: two.version.digest, history: [one.version.digest] });
    store.use('hr', one.version.digest);
    expect(store.get('hr')).toMatchObject({ current: one.version.digest, history: [] });
    expect(() => store.remove('hr', one.version.digest)).toThrow(/in use/);
    store.remove('hr', two.version.digest);
    store.remove('hr');
    expect(store.list()).toEqual([]);
    expect(readdirSync(join(folder, 'data/packages/content'))).toEqual([]);
  });

  it('equal content is one version, whether it came as a folder or as an archive', async () => {
    const path = source('a', '1.0.0');
    const first = await store.add(path, { policy: open, at: 1 });
    const archive = zip('hr.zip', [
      { name: 'hr-1.0.0/package.json', content: readFileSync(join(path, 'package.json')) },
      { name: 'hr-1.0.0/index.ts', content: readFileSync(join(path, 'index.ts')) },
    ]);
    expect(await store.add(archive, { policy: open, at: 2 })).toMatchObject({ isNew: false, version: { digest: first.version.digest, addedAt: 1 } });
  });

  it('a DLL package is known by its connector DLL', async () => {
    const path = join(folder, 'HR connector');
    mkdirSync(path);
    for (const name of ['hr.dll', 'Acme.Http.dll']) cpSync(join(fixtures, name), join(path, name));
    expect(await store.add(path, { policy: open, at: 1 })).toMatchObject({
      package: { name: 'hr-connector' },
      version: { kind: 'ecma2', entry: 'hr.dll', version: '2.1.0.4', grade: 'mono' },
    });
    await expect(store.add(path, { policy: open, at: 1, dll: 'Acme.Http.dll' })).rejects.toThrow(/no connector DLL of this package; there are hr\.dll/);
  });

  it('what is no connector is refused with the reason, and leaves nothing behind', async () => {
    const path = join(folder, 'rules');
    mkdirSync(path);
    cpSync(join(fixtures, 'rules.dll'), join(path, 'rules.dll'));
    await expect(store.add(path, { policy: open, at: 1 })).rejects.toThrow(/no class implements an ECMA2 interface/);
    await expect(store.add(join(folder, 'none'), { policy: open, at: 1 })).rejects.toThrow(/there is no/);
    await expect(store.add(source('sql', '1'), { policy: open, at: 1, name: 'sql' })).rejects.toThrow(/built in/);
    expect(readdirSync(join(folder, 'data/packages/incoming'))).toEqual([]);
  });

  it('the copy that a connector runs from is its own, and is made only of what was installed', async () => {
    const { version } = await store.add(source('a', '1.0.0'), { policy: open, at: 1 });
    const copy = join(folder, 'connector/package');
    store.materialize(version.digest, copy);
    expect(digestFolder(copy)).toBe(version.digest);
    writeFileSync(join(copy, 'written-beside.txt'), 'x');
    // A second start keeps what the connector wrote beside its DLL.
    store.materialize(version.digest, copy);
    expect(existsSync(join(copy, 'written-beside.txt'))).toBe(true);
    writeFileSync(join(folder, 'data/packages/content', version.digest, 'index.ts'), 'changed');
    expect(() => store.materialize(version.digest, join(folder, 'connector/other'))).toThrow(/changed on disk/);
  });
});

describe('R28 SEC-53 signatures by keys of the operator', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const other = generateKeyPairSync('ed25519', { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
  const policy = { requireSignature: true, keys: [{ name: 'operations', pem: publicKey }] };

  it('what is not signed by a trusted key is refused; what is, carries the name of the key', async () => {
    const path = source('a', '1.0.0');
    const digest = digestFolder(path);
    await expect(store.add(path, { policy, at: 1 })).rejects.toThrow(/must be signed/);
    await expect(store.add(path, { policy, at: 1, signature: signDigest(digest, other.privateKey) })).rejects.toThrow(/trusted keys \(operations\)/);
    const signature = signDigest(digest, privateKey);
    expect((await store.add(path, { policy, at: 1, signature })).version.signedBy).toBe('operations');
    // The signature is of that content alone.
    await expect(store.add(source('b', '2.0.0'), { policy, at: 1, signature })).rejects.toThrow(/not of this content/);
  });

  it('keys of another kind are refused', async () => {
    const rsa = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    expect(() => signDigest('00', rsa.privateKey)).toThrow(/openssl genpkey -algorithm ed25519/);
    expect(() => signDigest('00', 'nonsense')).toThrow(/not a private key/);
    await expect(
      store.add(source('a', '1'), { policy: { requireSignature: true, keys: [{ name: 'old', pem: rsa.publicKey }] }, at: 1, signature: 'AA==' }),
    ).rejects.toThrow(/not an Ed25519 key/);
  });
});

describe('SEC-51 SEC-52 archives', () => {
  const good: ZipEntry = { name: 'index.ts', content: 'export {};' };

  it.each<readonly [string, readonly ZipEntry[], RegExp]>([
    ['a path that leads out', [good, { name: '../../outside.txt', content: 'x' }], /relative path|leads out/],
    ['a path that leads out, in the manner of Windows', [good, { name: '..\\..\\outside.txt', content: 'x' }], /relative path|leads out/],
    ['an absolute path', [good, { name: '/etc/outside.txt', content: 'x' }], /absolute path|not relative/],
    ['a drive', [good, { name: 'C:outside.txt', content: 'x' }], /absolute path|not relative/],
    ['a symbolic link', [good, { name: 'link', content: '/etc/passwd', mode: 0o120777 }], /symbolic link/],
    ['a device', [good, { name: 'pipe', content: '', mode: 0o010644 }], /not a plain file/],
    ['a stream beside a file', [good, { name: 'index.ts:hidden', content: 'x' }], /not allowed in names/],
    ['a device name of Windows', [good, { name: 'sub/NUL.dll', content: 'x' }], /plain name on Windows/],
    ['a name twice', [good, { name: 'INDEX.TS', content: 'x' }], /twice/],
    ['an encrypted file', [good, { name: 'secret.dll', content: 'x', encrypted: true }], /encrypted/],
    ['a bomb', [good, { name: 'bomb', content: Buffer.alloc(80 * 1024 * 1024) }], /swells/],
    ['a bomb that lies about its size', [good, { name: 'bomb', content: Buffer.alloc(80 * 1024 * 1024), claimedSize: 10 }], /cannot be extracted|swells/],
  ])('%s is refused, and nothing is written outside', async (_, entries, why) => {
    const file = zip('bad.zip', entries);
    const error = await store.add(file, { policy: open, at: 1, name: 'bad' }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(PackageError);
    expect((error as PackageError).message).toMatch(why);
    expect(existsSync(join(folder, 'outside.txt'))).toBe(false);
    expect(readdirSync(join(folder, 'data/packages/incoming'))).toEqual([]);
    expect(store.list()).toEqual([]);
  });

  it('a folder with a link is refused', async () => {
    const path = source('a', '1.0.0');
    symlinkSync('/etc/passwd', join(path, 'link'));
    await expect(store.add(path, { policy: open, at: 1 })).rejects.toThrow(/symbolic link/);
  });

  it('a file that is no archive is refused', async () => {
    writeFileSync(join(folder, 'no.zip'), 'hello');
    await expect(store.add(join(folder, 'no.zip'), { policy: open, at: 1 })).rejects.toThrow(/not a ZIP/);
    writeFileSync(join(folder, 'one.dll'), 'hello');
    await expect(store.add(join(folder, 'one.dll'), { policy: open, at: 1 })).rejects.toThrow(/neither a folder nor a \.zip/);
  });

  it('plain names pass', () => {
    expect(safePath('./a\\b c/ü-1.dll')).toBe('a/b c/ü-1.dll');
  });
});
