import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import type { ForecastPoint, Forecasts, ShownForecastLine } from '../../application/forecasts.ts';
import type { KeptForecast } from '../../application/ports/store.ts';
import type { ForecastSum } from '../../domain/forecast.ts';
import { decimalOf } from '../../domain/money.ts';
import { PARTIES } from '../../domain/program.ts';
import { CHANCE_WHOLE } from '../../domain/prospect.ts';
import { dayOf, isoOf } from '../../domain/time.ts';
import { csvPage, listOf, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { moneyView } from './views.ts';

export interface ForecastApiDeps {
  readonly forecasts: Pick<Forecasts, 'start' | 'newest' | 'lines' | 'trend'>;
}

const TREND_DAYS_DEFAULT = 90;
/** What is kept of the days before. */
const TREND_DAYS_MAX = 800;

/** In the address, where a line has no currency or no month. */
const NONE = 'none';

const decimal = z.string();
const count = z.int();

const sumShape = {
  deals: count.meta({ description: 'A deal that two friends share counts for each of them.' }),
  expected: decimal.meta({ description: 'If every one of the deals were won.' }),
  weighted: decimal.meta({
    description:
      'Each amount times the probability of its deal, without those that have none. Rounded once for each month, half to even; totals are what the months come to.',
  }),
  unknownDeals: count,
  unknown: decimal.meta({ description: 'Of `expected`: neither the deal nor its stage has a probability.' }),
  overdueDeals: count,
  overdue: decimal.meta({ description: 'Of `expected`: was to be closed before the day of the count, and is open.' }),
  lackingDeals: count,
  lacking: decimal.meta({ description: 'Of `expected`: a condition of the rule is not met yet.' }),
};

const totalSchema = z.strictObject({ currency: z.string(), ...sumShape }).meta({ id: 'ForecastTotal' });

const cellSchema = z
  .strictObject({
    currency: z.string(),
    month: z.string().nullable().meta({ description: 'In UTC, such as 2026-12; null for deals without a close date.' }),
    ...sumShape,
  })
  .meta({ id: 'ForecastMonth' });

const forecastSchema = z
  .strictObject({
    id: z.string(),
    countedAt: time.meta({ description: 'What is shown is as of then.' }),
    startedBy: z.string(),
    referrals: count.meta({ description: 'Open referrals that were looked at.' }),
    deals: count.meta({ description: 'Open deals that a rule would give something for.' }),
    withoutAmount: count.meta({ description: 'Of them: a rule cannot say how much it would give.' }),
    withoutChance: count.meta({ description: 'Of them: without a probability, which is neither 0 nor 1.' }),
    withoutCloseDate: count,
    overdue: count.meta({ description: 'Of them: the close date has passed. They count as closing today.' }),
    totals: z.array(totalSchema),
    months: z.array(cellSchema),
  })
  .meta({ id: 'Forecast', description: 'What open deals may still cost, by the month in which it would be paid.' });

const runningSchema = z.strictObject({
  id: z.string(),
  startedAt: time,
  startedBy: z.string(),
  referrals: count.meta({ description: 'Looked at so far.' }),
});

const lineSchema = z
  .strictObject({
    id: z.string(),
    referralId: z.string(),
    friend: z.string().nullable(),
    connectionId: z.string(),
    dealId: z.string().meta({ description: "The deal's id in the CRM." }),
    dealName: z.string().nullable(),
    dealUrl: z.string().nullable().meta({ description: 'Where it is opened in the CRM.' }),
    ruleKey: z.string(),
    party: z.enum(PARTIES),
    amount: decimal.nullable().meta({ description: 'Null where the rule cannot say.' }),
    currency: z.string().nullable(),
    probability: z
      .string()
      .nullable()
      .meta({ description: 'From 0 to 1, as decimal text; null when it is not known.', example: '0.4' }),
    probabilityFrom: z.enum(['deal', 'stage']).nullable(),
    closesAt: time.nullable(),
    expectedOn: z.string().nullable().meta({ description: 'The day in UTC on which it would be paid.' }),
    isOverdue: z.boolean(),
    lacks: z
      .string()
      .nullable()
      .meta({ description: 'Code of what is missing beside that the deal is won; null for nothing.' }),
  })
  .meta({ id: 'ForecastLine', description: 'What one rule would give for one open deal.' });

const behind = z.strictObject({
  currencyOrNone: z
    .string()
    .regex(/^([A-Z]{3}|none)$/, 'must be a currency as ISO 4217 has it, such as EUR, or none')
    .meta({ description: '`none`: those without an amount, with `none` as the month.', example: 'EUR' }),
  monthOrNone: z
    .string()
    .regex(/^([0-9]{4}-(0[1-9]|1[0-2])|none)$/, 'must be a month, such as 2026-12, or none')
    .meta({ description: '`none`: deals without a close date.', example: '2026-12' }),
});

const linesQuery = z.strictObject(pageParameters);

const trendQuery = z.strictObject({
  days: z
    .string('must be given once')
    .regex(/^[1-9][0-9]{0,2}$/, `must be a number from 1 to ${TREND_DAYS_MAX}`)
    .transform(Number)
    .refine((days) => days <= TREND_DAYS_MAX, `must be a number from 1 to ${TREND_DAYS_MAX}`)
    .optional()
    .meta({ type: 'integer', minimum: 1, maximum: TREND_DAYS_MAX, default: TREND_DAYS_DEFAULT }),
});

const pointSchema = z.strictObject({
  countedAt: time,
  currency: z.string(),
  expected: decimal,
  weighted: decimal,
  granted: decimal.meta({ description: 'Granted from the day of this count up to that of the next one.' }),
});

export function forecast({ forecasts }: ForecastApiDeps): Operation[] {
  async function pageOfLines(
    accountId: string,
    { currencyOrNone, monthOrNone }: z.output<typeof behind>,
    asked: z.output<typeof linesQuery>,
  ) {
    const page = pageOf('lines', asked);
    const { done } = await forecasts.newest(accountId);
    if (!done) return { items: [], nextCursor: null };
    const { items, next } = await forecasts.lines(
      accountId,
      done.id,
      {
        currency: currencyOrNone === NONE ? null : currencyOrNone,
        month: monthOrNone === NONE ? null : monthOrNone,
      },
      page,
    );
    return { items: items.map(lineView), nextCursor: nextCursorOf('lines', next) };
  }

  return [
    operation({
      id: 'getForecast',
      tag: 'Ledger',
      method: 'get',
      path: '/forecast',
      summary: 'Get what open deals may still cost',
      description:
        'For each open referral with an open deal: what the rules in force would give, times the probability of the deal, by the month in which it would be paid. Counted once a day and when somebody asks; probabilities and close dates are as the CRM last told them.',
      query: z.strictObject({}),
      statuses: { 200: 'The newest forecast and the one that is being counted; null for none.' },
      answer: z.strictObject({ done: forecastSchema.nullable(), running: runningSchema.nullable() }),
      problems: [],
      async handle({ accountId }) {
        const { done, running } = await forecasts.newest(accountId);
        return { status: 200, body: { done: forecastView(done), running: running && runningView(running) } };
      },
    }),
    operation({
      id: 'startForecast',
      tag: 'Ledger',
      method: 'post',
      path: '/forecast',
      summary: 'Count again what open deals may still cost',
      description: 'In the background; one that is under way is not begun again. The CRM is not asked for anything.',
      statuses: { 202: 'The count that was begun, or is under way.' },
      answer: runningSchema,
      problems: [],
      async handle({ accountId, actor }) {
        return { status: 202, body: runningView(await forecasts.start(accountId, actor)) };
      },
    }),
    operation({
      id: 'exportForecast',
      tag: 'Ledger',
      method: 'get',
      path: '/forecast/csv',
      summary: 'The newest forecast as CSV, a line for each month and currency',
      description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
      query: z.strictObject({}),
      statuses: { 200: 'All of it, with a first line that names the columns.' },
      answer: csvPage,
      problems: [],
      async handle({ accountId }) {
        const { done } = await forecasts.newest(accountId);
        const view = forecastView(done);
        const columns = ['counted_at', 'month', 'currency', ...SUM_COLUMNS];
        const rows = (view?.months ?? []).map((one) => [
          ...[view?.countedAt ?? '', one.month ?? '', one.currency, String(one.deals), one.expected, one.weighted],
          ...[String(one.unknownDeals), one.unknown, String(one.overdueDeals), one.overdue],
          ...[String(one.lackingDeals), one.lacking],
        ]);
        return { status: 200, body: { csv: csvOf(columns, rows), nextCursor: null } };
      },
    }),
    operation({
      id: 'listForecastLines',
      tag: 'Ledger',
      method: 'get',
      path: '/forecast/{currencyOrNone}/{monthOrNone}/lines',
      summary: 'List what a month of the newest forecast is made of, the largest amounts first',
      params: behind,
      query: linesQuery,
      statuses: { 200: 'A page of deals and rules; empty while there is no forecast.' },
      answer: listOf(lineSchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query }) {
        return { status: 200, body: await pageOfLines(accountId, params, query) };
      },
    }),
    operation({
      id: 'exportForecastLines',
      tag: 'Ledger',
      method: 'get',
      path: '/forecast/{currencyOrNone}/{monthOrNone}/lines/csv',
      summary: 'A page of what a month of the newest forecast is made of as CSV',
      description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
      params: behind,
      query: linesQuery,
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: csvPage,
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query }) {
        const { items, nextCursor } = await pageOfLines(accountId, params, query);
        const columns = [
          'referral',
          'friend',
          'connection',
          'deal',
          'deal_name',
          'rule',
          'party',
          'amount',
          'currency',
        ];
        const rows = items.map((one) => [
          ...[one.referralId, one.friend ?? '', one.connectionId, one.dealId, one.dealName ?? '', one.ruleKey],
          ...[one.party, one.amount ?? '', one.currency ?? '', one.probability ?? '', one.probabilityFrom ?? ''],
          ...[one.closesAt ?? '', one.expectedOn ?? '', one.isOverdue ? 'yes' : 'no', one.lacks ?? ''],
        ]);
        const more = ['probability', 'probability_from', 'closes_at', 'expected_on', 'overdue', 'lacks'];
        return { status: 200, body: { csv: csvOf([...columns, ...more], rows), nextCursor } };
      },
    }),
    operation({
      id: 'getForecastTrend',
      tag: 'Ledger',
      method: 'get',
      path: '/forecast/trend',
      summary: 'How the forecast has moved, and what was granted meanwhile',
      description: 'The last count of each day.',
      query: trendQuery,
      statuses: { 200: 'A point for each day and currency, oldest first.' },
      answer: z.strictObject({ items: z.array(pointSchema) }),
      problems: [],
      async handle({ accountId, query: { days = TREND_DAYS_DEFAULT } }) {
        const points = await forecasts.trend(accountId, days);
        return { status: 200, body: { items: points.map(pointView) } };
      },
    }),
    operation({
      id: 'exportForecastTrend',
      tag: 'Ledger',
      method: 'get',
      path: '/forecast/trend/csv',
      summary: 'How the forecast has moved as CSV',
      description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
      query: trendQuery,
      statuses: { 200: 'All of it, with a first line that names the columns.' },
      answer: csvPage,
      problems: [],
      async handle({ accountId, query: { days = TREND_DAYS_DEFAULT } }) {
        const points = (await forecasts.trend(accountId, days)).map(pointView);
        const rows = points.map((one) => [one.countedAt, one.currency, one.expected, one.weighted, one.granted]);
        const csv = csvOf(['counted_at', 'currency', 'expected', 'weighted', 'granted'], rows);
        return { status: 200, body: { csv, nextCursor: null } };
      },
    }),
  ];
}

