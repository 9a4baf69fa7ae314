import { sql } from 'kysely';
import type { Store } from '../application/ports/store.ts';
import { createAccountSettingsStore } from './account-settings.ts';
import { createAccountStore } from './accounts.ts';
import { createAppEventStore } from './app-events.ts';
import { createAppSettingsStore } from './app-settings.ts';
import { createAskStore } from './asks.ts';
import { createAttentionStore } from './attention.ts';
import { createAttributionStore } from './attribution.ts';
import { createAudit } from './audit.ts';
import { createAuditLogStore } from './audit-log.ts';
import { createBackfillStore } from './backfills.ts';
import { createBatchStore } from './batches.ts';
import { createBrandStore } from './brands.ts';
import { createCardActionStore } from './card-actions.ts';
import { createCaseTaskStore, unparkCaseTasks } from './case-tasks.ts';
import { createCaseStore } from './cases.ts';
import { checkFile, type FileCheck } from './check-file.ts';
import { createConnectionStore } from './connections.ts';
import { createConsentStore } from './consents.ts';
import { createCouponStore } from './coupons.ts';
import { createDeskStore } from './desk.ts';
import type { Engine } from './dialect.ts';
import { createDriftStore } from './drift.ts';
import { createDryRunStore } from './dry-runs.ts';
import { createFigureStore } from './figures.ts';
import { createForecastStore } from './forecasts.ts';
import { createHistoryStore } from './history.ts';
import { createIdentityStore } from './identity.ts';
import { createInboxStore } from './inbox.ts';
import { createLeaseStore } from './leases.ts';
import { createLedgerStore } from './ledger.ts';
import { createMemberImportStore } from './member-imports.ts';
import { migrate } from './migrations/migrate.ts';
import { createMirrorStore } from './mirror.ts';
import { createPayoutRecordStore } from './payout-records.ts';
import { createPayoutReportStore } from './payout-reports.ts';
import { createPayoutStore } from './payouts.ts';
import { createPeriodStore } from './periods.ts';
import type { PostgresOptions } from './postgres.ts';
import { createPrivacyStore } from './privacy.ts';
import { createProgramDraftStore } from './program-drafts.ts';
import { createProgramStore } from './programs.ts';
import { createProposalStore } from './proposals.ts';
import { unpark } from './queue.ts';
import { createRateStore } from './rates.ts';
import { createReadStore } from './reads.ts';
import { createRefundStore } from './refunds.ts';
import { createRetentionStore } from './retention.ts';
import { openSqlite } from './sqlite.ts';
import { type GuardedEngine, guardedEngine, storageFaultOf } from './storage-fault.ts';
import { createSyncStore } from './sync.ts';
import { createSyncReportStore } from './sync-reports.ts';
import { createTaxReportStore } from './tax-reports.ts';
import { createTestRunStore } from './test-runs.ts';
import { createTierStore } from './tiers.ts';
import { createTimelineStore } from './timeline.ts';
import { createUserViewStore } from './user-views.ts';
import { createUserStore } from './users.ts';
import { createVitals } from './vitals.ts';
import { createWebhookStore } from './webhooks.ts';
import { createWorkStore } from './work.ts';
import { createCallbackStore, createWorkflowCallStore } from './workflow-actions.ts';

export interface StoreOptions extends PostgresOptions {
  /** `sqlite:./data/wonward.db`, `sqlite::memory:` or `postgres://user:password@host/database`. */
  readonly url: string;
  /** A SQLite file is looked through for damage this long after it was opened; not at all unless given. PostgreSQL has its own ways. */
  readonly checkAfterMs?: number;
  /** False: commits to a SQLite file do not wait for the disk, and a machine that fails may lose the file. For made-up data only. */
  readonly isFlushed?: boolean;
}

/**
 * Opens the database, brings it to this program's version, and makes the directory of a SQLite file.
 *
 * @throws Fault `storage` or `busy`, here and from every method, when the database cannot do its part.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { checkAfterMs } = options;
  const place = placeOf(options.url);
  const path = sqlitePathOf(options.url);
  const opened = await openEngine(options).catch((error: unknown) => {
    throw storageFaultOf(error, place) ?? error;
  });
  const guarded = guardedEngine(opened, place);
  const engine =
    checkAfterMs === undefined || path === null || path === ':memory:' ? guarded : checked(guarded, path, checkAfterMs);
  try {
    await migrate(engine);
    await engine.prepare();
  } catch (error) {
    await engine.close();
    throw error;
  }
  return createStore(engine);
}

export async function openEngine({ url, ...options }: StoreOptions): Promise<Engine> {
  if (/^postgres(ql)?:\/\//.test(url)) {
    // Its driver and job queue are a hundred files that a node on SQLite never needs.
    const { openPostgres } = await import('./postgres.ts');
    return openPostgres(url, options);
  }
  const path = sqlitePathOf(url);
  if (path !== null) return openSqlite(path, { isFlushed: options.isFlushed ?? true });
  // The URL may hold a password, so the message does not repeat it.
  throw new Error('The database URL must begin with sqlite: or postgres://');
}

/** The file of a SQLite URL, `:memory:` for none; null for another kind of database. */
export function sqlitePathOf(url: string): string | null {
  return /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(url)?.[1] ?? null;
}

