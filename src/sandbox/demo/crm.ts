import { z } from 'zod';
import { callJson } from './call.ts';

/** What the demo reads of the local HubSpot's control API; it is JSON over HTTP and described in ../hubspot/README.md. */
const record = z.object({
  id: z.string(),
  properties: z.record(z.string(), z.string()),
  propertiesWithHistory: z.record(z.string(), z.array(z.object({ value: z.string() }))),
  associations: z.record(z.string(), z.array(z.object({ id: z.string(), labels: z.array(z.string()) }))),
});
const portal = z.object({
  portalId: z.number(),
  name: z.string(),
  installed: z.boolean(),
  scopes: z.array(z.string()),
});
const property = z.object({ name: z.string(), groupName: z.string() });
const label = z.object({ label: z.string().nullish() });
const pipeline = z.object({
  id: z.string(),
  stages: z.array(z.object({ id: z.string(), label: z.string() })),
});
const delivery = z.object({
  id: z.number(),
  events: z.array(
    z.object({
      subscriptionType: z.string(),
      propertyName: z.string().optional(),
      propertyValue: z.unknown().optional(),
    }),
  ),
  attempts: z.array(z.object({ status: z.number().nullable() })),
});
const fetched = z.object({ status: z.number(), body: z.string() });

export type Delivery = z.output<typeof delivery>;
export type Crm = ReturnType<typeof createCrm>;

interface NewRecord {
  readonly properties: Readonly<Record<string, string>>;
  readonly associations?: readonly Link[];
}

interface Link {
  readonly toType: string;
  readonly toId: string;
  readonly labels?: readonly string[];
}

/** A portal as the people in it use it, over HTTP. */
export function createCrm(url: string, portalId: number) {
  const api = `${url}/_sandbox/api`;
  const here = `${api}/portals/${portalId}`;
  const nothing = z.unknown();

  return {
    url,
    portalId,
    portal: () => callJson(portal, here),
    record: (type: 'contacts' | 'deals', id: string) => callJson(record, `${here}/records/${type}/${id}`),
    create: (type: 'contacts' | 'deals' | 'companies', body: NewRecord) =>
      callJson(record, `${here}/records/${type}`, { method: 'POST', body }),
    edit: (type: 'contacts' | 'deals', id: string, properties: Readonly<Record<string, string>>) =>
      callJson(record, `${here}/records/${type}/${id}`, { method: 'PATCH', body: { properties } }),
    associate: (fromType: string, fromId: string, link: Link) =>
      callJson(nothing, `${here}/associations`, { method: 'POST', body: { fromType, fromId, ...link } }),
    properties: (type: 'contacts' | 'deals') => callJson(z.array(property), `${here}/properties/${type}`),
    labels: (from: string, to: string) => callJson(z.array(label), `${here}/labels/${from}/${to}`),
    dealPipelines: () => callJson(z.array(pipeline), `${here}/pipelines/deals`),
    deliveries: () => callJson(z.array(delivery), `${api}/deliveries?portalId=${portalId}`),
    redeliver: (id: number) => callJson(nothing, `${api}/deliveries/${id}/redeliver`, { method: 'POST' }),
    /** No webhook gathers, flies or waits. */
    idle: () => callJson(nothing, `${api}/idle`, { method: 'POST' }),
    /** What a card's `hubspot.fetch` gets: HubSpot adds who asks, signs the address, and calls. */
    fetchAsCard: (address: string) =>
      callJson(fetched, `${here}/fetch`, { method: 'POST', body: { url: address, method: 'GET' } }),
  };
}

/** The deliveries that told of a deal stage. */
export function tellingOfStage(deliveries: readonly Delivery[], stage: string): Delivery[] {
  return deliveries.filter(({ events }) =>
    events.some(({ propertyName, propertyValue }) => propertyName === 'dealstage' && propertyValue === stage),
  );
}

export function isAcknowledged({ attempts }: Delivery): boolean {
  return attempts.some(({ status }) => status === 200);
}
