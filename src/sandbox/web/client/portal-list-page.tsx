import { Frame } from './frame.tsx';
import type { PageApi } from './page-api.ts';
import { useLive } from './use-live.ts';

export function PortalListPage({ api }: { readonly api: PageApi }) {
  const { value: portals, problem } = useLive(api.portals, 'portals');
  return (
    <Frame title="Portals" portal={null} problem={problem}>
      <h1>Portals</h1>
      <p className="lead">
        Each one is a HubSpot account of its own. Move a deal in one and watch what Wonward makes of it.
      </p>
      {portals?.length === 0 && <p>There is no portal yet.</p>}
      <ul className="portal-list">
        {portals?.map((portal) => (
          <li key={portal.portalId}>
            <a href={`/portals/${portal.portalId}`}>
              <strong>{portal.name}</strong>
              <span>
                Portal {portal.portalId} · {portal.timeZone}
              </span>
            </a>
          </li>
        ))}
      </ul>
    </Frame>
  );
}
