import type { ConnectionsPolicy } from '../../src/domain/connections-policy.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import type { Random } from '../crash/random.ts';
import type { DealValues, Portal, SimContact, SimDeal } from './crm.ts';
import type { Counters, Weather } from './faults.ts';
import { type Books, contactShows, dealsShow, stands } from './laws.ts';
import { type PublishedRule, payOf, wonByMetadata } from './oracle.ts';
import type { Staff } from './people.ts';
import type { Scheduler } from './scheduler.ts';

/*
 * One account with two CRMs. People are known in both by their address, a sync tool copies the deals of the one into the other, and both are
 * worked in. A deal that was copied pays once, where its source is; a deal of either that is no copy pays there.
 */

/** The property that carries the id of a copy's source. */
export const KEY_PROPERTY = 'source_id';

const WON = { pipeline: 'sales', stage: '71' } as const;
const OPEN = { pipeline: 'sales', stage: 'talk' } as const;
const LOST = { pipeline: 'sales', stage: '72' } as const;

/** Different ones, mostly: two deals over one amount may be one, and go to a person. */
const AMOUNTS = ['120.00', '999.99', '1000.00', '1450.50', '33333.33', '410.00', '87.30', '5120.00'] as const;

const CHANGES_PER_DEAL_MAX = 12;

export function drawTwoCrmRules(random: Random): RewardRule[] {
  const base = { conditions: [], holdDays: 0 } as const;
  return [
    {
      ...base,
      key: 'member-won',
      name: 'Member won',
      party: 'member',
      amount: { kind: 'percent', basisPoints: random.pick([500, 725, 1_000]) },
      payout: random.pick(['webhook', 'credit']),
      ...(random.chance(0.5) ? { deals: { kind: 'every' } as const } : {}),
    },
    {
      ...base,
      key: 'friend-won',
      name: 'Friend won',
      party: 'friend',
      amount: { kind: 'fixed', money: { minor: 2_000n, currency: 'EUR' } },
      payout: 'webhook',
    },
  ];
}

interface Side {
  readonly portal: Portal;
  connectionId: string;
}

interface Person {
  readonly email: string;
  readonly name: string;
  /** The ids under which they were entered; merges lead on from there. */
  readonly contactIds: Map<Portal, string>;
}

export interface TwoCrms {
  readonly staff: Staff;
  /** Deals are decided on in the source. */
  policy(): ConnectionsPolicy;
  problems(books: Books, rules: readonly RewardRule[]): string[];
}

export interface TwoCrmsInput {
  readonly sides: readonly [Side, Side];
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
}

