import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { ApiUse, CrmSession } from './ports/crm.ts';
import type {
  Connection,
  ConnectionEvent,
  KeptSyncReport,
  Store,
  SweepRun,
  SyncCount,
  SyncQueue,
  SyncSigns,
} from './ports/store.ts';
import { causeOf, LAG_BOUNDS_MS } from './sync-pulse.ts';

/** What figures of the past are told over. */
export const HEALTH_SPAN_MS = 86_400_000;

/** What waits for longer than this is told: a retry waits ten minutes at most. */
const LATE_MS = 15 * 60_000;

/** Six sweeps at five minutes each, as in the alert of the same name. */
const SWEEP_LATE_MS = 30 * 60_000;

/** Of what changed, so much that nobody told of: a webhook that is lost now and then is what the sweep is for. */
const LOSS_SHARE = 0.05;
/** Fewer than this say nothing about a share. */
const LOSS_COUNT_MIN = 5;

/** Of the vendor's limit, used up. */
const USE_SHARE = 0.8;

/** Of a number of things, how long they took. Medians and the like are upper bounds: 5000 says "at most five seconds". */
export interface LagView {
  readonly count: number;
  /** Null: longer than a day. */
  readonly medianMs: number | null;
  /** Of 95 in a hundred. */
  readonly p95Ms: number | null;
  /** Exactly. */
  readonly maxMs: number;
  readonly meanMs: number;
}

export interface BacklogView {
  readonly waiting: number;
  /** How long the one has waited that has waited longest; null when none does. */
  readonly oldestMs: number | null;
  readonly parked: number;
}

export interface FailureView {
  readonly queue: 'decisions' | 'mirror' | 'tasks' | 'timelines';
  /** A fault's code, such as `crm_unavailable`. */
  readonly cause: string;
  /** In words. */
  readonly error: string;
  readonly count: number;
  /** Left for a person. */
  readonly isParked: boolean;
}

export type HealthProblemCode =
  | 'disconnected'
  | 'no_token'
  | 'parked'
  | 'decisions_late'
  | 'mirror_late'
  | 'sweep_late'
  | 'sweep_failed'
  | 'webhooks_lost'
  | 'api_limit_near'
  | 'unexplained'
  | 'mirror_differs';

/** What stops more than one record, or needs a person's hand. */
export const PRESSING: readonly HealthProblemCode[] = ['no_token', 'parked', 'sweep_failed', 'unexplained'];

export interface HealthProblem {
  readonly code: HealthProblemCode;
  /** What is wrong and what to do about it, for an admin. */
  readonly words: string;
}

/** How a connection does: what needs attention first, then the figures behind it. */
export interface SyncHealth {
  readonly connectionId: string;
  readonly at: Instant;
  /** `well`: nothing to do. `attention`: somebody should look. `broken`: nothing is synchronised. */
  readonly verdict: 'well' | 'attention' | 'broken';
  readonly problems: readonly HealthProblem[];
  /** Over the last day: from an event in the CRM to its decision, and from the decision until the CRM shows it. */
  readonly lag: { readonly toDecision: LagView | null; readonly toMirror: LagView | null };
  readonly backlog: {
    readonly decisions: BacklogView;
    readonly mirror: BacklogView;
    readonly tasks: Pick<BacklogView, 'parked'>;
    readonly timelines: Pick<BacklogView, 'parked'>;
  };
  /** What stands in the way now. */
  readonly failing: readonly FailureView[];
  /** What was put back over the last day, by cause. */
  readonly failures: ReadonlyArray<{ readonly cause: string; readonly count: number }>;
  readonly api: {
    /** Of the last day, by answer; of all nodes. */
    readonly calls: {
      readonly ok: number;
      readonly limited: number;
      readonly refused: number;
      readonly failed: number;
      readonly noAnswer: number;
    };
    /** Against the vendor's limit, as this node knows it; null until it has called. */
    readonly use: ApiUse | null;
  };
  readonly lastReceivedAt: Instant | null;
  readonly sweep: {
    readonly last: SweepRun | null;
    readonly lastTroubled: SweepRun | null;
    readonly sweptTo: ReadonlyArray<{ readonly object: 'contact' | 'deal'; readonly upTo: Instant }>;
    /** Over the last day. */
    readonly runs: number;
    readonly failed: number;
  };
  /** Of the changes of the last day: how many an event told of, how many the sweep alone has found. */
  readonly loss: { readonly heard: number; readonly missed: number; readonly share: number | null };
  readonly token: {
    /** `renews`: the access token is over, the next call renews it. `none`: an admin has to connect again. */
    readonly state: 'valid' | 'renews' | 'none';
    readonly expiresAt: Instant | null;
  };
  /** The newest of each kind, newest first. */
  readonly events: readonly ConnectionEvent[];
  /** The last comparison with the CRM; null when none was made. */
  readonly lastReport: Pick<KeptSyncReport, 'id' | 'madeAt' | 'counts'> | null;
}

