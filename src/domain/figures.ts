import { readAmount } from './eligibility.ts';
import { type LifecycleStage, type Referral, startOf } from './referral.ts';
import { refundedOf } from './refund.ts';
import { CLOCK_SKEW_ALLOWED_MS, dayNumber, daysBetween, type Instant } from './time.ts';
import type { DealAt } from './timeline.ts';

/**
 * What one referral, one won deal and one customer put into the sums that analysts read (`store/figures.ts` keeps the sums). Each is a function of
 * what is stored now, so that sums which are made again from nothing are the same.
 */
export interface FigureEntry {
  readonly measure: Measure;
  /** In UTC, as tiers, limits and the ledger count days: connections of one account may lie in several time zones, and may change them. */
  readonly day: number;
  /** Empty for what is no program's. */
  readonly programId: string;
  readonly label: string;
  /** Empty for what is no money. */
  readonly currency: string;
  readonly n: number;
  readonly minor: bigint;
}

/** Each with what its label says. */
export const MEASURES = {
  /** The source. On the day of submission, as the next six. */
  submitted: 'source',
  /** The stage at which the referral stands. */
  standing: 'stage',
  /** A stage that the referral has come to, or beyond. `won` as long as it is won. */
  reached: 'stage',
  /** The source, of a referral that is won. */
  converted: 'source',
  /** Whole months from the submission to the win. */
  matured: 'months',
  /** The member. */
  brought: 'member',
  /** The source, of deals by the day on which their referral was submitted. */
  yielded: 'source',
  /** The source. On the day of the win, as everything below but `customers`, `repeated` and `lifetime`. */
  won: 'source',
  /** The member whose referral was won. */
  memberWon: 'member',
  /** The member, of money. */
  memberRevenue: 'member',
  /** The source, of deals. */
  revenue: 'source',
  /** Days that a step took, on the day it ended. */
  tookAccepted: 'days',
  tookQualified: 'days',
  tookOpportunity: 'days',
  tookWon: 'days',
  tookAll: 'days',
  /** Won deals of referred and of other customers. */
  deals: 'who',
  /** Money given back of them. */
  refunded: 'who',
  /** Days from the deal's first moment to its win. */
  closeReferred: 'days',
  closeOther: 'days',
  /** People who bought, on the day of their first win, as the next two. */
  customers: 'who',
  /** Those of them who bought more than once. */
  repeated: 'who',
  /** What all their deals came to, less what was given back. */
  lifetime: 'who',
  /** Won deals whose amount cannot be read as money. */
  unread: 'who',
  /** The kind of journal; on the day it was recorded, as the next, so that a day's figure stays what it was. */
  journal: 'kind',
  /** The kind of ledger account; debits are positive. */
  ledger: 'kind',
  /** The same, over all days: `n` counts ledger accounts. */
  balance: 'kind',
} as const;

export type Measure = keyof typeof MEASURES;

const STEPS = [
  { stage: 'accepted', measure: 'tookAccepted' },
  { stage: 'qualified', measure: 'tookQualified' },
  { stage: 'opportunity', measure: 'tookOpportunity' },
  { stage: 'won', measure: 'tookWon' },
] as const satisfies ReadonlyArray<{ stage: LifecycleStage; measure: Measure }>;

const RANK: readonly LifecycleStage[] = ['submitted', 'accepted', 'qualified', 'opportunity', 'won'];

export interface StageMoment {
  readonly stage: string;
  readonly since: Instant;
}

/** What a referral counts for; `moments` are all stages that it has been at. */
export function referralEntries(referral: Referral, moments: readonly StageMoment[]): FigureEntry[] {
  const { programId, memberId, source, stage, submittedAt } = referral;
  const isWon = stage === 'won';
  const wonAt = isWon ? referral.stageSince : null;
  const submitted = { day: dayNumber(submittedAt), programId, currency: '', n: 1, minor: 0n };
  const known = [...moments, { stage, since: referral.stageSince }];
  // A deal that was won and is open again has come as far as an open one.
  const rank = Math.max(
    0,
    ...known.map((moment) => Math.min(RANK.indexOf(moment.stage as LifecycleStage), isWon ? RANK.length : 3)),
  );
  return [
    { ...submitted, measure: 'submitted', label: source },
    { ...submitted, measure: 'standing', label: stage },
    ...RANK.slice(1, rank + 1).map((label): FigureEntry => ({ ...submitted, measure: 'reached', label })),
    { ...submitted, measure: 'brought', label: memberId },
    ...(wonAt === null
      ? []
      : ([
          { ...submitted, measure: 'converted', label: source },
          { ...submitted, measure: 'matured', label: String(monthsBetween(submittedAt, wonAt)) },
          { ...submitted, day: dayNumber(wonAt), measure: 'won', label: source },
          { ...submitted, day: dayNumber(wonAt), measure: 'memberWon', label: memberId },
        ] satisfies FigureEntry[])),
    ...stepEntries(referral, known),
  ];
}

/** From the first time at one stage to the first time at the next; a stage that was passed over is a part of no step. */
function stepEntries({ programId, submittedAt, stage, stageSince }: Referral, moments: readonly StageMoment[]) {
  const entries: FigureEntry[] = [];
  const took = (measure: Measure, from: Instant, to: Instant) => {
    const label = String(daysBetween(from, to));
    entries.push({ measure, day: dayNumber(to), programId, label, currency: '', n: 1, minor: 0n });
  };
  let before: Instant | null = submittedAt;
  for (const step of STEPS) {
    const times = moments.filter((moment) => moment.stage === step.stage).map(({ since }) => since);
    // Only the win that holds is one.
    const at: Instant | null =
      step.stage === 'won' ? (stage === 'won' ? stageSince : null) : times.length === 0 ? null : Math.min(...times);
    if (before !== null && at !== null) took(step.measure, before, at);
    if (step.stage === 'won' && at !== null) took('tookAll', submittedAt, at);
    before = at;
  }
  return entries;
}

