import type { ContactSummary, DealSummary, Linked } from '../source.ts';
import { OutcomeTag } from './stage-path.tsx';
import { initials, moneyText } from './words.ts';

export function LinkedContacts({
  portalId,
  contacts,
}: {
  readonly portalId: number;
  readonly contacts: readonly Linked<ContactSummary>[];
}) {
  return (
    <section className="panel" aria-labelledby="linked-contacts">
      <h2 id="linked-contacts">
        Contacts <small>{contacts.length}</small>
      </h2>
      {contacts.length === 0 && <p className="quiet">No contact is associated.</p>}
      <ul className="record-list">
        {contacts.map((contact) => (
          <li key={contact.id}>
            <a href={`/portals/${portalId}/contacts/${contact.id}`}>
              <span className="avatar" aria-hidden="true">
                {initials(contact.name)}
              </span>
              <span>
                <strong>{contact.name}</strong>
                <small>{contact.email || 'No e-mail'}</small>
              </span>
              <Labels labels={contact.labels} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export function LinkedDeals({
  portalId,
  deals,
}: {
  readonly portalId: number;
  readonly deals: readonly Linked<DealSummary>[];
}) {
  return (
    <section className="panel" aria-labelledby="linked-deals">
      <h2 id="linked-deals">
        Deals <small>{deals.length}</small>
      </h2>
      {deals.length === 0 && <p className="quiet">No deal is associated.</p>}
      <ul className="record-list">
        {deals.map((deal) => (
          <li key={deal.id}>
            <a href={`/portals/${portalId}/deals/${deal.id}`}>
              <span>
                <strong>{deal.name}</strong>
                <small>{moneyText(deal)}</small>
              </span>
              <OutcomeTag stage={deal.stage} />
              <Labels labels={deal.labels} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Labels({ labels }: { readonly labels: readonly string[] }) {
  return labels.map((label) => (
    <span key={label} className="association-label">
      {label}
    </span>
  ));
}
