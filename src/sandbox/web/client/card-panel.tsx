import { useMemo, useState } from 'react';
import type { CardKind, PageConfig } from '../sandbox-pages.ts';
import { useAnnounce } from './alerts.tsx';
import { CardFrame } from './card-frame.tsx';
import type { CardContext } from './card-protocol.ts';
import type { PageApi } from './page-api.ts';

interface CardPanelProps {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly kind: CardKind;
  readonly portalId: number;
  readonly timeZone: string;
  readonly recordId: string;
  /** The record's own, by name: a card hears of those that change. */
  readonly properties: Readonly<Record<string, string>>;
}

const OBJECT_TYPE_IDS: Readonly<Record<CardKind, string>> = { contact: '0-1', company: '0-2', deal: '0-3' };

/** A record's card, and what of it is real. */
export function CardPanel({ api, config, kind, portalId, timeZone, recordId, properties }: CardPanelProps) {
  const announce = useAnnounce();
  const context = useMemo(
    () => cardContext(config, kind, portalId, timeZone, recordId, 'crm.record.tab'),
    [config, kind, portalId, timeZone, recordId],
  );
  return (
    <section className="panel card" aria-labelledby="card-title">
      <h2 id="card-title">{config.cardNames[kind]}</h2>
      <p className="card-notice">
        <strong>Real:</strong> this is the card’s production bundle in a Web Worker, and its answers come from Wonward.{' '}
        <strong>Not HubSpot’s:</strong> the look. HubSpot ships no components to draw it with, so this page draws them
        itself.
      </p>
      <CardFrame
        context={context}
        properties={properties}
        api={api}
        workerUrl={`${config.assets}/card-worker.js`}
        scriptUrl={`${config.assets}/${kind}-card.js`}
        onAlert={announce}
      />
    </section>
  );
}

/** The card of the sidebar. It is open when somebody opens it, as sections of HubSpot's sidebar are. */
export function SidebarCard({ api, config, kind, portalId, timeZone, recordId, properties }: CardPanelProps) {
  const announce = useAnnounce();
  const [isOpen, setIsOpen] = useState(false);
  const context = useMemo(
    () => cardContext(config, kind, portalId, timeZone, recordId, 'crm.record.sidebar'),
    [config, kind, portalId, timeZone, recordId],
  );
  return (
    <section className="panel sidebar-card" aria-labelledby="sidebar-card-title">
      <h2 id="sidebar-card-title">
        <button type="button" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          <span className="c-chevron" aria-hidden="true" />
          {config.sidebarNames[kind]}
        </button>
      </h2>
      {isOpen && (
        <CardFrame
          context={context}
          properties={properties}
          api={api}
          workerUrl={`${config.assets}/card-worker.js`}
          scriptUrl={`${config.assets}/${kind}-sidebar.js`}
          onAlert={announce}
        />
      )}
    </section>
  );
}

function cardContext(
  config: PageConfig,
  kind: CardKind,
  portalId: number,
  timezone: string,
  recordId: string,
  location: 'crm.record.tab' | 'crm.record.sidebar',
): CardContext {
  const names = location === 'crm.record.tab' ? config.cardNames : config.sidebarNames;
  return {
    location,
    crm: { objectId: Number(recordId), objectTypeId: OBJECT_TYPE_IDS[kind] },
    user: {
      id: 10_202_052,
      email: 'rep@example.com',
      emails: ['rep@example.com'],
      firstName: 'Rex',
      lastName: 'Rep',
      roles: [],
      teams: [],
      permissions: [],
      // HubSpot writes locales in lower case.
      locale: navigator.language.toLowerCase(),
    },
    portal: { id: portalId, timezone },
    variables: { API: config.apiUrl },
    extension: { appId: config.appId, appName: 'Wonward', cardTitle: names[kind] },
  };
}
