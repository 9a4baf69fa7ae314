import { Fault } from '../domain/errors.ts';
import type { Wake } from '../domain/plan.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { DriftWatch } from './drift-watch.ts';
import { removeUnwantedRows } from './own-objects.ts';
import type { Place } from './place.ts';
import type { CrmSession } from './ports/crm.ts';
import type { Connection, ConnectionEvent, ReadTime, Store, Suspect, SyncSigns } from './ports/store.ts';
import { provision } from './provision.ts';
import { refreshMapping } from './refresh-mapping.ts';
import { showConsent } from './show-consent.ts';

/** Search lags behind writes. Each sweep looks this far back behind the last one, so a record that became findable late is met by the next. */
const OVERLAP_MS = 10 * 60_000;

/**
 * Asked for page by page, the first would be read by the hundred while the next is searched for; this many fill the largest batches
 * of a few workers. What a crash forgets in between is found by the next sweep, which begins where this one did.
 */
const ASK_TOGETHER = 1_000;

const SWEPT_OBJECTS = ['deal', 'contact'] as const;

/**
 * Who writes properties to a record modifies it, which no event tells of. What was modified no later than this after our last write to it was
 * modified by that: the CRM goes on reckoning for a moment, and two clocks are compared by an answer that took its time.
 */
const OWN_WRITE_MS = 5_000;

/** What was missed once may be missed again: for this long after it a connection is swept more often. */
const TROUBLE_MS = 30 * 60_000;
/** So often then: a sweep of nothing is two or three calls. */
const TROUBLE_INTERVAL_MS = 60_000;

/** Where nothing was missed for this long, the events can be relied upon. */
const QUIET_AFTER_MS = 6 * 3_600_000;
/** Then this is often enough, and half of what the alert of a late sweep waits for. */
const QUIET_INTERVAL_MS = 15 * 60_000;

/** Runs and figures are kept for this long. */
const KEPT_MS = 14 * 86_400_000;

export interface ReconcileDeps {
  readonly newId: () => string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSession: (connection: Connection) => CrmSession;
  readonly place: Pick<Place, 'waiting'>;
  readonly drift: Pick<DriftWatch, 'look' | 'failed'>;
  /** What was written down for us in the CRM while nobody listened. */
  readonly answerRequests: (connection: Connection) => Promise<unknown>;
  readonly onAsked: () => void;
}

export interface SweepReport {
  /** Records modified since the last sweep. */
  readonly changed: number;
  /** Of those, records that were not read after their change, and that no hint waits for: theirs were lost, or are still on the way. */
  readonly missed: number;
  /** Of those, records that nobody has changed since we wrote to them. They are read all the same: our write may lie over a change that was lost. */
  readonly own: number;
  /** Of those, records that wait to be read because a hint told of them. */
  readonly waiting: number;
}

export interface Reconcile {
  /** Compares one connection's records with what was read of them. The same code that processes hints processes what it finds. */
  sweep(connection: Connection): Promise<SweepReport>;
  /** Every connected CRM, one after another; one that cannot be read does not stop the others. */
  sweepAll(signal?: AbortSignal): Promise<void>;
  /** At the usual stroke of the clock: the same, but those that have been quiet for long only now and then. */
  sweepUsual(signal?: AbortSignal): Promise<void>;
  /** Between the strokes: those in trouble, those that came back, and those that a person asked for. */
  sweepSoon(signal?: AbortSignal): Promise<void>;
}

/** When a connection is swept: more often after trouble, less often where all is quiet. */
export function isSweepDue(signs: SweepSigns, stroke: 'usual' | 'soon', now: Instant): boolean {
  const { lastSweep, lastTroubledSweep, firstSweepAt, events } = signs;
  const lastAt = lastSweep?.beganAt ?? null;
  if (lastAt === null) return true;
  const isAsked = events.some(({ kind, at }) => ASKS_FOR_SWEEP.has(kind) && at > lastAt);
  if (isAsked) return true;
  const troubledAt = lastTroubledSweep?.beganAt ?? null;
  if (stroke === 'soon')
    return troubledAt !== null && troubledAt > now - TROUBLE_MS && lastAt <= now - TROUBLE_INTERVAL_MS;
  const isQuiet =
    firstSweepAt !== null &&
    firstSweepAt < now - QUIET_AFTER_MS &&
    (troubledAt === null || troubledAt < now - QUIET_AFTER_MS);
  return !isQuiet || lastAt <= now - QUIET_INTERVAL_MS;
}

