import { type DealPoint, isSameState, type Properties } from '../../domain/record.ts';
import type { Instant } from '../../domain/time.ts';
import type { HubSpotRecord } from './wire.ts';

/** The properties that make up a point. Their histories are asked for with every deal. */
export const POINT_PROPERTIES = ['dealstage', 'pipeline', 'amount', 'deal_currency_code'] as const;

interface Change {
  readonly at: Instant;
  readonly value: string | null;
}

/**
 * HubSpot keeps 45 former values of a contact's property and 20 of any other object's (knowledge.hubspot.com, "Export property
 * history"). A history that long may have lost its beginning, and nothing is claimed about the time before it.
 */
export const HISTORY_LENGTH_MAYBE_CUT = 20;

/**
 * The deal at every moment at which one of the four, or of the `extra` ones that rules ask about, changed, oldest first, from its creation to its present state. The last
 * point always is the present state.
 */
export function pointsOf(
  record: HubSpotRecord,
  homeCurrency: string | null,
  extra: readonly string[] = [],
): DealPoint[] {
  const changes = new Map([...POINT_PROPERTIES, ...extra].map((property) => [property, changesOf(record, property)]));
  const moments = new Set([...changes.values()].flatMap((ofOne) => ofOne.map(({ at }) => at)));
  const createdAt = creationOf(record);
  const stages = changes.get('dealstage') ?? [];
  const extraAt = (value: (property: string) => string | null): { readonly properties?: Properties } =>
    extra.length === 0 ? {} : { properties: Object.fromEntries(extra.map((name) => [name, value(name)])) };
  const earliest = Math.min(...moments);
  if (stages.length < HISTORY_LENGTH_MAYBE_CUT && createdAt <= earliest) moments.add(createdAt);

  const points: DealPoint[] = [];
  for (const at of [...moments].sort((a, b) => a - b)) {
    const point = {
      at,
      // A deal has a pipeline and a stage from its first moment: the oldest known one reaches back.
      pipelineId: valueAt(record, changes, 'pipeline', at) ?? changes.get('pipeline')?.[0]?.value ?? '',
      stageId: valueAt(record, changes, 'dealstage', at) ?? stages[0]?.value ?? '',
      amount: valueAt(record, changes, 'amount', at),
      currency: valueAt(record, changes, 'deal_currency_code', at) ?? homeCurrency,
      ...extraAt((name) => valueAt(record, changes, name, at)),
    };
    if (!isSameState(points.at(-1), point)) points.push(point);
  }

  // A history can lag behind the record it comes with. What the deal is now counts.
  const present = {
    at: Math.max(record.updatedAt, points.at(-1)?.at ?? createdAt),
    pipelineId: text(record.properties.pipeline) ?? '',
    stageId: text(record.properties.dealstage) ?? '',
    amount: text(record.properties.amount),
    currency: text(record.properties.deal_currency_code) ?? homeCurrency,
    ...extraAt((name) => text(record.properties[name])),
  };
  if (!isSameState(points.at(-1), present)) {
    if (points.at(-1)?.at === present.at) points.pop();
    points.push(present);
  }
  return points;
}

/** Oldest first; of several at one moment the one that HubSpot lists first, which is the newest. */
function changesOf(record: HubSpotRecord, property: string): Change[] {
  const byMoment = new Map<Instant, Change>();
  for (const { timestamp, value } of record.propertiesWithHistory?.[property] ?? []) {
    if (!byMoment.has(timestamp)) byMoment.set(timestamp, { at: timestamp, value: text(value) });
  }
  return [...byMoment.values()].sort((a, b) => a.at - b.at);
}

function valueAt(
  record: HubSpotRecord,
  changes: ReadonlyMap<string, readonly Change[]>,
  property: string,
  at: Instant,
): string | null {
  const known = changes.get(property) ?? [];
  if (known.length === 0) return text(record.properties[property]);
  return known.findLast((change) => change.at <= at)?.value ?? null;
}

/** `createdate` can be set by an import to any year; `hs_createdate` is when HubSpot got the deal. */
function creationOf({ properties, createdAt }: HubSpotRecord): Instant {
  const system = Date.parse(properties.hs_createdate ?? '');
  return Number.isNaN(system) ? createdAt : system;
}

/** HubSpot clears a property with an empty string. */
function text(value: string | null | undefined): string | null {
  return value === undefined || value === null || value === '' ? null : value;
}
