import type { CardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import type {
  ContactSummary,
  DealSummary,
  DeliveryView,
  PortalSummary,
  PropertyView,
  SandboxSource,
  StageView,
} from '../../src/sandbox/web/source.ts';

export const STUB_PORTAL = 48_000_001;
export const STUB_CONTACT = '101';
export const STUB_DEAL = '9001';

const PORTALS: readonly PortalSummary[] = [
  { portalId: STUB_PORTAL, name: 'Hopper & Sons', timeZone: 'Europe/Berlin' },
  { portalId: 48_000_002, name: 'Second customer', timeZone: 'US/Eastern' },
];

const STAGES: readonly StageView[] = [
  { id: 'appointmentscheduled', label: 'Appointment scheduled', outcome: 'open' },
  { id: 'qualifiedtobuy', label: 'Qualified to buy', outcome: 'open' },
  { id: 'contractsent', label: 'Contract sent', outcome: 'open' },
  { id: 'closedwon', label: 'Closed Won', outcome: 'won' },
  { id: 'closedlost', label: 'Closed Lost', outcome: 'lost' },
];

const CONTACTS: readonly ContactSummary[] = [
  { id: STUB_CONTACT, name: 'Grace Hopper', email: 'grace@hopper.example' },
  { id: '102', name: 'Ada Lovelace', email: 'ada.lovelace@analytical-engines.example' },
  { id: '103', name: 'Katherine Johnson', email: '' },
];

const COMPANY = { id: '7001', name: 'Analytical Engines Ltd' };

export interface StubSource extends SandboxSource {
  /** What the card gets from now on: answers in turn, the last one for ever. */
  answerCardWith(...answers: readonly (CardResponse | number)[]): void;
  /** Sets a property as the service's write-back would. */
  mirror(name: string, value: string): void;
  readonly updates: readonly Readonly<Record<string, string>>[];
  readonly resent: readonly string[];
  readonly cardRequests: readonly string[];
}

/** Stands for the local HubSpot and the service, so that the page can be shown in every state of the contract. */
export function createStubSource(): StubSource {
  const deal = { id: STUB_DEAL, name: 'Analytical engine', amount: '12000', currency: 'EUR', stage: 'contractsent' };
  const mirrored = new Map<string, string>([
    ['wonward_referral_code', ''],
    ['wonward_code', 'GRACE7'],
    ['wonward_share_link', 'https://go.wonward.example/GRACE7'],
    ['wonward_referrals', '4'],
    ['wonward_rewards_issued', '100.00 EUR'],
    ['wonward_last_reward', ''],
  ]);
  const updates: Record<string, string>[] = [];
  const resent: string[] = [];
  const cardRequests: string[] = [];
  let answers: readonly (CardResponse | number)[] = [503];
  let answered = 0;

  function dealSummary(): DealSummary {
    const stage = STAGES.find(({ id }) => id === deal.stage);
    if (stage === undefined) throw new Error(`no stage ${deal.stage}`);
    return { id: deal.id, name: deal.name, amount: deal.amount, currency: deal.currency, stage };
  }

  return {
    updates,
    resent,
    cardRequests,
    answerCardWith(...next) {
      answers = next;
      answered = 0;
    },
    mirror: (name, value) => void mirrored.set(name, value),
    portals: async () => PORTALS,
    async home(portalId) {
      const portal = portalOf(portalId);
      return portal && { portal, contacts: CONTACTS, deals: [dealSummary()], companies: [COMPANY] };
    },
    async contact(portalId, id) {
      const portal = portalOf(portalId);
      const contact = CONTACTS.find((candidate) => candidate.id === id);
      if (portal === null || contact === undefined) return null;
      return {
        portal,
        contact,
        properties: [
          property('email', contact.email, 'contactinformation'),
          ...[...mirrored].map(([name, value]) => property(name, value, 'wonward')),
        ],
        contacts: CONTACTS.slice(1).map((linked) => ({ ...linked, labels: ['Referred'] })),
        deals: [{ ...dealSummary(), labels: [] }],
        timeline: [],
      };
    },
    async deal(portalId, id) {
      const portal = portalOf(portalId);
      if (portal === null || id !== deal.id) return null;
      return {
        portal,
        deal: dealSummary(),
        pipeline: { label: 'Sales pipeline', stages: STAGES },
        properties: [
          property('dealname', deal.name, 'dealinformation'),
          property('wonward_reward_state', 'Expected', 'wonward'),
        ],
        contacts: CONTACTS.slice(1, 2).map((linked) => ({ ...linked, labels: ['Primary'] })),
      };
    },
    async company(portalId, id) {
      const portal = portalOf(portalId);
      if (portal === null || id !== COMPANY.id) return null;
      return {
        portal,
        company: COMPANY,
        properties: [property('name', COMPANY.name, 'companyinformation')],
        contacts: CONTACTS.slice(1).map((linked) => ({ ...linked, labels: ['Primary'] })),
      };
    },
    async update(_portalId, kind, _id, properties) {
      if (properties.amount !== undefined && Number.isNaN(Number(properties.amount)))
        return `${properties.amount} was not a valid number.`;
      updates.push(properties);
      if (kind === 'deals') {
        deal.stage = properties.dealstage ?? deal.stage;
        deal.amount = properties.amount ?? deal.amount;
      }
      for (const [name, value] of Object.entries(properties)) if (mirrored.has(name)) mirrored.set(name, value);
      return null;
    },
    deliveries: async () => DELIVERIES,
    sendAgain: async (_portalId, id) => void resent.push(id),
    async fetchAsCard(_portalId, { url }) {
      cardRequests.push(url);
      // The answers that tests set are those of the contact's card.
      if (/\/hubspot\/cards\/(deal|company)\?/.test(url)) {
        const unknown = { ok: false, code: 'not_found', message: 'Wonward has not read this record yet.' };
        return { status: 200, contentType: 'application/json', body: JSON.stringify(unknown) };
      }
      const answer = answers[Math.min(answered, answers.length - 1)] ?? 503;
      answered += 1;
      if (typeof answer === 'number') return { status: answer, contentType: 'text/plain', body: '' };
      return { status: 200, contentType: 'application/json', body: JSON.stringify(answer) };
    },
  };
}

const DELIVERIES: readonly DeliveryView[] = [
  {
    id: 'd3',
    at: Date.UTC(2026, 10, 22, 9, 0, 3),
    attempts: 0,
    status: null,
    outcome: 'pending',
    events: ['Contact: email = grace@hopper.example'],
  },
  {
    id: 'd2',
    at: Date.UTC(2026, 10, 22, 9, 0, 2),
    attempts: 2,
    status: 503,
    outcome: 'failed',
    events: ['Deal: amount = 12000'],
  },
  {
    id: 'd1',
    at: Date.UTC(2026, 10, 22, 9, 0, 1),
    attempts: 1,
    status: 200,
    outcome: 'delivered',
    events: ['Deal: dealstage = contractsent', 'Deal: creation'],
  },
];

function portalOf(portalId: number): PortalSummary | null {
  return PORTALS.find((portal) => portal.portalId === portalId) ?? null;
}

function property(name: string, value: string, group: string): PropertyView {
  const words = name.replace(/^wonward_/, '').replaceAll('_', ' ');
  return { name, value, text: value, group, label: words.charAt(0).toUpperCase() + words.slice(1), description: '' };
}
