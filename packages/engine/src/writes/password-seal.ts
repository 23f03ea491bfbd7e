import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/**
 * Seals passwords for the journal (R21): AES-256-GCM under a key from outside the store. The text is versioned, so that
 * keys can rotate: `1.<nonce>.<tag>.<ciphertext>`, base64url.
 */
export interface PasswordSeal {
  seal(password: string): string;
  /** Throws when the key is another one or the text was altered; the message never holds the password. */
  open(sealed: string): string;
}

/** Makes a seal from a 32-byte key. The name of the connector is bound to each value, so that values cannot be moved. */
export function createPasswordSeal(key: Uint8Array, connector: string): PasswordSeal {
  return {
    seal(password) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(connector));
      const text = Buffer.concat([cipher.update(password, 'utf8'), cipher.final()]);
      return ['1', nonce.toString('base64url'), cipher.getAuthTag().toString('base64url'), text.toString('base64url')].join('.');
    },
    open(sealed) {
      const [version, nonce = '', tag = '', text = ''] = sealed.split('.');
      if (version !== '1') throw new Error('a sealed password has an unknown version');
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url')).setAAD(Buffer.from(connector));
      decipher.setAuthTag(Buffer.from(tag, 'base64url'));
      return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]).toString('utf8');
    },
  };
}