export function createTwoCrms({ sides, scheduler, random, weather, counters }: TwoCrmsInput): TwoCrms {
  const [source, other] = random.chance(0.5) ? sides : [sides[1], sides[0]];
  const members: Person[] = [];
  const friends: Person[] = [];
  const copyOf = new Map<string, string>();
  const changes = new Map<string, number>();
  const endsAt = scheduler.now() + weather.spanMs;
  let people = 0;

  const note = ({ portal }: Side, what: string) => scheduler.note(`crm ${portal.externalId}`, what);
  const isThere = (record: SimContact | SimDeal | undefined) =>
    record !== undefined && !record.isDeleted && record.mergedInto === null;
  const presentDeals = ({ portal }: Side) => [...portal.deals.values()].filter(isThere);
  const contactOf = ({ email }: Person, { portal }: Side) =>
    [...portal.contacts.values()].filter((one) => isThere(one) && one.email === email);

  /** Odd and even by the portal, so that nothing ever falls into one millisecond with another act there. */
  function later(side: Side, ms: number, run: () => void): void {
    const at = scheduler.now() + ms;
    if (at < endsAt) scheduler.after(ms + ((at + (side === source ? 0 : 1)) % 2), run);
  }

  function enter(person: Person, side: Side, referrers: readonly string[] = []): string {
    const { name, email } = person;
    const { id } = side.portal.createContact({ name, email, usedCode: null, referrers });
    person.contactIds.set(side.portal, id);
    note(side, `contact ${id}, ${email}${referrers.length > 0 ? `, referred by ${referrers.join()}` : ''}`);
    return id;
  }

  function person(): Person {
    people += 1;
    return { email: `person${people}@example.com`, name: `Person ${people}`, contactIds: new Map() };
  }

  function newMember(): void {
    const made = person();
    members.push(made);
    for (const side of sides) enter(made, side);
  }

  function newFriend(): void {
    const made = person();
    const home = random.pick(sides);
    const away = home === sides[0] ? sides[1] : sides[0];
    const member = random.pick(members);
    const referrersIn = (side: Side) =>
      contactOf(member, side)
        .slice(0, 1)
        .map(({ id }) => id);
    if (referrersIn(home).length === 0) return;
    friends.push(made);
    enter(made, home, referrersIn(home));
    // Whoever enters people in both says of some in both who has referred them; whoever does that has both open.
    const isSaidTwice = random.chance(0.4);
    later(away, isSaidTwice && random.chance(0.7) ? 2 : random.pick([2, 3_000, 4 * 60_000]), () =>
      enter(made, away, isSaidTwice ? referrersIn(away) : []),
    );
  }

  const values = (at: Pick<DealValues, 'pipeline' | 'stage'>): DealValues => ({
    ...at,
    amount: random.pick(AMOUNTS),
    currency: 'EUR',
  });

  function newDeal(): void {
    if (friends.length === 0) return;
    const side = random.pick([source, source, other]);
    const [contact] = contactOf(random.pick(friends), side);
    if (!contact) return;
    const drawn = values(random.chance(0.4) ? WON : OPEN);
    const { id } = side.portal.createDeal(drawn, [contact.id]);
    note(side, `deal ${id} of ${contact.id}: ${JSON.stringify(drawn)}`);
    if (side === source) synchronise(id);
  }

  /** The sync tool: soon, or when it runs again. */
  function synchronise(id: string): void {
    later(other, random.integer(200, random.pick([1_000, 20_000, 3 * 60_000])), () => copy(id));
  }

  function copy(id: string): void {
    const deal = source.portal.deals.get(id);
    if (!isThere(deal) || !deal) return;
    const now = Object.fromEntries(
      Object.entries(deal.history).map(([name, revisions]) => [name, revisions.at(-1)?.value ?? null]),
    ) as unknown as DealValues;
    const known = copyOf.get(id);
    if (known !== undefined) {
      if (isThere(other.portal.deals.get(known))) other.portal.editDeal(known, now);
      return;
    }
    const emails = [...deal.contactIds].map((one) => source.portal.contacts.get(one)?.email);
    const there = [...other.portal.contacts.values()].find((one) => isThere(one) && emails.includes(one.email));
    // Who is not there yet is on the way too.
    if (!there) {
      synchronise(id);
      return;
    }
    counters['deal copied into another CRM'] += 1;
    const made = other.portal.createDeal(now, [there.id], { [KEY_PROPERTY]: id });
    copyOf.set(id, made.id);
    note(other, `deal ${made.id} of ${there.id} is a copy of ${id}: ${JSON.stringify(now)}`);
  }

  function edit(change: Partial<DealValues>): void {
    const side = random.pick([source, source, other]);
    const own = presentDeals(side).filter(({ key }) => key === null);
    if (own.length === 0) return;
    const { id } = random.pick(own);
    const name = `${side.portal.externalId} ${id}`;
    if ((changes.get(name) ?? 0) >= CHANGES_PER_DEAL_MAX) return;
    changes.set(name, (changes.get(name) ?? 0) + 1);
    note(side, `deal ${id}: ${JSON.stringify(change)}`);
    side.portal.editDeal(id, change);
    if (side === source) synchronise(id);
  }

  function remove(): void {
    const side = random.pick(sides);
    const present = presentDeals(side);
    if (present.length === 0) return;
    const { id } = random.pick(present);
    counters['record deleted'] += 1;
    note(side, `deal ${id} deleted`);
    side.portal.remove('deal', id);
  }

  /** Somebody is entered a second time, and the two are made one soon. */
  function enterTwice(): void {
    const side = random.pick(sides);
    const of = random.pick([...friends, ...friends, ...members]);
    const [first] = contactOf(of, side);
    if (!first) return;
    const second = side.portal.createContact({ name: of.name, email: of.email, usedCode: null, referrers: [] });
    note(side, `contact ${second.id}, ${of.email} once more`);
    later(side, random.integer(500, 60_000), () => {
      if (!isThere(first) || !isThere(second)) return;
      const [primary, left] = random.chance(0.5) ? [first, second] : [second, first];
      counters['record merged'] += 1;
      side.portal.merge('contact', primary.id, left.id);
      note(side, `contact ${left.id} merged into ${primary.id}: now ${[...side.portal.contacts.keys()].at(-1)}`);
    });
  }

  const acts: ReadonlyArray<readonly [weight: number, act: () => void]> = [
    [4, newDeal],
    [1, newFriend],
    [5, () => edit(WON)],
    [3, () => edit(random.chance(0.5) ? OPEN : LOST)],
    [1, () => edit({ amount: random.pick(AMOUNTS) })],
    [0.7, remove],
    [1, enterTwice],
  ];

  const staff: Staff = {
    disturbed: new Set(),
    ofTwo: new Set(),
    begin() {
      for (let count = random.integer(1, 2); count > 0; count -= 1) newMember();
      for (let count = random.integer(1, 2); count > 0; count -= 1) newFriend();
      for (let count = random.integer(1, 3); count > 0; count -= 1) newDeal();
    },
    act() {
      const total = acts.reduce((sum, [weight]) => sum + weight, 0);
      let drawn = random.next() * total;
      acts.find(([weight]) => {
        drawn -= weight;
        return drawn < 0;
      })?.[1]();
    },
    /** While the one side is being read, the other one changes. */
    interfere() {
      if (!random.chance(0.2)) return;
      later(random.pick(sides), random.integer(2, 800), () => edit(random.chance(0.6) ? WON : LOST));
    },
    tidyUp() {},
  };

  return {
    staff,
    policy: () => ({
      deals: {
        decidedIn: source.connectionId,
        keys: { [source.connectionId]: 'id', [other.connectionId]: KEY_PROPERTY },
      },
      contacts: null,
      twinDays: 7,
    }),
    problems: (books, rules) => [...payOnce(books, rules), ...bothShow(books)],
  };

  /** The rows that are about a person, by the contacts that they have in either CRM: how they were found to be one is not asked. */
  function rowsOf(of: Person, { members: allMembers, referrals }: Books) {
    const isOf = ({ connection_id, contact_id }: { connection_id: string | null; contact_id: string | null }) => {
      const side = sides.find(({ connectionId }) => connectionId === connection_id);
      return side !== undefined && emailOf(side, contact_id) === of.email;
    };
    return { asMember: allMembers.filter(isOf), asFriend: referrals.filter(isOf) };
  }

  /** Of two contacts with one address in one CRM, which nobody has made one, the one that is known is the person. */
  function isKnown(
    id: string,
    { connectionId }: Side,
    rows: ReadonlyArray<{ connection_id: string | null; contact_id: string | null }>,
  ): boolean {
    const here = rows.filter(({ connection_id }) => connection_id === connectionId);
    return here.length === 0 || here.some(({ contact_id }) => contact_id === id);
  }

  function emailOf({ portal }: Side, id: string | null): string | null | undefined {
    let record = portal.contacts.get(id ?? '');
    while (record?.mergedInto) record = portal.contacts.get(record.mergedInto);
    return record?.email;
  }

  function payOnce(books: Books, rules: readonly RewardRule[]): string[] {
    const problems: string[] = [];
    const standing = books.rewards.filter(stands);
    for (const friend of friends) {
      const { asFriend } = rowsOf(friend, books);
      if (asFriend.length !== 1)
        problems.push(`law 1: ${friend.email}, one person in two CRMs, has ${asFriend.length} referrals`);
      const ids = new Set(asFriend.map(({ id }) => id));
      const owed = sides.flatMap((side) =>
        wonByMetadata(side.portal)
          .filter(({ id }) => side === source || side.portal.deals.get(id)?.key === null)
          .filter(({ points }) => points.at(-1)?.meaning === 'won')
          .filter(({ contactIds }) => contactIds.some((id) => emailOf(side, id) === friend.email))
          .map((deal) => ({ ...deal, name: `${side.connectionId} ${deal.id}` })),
      );
      for (const rule of rules) {
        const own = standing.filter(({ referral_id, rule_key }) => ids.has(referral_id) && rule_key === rule.key);
        const nameOf = ({ connection_id, deal_id }: (typeof own)[number]) => `${connection_id} ${deal_id}`;
        const told = own.map((one) => `${one.minor} for ${nameOf(one)}`).join(' and ') || 'nothing';
        const isEvery = rule.deals?.kind === 'every';
        // What a person has said no to is nobody's, however often the deal is won again.
        const refused = new Set(
          books.decisions
            .filter(({ referral_id, rule_key }) => ids.has(referral_id) && rule_key === rule.key)
            .filter(({ reason }) => (JSON.parse(reason) as { code: string }).code === 'review_rejected')
            .map(({ connection_id, deal_id }) => `${connection_id} ${deal_id}`),
        );
        const paying = owed.filter(({ name }) => !refused.has(name));
        const isRight =
          own.every((one) => paying.some(({ name }) => name === nameOf(one))) &&
          new Set(own.map(nameOf)).size === own.length &&
          own.length === (isEvery ? paying.length : Math.min(1, paying.length));
        if (!isRight)
          problems.push(
            `law 1: ${rule.key} of ${friend.email}: ${told} stands, should be ${isEvery ? 'one each' : 'one'} for ${paying.map(({ name }) => name).join(' or ') || 'nothing'}`,
          );
        for (const one of own) {
          const deal = paying.find(({ name }) => name === nameOf(one));
          const amounts = deal?.points
            .filter(({ meaning }) => meaning === 'won')
            .map((point) => payOf(rule as PublishedRule, point));
          if (amounts && !amounts.includes(`${one.minor} ${one.currency}`))
            problems.push(`law 1: ${rule.key} for ${nameOf(one)} is ${one.minor}, should be ${amounts.join(' or ')}`);
        }
      }
    }
    return problems;
  }

  /** Law 5, in both: whoever looks at either record of a person sees all that was decided for them. */
  function bothShow(books: Books): string[] {
    return sides.flatMap((side) => [
      ...[...members, ...friends].flatMap((of) => {
        const { asMember, asFriend } = rowsOf(of, books);
        return asMember.length > 1 || asFriend.length > 1
          ? []
          : contactOf(of, side)
              .filter((contact) => isKnown(contact.id, side, [...asMember, ...asFriend]))
              .flatMap((contact) => contactShows(books, contact, asMember[0], asFriend));
      }),
      ...dealsShow(sideOf(books, side)),
    ]);
  }
}

/** What the books tell of one of the two: both CRMs give out the same ids. */
export function sideOf(books: Books, { connectionId, portal }: Side): Books {
  const isHere = ({ connection_id }: { connection_id: string | null }) => connection_id === connectionId;
  return {
    ...books,
    connectionId,
    portal,
    decisions: books.decisions.filter(isHere),
    rewards: books.rewards.filter(isHere),
  };
}
