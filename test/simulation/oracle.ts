import type { DealProperty, Portal, Revision, SimContact, SimDeal } from './crm.ts';
import { isTerm } from './term-key.ts';

/**
 * What ought to stand, from the records of the CRM, what admins have published and what was submitted. Written apart from `src/domain`
 * and without it: two programs that agree by copying each other prove nothing.
 */
export interface PublishedRule {
  readonly key: string;
  /** Nobody publishes a rule for an assist. */
  readonly party: 'member' | 'friend' | 'recruiter' | 'assist';
  readonly amount:
    | { readonly kind: 'percent'; readonly basisPoints: number }
    | { readonly kind: 'fixed'; readonly money: { readonly minor: bigint; readonly currency: string } }
    // Not drawn yet.
    | { readonly kind: 'by_amount' | 'by_count' | 'per_tier' };
  readonly conditions: readonly unknown[];
  readonly holdDays: number;
}

export interface Published {
  readonly publishedAt: number;
  readonly rules: readonly PublishedRule[];
}

export interface Submitted {
  readonly contactId: string;
  readonly memberContactId: string | null;
  readonly submittedAt: number;
}

/** A person's word on whose a friend is. */
export interface Moved {
  readonly contactId: string;
  readonly memberContactId: string;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** "3075 EUR", in minor units. */
export type Amount = string;

export interface Pay {
  readonly dealId: string;
  readonly amount: Amount;
}

export interface ExpectedFriend {
  readonly friendId: string;
  readonly referrerIds: readonly string[];
  readonly stage: string;
  /** Per rule: what may stand; null among them: nothing may. */
  readonly rewards: ReadonlyMap<string, ReadonlyArray<Pay | null>>;
  /** Per rule: what any win ever paid, also one that has passed. */
  readonly earlier: ReadonlyMap<string, readonly Pay[]>;
}

interface Point {
  readonly at: number;
  readonly meaning: 'open' | 'won' | 'lost';
  readonly amount: string | null;
  readonly currency: string;
}

interface Deal {
  readonly id: string;
  readonly contactIds: readonly string[];
  readonly points: readonly Point[];
  /** Of the deals that were merged into it, each as it was by itself. */
  readonly former: ReadonlyArray<readonly Point[]>;
}

const HOME_CURRENCY = 'EUR';
const DECIMALS: Readonly<Record<string, number>> = { EUR: 2, USD: 2, JPY: 0 };

/** Nodes' clocks may be this wrong when they write down when something was published or submitted. */
const CLOCK_ERROR_MAX_MS = 70 * 60_000;

/** What was won this much before a program began is won under it: the CRM's clock may be behind. */
const CRM_BEHIND_MAX_MS = 5 * 60_000;

/** A batch is read in at most five calls that are answered in time. */
const READING_MAX_MS = 5 * 30_000;

/** Where nothing is lost, what has changed is looked at within this time, though a node is down or stopped. */
const UNREAD_MAX_MS = 60 * 60_000;

export interface OracleInput {
  readonly portal: Portal;
  readonly published: readonly Published[];
  readonly submitted: readonly Submitted[];
  /** In their order: the last one on a friend holds. */
  readonly moved: readonly Moved[];
  readonly isDisturbed: (contactId: string) => boolean;
  /** What a risk policy, and people since, make of a rule's reward for a friend. */
  readonly sayOn: (contactId: string, ruleKey: string) => 'closed' | 'late' | 'none';
}

export function expectedOf({ portal, published, submitted, moved, isDisturbed, sayOn }: OracleInput): ExpectedFriend[] {
  const deals = wonByMetadata(portal);
  const people = [...portal.contacts.values()].filter(isThere);
  const referrersOf = (contact: SimContact) => {
    const labelled = [...contact.referrers].filter((id) => isThere(portal.contacts.get(id)));
    const ids = [contact.id, ...contact.formerIds];
    const named = [
      ...labelled,
      ...submitted
        .filter(({ contactId }) => ids.includes(contactId))
        .flatMap(({ memberContactId }) => memberContactId ?? []),
    ];
    return named.length > 0 ? named : colleaguesReferrers(contact);
  };
  /** Who comes by nobody comes by whoever a colleague came by. */
  const colleaguesReferrers = ({ id, company }: SimContact) =>
    company === null
      ? []
      : [...portal.contacts.values()]
          .filter((other) => other.id !== id && isThere(other) && other.company === company)
          .flatMap(({ referrers }) => [...referrers]);
  const isFriend = (id: string) => {
    const contact = portal.contacts.get(id);
    return contact !== undefined && isThere(contact) && referrersOf(contact).length > 0;
  };
  /** Also one who is gone: what was earned before stays, and the deal is not another friend's. */
  const wasFriend = (id: string) => {
    const contact = portal.contacts.get(id);
    return contact !== undefined && referrersOf(contact).length > 0;
  };
  return people
    .filter(({ id }) => isFriend(id))
    .map((contact) => {
      const friendId = contact.id;
      const own = deals.filter(({ contactIds }) => contactIds.includes(friendId));
      const isShared = own.some(({ id }) =>
        [...(portal.deals.get(id)?.contactIds ?? [])].some((other) => other !== friendId && wasFriend(other)),
      );
      const move = moved.findLast(({ contactId }) => [friendId, ...contact.formerIds].includes(contactId));
      const submission = submitted.find(({ contactId }) => [friendId, ...contact.formerIds].includes(contactId));
      const isUncertain =
        isDisturbed(friendId) ||
        isShared ||
        submission !== undefined ||
        isNearPublication(own, published) ||
        areWonTogether(own);
      const rules = [...new Set(published.flatMap((version) => version.rules.map(({ key }) => key)))].filter(
        (key) => !isTerm(key),
      );
      const ought = (key: string): Array<Pay | null> => {
        const say = sayOn(friendId, key);
        if (say === 'closed') return [null];
        if (isUncertain || say === 'late')
          return anyOf(key, own, published, isShared ? Number.POSITIVE_INFINITY : (submission?.submittedAt ?? 0));
        const isMoved = move && partyOf(key, published) === 'member';
        return isMoved ? sinceMoved(key, own, published, move) : exactly(key, own, published);
      };
      const rewards = new Map(rules.map((key) => [key, ought(key)]));
      const earlier = new Map(rules.map((key) => [key, own.flatMap((deal) => paysOfWins(key, deal, published))]));
      const referrerIds = move ? [move.memberContactId] : referrersOf(contact);
      return { friendId, referrerIds, stage: stageOf(own), rewards, earlier };
    });
}

/**
 * What stands in a test, from the deals of its friend and the rules that it goes by: what was won before it began is history, and who else is on a
 * deal is none of its business.
 */
export function expectedOfTest({
  portal,
  friendId,
  rules,
  startedAt,
}: {
  readonly portal: Portal;
  readonly friendId: string;
  readonly rules: readonly PublishedRule[];
  readonly startedAt: number;
}): ExpectedFriend {
  const own = wonByMetadata(portal).filter(({ contactIds }) => contactIds.includes(friendId));
  const since = own.map((deal) => ({ ...deal, points: wonSince(deal.points, startedAt - CRM_BEHIND_MAX_MS) }));
  const published = [{ publishedAt: startedAt, rules }];
  const isUncertain = areWonTogether(own);
  const ought = (key: string): Array<Pay | null> =>
    isUncertain ? anyOf(key, since, published, 0) : exactly(key, since, published);
  const keys = rules.flatMap(({ key }) => (isTerm(key) ? [] : [key]));
  return {
    friendId,
    // Who refers in a test is no contact.
    referrerIds: [''],
    stage: stageOf(own),
    rewards: new Map(keys.map((key) => [key, ought(key)])),
    earlier: new Map(keys.map((key) => [key, since.flatMap((deal) => paysOfWins(key, deal, published))])),
  };
}

/** A win that was there before is none. */
function wonSince(points: readonly Point[], startedAt: number): Point[] {
  let isOld = false;
  return points.map((point, index) => {
    if (points[index - 1]?.meaning !== 'won') isOld = point.at < startedAt;
    return point.meaning === 'won' && isOld ? { ...point, meaning: 'open' } : point;
  });
}

function isThere(record: { isDeleted: boolean; mergedInto: string | null } | undefined): boolean {
  return record?.isDeleted === false && record.mergedInto === null;
}

/** What a stage means is in the pipelines alone. */
export function wonByMetadata(portal: Portal): Deal[] {
  const meaning = new Map<string, Point['meaning']>(
    portal.pipelines.flatMap(({ id, stages }) =>
      stages.map((stage) => [`${id} ${stage.id}`, !stage.isClosed ? 'open' : stage.probability === 1 ? 'won' : 'lost']),
    ),
  );
  return [...portal.deals.values()].filter(isThere).map((deal) => ({
    id: deal.id,
    contactIds: [...deal.contactIds].filter((id) => isThere(portal.contacts.get(id))),
    points: pointsOf(deal, meaning),
    former: deal.formerIds.flatMap((id) => {
      const former = portal.deals.get(id);
      return former ? [pointsOf(former, meaning)] : [];
    }),
  }));
}

function pointsOf({ id, history, formerIds }: SimDeal, meaning: ReadonlyMap<string, Point['meaning']>): Point[] {
  const names = Object.keys(history) as DealProperty[];
  const valueAt = (revisions: readonly Revision[], at: number) =>
    revisions.findLast((one) => one.at <= at)?.value ?? null;
  const moments = [...new Set(names.flatMap((name) => history[name].map(({ at }) => at)))].sort((a, b) => a - b);
  return moments.map((at) => {
    const key = `${valueAt(history.pipeline, at)} ${valueAt(history.stage, at)}`;
    // Of two merged deals with one pipeline each, the joined history may name a pair that never was.
    return {
      at,
      meaning: meaning.get(key) ?? (formerIds.length > 0 ? 'open' : impossible(id, key)),
      amount: valueAt(history.amount, at),
      currency: valueAt(history.currency, at) ?? HOME_CURRENCY,
    };
  });
}

function impossible(id: string, key: string): never {
  throw new Error(`deal ${id} stood in a stage that no pipeline has: ${key}`);
}

/** Minor units, or null when the text is no exact amount of the currency. */
function minorOf(amount: string | null, currency: string): bigint | null {
  const match = /^(\d+)(?:\.(\d+))?$/.exec(amount ?? '');
  const decimals = DECIMALS[currency];
  if (!match || decimals === undefined) return null;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > decimals) return null;
  return BigInt((match[1] ?? '') + fraction.padEnd(decimals, '0'));
}

