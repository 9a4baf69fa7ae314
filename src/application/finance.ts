import { type Charts, type ChartsDeps, createCharts } from './chart.ts';
import { type ClosedPeriod, createPeriods, type Periods, type PeriodsDeps } from './periods.ts';
import { createTax, type Tax, type TaxDeps } from './tax.ts';
import { type SheetRow, totalSheet } from './total-sheet.ts';

/** What finance closes a month and a year with. */
export interface Finance {
  readonly periods: Periods;
  readonly charts: Charts;
  readonly tax: Tax;
  /** A closed month by the company's own chart. */
  sheet(accountId: string, period: ClosedPeriod): Promise<SheetRow[]>;
}

export type FinanceDeps = PeriodsDeps & ChartsDeps & TaxDeps;

export function createFinance(deps: FinanceDeps): Finance {
  const charts = createCharts(deps);
  return {
    periods: createPeriods(deps),
    charts,
    tax: createTax(deps),
    async sheet(accountId, period) {
      const { entries } = await charts.read(accountId);
      return totalSheet(deps.store.periods, accountId, period, entries);
    },
  };
}
