import { Tabs } from '@mantine/core';
import { type ComponentType, lazy, Suspense } from 'react';
import { useText } from '../../i18n/text.ts';
import { Loading, Screen } from '../../parts/states.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { moneyText } from './texts.ts';

/** Each comes when it is opened. */
const TABS = {
  liability: lazy(() => import('./liability.tsx').then((one) => ({ default: one.Liability }))),
  ledger: lazy(() => import('./ledger.tsx').then((one) => ({ default: one.Ledger }))),
  batches: lazy(() => import('./batches.tsx').then((one) => ({ default: one.Batches }))),
  receivables: lazy(() => import('./receivables.tsx').then((one) => ({ default: one.Receivables }))),
  budgets: lazy(() => import('./budgets.tsx').then((one) => ({ default: one.Budgets }))),
  reconciliation: lazy(() => import('./reconciliation.tsx').then((one) => ({ default: one.Reconciliation }))),
  refunds: lazy(() => import('./refunds.tsx').then((one) => ({ default: one.Refunds }))),
  history: lazy(() => import('./history.tsx').then((one) => ({ default: one.History }))),
  periods: lazy(() => import('./periods.tsx').then((one) => ({ default: one.Periods }))),
  rates: lazy(() => import('./rates.tsx').then((one) => ({ default: one.ExchangeRates }))),
  tax: lazy(() => import('./tax.tsx').then((one) => ({ default: one.Tax }))),
} as const satisfies Record<string, ComponentType>;

type Tab = keyof typeof TABS;

/** What a tab keeps in the address and another one would misread. */
const OF_ONE_TAB = [
  'account',
  'currency',
  'kind',
  'from',
  'to',
  'reward',
  'batch',
  'report',
  'of',
  'period',
  'year',
  'list',
  'month',
  'program',
  'rule',
  'release',
] as const;

export default function Money() {
  const t = useText(moneyText);
  const [url, setUrl] = useUrlState<'tab'>();
  const open: Tab = Object.hasOwn(TABS, url.tab ?? '') ? (url.tab as Tab) : 'liability';
  const Shown = TABS[open];
  return (
    <Screen title={t('money')} description={t('moneyWhat')}>
      <Tabs
        value={open}
        keepMounted={false}
        onChange={(tab) =>
          setUrl({ ...Object.fromEntries(OF_ONE_TAB.map((name) => [name, undefined])), tab: tab ?? undefined })
        }
      >
        <Tabs.List mb="md" aria-label={t('money')}>
          {(Object.keys(TABS) as Tab[]).map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {t(tab)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {(Object.keys(TABS) as Tab[]).map((tab) => (
          <Tabs.Panel key={tab} value={tab}>
            {tab === open && (
              <Suspense fallback={<Loading />}>
                <Shown />
              </Suspense>
            )}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Screen>
  );
}
