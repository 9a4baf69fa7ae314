import { bySeverity, type Case, type CaseKind, type Severity } from '../domain/case.ts';
import type { MappedStage } from '../domain/mapping.ts';
import type { Money } from '../domain/money.ts';
import type { ProgramVersion } from '../domain/program.ts';
import type { Permission } from '../domain/roles.ts';
import type { Instant } from '../domain/time.ts';
import type { BudgetEntry, Connection, Store } from './ports/store.ts';
import { PRESSING, type SyncHealthOf } from './sync-health.ts';

/** Nobody works off more than these without opening the list itself; more are said to be more. */
const COUNTED_MAX = 200;
/** Of what was put in last: below a fifth there is still time to fill a budget before a reward has to wait. */
const LOW_PERCENT = 20n;

/**
 * What somebody has to do, by what it is about.
 * - `no_connection`, `disconnected`, `sync`, `drift`: the connections · `mapping_unread`, `no_won_stage`: what their stages mean
 * - `no_program`: nothing says who gets what · `budget_low`, `budget_spent`: what a program may still grant
 * - `reviews`, `disputes`, `alerts`: cases that wait · `payouts_parked`, `payouts_failed`, `batches`: money that waits for a hand
 */
export const ATTENTION_CODES = [
  'no_connection',
  'disconnected',
  'no_program',
  'mapping_unread',
  'no_won_stage',
  'sync',
  'drift',
  'reviews',
  'disputes',
  'alerts',
  'payouts_parked',
  'payouts_failed',
  'batches',
  'budget_low',
  'budget_spent',
] as const;
export type AttentionCode = (typeof ATTENTION_CODES)[number];

export interface AttentionItem {
  readonly code: AttentionCode;
  readonly severity: Severity;
  /** What it takes to do something about it, and to be told. */
  readonly needs: Permission;
  /** How many; null where it is one thing. */
  readonly count: number | null;
  /** There are more than were counted. */
  readonly isMore: boolean;
  /** Of these, whose time is over. */
  readonly overdue: number;
  /** When the next one's time is over. */
  readonly nextDueAt: Instant | null;
  readonly connection: Pick<Connection, 'id' | 'provider' | 'externalId'> | null;
  readonly program: Pick<ProgramVersion, 'programId' | 'name'> | null;
  /** A pipeline's label, a budget's rest, the problem of a sync. */
  readonly pipeline: string | null;
  readonly left: Money | null;
  /** In words for an admin, where the service has some that are not a sentence of this list. */
  readonly detail: string | null;
}

export interface AttentionDeps {
  readonly store: Pick<Store, 'attention' | 'batches' | 'connections' | 'programs' | 'reads'>;
  readonly syncHealth: SyncHealthOf;
}

/**
 * All that waits for somebody in an account, over all of its connections, the most urgent first. Reads no more of any list than is
 * counted, however long it is.
 *
 * @param may what the person who asks may do: they are told of nothing that others have to do
 */
export type AttentionOf = (accountId: string, may: ReadonlySet<Permission>) => Promise<AttentionItem[]>;

