import { sql } from 'kysely';
import { appEventsOfPlan } from '../domain/app-event.ts';
import type { Case } from '../domain/case.ts';
import type { Plan } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import type { WebhookEventType } from '../domain/webhook.ts';
import {
  bodyOf,
  caseData,
  eventOf,
  eventsOfPlan,
  type StoodBefore,
  tellsAnything,
  type WebhookEvent,
} from '../domain/webhook-event.ts';
import { type EventPlace, eventPlaces, keepAppEvents } from './app-events.ts';
import { fromJson, fromMinor, toText } from './codec.ts';
import { insertRows } from './dialect.ts';
import { tell } from './queue.ts';
import type { Row, Session } from './schema.ts';

/** Who of an account wants to be told of what, as a commit finds it. */
interface Listener {
  readonly endpointId: string;
  readonly types: ReadonlySet<string>;
  /** One that is switched off is told nothing, and what happens is kept for when it is on again. */
  readonly isOn: boolean;
}

/** What a commit has to know before it writes; null where nobody listens, and that is all that it costs an account without endpoints. */
export interface Watched {
  readonly listeners: readonly Listener[];
  /** Where timelines of a CRM are told as well. */
  readonly places: readonly EventPlace[];
  readonly before: StoodBefore;
}

/** How things stand before a plan is written, for accounts that tell others; part of its commit. */
export async function watch(session: Session, accountId: string, plan: Plan): Promise<Watched | null> {
  if (!tellsAnything(plan)) return null;
  const listeners = await listenersOf(session, accountId);
  const places = await eventPlaces(session, accountId);
  if (listeners.length === 0 && places.length === 0) return null;
  return { listeners, places, before: await standing(session, accountId, plan) };
}

/** Tells others, and the timelines of a CRM, of a plan; part of its commit. */
export async function tellOfPlan(
  session: Session,
  accountId: string,
  watched: Watched | null,
  plan: Plan,
  at: Instant,
): Promise<void> {
  if (!watched) return;
  const { listeners, places, before } = watched;
  if (listeners.length > 0) await keepEvents(session, accountId, listeners, eventsOfPlan(accountId, plan, before, at));
  if (places.length > 0) await keepAppEvents(session, accountId, places, appEventsOfPlan(accountId, plan, before), at);
}

/** Tells others of something that no plan is about; part of the commit that changes it. */
export async function tellOf(
  session: Session,
  accountId: string,
  type: WebhookEventType,
  about: {
    readonly subject: string;
    readonly sequence: number;
    readonly at: Instant;
    readonly data: WebhookEvent['data'];
  },
): Promise<void> {
  const listeners = await listenersOf(session, accountId);
  if (listeners.length === 0) return;
  const { subject, sequence, at, data } = about;
  await keepEvents(session, accountId, listeners, [eventOf(accountId, type, subject, sequence, at, data)]);
}

export async function tellOfCases(
  session: Session,
  accountId: string,
  type: Extract<WebhookEventType, `case.${string}`>,
  cases: readonly Case[],
  at: Instant,
): Promise<void> {
  if (cases.length === 0) return;
  const listeners = await listenersOf(session, accountId);
  if (listeners.length === 0) return;
  const events = cases.map((one) => eventOf(accountId, type, one.id, one.version, at, caseData(one)));
  await keepEvents(session, accountId, listeners, events);
}

/** Keeps an event for one endpoint alone. */
export async function keepEventFor(
  session: Session,
  accountId: string,
  endpointId: string,
  event: WebhookEvent,
): Promise<void> {
  await insertRows(session, 'webhook_events', [eventRow(accountId, event, endpointId)], 'on conflict do nothing');
  await deliverTo(session, accountId, [{ event, endpointId }]);
}

