import type {
  CompanyView,
  ContactView,
  DealView,
  DeliveryView,
  PortalHome,
  PortalSummary,
  RecordKind,
} from '../source.ts';
import type { CardFetchRequest, CardFetchResponse } from './card-protocol.ts';

export type PageApi = ReturnType<typeof createPageApi>;

/** A refusal the server explains; any other failure is the network's. */
export class PageError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function createPageApi(base: string) {
  async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(`${base}${path}`, init);
    if (response.ok) return (await response.json()) as T;
    const problem = (await response.json().catch(() => ({}))) as { message?: string };
    throw new PageError(response.status, problem.message ?? `The sandbox answered ${response.status}.`);
  }

  function send<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
    const headers = { 'content-type': 'application/json' };
    return call<T>(path, { method, headers, body: JSON.stringify(body), ...(signal === undefined ? {} : { signal }) });
  }

  return {
    portals: () => call<readonly PortalSummary[]>('/portals'),
    home: (portalId: number) => call<PortalHome>(`/portals/${portalId}`),
    contact: (portalId: number, id: string) => call<ContactView>(`/portals/${portalId}/contacts/${id}`),
    deal: (portalId: number, id: string) => call<DealView>(`/portals/${portalId}/deals/${id}`),
    company: (portalId: number, id: string) => call<CompanyView>(`/portals/${portalId}/companies/${id}`),
    deliveries: (portalId: number) => call<readonly DeliveryView[]>(`/portals/${portalId}/deliveries`),
    update: (portalId: number, kind: RecordKind, id: string, properties: Readonly<Record<string, string>>) =>
      send<unknown>('PATCH', `/portals/${portalId}/${kind}/${id}`, properties),
    sendAgain: (portalId: number, id: string) =>
      send<unknown>('POST', `/portals/${portalId}/deliveries/${id}/send-again`, {}),
    fetchAsCard: (portalId: number, request: CardFetchRequest) =>
      send<CardFetchResponse>('POST', `/portals/${portalId}/fetch`, request, AbortSignal.timeout(request.timeoutMs)),
  };
}
