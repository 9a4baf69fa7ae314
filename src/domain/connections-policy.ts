import type { PolicyVersion } from './policy.ts';
import type { ContactFacts, DealFacts } from './record.ts';
import type { Instant } from './time.ts';

/** Stands for the record's own id where a connection has no property that carries the key. */
export const OWN_ID = 'id';

/** How records of one kind that stand in several connections are told to be one, and which of them counts. */
export interface SourceOfTruth {
  /** The connection that decides; the others' records that bear the key are its copies. */
  readonly decidedIn: string;
  /** By connection id: the property that carries the shared key, or `id`. A connection that is not named has no copies. */
  readonly keys: Readonly<Record<string, string>>;
}

/** What holds for an account with several connections. Versioned: what was decided stays, whatever is published later. */
export interface ConnectionsPolicy {
  /** Null: no key says that two deals are one; those that look like it go to a person. */
  readonly deals: SourceOfTruth | null;
  readonly contacts: SourceOfTruth | null;
  /** Two deals of one friend over one amount that were won within so many days in two connections may be one. */
  readonly twinDays: number;
}

export type ConnectionsPolicyVersion = PolicyVersion<ConnectionsPolicy>;

/** What holds where none was published. A sync tool that is paused over a weekend is back within it. */
export const DEFAULT_CONNECTIONS_POLICY: ConnectionsPolicy = { deals: null, contacts: null, twinDays: 7 };

/** Of the versions, oldest first, the one in force at a moment. */
export function policyAt(
  versions: readonly ConnectionsPolicyVersion[],
  at: Instant,
): ConnectionsPolicyVersion | undefined {
  return versions.findLast(({ publishedAt }) => publishedAt <= at);
}

/** Names of the properties that carry keys in a connection, to be read with its records. */
export function keyProperties(
  policy: ConnectionsPolicy,
  connectionId: string,
): { readonly deal: readonly string[]; readonly contact: readonly string[] } {
  const named = (source: SourceOfTruth | null) => {
    const property = source?.keys[connectionId];
    return property === undefined || property === OWN_ID ? [] : [property];
  };
  return { deal: named(policy.deals), contact: named(policy.contacts) };
}

/** The shared key that a record bears; null where it bears none. */
export function sharedKeyOf(policy: ConnectionsPolicy, facts: DealFacts | ContactFacts): string | null {
  const source = isDeal(facts) ? policy.deals : policy.contacts;
  const property = source?.keys[facts.ref.connectionId];
  if (property === undefined) return null;
  if (property === OWN_ID) return normaliseKey(facts.ref.id);
  const properties = isDeal(facts) ? facts.history.at(-1)?.properties : facts.properties;
  return normaliseKey(properties?.[property] ?? null);
}

function isDeal(facts: DealFacts | ContactFacts): facts is DealFacts {
  return facts.ref.object === 'deal';
}

/** Longer than any id or external id. */
const KEY_LENGTH_MAX = 200;

/** As it is compared: without surrounding space, and a Salesforce id of 15 characters in its form of 18. */
export function normaliseKey(raw: string | null): string | null {
  const text = raw?.trim() ?? '';
  if (text === '' || text.length > KEY_LENGTH_MAX) return null;
  return /^[0-9A-Za-z]{15}$/.test(text) ? `${text}${caseSuffix(text)}` : text;
}

const SUFFIX_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';

/** The three characters that tell which of the fifteen are capitals: Salesforce's own way to make ids safe where case is lost. */
function caseSuffix(id: string): string {
  return [0, 5, 10]
    .map((start) => {
      const bits = [...id.slice(start, start + 5)].map((letter, place) => (/[A-Z]/.test(letter) ? 2 ** place : 0));
      return SUFFIX_ALPHABET[bits.reduce((sum, bit) => sum + bit, 0)];
    })
    .join('');
}
