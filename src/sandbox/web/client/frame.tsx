import { type ReactNode, useEffect } from 'react';
import type { PortalSummary } from '../source.ts';

interface FrameProps {
  readonly title: string;
  readonly portal: PortalSummary | null;
  readonly problem: string | null;
  readonly children: ReactNode;
}

export function Frame({ title, portal, problem, children }: FrameProps) {
  useEffect(() => {
    document.title = `${title} · Local CRM`;
  }, [title]);
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <header className="top">
        <a className="brand" href="/">
          <span className="brand-mark" aria-hidden="true">
            L
          </span>
          Local CRM
        </a>
        <span className="sandbox-badge">Sandbox · no HubSpot account</span>
        <nav aria-label="Portal">
          {portal !== null && (
            <a href={`/portals/${portal.portalId}`}>
              {portal.name} <small>{portal.portalId}</small>
            </a>
          )}
          {portal !== null && <a href={`/portals/${portal.portalId}/app`}>App: home</a>}
          {portal !== null && <a href={`/portals/${portal.portalId}/settings`}>App: settings</a>}
          <a href="/">All portals</a>
        </nav>
      </header>
      <main id="main">
        {problem !== null && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        {children}
      </main>
    </>
  );
}
