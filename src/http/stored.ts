import type { Store } from '../application/ports/store.ts';
import type { AppDeps } from './app.ts';

/** What routes read and write without a use case between, by the names that they know it by. */
export function storedOf(store: Store): AppDeps['store'] {
  return {
    reads: store.reads,
    connections: store.connections,
    programs: store.programs,
    dryRuns: store.dryRuns,
    refunds: store.refunds,
    cases: store.desk,
    ledger: store.ledger,
    tierChanges: store.tiers,
    attribution: store.attribution,
    identity: store.identity,
    programDrafts: store.programDrafts,
    rates: store.rates,
    storedBackfills: store.backfills,
    storedHistory: store.history,
    storedImports: store.memberImports,
    storedAccounts: store.accounts,
    users: store.users,
    auditLog: store.auditLog,
    storedPrivacy: store.privacy,
    userViews: store.userViews,
    storedWebhooks: store.webhooks,
  };
}