export interface SyncHealthDeps {
  readonly store: Pick<Store, 'sync' | 'syncReports' | 'connections'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly openSession: (connection: Connection) => Pick<CrmSession, 'apiUse'>;
}

/** Null when the account has no such connection. */
export type SyncHealthOf = (accountId: string, connectionId: string) => Promise<SyncHealth | null>;

/** Asks the store and no CRM: cheap enough for a page that is looked at all day. */
export function createSyncHealth({ store, clock, openSession }: SyncHealthDeps): SyncHealthOf {
  return async (accountId, connectionId) => {
    const connection = await store.connections.get(accountId, connectionId);
    if (!connection) return null;
    const now = clock.now();
    const signs = await store.sync.signs(accountId, connectionId, now - HEALTH_SPAN_MS, now);
    const tokens = await store.connections.tokens(accountId, connectionId);
    const lastReport = await store.syncReports.newest(accountId, connectionId);
    const use = connection.status === 'connected' ? (openSession(connection).apiUse?.() ?? null) : null;
    const heard = sumOf(signs.counts, 'decision_lag');
    const { missed } = signs.swept;
    const health: Omit<SyncHealth, 'verdict' | 'problems'> = {
      connectionId,
      at: now,
      lag: { toDecision: lagOf(signs.counts, 'decision_lag'), toMirror: lagOf(signs.counts, 'mirror_lag') },
      backlog: {
        decisions: backlogOf(signs.decisions, now),
        mirror: backlogOf(signs.mirror, now),
        tasks: { parked: signs.tasks.parked },
        timelines: { parked: signs.timelines.parked },
      },
      failing: [
        ...failingOf('decisions', signs.decisions),
        ...failingOf('mirror', signs.mirror),
        ...failingOf('tasks', signs.tasks),
        ...failingOf('timelines', signs.timelines),
      ],
      failures: signs.counts
        .filter(({ measure }) => measure === 'failures')
        .map(({ label, n }) => ({ cause: label, count: n }))
        .sort((a, b) => b.count - a.count),
      api: { calls: callsOf(signs.counts), use },
      lastReceivedAt: signs.lastReceivedAt,
      sweep: {
        last: signs.lastSweep,
        lastTroubled: signs.lastTroubledSweep,
        sweptTo: signs.sweptTo,
        runs: signs.swept.runs,
        failed: signs.swept.failed,
      },
      loss: { heard, missed, share: heard + missed === 0 ? null : missed / (heard + missed) },
      token: {
        state: !tokens || connection.status !== 'connected' ? 'none' : tokens.expiresAt > now ? 'valid' : 'renews',
        expiresAt: tokens?.expiresAt ?? null,
      },
      events: signs.events.toSorted((a, b) => b.at - a.at),
      lastReport,
    };
    const problems = problemsOf(connection, health, signs, now);
    const isBroken = problems.some(({ code }) => code === 'disconnected' || code === 'no_token');
    return { ...health, problems, verdict: isBroken ? 'broken' : problems.length > 0 ? 'attention' : 'well' };
  };
}

