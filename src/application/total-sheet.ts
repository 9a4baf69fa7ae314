import type { ChartEntry, PeriodLine, PeriodTotal } from '../domain/period.ts';
import type { ClosedPeriod } from './periods.ts';
import type { PeriodBooks } from './ports/store.ts';

type Sums = Pick<PeriodTotal, 'opening' | 'debits' | 'credits' | 'closing'>;

/** One line of the totals that go to the bookkeeping. */
export interface SheetRow extends Sums {
  /** In the company's chart; empty where nobody has named one. */
  readonly number: string;
  readonly label: string;
  /** Which of our accounts are in it: `expense:default`, `payable:*`. */
  readonly accounts: string;
  readonly currency: string;
}

/** An account in every currency that there could be. */
const CURRENCIES_PER_ACCOUNT_MAX = 200;

/**
 * The totals of a closed month by the company's chart. Accounts with an entry of their own are taken out of the total of their kind, which
 * holds all the others: so the sheet comes to what the month comes to, whatever the chart says.
 */
export async function totalSheet(
  books: Pick<PeriodBooks, 'lines' | 'openings'>,
  accountId: string,
  period: Pick<ClosedPeriod, 'kept' | 'from' | 'to' | 'totals'>,
  chart: readonly ChartEntry[],
): Promise<SheetRow[]> {
  const rows: SheetRow[] = [];
  const rests = new Map(period.totals.map((total) => [`${total.kind} ${total.currency}`, total]));
  for (const { account, number, label } of chart.filter((entry) => !entry.account.endsWith(':*'))) {
    const kind = account.slice(0, account.indexOf(':'));
    for (const line of await linesOfAccount(books, accountId, period, account)) {
      const key = `${kind} ${line.currency}`;
      const rest = rests.get(key);
      if (!rest) continue;
      rests.set(key, { ...rest, ...less(rest, line) });
      rows.push({ ...sumsOf(line), number, label, accounts: account, currency: line.currency });
    }
  }
  for (const { kind, currency, ...sums } of rests.values()) {
    const entry = chart.find(({ account }) => account === `${kind}:*`);
    // All that is of the kind stands above.
    if (
      Object.values(sums).every((minor) => minor === 0n) &&
      rows.some(({ accounts }) => accounts.startsWith(`${kind}:`))
    )
      continue;
    rows.push({ ...sums, number: entry?.number ?? '', label: entry?.label ?? '', accounts: `${kind}:*`, currency });
  }
  return rows.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Also where nothing was booked on it in the month: then it stands as it stood before. */
async function linesOfAccount(
  books: Pick<PeriodBooks, 'lines' | 'openings'>,
  accountId: string,
  { kept, from, totals }: Pick<ClosedPeriod, 'kept' | 'from' | 'totals'>,
  account: string,
): Promise<PeriodLine[]> {
  const behind = { account, currency: '' };
  const found = await books.lines(accountId, kept.id, behind, CURRENCIES_PER_ACCOUNT_MAX);
  const moved = new Map(found.filter((line) => line.account === account).map((line) => [line.currency, line]));
  const keys = [...new Set(totals.map(({ currency }) => currency))].map((currency) => ({ account, currency }));
  const openings = await books.openings(accountId, keys, from);
  return keys.flatMap(({ currency }) => {
    const line = moved.get(currency);
    if (line) return [line];
    const opening = openings.get(`${account}\n${currency}`) ?? 0n;
    return opening === 0n ? [] : [{ account, currency, opening, debits: 0n, credits: 0n, closing: opening }];
  });
}

function sumsOf({ opening, debits, credits, closing }: Sums): Sums {
  return { opening, debits, credits, closing };
}

function less(a: Sums, b: Sums): Sums {
  return {
    opening: a.opening - b.opening,
    debits: a.debits - b.debits,
    credits: a.credits - b.credits,
    closing: a.closing - b.closing,
  };
}

function keyOf({ number, accounts, currency }: SheetRow): string {
  return [number, accounts, currency].join('\n');
}
