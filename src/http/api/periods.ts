import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import type { Finance } from '../../application/finance.ts';
import type { ClosedPeriod, CloseOutcome, OpenPeriod } from '../../application/periods.ts';
import type { ClosingPeriod, LedgerStore } from '../../application/ports/store.ts';
import { decimalOf } from '../../domain/money.ts';
import { chartEntryOf, isMonth, PERIOD_WARNINGS, type PeriodLine } from '../../domain/period.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { csvPage, idOf, listOf, nextCursorOf, pageOf, pageParameters, sentence, time } from './fields.ts';
import { currency, KINDS, kind } from './ledger.ts';
import { type Operation, operation } from './operation.ts';
import { journalView, moneyView } from './views.ts';

const REASON_LENGTH_MAX = 500;
/** Proxies and people wait longer; a month of some hundred thousand postings takes longer than that. */
const CLOSE_PATIENCE_MS = 4_000;
const NUMBER_LENGTH_MAX = 40;
const LABEL_LENGTH_MAX = 120;
/** Programs and providers with an account of their own each, and the six kinds. */
const ENTRIES_MAX = 200;

const periodId = idOf('per', 'a close');

const month = z
  .string('must be given')
  .refine(isMonth, 'must be a month, such as 2026-10')
  .meta({ description: 'A calendar month in UTC.', example: '2026-10', pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$' });

const decimal = z.string().meta({ description: 'Debits are positive, credits negative.' });
const counted = z.string().meta({ description: 'Counted upwards; never below zero.' });

const totalSchema = z
  .strictObject({
    kind,
    currency: z.string(),
    opening: decimal,
    debits: counted,
    credits: counted,
    closing: decimal,
  })
  .meta({ id: 'PeriodTotal', description: 'All ledger accounts of one kind in one currency over a month.' });

const warningCode = z.enum(PERIOD_WARNINGS).meta({
  description:
    'batches_unsettled: batches of which rows are neither paid nor refused · provider_differences: findings of the newest comparisons of the last quarter · orders_parked: orders that wait for a person · cases_open: open cases about rewards · receivables: currencies in which something is owed back',
});

const warningSchema = z
  .strictObject({
    code: warningCode,
    count: z.int().meta({ description: 'Of what waits for a person, 500 stands for 500 or more.' }),
    remedy: z.string(),
  })
  .meta({ id: 'PeriodWarning' });

const periodShape = {
  id: periodId,
  number: z.int().meta({ description: 'Counts the closes of the account, also those that were taken back.' }),
  month: z.string(),
  from: time,
  to: time.meta({ description: 'The first moment of the next month.' }),
  closedAt: time,
  closedBy: z.string(),
  reason: z.string().nullable().meta({ description: 'Why it was closed with warnings.' }),
  journals: z.int().meta({ description: 'Booked in the month.' }),
  accounts: z.int().meta({ description: 'Ledger accounts, by currency, on which something was booked.' }),
  totals: z.array(totalSchema),
  warnings: z.array(z.strictObject({ code: warningCode, count: z.int() })),
  hash: z.string().meta({ description: 'SHA-256 of what was kept, with the hash of the close before in it.' }),
  reopened: z
    .strictObject({ at: time, by: z.string(), reason: z.string() })
    .nullable()
    .meta({ description: 'When, by whom and why it was taken back; null while it stands.' }),
  replaces: z
    .strictObject({ periodId: z.string(), by: z.string(), reason: z.string(), at: time })
    .nullable()
    .meta({ description: 'The close of the same month that was taken back before.' }),
};

const periodSchema = z.strictObject(periodShape).meta({
  id: 'Period',
  description: 'A month as it was closed. Nothing of it changes but that it can be taken back.',
});

const progressShape = {
  by: z.string(),
  since: time,
  journals: z.int().meta({ description: 'Added up so far.' }),
  total: z.int().meta({ description: 'Of so many; 0 before they were counted.' }),
};

const closingSchema = z
  .strictObject({ month: z.string(), closing: z.strictObject(progressShape) })
  .meta({ id: 'ClosingPeriod', description: 'A month that is being added up.' });

const openSchema = z
  .strictObject({
    month: z.string(),
    from: time,
    to: time,
    closableFrom: time,
    isClosable: z.boolean(),
    warnings: z.array(warningSchema),
    closing: z
      .strictObject(progressShape)
      .nullable()
      .meta({ description: 'Somebody has closed it, and it is being added up; it goes on whoever looks.' }),
  })
  .meta({ id: 'OpenPeriod', description: 'The month that comes next, and what speaks against closing it now.' });

const lineSchema = z
  .strictObject({
    id: z.string().meta({ description: 'The account’s name.' }),
    account: z.string(),
    currency: z.string(),
    opening: decimal,
    debits: counted,
    credits: counted,
    closing: decimal,
  })
  .meta({ id: 'PeriodAccount', description: 'A ledger account on which something was booked in the month.' });

const entrySchema = z
  .strictObject({
    account: z
      .string('must be text')
      .regex(
        new RegExp(`^(${KINDS.join('|')}):(\\*|[A-Za-z0-9:._-]{1,150})$`),
        'must be a ledger account, such as expense:default, or a kind for all that have no entry of their own, such as expense:*',
      )
      .meta({ example: 'expense:*' }),
    number: sentence(NUMBER_LENGTH_MAX).meta({ description: 'In the company’s own chart.', example: '6300' }),
    label: sentence(LABEL_LENGTH_MAX).meta({ example: 'Referral rewards' }),
  })
  .meta({ id: 'ChartEntry' });

const chartSchema = z
  .strictObject({
    version: z.int().meta({ description: '0 before anybody has saved one.' }),
    entries: z.array(entrySchema),
  })
  .meta({
    id: 'ChartOfAccounts',
    description: 'Where ledger accounts go in the company’s books; used by the exports.',
  });

export interface PeriodsApiDeps {
  readonly finance: Pick<Finance, 'periods' | 'charts' | 'sheet'>;
  readonly ledger: Pick<LedgerStore, 'journals'>;
}

export function periods({ finance, ledger }: PeriodsApiDeps): Operation[] {
  const { periods: desk, charts } = finance;

  async function standing(accountId: string, id: string): Promise<ClosedPeriod> {
    const found = await desk.get(accountId, id);
    if (!found) throw new HttpProblem('not_found', 'This account has no such close.');
    if (found.period.kept.reopened !== null)
      throw new HttpProblem('period_state', 'This close was taken back. Export the one that stands for the month.');
    return found.period;
  }

  return [
    operation({
      id: 'listPeriods',
      tag: 'Periods',
      method: 'get',
      path: '/periods',
      summary: 'List closed months, newest first',
      description: 'Also those that were taken back, each with by whom and why.',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of closes.' },
      answer: listOf(periodSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await desk.list(accountId, pageOf('periods', query));
        return { status: 200, body: { items: items.map(periodView), nextCursor: nextCursorOf('periods', next) } };
      },
    }),
    operation({
      id: 'closePeriod',
      tag: 'Periods',
      method: 'post',
      path: '/periods',
      summary: 'Close a month',
      description:
        'Months are closed in order, none is left out, and none before a quarter of an hour after its end, in UTC. What is kept: for every ledger account and currency the opening balance, debits, credits and closing balance of the journals that were booked in the month, in a chain of signed hashes. No journal is booked in it afterwards; what concerns it later is booked in the month in which it is booked. While there are warnings a reason is needed. A month of some hundred thousand postings is added up beyond the answer: `GET /periods/next` tells how far it is.',
      body: z.strictObject({
        month,
        reason: sentence(REASON_LENGTH_MAX)
          .nullable()
          .optional()
          .meta({ description: 'Why in spite of the warnings. Kept for ever: name the ground, and nobody.' }),
      }),
      statuses: { 201: 'The month as it was closed.', 202: 'The month, which is being added up.' },
      answer: z.union([periodSchema, closingSchema]),
      problems: ['period_state', 'busy'],
      async handle({ accountId, actor, body }) {
        const as = { by: actor, reason: body.reason ?? null, patienceMs: CLOSE_PATIENCE_MS };
        const outcome = await desk.close(accountId, body.month, as);
        if (outcome.kind === 'closing')
          return { status: 202, body: { month: body.month, closing: closingView(outcome.closing) } };
        if (outcome.kind === 'closed') return { status: 201, body: periodView(outcome.period) };
        throw notClosed(body.month, outcome);
      },
    }),
    operation({
      id: 'getNextPeriod',
      tag: 'Periods',
      method: 'get',
      path: '/periods/next',
      summary: 'Get the month that is to be closed next, with what to look at before',
      query: z.strictObject({}),
      statuses: { 200: 'The month; null while nothing was ever booked.' },
      answer: z.strictObject({ period: openSchema.nullable() }),
      problems: [],
      async handle({ accountId }) {
        const next = await desk.next(accountId);
        return { status: 200, body: { period: next && openView(next) } };
      },
    }),
    operation({
      id: 'verifyPeriods',
      tag: 'Periods',
      method: 'get',
      path: '/periods/verification',
      summary: 'Say whether the closed months still come to what was kept of them',
      description:
        'Adds every month that stands closed up again from its journals, account by account, and looks at the chain, the hashes and the signatures.',
      query: z.strictObject({}),
      statuses: { 200: 'What was found; no problem where all is as it was.' },
      answer: z.strictObject({
        periods: z.int(),
        problems: z.array(
          z.strictObject({
            periodId,
            month: z.string(),
            problem: z.enum([
              'changed',
              'not_signed_here',
              'unknown_key',
              'chain_broken',
              'lines_changed',
              'sums_differ',
            ]),
            words: z.string(),
          }),
        ),
      }),
      problems: [],
      async handle({ accountId }) {
        const { periods: count, problems } = await desk.verify(accountId);
        return { status: 200, body: { periods: count, problems: [...problems] } };
      },
    }),
    operation({
      id: 'getPeriod',
      tag: 'Periods',
      method: 'get',
      path: '/periods/{periodId}',
      summary: 'Get a closed month, with what was booked later about it',
      params: z.strictObject({ periodId }),
      statuses: { 200: 'The close.' },
      answer: z
        .strictObject({
          ...periodShape,
          isLast: z.boolean().meta({ description: 'It stands, and none behind it does: it can be taken back.' }),
          late: z
            .strictObject({
              journals: z.int(),
              sums: z.array(z.strictObject({ kind, currency: z.string(), amount: decimal })),
            })
            .meta({
              description:
                'Booked after the month about what happened in it. These journals stand in the months in which they were booked.',
            }),
        })
        .meta({ id: 'PeriodDetail' }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const found = await desk.get(accountId, params.periodId);
        if (!found) throw new HttpProblem('not_found', 'This account has no such close.');
        const { period, isLast, late } = found;
        const sums = late.sums.map(({ kind: of, ...money }) => ({ kind: kindOf(of), ...moneyView(money) }));
        return { status: 200, body: { ...periodView(period), isLast, late: { journals: late.journals, sums } } };
      },
    }),
    operation({
      id: 'reopenPeriod',
      tag: 'Periods',
      method: 'post',
      path: '/periods/{periodId}/reopen',
      summary: 'Take back the close of the last month that stands closed',
      description:
        'It moves no money and changes no journal: it is for a close that came too early. The close stays in the chain with by whom and why it was taken back, and the month can be closed anew.',
      params: z.strictObject({ periodId }),
      body: z.strictObject({
        reason: sentence(REASON_LENGTH_MAX).meta({ description: 'Kept for ever: name the ground, and nobody.' }),
      }),
      statuses: { 200: 'The close as it is now.' },
      answer: periodSchema,
      problems: ['not_found', 'period_state'],
      async handle({ accountId, actor, params, body }) {
        const outcome = await desk.reopen(accountId, params.periodId, { by: actor, reason: body.reason });
        if (outcome.kind === 'unknown') throw new HttpProblem('not_found', 'This account has no such close.');
        if (outcome.kind !== 'reopened')
          throw new HttpProblem(
            'period_state',
            'Only the last month that stands closed can be taken back; take back the later ones first.',
          );
        return { status: 200, body: periodView(outcome.period) };
      },
    }),
    operation({
      id: 'listPeriodAccounts',
      tag: 'Periods',
      method: 'get',
      path: '/periods/{periodId}/ledger/{ledgerKind}/{currency}/accounts',
      summary: 'List the accounts of one kind on which something was booked in a closed month',
      params: z.strictObject({ periodId, ledgerKind: kind, currency }),
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of accounts, in the order of their names.' },
      answer: listOf(lineSchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query }) {
        if (!(await desk.get(accountId, params.periodId)))
          throw new HttpProblem('not_found', 'This account has no such close.');
        const of = { kind: params.ledgerKind, currency: params.currency };
        const page = pageOf('accounts', query);
        const { items, next } = await desk.lines(accountId, params.periodId, of, page);
        return { status: 200, body: { items: items.map(lineView), nextCursor: nextCursorOf('accounts', next) } };
      },
    }),
    operation({
      id: 'exportPeriodJournals',
      tag: 'Periods',
      method: 'get',
      path: '/periods/{periodId}/journals/csv',
      summary: 'A page of a closed month’s journals as CSV for the bookkeeping, a line for each posting',
      description:
        'With the company’s own account numbers, where the chart of accounts names them. Safe to open in a spreadsheet: no field is taken for a formula.',
      params: z.strictObject({ periodId }),
      query: z.strictObject(pageParameters),
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: csvPage,
      problems: ['not_found', 'period_state', 'invalid_cursor'],
      async handle({ accountId, params, query }) {
        const { from, to } = await standing(accountId, params.periodId);
        const { entries } = await charts.read(accountId);
        const page = pageOf('journals', query);
        const { items, next } = await ledger.journals(accountId, page, { from, to });
        const columns = ['booked_at', 'event_at', 'journal', 'kind', 'reward', 'ledger_account'];
        const rows = items.flatMap((journal) => {
          const { recordedAt, effectiveAt, id, kind: of, rewardId } = journalView(journal);
          return journal.postings.map(({ account, minor, currency: in_ }) => {
            const entry = chartEntryOf(entries, account);
            const text = (amount: bigint) => decimalOf({ minor: amount, currency: in_ });
            return [
              ...[recordedAt, effectiveAt, id, of, rewardId, account],
              ...[entry?.number ?? '', entry?.label ?? ''],
              ...[minor > 0n ? text(minor) : '', minor < 0n ? text(-minor) : '', in_],
            ];
          });
        });
        const csv = csvOf([...columns, 'account_number', 'account_label', 'debit', 'credit', 'currency'], rows);
        return { status: 200, body: { csv, nextCursor: nextCursorOf('journals', next) } };
      },
    }),
    operation({
      id: 'exportPeriodTotals',
      tag: 'Periods',
      method: 'get',
      path: '/periods/{periodId}/totals/csv',
      summary: 'A closed month’s totals as CSV for the bookkeeping, a line for each account number and currency',
      description: 'Comes to zero in every currency, in opening and closing, and to the journals of the month.',
      params: z.strictObject({ periodId }),
      statuses: { 200: 'The sheet, with a first line that names the columns.' },
      answer: z.strictObject({ csv: z.string() }),
      problems: ['not_found', 'period_state'],
      async handle({ accountId, params }) {
        const period = await standing(accountId, params.periodId);
        const rows = await finance.sheet(accountId, period);
        const columns = ['account_number', 'account_label', 'ledger_accounts', 'currency'];
        const csv = csvOf(
          [...columns, 'opening', 'debits', 'credits', 'closing'],
          rows.map(({ number, label, accounts, currency: in_, ...sums }) => {
            const text = (minor: bigint) => decimalOf({ minor, currency: in_ });
            return [
              ...[number, label, accounts, in_],
              ...[text(sums.opening), text(sums.debits), text(sums.credits), text(sums.closing)],
            ];
          }),
        );
        return { status: 200, body: { csv } };
      },
    }),
    operation({
      id: 'getChartOfAccounts',
      tag: 'Periods',
      method: 'get',
      path: '/chart-of-accounts',
      summary: 'Get where ledger accounts go in the company’s books',
      query: z.strictObject({}),
      statuses: { 200: 'The newest version.' },
      answer: chartSchema,
      problems: [],
      async handle({ accountId }) {
        const { version, entries } = await charts.read(accountId);
        return { status: 200, body: { version, entries: [...entries] } };
      },
    }),
    operation({
      id: 'setChartOfAccounts',
      tag: 'Periods',
      method: 'put',
      path: '/chart-of-accounts',
      summary: 'Set where ledger accounts go in the company’s books',
      description: 'For the exports alone: nothing that was booked or closed changes by it.',
      body: z.strictObject({
        version: z
          .int('must be a whole number')
          .min(0, 'must be 0 or more')
          .meta({ description: 'The one that was read. Refused when somebody has saved another one since.' }),
        entries: z
          .array(entrySchema, 'must be a list of entries')
          .max(ENTRIES_MAX, `must have at most ${ENTRIES_MAX} entries`)
          .refine(
            (entries) => new Set(entries.map(({ account }) => account)).size === entries.length,
            'must name each ledger account once',
          ),
      }),
      statuses: { 200: 'The chart as it is now.' },
      answer: chartSchema,
      problems: ['settings_changed'],
      async handle({ accountId, actor, body: { version, entries } }) {
        const saved = await charts.save(accountId, entries, { basis: version, by: actor });
        if (!saved)
          throw new HttpProblem('settings_changed', 'Read the chart of accounts again, and make your change to it.', {
            errors: [{ field: 'version', problem: 'must be the newest one' }],
          });
        return { status: 200, body: { version: saved.version, entries: [...saved.entries] } };
      },
    }),
  ];
}

function notClosed(asked: string, outcome: Exclude<CloseOutcome, { kind: 'closed' | 'closing' }>): HttpProblem {
  const on = (field: string, problem: string) => ({ errors: [{ field, problem }] });
  switch (outcome.kind) {
    case 'nothing':
      return new HttpProblem('period_state', 'Nothing was ever booked, so there is no month to close.');
    case 'not_next':
      return outcome.closed
        ? new HttpProblem(
            'period_state',
            `${asked} was closed by ${outcome.closed.closedBy} at ${isoOf(outcome.closed.kept.closedAt)}. The next month is ${outcome.next}.`,
            on('month', `must be ${outcome.next}`),
          )
        : new HttpProblem(
            'period_state',
            `Months are closed in order and none is left out. The next one is ${outcome.next}.`,
            on('month', `must be ${outcome.next}`),
          );
    case 'not_over':
      return new HttpProblem(
        'period_state',
        `The month can be closed from ${isoOf(outcome.closableFrom)} on.`,
        on('month', 'must be over'),
      );
    case 'needs_reason':
      return new HttpProblem(
        'period_state',
        `There is something to look at first: ${outcome.warnings.map(({ code, count }) => `${code} (${count})`).join(', ')}. Say why the month is closed all the same.`,
        on('reason', 'must say why, while there are warnings'),
      );
  }
}

function kindOf(text: string): (typeof KINDS)[number] {
  return text as (typeof KINDS)[number];
}

function openView({ month: of, from, to, closableFrom, isClosable, warnings, closing }: OpenPeriod) {
  return {
    month: of,
    from: isoOf(from),
    to: isoOf(to),
    closableFrom: isoOf(closableFrom),
    isClosable,
    warnings: [...warnings],
    closing: closing && closingView(closing),
  };
}

function closingView({ by, since, journals, total }: ClosingPeriod) {
  return { by, since: isoOf(since), journals, total };
}

function periodView({
  kept,
  from,
  to,
  journals,
  accounts,
  totals,
  warnings,
  reason,
  closedBy,
  replaces,
}: ClosedPeriod) {
  return {
    id: kept.id,
    number: kept.number,
    month: kept.month,
    from: isoOf(from),
    to: isoOf(to),
    closedAt: isoOf(kept.closedAt),
    closedBy,
    reason,
    journals,
    accounts,
    totals: [...totals]
      .sort((a, b) => KINDS.indexOf(kindOf(a.kind)) - KINDS.indexOf(kindOf(b.kind)))
      .map(({ kind: of, currency: in_, ...sums }) => ({ kind: kindOf(of), currency: in_, ...sumsView(in_, sums) })),
    warnings: [...warnings],
    hash: kept.hash,
    reopened: kept.reopened && { ...kept.reopened, at: isoOf(kept.reopened.at) },
    replaces,
  };
}

function lineView({ account, currency: in_, ...sums }: PeriodLine) {
  return { id: account, account, currency: in_, ...sumsView(in_, sums) };
}

function sumsView(in_: string, sums: Pick<PeriodLine, 'opening' | 'debits' | 'credits' | 'closing'>) {
  const text = (minor: bigint) => decimalOf({ minor, currency: in_ });
  return {
    opening: text(sums.opening),
    debits: text(sums.debits),
    credits: text(sums.credits),
    closing: text(sums.closing),
  };
}
