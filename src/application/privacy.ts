import { Fault } from '../domain/errors.ts';
import { normaliseEmail, type RecordRef } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Marker } from '../platform/mark.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Erasure, ErasureSource, Held, Person } from './ports/privacy.ts';
import type { Connection, Store } from './ports/store.ts';

/**
 * Rows of one list of an export. A member with more friends than this is a business, and what is left out is named; all of it in one
 * document has to fit an answer and the memory of a node.
 */
export const HELD_MAX = 10_000;

/** What a person is asked for by. */
export type Who =
  | { readonly by: 'contact'; readonly contact: RecordRef }
  | { readonly by: 'member'; readonly id: string }
  | { readonly by: 'referral'; readonly id: string }
  | { readonly by: 'email'; readonly email: string };

export type ExportResult =
  | { readonly kind: 'held'; readonly at: Instant; readonly held: Held; readonly erasure: Erasure | null }
  /** Nothing is kept about them; they may have been forgotten. */
  | { readonly kind: 'not_held'; readonly erasure: Erasure | null };

/** What stays of somebody under a pseudonym, and why. */
export const KEPT = {
  rewards: 'What was owed and paid is part of the books. It names a member or a referral by an id.',
  journals: 'Journals of the double-entry ledger are never changed or deleted: the law asks for them for years.',
  decisions: 'Each payment has to name the decision that it came from, with the rule and the facts it was judged by.',
  touches: 'What linked a friend to a member, by ids and codes: the reason for the decision.',
  orders: 'An order’s key keeps a provider from paying it twice. The provider has its own copy of what it was told.',
  cases: 'What a person decided about a reward. The name and the address were taken out of the words.',
  contacts: 'Ids of the contact in the CRM, so that the next look at it does not bring the person back.',
} as const;

export type KeptKind = keyof typeof KEPT;

/** What goes on under the pseudonym. */
export interface Running {
  /** Rewards that are not paid yet: they end, are released or are taken back as any other. */
  readonly rewards: number;
  /** Orders that are with a provider or on their way to one. */
  readonly orders: number;
  readonly cases: number;
}

export interface Searched {
  readonly connectionId: string;
  /** Why a CRM could not be asked for further contacts with the address; null when it was. */
  readonly problem: string | null;
}

export interface Erased {
  /** `already_erased`: earlier; nothing new was found. `not_held`: nothing is kept about them, and nothing was done. */
  readonly kind: 'erased' | 'already_erased' | 'not_held';
  readonly erasure: Erasure | null;
  readonly kept: Readonly<Record<KeptKind, number>>;
  readonly running: Running;
  /** Where contacts were looked for by the address; empty unless the person was asked for by one. */
  readonly searched: readonly Searched[];
}

export interface Privacy {
  /** Everything that is kept about a person. What concerns others in it (who referred them, whom they referred) is named by ids alone. */
  export(accountId: string, who: Who): Promise<ExportResult>;
  /**
   * Forgets a person: everywhere in the account, in all its connections. The same as what a privacy deletion in HubSpot does. It can be
   * repeated, and then forgets what has come since. Who is asked for by an address is also looked for in the CRMs, since one that was never
   * read here would be read tomorrow.
   */
  erase(accountId: string, who: Who, asked: { readonly source: ErasureSource; readonly by: string }): Promise<Erased>;
}

export interface PrivacyDeps {
  readonly store: Pick<Store, 'privacy' | 'connections' | 'testRuns'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
  readonly marker: Marker;
  readonly newId: () => string;
  readonly openSession: (connection: Connection) => CrmSession;
}

const NOBODY: Person = { contacts: [], memberIds: [], referralIds: [], emails: [] };
const NOTHING_HELD: Held = {
  contacts: [],
  members: [],
  asFriend: [],
  asMember: [],
  touches: [],
  attributions: [],
  decisions: [],
  rewards: [],
  journals: [],
  orders: [],
  tierChanges: [],
  ties: [],
  cases: [],
  importRows: [],
  consents: [],
  cut: [],
};

