import { Alert, type ExtensionPointApiActions, hubspot, type PagesContext } from '@hubspot/ui-extensions';
import { createPageRouter, PageRoutes } from '@hubspot/ui-extensions/pages';
import { createContext, useContext } from 'react';
import { HomePage } from './home-page.tsx';

interface PagesProps {
  readonly context: PagesContext;
  readonly actions: ExtensionPointApiActions<'pages'>;
}

/** Routes get nothing from the router, so what HubSpot tells of the reader goes around it. */
const Reader = createContext<PagesContext | null>(null);

const PageRouter = createPageRouter(
  <PageRoutes>
    <PageRoutes.IndexRoute component={Home} />
  </PageRoutes>,
);

export function Pages({ context }: PagesProps) {
  return (
    <Reader.Provider value={context}>
      <PageRouter />
    </Reader.Provider>
  );
}

function Home() {
  const context = useContext(Reader);
  const api = context?.variables?.API;
  if (context === null || typeof api !== 'string' || api === '') {
    return (
      <Alert title="This page does not know where Wonward is" variant="error">
        The app was uploaded without the profile variable API. Upload it again with a profile.
      </Alert>
    );
  }
  return <HomePage api={api.replace(/\/$/, '')} locale={context.user.locale} timeZone={context.portal.timezone} />;
}

// At the end: it renders at once, and what is declared below it would not be there yet.
hubspot.extend<'pages'>(({ context, actions }) => <Pages context={context} actions={actions} />);