async function listenersOf({ db }: Session, accountId: string): Promise<Listener[]> {
  const { rows } = await sql<Pick<Row<'webhook_endpoints'>, 'id' | 'event_types' | 'state'>>`
    select id, event_types, state from webhook_endpoints
    where account_id = ${accountId} and state <> 'removed'`.execute(db);
  return rows.map(({ id, event_types, state }) => ({
    endpointId: id,
    types: new Set(fromJson<string[]>(event_types)),
    isOn: state === 'enabled',
  }));
}

async function standing({ db, dialect }: Session, accountId: string, plan: Plan): Promise<StoodBefore> {
  const known = (entities: ReadonlyArray<{ readonly id: string; readonly version: number }>) =>
    entities.filter(({ version }) => version > 1).map(({ id }) => id);
  const referralIds = known(plan.referrals);
  const rewardIds = known(plan.rewards);
  const referrals =
    referralIds.length === 0
      ? []
      : (
          await sql<Pick<Row<'referrals'>, 'id' | 'stage' | 'member_id'>>`select id, stage, member_id from referrals
            where account_id = ${accountId} and ${dialect.isIn('id', referralIds)}`.execute(db)
        ).rows;
  const rewards =
    rewardIds.length === 0
      ? []
      : (
          await sql<Pick<Row<'rewards'>, 'id' | 'state' | 'minor' | 'clawed_back'>>`
            select id, state, minor, clawed_back from rewards
            where account_id = ${accountId} and ${dialect.isIn('id', rewardIds)}`.execute(db)
        ).rows;
  return {
    referrals: new Map(referrals.map(({ id, stage, member_id }) => [id, { stage, memberId: member_id }])),
    rewards: new Map(
      rewards.map(({ id, state, minor, clawed_back }) => [
        id,
        { state, minor: fromMinor(minor), clawedBack: fromMinor(clawed_back) },
      ]),
    ),
  };
}

async function keepEvents(
  session: Session,
  accountId: string,
  listeners: readonly Listener[],
  events: readonly WebhookEvent[],
): Promise<void> {
  const wanted = events.filter(({ type }) => listeners.some(({ types }) => types.has(type)));
  await insertRows(
    session,
    'webhook_events',
    wanted.map((event) => eventRow(accountId, event, null)),
    'on conflict do nothing',
  );
  await deliverTo(
    session,
    accountId,
    wanted.flatMap((event) =>
      listeners
        .filter(({ types, isOn }) => isOn && types.has(event.type))
        .map(({ endpointId }) => ({ event, endpointId })),
    ),
  );
}

async function deliverTo(
  session: Session,
  accountId: string,
  deliveries: ReadonlyArray<{ readonly event: WebhookEvent; readonly endpointId: string }>,
): Promise<void> {
  await insertRows(
    session,
    'webhook_deliveries',
    deliveries.map(({ event, endpointId }) => newDelivery(accountId, endpointId, event, event.at)),
    'on conflict do nothing',
  );
  for (const { endpointId } of deliveries) tell(session, 'webhook_deliveries', { accountId, connectionId: endpointId });
}

function eventRow(accountId: string, event: WebhookEvent, endpointId: string | null): Row<'webhook_events'> {
  const { id, type, subject, sequence, at } = event;
  return {
    account_id: accountId,
    id,
    type,
    subject,
    sequence,
    endpoint_id: endpointId,
    body: toText(bodyOf(accountId, event)),
    at,
  };
}

/** Due at `dueAt`. */
export function newDelivery(
  accountId: string,
  endpointId: string,
  { id, at, type }: { readonly id: string; readonly at: Instant; readonly type: string },
  dueAt: Instant,
): Row<'webhook_deliveries'> {
  return {
    account_id: accountId,
    event_id: id,
    endpoint_id: endpointId,
    type,
    state: 'waiting',
    event_at: at,
    tries: 0,
    attempted_at: null,
    status: null,
    duration_ms: null,
    run_at: dueAt,
    due_at: dueAt,
    claim: null,
    attempts: 0,
    parked: 0,
    error: null,
  };
}
