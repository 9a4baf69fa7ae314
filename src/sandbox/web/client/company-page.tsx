import { useMemo } from 'react';
import type { PageConfig } from '../sandbox-pages.ts';
import type { CompanyView } from '../source.ts';
import { LinkedContacts } from './associations.tsx';
import { CardPanel, SidebarCard } from './card-panel.tsx';
import { DeliveriesPanel } from './deliveries-panel.tsx';
import { Frame } from './frame.tsx';
import type { PageApi } from './page-api.ts';
import { PropertyList } from './property-list.tsx';
import { TimeZone } from './time-zone.ts';
import { useLive } from './use-live.ts';

interface CompanyPageProps {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly portalId: number;
  readonly id: string;
}

export function CompanyPage({ api, config, portalId, id }: CompanyPageProps) {
  const { value, problem } = useLive(() => api.company(portalId, id), `company ${portalId} ${id}`);
  return (
    <Frame title={value?.company.name ?? 'Company'} portal={value?.portal ?? null} problem={problem}>
      {value !== null && <Record api={api} config={config} view={value} />}
    </Frame>
  );
}

function Record({ api, config, view }: Pick<CompanyPageProps, 'api' | 'config'> & { readonly view: CompanyView }) {
  const { company, portal, properties } = view;
  const values = useMemo(() => Object.fromEntries(properties.map(({ name, value }) => [name, value])), [properties]);
  return (
    <TimeZone.Provider value={portal.timeZone}>
      <div className="record">
        <div className="record-left">
          <div className="panel record-head">
            <h1>{company.name}</h1>
          </div>
          <PropertyList title="About this company" properties={properties} />
        </div>
        <div className="record-middle">
          <CardPanel
            api={api}
            config={config}
            kind="company"
            portalId={portal.portalId}
            timeZone={portal.timeZone}
            recordId={company.id}
            properties={values}
          />
        </div>
        <div className="record-right">
          <SidebarCard
            api={api}
            config={config}
            kind="company"
            portalId={portal.portalId}
            timeZone={portal.timeZone}
            recordId={company.id}
            properties={values}
          />
          <LinkedContacts portalId={portal.portalId} contacts={view.contacts} />
          <DeliveriesPanel api={api} portalId={portal.portalId} limit={5} />
        </div>
      </div>
    </TimeZone.Provider>
  );
}
