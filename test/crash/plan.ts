import type { PostgresCrash } from '../support/postgres.ts';
import { createRandom, type Random } from './random.ts';

/** Stops of the service per run; one of them is a SIGTERM. */
const STOPS = 4;
/** What people do while the service lives for the nth time. The plan's clock stands still until it lives again. */
export const LIFE_MS = 1_600;
export const LOAD_MS = LIFE_MS * (STOPS + 1);
/** The last life ends in peace: no stop makes up for what was forgotten in it, and no fault but slowness gives a second look. */
const PEACE_MS = LIFE_MS * STOPS;
/** HubSpot keeps 20 values of a deal's property: with fewer changes nothing of a deal's history is lost. */
const CHANGES_PER_DEAL_MAX = 12;
const LAST_WORDS = 3;

/** The two portals, of two accounts. The second one exists to be kept apart from the first. */
export const PORTALS = [147_000_001, 147_000_002] as const;

export interface StageAt {
  readonly pipeline: string;
  readonly stage: string;
}

/** What a stage means is in the pipelines' metadata alone: neither "Closed Won" nor "closedwon" occurs in the second one. */
export const PIPELINES = [
  {
    pipelineId: 'default',
    label: 'Sales Pipeline',
    stages: [
      { stageId: 'appointmentscheduled', label: 'Appointment Scheduled', probability: '0.2' },
      { stageId: 'contractsent', label: 'Contract Sent', probability: '0.9' },
      { stageId: 'closedwon', label: 'Closed Won', probability: '1.0', isClosed: true },
      { stageId: 'closedlost', label: 'Closed Lost', probability: '0.0', isClosed: true },
    ],
  },
  {
    pipelineId: 'renewals',
    label: 'Renewals',
    stages: [
      { stageId: '4001', label: 'Talking', probability: '0.5' },
      { stageId: '4002', label: 'Signed', probability: '1.0', isClosed: true },
      { stageId: '4003', label: 'Gone', probability: '0.0', isClosed: true },
    ],
  },
] as const;

const OPEN: readonly StageAt[] = [
  { pipeline: 'default', stage: 'appointmentscheduled' },
  { pipeline: 'default', stage: 'contractsent' },
  { pipeline: 'renewals', stage: '4001' },
];
const WON: readonly StageAt[] = [
  { pipeline: 'default', stage: 'closedwon' },
  { pipeline: 'default', stage: 'closedwon' },
  { pipeline: 'renewals', stage: '4002' },
];
const LOST: readonly StageAt[] = [
  { pipeline: 'default', stage: 'closedlost' },
  { pipeline: 'renewals', stage: '4003' },
];
/** 12.345 EUR is more precise than the currency; nothing can be paid on it, and nothing may break by it. */
const AMOUNTS = ['120.00', '999.99', '1000.00', '1450.50', '7.10', '33333.33', '0', '', '12.345'];

type Properties = Readonly<Record<string, string>>;

/** What somebody does in the CRM. Records go by names of the plan's own; the driver knows their ids. */
export type Act =
  | {
      readonly kind: 'createContact';
      readonly contact: string;
      readonly referrer: string | null;
      readonly properties: Properties;
    }
  | { readonly kind: 'editContact'; readonly contact: string; readonly properties: Properties }
  | { readonly kind: 'label'; readonly contact: string; readonly referrer: string }
  | {
      readonly kind: 'createDeal';
      readonly deal: string;
      readonly contacts: readonly string[];
      readonly properties: Properties;
    }
  | { readonly kind: 'editDeal'; readonly deal: string; readonly properties: Properties }
  | { readonly kind: 'attach' | 'detach'; readonly deal: string; readonly contact: string }
  | { readonly kind: 'deleteDeal' | 'restoreDeal'; readonly deal: string }
  | { readonly kind: 'deleteContact' | 'restoreContact'; readonly contact: string }
  | { readonly kind: 'merge'; readonly contact: string; readonly with: string }
  | { readonly kind: 'expireTokens' };

export interface Action {
  readonly atMs: number;
  readonly portalId: number;
  readonly act: Act;
}