export function payOf(rule: PublishedRule, point: Point): Amount | null {
  const minor = minorOf(point.amount, point.currency);
  for (const condition of rule.conditions as Array<{ money: { minor: bigint; currency: string } }>) {
    // The simulation's programs know one condition: an amount that is reached.
    if (minor === null || point.currency !== condition.money.currency || minor < condition.money.minor) return null;
  }
  if (rule.amount.kind === 'fixed') return `${rule.amount.money.minor} ${rule.amount.money.currency}`;
  if (rule.amount.kind !== 'percent') throw new Error(`the oracle knows no amount ${rule.amount.kind}`);
  if (minor === null) return null;
  const product = minor * BigInt(rule.amount.basisPoints);
  const [whole, rest] = [product / 10_000n, product % 10_000n];
  const share = rest > 5_000n || (rest === 5_000n && whole % 2n === 1n) ? whole + 1n : whole;
  return share === 0n ? null : `${share} ${point.currency}`;
}

/** The points since the deal was last not won; empty when it is not won now. */
function wonPoints({ points }: Deal): Point[] {
  return points.slice(points.findLastIndex(({ meaning }) => meaning !== 'won') + 1);
}

function isNearPublication(deals: readonly Deal[], published: readonly Published[]): boolean {
  return published
    .slice(1)
    .some(({ publishedAt }) =>
      deals.some(({ points }) => points.some(({ at }) => Math.abs(at - publishedAt) < CLOCK_ERROR_MAX_MS)),
    );
}

