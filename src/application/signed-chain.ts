import { createHash } from 'node:crypto';
import type { Signer } from '../platform/sign.ts';

/*
 * What has to be shown unchanged later: a text that is kept as it was, its hash, a signature of that, and in the text the hash of the one
 * before, so that none can be taken out between two. Closes of months and comparisons with a CRM are such chains.
 */

export interface Link {
  readonly id: string;
  readonly number: number;
  /** JSON, kept as it was hashed. */
  readonly body: string;
  readonly hash: string;
  readonly keyId: string;
  readonly signature: string;
}

/** What the text of a link says of its place. */
interface Placed {
  readonly number: number;
  readonly previousHash: string | null;
}

export interface LinkProblem {
  readonly problem: 'changed' | 'not_signed_here' | 'unknown_key' | 'chain_broken';
  readonly words: string;
}

/** What a chain's links are called in words, and by what name they are signed. */
export interface ChainName {
  readonly signed: string;
  readonly one: string;
  readonly made: string;
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Whose it is stands in what is signed, so that none is shown as another account's. */
function signedText({ signed }: ChainName, accountId: string, id: string, hash: string): string {
  return JSON.stringify([signed, accountId, id, hash]);
}

/** The text with what proves it. */
export function sealedLink(
  name: ChainName,
  signer: Pick<Signer, 'sign'>,
  accountId: string,
  { id, body }: Pick<Link, 'id' | 'body'>,
): Pick<Link, 'body' | 'hash' | 'keyId' | 'signature'> {
  const hash = hashOf(body);
  return { body, hash, ...signer.sign(signedText(name, accountId, id, hash)) };
}

/**
 * Nothing where it is as it was made and stands behind the one that it was made behind. Of a text that was changed nothing else is asked. Without
 * a signer signatures are left out. `isOwn`: whether the text was made for where it lies.
 */
export function linkProblems<B extends Placed>(
  name: ChainName,
  signer: Pick<Signer, 'verify'> | null,
  accountId: string,
  link: Link,
  before: Pick<Link, 'hash' | 'number'> | null,
  { isOwn, place }: { readonly isOwn: (body: B) => boolean; readonly place: string },
): LinkProblem[] {
  if (hashOf(link.body) !== link.hash)
    return [{ problem: 'changed', words: `What it says is not what was hashed when it was ${name.made}.` }];
  const verdict = signer?.verify(signedText(name, accountId, link.id, link.hash), link.keyId, link.signature);
  const body = JSON.parse(link.body) as B;
  const problems: LinkProblem[] = [];
  if (verdict === 'invalid')
    problems.push({ problem: 'not_signed_here', words: 'The signature is not that of this service’s key.' });
  if (verdict === 'unknown_key') {
    const words = `It was signed with the key "${link.keyId}", which ENCRYPTION_KEY does not hold any more.`;
    problems.push({ problem: 'unknown_key', words });
  }
  if (body.number !== link.number || !isOwn(body))
    problems.push({ problem: 'changed', words: `It lies under another number or ${place} than it was made for.` });
  if (body.previousHash !== (before?.hash ?? null) || link.number !== (before?.number ?? 0) + 1) {
    const words = `The ${name.one} before it is not the one that it was made behind.`;
    problems.push({ problem: 'chain_broken', words });
  }
  return problems;
}
