import { z } from 'zod';
import { TIMELINE_SCOPE } from '../../../manifests/hubspot/app-events.ts';
import type { AppEventOutcome, CrmAppEvents, NewAppEvent } from '../../application/ports/crm.ts';
import type { AppEventNews } from '../../domain/app-event.ts';
import { isoOf } from '../../domain/time.ts';
import type { PortalApi } from './call.ts';
import { describe } from './errors.ts';
import { BATCH_MAX, chunksOf, readOne } from './records.ts';
import { PATHS } from './version.ts';
import type { HubSpotError } from './wire.ts';

/** Calls that a batch may cost beyond the first when HubSpot refuses it for one event; those that are not reached are told the next time. */
const SPLIT_CALLS_MAX = 40;

/** Not the spec's four words: of a batch that HubSpot has taken, all that it is. */
const batchSchema = z.looseObject({ status: z.literal('COMPLETE') });

/** Where each kind of news goes, and what a person reads of it. */
const NEWS: Readonly<
  Record<AppEventNews, { readonly type: string; readonly news: string; readonly words: (of: NewAppEvent) => string }>
> = {
  referral_begun: {
    type: 'wonward_referral_event',
    news: 'begun',
    words: ({ role }) => (role === 'friend' ? 'Was referred' : 'Referred somebody'),
  },
  referral_won: {
    type: 'wonward_referral_event',
    news: 'won',
    words: ({ role }) => (role === 'friend' ? 'The referral is won' : 'A referral by this contact is won'),
  },
  reward_granted: { type: 'wonward_reward_event', news: 'granted', words: (of) => `Reward of ${amountOf(of)}` },
  reward_issued: { type: 'wonward_reward_event', news: 'issued', words: (of) => `Reward of ${amountOf(of)} paid` },
  reward_taken_back: {
    type: 'wonward_reward_event',
    news: 'taken_back',
    words: (of) => `Reward of ${amountOf(of)} taken back`,
  },
};

/** Undefined where the app is not approved, or the portal has not granted the scope. */
export function appEventsOf(api: PortalApi, isApproved: boolean, scopes: readonly string[]): CrmAppEvents | undefined {
  if (!isApproved || !scopes.includes(TIMELINE_SCOPE)) return undefined;
  return {
    async tell(events) {
      const outcomes: AppEventOutcome[] = [];
      for (const chunk of chunksOf([...events], BATCH_MAX))
        outcomes.push(...(await tellBatch(api, chunk, { callsLeft: SPLIT_CALLS_MAX })));
      return outcomes;
    },
  };
}

/** HubSpot takes all of a batch or nothing of it, and does not say because of which event. */
async function tellBatch(
  api: PortalApi,
  events: readonly NewAppEvent[],
  budget: { callsLeft: number },
): Promise<AppEventOutcome[]> {
  const [only] = events;
  if (only && events.length === 1) return [await tellOne(api, only)];
  const reply = await api.call({
    name: 'tell timelines',
    method: 'POST',
    path: PATHS.appEventBatch,
    json: { inputs: events.map(occurrenceOf) },
    schema: batchSchema,
    refusals: [400, 404, 409],
  });
  if (reply.ok) return events.map(({ id }) => ({ id, result: 'told' }));
  // Some of it was told before, as by a process that died before it could note that; then it is nearly always all of it.
  if (reply.status === 409) {
    const outcomes: AppEventOutcome[] = [];
    for (const event of events) outcomes.push(await tellOne(api, event));
    return outcomes;
  }
  const middle = Math.ceil(events.length / 2);
  const outcomes: AppEventOutcome[] = [];
  for (const half of [events.slice(0, middle), events.slice(middle)]) {
    if (budget.callsLeft <= 0) {
      const detail = `not told: HubSpot refused the batch (${describe(reply.error)})`;
      outcomes.push(...half.map(({ id }): AppEventOutcome => ({ id, result: 'retry', detail })));
      continue;
    }
    budget.callsLeft -= 1;
    outcomes.push(...(await tellBatch(api, half, budget)));
  }
  return outcomes;
}

async function tellOne(api: PortalApi, event: NewAppEvent): Promise<AppEventOutcome> {
  const { id } = event;
  const reply = await api.call({
    name: 'tell timeline',
    method: 'POST',
    path: PATHS.appEvent,
    json: occurrenceOf(event),
    // 200 has no body, 201 the event.
    schema: z.unknown(),
    refusals: [400, 404, 409],
  });
  // 409: "already exists. Occurrences are immutable."
  if (reply.ok || reply.status === 409) return { id, result: 'told' };
  return refused(api, event, reply.error);
}

/** How HubSpot refuses an event for a contact that is gone is not documented, so the contact is asked for. */
async function refused(api: PortalApi, { id, contactId }: NewAppEvent, error: HubSpotError): Promise<AppEventOutcome> {
  const contact = await readOne(api, { object: 'contacts', properties: [] }, contactId);
  return contact?.id === contactId ? { id, result: 'rejected', detail: describe(error) } : { id, result: 'gone' };
}

/** All values as strings, as the spec has them; one that is not there is left out. */
function occurrenceOf(event: NewAppEvent): object {
  const { id, contactId, at, role, program, reason, link, money } = event;
  const { type, news, words } = NEWS[event.news];
  return {
    eventTypeName: type,
    id,
    objectId: contactId,
    timestamp: isoOf(at),
    properties: {
      news,
      headline: words(event),
      program,
      role,
      ...(reason === null ? {} : { reason }),
      ...(link === null ? {} : { link }),
      ...(money === null ? {} : { amount: money.amount, currency: money.currency }),
    },
  };
}

function amountOf({ money }: NewAppEvent): string {
  return money === null ? 'nothing' : `${money.amount} ${money.currency}`;
}
