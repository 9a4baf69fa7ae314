import { HubSpotError } from '../hubspot/errors.ts';
import type { Control, Delivery } from '../hubspot/server.ts';
import type {
  CompanySummary,
  ContactSummary,
  DealSummary,
  DeliveryView,
  Linked,
  PortalSummary,
  PropertyView,
  SandboxSource,
  StageView,
} from './source.ts';

/** Of HubSpot's two hundred properties those that a rep looks at; Wonward's own group is shown whole. */
const SHOWN = {
  contacts: ['email', 'firstname', 'lastname', 'phone', 'company', 'lifecyclestage', 'createdate'],
  deals: ['dealname', 'dealtype', 'closedate', 'createdate'],
  companies: ['name', 'domain', 'website', 'phone'],
} as const;
const WONWARD_GROUP = 'wonward';

interface PipelineShape {
  readonly id: string;
  readonly label: string;
  readonly stages: readonly {
    readonly id: string;
    readonly label: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

interface PropertyShape {
  readonly name: string;
  readonly label: string;
  readonly groupName: string;
  readonly description: string;
  readonly options: readonly { readonly label: string; readonly value: string }[];
}

type Properties = Readonly<Record<string, string>>;
type Detail = ReturnType<Control['getRecord']>;

/** The pages' view of the local HubSpot. `control` is asked for at each call, as the pages are made before it. */
export function createControlSource(control: () => Control): SandboxSource {
  function portalOf(portalId: number): PortalSummary {
    const { name, timeZone } = control().portal(portalId);
    return { portalId, name, timeZone };
  }

  function stagesOf(portalId: number): ReadonlyMap<string, StageView> {
    const pipelines = control().pipelines(portalId, 'deals') as PipelineShape[];
    return new Map(pipelines.flatMap(({ stages }) => stages.map((stage) => [stage.id, stageView(stage)])));
  }

  function dealSummary(portalId: number, id: string, properties: Properties): DealSummary {
    const stageId = properties.dealstage ?? '';
    return {
      id,
      name: properties.dealname || `Deal ${id}`,
      stage: stagesOf(portalId).get(stageId) ?? { id: stageId, label: stageId || 'No stage', outcome: 'open' },
      amount: properties.amount ?? '',
      // A deal that names no currency is meant in the account's own.
      currency: properties.deal_currency_code || control().portal(portalId).companyCurrency,
    };
  }

  function propertyViews(
    portalId: number,
    kind: 'contacts' | 'deals' | 'companies',
    values: Properties,
  ): PropertyView[] {
    const definitions = control().properties(portalId, kind) as PropertyShape[];
    const shown = SHOWN[kind].flatMap((name) => definitions.filter((definition) => definition.name === name));
    const ours = definitions.filter(({ groupName }) => groupName === WONWARD_GROUP);
    return [...shown, ...ours].map(({ name, label, groupName, description, options }) => {
      const value = values[name] ?? '';
      const chosen = options.find((option) => option.value === value);
      return { name, label, group: groupName, description, value, text: chosen?.label ?? value };
    });
  }

  function linked<T>(
    detail: Detail,
    kind: 'contacts' | 'deals',
    portalId: number,
    view: (id: string, properties: Properties) => T,
  ): Linked<T>[] {
    return (detail.associations[kind] ?? []).map(({ id, labels }) => ({
      ...view(id, control().getRecord(portalId, kind, id).properties),
      labels,
    }));
  }

  return {
    portals: async () =>
      control()
        .portals()
        .map(({ portalId, name, timeZone }) => ({ portalId, name, timeZone })),
    home: (portalId) =>
      unlessMissing(() => ({
        portal: portalOf(portalId),
        contacts: control()
          .listRecords(portalId, 'contacts')
          .results.map(({ id, properties }) => contactSummary(id, properties)),
        deals: control()
          .listRecords(portalId, 'deals')
          .results.map(({ id, properties }) => dealSummary(portalId, id, properties)),
        companies: control()
          .listRecords(portalId, 'companies')
          .results.map(({ id, properties }) => companySummary(id, properties)),
      })),
    contact: (portalId, id) =>
      unlessMissing(() => {
        const detail = control().getRecord(portalId, 'contacts', id);
        return {
          portal: portalOf(portalId),
          contact: contactSummary(detail.id, detail.properties),
          properties: propertyViews(portalId, 'contacts', detail.properties),
          contacts: linked(detail, 'contacts', portalId, contactSummary),
          deals: linked(detail, 'deals', portalId, (dealId, properties) => dealSummary(portalId, dealId, properties)),
          timeline: control()
            .timeline(portalId, 'contacts', detail.id)
            .map(({ id, at, name, header, detail: text }) => ({
              id,
              at: new Date(at).toISOString(),
              app: name,
              header,
              detail: text,
            })),
        };
      }),
    deal: (portalId, id) =>
      unlessMissing(() => {
        const detail = control().getRecord(portalId, 'deals', id);
        const deal = dealSummary(portalId, detail.id, detail.properties);
        const pipelines = control().pipelines(portalId, 'deals') as PipelineShape[];
        const pipeline = pipelines.find((candidate) => candidate.id === detail.properties.pipeline);
        return {
          portal: portalOf(portalId),
          deal,
          pipeline: { label: pipeline?.label ?? 'No pipeline', stages: pipeline?.stages.map(stageView) ?? [] },
          properties: propertyViews(portalId, 'deals', detail.properties),
          contacts: linked(detail, 'contacts', portalId, contactSummary),
        };
      }),
    company: (portalId, id) =>
      unlessMissing(() => {
        const detail = control().getRecord(portalId, 'companies', id);
        return {
          portal: portalOf(portalId),
          company: companySummary(detail.id, detail.properties),
          properties: propertyViews(portalId, 'companies', detail.properties),
          contacts: linked(detail, 'contacts', portalId, contactSummary),
        };
      }),
    async update(portalId, kind, id, properties) {
      try {
        control().editRecord(portalId, kind, id, { properties });
        return null;
      } catch (error) {
        if (error instanceof HubSpotError) return refusal(error.message);
        throw error;
      }
    },
    deliveries: async (portalId) => control().deliveries(portalId).map(deliveryView).reverse(),
    async sendAgain(_portalId, deliveryId) {
      await control().redeliver(Number(deliveryId));
    },
    async fetchAsCard(portalId, { url, method, headers, body, timeoutMs }) {
      try {
        const answer = await control().fetch(portalId, {
          url,
          method,
          headers,
          timeout: timeoutMs,
          ...(body === null ? {} : { body: JSON.parse(body) as unknown }),
        });
        return { status: answer.status, contentType: answer.headers['content-type'] ?? '', body: answer.body };
      } catch (error) {
        // As HubSpot's own proxy: what it refuses reaches the card as an answer with a status.
        if (!(error instanceof HubSpotError)) throw error;
        return { status: error.status, contentType: 'application/json', body: JSON.stringify(error.body) };
      }
    },
  };
}

async function unlessMissing<T>(read: () => T): Promise<T | null> {
  try {
    return read();
  } catch (error) {
    if (error instanceof HubSpotError && error.status === 404) return null;
    throw error;
  }
}

function contactSummary(id: string, properties: Properties): ContactSummary {
  const name = [properties.firstname, properties.lastname].filter(Boolean).join(' ');
  return { id, name: name || properties.email || `Contact ${id}`, email: properties.email ?? '' };
}

function companySummary(id: string, { name }: Properties): CompanySummary {
  return { id, name: name || `Company ${id}` };
}

function stageView({ id, label, metadata }: PipelineShape['stages'][number]): StageView {
  if (metadata.isClosed !== 'true') return { id, label, outcome: 'open' };
  return { id, label, outcome: Number(metadata.probability) === 1 ? 'won' : 'lost' };
}

function deliveryView({ id, events, state, attempts }: Delivery): DeliveryView {
  const last = attempts.at(-1);
  return {
    id: String(id),
    at: last?.at ?? events[0]?.occurredAt ?? 0,
    attempts: attempts.length,
    status: last?.status ?? null,
    outcome: last === undefined ? 'pending' : outcomeOf(last.status, state),
    events: events.map(eventText),
  };
}

function outcomeOf(status: number | null, state: Delivery['state']): DeliveryView['outcome'] {
  if (status !== null && status >= 200 && status < 300) return 'delivered';
  return state === 'in_flight' || state === 'queued' ? 'pending' : 'failed';
}

const OBJECTS: Readonly<Record<string, string>> = { '0-1': 'Contact', '0-2': 'Company', '0-3': 'Deal' };

function eventText({
  subscriptionType,
  propertyName,
  propertyValue,
  objectTypeId,
}: Delivery['events'][number]): string {
  const object = OBJECTS[String(objectTypeId)] ?? 'Record';
  if (propertyName !== undefined) return `${object}: ${String(propertyName)} = ${String(propertyValue) || 'empty'}`;
  const what = subscriptionType.split('.').at(-1) ?? '';
  return `${object}: ${what.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)}`;
}

/** HubSpot wraps what is wrong with a value in a list inside of its message; a person needs only the sentence. */
function refusal(message: string): string {
  const [, inner] = /^[^[]*(\[.*\])$/s.exec(message) ?? [];
  try {
    const [first] = JSON.parse(inner ?? '[]') as { message?: string }[];
    return first?.message ?? message;
  } catch {
    return message;
  }
}
