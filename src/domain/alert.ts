import { type NewCase, type Severity, SYSTEM } from './case.ts';
import { derivedId } from './ids.ts';
import { type Money, textOf } from './money.ts';
import { dayOf, type Instant } from './time.ts';

/** The rewards of one day are held against those of four weeks before it, so that every weekday is in the base. */
export const RECENT_HOURS = 24;
export const BASE_DAYS = 28;
/** Fewer than this in a day are no rush, whatever the base. */
const RECENT_MIN = 5;
/** Counts that come by chance lie within four times the root of their mean in all but one of thirty thousand cases. */
const DEVIATIONS = 4;
/** What budgets gave in a week tells how long they last. */
export const BURN_DAYS = 7;
/** A week is what it takes to have a budget filled up. */
const LASTS_DAYS_MIN = 7;
/** One parked order is an order; so many are a cause. */
const PARKED_MIN = 5;

/** What an alert is judged by, for one account. */
export interface AlertFacts {
  /** Rewards granted within the last hours, and in the weeks before, of members and programs that had some just now. */
  readonly paces: ReadonlyArray<{
    readonly of: 'member' | 'program';
    readonly id: string;
    readonly recent: number;
    readonly before: number;
  }>;
  /** What rewards took from budgets within the last days, and what is left. */
  readonly budgets: ReadonlyArray<{ readonly programId: string; readonly spent: Money; readonly leftMinor: bigint }>;
  /** Orders, records and write-backs that wait for a person. */
  readonly parked: number;
  /** More came back from providers than its beneficiary still owed: it had been kept from another reward already. */
  readonly overpaid: ReadonlyArray<{ readonly of: 'member' | 'friend'; readonly id: string; readonly back: Money }>;
}

export const OWED_AGAIN = 'owed_again';

/** A pattern that somebody should look at; each with its cause as the key, so that one is open at a time. */
export function alertsOf(accountId: string, { paces, budgets, parked, overpaid }: AlertFacts, now: Instant): NewCase[] {
  const alert = (
    topic: string,
    subject: string,
    severity: Severity,
    summary: string,
    facts: Record<string, unknown>,
    value: Money | null = null,
  ): NewCase => {
    const dedupeKey = `alert ${topic} ${subject}`.trimEnd();
    return {
      id: derivedId('cas', accountId, dedupeKey, now),
      kind: 'alert',
      topic,
      dedupeKey,
      severity,
      referralId: null,
      rewardId: null,
      value,
      summary,
      facts,
      openedBy: SYSTEM,
      openedAt: now,
    };
  };
  return [
    ...paces
      .filter(isSudden)
      .map(({ of, id, recent, before }) =>
        alert(
          'sudden_conversions',
          `${of} ${id}`,
          'high',
          `${recent} rewards for ${of} ${id} within ${RECENT_HOURS} hours; there were ${before} in the ${BASE_DAYS} days before.`,
          { of, id, recent, before },
        ),
      ),
    ...budgets.flatMap(({ programId, spent, leftMinor }) => {
      const left = { minor: leftMinor > 0n ? leftMinor : 0n, currency: spent.currency };
      const lastsDays = daysLeft(leftMinor, spent.minor);
      if (lastsDays === null || lastsDays >= LASTS_DAYS_MIN) return [];
      const isSpent = leftMinor <= 0n;
      const until = dayOf(now + lastsDays * 86_400_000);
      const summary = isSpent
        ? `The budget of program ${programId} in ${spent.currency} is spent; rewards wait in line.`
        : `The budget of program ${programId} has ${textOf(left)} left and lasts until about ${until}, as it was spent in the last ${BURN_DAYS} days.`;
      const severity = isSpent ? 'urgent' : 'high';
      return [
        alert('budget_burn', `${programId} ${spent.currency}`, severity, summary, { programId, lastsDays }, left),
      ];
    }),
    ...(parked < PARKED_MIN
      ? []
      : [
          alert(
            'many_failures',
            '',
            'urgent',
            `${parked} orders, records or write-backs have failed and wait for a person.`,
            {
              parked,
            },
          ),
        ]),
    // The amount is part of the cause: what comes back later is told beside what somebody has dealt with.
    ...overpaid.map(({ of, id, back }) =>
      alert(
        OWED_AGAIN,
        `${id} ${back.currency} ${back.minor}`,
        'high',
        `${textOf(back)} came back for ${of} ${id} after it had been kept from another reward of theirs. It is owed to them, and nothing goes out by itself.`,
        { of, id },
        back,
      ),
    ),
  ];
}

/** Far more than chance makes of the base. A program that has no base yet has just begun; a member's first rush is one. */
export function isSudden({
  of,
  recent,
  before,
}: Pick<AlertFacts['paces'][number], 'of' | 'recent' | 'before'>): boolean {
  if (recent < RECENT_MIN || (of === 'program' && before === 0)) return false;
  const perDay = before / BASE_DAYS;
  return recent > perDay + DEVIATIONS * Math.sqrt(Math.max(perDay, 1));
}

/** Whole days that what is left lasts as it was spent; null when nothing was spent. */
function daysLeft(leftMinor: bigint, spentMinor: bigint): number | null {
  if (spentMinor <= 0n) return null;
  return leftMinor <= 0n ? 0 : Number((leftMinor * BigInt(BURN_DAYS)) / spentMinor);
}
