import { createRoot } from 'react-dom/client';
import type { PageConfig } from '../sandbox-pages.ts';
import { Alerts } from './alerts.tsx';
import { AppPage } from './app-page.tsx';
import { CompanyPage } from './company-page.tsx';
import { ContactPage } from './contact-page.tsx';
import { DealPage } from './deal-page.tsx';
import { createPageApi } from './page-api.ts';
import { PortalHomePage } from './portal-home-page.tsx';
import { PortalListPage } from './portal-list-page.tsx';

const config = JSON.parse(document.querySelector('#config')?.textContent ?? '{}') as PageConfig;
const api = createPageApi(config.data);
const container = document.querySelector('#app');

const [, portalId, kind, id, app] =
  /^\/portals\/(\d+)(?:\/(contacts|deals|companies)\/(\d+)|\/(app|settings))?$/.exec(location.pathname) ?? [];

function Page() {
  if (portalId === undefined) return <PortalListPage api={api} />;
  if (app !== undefined)
    return <AppPage api={api} config={config} portalId={Number(portalId)} path={app === 'app' ? 'app' : 'settings'} />;
  if (id === undefined) return <PortalHomePage api={api} portalId={Number(portalId)} />;
  if (kind === 'contacts') return <ContactPage api={api} config={config} portalId={Number(portalId)} id={id} />;
  if (kind === 'companies') return <CompanyPage api={api} config={config} portalId={Number(portalId)} id={id} />;
  return <DealPage api={api} config={config} portalId={Number(portalId)} id={id} />;
}

if (container !== null) {
  createRoot(container).render(
    <Alerts>
      <Page />
    </Alerts>,
  );
}
