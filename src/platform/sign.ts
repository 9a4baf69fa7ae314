import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign, verify } from 'node:crypto';
import type { SealKey } from './seal.ts';

/** What the signing key is made for; another purpose gets another key out of the same secret. */
const PURPOSE = 'wonward signed report v1';
const SEED_BYTES = 32;

/** What comes before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs what has to be shown unchanged later, with a key that is derived from the service's own. */
export interface Signer {
  sign(text: string): { readonly keyId: string; readonly signature: string };
  /** `unknown_key`: the service does not have the key any more that it names. */
  verify(text: string, keyId: string, signature: string): 'valid' | 'invalid' | 'unknown_key';
  /** In PEM, for whoever verifies without the service; null for a key that it does not have. */
  publicKey(keyId: string): string | null;
}

/** Signs with the first key, verifies with any. */
export function createSigner(sealKeys: readonly SealKey[]): Signer {
  const keys = new Map(sealKeys.map(({ id, key }) => [id, keyFrom(key)]));
  const [current] = sealKeys;
  if (!current) throw new RangeError('at least one encryption key is needed');
  const privateKey = keys.get(current.id) as KeyObject;
  return {
    sign: (text) => ({
      keyId: current.id,
      signature: sign(null, Buffer.from(text), privateKey).toString('base64url'),
    }),
    verify(text, keyId, signature) {
      const key = keys.get(keyId);
      if (!key) return 'unknown_key';
      const isValid = verify(null, Buffer.from(text), createPublicKey(key), Buffer.from(signature, 'base64url'));
      return isValid ? 'valid' : 'invalid';
    },
    publicKey(keyId) {
      const key = keys.get(keyId);
      return key ? createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString() : null;
    },
  };
}

function keyFrom(secret: Uint8Array): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', PURPOSE, SEED_BYTES));
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}
