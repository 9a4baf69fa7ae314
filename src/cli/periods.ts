import { randomUUID } from 'node:crypto';
import { csvOf } from '../application/csv.ts';
import { createFinance } from '../application/finance.ts';
import type { ClosedPeriod } from '../application/periods.ts';
import { decimalOf, textOf } from '../domain/money.ts';
import { isMonth } from '../domain/period.ts';
import { isoOf } from '../domain/time.ts';
import { createLog } from '../platform/log.ts';
import { createSigner } from '../platform/sign.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Five years of months, with some that were taken back. */
const SHOWN_MAX = 100;

function financeOf({ config, store, now }: Pick<Services, 'config' | 'store' | 'now'>) {
  return createFinance({
    ...{ store, clock: { now }, newId: randomUUID },
    signer: createSigner(config.encryptionKeys),
    log: createLog({ level: 'silent' }),
    onStarted: () => {},
  });
}

/** Closed months, the newest first, and the one that comes next with what to look at before. */
export function listPeriods(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const { periods } = financeOf(services);
    const { items, next: more } = await periods.list(id, { limit: SHOWN_MAX, cursor: null });
    const next = await periods.next(id);
    return {
      json: {
        next: next && { ...next, from: isoOf(next.from), to: isoOf(next.to), closableFrom: isoOf(next.closableFrom) },
        items: items.map(jsonOf),
        more: more !== null,
      },
      lines: [
        ...(items.length === 0
          ? ['No month was closed yet.']
          : table([
              ['month', 'close', 'closed', 'by', 'journals', 'state'],
              ...items.map(({ kept, closedBy, journals }) => [
                kept.month,
                kept.id,
                isoOf(kept.closedAt),
                closedBy,
                String(journals),
                kept.reopened ? `taken back by ${kept.reopened.by}: ${kept.reopened.reason}` : 'closed',
              ]),
            ])),
        ...(next === null
          ? ['Nothing was ever booked, so there is no month to close.']
          : [
              ...(next.closing
                ? [
                    `${next.closing.by} is closing ${next.month}: ${next.closing.journals} of ${next.closing.total} journals are added up.`,
                  ]
                : []),
              `Next: ${next.month}, ${next.isClosable ? 'which can be closed' : `which can be closed from ${isoOf(next.closableFrom)} on`}.`,
              ...next.warnings.map(({ code, count, remedy }) => `  ${code} (${count}): ${remedy}`),
            ]),
      ],
    };
  });
}

/** Closes a month, in the name of who does it. */
export function closePeriod(
  terminal: Terminal,
  account: string,
  month: string,
  { by, reason }: { readonly by: string; readonly reason?: string | undefined },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    if (!isMonth(month))
      throw new CliError(`"${month}" is no month.`, 'Write it as 2026-10.', { exitCode: EXIT.usage });
    const { id } = await accountOf(services, account);
    const outcome = await financeOf(services).periods.close(id, month, { by, reason: reason ?? null });
    switch (outcome.kind) {
      case 'closed':
        return { json: jsonOf(outcome.period), lines: linesOf(outcome.period) };
      case 'nothing':
        throw new CliError('Nothing was ever booked.', 'There is no month to close.');
      case 'not_next':
        throw new CliError(
          outcome.closed ? `${month} was closed by ${outcome.closed.closedBy}.` : `${month} does not come next.`,
          `Months are closed in order and none is left out: the next one is ${outcome.next}.`,
        );
      case 'not_over':
        throw new CliError(`${month} is not over.`, `It can be closed from ${isoOf(outcome.closableFrom)} on.`);
      case 'closing':
        throw new CliError(`${month} is being added up.`, '"periods list" shows how far it is.');
      case 'needs_reason':
        throw new CliError(
          'There is something to look at first.',
          'Look at it, or say with --reason why the month is closed all the same:',
          { problems: outcome.warnings.map(({ code, count, remedy }) => `${code} (${count}): ${remedy}`) },
        );
    }
  });
}

/** Takes the last close back. */
export function reopenPeriod(
  terminal: Terminal,
  account: string,
  period: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const outcome = await financeOf(services).periods.reopen(id, period, { by, reason });
    if (outcome.kind === 'reopened')
      return {
        json: jsonOf(outcome.period),
        lines: [`${outcome.period.kept.month} is open again; the close stays in the chain with the reason.`],
      };
    throw outcome.kind === 'unknown'
      ? new CliError(`There is no close "${period}".`, '"periods list" shows those there are.')
      : new CliError('Only the last month that stands closed can be taken back.', 'Take back the later ones first.');
  });
}

