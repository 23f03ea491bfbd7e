import 'reflect-metadata';
import { createPrivateKey, X509Certificate as NodeCertificate, webcrypto } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate for the server, and the CA that clients trust it by. */
export interface ServerCertificate {
  readonly certificate: string;
  readonly key: string;
  /** File with the certificate of the CA; `undefined` for an own certificate. */
  readonly caFile: string | undefined;
  readonly startsAt: number;
  readonly expiresAt: number;
  /** SHA-256 of the certificate, of an own one: it is issued for the name that clients use, and the local command line knows it by this. */
  readonly fingerprint?: string;
}

const RENEW_BEFORE_DAYS = 30;
const DAY = 86_400_000;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * Reads an own certificate and its key, and sees that they belong together.
 *
 * @throws Error naming the file, what is wrong with it, and what to do. Nothing of the key is in it.
 */
export function readCertificate(files: { readonly certificate: string; readonly key: string }): ServerCertificate {
  const certificate = readPem('certificate', files.certificate);
  const key = readPem('key', files.key);
  const parsed = parsePem('certificate', files.certificate, 'CERTIFICATE', () => new NodeCertificate(certificate));
  const privateKey = parsePem('key', files.key, 'PRIVATE KEY', () => createPrivateKey(key));
  if (!parsed.checkPrivateKey(privateKey))
    throw new Error(`server.tls: the key ${files.key} is not the key of the certificate ${files.certificate}; name the two files that were issued together`);
  return {
    certificate,
    key,
    caFile: undefined,
    startsAt: Date.parse(parsed.validFrom),
    expiresAt: Date.parse(parsed.validTo),
    fingerprint: parsed.fingerprint256,
  };
}

/** What clients will say of an own certificate, now or soon. A generated one renews itself. */
export function warnOfCertificate({ startsAt, expiresAt, fingerprint }: ServerCertificate, now: number = Date.now()): string | undefined {
  if (fingerprint === undefined) return undefined;
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10);
  const renew = 'put a new one into the files of server.tls, which are read again within six hours and at a start';
  if (startsAt > now)
    return `the certificate of server.tls is not valid before ${day(startsAt)}: clients refuse the connection; see to the clock of this machine`;
  if (expiresAt <= now) return `the certificate of server.tls ended on ${day(expiresAt)}: clients refuse the connection; ${renew}`;
  return expiresAt - now < RENEW_BEFORE_DAYS * DAY ? `the certificate of server.tls ends on ${day(expiresAt)}; ${renew}` : undefined;
}

function readPem(option: string, file: string): string {
  if (!existsSync(file)) throw new Error(`the file ${file} of server.tls does not exist; correct server.tls.${option}`);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(
      `server.tls.${option}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}); name a file that this account may read`,
      {
        cause: error,
      },
    );
  }
}

/** What OpenSSL says of broken PEM helps nobody: the file and what must stand in it do. */
function parsePem<Value>(option: string, file: string, label: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (error) {
    throw new Error(
      `server.tls.${option}: ${file} holds no ${option} that can be read; give it as PEM (BEGIN ${label})${option === 'key' ? ', without a passphrase' : ''}`,
      { cause: error },
    );
  }
}

/** The generated certificate of a data folder; made anew when there is none, or it ends within 30 days. The CA stays for ten years. */
export async function generatedCertificate(folder: string, now: number = Date.now()): Promise<ServerCertificate> {
  const file = (name: string): string => join(folder, name);
  const known = existsSync(file('server.crt')) ? readGenerated(folder) : undefined;
  if (known !== undefined && known.expiresAt - now > RENEW_BEFORE_DAYS * DAY) return known;
  const ca = await loadAuthority(folder, now);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const names = [...new Set(['localhost', hostname()])].map((value) => ({ type: 'dns' as const, value }));
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=Landbridge',
    issuer: ca.certificate.subject,
    notBefore: new Date(now - 5 * 60_000),
    notAfter: new Date(now + 365 * DAY),
    publicKey: keys.publicKey,
    signingKey: ca.key,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new SubjectAlternativeNameExtension([...names, { type: 'ip', value: '127.0.0.1' }, { type: 'ip', value: '::1' }]),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    ],
  });
  writeFileSync(file('server.key'), await exportKey(keys.privateKey), { mode: 0o600 });
  writeFileSync(file('server.crt'), certificate.toString('pem'));
  return readGenerated(folder);
}

function readGenerated(folder: string): ServerCertificate {
  const certificate = readFileSync(join(folder, 'server.crt'), 'utf8');
  const { validFrom, validTo } = new NodeCertificate(certificate);
  return {
    certificate,
    key: readFileSync(join(folder, 'server.key'), 'utf8'),
    caFile: join(folder, 'ca.crt'),
    startsAt: Date.parse(validFrom),
    expiresAt: Date.parse(validTo),
  };
}

async function loadAuthority(folder: string, now: number) {
  const { X509Certificate } = await import('@peculiar/x509');
  const crt = join(folder, 'ca.crt');
  const keyFile = join(folder, 'ca.key');
  if (existsSync(crt) && existsSync(keyFile)) {
    const der = Buffer.from(readFileSync(keyFile, 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64');
    return {
      certificate: new X509Certificate(readFileSync(crt, 'utf8')),
      key: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']),
    };
  }
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=Landbridge CA of ${hostname()}`,
    notBefore: new Date(now - 5 * 60_000),
    notAfter: new Date(now + 3650 * DAY),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [new BasicConstraintsExtension(true, 0, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true)],
  });
  writeFileSync(keyFile, await exportKey(keys.privateKey), { mode: 0o600 });
  writeFileSync(crt, certificate.toString('pem'));
  return { certificate, key: keys.privateKey };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)?.join('\n') ?? ''}\n-----END PRIVATE KEY-----\n`;
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
    .toString('hex')
    .replace(/^[89a-f]/, '1');
}