/** A fault of the local HubSpot, as its control API takes it, and how long it stays. */
export interface PlannedFault {
  readonly atMs: number;
  readonly forMs: number;
  readonly what: string;
  readonly fault: Readonly<Record<string, unknown>>;
}

/**
 * Where the service is stopped. The moments are noticed from outside: by what passes between the processes.
 *
 * - `webhook_acked`: it has answered 2xx to HubSpot, and HubSpot has not heard it yet.
 * - `crm_asked`, `crm_written`: it has called the CRM; a write is done there, and its answer is lost.
 * - `deals_read`: it is about to hear how deals stand.
 * - `payout_asked`, `payout_accepted`: it has ordered a reward; the order is accepted, and its answer is lost.
 */
export type StopMoment =
  | 'any'
  | 'webhook_acked'
  | 'crm_asked'
  | 'crm_written'
  | 'deals_read'
  | 'payout_asked'
  | 'payout_accepted';

/**
 * What goes down.
 *
 * - `node`: one process of the service, by `signal`; where there are several, it is the one of the moment, and another one is asked to
 *   stop by SIGTERM meanwhile, as in an upgrade.
 * - `pause`: one process stands still (SIGSTOP) until all it held has run out, and then goes on where it was.
 * - `database`: the server, by `crash`; the nodes go on without it.
 * - `blackout`: every node and the server.
 */
export type StopTarget = 'node' | 'pause' | 'database' | 'blackout';

export interface PlannedStop {
  readonly target: StopTarget;
  readonly crash: PostgresCrash;
  readonly signal: 'SIGKILL' | 'SIGTERM';
  readonly moment: StopMoment;
  /** The service runs for this long at least before the moment is waited for. */
  readonly upMs: number;
  /** The how-manyeth such moment it is. */
  readonly nth: number;
  readonly downMs: number;
  /** Whether so much time passes until the restart that what the dead process held is free again. */
  readonly leasesRunOut: boolean;
}

export interface Plan {
  readonly seed: number;
  /**
   * Webhooks are lost, and the sweep runs. In every other run none is lost and nothing is swept, since a sweep also makes up for the
   * service's own mistakes: what comes by webhook has to be enough then.
   */
  readonly losesWebhooks: boolean;
  readonly actions: readonly Action[];
  readonly faults: readonly PlannedFault[];
  /** When all is quiet: changes of which nothing is heard. Only where webhooks are lost. */
  readonly unheard: ReadonlyArray<{ readonly portalId: number; readonly act: Act }>;
  /** And then: a change, and another one when the service has read the first and not yet written what follows from it. */
  readonly lastWords: ReadonlyArray<{ readonly portalId: number; readonly change: Act; readonly whileDecided: Act }>;
  readonly stops: readonly PlannedStop[];
  /** Friends to whom something happened that the CRM keeps no history of; how much they are paid depends on what was seen when. */
  readonly disturbed: ReadonlySet<string>;
}

/** One node on a file, or several on a server. */
export type SiteKind = 'sqlite' | 'postgres';

/** The same seed makes the same plan, whatever the machine does meanwhile. */
export function makePlan(seed: number, site: SiteKind): Plan {
  const disturbed = new Set<string>();
  const [main, other] = PORTALS;
  const mainPlan = planPortal(createRandom(seed, 'actions'), main, { members: 4, friends: 9, edits: 90 }, disturbed);
  const otherPlan = planPortal(createRandom(seed, 'others'), other, { members: 2, friends: 4, edits: 30 }, disturbed);
  const actions = [...mainPlan.actions, ...otherPlan.actions].sort((a, b) => a.atMs - b.atMs);
  const losesWebhooks = seed % 2 === 1;
  return {
    seed,
    losesWebhooks,
    actions,
    faults: planFaults(createRandom(seed, 'faults'), losesWebhooks),
    unheard: losesWebhooks ? mainPlan.unheard : [],
    lastWords: mainPlan.lastWords,
    stops: site === 'sqlite' ? planStops(createRandom(seed, 'stops')) : planOutages(createRandom(seed, 'outages')),
    disturbed,
  };
}

