import { useMemo } from 'react';
import type { AppPath, PageConfig } from '../sandbox-pages.ts';
import { useAnnounce } from './alerts.tsx';
import { CardFrame } from './card-frame.tsx';
import type { CardContext } from './card-protocol.ts';
import { Frame } from './frame.tsx';
import type { PageApi } from './page-api.ts';
import { TimeZone } from './time-zone.ts';
import { useLive } from './use-live.ts';

interface AppPageProps {
  readonly api: PageApi;
  readonly config: PageConfig;
  readonly portalId: number;
  readonly path: AppPath;
}

const LOCATIONS = { app: 'pages', settings: 'settings' } as const;
const NO_PROPERTIES = {};

/** A page of the app as HubSpot frames it: under the app's name, with no record around it. */
export function AppPage({ api, config, portalId, path }: AppPageProps) {
  const announce = useAnnounce();
  const { value, problem } = useLive(() => api.home(portalId), `home ${portalId}`);
  const timezone = value?.portal.timeZone;
  const context = useMemo(
    () => (timezone === undefined ? null : pageContext(config, portalId, timezone, LOCATIONS[path])),
    [config, portalId, timezone, path],
  );
  return (
    <Frame title="Wonward" portal={value?.portal ?? null} problem={problem}>
      <h1>Wonward</h1>
      {context !== null && (
        <TimeZone.Provider value={context.portal.timezone}>
          <section className="panel card" aria-label="The app’s page">
            <p className="card-notice">
              <strong>Real:</strong> this is the page’s production bundle in a Web Worker, and its answers come from
              Wonward. <strong>Not HubSpot’s:</strong> the look. HubSpot ships no components to draw it with, so this
              page draws them itself.
            </p>
            {path === 'settings' && <h2 className="c-page-title">Settings</h2>}
            <CardFrame
              context={context}
              properties={NO_PROPERTIES}
              api={api}
              workerUrl={`${config.assets}/card-worker.js`}
              scriptUrl={`${config.assets}/${path}.js`}
              onAlert={announce}
            />
          </section>
        </TimeZone.Provider>
      )}
    </Frame>
  );
}

function pageContext(
  config: PageConfig,
  portalId: number,
  timezone: string,
  location: CardContext['location'],
): CardContext {
  return {
    location,
    user: {
      id: 10_202_051,
      email: 'admin@example.com',
      emails: ['admin@example.com'],
      firstName: 'Ada',
      lastName: 'Admin',
      roles: [],
      teams: [],
      permissions: [],
      // HubSpot writes locales in lower case.
      locale: navigator.language.toLowerCase(),
    },
    portal: { id: portalId, timezone },
    variables: { API: config.apiUrl },
    extension: { appId: config.appId, appName: 'Wonward', cardTitle: '' },
  };
}
