import { Fault } from '../domain/errors.ts';
import type { Wake } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmAccess, CrmSession } from './ports/crm.ts';
import type { Backfill, BackfillState, Connection, Store } from './ports/store.ts';
import { isSeen } from './reconcile.ts';
import { deferralFor } from './retry.ts';

/**
 * The next page is asked for when so few records of the ones before wait to be looked at. Half a page: the search runs while the last of them
 * are read, and there never are more than one and a half pages in the list, however many records the CRM has. A few that fail again and
 * again hold nothing up; a page that fails whole does, which is what a CRM that says "slow down" asks for.
 */
const WAITING_MAX = 100;

/** How long it is before it is looked again whether there is room, or anything at all to do. */
const PAUSE_MS = 250;

/** A failure that is tried again later than this is left to the next stroke of the schedule. */
const SOON_MS = 60_000;

/** Backfills that one node has under way. Each waits for its own CRM; more would wait for the same database. */
const AT_ONCE_MAX = 8;

/** A step that took longer than this was not spent at work: the machine slept, or the process. */
const STEP_COUNTED_MAX_MS = 60_000;

export const BACKFILLED_OBJECTS = ['contact', 'deal'] as const;

export interface BackfillDeps {
  readonly store: Pick<Store, 'backfills' | 'connections' | 'reads'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSession: (connection: Connection, pace?: CrmAccess['pace']) => CrmSession;
  readonly newId: () => string;
  /** Called when records were asked for. */
  readonly onAsked: () => void;
  /** Called when there is one more to run. */
  readonly onStarted: () => void;
}

export interface BackfillInput {
  readonly connectionId: string;
  readonly since: Instant;
  readonly objects: ReadonlyArray<'contact' | 'deal'>;
  readonly by: string;
}

export interface BackfillProgress extends Backfill {
  /** Records that were asked for and not looked at yet; 0 when it is over. */
  readonly waiting: number;
  /** Records that were listed and need no further look. */
  readonly read: number;
  /** Of these, in one second of work; null before anything was read. */
  readonly perSecond: number | null;
  /** When it will be through if it goes on like this; null while that cannot be told. */
  readonly endsAt: Instant | null;
}

export type BackfillStarted =
  | { readonly kind: 'started'; readonly backfill: Backfill }
  | { readonly kind: 'refused'; readonly code: 'no_such_connection' | 'not_connected' }
  | { readonly kind: 'refused'; readonly code: 'other_open'; readonly backfill: Backfill };

export interface Backfills {
  start(accountId: string, input: BackfillInput): Promise<BackfillStarted>;
  progress(accountId: string, id: string): Promise<BackfillProgress | null>;
  /** Null when there is none of that id; the backfill as it is, and whether it was turned. */
  turn(
    accountId: string,
    id: string,
    to: 'running' | 'paused' | 'cancelled',
  ): Promise<{ readonly turned: boolean; readonly backfill: Backfill } | null>;
  /** Takes steps until nothing runs any more, or everything that runs waits for its time. One node at a time. */
  runAll(signal?: AbortSignal): Promise<void>;
}

/** `waits`: for a moment. `nothing`: for longer than it is worth staying awake. */
type Step = 'did' | 'waits' | 'nothing';

const FROM: Readonly<Record<'running' | 'paused' | 'cancelled', readonly BackfillState[]>> = {
  running: ['paused'],
  paused: ['running'],
  cancelled: ['running', 'paused'],
};

/**
 * Reads what lay in a CRM before Wonward came. Like the sweep it only asks for records, by the same search; they are decided on by whoever
 * decides on everything, when nothing of today is due. So nothing here pays, and a crash costs at most one page that is listed again: how far
 * it has come is kept in the transaction that asks for what was found.
 */