interface DealModel {
  readonly name: string;
  readonly owners: string[];
  changes: number;
  isWon: boolean;
  deleted: boolean;
  /** Made out of the friends' own ways: attached late, detached, deleted. */
  readonly unsteady: boolean;
}

function planPortal(
  random: Random,
  portalId: number,
  size: { members: number; friends: number; edits: number },
  disturbed: Set<string>,
): { actions: Action[] } & Pick<Plan, 'unheard' | 'lastWords'> {
  const actions: Action[] = [];
  const add = (atMs: number, act: Act) => actions.push({ atMs, portalId, act });
  const name = (kind: string, index: number) => `${portalId}/${kind}${index}`;
  const setUpMs = LIFE_MS * 1.2;
  const early = (index: number, of: number) => (setUpMs * index) / of;

  const members = Array.from({ length: size.members }, (_, index) => name('member', index));
  const strangers = Array.from({ length: 3 }, (_, index) => name('stranger', index));
  const friends = Array.from({ length: size.friends }, (_, index) => name('friend', index));
  const person = (contact: string, first: string): Properties => ({
    email: `${contact.replace('/', '.')}@example.com`,
    firstname: first,
    lastname: contact.split('/')[1] ?? '',
  });
  for (const contact of [...members, ...strangers])
    add(0, { kind: 'createContact', contact, referrer: null, properties: person(contact, 'Ada') });

  const deals: DealModel[] = [];
  const newDeal = (atMs: number, owners: string[], unsteady: boolean, contacts = owners) => {
    const isWon = random.chance(0.2);
    const deal: DealModel = { name: name('deal', deals.length), owners, changes: 0, isWon, deleted: false, unsteady };
    deals.push(deal);
    const { pipeline, stage } = random.pick(isWon ? WON : OPEN);
    const currency = random.chance(0.2) ? { deal_currency_code: 'USD' } : {};
    const amount = random.chance(0.8) ? { amount: random.pick(AMOUNTS) } : {};
    const properties = { dealname: `Deal ${deal.name}`, pipeline, dealstage: stage, ...currency, ...amount };
    add(atMs, { kind: 'createDeal', deal: deal.name, contacts, properties });
    return deal;
  };

  friends.forEach((friend, index) => {
    const atMs = early(index, friends.length) + 1;
    // The last one is referred by a friend: a chain of two.
    const referrer = index === friends.length - 1 ? (friends[0] ?? '') : random.pick(members);
    const late = index > 1 && random.chance(0.25);
    add(atMs, {
      kind: 'createContact',
      contact: friend,
      referrer: late ? null : referrer,
      properties: person(friend, 'Bob'),
    });
    // A label that comes late is about the past all the same.
    if (late) add(atMs + random.integer(300, 2_500), { kind: 'label', contact: friend, referrer });
  });

  // Friend 0 and 1 share a deal; 2 and 3 (where there are so many) are disturbed; the rest have one deal or two of their own.
  const [first, second] = friends;
  if (first && second) {
    newDeal(setUpMs, [first, second], false);
  }
  friends.slice(2).forEach((friend, index) => {
    const unsteady = index < Math.ceil(friends.length / 4);
    if (unsteady) disturbed.add(friend);
    const count = unsteady || random.chance(0.3) ? 2 : 1;
    for (let made = 0; made < count; made += 1)
      newDeal(early(index + 2, friends.length) + 5 + random.integer(0, 900), [friend], unsteady);
  });

  const start = setUpMs + 950;
  const mergedFriend = friends.find((friend) => disturbed.has(friend));
  for (let index = 0; index < size.edits; index += 1) {
    const atMs = start + ((LOAD_MS - start) * index) / size.edits;
    const usable = deals.filter(({ changes }) => changes < CHANGES_PER_DEAL_MAX);
    if (usable.length === 0) break;
    const deal = random.pick(usable);
    const [owner] = deal.owners;
    if (deal.deleted) {
      deal.deleted = false;
      add(atMs, { kind: 'restoreDeal', deal: deal.name });
    } else if (deal.unsteady && owner && random.chance(0.2)) {
      disturb(atMs, deal, owner);
    } else if (random.chance(0.05)) {
      add(atMs, {
        kind: 'editContact',
        contact: random.pick(members),
        properties: { firstname: random.pick(['Ann', 'Eve', 'Zoë']) },
      });
    } else {
      deal.changes += 1;
      const properties = changeOf();
      if (properties.dealstage !== undefined) deal.isWon = WON.some(({ stage }) => stage === properties.dealstage);
      add(atMs, { kind: 'editDeal', deal: deal.name, properties });
    }
  }
  // A member and a friend become new records; nothing of theirs is gone.
  const [member] = members;
  const [alias, double] = strangers;
  if (member && alias) add(start + random.integer(0, 2_000), { kind: 'merge', contact: member, with: alias });
  if (mergedFriend && double)
    add(start + random.integer(500, 2_500), { kind: 'merge', contact: mergedFriend, with: double });
  for (let index = 0; index < 2; index += 1) add(random.integer(500, LOAD_MS), { kind: 'expireTokens' });
  const steady = deals.filter(({ unsteady }) => !unsteady);
  // Two deals of one friend are read one after the other: which of them was won first is not asked while both change.
  const onlyOnes = steady
    .filter((deal) => deals.every((other) => other === deal || other.owners[0] !== deal.owners[0]))
    .slice(-LAST_WORDS);
  return {
    actions,
    unheard: steady.filter((deal) => !onlyOnes.includes(deal)).map((deal) => ({ portalId, act: turn(deal) })),
    lastWords: onlyOnes.map((deal) => ({
      portalId,
      change: { kind: 'editDeal', deal: deal.name, properties: { amount: String(random.integer(200, 900)) } },
      whileDecided: turn(deal),
    })),
  };

  /** What is won is lost, and the other way round. */
  function turn({ name: deal, isWon }: DealModel): Act {
    return { kind: 'editDeal', deal, properties: stageOf(isWon ? LOST : WON) };
  }

  function changeOf(): Properties {
    const kind = random.next();
    if (kind < 0.4) return stageOf(WON);
    if (kind < 0.6) return stageOf(OPEN);
    if (kind < 0.7) return stageOf(LOST);
    if (kind < 0.95) return { amount: random.pick(AMOUNTS) };
    return { ...stageOf(WON), amount: random.pick(AMOUNTS) };
  }

  function stageOf(stages: readonly StageAt[]): Properties {
    const { pipeline, stage } = random.pick(stages);
    return { pipeline, dealstage: stage };
  }

  function disturb(atMs: number, deal: DealModel, owner: string): void {
    const kind = random.next();
    if (kind < 0.4) {
      deal.deleted = true;
      add(atMs, { kind: 'deleteDeal', deal: deal.name });
    } else if (kind < 0.8 || owner === mergedFriend) {
      add(atMs, { kind: 'detach', deal: deal.name, contact: owner });
      if (random.chance(0.7)) add(atMs + random.integer(20, 800), { kind: 'attach', deal: deal.name, contact: owner });
    } else {
      add(atMs, { kind: 'deleteContact', contact: owner });
      add(atMs + random.integer(20, 800), { kind: 'restoreContact', contact: owner });
    }
  }
}

