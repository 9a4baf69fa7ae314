import type { BatchSchedule } from './batch-schedule.ts';
import { type Outlook, paidAt } from './explain.ts';
import { dividedBy, type Money } from './money.ts';
import { type Month, monthOf } from './period.ts';
import type { Party, RewardRule } from './program.ts';
import { CHANCE_WHOLE } from './prospect.ts';
import type { DealProspect, RecordRef } from './record.ts';
import { dayNumber, type Instant } from './time.ts';

/** What one rule would give for one open deal. */
export interface ForecastLine {
  readonly referralId: string;
  readonly ruleKey: string;
  readonly party: Party;
  readonly deal: RecordRef;
  /** Null where the rule cannot say: a deal without an amount, for one. */
  readonly money: Money | null;
  /** Of 10,000; null where neither the deal nor its stage has one. It is then not known, and neither 0 nor 1. */
  readonly chance: number | null;
  readonly chanceFrom: 'deal' | 'stage' | null;
  readonly closesAt: Instant | null;
  /** When it would be paid; null where the deal has no close date. */
  readonly expectedAt: Instant | null;
  /** It was to be closed before today, and is open. */
  readonly isOverdue: boolean;
  /** What more than the deal's stage is missing, as the outlook's reason says it; null where nothing is. */
  readonly lacks: string | null;
}

/** Sums of lines in one currency. */
export interface ForecastSum {
  readonly currency: string;
  /** A deal that two friends share counts for each of them. */
  readonly deals: number;
  readonly minor: bigint;
  readonly weightedMinor: bigint;
  /** Of `minor`, what has no probability and so is no part of `weightedMinor`. */
  readonly unknownDeals: number;
  readonly unknownMinor: bigint;
  readonly overdueDeals: number;
  readonly overdueMinor: bigint;
  /** Of `minor`, what needs more than that the deal moves on. */
  readonly lackingDeals: number;
  readonly lackingMinor: bigint;
}

export interface ForecastCell extends ForecastSum {
  /** In UTC; null for deals without a close date. */
  readonly month: Month | null;
}

export interface Forecast {
  /** By currency, then by month; what has no month comes last. */
  readonly cells: readonly ForecastCell[];
  /** One for each currency: what its cells come to. */
  readonly totals: readonly ForecastSum[];
  /** Open deals that a rule would give something for. */
  readonly deals: number;
  readonly withoutAmount: number;
  readonly withoutChance: number;
  readonly withoutCloseDate: number;
  readonly overdue: number;
}

export interface ForecastInput {
  readonly referralId: string;
  readonly outlook: Outlook;
  readonly rule: RewardRule;
  readonly deal: RecordRef;
  /** Absent where it was not read yet. */
  readonly prospect: DealProspect | undefined;
  /** Of the stage that the deal is in. */
  readonly stageChance: number | null;
  readonly batch: BatchSchedule | null;
  readonly now: Instant;
}

/** Such as a rule for deals in another currency: it gives nothing for this one, unless somebody changes the deal. */
const UNMET: ReadonlySet<string> = new Set(['condition_unmet', 'condition_unmet_because']);

/**
 * What an outlook puts into the forecast; null for what is not to be expected, and of a rule that does not apply and names no sum. The amount is the outlook's own. A close date that has passed
 * counts as today, since a deal that is open closes today at the earliest.
 */
export function forecastLine(input: ForecastInput): ForecastLine | null {
  const { referralId, outlook, rule, deal, prospect, stageChance, batch, now } = input;
  if (outlook.state !== 'expected' || (outlook.money === null && UNMET.has(outlook.reason.code))) return null;
  const own = prospect?.chance ?? null;
  const closesAt = prospect?.closesAt ?? null;
  return {
    referralId,
    ruleKey: outlook.ruleKey,
    party: outlook.party,
    deal,
    money: outlook.money,
    chance: own ?? stageChance,
    chanceFrom: own !== null ? 'deal' : stageChance !== null ? 'stage' : null,
    closesAt,
    expectedAt: closesAt === null ? null : paidAt(rule, batch, Math.max(closesAt, now)),
    isOverdue: closesAt !== null && dayNumber(closesAt) < dayNumber(now),
    lacks: outlook.reason.code === 'deal_open' ? null : outlook.reason.code,
  };
}

