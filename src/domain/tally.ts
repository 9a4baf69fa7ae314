import type { RecordRef } from './record.ts';

/**
 * A running total beside the books: won referrals of a member, what a limit has let through, what is left of a budget, what a beneficiary
 * owes back. Rules are judged by it without adding up all that was ever granted.
 */
export interface Tally {
  /** Whose: a member's id, a referral's id (the friend), a company, or a program. */
  readonly owner: string;
  readonly key: string;
  /** ISO 4217, or empty for what is only counted. */
  readonly currency: string;
  readonly count: number;
  readonly minor: bigint;
}

/** What one reward, or one step of it, adds to a tally; negative to give it back. */
export interface TallyChange extends Tally {
  /**
   * What the tally was when it was looked at, for a change that rests on it: the commit is refused when it is another by then. Null for a
   * change that is right whatever the tally is.
   */
  readonly basis: { readonly count: number; readonly minor: bigint } | null;
}

export type Tallies = ReadonlyMap<string, Tally>;

export function tallyKey({ owner, key, currency }: Pick<Tally, 'owner' | 'key' | 'currency'>): string {
  return `${owner}\n${key}\n${currency}`;
}

export function tallyMap(tallies: readonly Tally[]): Map<string, Tally> {
  return new Map(tallies.map((tally) => [tallyKey(tally), tally]));
}

/** Makes these changes to a set of tallies. */
export function addTo(tallies: Map<string, Tally>, changes: readonly TallyChange[]): void {
  for (const { owner, key, currency, count, minor } of changes) {
    const id = tallyKey({ owner, key, currency });
    const before = tallies.get(id);
    tallies.set(id, {
      owner,
      key,
      currency,
      count: (before?.count ?? 0) + count,
      minor: (before?.minor ?? 0n) + minor,
    });
  }
}

/** Won referrals of a member, ever or (`day`, since 1970) of those first won on a day. */
export function wonTally(memberId: string, day?: number): Pick<Tally, 'owner' | 'key' | 'currency'> {
  return { owner: memberId, key: day === undefined ? 'won' : `won on ${day}`, currency: '' };
}

/** The money of a member's won deals, ever or of those won on a day. */
export function revenueTally(
  memberId: string,
  currency: string,
  day?: number,
): Pick<Tally, 'owner' | 'key' | 'currency'> {
  return { owner: memberId, key: day === undefined ? 'revenue' : `revenue on ${day}`, currency };
}

/** What a beneficiary owes back after a reward was taken back that had left the house. */
export function owedTally(beneficiaryId: string, currency: string): Pick<Tally, 'owner' | 'key' | 'currency'> {
  return { owner: beneficiaryId, key: 'owed', currency };
}

/** What of it a provider was asked to undo and has not answered about: not a debt that can be kept from anything yet. */
export function undoingTally(beneficiaryId: string, currency: string): Pick<Tally, 'owner' | 'key' | 'currency'> {
  return { owner: beneficiaryId, key: 'undoing', currency };
}

/** A friend's company, as one connection knows it. */
export function companyOwner({ connectionId, id }: Pick<RecordRef, 'connectionId' | 'id'>): string {
  return `company ${connectionId} ${id}`;
}

/** What deals wait for that need a rate; nothing is ever counted by it. */
export function rateTally(rateOf: string): Pick<Tally, 'owner' | 'key' | 'currency'> {
  return { owner: 'rates', key: 'rate', currency: rateOf };
}

export function programOwner(programId: string): string {
  return `program ${programId}`;
}

/** What is left of a program's budget: what was put in less what was granted from it. */
export function budgetTally(programId: string, currency: string): Pick<Tally, 'owner' | 'key' | 'currency'> {
  return { owner: programOwner(programId), key: 'budget', currency };
}

/** The opposite of what was added for a reward, when it is taken back; it rests on nothing. */
export function givenBack(uses: readonly Tally[]): TallyChange[] {
  return uses.map(({ count, minor, ...rest }) => ({ ...rest, count: -count, minor: -minor, basis: null }));
}