/**
 * A CRM shows a friend's deals one answer after another. A deal that is won after it was read, and before the next of them is, looks
 * open beside one that was won later: which of the two is first is then for the reader to say.
 */
function areWonTogether(deals: readonly Deal[]): boolean {
  const wins = deals.flatMap(({ id, points }) =>
    points.filter(({ meaning }) => meaning === 'won').map(({ at }) => ({ id, at })),
  );
  return wins.some((one) => wins.some((other) => other.id !== one.id && Math.abs(other.at - one.at) < READING_MAX_MS));
}

function versionsAt(published: readonly Published[], at: number): Published[] {
  const inForce = published.findLast(({ publishedAt }) => publishedAt <= at) ?? published[0];
  const near = published.filter(
    ({ publishedAt }, index) => index > 0 && Math.abs(publishedAt - at) < CLOCK_ERROR_MAX_MS,
  );
  return near.length > 0 ? [...published] : inForce ? [inForce] : [];
}

/**
 * Plays all changes of a friend's deals in their order. A rule pays a friend for one deal at a time: what it has paid stands until
 * that deal is no longer won, then the deal that has been won for the longest time is next.
 */
function exactly(
  ruleKey: string,
  deals: readonly Deal[],
  published: readonly Published[],
  /** Nothing stands then, whatever was won before; absent: the beginning. */
  from = Number.NEGATIVE_INFINITY,
): Array<Pay | null> {
  const moments = [...new Set([from, ...momentsOf(deals)])].filter((at) => at >= from).sort((a, b) => a - b);
  let standing: Pay | null = null;
  for (const at of moments) {
    const won = deals
      .flatMap((deal) => {
        const points = deal.points.filter((point) => point.at <= at);
        const since = wonPoints({ ...deal, points })[0]?.at;
        const point = points.at(-1);
        return point && since !== undefined ? [{ dealId: deal.id, point, since }] : [];
      })
      .sort((a, b) => a.since - b.since || a.dealId.length - b.dealId.length || (a.dealId < b.dealId ? -1 : 1));
    const held: string | undefined = standing?.dealId;
    if (held !== undefined && !won.some(({ dealId }) => dealId === held)) standing = null;
    if (standing) continue;
    for (const { dealId, point, since } of won) {
      const rule = versionsAt(published, since)[0]?.rules.find(({ key }) => key === ruleKey);
      const amount: Amount | null = rule ? payOf(rule, point) : null;
      if (amount === null) continue;
      standing = { dealId, amount };
      break;
    }
  }
  return [standing];
}