export function createBackfills(deps: BackfillDeps): Backfills {
  const { store, clock, log } = deps;

  async function start(accountId: string, input: BackfillInput): Promise<BackfillStarted> {
    const connection = await store.connections.get(accountId, input.connectionId);
    if (!connection) return { kind: 'refused', code: 'no_such_connection' };
    if (connection.status !== 'connected') return { kind: 'refused', code: 'not_connected' };
    const [object] = input.objects;
    if (object === undefined) throw new RangeError('a backfill of nothing');
    const now = clock.now();
    const backfill: Backfill = {
      accountId,
      id: `bfl_${deps.newId()}`,
      connectionId: input.connectionId,
      since: input.since,
      objects: input.objects,
      state: 'running',
      object,
      position: null,
      untilAt: null,
      found: 0,
      asked: 0,
      total: null,
      activeMs: 0,
      attempts: 0,
      notBefore: 0,
      error: null,
      startedBy: input.by,
      startedAt: now,
      updatedAt: now,
      version: 1,
    };
    const result = await store.backfills.start(backfill);
    if (result.kind === 'busy')
      throw new Fault('busy', { kind: 'retry' }, 'Another backfill of this connection ended at this very moment.');
    if (result.kind === 'other_open') return { kind: 'refused', code: 'other_open', backfill: result.backfill };
    deps.onStarted();
    return { kind: 'started', backfill: result.backfill };
  }

  async function progress(accountId: string, id: string): Promise<BackfillProgress | null> {
    const backfill = await store.backfills.get(accountId, id);
    if (!backfill) return null;
    const waiting =
      backfill.state === 'cancelled' ? 0 : await store.backfills.waiting(accountId, backfill.connectionId);
    return progressOf(backfill, waiting, clock.now());
  }

  async function step(backfill: Backfill): Promise<Step> {
    const { accountId, connectionId, object } = backfill;
    const startedAt = clock.now();
    if (backfill.notBefore > startedAt) return backfill.notBefore > startedAt + SOON_MS ? 'nothing' : 'waits';
    const connection = await store.connections.get(accountId, connectionId);
    // It goes on when the CRM is connected again.
    if (connection?.status !== 'connected') return 'nothing';
    if ((await store.backfills.waiting(accountId, connectionId)) >= WAITING_MAX) return 'waits';
    try {
      const session = deps.openSession(connection, 'background');
      const { since, position, untilAt } = backfill;
      const page = await session.changedSince({ object, since, cursor: position });
      const until = untilAt ?? page.asOf;
      const records = page.records.filter(({ modifiedAt }) => modifiedAt <= until);
      const reads = await store.reads.readTimes(
        accountId,
        connectionId,
        object,
        records.map(({ id }) => id),
      );
      const unread = records.filter(({ id, modifiedAt }) => !isSeen(modifiedAt, reads.get(id)));
      const now = clock.now();
      const wakes: Wake[] = unread.map(({ id }) => ({ record: { connectionId, object, id }, at: now }));
      // Behind what was modified when it began lies what hints and the sweep tell of.
      const isThrough = page.next === null || (page.records.length > 0 && records.length === 0);
      const following = backfill.objects[backfill.objects.indexOf(object) + 1];
      const next: Backfill = {
        ...backfill,
        ...(isThrough
          ? { position: null, ...(following ? { object: following } : { state: 'done' as const }) }
          : { position: page.next }),
        untilAt: until,
        found: backfill.found + records.length,
        asked: backfill.asked + unread.length,
        total: totalOf(backfill, page.total),
        activeMs: backfill.activeMs + spentSince(backfill, now),
        attempts: 0,
        notBefore: 0,
        error: null,
        updatedAt: now,
        version: backfill.version + 1,
      };
      if (!(await store.backfills.advance(next, wakes))) return 'did';
      if (wakes.length > 0) deps.onAsked();
      if (next.state === 'done')
        log.info({ connection: connectionId, found: next.found, asked: next.asked }, 'backfill listed');
      return 'did';
    } catch (fault) {
      await putOff(backfill, fault);
      return 'waits';
    }
  }

  async function putOff(backfill: Backfill, fault: unknown): Promise<void> {
    const now = clock.now();
    const { runAt, error } = deferralFor(fault, backfill.attempts, now, clock.random);
    log.warn({ err: fault, connection: backfill.connectionId }, 'backfill put off');
    await store.backfills.advance(
      {
        ...backfill,
        attempts: backfill.attempts + 1,
        notBefore: runAt,
        error,
        updatedAt: now,
        version: backfill.version + 1,
      },
      [],
    );
  }

  return {
    start,
    progress,

    async turn(accountId, id, to) {
      const turned = await store.backfills.turn(accountId, id, { to, from: FROM[to], now: clock.now() });
      if (turned && to === 'running') deps.onStarted();
      if (turned) return { turned: true, backfill: turned };
      const backfill = await store.backfills.get(accountId, id);
      return backfill && { turned: false, backfill };
    },

    async runAll(signal) {
      while (!signal?.aborted) {
        const running = await store.backfills.running();
        if (running.length === 0) return;
        const steps: Step[] = [];
        for (let from = 0; from < running.length && !signal?.aborted; from += AT_ONCE_MAX)
          steps.push(...(await Promise.all(running.slice(from, from + AT_ONCE_MAX).map(step))));
        // The next stroke of the schedule looks again.
        if (steps.every((one) => one === 'nothing')) return;
        if (!steps.includes('did')) await clock.sleep(PAUSE_MS, signal);
      }
    },
  };
}

/** The CRM counts from a page on; a pause, or a restart, does not change what was there at the first one. */
function totalOf({ position, total, found }: Backfill, fromHere: number | undefined): number | null {
  if (position !== null || fromHere === undefined) return total;
  return found + fromHere;
}

/** Between two steps that follow each other at most a minute is counted: the rest was a pause or a crash. */
function spentSince({ updatedAt, version }: Backfill, now: Instant): number {
  return version === 1 ? 0 : Math.max(0, Math.min(now - updatedAt, STEP_COUNTED_MAX_MS));
}

export function progressOf(backfill: Backfill, waiting: number, now: Instant): BackfillProgress {
  const read = Math.max(0, backfill.found - waiting);
  const seconds = backfill.activeMs / 1_000;
  const perSecond = read > 0 && seconds > 0 ? read / seconds : null;
  const { total, objects, object, state } = backfill;
  // What comes after this object was not counted yet.
  const isCounted = total !== null && object === objects.at(-1);
  const left = isCounted ? Math.max(0, total - read) : null;
  const endsAt = state === 'running' && perSecond !== null && left !== null ? now + (left / perSecond) * 1_000 : null;
  return { ...backfill, waiting, read, perSecond, endsAt: endsAt === null ? null : Math.round(endsAt) };
}