function problemsOf(
  connection: Connection,
  { backlog, loss, token, api, lastReport }: Omit<SyncHealth, 'verdict' | 'problems'>,
  { lastSweep }: SyncSigns,
  now: Instant,
): HealthProblem[] {
  const problems: HealthProblem[] = [];
  const say = (code: HealthProblemCode, words: string) => void problems.push({ code, words });
  if (connection.status === 'disconnected') {
    const waiting = backlog.decisions.waiting + backlog.mirror.waiting;
    say(
      'disconnected',
      `${connection.statusReason ?? 'The CRM is not connected.'} What waits is kept (${waiting}); connect again, and what changed meanwhile is read.`,
    );
    return problems;
  }
  if (token.state === 'none') say('no_token', 'There is no authorisation any more. Connect the CRM again.');
  const parked = backlog.decisions.parked + backlog.mirror.parked + backlog.tasks.parked + backlog.timelines.parked;
  if (parked > 0)
    say('parked', `Not finished, waiting for a person: ${parked}. Mend what each of them names, then retry it.`);
  if ((backlog.decisions.oldestMs ?? 0) > LATE_MS)
    say('decisions_late', `A change has waited for its decision for ${minutes(backlog.decisions.oldestMs)} minutes.`);
  if ((backlog.mirror.oldestMs ?? 0) > LATE_MS)
    say('mirror_late', `A record has not shown what it should for ${minutes(backlog.mirror.oldestMs)} minutes.`);
  const sweptAgo = now - (lastSweep?.beganAt ?? connection.connectedAt);
  if (lastSweep?.problem) say('sweep_failed', `The last search for lost events did not end: ${lastSweep.problem}`);
  if (sweptAgo > SWEEP_LATE_MS)
    say(
      'sweep_late',
      `Lost events were not searched for for ${minutes(sweptAgo)} minutes. Is the service's schedule running?`,
    );
  if (loss.missed >= LOSS_COUNT_MIN && (loss.share ?? 0) >= LOSS_SHARE)
    say(
      'webhooks_lost',
      `Of ${loss.heard + loss.missed} changes of the last day ${loss.missed} came without an event and were found by the search. Nothing is lost, but it is found late: look whether the CRM reaches Wonward.`,
    );
  if (api.use && api.use.used >= api.use.limit * USE_SHARE)
    say(
      'api_limit_near',
      `${api.use.used} of ${api.use.limit} API calls are used. Wonward waits when there are none left.`,
    );
  const { unexplained = 0, different = 0 } = lastReport?.counts ?? {};
  if (unexplained > 0)
    say('unexplained', `Records that no decision explains, by the last comparison with the CRM: ${unexplained}.`);
  if (different > 0)
    say(
      'mirror_differs',
      `Records that showed something else than they should, by the last comparison: ${different}. They were written again.`,
    );
  return problems;
}

function minutes(ms: number | null): number {
  return Math.round((ms ?? 0) / 60_000);
}

function sumOf(counts: readonly SyncCount[], measure: SyncCount['measure']): number {
  return counts.reduce((sum, count) => sum + (count.measure === measure ? count.n : 0), 0);
}

function lagOf(counts: readonly SyncCount[], measure: SyncCount['measure']): LagView | null {
  const own = counts.filter((count) => count.measure === measure);
  const count = own.reduce((sum, { n }) => sum + n, 0);
  if (count === 0) return null;
  const byBound = new Map(own.map(({ label, n }) => [label, n]));
  const boundOf = (share: number): number | null => {
    let seen = 0;
    for (const bound of LAG_BOUNDS_MS) {
      seen += byBound.get(String(bound)) ?? 0;
      if (seen >= count * share) return bound;
    }
    return null;
  };
  return {
    count,
    medianMs: boundOf(0.5),
    p95Ms: boundOf(0.95),
    maxMs: Math.max(...own.map(({ peak }) => peak)),
    meanMs: Math.round(own.reduce((sum, { total }) => sum + total, 0) / count),
  };
}

function callsOf(counts: readonly SyncCount[]): SyncHealth['api']['calls'] {
  const of = (label: string) => counts.find((count) => count.measure === 'calls' && count.label === label)?.n ?? 0;
  return {
    ok: of('ok'),
    limited: of('limited'),
    refused: of('refused'),
    failed: of('failed'),
    noAnswer: of('no_answer'),
  };
}

function backlogOf({ waiting, oldestAt, parked }: SyncQueue, now: Instant): BacklogView {
  return { waiting, oldestMs: oldestAt === null ? null : Math.max(0, now - oldestAt), parked };
}

function failingOf(queue: FailureView['queue'], { failures }: Pick<SyncQueue, 'failures'>): FailureView[] {
  return failures.map(({ error, count, isParked }) => ({ queue, cause: causeOf(error), error, count, isParked }));
}
