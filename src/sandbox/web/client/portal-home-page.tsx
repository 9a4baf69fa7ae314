import { DeliveriesPanel } from './deliveries-panel.tsx';
import { Frame } from './frame.tsx';
import type { PageApi } from './page-api.ts';
import { OutcomeTag } from './stage-path.tsx';
import { useLive } from './use-live.ts';
import { initials, moneyText } from './words.ts';

export function PortalHomePage({ api, portalId }: { readonly api: PageApi; readonly portalId: number }) {
  const { value, problem } = useLive(() => api.home(portalId), `home ${portalId}`);
  return (
    <Frame title={value?.portal.name ?? 'Portal'} portal={value?.portal ?? null} problem={problem}>
      <h1>{value?.portal.name ?? 'Portal'}</h1>
      <div className="home-columns">
        <section className="panel" aria-labelledby="contacts-title">
          <h2 id="contacts-title">Contacts {value !== null && <small>{value.contacts.length}</small>}</h2>
          <ul className="record-list">
            {value?.contacts.map((contact) => (
              <li key={contact.id}>
                <a href={`/portals/${portalId}/contacts/${contact.id}`}>
                  <span className="avatar" aria-hidden="true">
                    {initials(contact.name)}
                  </span>
                  <span>
                    <strong>{contact.name}</strong>
                    <small>{contact.email || 'No e-mail'}</small>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </section>
        <section className="panel" aria-labelledby="deals-title">
          <h2 id="deals-title">Deals {value !== null && <small>{value.deals.length}</small>}</h2>
          <ul className="record-list">
            {value?.deals.map((deal) => (
              <li key={deal.id}>
                <a href={`/portals/${portalId}/deals/${deal.id}`}>
                  <span>
                    <strong>{deal.name}</strong>
                    <small>{moneyText(deal)}</small>
                  </span>
                  <OutcomeTag stage={deal.stage} />
                </a>
              </li>
            ))}
          </ul>
        </section>
        {value !== null && value.companies.length > 0 && (
          <section className="panel" aria-labelledby="companies-title">
            <h2 id="companies-title">
              Companies <small>{value.companies.length}</small>
            </h2>
            <ul className="record-list">
              {value.companies.map((company) => (
                <li key={company.id}>
                  <a href={`/portals/${portalId}/companies/${company.id}`}>
                    <strong>{company.name}</strong>
                  </a>
                </li>
              ))}
            </ul>
          </section>
        )}
        <DeliveriesPanel api={api} portalId={portalId} limit={20} />
      </div>
    </Frame>
  );
}
