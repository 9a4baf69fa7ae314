import { OWN_CONNECTION } from '../support/processes.ts';
import type { Act } from './plan.ts';

/** A record as the local HubSpot's control API shows it, whatever faults its API has. */
export interface CrmRecord {
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly archived: boolean;
  readonly propertiesWithHistory: Readonly<Record<string, ReadonlyArray<{ value: string; timestamp: string }>>>;
  readonly associations: Readonly<Record<string, ReadonlyArray<{ id: string; labels: readonly string[] }>>>;
}

export interface CrmEvent {
  readonly portalId: number;
  readonly subscriptionType: string;
  readonly objectId: number;
  readonly eventId: number;
  readonly occurredAt: number;
}

export interface CrmDelivery {
  readonly id: number;
  readonly portalId: number;
  readonly state: string;
  readonly attempts: ReadonlyArray<{ readonly status: number | null; readonly body: string }>;
}

/** The local HubSpot's control API: the hands of the people who work there, and the view behind the scenes. */
export interface Crm {
  act(portalId: number, act: Act): Promise<void>;
  /** Everything that lives, with histories and associations. */
  records(portalId: number, type: 'contact' | 'deal'): Promise<CrmRecord[]>;
  install(portalId: number, state: string): Promise<string>;
  addFault(fault: unknown): Promise<number>;
  removeFault(id: number): Promise<void>;
  clearFaults(): Promise<void>;
  faults(): Promise<ReadonlyArray<{ id: number; struck: number }>>;
  deliveries(): Promise<CrmDelivery[]>;
  redeliver(id: number): Promise<number | null>;
  idle(): Promise<void>;
  /** The id that a record of the plan has now. */
  idOf(name: string): string;
}

export function createCrm(url: string): Crm {
  const ids = new Map<string, string>();

  async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(`${url}/_sandbox/api${path}`, {
      method,
      headers: { ...OWN_CONNECTION, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text} ${JSON.stringify(body)}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  function idOf(name: string): string {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`the plan names ${name} before it exists`);
    return id;
  }

  async function act(portalId: number, act: Act): Promise<void> {
    const records = `/portals/${portalId}/records`;
    const referredBy = (referrer: string) => ({ toType: 'contact', toId: idOf(referrer), labels: ['Referred by'] });
    const between = (deal: string, contact: string) => ({
      fromType: 'deal',
      fromId: idOf(deal),
      toType: 'contact',
      toId: idOf(contact),
    });
    switch (act.kind) {
      case 'createContact': {
        const associations = act.referrer === null ? [] : [referredBy(act.referrer)];
        const { id } = await call<CrmRecord>('POST', `${records}/contact`, {
          properties: act.properties,
          associations,
        });
        ids.set(act.contact, id);
        return;
      }
      case 'createDeal': {
        const associations = act.contacts.map((contact) => ({ toType: 'contact', toId: idOf(contact) }));
        const { id } = await call<CrmRecord>('POST', `${records}/deal`, { properties: act.properties, associations });
        ids.set(act.deal, id);
        return;
      }
      case 'editContact':
        return call('PATCH', `${records}/contact/${idOf(act.contact)}`, { properties: act.properties });
      case 'editDeal':
        return call('PATCH', `${records}/deal/${idOf(act.deal)}`, { properties: act.properties });
      case 'label':
        return call('POST', `/portals/${portalId}/associations`, {
          fromType: 'contact',
          fromId: idOf(act.contact),
          ...referredBy(act.referrer),
        });
      case 'attach':
        return call('POST', `/portals/${portalId}/associations`, between(act.deal, act.contact));
      case 'detach':
        return call('DELETE', `/portals/${portalId}/associations`, between(act.deal, act.contact));
      case 'deleteDeal':
        return call('DELETE', `${records}/deal/${idOf(act.deal)}`);
      case 'restoreDeal':
        return call('POST', `${records}/deal/${idOf(act.deal)}/restore`);
      case 'deleteContact':
        return call('DELETE', `${records}/contact/${idOf(act.contact)}`);
      case 'restoreContact':
        return call('POST', `${records}/contact/${idOf(act.contact)}/restore`);
      case 'merge': {
        const { id } = await call<CrmRecord>('POST', `${records}/contact/merge`, {
          primaryObjectId: idOf(act.contact),
          objectIdToMerge: idOf(act.with),
        });
        ids.set(act.contact, id);
        ids.set(act.with, id);
        return;
      }
      case 'expireTokens':
        return call('POST', `/portals/${portalId}/expire-access-tokens`);
    }
  }

  return {
    act,
    idOf,
    async records(portalId, type) {
      const path = `/portals/${portalId}/records/${type}`;
      const { results } = await call<{ results: ReadonlyArray<{ id: string }> }>('GET', path);
      return Promise.all(results.map(({ id }) => call<CrmRecord>('GET', `${path}/${id}`)));
    },
    install: async (portalId, state) =>
      (await call<{ redirectUrl: string }>('POST', `/portals/${portalId}/install`, { state })).redirectUrl,
    addFault: async (fault) => (await call<{ id: number }>('POST', '/faults', fault)).id,
    removeFault: (id) => call('DELETE', `/faults/${id}`),
    clearFaults: () => call('DELETE', '/faults'),
    faults: () => call('GET', '/faults'),
    deliveries: () => call('GET', '/deliveries'),
    redeliver: async (id) => (await call<{ status: number | null }>('POST', `/deliveries/${id}/redeliver`)).status,
    idle: () => call('POST', '/idle'),
  };
}
