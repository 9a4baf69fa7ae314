import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { Fault } from '../domain/errors.ts';

/** 96 bits, as NIST SP 800-38D recommends for GCM with random nonces. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const FORMAT = 'v1';

export interface SealKey {
  /** Short name written beside each sealed text, so that keys can be rotated. */
  readonly id: string;
  readonly key: Uint8Array;
}

/** Encrypts secrets at rest with AES-256-GCM. */
export interface Seal {
  /** `context` (tenant and column) is authenticated: a sealed text moved to another row does not open. */
  seal(plain: string, context: string): string;
  /** @throws Fault `unsealable` when the key is unknown, or text or context were changed. */
  open(sealed: string, context: string): string;
  /** The name of the key that a text was sealed with; null when it is no sealed text. */
  keyIdOf(sealed: string): string | null;
  /** The name of the key that texts are sealed with now. */
  readonly currentKeyId: string;
}

/** What is sealed for payouts: an account's credentials for a provider, a voucher that was given out, a code that can be. */
export type PayoutSecret = 'settings' | 'voucher' | 'coupon';

/** Ties a secret to its account and its row (`id`: the provider, the order's key, the code's hash). */
export function payoutContext(accountId: string, kind: PayoutSecret, id: string): string {
  return JSON.stringify(['payout', accountId, kind, id]);
}

/** Ties the secret that an endpoint's webhooks are signed with to its account and its endpoint. */
export function webhookContext(accountId: string, endpointId: string): string {
  return JSON.stringify(['webhook', accountId, endpointId]);
}

/** Seals with the first key, opens with any. */
export function createSeal(sealKeys: readonly SealKey[]): Seal {
  // Made once: every call to a CRM opens a token, and with the bare bytes that takes Node five times as long (25 µs for 5).
  const keys = sealKeys.map(({ id, key }) => ({ id, key: createSecretKey(key) }));
  const [current] = keys;
  if (!current) throw new RangeError('at least one encryption key is needed');
  return {
    currentKeyId: current.id,
    keyIdOf(sealed) {
      const [format, keyId = '', payload = ''] = sealed.split('.');
      return format === FORMAT && keyId !== '' && payload !== '' ? keyId : null;
    },
    seal(plain, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return [FORMAT, current.id, Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')].join('.');
    },
    open(sealed, context) {
      const [format, keyId, payload = ''] = sealed.split('.');
      const key = keys.find(({ id }) => id === keyId);
      if (format !== FORMAT || !key) throw unsealable(`no key "${keyId}" is configured`);
      const bytes = Buffer.from(payload, 'base64url');
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.key, bytes.subarray(0, NONCE_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(context));
        decipher.setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString(
          'utf8',
        );
      } catch (cause) {
        throw unsealable('the text, its context or the key was changed', cause);
      }
    },
  };
}

function unsealable(message: string, cause?: unknown): Fault {
  return new Fault(
    'unsealable',
    { kind: 'never' },
    'A stored secret cannot be opened with the configured ENCRYPTION_KEY.',
    {
      message,
      cause,
    },
  );
}

/**
 * Reads ENCRYPTION_KEY: one or more `id:base64` pairs separated by commas, the one to seal with first.
 * Returns a text that says what is wrong instead of keys when it cannot.
 */
export function parseSealKeys(text: string): SealKey[] | string {
  const keys: SealKey[] = [];
  for (const part of text.split(',').map((item) => item.trim())) {
    const match = /^([a-z0-9_-]{1,16}):([A-Za-z0-9+/_-]+={0,2})$/.exec(part);
    const key = match?.[2] ? Buffer.from(match[2], 'base64') : undefined;
    if (!match?.[1] || key?.length !== KEY_BYTES) return 'each key is written id:base64 of 32 bytes, for example k1:… ';
    keys.push({ id: match[1], key });
  }
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) return 'two keys have the same id';
  return keys;
}
