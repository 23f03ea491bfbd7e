import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { PackageError } from './package-error.ts';

/** What is signed: the digest, under a heading of ours so that the signature means nothing elsewhere. */
const message = (digest: string): Buffer => Buffer.from(`landbridge-package\n${digest}\n`);

/** Signs a digest with an Ed25519 key in PEM. @returns base64. @throws PackageError for another kind of key. */
export function signDigest(digest: string, privateKeyPem: string): string {
  let key: KeyObject;
  try {
    key = createPrivateKey(privateKeyPem);
  } catch (error) {
    throw new PackageError('signature', 'this is not a private key in PEM', { cause: error });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new PackageError('signature', `this is a key of the kind ${String(key.asymmetricKeyType)}; make one with: openssl genpkey -algorithm ed25519`);
  return sign(null, message(digest), key).toString('base64');
}

/** A public key that the operator trusts, with the name that the operator gave it. */
export interface TrustedKey {
  readonly name: string;
  readonly pem: string;
}

/** The name of the key that signed a digest; `undefined` where none of them did. @throws PackageError for a key that is none. */
export function findSigner(digest: string, signature: string, keys: readonly TrustedKey[]): string | undefined {
  const bytes = Buffer.from(signature.trim(), 'base64');
  return keys.find(({ name, pem }) => {
    let key: KeyObject;
    try {
      key = createPublicKey(pem);
    } catch (error) {
      throw new PackageError('signature', `the key "${name}" is not a public key in PEM`, { cause: error });
    }
    if (key.asymmetricKeyType !== 'ed25519') throw new PackageError('signature', `the key "${name}" is not an Ed25519 key`);
    return bytes.length === 64 && verify(null, message(digest), key, bytes);
  })?.name;
}