const SUM_COLUMNS = [
  ...['deals', 'expected', 'weighted', 'unknown_deals', 'unknown', 'overdue_deals', 'overdue'],
  ...['lacking_deals', 'lacking'],
];

function forecastView(kept: KeptForecast | null): z.input<typeof forecastSchema> | null {
  if (!kept?.forecast) return null;
  const { cells, totals, ...counts } = kept.forecast;
  return {
    id: kept.id,
    countedAt: isoOf(kept.finishedAt ?? kept.startedAt),
    startedBy: kept.startedBy,
    referrals: kept.looked,
    ...counts,
    totals: totals.map(sumView),
    months: cells.map(({ month, ...sum }) => ({ ...sumView(sum), month })),
  };
}

function sumView({ currency, deals, unknownDeals, overdueDeals, lackingDeals, ...sum }: ForecastSum) {
  const amount = (minor: bigint) => decimalOf({ minor, currency });
  return {
    ...{ currency, deals, unknownDeals, overdueDeals, lackingDeals },
    expected: amount(sum.minor),
    weighted: amount(sum.weightedMinor),
    unknown: amount(sum.unknownMinor),
    overdue: amount(sum.overdueMinor),
    lacking: amount(sum.lackingMinor),
  };
}

function runningView({ id, startedAt, startedBy, looked }: KeptForecast): z.input<typeof runningSchema> {
  return { id, startedAt: isoOf(startedAt), startedBy, referrals: looked };
}

