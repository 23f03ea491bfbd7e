import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedCertificate, readCertificate } from './certificate.ts';

const folder = mkdtempSync(join(tmpdir(), 'landbridge-own-certificate-'));
const path = (name: string): string => join(folder, name);

beforeAll(async () => {
  await generatedCertificate(folder);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(path('other.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(path('locked.key'), privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'x' }));
  writeFileSync(path('garbage'), 'garbage');
  mkdirSync(path('folder'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('server.tls', () => {
  it('takes a certificate and its key', () => {
    expect(readCertificate({ certificate: path('server.crt'), key: path('server.key') }).expiresAt).toBeGreaterThan(Date.now());
  });

  it.each([
    ['server.crt', 'other.key', /the key .*other\.key is not the key of the certificate .*server\.crt; name the two files/],
    ['garbage', 'server.key', /server\.tls\.certificate: .*garbage holds no certificate that can be read; give it as PEM \(BEGIN CERTIFICATE\)/],
    ['server.crt', 'garbage', /server\.tls\.key: .*garbage holds no key that can be read; give it as PEM \(BEGIN PRIVATE KEY\), without a passphrase/],
    ['server.crt', 'locked.key', /server\.tls\.key: .*locked\.key holds no key that can be read; .* without a passphrase/],
    ['server.crt', 'server.crt', /server\.tls\.key: .* holds no key/],
    ['folder', 'server.key', /server\.tls\.certificate: .*folder cannot be read \(EISDIR\); name a file/],
    ['nowhere', 'server.key', /the file .*nowhere of server\.tls does not exist; correct server\.tls\.certificate/],
  ])('%s with %s is refused with the file and what to do', (certificate, key, message) => {
    expect(() => readCertificate({ certificate: path(certificate), key: path(key) })).toThrow(message);
  });
});
