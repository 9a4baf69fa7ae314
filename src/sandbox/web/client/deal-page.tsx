import { useMemo, useState } from 'react';
import type { PageConfig } from '../sandbox-pages.ts';
import type { DealView } from '../source.ts';
import { useAnnounce } from './alerts.tsx';
import { LinkedContacts } from './associations.tsx';
import { CardPanel, SidebarCard } from './card-panel.tsx';
import { DeliveriesPanel } from './deliveries-panel.tsx';
import { Frame } from './frame.tsx';
import type { PageApi } from './page-api.ts';
import { PropertyForm, PropertyList } from './property-list.tsx';
import { StagePath } from './stage-path.tsx';
import { TimeZone } from './time-zone.ts';
import { useLive } from './use-live.ts';
import { moneyText } from './words.ts';

interface DealPageProps {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly portalId: number;
  readonly id: string;
}

const WONWARD_GROUP = 'wonward';

export function DealPage({ api, config, portalId, id }: DealPageProps) {
  const { value, problem, refresh } = useLive(() => api.deal(portalId, id), `deal ${portalId} ${id}`);
  return (
    <Frame title={value?.deal.name ?? 'Deal'} portal={value?.portal ?? null} problem={problem}>
      {value !== null && <Record api={api} config={config} view={value} refresh={refresh} />}
    </Frame>
  );
}

function Record({
  api,
  config,
  view,
  refresh,
}: {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly view: DealView;
  readonly refresh: () => void;
}) {
  const announce = useAnnounce();
  const [busy, setBusy] = useState(false);
  const { deal, pipeline, portal, properties } = view;
  const values = useMemo(
    () => ({
      ...Object.fromEntries(properties.map(({ name, value }) => [name, value])),
      amount: deal.amount,
      dealstage: deal.stage.id,
    }),
    [properties, deal.amount, deal.stage.id],
  );

  async function change(values: Readonly<Record<string, string>>, said: string): Promise<void> {
    setBusy(true);
    try {
      await api.update(portal.portalId, 'deals', deal.id, values);
      announce({ type: 'success', message: said });
    } catch (error) {
      announce({ type: 'danger', message: error instanceof Error ? error.message : String(error) });
    }
    setBusy(false);
    refresh();
  }

  return (
    <TimeZone.Provider value={portal.timeZone}>
      <div className="panel deal-head">
        <div>
          <h1>{deal.name}</h1>
          <p className="quiet">
            {pipeline.label} · {moneyText(deal)}
          </p>
        </div>
        <StagePath
          stages={pipeline.stages}
          current={deal.stage.id}
          busy={busy}
          onMove={(stage) => void change({ dealstage: stage.id }, `Deal moved to ${stage.label}.`)}
        />
      </div>
      <div className="record is-deal">
        <div className="record-left">
          <section className="panel" aria-labelledby="amount-title">
            <h2 id="amount-title">Amount</h2>
            <div className="amount-form">
              <PropertyForm
                labelled={true}
                property={{
                  name: 'amount',
                  label: 'Amount',
                  group: '',
                  description: '',
                  text: deal.amount,
                  value: deal.amount,
                }}
                onSave={(name, value) => change({ [name]: value }, value === '' ? 'Amount removed.' : 'Amount saved.')}
              />
              <PropertyForm
                labelled={true}
                property={{
                  name: 'deal_currency_code',
                  label: 'Currency',
                  group: '',
                  description: '',
                  text: deal.currency,
                  value: deal.currency,
                }}
                onSave={(name, value) => change({ [name]: value }, 'Currency saved.')}
              />
            </div>
          </section>
          <PropertyList
            title="Wonward"
            none="Wonward has not created its properties in this portal. It does so when the app is connected."
            properties={properties.filter(({ group }) => group === WONWARD_GROUP)}
          />
        </div>
        <div className="record-middle">
          <CardPanel
            api={api}
            config={config}
            kind="deal"
            portalId={portal.portalId}
            timeZone={portal.timeZone}
            recordId={deal.id}
            properties={values}
          />
          <PropertyList
            title="About this deal"
            properties={properties.filter(({ group }) => group !== WONWARD_GROUP)}
          />
        </div>
        <div className="record-right">
          <SidebarCard
            api={api}
            config={config}
            kind="deal"
            portalId={portal.portalId}
            timeZone={portal.timeZone}
            recordId={deal.id}
            properties={values}
          />
          <LinkedContacts portalId={portal.portalId} contacts={view.contacts} />
          <DeliveriesPanel api={api} portalId={portal.portalId} limit={8} />
        </div>
      </div>
    </TimeZone.Provider>
  );
}