/** A close with its totals and with what was booked later about it. */
export function showPeriod(terminal: Terminal, account: string, period: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const found = await financeOf(services).periods.get(id, period);
    if (!found) throw new CliError(`There is no close "${period}".`, '"periods list" shows those there are.');
    const { late } = found;
    const sums = late.sums.map(({ kind, ...money }) => `${kind} ${textOf(money)}`).join(', ');
    return {
      json: {
        ...jsonOf(found.period),
        late: {
          journals: late.journals,
          sums: late.sums.map(({ kind, minor, currency }) => ({
            ...{ kind, currency },
            amount: decimalOf({ minor, currency }),
          })),
        },
      },
      lines: [
        ...linesOf(found.period),
        late.journals === 0
          ? 'Nothing was booked later about this month.'
          : `${late.journals} later journals concern this month, in sum ${sums}.`,
      ],
    };
  });
}

/** The totals of a closed month by the company's chart, as CSV. */
export function exportPeriod(terminal: Terminal, account: string, period: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const finance = financeOf(services);
    const found = await finance.periods.get(id, period);
    if (!found || found.period.kept.reopened)
      throw new CliError(`No month stands closed as "${period}".`, '"periods list" shows those that do.');
    const rows = await finance.sheet(id, found.period);
    const columns = ['account_number', 'account_label', 'ledger_accounts', 'currency'];
    const csv = csvOf(
      [...columns, 'opening', 'debits', 'credits', 'closing'],
      rows.map(({ number, label, accounts, currency, ...sums }) => [
        ...[number, label, accounts, currency],
        ...[sums.opening, sums.debits, sums.credits, sums.closing].map((minor) => decimalOf({ minor, currency })),
      ]),
    );
    return { json: { csv }, lines: [csv.trimEnd()] };
  });
}

/** Adds every closed month up again. Ends with 1 when anything does not agree. */
export function verifyClosedPeriods(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const result = await financeOf(services).periods.verify(id);
    return {
      json: result,
      lines: [
        ...result.problems.map(({ month, periodId, words }) => `WRONG ${month} (${periodId}): ${words}`),
        result.problems.length === 0
          ? `${result.periods} closes are as they were made, and each month that stands closed comes to what was kept.`
          : 'Something does not agree; see the lines above.',
      ],
      exitCode: result.problems.length === 0 ? EXIT.ok : EXIT.failed,
    };
  });
}

function jsonOf({ kept, from, to, journals, accounts, totals, warnings, reason, closedBy, replaces }: ClosedPeriod) {
  return {
    ...{ id: kept.id, number: kept.number, month: kept.month, from: isoOf(from), to: isoOf(to) },
    ...{ closedAt: isoOf(kept.closedAt), closedBy, reason, journals, accounts },
    totals: totals.map(({ kind, currency, opening, debits, credits, closing }) => ({
      kind,
      currency,
      opening: decimalOf({ minor: opening, currency }),
      debits: decimalOf({ minor: debits, currency }),
      credits: decimalOf({ minor: credits, currency }),
      closing: decimalOf({ minor: closing, currency }),
    })),
    ...{ warnings, hash: kept.hash, replaces },
    reopened: kept.reopened && { ...kept.reopened, at: isoOf(kept.reopened.at) },
  };
}

function linesOf(period: ClosedPeriod): string[] {
  const { kept, closedBy, journals, accounts } = period;
  return [
    `${kept.month} was closed by ${closedBy} at ${isoOf(kept.closedAt)} as ${kept.id}: ${journals} journals on ${accounts} accounts.`,
    ...(kept.reopened ? [`Taken back by ${kept.reopened.by}: ${kept.reopened.reason}`] : []),
    ...(period.reason === null ? [] : [`Closed with warnings: ${period.reason}`]),
    ...table([
      ['kind', 'currency', 'opening', 'debits', 'credits', 'closing'],
      ...jsonOf(period).totals.map((total) => [
        ...[total.kind, total.currency, total.opening],
        ...[total.debits, total.credits, total.closing],
      ]),
    ]),
  ];
}
