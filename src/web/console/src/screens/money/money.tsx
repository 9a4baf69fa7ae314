import { Tabs } from '@mantine/core';
import type { ComponentType } from 'react';
import { useText } from '../../i18n/text.ts';
import { Screen } from '../../parts/states.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Batches } from './batches.tsx';
import { Budgets } from './budgets.tsx';
import { History } from './history.tsx';
import { Ledger } from './ledger.tsx';
import { Liability } from './liability.tsx';
import { Periods } from './periods.tsx';
import { Receivables } from './receivables.tsx';
import { Reconciliation } from './reconciliation.tsx';
import { Tax } from './tax.tsx';
import { moneyText } from './texts.ts';

const TABS = {
  liability: Liability,
  ledger: Ledger,
  batches: Batches,
  receivables: Receivables,
  budgets: Budgets,
  reconciliation: Reconciliation,
  history: History,
  periods: Periods,
  tax: Tax,
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
            {tab === open && <Shown />}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Screen>
  );
}