export function createPrivacy({ store, clock, log, marker, newId, openSession }: PrivacyDeps): Privacy {
  /** The CRM is asked as well: what it has under the address is theirs, also where it was never read here. */
  async function contactsInCrms(accountId: string, email: string) {
    const contacts: RecordRef[] = [];
    const searched: Searched[] = [];
    for (const connection of await store.connections.list(accountId)) {
      const { id: connectionId } = connection;
      try {
        if (connection.status !== 'connected')
          throw new Fault('authorisation_revoked', { kind: 'reconnect' }, 'The CRM is not connected.');
        const ids = await openSession(connection).contactsByEmail([email]);
        contacts.push(...ids.map((id) => ({ connectionId, object: 'contact' as const, id })));
        searched.push({ connectionId, problem: null });
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault;
        log.warn({ connection: connectionId, err: fault }, 'contacts of a person could not be looked for');
        searched.push({ connectionId, problem: fault.publicText });
      }
    }
    return { contacts, searched };
  }

  /** Whoever took part in a test of the account is kept there as well. */
  async function withTests(accountId: string, { contacts, emails }: Person, held: Held): Promise<Held> {
    let all = held;
    for (const test of await store.testRuns.accountsOf(accountId)) {
      const person = await store.privacy.person(test, { ...NOBODY, contacts, emails });
      const there = await store.privacy.held(test, person, HELD_MAX);
      all = Object.fromEntries(
        (Object.keys(held) as (keyof Held)[]).map((list) => [list, [...all[list], ...there[list]]]),
      ) as unknown as Held;
    }
    return all;
  }

  function marksOf(accountId: string, { emails }: Person): string[] {
    return emails.flatMap((email) => marker.all(email, contextOf(accountId)));
  }

  return {
    async export(accountId, who) {
      const known = seedOf(who);
      const person = await store.privacy.person(accountId, known);
      const held = await withTests(accountId, person, await store.privacy.held(accountId, person, HELD_MAX));
      const erasure = await store.privacy.erasureOf(accountId, person, marksOf(accountId, known));
      const isHeld = held.contacts.length + held.members.length + held.asFriend.length > 0;
      return isHeld ? { kind: 'held', at: clock.now(), held, erasure } : { kind: 'not_held', erasure };
    },

    async erase(accountId, who, { source, by }) {
      const known = seedOf(who);
      const { contacts, searched } =
        who.by === 'email' ? await contactsInCrms(accountId, known.emails[0] ?? '') : { contacts: [], searched: [] };
      const eraseIn = (place: string, of: Person) =>
        store.privacy.erase(place, of, { id: `era_${newId()}`, source, by, at: clock.now() }, (email) =>
          marker.mark(email, contextOf(accountId)),
        );
      const sought = { ...known, contacts: [...known.contacts, ...contacts] };
      const here = await eraseIn(accountId, sought);
      const { contacts: places, emails } = here?.person ?? sought;
      let done = here;
      for (const test of await store.testRuns.accountsOf(accountId)) {
        const there = await eraseIn(test, { ...NOBODY, contacts: places, emails });
        // Whoever took part in nothing but a test was kept all the same.
        if (there && !done) done = { ...there, person: NOBODY };
      }
      if (!done) {
        const before = await store.privacy.erasureOf(accountId, known, marksOf(accountId, known));
        const kind = before ? 'already_erased' : 'not_held';
        return { kind, erasure: before, ...whatStays(NOTHING_HELD), searched };
      }
      const { person, erasure, isNew } = done;
      if (isNew)
        log.info({ account: accountId, erasure: erasure.id, source, ...erasure.counts }, 'a person was erased');
      const held = await store.privacy.held(accountId, person, HELD_MAX);
      return { kind: isNew ? 'erased' : 'already_erased', erasure, ...whatStays(held), searched };
    },
  };
}

function contextOf(accountId: string): string {
  return `${accountId} erased email`;
}

function seedOf(who: Who): Person {
  switch (who.by) {
    case 'contact':
      return { ...NOBODY, contacts: [who.contact] };
    case 'member':
      return { ...NOBODY, memberIds: [who.id] };
    case 'referral':
      return { ...NOBODY, referralIds: [who.id] };
    case 'email':
      return { ...NOBODY, emails: [normaliseEmail(who.email) ?? ''] };
  }
}

/** In no more than HELD_MAX of each. */
function whatStays(held: Held): Pick<Erased, 'kept' | 'running'> {
  const { rewards, orders, cases } = held;
  const open = ['held', 'in_review', 'approved', 'issuing'];
  return {
    kept: {
      rewards: rewards.length,
      journals: held.journals.length,
      decisions: held.decisions.length,
      touches: held.touches.length,
      orders: orders.length,
      cases: cases.length,
      contacts: held.contacts.length,
    },
    running: {
      rewards: rewards.filter(({ state }) => open.includes(state)).length,
      orders: orders.filter(({ state }) => state === 'pending').length,
      cases: cases.filter((one) => one.case.state === 'open').length,
    },
  };
}
