import { randomBytes } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

/** As long as the hash that it keys. The specification asks for 24 to 64. */
const SECRET_BYTES = 32;

/** A secret as standardwebhooks.com writes it. */
export function newWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

export interface SignedHeaders {
  readonly 'webhook-id': string;
  readonly 'webhook-timestamp': string;
  readonly 'webhook-signature': string;
}

/**
 * Signs a body as standardwebhooks.com describes. With several secrets there are several signatures, of which a receiver needs to know one: that
 * is how a secret is changed without a gap.
 */
export function createWebhookSigner(
  secrets: readonly string[],
): (id: string, now: number, body: string) => SignedHeaders {
  const signers = secrets.map((secret) => new Webhook(secret));
  return (id, now, body) => {
    const at = new Date(now);
    return {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now / 1_000)),
      'webhook-signature': signers.map((signer) => signer.sign(id, at, body)).join(' '),
    };
  };
}
