import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { ConsoleLinks } from './console-links.ts';
import type { AppEventOutcome, CrmSession, NewAppEvent } from './ports/crm.ts';
import type { ClaimedAppEvent, Connection, Shard, Store } from './ports/store.ts';
import { deferralFor } from './retry.ts';
import type { SyncPulse } from './sync-pulse.ts';

/** As one call tells. */
const CLAIM_MAX = 100;
/** Longer than the longest call with its retries. */
const LEASE_MS = 60_000;

/** A friend whom somebody has named has a contact soon after, and one that was merged is read anew. So long that is waited for. */
const NO_CONTACT_MS = 15 * 60_000;
const LOOK_AGAIN_MS = 60_000;

export interface TellTimelinesDeps {
  readonly store: Pick<Store, 'appEvents' | 'appSettings' | 'connections' | 'programs' | 'privacy'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly consoleLinks: ConsoleLinks;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly pulse?: Pick<SyncPulse, 'failure'> | undefined;
}

/** Returns how many events were claimed; 0 means that nothing is due. */
export type TellTimelines = (shard: Shard, signal?: AbortSignal) => Promise<number>;

interface Sendable {
  readonly claimed: ClaimedAppEvent;
  readonly contactId: string;
}

/**
 * Tells the timelines of contacts what has happened. Beside the mirror, and in its way by nothing: what is refused here waits for a person,
 * and what a record shows is written all the same.
 */
export function createTellTimelines(deps: TellTimelinesDeps): TellTimelines {
  const { store, clock, log, consoleLinks, openSession, pulse } = deps;

  async function tell(connection: Connection, events: readonly ClaimedAppEvent[]): Promise<void> {
    const { accountId, id: connectionId } = connection;
    const kept = await store.appSettings.newest(accountId, connectionId);
    // Turned off meanwhile: nobody wants to know any more.
    if (kept?.settings.events !== 'on') return store.appEvents.end(events);
    const { appEvents } = openSession(connection);
    if (!appEvents) throw notGranted();
    // A CRM that has said no is not asked for each event anew, but once, when a person lets it be tried again.
    if (await store.appEvents.isHeldUp(accountId, connectionId, errorOf(notGranted()))) throw notGranted();
    const sendable = await withContacts(connection, events);
    if (sendable.length === 0) return;
    const outcomes = await appEvents.tell(await written(accountId, sendable));
    await settle(sendable, new Map(outcomes.map((outcome) => [outcome.id, outcome])));
    log.info({ connection: connectionId, events: sendable.length }, 'timelines told');
  }

  /** Those whose person has a contact here; the others are looked at again, and in the end let go: there is nobody to show them. */
  async function withContacts(
    { accountId, id: connectionId }: Connection,
    events: readonly ClaimedAppEvent[],
  ): Promise<Sendable[]> {
    const known = events.flatMap((claimed) =>
      claimed.contactId === null ? [] : [{ claimed, contactId: claimed.contactId }],
    );
    const ids = [...new Set(known.map(({ contactId }) => contactId))];
    const erased = ids.length === 0 ? null : await store.privacy.erasedAmong(accountId, connectionId, ids);
    const sendable = known.filter(({ contactId }) => erased?.has(contactId) !== true);
    const others = events.filter((one) => !sendable.some(({ claimed }) => claimed === one));
    await waitForContacts(others);
    return sendable;
  }

  async function waitForContacts(events: readonly ClaimedAppEvent[]): Promise<void> {
    if (events.length === 0) return;
    const now = clock.now();
    const { over = [], open = [] } = Object.groupBy(events, ({ keptAt, isForgotten }) =>
      isForgotten || now - keptAt > NO_CONTACT_MS ? 'over' : 'open',
    );
    if (over.length > 0) await store.appEvents.end(over);
    const waiting = { runAt: now + LOOK_AGAIN_MS, error: NO_CONTACT, parked: false };
    if (open.length > 0) await store.appEvents.defer(open, waiting);
  }

  async function written(accountId: string, sendable: readonly Sendable[]): Promise<NewAppEvent[]> {
    const programs = await store.programs.versions(accountId);
    const linkTo = consoleLinks(accountId);
    return sendable.map(({ claimed: { event }, contactId }) => {
      const { personId: _person, programId, referralId, rewardId, ...told } = event;
      const { consoleUrl = null } = rewardId === null ? linkTo('referral', referralId) : linkTo('reward', rewardId);
      const program = programs.findLast((one) => one.programId === programId)?.name ?? programId;
      return { ...told, contactId, program, link: consoleUrl };
    });
  }

  async function settle(sendable: readonly Sendable[], outcomes: ReadonlyMap<string, AppEventOutcome>): Promise<void> {
    const of = (one: Sendable) => outcomes.get(one.claimed.event.id);
    const events = (result: AppEventOutcome['result']) =>
      sendable.filter((one) => of(one)?.result === result).map(({ claimed }) => claimed);
    await store.appEvents.end(events('told'));
    await waitForContacts(events('gone'));
    const now = clock.now();
    for (const one of sendable) {
      const outcome = of(one);
      if (outcome?.result === 'told' || outcome?.result === 'gone') continue;
      const kind = outcome?.result === 'rejected' ? 'never' : 'retry';
      const fault = new Fault('crm_rejected', { kind }, outcome?.detail ?? 'the CRM did not answer for this event');
      await store.appEvents.defer([one.claimed], deferralFor(fault, one.claimed.attempts, now, clock.random));
    }
  }

  return async (shard, signal) => {
    const events = await store.appEvents.claim({
      shard,
      now: clock.now(),
      leaseMs: LEASE_MS,
      limit: CLAIM_MAX,
      claim: randomUUID(),
    });
    const [first] = events;
    if (!first) return 0;
    const { accountId, connectionId } = first;
    try {
      const connection = await store.connections.get(accountId, connectionId);
      if (signal?.aborted || !connection) throw new Fault('crm_unavailable', { kind: 'retry' }, 'Stopping.');
      await tell(connection, events);
    } catch (thrown) {
      const now = clock.now();
      const isRefused = thrown instanceof Fault && thrown.code === 'crm_forbidden';
      const fault = isRefused ? notGranted() : thrown;
      log.warn({ err: thrown, connection: connectionId, events: events.length }, 'events of timelines put back');
      pulse?.failure({ accountId, connectionId }, deferralFor(fault, 0, now, clock.random).error);
      // They were claimed together and mostly fail together, so that they wait together.
      for (const [attempts, alike] of Map.groupBy(events, (event) => event.attempts)) {
        const deferral = deferralFor(fault, attempts, now, clock.random);
        // No more attempts mend what nobody has allowed.
        await store.appEvents.defer(alike, isRefused ? { ...deferral, parked: true } : deferral);
      }
    }
    return events.length;
  };
}

const NO_CONTACT = 'crm_rejected: nobody of this event has a contact in this CRM yet';

/** One sentence for all ways in which a CRM does not let us, so that one that was said already is found. */
function notGranted(): Fault {
  return new Fault(
    'crm_forbidden',
    { kind: 'never' },
    'The CRM takes no events of ours for timelines: its maker has to have approved the app for them, and the connection to have granted the permission. See to both, connect again, then retry.',
  );
}

function errorOf(fault: Fault): string {
  return `${fault.code}: ${fault.publicText}`;
}
