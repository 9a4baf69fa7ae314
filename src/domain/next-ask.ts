import { addDays, daysBetween, type Instant } from './time.ts';

/** Nobody is proposed again sooner: asked more often than each quarter, people feel used. */
export const ASK_AGAIN_DAYS = 90;
/** So long after a deal was lost nothing is asked of a person; for half a year it still speaks against it. */
const LOST_REST_DAYS = 30;
const LOST_COUNTS_DAYS = 180;
/** A reward is fresh in the mind for a month. */
const PAID_COUNTS_DAYS = 30;

/** How much it speaks for asking that somebody bought at most so many days ago; of older purchases the last line holds. */
const BOUGHT_POINTS = [
  { days: 30, points: 40 },
  { days: 90, points: 25 },
  { days: 365, points: 10 },
] as const;
const BOUGHT_LONG_AGO_POINTS = 5;
const WON_REFERRAL_POINTS = 15;
/** More than three say no more than three. */
const WON_REFERRALS_COUNTED = 3;
const PAID_POINTS = 20;
const NEVER_ASKED_POINTS = 10;
const LOST_POINTS = -15;
/** From here on there is a reason to ask today. Somebody who bought in the last quarter is above it, a customer of years who never referred is not. */
const ASK_FROM_POINTS = 20;

/** Everything that is looked at before somebody is asked for a referral; nothing else is. */
export interface AskFacts {
  readonly isMember: boolean;
  readonly isStaff: boolean;
  /** As the CRM says; null where it says nothing. */
  readonly hasOptedOut: boolean | null;
  /** When the person last bought: a deal that is won, or the CRM's word that they became a customer. */
  readonly boughtAt: Instant | null;
  /** When a deal of theirs was last lost that is lost still. */
  readonly lostAt: Instant | null;
  readonly wonReferrals: number;
  /** Of theirs, that are under way. */
  readonly openReferrals: number;
  readonly openDisputes: number;
  /** When a reward was last paid to them. */
  readonly paidAt: Instant | null;
  readonly askedAt: Instant | null;
  /** Whose contact it is, for the one who would ask. */
  readonly owner: 'reader' | 'other' | 'unknown';
}

/** What one fact says. `stops`: while it holds nobody asks, whatever speaks for it. */
export interface AskInput {
  readonly key:
    | 'bought'
    | 'won_referrals'
    | 'paid'
    | 'asked'
    | 'lost'
    | 'open_referrals'
    | 'disputes'
    | 'opt_out'
    | 'membership'
    | 'owner';
  readonly label: string;
  readonly value: string;
  /** Where the fact is one of a moment. */
  readonly at: Instant | null;
  readonly speaks: 'for' | 'against' | 'stops' | 'neither';
  readonly points: number;
  /** As a part of the sentence; null where there is nothing to say. */
  readonly why: string | null;
}

export interface AskAdvice {
  /** `no`: not at all as things are. */
  readonly verdict: 'now' | 'later' | 'no';
  readonly points: number;
  /** From when on what stops it does not any more, where that is known. */
  readonly from: Instant | null;
  readonly inputs: readonly AskInput[];
}

interface Weighed extends Omit<AskInput, 'at' | 'points' | 'why'> {
  readonly at?: Instant | null;
  readonly points?: number;
  readonly why?: string;
  /** For one that stops: until when, and whether it is for good. */
  readonly until?: Instant;
  readonly isFinal?: true;
}