export function createAttention({ store, syncHealth }: AttentionDeps): AttentionOf {
  return async (accountId, may) => {
    const when = (needs: Permission, read: () => Promise<AttentionItem[]>) => (may.has(needs) ? read() : []);
    const parts = await Promise.all([
      when('connections.read', () => ofConnections(accountId)),
      when('review.decide', async () => casesIn(await store.attention.openCases(accountId, COUNTED_MAX + 1))),
      when('money.read', () => ofMoney(accountId)),
      when('programs.read', () => ofPrograms(accountId)),
    ]);
    return parts.flat().sort(byUrgency);
  };

  async function ofConnections(accountId: string): Promise<AttentionItem[]> {
    const connections = await store.connections.list(accountId);
    if (connections.length === 0) return [item('no_connection', 'high', 'connections.read')];
    const parts = await Promise.all(connections.map(ofConnection));
    return parts.flat();
  }

  async function ofConnection(connection: Connection): Promise<AttentionItem[]> {
    const { accountId, id, provider, externalId } = connection;
    const of = { connection: { id, provider, externalId } };
    if (connection.status !== 'connected')
      return [item('disconnected', 'urgent', 'connections.read', { ...of, detail: connection.statusReason })];
    const [mapping, health] = await Promise.all([store.connections.mapping(accountId, id), syncHealth(accountId, id)]);
    const entries = mapping?.entries ?? [];
    return [
      ...(entries.length === 0 ? [item('mapping_unread', 'normal', 'connections.read', of)] : []),
      ...pipelinesWithoutWon(entries).map(({ label }) =>
        item('no_won_stage', 'normal', 'connections.read', { ...of, pipeline: label }),
      ),
      ...(health?.problems ?? []).map(({ code, words }) =>
        item('sync', PRESSING.includes(code) ? 'high' : 'normal', 'connections.read', { ...of, detail: words }),
      ),
    ];
  }

  async function ofMoney(accountId: string): Promise<AttentionItem[]> {
    const [parked, failed, batches] = await Promise.all([
      store.attention.parkedOrders(accountId, COUNTED_MAX + 1),
      store.reads.rewards(accountId, { limit: COUNTED_MAX, cursor: null }, { state: 'failed' }),
      store.batches.batches(accountId),
    ]);
    const waiting = batches.filter(({ cutAt, approvedAt }) => cutAt !== null && approvedAt === null);
    return [
      ...counted('payouts_parked', 'high', 'money.read', parked.length),
      ...counted('payouts_failed', 'high', 'money.read', failed.items.length, failed.next !== null),
      ...counted('batches', 'normal', 'money.read', waiting.length),
    ];
  }

  async function ofPrograms(accountId: string): Promise<AttentionItem[]> {
    const newest = new Map((await store.programs.versions(accountId)).map((one) => [one.programId, one]));
    const running = [...newest.values()].filter(({ isRetired }) => !isRetired);
    if (running.length === 0) return [item('no_program', 'high', 'programs.read')];
    const parts = await Promise.all(
      running.map(async ({ programId, name }) => {
        const budget = await store.programs.budget(accountId, programId, { limit: COUNTED_MAX, cursor: null });
        return (budget?.left ?? []).flatMap((left) => {
          const code = budgetCode(left, budget?.entries.items ?? []);
          const severity = code === 'budget_spent' ? 'high' : 'normal';
          return code === null ? [] : [item(code, severity, 'programs.read', { program: { programId, name }, left })];
        });
      }),
    );
    return parts.flat();
  }
}

/** Pipelines in which no deal can be won. */
export function pipelinesWithoutWon(entries: readonly MappedStage[]): Array<{ id: string; label: string }> {
  const pipelines = Map.groupBy(entries, ({ pipelineId }) => pipelineId);
  return [...pipelines].flatMap(([id, stages]) =>
    stages.some(({ stage }) => stage === 'won') ? [] : [{ id, label: stages[0]?.pipelineLabel ?? id }],
  );
}

/** Measured by what was put in last, which is what somebody thought to be enough for a while. */
export function budgetCode(
  left: Money,
  entries: ReadonlyArray<Pick<BudgetEntry, 'money'>>,
): 'budget_low' | 'budget_spent' | null {
  if (left.minor <= 0n) return 'budget_spent';
  const last = entries.find(({ money }) => money.currency === left.currency);
  return last && left.minor * 100n < last.money.minor * LOW_PERCENT ? 'budget_low' : null;
}

const CODE_OF: Readonly<Record<CaseKind, AttentionCode>> = { review: 'reviews', dispute: 'disputes', alert: 'alerts' };

/** How many of each kind wait. What a connection's drift has opened is mended with its mapping, and told apart. */
function casesIn(open: readonly Case[]): AttentionItem[] {
  const isMore = open.length > COUNTED_MAX;
  const groups = Map.groupBy(open.slice(0, COUNTED_MAX), ({ kind, topic }) =>
    topic.startsWith('drift_') ? 'drift' : CODE_OF[kind],
  );
  return [...groups].map(([code, cases]) => {
    const overdue = cases.filter(({ isOverdue }) => isOverdue).length;
    const dues = cases.flatMap(({ dueAt }) => dueAt ?? []);
    const gravest = cases.map(({ severity }) => severity).sort(bySeverity)[0] ?? 'normal';
    return item(code, overdue > 0 ? 'urgent' : gravest, 'review.decide', {
      count: cases.length,
      isMore,
      overdue,
      nextDueAt: dues.length === 0 ? null : Math.min(...dues),
    });
  });
}

function counted(
  code: AttentionCode,
  severity: Severity,
  needs: Permission,
  count: number,
  isMore = count > COUNTED_MAX,
): AttentionItem[] {
  return count === 0 ? [] : [item(code, severity, needs, { count: Math.min(count, COUNTED_MAX), isMore })];
}

function item(
  code: AttentionCode,
  severity: Severity,
  needs: Permission,
  told: Partial<AttentionItem> = {},
): AttentionItem {
  return {
    code,
    severity,
    needs,
    count: null,
    isMore: false,
    overdue: 0,
    nextDueAt: null,
    connection: null,
    program: null,
    pipeline: null,
    left: null,
    detail: null,
    ...told,
  };
}

function byUrgency(a: AttentionItem, b: AttentionItem): number {
  return bySeverity(a.severity, b.severity) || ATTENTION_CODES.indexOf(a.code) - ATTENTION_CODES.indexOf(b.code);
}
