import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import {
  type AmountIn,
  type AskedFigures,
  ENDED_STAGES,
  type Figures,
  FUNNEL_STAGES,
  MEMBER_ORDERS,
  type MoneyFigures,
  type PeriodFigures,
  type Quartiles,
  TREND_STEPS,
  type TrendStep,
} from '../../application/figures.ts';
import { decimalOf } from '../../domain/money.ts';
import { dayNumber, dayOf, isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { type Operation, operation } from './operation.ts';

export interface FiguresApiDeps {
  readonly figures: Omit<Figures, 'foldAll'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** A month, where nothing else is asked for. */
const DAYS_DEFAULT = 30;

/** Ten years: what is summed up at once stays a few ten thousand rows. */
const DAYS_MAX = 3_660;

/** A curve of more points is a surface. */
const POINTS_MAX = 400;

const MEMBERS_MAX = 100;
const MEMBERS_DEFAULT = 20;

const MS_PER_DAY = 86_400_000;

const day = z.iso.date({ error: 'must be a day that there is, such as 2026-03-31' });

const filters = {
  from: day.optional().meta({ description: 'The first day, in UTC. Left out: thirty days up to the last.' }),
  to: day.optional().meta({ description: 'The last day, in UTC. Left out: today.' }),
  programId: z
    .string('must be given once')
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be the key of a program: lower case letters, digits and dashes')
    .optional()
    .meta({ description: 'Of this program alone.' }),
  currency: z
    .string('must be given once')
    .regex(/^[A-Z]{3}$/, 'must be a currency as ISO 4217 has it, such as EUR')
    .optional()
    .meta({ description: 'Money in this currency alone.', example: 'EUR' }),
};

type Asked = z.output<z.ZodObject<typeof filters>>;

const count = z.int();
const decimal = z.string();
const share = z.number().nullable().meta({ description: 'From 0 to 1; null when there is nothing to be a part of.' });
const theDay = z.string().meta({ description: 'A day in UTC.' });

const amounts = z.array(z.strictObject({ amount: decimal, currency: z.string() }));

const periodSchema = z.strictObject({ from: theDay, to: theDay });

const basis = {
  period: periodSchema,
  freshness: z
    .strictObject({
      waiting: count.meta({ description: 'Changes that are not in the figures yet, counted up to 10,000.' }),
      foldedAt: z.iso.datetime().nullable().meta({ description: 'When changes were last taken in; null: never.' }),
    })
    .meta({
      description: 'Changes are taken in within seconds. With none waiting the figures are those of this moment.',
    }),
};

const compared = <T extends z.ZodType>(of: T) => z.strictObject({ now: of, before: of });

const quartiles = z
  .strictObject({
    n: count.meta({ description: 'How many there were.' }),
    first: count.nullable(),
    median: count.nullable(),
    third: count.nullable(),
  })
  .meta({
    id: 'DaysTaken',
    description: 'Whole days: the fewest that a quarter, a half and three quarters took at most. Exact, not estimated.',
  });

const moneyKeys = ['wonRevenue', 'granted', 'issued', 'clawedBack', 'cost', 'liability'] as const;

const overviewSchema = z
  .strictObject({
    ...basis,
    before: periodSchema.meta({ description: 'As many days just before, which all is compared with.' }),
    submitted: compared(count).meta({ description: 'Referrals submitted in the period.' }),
    won: compared(count).meta({ description: 'Referrals won in it, that still are.' }),
    converted: compared(count).meta({ description: 'Of those submitted in it, the ones that are won by now.' }),
    conversion: compared(share).meta({ description: 'What part that is.' }),
    money: z.array(
      z.strictObject({
        currency: z.string(),
        wonRevenue: compared(decimal).meta({ description: 'Of referred deals won in the period, that still are.' }),
        granted: compared(decimal),
        issued: compared(decimal).meta({ description: 'Given out, less what providers gave back.' }),
        clawedBack: compared(decimal),
        cost: compared(decimal).meta({
          description: 'Granted, less what was taken back before or after it was given.',
        }),
        liability: compared(decimal).meta({ description: 'Held, owed and credit, at the end of the last day.' }),
      }),
    ),
  })
  .meta({ id: 'FiguresOverview' });

const trendSchema = z
  .strictObject({
    ...basis,
    items: z.array(
      z.strictObject({
        from: theDay,
        submitted: count,
        won: count,
        money: z.array(
          z.strictObject({
            currency: z.string(),
            ...{ wonRevenue: decimal, granted: decimal, issued: decimal, clawedBack: decimal, cost: decimal },
          }),
        ),
      }),
    ),
  })
  .meta({ id: 'FiguresTrend', description: 'Each step, also one in which nothing happened.' });

const funnelSchema = z
  .strictObject({
    ...basis,
    stages: z.array(
      z.strictObject({
        stage: z.enum(FUNNEL_STAGES),
        reached: count.meta({ description: 'That came to this stage or beyond. Won: that are won.' }),
        share: share.meta({ description: 'Of all that were submitted.' }),
        ofBefore: share.meta({ description: 'Of those at the stage before.' }),
        standing: count.meta({ description: 'That stand there now.' }),
      }),
    ),
    ended: z.array(z.strictObject({ stage: z.enum(ENDED_STAGES), standing: count })),
  })
  .meta({
    id: 'FiguresFunnel',
    description: 'Of the referrals submitted in the period: how far they have come by now.',
  });

const timesSchema = z
  .strictObject({ ...basis, items: z.array(z.strictObject({ from: z.string(), to: z.string(), days: quartiles })) })
  .meta({ id: 'FiguresTimes', description: 'How long steps took that ended in the period.' });

const channelsSchema = z
  .strictObject({
    ...basis,
    items: z.array(
      z.strictObject({
        source: z.string().meta({ description: 'What linked friend and member.' }),
        ...{ submitted: count, converted: count, conversion: share, won: count, revenue: amounts },
      }),
    ),
  })
  .meta({ id: 'FiguresChannels' });

const membersSchema = z
  .strictObject({
    ...basis,
    items: z.array(
      z.strictObject({
        memberId: z.string(),
        name: z.string().nullable().meta({ description: 'Or the e-mail address; null for one who was forgotten.' }),
        submitted: count,
        won: count,
        revenue: amounts,
      }),
    ),
  })
  .meta({ id: 'FiguresMembers' });

const cohortsSchema = z
  .strictObject({
    ...basis,
    items: z.array(
      z.strictObject({
        month: theDay.meta({ description: 'Its first day. Months at the ends count the days of the period alone.' }),
        ...{ submitted: count, qualified: count, opportunity: count, won: count, conversion: share },
        wonBy: z.array(count).meta({
          description: 'Won by the end of the month itself, of the one after, and so on, up to the last win.',
        }),
        revenue: amounts.meta({ description: 'Of their deals that are won, whenever that was.' }),
      }),
    ),
  })
  .meta({ id: 'FiguresCohorts', description: 'Referrals by the month in which they were submitted, as they are now.' });

const returnsSchema = z
  .strictObject({
    ...basis,
    items: z.array(
      z.strictObject({
        programId: z.string(),
        currency: z.string(),
        deals: count,
        revenue: decimal,
        cost: decimal,
        returned: z
          .number()
          .nullable()
          .meta({ description: 'Revenue for each unit of cost; null while nothing was spent in this currency.' }),
      }),
    ),
  })
  .meta({ id: 'FiguresReturns', description: 'Won revenue against the cost of rewards, by program and currency.' });

const customersSchema = z.strictObject({
  customers: count.meta({ description: 'People whose first win that we know of lies in the period.' }),
  repeated: count.meta({ description: 'Those of them who have bought more than once by now.' }),
  repeatRate: share,
  deals: count.meta({ description: 'Deals won in the period.' }),
  unread: count.meta({ description: 'Of these, deals whose amount cannot be read: in no sum of money.' }),
  money: z.array(
    z.strictObject({
      currency: z.string(),
      revenue: decimal.meta({ description: 'Of the deals won in the period.' }),
      refunded: decimal,
      refunds: count.meta({ description: 'Deals of which something was given back.' }),
      refundRate: share.meta({ description: 'Of the revenue.' }),
      lifetimeValue: decimal
        .nullable()
        .meta({ description: 'What all deals of a customer come to, less refunds, on average; rounded down.' }),
      customers: count.meta({ description: 'Customers that this is the average of.' }),
    }),
  ),
  timeToClose: quartiles.meta({ description: 'From the first moment that the CRM knows of a deal to its win.' }),
});

const comparisonSchema = z
  .strictObject({
    ...basis,
    basis: z.string().meta({ description: 'What is known, in a sentence.' }),
    referred: customersSchema,
    other: customersSchema,
  })
  .meta({
    id: 'FiguresComparison',
    description:
      'Of won deals that connections have shown: those of referred friends against all others. A program narrows the referred ones alone.',
  });

const trendStep = z.enum(TREND_STEPS).optional().meta({ description: 'Left out: day. Weeks begin on Monday.' });

const own = {
  trend: { by: trendStep },
  members: {
    order: z.enum(MEMBER_ORDERS).optional().meta({ description: 'Left out: won. By revenue needs a currency.' }),
    limit: z
      .string('must be given once')
      .regex(/^[0-9]{1,3}$/, `must be a number from 1 to ${MEMBERS_MAX}`)
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= MEMBERS_MAX, `must be a number from 1 to ${MEMBERS_MAX}`)
      .optional()
      .meta({ type: 'integer', minimum: 1, maximum: MEMBERS_MAX, default: MEMBERS_DEFAULT }),
  },
};

interface Report<S extends z.ZodType> {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly answer: S;
  read(accountId: string, asked: AskedFigures, query: Query): Promise<Omit<z.input<S>, 'period' | 'freshness'>>;
  readonly columns: readonly string[];
  lines(body: z.input<S>): ReadonlyArray<readonly string[]>;
}

interface Query {
  readonly by?: TrendStep | undefined;
  readonly order?: (typeof MEMBER_ORDERS)[number] | undefined;
  readonly limit?: number | undefined;
}

function report<S extends z.ZodType>(definition: Report<S>): Report<z.ZodType> {
  return definition as unknown as Report<z.ZodType>;
}

export function figures({ figures: read, clock }: FiguresApiDeps): Operation[] {
  const askedOf = ({ from, to, programId, currency }: Asked): AskedFigures => {
    const last = to === undefined ? dayNumber(clock.now()) : dayNumber(Date.parse(to));
    const first = from === undefined ? last - DAYS_DEFAULT + 1 : dayNumber(Date.parse(from));
    if (first > last) throw refused('from', 'must not be after "to"');
    if (first < 0) throw refused('from', 'must not be before 1970');
    if (last - first >= DAYS_MAX) throw refused('from', `must be within ${DAYS_MAX} days of "to"`);
    return { from: first, to: last, programId, currency };
  };

  const reports = [
    report({
      name: 'overview',
      title: 'Overview',
      summary: 'Get the figures of a period beside those of the one before',
      answer: overviewSchema,
      async read(accountId, asked) {
        const { before, now, then, currencies } = await read.overview(accountId, asked);
        const of = <T>(pick: (figures: PeriodFigures) => T) => ({ now: pick(now), before: pick(then) });
        return {
          before: periodView(before),
          submitted: of(({ submitted }) => submitted),
          won: of(({ won }) => won),
          converted: of(({ converted }) => converted),
          conversion: of(({ converted, submitted }) => shareOf(converted, submitted)),
          money: currencies.map((currency) => {
            const money = (key: (typeof moneyKeys)[number]) => of(({ money: all }) => inCurrency(all, currency, key));
            return {
              currency,
              ...{ wonRevenue: money('wonRevenue'), granted: money('granted'), issued: money('issued') },
              ...{ clawedBack: money('clawedBack'), cost: money('cost'), liability: money('liability') },
            };
          }),
        };
      },
      columns: ['figure', 'currency', 'now', 'before'],
      lines: ({ submitted, won, converted, conversion, money }) => [
        ...Object.entries({ submitted, won, converted, conversion }).map(([key, { now, before }]) => [
          ...[key, '', cell(now), cell(before)],
        ]),
        ...money.flatMap((one) =>
          moneyKeys.map((key) => [key, one.currency, cell(one[key].now), cell(one[key].before)]),
        ),
      ],
    }),
    report({
      name: 'trend',
      title: 'Trend',
      summary: 'List the figures of a period by day, week or month',
      answer: trendSchema,
      async read(accountId, asked, { by = 'day' }) {
        const points = (asked.to - asked.from + 1) / { day: 1, week: 7, month: 28 }[by];
        if (points > POINTS_MAX) throw refused('by', 'must be a longer step for so long a period');
        const items = await read.trend(accountId, asked, by);
        return {
          items: items.map(({ from, submitted, won, money }) => ({
            from: dayText(from),
            ...{ submitted, won },
            money: money.map(({ liability: _, currency, ...rest }) => ({
              currency,
              wonRevenue: decimalOf({ minor: rest.wonRevenue, currency }),
              granted: decimalOf({ minor: rest.granted, currency }),
              issued: decimalOf({ minor: rest.issued, currency }),
              clawedBack: decimalOf({ minor: rest.clawedBack, currency }),
              cost: decimalOf({ minor: rest.cost, currency }),
            })),
          })),
        };
      },
      columns: [...['from', 'submitted', 'won', 'currency', 'won_revenue', 'granted', 'issued', 'clawed_back', 'cost']],
      lines: ({ items }) =>
        items.flatMap(({ from, submitted, won, money }) => {
          const counts = [from, String(submitted), String(won)];
          if (money.length === 0) return [[...counts, '', '', '', '', '', '']];
          return money.map((one) => [
            ...counts,
            ...[one.currency, one.wonRevenue, one.granted, one.issued, one.clawedBack, one.cost],
          ]);
        }),
    }),
    report({
      name: 'funnel',
      title: 'Funnel',
      summary: 'Get how far the referrals of a period have come',
      answer: funnelSchema,
      async read(accountId, asked) {
        const { stages, ended } = await read.funnel(accountId, asked);
        return {
          stages: stages.map(({ stage, reached, standing }, index) => ({
            ...{ stage, reached, standing },
            share: shareOf(reached, stages[0]?.reached ?? 0),
            ofBefore: index === 0 ? null : shareOf(reached, stages[index - 1]?.reached ?? 0),
          })),
          ended,
        };
      },
      columns: ['stage', 'reached', 'share', 'of_stage_before', 'standing'],
      lines: ({ stages, ended }) => [
        ...stages.map((one) => [one.stage, cell(one.reached), cell(one.share), cell(one.ofBefore), cell(one.standing)]),
        ...ended.map(({ stage, standing }) => [stage, '', '', '', cell(standing)]),
      ],
    }),
    report({
      name: 'times',
      title: 'Times',
      summary: 'Get how long referrals took from stage to stage',
      answer: timesSchema,
      async read(accountId, asked) {
        return { items: await read.times(accountId, asked) };
      },
      columns: ['from', 'to', 'count', 'first_quartile_days', 'median_days', 'third_quartile_days'],
      lines: ({ items }) => items.map(({ from, to, days }) => [from, to, ...quartileCells(days)]),
    }),
    report({
      name: 'channels',
      title: 'Channels',
      summary: 'List what referrals came by',
      answer: channelsSchema,
      async read(accountId, asked) {
        const items = await read.channels(accountId, asked);
        return {
          items: items.map(({ revenue, ...one }) => ({
            ...one,
            conversion: shareOf(one.converted, one.submitted),
            revenue: amountViews(revenue),
          })),
        };
      },
      columns: ['source', 'submitted', 'converted', 'conversion', 'won', 'currency', 'revenue'],
      lines: ({ items }) =>
        items.flatMap(({ revenue, ...one }) =>
          perCurrency(
            [one.source, cell(one.submitted), cell(one.converted), cell(one.conversion), cell(one.won)],
            revenue,
          ),
        ),
    }),
    report({
      name: 'members',
      title: 'Members',
      summary: 'List the members who brought most',
      answer: membersSchema,
      async read(accountId, asked, { order = 'won', limit = MEMBERS_DEFAULT }) {
        if (order === 'revenue' && asked.currency === undefined)
          throw refused('currency', 'must be given: amounts in two currencies are not compared');
        const items = await read.topMembers(accountId, asked, { order, count: limit });
        return { items: items.map(({ revenue, ...one }) => ({ ...one, revenue: amountViews(revenue) })) };
      },
      columns: ['member', 'name', 'submitted', 'won', 'currency', 'revenue'],
      lines: ({ items }) =>
        items.flatMap(({ revenue, ...one }) =>
          perCurrency([one.memberId, one.name ?? '', cell(one.submitted), cell(one.won)], revenue),
        ),
    }),
    report({
      name: 'cohorts',
      title: 'Cohorts',
      summary: 'List referrals by the month of their submission, with what became of them',
      answer: cohortsSchema,
      async read(accountId, asked) {
        const items = await read.cohorts(accountId, asked);
        return {
          items: items.map(({ month, revenue, ...one }) => ({
            month: dayText(month),
            ...one,
            conversion: shareOf(one.won, one.submitted),
            revenue: amountViews(revenue),
          })),
        };
      },
      columns: [
        ...[
          'month',
          'submitted',
          'qualified',
          'opportunity',
          'won',
          'conversion',
          'won_by_month',
          'currency',
          'revenue',
        ],
      ],
      lines: ({ items }) =>
        items.flatMap(({ revenue, ...one }) =>
          perCurrency(
            [
              ...[one.month, cell(one.submitted), cell(one.qualified), cell(one.opportunity), cell(one.won)],
              ...[cell(one.conversion), one.wonBy.join(' ')],
            ],
            revenue,
          ),
        ),
    }),
    report({
      name: 'returns',
      title: 'Returns',
      summary: 'List won revenue against the cost of rewards, by program',
      answer: returnsSchema,
      async read(accountId, asked) {
        const items = await read.returns(accountId, asked);
        return {
          items: items.map(({ programId, currency, deals, revenue, cost }) => ({
            ...{ programId, currency, deals },
            revenue: decimalOf({ minor: revenue, currency }),
            cost: decimalOf({ minor: cost, currency }),
            returned: cost > 0n ? Number((revenue * 100n) / cost) / 100 : null,
          })),
        };
      },
      columns: ['program', 'currency', 'deals', 'revenue', 'cost', 'revenue_per_cost'],
      lines: ({ items }) =>
        items.map((one) => [
          ...[one.programId, one.currency, cell(one.deals), one.revenue, one.cost, cell(one.returned)],
        ]),
    }),
    report({
      name: 'comparison',
      title: 'Comparison',
      summary: 'Compare referred customers with all others',
      answer: comparisonSchema,
      async read(accountId, asked) {
        const [referred, other] = await read.comparison(accountId, asked);
        if (!referred || !other) throw new Error('a comparison is of two');
        return {
          basis: `${referred.deals + other.deals} won deals that the connected CRMs have shown, ${referred.deals} of them referred. Deals that no connection has read are in no figure.`,
          referred: customersView(referred),
          other: customersView(other),
        };
      },
      columns: ['figure', 'currency', 'referred', 'other'],
      lines: ({ referred, other }) => [
        ...(['customers', 'repeated', 'repeatRate', 'deals', 'unread'] as const).map((key) => [
          ...[key, '', cell(referred[key]), cell(other[key])],
        ]),
        ...[...new Set([...referred.money, ...other.money].map(({ currency }) => currency))].flatMap((currency) => {
          const [a, b] = [referred, other].map(({ money }) => money.find((one) => one.currency === currency));
          return (['revenue', 'refunded', 'refunds', 'refundRate', 'lifetimeValue'] as const).map((key) => [
            ...[key, currency, cell(a?.[key] ?? null), cell(b?.[key] ?? null)],
          ]);
        }),
        ...(['n', 'first', 'median', 'third'] as const).map((key) => [
          ...[`timeToClose ${key}`, '', cell(referred.timeToClose[key]), cell(other.timeToClose[key])],
        ]),
      ],
    }),
  ];

  return reports.flatMap(({ name, title, summary, answer, read: readBody, columns, lines }) => {
    const query = z.strictObject({ ...filters, ...(own as Record<string, z.ZodRawShape>)[name] });
    const bodyOf = async (accountId: string, asked: Asked & Query) => {
      const period = askedOf(asked);
      // First: what is taken in between the two makes the figures newer than they say.
      const { waiting, foldedAt } = await read.state(accountId);
      const body = (await readBody(accountId, period, asked)) as object;
      const freshness = { waiting, foldedAt: foldedAt === null ? null : isoOf(foldedAt) };
      return { period: periodView(period), freshness, ...body };
    };
    return [
      operation({
        id: `getFigures${title}`,
        tag: 'Figures',
        method: 'get',
        path: `/figures/${name}`,
        summary,
        description: 'From sums that are kept as things happen; days are those of UTC.',
        query,
        statuses: { 200: 'The figures.' },
        answer,
        problems: [],
        async handle({ accountId, query: asked }) {
          return { status: 200, body: await bodyOf(accountId, asked as Asked & Query) };
        },
      }),
      operation({
        id: `exportFigures${title}`,
        tag: 'Figures',
        method: 'get',
        path: `/figures/${name}/csv`,
        summary: `${summary}, as CSV`,
        description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
        query,
        statuses: { 200: 'The file, with a first line that names the columns.' },
        answer: z.strictObject({ csv: z.string() }),
        problems: [],
        async handle({ accountId, query: asked }) {
          return { status: 200, body: { csv: csvOf(columns, lines(await bodyOf(accountId, asked as Asked & Query))) } };
        },
      }),
    ];
  });
}

function refused(field: string, problem: string): HttpProblem {
  return new HttpProblem('invalid_request', 'These figures cannot be given.', { errors: [{ field, problem }] });
}

function dayText(number: number): string {
  return dayOf(number * MS_PER_DAY);
}

function periodView({ from, to }: { readonly from: number; readonly to: number }) {
  return { from: dayText(from), to: dayText(to) };
}

/** To four digits, as many as a screen shows of a percentage with two decimals. */
function shareOf(part: number, whole: number): number | null {
  return whole === 0 ? null : Math.round((part / whole) * 10_000) / 10_000;
}

function inCurrency(all: readonly MoneyFigures[], currency: string, key: (typeof moneyKeys)[number]): string {
  return decimalOf({ minor: all.find((one) => one.currency === currency)?.[key] ?? 0n, currency });
}

function amountViews(amountsIn: readonly AmountIn[]) {
  return amountsIn.map((money) => ({ amount: decimalOf(money), currency: money.currency }));
}

type Compared = Awaited<ReturnType<Figures['comparison']>>[number];

function customersView({ customers, repeated, deals, unread, money, close }: Compared) {
  return {
    ...{ customers, repeated, deals, unread },
    repeatRate: shareOf(repeated, customers),
    money: money.map(({ currency, revenue, refunded, refunds, lifetime, customers: n }) => ({
      currency,
      revenue: decimalOf({ minor: revenue, currency }),
      refunded: decimalOf({ minor: refunded, currency }),
      refunds,
      refundRate: revenue > 0n ? Number((refunded * 10_000n) / revenue) / 10_000 : null,
      lifetimeValue: n > 0 ? decimalOf({ minor: lifetime / BigInt(n), currency }) : null,
      customers: n,
    })),
    timeToClose: close,
  };
}

function cell(value: number | string | null): string {
  return value === null ? '' : String(value);
}

function quartileCells({ n, first, median, third }: Quartiles): string[] {
  return [n, first, median, third].map(cell);
}

/** A line for each currency, and one where there is none. */
function perCurrency(cells: readonly string[], money: ReadonlyArray<{ amount: string; currency: string }>): string[][] {
  if (money.length === 0) return [[...cells, '', '']];
  return money.map(({ amount, currency }) => [...cells, currency, amount]);
}