/** Whether this is a person to ask for a referral now, weighed from the facts alone: the same facts have the same advice. */
export function adviseOnAsking(facts: AskFacts, now: Instant): AskAdvice {
  const weighed = [
    bought(facts, now),
    wonReferrals(facts),
    paid(facts, now),
    asked(facts, now),
    lost(facts, now),
    openReferrals(facts),
    disputes(facts),
    optOut(facts),
    membership(facts),
    owner(facts),
  ];
  const stops = weighed.filter(({ speaks }) => speaks === 'stops');
  const points = weighed.reduce((sum, one) => sum + (one.points ?? 0), 0);
  const untils = stops.map(({ until }) => until ?? null);
  return {
    verdict: stops.some(({ isFinal }) => isFinal)
      ? 'no'
      : stops.length > 0 || points < ASK_FROM_POINTS
        ? 'later'
        : 'now',
    points,
    from: untils.length === 0 ? null : untils.reduce((a, b) => (a === null || b === null ? null : Math.max(a, b))),
    inputs: weighed.map(({ key, label, value, speaks, at = null, points: own = 0, why = null }) => ({
      key,
      label,
      value,
      at,
      speaks,
      points: own,
      why,
    })),
  };
}

/** Of what stops it the sentence names the first of these; the list of inputs has all. */
const STOPS_NAMED_MAX = 2;
const STOPS_IN_ORDER: readonly AskInput['key'][] = [
  'membership',
  'opt_out',
  'disputes',
  'open_referrals',
  'asked',
  'lost',
  'bought',
];

/** The advice in one sentence: what decided it, and nothing else. */
export function askSentence(name: string, { verdict, inputs }: AskAdvice): string {
  const said = (speaks: AskInput['speaks']) => inputs.filter((input) => input.speaks === speaks);
  const stops = said('stops').sort((a, b) => STOPS_IN_ORDER.indexOf(a.key) - STOPS_IN_ORDER.indexOf(b.key));
  const named = stops.slice(0, STOPS_NAMED_MAX);
  if (verdict === 'now') {
    const against = said('against');
    return `Ask ${name} now: ${listOf(said('for'))}${against.length === 0 ? '' : `, although ${listOf(against)}`}.`;
  }
  if (verdict === 'no') return `Do not ask ${name}: ${listOf(named)}.`;
  if (stops.length === 0) return `Not now: nothing special speaks for asking ${name} today.`;
  return `Not now: ${listOf(named)}.${named.some(({ key }) => key === 'open_referrals') ? ' Tell them how it goes instead.' : ''}`;
}

function listOf(inputs: readonly AskInput[]): string {
  const parts = inputs.flatMap(({ why }) => why ?? []);
  return [parts.slice(0, -1).join(', '), ...parts.slice(-1)].filter((part) => part !== '').join(' and ');
}