function monthsBetween(from: Instant, to: Instant): number {
  const [a, b] = [new Date(from), new Date(to)];
  const months = (b.getUTCFullYear() - a.getUTCFullYear()) * 12 + b.getUTCMonth() - a.getUTCMonth();
  return Math.max(0, months);
}

/** A deal that is won, as customers are made of it. */
export interface WonFigure {
  /** The referral's id, where it is a referred one. */
  readonly who: 'referred' | 'other';
  readonly programId: string;
  readonly day: number;
  /** Empty with nothing, where the amount cannot be read. */
  readonly currency: string;
  /** Less what was given back. */
  readonly netMinor: bigint;
}

export interface DealFigure {
  /** The contact who bought; null where the deal has none. */
  readonly customerId: string | null;
  readonly won: WonFigure;
  readonly entries: readonly FigureEntry[];
}

/**
 * What a deal counts for while it is won; null while it is not. `candidates` are referrals whose friend is on it or that were decided on with it; of
 * those that it can be due to, it is that of the one who was submitted first, so that no money is counted twice.
 */
export function dealFigure(dealAt: DealAt, candidates: readonly Referral[]): DealFigure | null {
  const { deal, since, refunds, stage } = dealAt;
  const wonAt = since.won;
  // A stage that the mapping does not know is nothing.
  if (wonAt === null || stage === null) return null;
  const referral = dueTo(candidates, wonAt);
  const who = referral ? 'referred' : 'other';
  const programId = referral?.programId ?? '';
  const day = dayNumber(wonAt);
  const amount = readAmount(dealAt);
  const money = amount.ok ? amount.money : { minor: 0n, currency: '' };
  const refunded = amount.ok ? (refundedOf(refunds, money.currency)?.minor ?? 0n) : 0n;
  const given = refunded > money.minor ? money.minor : refunded;
  const entry = { day, programId, currency: money.currency, n: 1, minor: money.minor };
  const first = deal.history[0]?.at ?? wonAt;
  const friend = referral?.friend.contact;
  const contacts = [...deal.contactIds].sort();
  const customerId =
    friend && friend.connectionId === deal.ref.connectionId && contacts.includes(friend.id)
      ? friend.id
      : (contacts[0] ?? null);
  const entries: FigureEntry[] = [
    { ...entry, measure: 'deals', label: who },
    {
      ...{ ...entry, measure: referral ? 'closeReferred' : 'closeOther', label: String(daysBetween(first, wonAt)) },
      ...{ currency: '', minor: 0n },
    },
  ];
  if (given > 0n) entries.push({ ...entry, measure: 'refunded', label: who, minor: given });
  if (!amount.ok) entries.push({ ...entry, measure: 'unread', label: who });
  if (referral) {
    const { source, memberId, submittedAt } = referral;
    entries.push(
      { ...entry, measure: 'revenue', label: source },
      { ...entry, measure: 'memberRevenue', label: memberId },
      { ...entry, measure: 'yielded', label: source, day: dayNumber(submittedAt) },
    );
  }
  const won: WonFigure = { who, programId, day, currency: money.currency, netMinor: money.minor - given };
  return { customerId, won, entries };
}

function dueTo(candidates: readonly Referral[], wonAt: Instant): Referral | undefined {
  return candidates
    .filter((referral) => referral.stage !== 'declined' && (startOf(referral) ?? 0) <= wonAt + CLOCK_SKEW_ALLOWED_MS)
    .sort((a, b) => a.submittedAt - b.submittedAt || (a.id < b.id ? -1 : 1))[0];
}

/** What a person's won deals make of them as a customer: referred when the first of them was. */
export function customerEntries(deals: readonly WonFigure[]): FigureEntry[] {
  const [first] = [...deals].sort(
    (a, b) => a.day - b.day || (a.who < b.who ? 1 : a.who > b.who ? -1 : a.programId < b.programId ? -1 : 1),
  );
  if (!first) return [];
  const { who: label, programId, day } = first;
  const person = { day, programId, label, currency: '', n: 1, minor: 0n };
  const sums = new Map<string, bigint>();
  for (const { currency, netMinor } of deals)
    if (currency !== '') sums.set(currency, (sums.get(currency) ?? 0n) + netMinor);
  return [
    { ...person, measure: 'customers' },
    ...(deals.length > 1 ? [{ ...person, measure: 'repeated' } satisfies FigureEntry] : []),
    ...[...sums].map(([currency, minor]): FigureEntry => ({ ...person, measure: 'lifetime', currency, minor })),
  ];
}

/** What has to be added to the sums when entries take the place of others. */
export function changeOf(before: readonly FigureEntry[], after: readonly FigureEntry[]): FigureEntry[] {
  const sums = new Map<string, FigureEntry>();
  const add = (entry: FigureEntry, sign: 1 | -1) => {
    const { measure, day, programId, label, currency } = entry;
    const key = JSON.stringify([measure, day, programId, label, currency]);
    const known = sums.get(key);
    sums.set(key, {
      ...entry,
      n: (known?.n ?? 0) + sign * entry.n,
      minor: (known?.minor ?? 0n) + BigInt(sign) * entry.minor,
    });
  };
  for (const entry of before) add(entry, -1);
  for (const entry of after) add(entry, 1);
  return [...sums.values()].filter(({ n, minor }) => n !== 0 || minor !== 0n);
}
