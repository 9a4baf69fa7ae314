import { createHmac, hkdfSync } from 'node:crypto';
import type { SealKey } from './seal.ts';

/** What the key is made for; another purpose gets another key out of the same secret. */
const PURPOSE = 'wonward mark v1';
const KEY_BYTES = 32;

/**
 * Makes of a text what it is recognised by later, and by nothing else: without the service's key nobody can try texts against it. Marks that
 * were made with a key that the service no longer has are nobody's.
 */
export interface Marker {
  /** `context`: the account and what kind of text it is, so that the same text elsewhere has nothing in common with it. */
  mark(text: string, context: string): string;
  /** By every key that the service has, since a mark says which one it was made with. */
  all(text: string, context: string): readonly string[];
}

/** Marks with the first key, recognises with any. */
export function createMarker(sealKeys: readonly SealKey[]): Marker {
  const keys = sealKeys.map(({ id, key }) => ({
    id,
    key: Buffer.from(hkdfSync('sha256', key, '', PURPOSE, KEY_BYTES)),
  }));
  const [current] = keys;
  if (!current) throw new RangeError('at least one encryption key is needed');
  const markWith = ({ id, key }: (typeof keys)[number], text: string, context: string) =>
    `${id}.${createHmac('sha256', key)
      .update(JSON.stringify([context, text]))
      .digest('base64url')}`;
  return {
    mark: (text, context) => markWith(current, text, context),
    all: (text, context) => keys.map((key) => markWith(key, text, context)),
  };
}