/** The best one first; equal ones by who bought last, then by name of record, so that the order is always the same. */
export function byAdvice<T extends { readonly id: string; readonly advice: AskAdvice; readonly facts: AskFacts }>(
  a: T,
  b: T,
): number {
  return (
    b.advice.points - a.advice.points ||
    (b.facts.boughtAt ?? 0) - (a.facts.boughtAt ?? 0) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

function bought({ boughtAt, wonReferrals: won, openReferrals: open }: AskFacts, now: Instant): Weighed {
  const common = { key: 'bought', label: 'Last purchase' } as const;
  if (boughtAt === null) {
    // A partner may refer without ever buying.
    if (won > 0 || open > 0) return { ...common, value: 'none', speaks: 'neither' };
    return { ...common, value: 'none', speaks: 'stops', why: 'they have not bought anything yet' };
  }
  const days = daysBetween(boughtAt, now);
  const points = BOUGHT_POINTS.find((line) => days <= line.days)?.points ?? BOUGHT_LONG_AGO_POINTS;
  return { ...common, value: ago(days), at: boughtAt, speaks: 'for', points, why: `they bought ${ago(days)}` };
}

function wonReferrals({ wonReferrals: won }: AskFacts): Weighed {
  const common = { key: 'won_referrals', label: 'Friends who became customers', value: String(won) } as const;
  if (won === 0) return { ...common, speaks: 'neither' };
  const points = WON_REFERRAL_POINTS * Math.min(won, WON_REFERRALS_COUNTED);
  const why = won === 1 ? 'a friend of theirs became a customer' : `${won} friends of theirs became customers`;
  return { ...common, speaks: 'for', points, why };
}

function paid({ paidAt }: AskFacts, now: Instant): Weighed {
  const common = { key: 'paid', label: 'Last reward paid' } as const;
  if (paidAt === null) return { ...common, value: 'none', speaks: 'neither' };
  const days = daysBetween(paidAt, now);
  if (days > PAID_COUNTS_DAYS) return { ...common, value: ago(days), at: paidAt, speaks: 'neither' };
  const why = `a reward was paid to them ${ago(days)}`;
  return { ...common, value: ago(days), at: paidAt, speaks: 'for', points: PAID_POINTS, why };
}

function asked({ askedAt }: AskFacts, now: Instant): Weighed {
  const common = { key: 'asked', label: 'Last asked' } as const;
  if (askedAt === null)
    return {
      ...common,
      value: 'never',
      speaks: 'for',
      points: NEVER_ASKED_POINTS,
      why: 'they have never been asked',
    };
  const days = daysBetween(askedAt, now);
  const until = addDays(askedAt, ASK_AGAIN_DAYS);
  if (until <= now) return { ...common, value: ago(days), at: askedAt, speaks: 'neither' };
  return { ...common, value: ago(days), at: askedAt, speaks: 'stops', until, why: `they were asked ${ago(days)}` };
}

function lost({ lostAt, boughtAt }: AskFacts, now: Instant): Weighed {
  const common = { key: 'lost', label: 'Last deal lost' } as const;
  if (lostAt === null) return { ...common, value: 'none', speaks: 'neither' };
  const days = daysBetween(lostAt, now);
  const value = ago(days);
  if (days >= LOST_COUNTS_DAYS) return { ...common, value, at: lostAt, speaks: 'neither' };
  const why = `a deal with them was lost ${value}`;
  const until = addDays(lostAt, LOST_REST_DAYS);
  if (until > now && lostAt > (boughtAt ?? 0)) return { ...common, value, at: lostAt, speaks: 'stops', until, why };
  return { ...common, value, at: lostAt, speaks: 'against', points: LOST_POINTS, why };
}

function openReferrals({ openReferrals: open }: AskFacts): Weighed {
  const common = { key: 'open_referrals', label: 'Referrals under way', value: String(open) } as const;
  if (open === 0) return { ...common, speaks: 'neither' };
  const why = open === 1 ? 'a referral of theirs is under way' : `${open} referrals of theirs are under way`;
  return { ...common, speaks: 'stops', why };
}

function disputes({ openDisputes: open }: AskFacts): Weighed {
  const common = { key: 'disputes', label: 'Open disputes', value: String(open) } as const;
  if (open === 0) return { ...common, speaks: 'neither' };
  return { ...common, speaks: 'stops', why: 'a dispute about a referral of theirs is open' };
}

function optOut({ hasOptedOut }: AskFacts): Weighed {
  const common = { key: 'opt_out', label: 'Unsubscribed from all e-mail' } as const;
  if (hasOptedOut === null) return { ...common, value: 'not known', speaks: 'neither' };
  if (!hasOptedOut) return { ...common, value: 'no', speaks: 'neither' };
  const why = 'they have unsubscribed from all e-mail';
  return { ...common, value: 'yes', speaks: 'stops', isFinal: true, why };
}

function membership({ isMember, isStaff }: AskFacts): Weighed {
  const common = { key: 'membership', label: 'Membership' } as const;
  if (isStaff) {
    const why = 'they are one of your own people';
    return { ...common, value: 'your own staff', speaks: 'stops', isFinal: true, why };
  }
  return { ...common, value: isMember ? 'member with a share link' : 'not a member yet', speaks: 'neither' };
}

function owner({ owner: whose }: AskFacts): Weighed {
  const common = { key: 'owner', label: 'Contact owner' } as const;
  if (whose === 'reader') return { ...common, value: 'you', speaks: 'neither' };
  if (whose === 'unknown') return { ...common, value: 'nobody, as far as is known', speaks: 'neither' };
  return { ...common, value: 'somebody else', speaks: 'against', why: 'it is the contact of somebody else' };
}

function ago(days: number): string {
  return days === 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`;
}
