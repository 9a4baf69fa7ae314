import { z } from 'zod';
import { csvOf } from '../../application/csv.ts';
import type { JournalFilter, LedgerStore, ReadStore } from '../../application/ports/store.ts';
import { JOURNAL_KINDS } from '../../domain/ledger.ts';
import { HttpProblem } from '../problem.ts';
import { given, listOf, moment, nextCursorOf, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { balancesSchema, journalSchema, rewardId } from './schemas.ts';
import { balancesView, journalView, moneyView } from './views.ts';

/** What the names of ledger accounts begin with, in the order of a balance: what is owed, what was given, what it cost. */
export const KINDS = ['held', 'payable', 'credit', 'receivable', 'provider', 'expense'] as const;

export interface LedgerDeps {
  readonly ledger: LedgerStore;
  readonly reads: Pick<ReadStore, 'balances'>;
}

export const currency = z
  .string('must be given once')
  .regex(/^[A-Z]{3}$/, 'must be a currency as ISO 4217 has it, such as EUR')
  .meta({ example: 'EUR' });

const ledgerAccount = z
  .string('must be given once')
  .regex(/^[a-z]+:[A-Za-z0-9:._-]{1,150}$/, 'must be the name of a ledger account, such as payable:member:mem_…')
  .meta({ example: 'expense:default' });

const filters = {
  rewardId: rewardId.optional(),
  account: ledgerAccount.optional().meta({ description: 'With a posting to this ledger account.' }),
  currency: currency
    .optional()
    .meta({ description: 'Goes with `account`: a balance is that of an account in a currency.' }),
  kind: z.enum(JOURNAL_KINDS).optional(),
  from: moment.optional().meta({ description: 'Recorded from then on.' }),
  to: moment.optional().meta({ description: 'Recorded before.' }),
};

const filtersSchema = z.strictObject(filters);

function filterOf({ from, to, ...rest }: z.output<typeof filtersSchema>): JournalFilter {
  if (rest.currency !== undefined && rest.account === undefined)
    throw new HttpProblem('invalid_request', 'A currency goes with a ledger account.', {
      errors: [{ field: 'account', problem: 'must be given when there is a currency' }],
    });
  if (from !== undefined && to !== undefined && Date.parse(from) >= Date.parse(to))
    throw new HttpProblem('invalid_request', 'There is no time between the two.', {
      errors: [{ field: 'from', problem: 'must be before "to"' }],
    });
  return given({
    ...rest,
    from: from === undefined ? undefined : Date.parse(from),
    to: to === undefined ? undefined : Date.parse(to),
  });
}

export const kind = z.enum(KINDS).meta({
  description:
    'held: granted, and not owed yet · payable: owed · credit: credit with the account · receivable: owed back · provider: given out through a provider · expense: what programs cost',
});

const sumSchema = z
  .strictObject({
    kind,
    currency: z.string(),
    amount: z.string().meta({ description: 'Debits are positive, credits negative.' }),
    accounts: z.int().meta({ description: 'Ledger accounts that anything was ever booked on.' }),
  })
  .meta({ id: 'LedgerSum', description: 'All ledger accounts of one kind, added up in one currency.' });

const accountSchema = z
  .strictObject({
    id: z.string().meta({ description: 'The account’s name.' }),
    account: z.string(),
    amount: z.string(),
    currency: z.string(),
    beneficiaryId: z
      .string()
      .nullable()
      .meta({ description: 'The member’s id, or the referral’s whose friend it is; null for programs and providers.' }),
    name: z.string().nullable().meta({ description: 'Whose it is: the name, or the e-mail address.' }),
  })
  .meta({ id: 'LedgerAccount', description: 'A ledger account that is not at zero.' });

export function ledger({ ledger: books, reads }: LedgerDeps): Operation[] {
  return [
    operation({
      id: 'listJournals',
      tag: 'Ledger',
      method: 'get',
      path: '/journals',
      summary: 'List journals, newest first',
      description:
        'With a filter that hits seldom a page may hold fewer than asked for, or none, and go on all the same.',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'A page of journals.' },
      answer: listOf(journalSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { limit, cursor, ...asked } }) {
        const page = pageOf('journals', { limit, cursor });
        const { items, next } = await books.journals(accountId, page, filterOf(asked));
        return { status: 200, body: { items: items.map(journalView), nextCursor: nextCursorOf('journals', next) } };
      },
    }),
    operation({
      id: 'exportJournals',
      tag: 'Ledger',
      method: 'get',
      path: '/journals/csv',
      summary: 'A page of journals as CSV, a line for each posting',
      description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: z.strictObject({ csv: z.string(), nextCursor: z.string().nullable() }),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { limit, cursor, ...asked } }) {
        const page = pageOf('journals', { limit, cursor });
        const { items, next } = await books.journals(accountId, page, filterOf(asked));
        const columns = ['recorded_at', 'effective_at', 'journal', 'kind', 'reward', 'account', 'amount', 'currency'];
        const rows = items
          .map(journalView)
          .flatMap(({ recordedAt, effectiveAt, id, kind: of, rewardId: reward, postings }) =>
            postings.map(({ account, amount, currency: in_ }) => [
              ...[recordedAt, effectiveAt, id, of, reward],
              ...[account, amount, in_],
            ]),
          );
        return { status: 200, body: { csv: csvOf(columns, rows), nextCursor: nextCursorOf('journals', next) } };
      },
    }),
    operation({
      id: 'sumLedger',
      tag: 'Ledger',
      method: 'get',
      path: '/ledger',
      summary: 'Sum the ledger up by kind of account and currency',
      description: 'What is owed now is what `held`, `payable` and `credit` come to; what is owed back, `receivable`.',
      query: z.strictObject({}),
      statuses: { 200: 'The sums; zero in every currency together.' },
      answer: z.strictObject({ items: z.array(sumSchema) }),
      problems: [],
      async handle({ accountId }) {
        const sums = await books.sums(accountId);
        const items = sums.map(({ accounts, kind: of, ...money }) => ({
          kind: of as (typeof KINDS)[number],
          ...moneyView(money),
          accounts,
        }));
        return { status: 200, body: { items: items.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind)) } };
      },
    }),
    operation({
      id: 'listLedgerAccounts',
      tag: 'Ledger',
      method: 'get',
      path: '/ledger/{ledgerKind}/{currency}/accounts',
      summary: 'List the ledger accounts of one kind that are not at zero in a currency',
      params: z.strictObject({ ledgerKind: kind, currency }),
      query: z.strictObject({
        ...pageParameters,
        account: ledgerAccount.optional().meta({ description: 'This one alone.' }),
      }),
      statuses: { 200: 'A page of accounts, in the order of their names.' },
      answer: listOf(accountSchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params: { ledgerKind, currency: in_ }, query }) {
        const of = { kind: ledgerKind, currency: in_, ...given({ account: query.account }) };
        const { items, next } = await books.accounts(accountId, pageOf('accounts', query), of);
        const body = items.map(({ account, beneficiaryId, name, ...money }) => ({
          ...{ id: account, account },
          ...moneyView(money),
          ...{ beneficiaryId, name },
        }));
        return { status: 200, body: { items: body, nextCursor: nextCursorOf('accounts', next) } };
      },
    }),
    operation({
      id: 'listBalances',
      tag: 'Ledger',
      method: 'get',
      path: '/balances',
      summary: "List every ledger account's balance",
      query: z.strictObject({}),
      statuses: { 200: 'All balances.' },
      answer: balancesSchema,
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: balancesView(await reads.balances(accountId)) };
      },
    }),
  ];
}
