import type { Measure } from '../domain/figures.ts';
import { TOUCH_KINDS } from '../domain/referral.ts';
import { dayNumber } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { FigureRow, FigureState, FigureStore, FigureSums, ReadStore } from './ports/store.ts';

export interface FiguresDeps {
  readonly store: { readonly figures: FigureStore; readonly reads: Pick<ReadStore, 'member'> };
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
}

/** Days since 1970 in UTC, both part of it. */
export interface Period {
  readonly from: number;
  readonly to: number;
}

export interface AskedFigures extends Period {
  readonly programId?: string | undefined;
  readonly currency?: string | undefined;
}

export interface AmountIn {
  readonly currency: string;
  readonly minor: bigint;
}

/** Of a period, in one currency. */
export interface MoneyFigures {
  readonly currency: string;
  /** Of deals that were won in it and still are. */
  readonly wonRevenue: bigint;
  readonly granted: bigint;
  /** Given out, less what came back from providers. */
  readonly issued: bigint;
  readonly clawedBack: bigint;
  /** What programs cost: granted, less what was taken back. */
  readonly cost: bigint;
  /** What was owed and what would be after its hold, with credit, at the period's end. */
  readonly liability: bigint;
}

export interface PeriodFigures {
  readonly submitted: number;
  /** Referrals that were won in it and still are, whenever they were submitted. */
  readonly won: number;
  /** Of those that were submitted in it, the ones that are won by now. */
  readonly converted: number;
  readonly money: readonly MoneyFigures[];
}

export const TREND_STEPS = ['day', 'week', 'month'] as const;
export type TrendStep = (typeof TREND_STEPS)[number];

export interface Quartiles {
  readonly n: number;
  /** Days; null when there is nothing to tell of. The smallest number of days that a quarter, a half, three quarters took at most. */
  readonly first: number | null;
  readonly median: number | null;
  readonly third: number | null;
}

export const FUNNEL_STAGES = ['submitted', 'accepted', 'qualified', 'opportunity', 'won'] as const;
export const ENDED_STAGES = ['lost', 'declined', 'expired'] as const;

export const MEMBER_ORDERS = ['won', 'referrals', 'revenue'] as const;

const TOOK = [
  { from: 'submitted', to: 'accepted', measure: 'tookAccepted' },
  { from: 'accepted', to: 'qualified', measure: 'tookQualified' },
  { from: 'qualified', to: 'opportunity', measure: 'tookOpportunity' },
  { from: 'opportunity', to: 'won', measure: 'tookWon' },
  { from: 'submitted', to: 'won', measure: 'tookAll' },
] as const satisfies ReadonlyArray<{ from: string; to: string; measure: Measure }>;

/** Between two transactions, for whoever waits to write; half an hour's changes are taken in within seconds all the same. */
const PAUSE_MS = 10;

const MS_PER_DAY = 86_400_000;

/** No day of an account is before: 1970. */
const EVER = 0;

export type Figures = ReturnType<typeof createFigures>;