/** Every kind of event that a search by modification time can make up for. It does not find what is deleted. */
const REPAIRABLE = ['object.creation', 'object.propertyChange', 'object.associationChange', 'object.restore'];

function planFaults(random: Random, losesWebhooks: boolean): PlannedFault[] {
  const faults: PlannedFault[] = [
    {
      atMs: 0,
      forMs: LOAD_MS,
      what: 'one webhook in four comes twice or thrice',
      fault: { target: 'webhook', probability: 0.25, effect: { kind: 'duplicate', copies: random.integer(1, 2) } },
    },
    {
      atMs: 0,
      forMs: LOAD_MS,
      what: 'webhooks are reordered',
      fault: { target: 'webhook', probability: 0.1, effect: { kind: 'reorder' } },
    },
    {
      atMs: 0,
      forMs: LOAD_MS,
      what: 'one webhook in ten is late',
      fault: {
        target: 'webhook',
        probability: 0.1,
        effect: { kind: 'delay', delayMs: random.integer(100, 1_500) },
      },
    },
    ...(losesWebhooks ? REPAIRABLE : []).map((subscriptionType) => ({
      atMs: 0,
      forMs: LOAD_MS,
      what: `one ${subscriptionType} in eight is lost`,
      fault: { target: 'webhook', subscriptionType, probability: 0.12, effect: { kind: 'drop' } },
    })),
    {
      atMs: 0,
      forMs: PEACE_MS,
      what: 'slow answers',
      fault: { target: 'api', probability: 0.15, effect: { kind: 'latency', latencyMs: random.integer(20, 250) } },
    },
    {
      atMs: PEACE_MS,
      forMs: LIFE_MS,
      what: 'every answer slow',
      fault: { target: 'api', effect: { kind: 'latency', latencyMs: random.integer(60, 150) } },
    },
  ];
  const effects = [
    { what: '429 without Retry-After', effect: { kind: 'status', status: 429 } },
    { what: '429 with Retry-After 1', effect: { kind: 'status', status: 429, retryAfterSeconds: 1 } },
    { what: '503', effect: { kind: 'status', status: 503 } },
    { what: '502 in HTML', effect: { kind: 'status', status: 502, html: true } },
    { what: 'reset before', effect: { kind: 'reset', when: 'before' } },
    { what: 'reset after it was done', effect: { kind: 'reset', when: 'after' } },
    { what: 'half an answer', effect: { kind: 'truncate' } },
    { what: 'rows refused', effect: { kind: 'rows' } },
  ];
  for (const { what, effect } of effects) {
    const times = random.integer(1, 3);
    faults.push({
      atMs: random.integer(500, PEACE_MS - 500),
      forMs: random.integer(300, 1_500),
      what: `${what}, ${times} times`,
      fault: { target: 'api', times, probability: 0.7, effect },
    });
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

const MOMENTS: readonly StopMoment[] = [
  'any',
  'webhook_acked',
  'webhook_acked',
  'crm_asked',
  'crm_written',
  'payout_asked',
  'payout_accepted',
];

function planStops(random: Random): PlannedStop[] {
  const graceful = random.integer(1, STOPS - 2);
  return Array.from({ length: STOPS }, (_, index): PlannedStop => {
    const stop: PlannedStop = {
      target: 'node',
      crash: 'postmaster',
      signal: 'SIGKILL',
      // In every run once after an acknowledgement and once after a payout: what hurts most if it goes wrong.
      moment: index === 0 ? 'webhook_acked' : index === STOPS - 1 ? 'payout_accepted' : random.pick(MOMENTS),
      upMs: random.integer(100, 800),
      nth: random.integer(1, 3),
      downMs: random.integer(0, 300),
      leasesRunOut: random.chance(0.7),
    };
    if (index === graceful) return { ...stop, signal: 'SIGTERM', moment: 'any' };
    // Who waits for a dead process's lease on the tokens waits a minute, also when it is asked to stop.
    return index === graceful - 1 ? { ...stop, leasesRunOut: true } : stop;
  });
}

/** In every run: a node is killed once it has acknowledged, the server crashes, a node sleeps too long, and everything goes at once. */
function planOutages(random: Random): PlannedStop[] {
  const stop = (target: StopTarget, moment: StopMoment): PlannedStop => ({
    target,
    crash: random.pick(['postmaster', 'immediate', 'backend']),
    signal: 'SIGKILL',
    moment,
    upMs: random.integer(100, 800),
    nth: random.integer(1, 3),
    downMs: random.integer(200, 900),
    leasesRunOut: true,
  });
  const between = [
    stop('database', random.pick(MOMENTS)),
    stop('pause', random.pick(['crm_asked', 'deals_read', 'crm_written', 'payout_asked', 'webhook_acked'])),
  ];
  if (random.chance(0.5)) between.reverse();
  const blackout = stop('blackout', random.pick(['payout_accepted', 'webhook_acked']));
  // What is left of the server after it was reset is a server that runs; a blackout is one that does not.
  const isReset = blackout.crash === 'backend';
  return [stop('node', 'webhook_acked'), ...between, isReset ? { ...blackout, crash: 'postmaster' } : blackout];
}
