import { useMemo } from 'react';
import type { PageConfig } from '../sandbox-pages.ts';
import type { ContactView } from '../source.ts';
import { useAnnounce } from './alerts.tsx';
import { LinkedContacts, LinkedDeals } from './associations.tsx';
import { CardPanel, SidebarCard } from './card-panel.tsx';
import { DeliveriesPanel } from './deliveries-panel.tsx';
import { Frame } from './frame.tsx';
import type { PageApi } from './page-api.ts';
import { PropertyList } from './property-list.tsx';
import { TimeZone } from './time-zone.ts';
import { TimelinePanel } from './timeline-panel.tsx';
import { useLive } from './use-live.ts';
import { initials } from './words.ts';

interface ContactPageProps {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly portalId: number;
  readonly id: string;
}

const WONWARD_GROUP = 'wonward';
/** What the customer fills; the rest of our group is a mirror. */
const CUSTOMER_OWNED = ['wonward_referral_code'];

export function ContactPage({ api, config, portalId, id }: ContactPageProps) {
  const { value, problem, refresh } = useLive(() => api.contact(portalId, id), `contact ${portalId} ${id}`);
  return (
    <Frame title={value?.contact.name ?? 'Contact'} portal={value?.portal ?? null} problem={problem}>
      {value !== null && <Record api={api} config={config} view={value} refresh={refresh} />}
    </Frame>
  );
}

interface RecordProps {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly view: ContactView;
  readonly refresh: () => void;
}

function Record({ api, config, view, refresh }: RecordProps) {
  const announce = useAnnounce();
  const { portal, contact, properties } = view;
  const { portalId } = portal;
  const values = useMemo(() => Object.fromEntries(properties.map(({ name, value }) => [name, value])), [properties]);

  async function save(name: string, value: string): Promise<void> {
    try {
      await api.update(portalId, 'contacts', contact.id, { [name]: value });
    } catch (error) {
      announce({ type: 'danger', message: error instanceof Error ? error.message : String(error) });
    }
    refresh();
  }

  return (
    <TimeZone.Provider value={portal.timeZone}>
      <div className="record">
        <div className="record-left">
          <div className="panel record-head">
            <span className="avatar is-large" aria-hidden="true">
              {initials(contact.name)}
            </span>
            <div>
              <h1>{contact.name}</h1>
              <p className="quiet">{contact.email || 'No e-mail'}</p>
            </div>
          </div>
          <PropertyList
            title="About this contact"
            properties={properties.filter(({ group }) => group !== WONWARD_GROUP)}
          />
          <PropertyList
            title="Wonward"
            none="Wonward has not created its properties in this portal. It does so when the app is connected."
            properties={properties.filter(({ group }) => group === WONWARD_GROUP)}
            editable={CUSTOMER_OWNED}
            onSave={save}
          />
        </div>
        <div className="record-middle">
          <CardPanel
            api={api}
            config={config}
            kind="contact"
            portalId={portalId}
            timeZone={portal.timeZone}
            recordId={contact.id}
            properties={values}
          />
          <TimelinePanel events={view.timeline} />
        </div>
        <div className="record-right">
          <SidebarCard
            api={api}
            config={config}
            kind="contact"
            portalId={portalId}
            timeZone={portal.timeZone}
            recordId={contact.id}
            properties={values}
          />
          <LinkedContacts portalId={portalId} contacts={view.contacts} />
          <LinkedDeals portalId={portalId} deals={view.deals} />
          <DeliveriesPanel api={api} portalId={portalId} limit={5} />
        </div>
      </div>
    </TimeZone.Provider>
  );
}