/** What analysts read, put together from sums. Nothing here goes through referrals or postings. */
export function createFigures({ store, clock }: FiguresDeps) {
  const sums = (accountId: string, asked: FigureSums) => store.figures.sums(accountId, asked);

  async function ofPeriod(accountId: string, asked: AskedFigures): Promise<PeriodFigures> {
    const [rows, owed] = await Promise.all([
      sums(accountId, {
        ...asked,
        measures: ['submitted', 'won', 'converted', 'revenue', 'journal', 'ledger'],
        by: ['label'],
      }),
      sums(accountId, { ...asked, from: EVER, measures: ['ledger'], by: ['label'] }),
    ]);
    return { ...countsOf(rows), money: moneyOf(rows, owed) };
  }

  /** Takes what waits into the sums, account by account, until nothing does. */
  async function foldAll(signal: AbortSignal): Promise<void> {
    for (const accountId of await store.figures.waitingAccounts()) {
      while (!signal.aborted && (await store.figures.fold(accountId, clock.now())) > 0) await clock.sleep(PAUSE_MS);
    }
  }

  return {
    foldAll,

    state: (accountId: string): Promise<FigureState> => store.figures.state(accountId),

    async overview(accountId: string, asked: AskedFigures) {
      const days = asked.to - asked.from + 1;
      const before = { ...asked, from: asked.from - days, to: asked.from - 1 };
      const [now, then] = await Promise.all([ofPeriod(accountId, asked), ofPeriod(accountId, before)]);
      const currencies = [...new Set([...now.money, ...then.money].map(({ currency }) => currency))].sort();
      return { before: { from: before.from, to: before.to }, now, then, currencies };
    },

    /** Every step of the period, also one in which nothing happened; the first and the last may lie partly outside and count what is inside. */
    async trend(accountId: string, asked: AskedFigures, step: TrendStep) {
      const rows = await sums(accountId, {
        ...asked,
        measures: ['submitted', 'won', 'revenue', 'journal', 'ledger'],
        by: ['day', 'label'],
      });
      const inStep = Map.groupBy(rows, ({ day }) => stepOf(day ?? 0, step));
      return stepsOf(asked, step).map((from) => {
        const own = inStep.get(from) ?? [];
        const { submitted, won } = countsOf(own);
        return { from: Math.max(from, asked.from), submitted, won, money: moneyOf(own, []) };
      });
    },

    /** Of what was submitted in the period: how far it has come by now. */
    async funnel(accountId: string, asked: AskedFigures) {
      const rows = await sums(accountId, { ...asked, measures: ['submitted', 'reached', 'standing'], by: ['label'] });
      const submitted = countOf(rows, 'submitted');
      const standing = (stage: string) => countOf(rows, 'standing', stage);
      return {
        stages: FUNNEL_STAGES.map((stage) => ({
          stage,
          reached: stage === 'submitted' ? submitted : countOf(rows, 'reached', stage),
          standing: standing(stage),
        })),
        ended: ENDED_STAGES.map((stage) => ({ stage, standing: standing(stage) })),
      };
    },

    /** Of steps that ended in the period. */
    async times(accountId: string, asked: AskedFigures) {
      const rows = await sums(accountId, { ...asked, measures: TOOK.map(({ measure }) => measure), by: ['label'] });
      return TOOK.map(({ from, to, measure }) => ({ from, to, days: quartilesOf(rows, measure) }));
    },

    async channels(accountId: string, asked: AskedFigures) {
      const rows = await sums(accountId, {
        ...asked,
        measures: ['submitted', 'converted', 'won', 'revenue'],
        by: ['label'],
      });
      return TOUCH_KINDS.map((source) => ({
        source,
        submitted: countOf(rows, 'submitted', source),
        converted: countOf(rows, 'converted', source),
        won: countOf(rows, 'won', source),
        revenue: amountsOf(rows, 'revenue', source),
      }));
    },

    /** Those with the most; by revenue in one currency. */
    async topMembers(
      accountId: string,
      asked: AskedFigures,
      { order, count }: { readonly order: (typeof MEMBER_ORDERS)[number]; readonly count: number },
    ) {
      const measure = { won: 'memberWon', referrals: 'brought', revenue: 'memberRevenue' } as const;
      const by = order === 'revenue' ? 'minor' : 'n';
      const first = await sums(accountId, { ...asked, measures: [measure[order]], by: ['label'], top: { count, by } });
      const labels = first.flatMap(({ label }) => label ?? []);
      const rows = await sums(accountId, { ...asked, measures: Object.values(measure), by: ['label'], labels });
      const members = await Promise.all(labels.map((id) => store.reads.member(accountId, id)));
      return labels.map((id, index) => ({
        memberId: id,
        name: members[index]?.name ?? members[index]?.email ?? null,
        submitted: countOf(rows, 'brought', id),
        won: countOf(rows, 'memberWon', id),
        revenue: amountsOf(rows, 'memberRevenue', id),
      }));
    },

    /** By the month of submission. */
    async cohorts(accountId: string, asked: AskedFigures) {
      const rows = await sums(accountId, {
        ...asked,
        measures: ['submitted', 'reached', 'converted', 'matured', 'yielded'],
        by: ['day', 'label'],
      });
      const inMonth = Map.groupBy(rows, ({ day }) => stepOf(day ?? 0, 'month'));
      return stepsOf(asked, 'month').map((month) => {
        const own = inMonth.get(month) ?? [];
        const months = Math.max(-1, ...own.filter(isOf('matured')).map(({ label }) => Number(label)));
        let won = 0;
        return {
          month,
          submitted: countOf(own, 'submitted'),
          qualified: countOf(own, 'reached', 'qualified'),
          opportunity: countOf(own, 'reached', 'opportunity'),
          won: countOf(own, 'converted'),
          /** How many were won by the end of the month itself, of the next one, and so on. */
          wonBy: Array.from({ length: months + 1 }, (_, index) => {
            won += countOf(own, 'matured', String(index));
            return won;
          }),
          revenue: amountsOf(own, 'yielded'),
        };
      });
    },

    /** What the deals of each program brought, and what its rewards cost. */
    async returns(accountId: string, asked: AskedFigures) {
      const rows = await sums(accountId, { ...asked, measures: ['revenue', 'ledger'], by: ['program', 'label'] });
      const of = Map.groupBy(
        rows.filter(({ measure, label }) => measure === 'revenue' || label === 'expense'),
        ({ programId, currency }) => JSON.stringify([programId, currency]),
      );
      return [...of.values()]
        .map((own) => ({
          programId: own[0]?.programId ?? '',
          currency: own[0]?.currency ?? '',
          deals: countOf(own, 'revenue'),
          revenue: minorOf(own, 'revenue'),
          cost: minorOf(own, 'ledger', 'expense'),
        }))
        .filter(({ currency }) => currency !== '')
        .sort((a, b) =>
          a.programId < b.programId || (a.programId === b.programId && a.currency < b.currency) ? -1 : 1,
        );
    },

    /** Customers and won deals that connections have shown us; of those who were not referred there is no program to choose. */
    async comparison(accountId: string, asked: AskedFigures) {
      const measures: Measure[] = ['customers', 'repeated', 'lifetime', 'deals', 'refunded', 'unread'];
      const one = async (who: 'referred' | 'other') => {
        const ofProgram = { ...asked, programId: who === 'other' ? undefined : asked.programId };
        const took: Measure = who === 'referred' ? 'closeReferred' : 'closeOther';
        const [rows, days] = await Promise.all([
          sums(accountId, { ...ofProgram, measures, by: ['label'], labels: [who] }),
          sums(accountId, { ...ofProgram, measures: [took], by: ['label'] }),
        ]);
        return {
          who,
          customers: countOf(rows, 'customers'),
          repeated: countOf(rows, 'repeated'),
          deals: countOf(rows, 'deals'),
          unread: countOf(rows, 'unread'),
          money: [...new Set(rows.filter(isOf('deals')).map(({ currency }) => currency))]
            .filter((currency) => currency !== '')
            .sort()
            .map((currency) => {
              const own = rows.filter((row) => row.currency === currency);
              return {
                currency,
                revenue: minorOf(own, 'deals'),
                refunded: minorOf(own, 'refunded'),
                refunds: countOf(own, 'refunded'),
                lifetime: minorOf(own, 'lifetime'),
                customers: countOf(own, 'lifetime'),
              };
            }),
          close: quartilesOf(days, took),
        };
      };
      return Promise.all([one('referred'), one('other')]);
    },
  };
}