/** The same engine; it is closed to writing when the check of its file finds damage. */
function checked(engine: GuardedEngine, path: string, afterMs: number): Engine {
  let check: FileCheck | undefined;
  const timer = setTimeout(() => {
    check = checkFile(path);
    void check.problems.then(([problem]) => {
      if (problem !== undefined) engine.condemn(problem);
    });
  }, afterMs);
  timer.unref();
  return {
    ...engine,
    async close() {
      clearTimeout(timer);
      await check?.stop();
      await engine.close();
    },
  };
}

/** What a message calls the database: its file or its server, without a password. */
function placeOf(url: string): string {
  const path = sqlitePathOf(url);
  if (path !== null) return path;
  const { hostname = '', port = '', pathname = '' } = URL.canParse(url) ? new URL(url) : {};
  return `${hostname}${port === '' ? '' : `:${port}`}${pathname}`;
}

export function createStore(engine: Engine): Store {
  return {
    accounts: createAccountStore(engine),
    users: createUserStore(engine),
    auditLog: createAuditLogStore(engine),
    connections: createConnectionStore(engine),
    cardActions: createCardActionStore(engine),
    asks: createAskStore(engine),
    programs: createProgramStore(engine),
    programDrafts: createProgramDraftStore(engine),
    rates: createRateStore(engine),
    dryRuns: createDryRunStore(engine),
    proposals: createProposalStore(engine),
    drift: createDriftStore(engine),
    inbox: createInboxStore(engine),
    work: createWorkStore(engine),
    cases: createCaseStore(engine),
    desk: createDeskStore(engine),
    attention: createAttentionStore(engine),
    ledger: createLedgerStore(engine),
    figures: createFigureStore(engine),
    periods: createPeriodStore(engine),
    taxReports: createTaxReportStore(engine),
    forecasts: createForecastStore(engine),
    appSettings: createAppSettingsStore(engine),
    caseTasks: createCaseTaskStore(engine),
    payouts: createPayoutStore(engine),
    payoutRecords: createPayoutRecordStore(engine),
    coupons: createCouponStore(engine),
    batches: createBatchStore(engine),
    refunds: createRefundStore(engine),
    payoutReports: createPayoutReportStore(engine),
    mirror: createMirrorStore(engine),
    workflowCalls: createWorkflowCallStore(engine),
    callbacks: createCallbackStore(engine),
    appEvents: createAppEventStore(engine),
    webhooks: createWebhookStore(engine),
    reads: createReadStore(engine),
    timeline: createTimelineStore(engine),
    userViews: createUserViewStore(engine),
    accountSettings: createAccountSettingsStore(engine),
    brands: createBrandStore(engine),
    consents: createConsentStore(engine),
    retention: createRetentionStore(engine),
    tiers: createTierStore(engine),
    attribution: createAttributionStore(engine),
    identity: createIdentityStore(engine),
    backfills: createBackfillStore(engine),
    history: createHistoryStore(engine),
    memberImports: createMemberImportStore(engine),
    privacy: createPrivacyStore(engine),
    testRuns: createTestRunStore(engine),
    leases: createLeaseStore(engine),
    vitals: createVitals(engine),
    sync: createSyncStore(engine),
    syncReports: createSyncReportStore(engine),
    shared: engine.shared,
    audited: (now, run) => engine.snapshot((session) => run(createAudit(session, now))),
    retryParked: (accountId, now) =>
      engine.write(async (session) => {
        let count = 0;
        for (const table of ['work', 'intents', 'mirror', 'workflow_waits', 'app_events'] as const)
          count += await unpark(session, table, accountId, now);
        return count + (await unparkCaseTasks(session, accountId, null, now));
      }),
    ping: () =>
      engine.write(async ({ db }) => {
        // A write, since a disk that is full or read-only still reads.
        await sql`update probe set beats = beats + 1 where id = 1`.execute(db);
      }),
    close: () => engine.close(),
  };
}