function lineView(line: ShownForecastLine): z.input<typeof lineSchema> {
  const { number, referralId, friendName, deal, dealName, url, ruleKey, party, money } = line;
  return {
    id: `${number}`,
    referralId,
    friend: friendName,
    connectionId: deal.connectionId,
    dealId: deal.id,
    dealName,
    dealUrl: url,
    ruleKey,
    party,
    ...(money ? moneyView(money) : { amount: null, currency: null }),
    probability: line.chance === null ? null : probabilityText(line.chance),
    probabilityFrom: line.chanceFrom,
    closesAt: line.closesAt === null ? null : isoOf(line.closesAt),
    expectedOn: line.expectedAt === null ? null : dayOf(line.expectedAt),
    isOverdue: line.isOverdue,
    lacks: line.lacks,
  };
}

/** "0.4", "1": no digit that says nothing. */
function probabilityText(chance: number): string {
  return String(chance / CHANCE_WHOLE);
}

function pointView({ countedAt, currency, minor, weightedMinor, grantedMinor }: ForecastPoint) {
  const amount = (of: bigint) => decimalOf({ minor: of, currency });
  return {
    countedAt: isoOf(countedAt),
    currency,
    expected: amount(minor),
    weighted: amount(weightedMinor),
    granted: amount(grantedMinor),
  };
}