function isOf(measure: Measure, label?: string) {
  return (row: FigureRow) => row.measure === measure && (label === undefined || row.label === label);
}

function countOf(rows: readonly FigureRow[], measure: Measure, label?: string): number {
  return rows.filter(isOf(measure, label)).reduce((sum, { n }) => sum + n, 0);
}

function minorOf(rows: readonly FigureRow[], measure: Measure, label?: string): bigint {
  return rows.filter(isOf(measure, label)).reduce((sum, { minor }) => sum + minor, 0n);
}

function amountsOf(rows: readonly FigureRow[], measure: Measure, label?: string): AmountIn[] {
  const of = Map.groupBy(rows.filter(isOf(measure, label)), ({ currency }) => currency);
  return [...of]
    .filter(([currency]) => currency !== '')
    .map(([currency, own]) => ({ currency, minor: minorOf(own, measure) }))
    .sort((a, b) => (a.currency < b.currency ? -1 : 1));
}

function countsOf(rows: readonly FigureRow[]) {
  return {
    submitted: countOf(rows, 'submitted'),
    won: countOf(rows, 'won'),
    converted: countOf(rows, 'converted'),
  };
}

/** `owed` is what was ever booked up to the end of the period. What is owed is a credit in the books, and so is negative there. */
function moneyOf(rows: readonly FigureRow[], owed: readonly FigureRow[]): MoneyFigures[] {
  const currencies = new Set([...rows, ...owed].map(({ currency }) => currency).filter((currency) => currency !== ''));
  return [...currencies].sort().map((currency) => {
    const own = rows.filter((row) => row.currency === currency);
    const books = owed.filter((row) => row.currency === currency);
    const booked = (kind: string) => minorOf(own, 'journal', kind);
    const balance = (kind: string) => minorOf(books, 'ledger', kind);
    return {
      currency,
      wonRevenue: minorOf(own, 'revenue'),
      granted: booked('accrue'),
      issued: booked('issue') - booked('return'),
      clawedBack: booked('claw_back') + booked('claw_back_part') - booked('restore'),
      cost: minorOf(own, 'ledger', 'expense'),
      liability: -(balance('held') + balance('payable') + balance('credit')),
    };
  });
}

/** By the nearest rank, over how often each number of whole days was seen. */
function quartilesOf(rows: readonly FigureRow[], measure: Measure): Quartiles {
  const seen = rows
    .filter(isOf(measure))
    .map(({ label, n }) => ({ days: Number(label), n }))
    .sort((a, b) => a.days - b.days);
  const n = seen.reduce((sum, one) => sum + one.n, 0);
  const at = (quarter: number) => {
    let left = Math.ceil((n * quarter) / 4);
    for (const one of seen) {
      left -= one.n;
      if (left <= 0) return one.days;
    }
    return null;
  };
  return { n, first: at(1), median: at(2), third: at(3) };
}

/** The first day of the step that a day is in; weeks begin on Monday, and 1970 on a Thursday. */
export function stepOf(day: number, step: TrendStep): number {
  if (step === 'day') return day;
  if (step === 'week') return day - ((day + 3) % 7);
  const date = new Date(day * MS_PER_DAY);
  return dayNumber(Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1));
}

function stepsOf({ from, to }: Period, step: TrendStep): number[] {
  const steps: number[] = [];
  for (let at = stepOf(from, step); at <= to; at = stepAfter(at, step)) steps.push(at);
  return steps;
}

function stepAfter(day: number, step: TrendStep): number {
  if (step === 'day') return day + 1;
  if (step === 'week') return day + 7;
  // No month has more days; its own next day would be in the same one.
  return stepOf(day + 31, 'month');
}