function momentsOf(deals: readonly Deal[]): number[] {
  return deals.flatMap(({ points }) => points.map(({ at }) => at));
}

function partyOf(ruleKey: string, published: readonly Published[]): PublishedRule['party'] | undefined {
  return published.flatMap(({ rules }) => rules).find(({ key }) => key === ruleKey)?.party;
}

/**
 * Whose a referral is by a person's word has no moment in the CRM: the deals are judged for that member as they are when they are looked at for
 * the first time after it, or as they were at the first change that nobody had looked at by then.
 */
function sinceMoved(
  ruleKey: string,
  deals: readonly Deal[],
  published: readonly Published[],
  { askedAt, answeredAt }: Moved,
): Array<Pay | null> {
  const unread = momentsOf(deals).filter((at) => at > askedAt - UNREAD_MAX_MS && at < answeredAt + UNREAD_MAX_MS);
  return [askedAt, ...unread].flatMap((from) => exactly(ruleKey, deals, published, from));
}

/** By the rules of when it was won, which may be long before it had this amount. */
function amountsAt(
  ruleKey: string,
  point: Point,
  since: number,
  published: readonly Published[],
): Array<Amount | null> {
  return versionsAt(published, since).flatMap(({ rules }) => {
    const rule = rules.find(({ key }) => key === ruleKey);
    return [rule ? payOf(rule, point) : null];
  });
}

/**
 * Also an earlier win's: that the deal was open in between may have happened while it was not the friend's. Also that of a deal which is a
 * part of this one by now: of two that changed at one moment the joined history shows one.
 */
function paysOfWins(ruleKey: string, { id, points, former }: Deal, published: readonly Published[]): Pay[] {
  return [points, ...former].flatMap((own) => {
    const won = own.filter(({ meaning }) => meaning === 'won');
    return won.flatMap((point) =>
      won
        .filter(({ at }) => at <= point.at)
        .flatMap(({ at }) => amountsAt(ruleKey, point, at, published))
        .flatMap((amount) => (amount === null ? [] : [{ dealId: id, amount }])),
    );
  });
}

/**
 * A CRM keeps no history of associations, deletions and merges. Whether a deal was seen to leave for a moment decides whether its
 * reward was taken back and given anew, on the amount of that time. That there is one on a won deal, and one only, is certain.
 */
function anyOf(
  ruleKey: string,
  deals: readonly Deal[],
  published: readonly Published[],
  notBefore: number,
): Array<Pay | null> {
  const possible = deals.flatMap((deal) => (wonPoints(deal).length === 0 ? [] : paysOfWins(ruleKey, deal, published)));
  const isCertain = deals.some((deal) => {
    const won = wonPoints(deal);
    const [first, last] = [won[0], won.at(-1)];
    if (!first || !last || first.at < notBefore + CLOCK_ERROR_MAX_MS * Math.sign(notBefore)) return false;
    return amountsAt(ruleKey, last, first.at, published).every((amount) => amount !== null);
  });
  return isCertain ? possible : [...possible, null];
}

/** Where a referral stands: as far as the furthest of the friend's deals that is not lost. */
function stageOf(deals: readonly Deal[]): string {
  const meanings = deals.map(({ points }) => points.at(-1)?.meaning);
  if (meanings.includes('won')) return 'won';
  if (meanings.includes('open')) return 'opportunity';
  return meanings.length > 0 ? 'lost' : 'accepted';
}
