import type { NextAsk } from '../../contracts/hubspot-card/card-view.generated.ts';
import type { CardUser } from '../domain/card-actors.ts';
import { lastCameTo } from '../domain/deal-ends.ts';
import { type AskAdvice, type AskFacts, adviseOnAsking, askSentence, byAdvice } from '../domain/next-ask.ts';
import type { ContactFacts, RecordRef } from '../domain/record.ts';
import { recordKey } from '../domain/record.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { RecordUrl } from './card-story.ts';
import type { Connection, Store } from './ports/store.ts';

/** More than these nobody asks in a day. */
const PROPOSED_MAX = 5;
/**
 * Of a rep's contacts those on whose deals something happened last. Whoever bought long ago and never referred is not proposed, so nobody is
 * missed but people beyond the hundredth deal of late.
 */
const LOOKED_AT_MAX = 100;
/** When somebody last bought, or did not, is told by their newest deals. */
const DEALS_PER_CONTACT_MAX = 10;

export interface NextAsksDeps {
  readonly store: Pick<Store, 'asks' | 'cases' | 'connections' | 'programs' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly recordUrl: RecordUrl;
}

export interface NextAsks {
  /** Whether this contact is one to ask now, and why or why not; null where there is nothing to say: no program, or never read. */
  about(connection: Connection, contactId: string, user: CardUser | null): Promise<NextAsk | null>;
  /** Whom of their contacts the user could ask now, the best first; of one company where one is named. Null where the CRM did not say who looks. */
  of(connection: Connection, user: CardUser | null, companyId?: string | undefined): Promise<readonly NextAsk[] | null>;
}

interface Advised {
  readonly id: string;
  readonly contact: ContactFacts;
  readonly facts: AskFacts;
  readonly advice: AskAdvice;
}

/** Next-best-ask. Reads what is stored, in as many queries for a hundred contacts as for one, and calls no CRM. */
export function createNextAsks({ store, clock, recordUrl }: NextAsksDeps): NextAsks {
  async function advised(connection: Connection, ids: readonly string[], user: CardUser | null): Promise<Advised[]> {
    if (ids.length === 0) return [];
    const { accountId, id: connectionId } = connection;
    const now = clock.now();
    const known = (await store.cases.knownContacts(accountId, connectionId, ids))
      .map(({ facts }) => facts)
      .filter(({ presence }) => presence === 'present');
    const found = known.map(({ ref }) => ref.id);
    const everyId = known.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds]);
    const [deals, bearings, asked, kept] = await Promise.all([
      store.reads.dealsOfContacts(
        accountId,
        known.map(({ ref }) => ref),
        DEALS_PER_CONTACT_MAX,
      ),
      store.asks.bearings(connection, found),
      store.asks.lastAsked(connection, everyId),
      store.connections.mapping(accountId, connectionId),
    ]);
    const mapping = kept ?? { version: '', entries: [] };
    return known.map((contact) => {
      const { ref, formerIds, traits, ownerUserIds = [] } = contact;
      const own = deals.get(recordKey(ref)) ?? [];
      const bearing = bearings.get(ref.id);
      const facts: AskFacts = {
        isMember: bearing !== undefined,
        isStaff: contact.isStaff === true || bearing?.member.isStaff === true,
        hasOptedOut: contact.hasOptedOut ?? null,
        boughtAt: latest([lastCameTo('won', own, () => mapping), traits?.customerSince]),
        lostAt: lastCameTo('lost', own, () => mapping),
        wonReferrals: bearing?.wonReferrals ?? 0,
        openReferrals: bearing?.openReferrals ?? 0,
        openDisputes: bearing?.openDisputes ?? 0,
        paidAt: bearing?.paidAt ?? null,
        askedAt: latest([ref.id, ...formerIds].map((id) => asked.get(id))),
        owner: ownerUserIds.length === 0 ? 'unknown' : user && ownerUserIds.includes(user.id) ? 'reader' : 'other',
      };
      return { id: ref.id, contact, facts, advice: adviseOnAsking(facts, now) };
    });
  }

  function shown(connection: Connection, { id, contact, advice }: Advised): NextAsk {
    const name = contact.name ?? contact.email ?? `Contact ${id}`;
    const ref: RecordRef = { connectionId: connection.id, object: 'contact', id };
    const url = recordUrl(connection, ref);
    return {
      contactId: id,
      name,
      ...(url === null ? {} : { url }),
      verdict: advice.verdict,
      sentence: askSentence(name, advice),
      ...(advice.from === null ? {} : { from: isoOf(advice.from) }),
      inputs: advice.inputs.map(({ label, value, at, speaks }) => ({
        label,
        value,
        ...(at === null ? {} : { at: isoOf(at) }),
        speaks,
      })),
    };
  }

  const hasProgram = async ({ accountId }: Connection) => (await store.programs.versions(accountId)).length > 0;

  return {
    async about(connection, contactId, user) {
      if (!(await hasProgram(connection))) return null;
      const [one] = await advised(connection, [contactId], user);
      return one ? shown(connection, one) : null;
    },

    async of(connection, user, companyId) {
      if (user === null || !(await hasProgram(connection))) return null;
      const ids = await store.asks.contactsOf(connection, user.id, { limit: LOOKED_AT_MAX, companyId });
      return (await advised(connection, ids, user))
        .filter(({ advice }) => advice.verdict === 'now')
        .sort(byAdvice)
        .slice(0, PROPOSED_MAX)
        .map((one) => shown(connection, one));
    },
  };
}

function latest(times: ReadonlyArray<number | null | undefined>): number | null {
  const known = times.filter((time) => typeof time === 'number');
  return known.length === 0 ? null : Math.max(...known);
}