export function monthOfLine({ expectedAt }: Pick<ForecastLine, 'expectedAt'>): Month | null {
  return expectedAt === null ? null : monthOf(expectedAt);
}

type Sum = { -readonly [K in keyof ForecastSum]: ForecastSum[K] } & { parts: bigint };

export interface ForecastBuilder {
  /** All lines of one referral, which are of one deal. */
  add(lines: readonly ForecastLine[]): void;
  result(): Forecast;
}

/**
 * Adds lines up, however many there are: what is kept is a few sums for each month and currency. Amounts are multiplied by their
 * probabilities exactly; each month of a currency is rounded once, half to even, and totals are what the months come to.
 */
export function createForecastBuilder(): ForecastBuilder {
  const cells = new Map<string, { month: Month | null; sum: Sum }>();
  const dealsOf = new Map<string, Pick<Sum, 'deals' | 'unknownDeals' | 'overdueDeals' | 'lackingDeals'>>();
  const counts = { deals: 0, withoutAmount: 0, withoutChance: 0, withoutCloseDate: 0, overdue: 0 };

  function cellOf(currency: string, month: Month | null) {
    const key = `${currency} ${month ?? ''}`;
    const found = cells.get(key) ?? { month, sum: { ...emptySum(currency), parts: 0n } };
    cells.set(key, found);
    return found;
  }

  return {
    add(lines) {
      const [first] = lines;
      if (!first) return;
      counts.deals += 1;
      if (lines.some(({ money }) => money === null)) counts.withoutAmount += 1;
      if (first.chance === null) counts.withoutChance += 1;
      if (first.closesAt === null) counts.withoutCloseDate += 1;
      if (first.isOverdue) counts.overdue += 1;
      const met = new Set<object>();
      for (const { money, chance, isOverdue, lacks, expectedAt } of lines) {
        if (money === null) continue;
        const { minor, currency } = money;
        const { sum } = cellOf(currency, monthOfLine({ expectedAt }));
        const total = dealsOf.get(currency) ?? { deals: 0, unknownDeals: 0, overdueDeals: 0, lackingDeals: 0 };
        dealsOf.set(currency, total);
        sum.minor += minor;
        if (chance === null) sum.unknownMinor += minor;
        else sum.parts += minor * BigInt(chance);
        if (isOverdue) sum.overdueMinor += minor;
        if (lacks !== null) sum.lackingMinor += minor;
        for (const one of [sum, total]) {
          if (met.has(one)) continue;
          met.add(one);
          one.deals += 1;
          if (chance === null) one.unknownDeals += 1;
          if (isOverdue) one.overdueDeals += 1;
          if (lines.some((line) => line.lacks !== null && line.money?.currency === currency)) one.lackingDeals += 1;
        }
      }
    },

    result() {
      const rounded = [...cells.values()]
        .map(({ month, sum: { parts, ...sum } }): ForecastCell => {
          return { ...sum, weightedMinor: dividedBy(parts, BigInt(CHANCE_WHOLE), 'half_even'), month };
        })
        .sort((a, b) => (a.currency === b.currency ? inOrder(a.month, b.month) : a.currency < b.currency ? -1 : 1));
      const totals = [...Map.groupBy(rounded, ({ currency }) => currency)].map(([currency, own]): ForecastSum => {
        const all = (pick: (cell: ForecastCell) => bigint) => own.reduce((sum, cell) => sum + pick(cell), 0n);
        return {
          ...emptySum(currency),
          ...dealsOf.get(currency),
          minor: all(({ minor }) => minor),
          weightedMinor: all(({ weightedMinor }) => weightedMinor),
          unknownMinor: all(({ unknownMinor }) => unknownMinor),
          overdueMinor: all(({ overdueMinor }) => overdueMinor),
          lackingMinor: all(({ lackingMinor }) => lackingMinor),
        };
      });
      return { cells: rounded, totals, ...counts };
    },
  };
}

function inOrder(a: Month | null, b: Month | null): number {
  if (a === b) return 0;
  if (a === null) return 1;
  return b === null || a < b ? -1 : 1;
}

function emptySum(currency: string): ForecastSum {
  return {
    currency,
    deals: 0,
    minor: 0n,
    weightedMinor: 0n,
    unknownDeals: 0,
    unknownMinor: 0n,
    overdueDeals: 0,
    overdueMinor: 0n,
    lackingDeals: 0,
    lackingMinor: 0n,
  };
}