type SweepSigns = Pick<SyncSigns, 'lastSweep' | 'lastTroubledSweep' | 'firstSweepAt' | 'events'>;

const ASKS_FOR_SWEEP: ReadonlySet<ConnectionEvent['kind']> = new Set([
  'connected',
  'reconnected',
  'sweep_asked',
  'full_sweep_asked',
]);

/** The answer to hints that never came. Enters where hints enter: it only asks for records to be looked at. */
export function createReconcile({
  newId,
  store,
  clock,
  log,
  openSession,
  place,
  drift,
  answerRequests,
  onAsked,
}: ReconcileDeps): Reconcile {
  async function sweepObject(
    connection: Connection,
    session: CrmSession,
    object: 'deal' | 'contact',
    mark: Instant,
    suspects: Suspect[],
  ): Promise<SweepReport> {
    const { accountId, id: connectionId } = connection;
    const report = { changed: 0, missed: 0, own: 0, waiting: 0 };
    let found: string[] = [];
    const ask = async () => {
      if (found.length === 0) return;
      const wakes: Wake[] = found.map((id) => ({ record: { connectionId, object, id }, at: clock.now() }));
      found = [];
      await store.work.ask(accountId, wakes);
      onAsked();
    };
    let cursor: string | null = null;
    let upTo: number | null = null;
    do {
      const askedAt = clock.now();
      const page = await session.changedSince({ object, since: mark - OVERLAP_MS, cursor });
      // At most: the CRM read its clock after it was asked, however long its answer took.
      const aheadMs = page.asOf - askedAt;
      const readTimes = await store.reads.readTimes(
        accountId,
        connectionId,
        object,
        page.records.map(({ id }) => id),
      );
      const missed = page.records.filter(({ id, modifiedAt }) => {
        const read = readTimes.get(id);
        // Of a record that is gone a CRM tells no time of its own, and a node's clock may be ahead: one that is there again is news.
        return (page.isPresentOnly && read?.isDeleted) || !isSeen(modifiedAt, read);
      });
      found.push(...missed.map(({ id }) => id));
      if (object === 'deal') suspects.push(...missed.flatMap(({ id }) => suspectOf(connection, id, readTimes.get(id))));
      if (found.length >= ASK_TOGETHER) await ask();
      const ids = missed.map(({ id }) => id);
      const heard = ids.length === 0 ? new Set() : await store.sync.heardOf(accountId, connectionId, object, ids);
      const unheard = missed.filter(({ id }) => !heard.has(id));
      const writes = await ownWrites(
        connection,
        session,
        object,
        unheard.map(({ id }) => id),
      );
      const own = unheard.filter(
        ({ id, modifiedAt }) => modifiedAt <= (writes.get(id) ?? -Infinity) + aheadMs + OWN_WRITE_MS,
      ).length;
      report.changed += page.records.length;
      report.missed += unheard.length - own;
      report.own += own;
      report.waiting += heard.size;
      cursor = page.next;
      // By the CRM's own clock: a node's that is ahead would leave a gap that no later sweep looks into.
      upTo ??= page.asOf;
    } while (cursor !== null);
    await ask();
    await store.connections.setSweepMark(accountId, connectionId, { object, upTo }, mark);
    return report;
  }

  /** When we last wrote to which of these. Rows of our own objects leave the record that they are of as it is. */
  async function ownWrites(
    { accountId, id }: Connection,
    { mirrors }: CrmSession,
    object: 'deal' | 'contact',
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, Instant>> {
    if (ids.length === 0 || mirrors !== 'properties') return new Map();
    const states = await store.timeline.mirrorStates(accountId, id, object, ids);
    return new Map([...states].flatMap(([record, { writtenAt }]) => (writtenAt === null ? [] : [[record, writtenAt]])));
  }

  /** What it came to is kept, whatever that was: by it the next one's time is chosen, and an admin sees what events are worth. */
  async function sweep(connection: Connection): Promise<SweepReport> {
    const { accountId, id: connectionId } = connection;
    const beganAt = clock.now();
    const marks = await store.connections.sweepMarks(accountId, connectionId);
    const isFull = SWEPT_OBJECTS.every(
      (object) => (marks.find((mark) => mark.object === object)?.upTo ?? 0) <= connection.connectedAt,
    );
    const note = (found: Pick<SweepReport, 'changed' | 'missed'>, problem: string | null) => {
      const endedAt = clock.now();
      const run = { id: `swp_${newId()}`, beganAt, endedAt, isFull, ...found, problem };
      return store.sync.noteSweep(accountId, connectionId, run, beganAt - KEPT_MS);
    };
    try {
      const report = await sweepThrough(connection);
      await note({ changed: report.changed, missed: report.missed }, null);
      return report;
    } catch (fault) {
      await note({ changed: 0, missed: 0 }, fault instanceof Fault ? fault.publicText : 'unexpected: see the log');
      await drift.failed(connection, fault).catch((err: unknown) => untold(connection, err));
      throw fault;
    }
  }

  function untold(connection: Connection, err: unknown): void {
    log.warn({ connection: connection.id, err }, 'drift not looked at');
  }

  async function sweepThrough(connection: Connection): Promise<SweepReport> {
    const session = openSession(connection);
    const catalog = await session.stages();
    await refreshMapping(store, { stages: async () => catalog }, connection, clock.now());
    const fields = await provision({ store, clock }, session, connection);
    const conflicts = [...fields.conflicts, ...(await showConsent({ store, log }, session, connection))];
    const provisioned = { ...fields, conflicts };
    const marks = await store.connections.sweepMarks(connection.accountId, connection.id);
    const total = { changed: 0, missed: 0, own: 0, waiting: 0 };
    const suspects: Suspect[] = [];
    for (const object of SWEPT_OBJECTS) {
      const mark = marks.find((candidate) => candidate.object === object)?.upTo ?? connection.connectedAt;
      const { changed, missed, own, waiting } = await sweepObject(connection, session, object, mark, suspects);
      total.changed += changed;
      total.missed += missed;
      total.own += own;
      total.waiting += waiting;
    }
    // What it tells of is no reason to put off what the sweep is for.
    await drift.look(connection, { catalog, provisioned, suspects }).catch((err: unknown) => untold(connection, err));
    await removeUnwantedRows({ store, clock, log }, session, connection);
    await place.waiting(connection);
    await answerRequests(connection);
    log.info({ connection: connection.id, ...total, repaired: provisioned.created.length }, 'swept');
    return total;
  }

  async function sweepThose(
    isDue: (connection: Connection) => Promise<boolean>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (const connection of await store.connections.listConnected()) {
      if (signal?.aborted) return;
      await isDue(connection)
        .then((due) => (due ? sweep(connection) : undefined))
        .catch((err: unknown) => {
          const level = err instanceof Fault ? 'warn' : 'error';
          log[level]({ connection: connection.id, err }, 'sweep put off');
        });
    }
  }

  const dueAt =
    (stroke: 'usual' | 'soon') =>
    async ({ accountId, id }: Connection): Promise<boolean> =>
      isSweepDue(await store.sync.sweepSigns(accountId, id), stroke, clock.now());

  return {
    sweep,
    sweepAll: (signal) => sweepThose(async () => true, signal),
    sweepUsual: (signal) => sweepThose(dueAt('usual'), signal),
    sweepSoon: (signal) => sweepThose(dueAt('soon'), signal),
  };
}

/** One whose changes since it was last read can be told apart from those before; a deal that was never read has all of them since the install. */
function suspectOf({ connectedAt }: Connection, dealId: string, read: ReadTime | undefined): Suspect[] {
  if (!read) return [{ dealId, readUpTo: connectedAt }];
  return read.modifiedAt === null ? [] : [{ dealId, readUpTo: Math.max(read.modifiedAt, connectedAt) }];
}

/**
 * Whether what was read of a record includes a change. The CRM's own clock says so exactly when the reading brought the time of the
 * last change along: a change that a hint told of costs no second call. Otherwise two clocks are compared, which may differ: a record
 * read too often costs a call, one read too seldom a reward.
 */
export function isSeen(modifiedAt: number, read: ReadTime | undefined): boolean {
  if (!read) return false;
  if (read.modifiedAt !== null) return read.modifiedAt >= modifiedAt;
  return read.at >= modifiedAt + READ_MARGIN_MS;
}

/** A record read within this time of its change may have been read just before it, by our clock. */
const READ_MARGIN_MS = 60_000;
