import type { Act } from '../../application/act.ts';
import type { Connect } from '../../application/connect.ts';
import type { ConnectionStore, ProgramDraftStore, ProgramStore, ReadStore } from '../../application/ports/store.ts';
import type { Publish } from '../../application/publish.ts';
import type { Review } from '../../application/review.ts';
import type { Clock } from '../../platform/clock.ts';
import { type AccountDeps, account } from './account.ts';
import { type AppSettingsDeps, appSettings } from './app-settings.ts';
import { type AttentionDeps, attention } from './attention.ts';
import { type AttributionDeps, attribution } from './attribution.ts';
import { type AuditLogDeps, auditLog } from './audit-log.ts';
import { type AutopilotDeps, autopilot } from './autopilot.ts';
import { type BackfillsApiDeps, backfills } from './backfills.ts';
import { type BrandDeps, brand } from './brand.ts';
import { type CasesDeps, cases } from './cases.ts';
import { configurationFile } from './configuration.ts';
import { connections } from './connections.ts';
import { type ConnectionsPolicyDeps, connectionsPolicy } from './connections-policy.ts';
import { type ConsentTextsApiDeps, consentTexts } from './consent-texts.ts';
import { decisions } from './decisions.ts';
import { type DriftDeps, drift } from './drift.ts';
import { type FiguresApiDeps, figures } from './figures.ts';
import { type ForecastApiDeps, forecast } from './forecast.ts';
import { type HistoryApiDeps, history } from './history.ts';
import { type LedgerDeps, ledger } from './ledger.ts';
import { type MappingDeps, mapping } from './mapping.ts';
import { type MemberImportsApiDeps, memberImports } from './member-imports.ts';
import { members } from './members.ts';
import type { Operation } from './operation.ts';
import { type PayoutBatchesApiDeps, payoutBatches } from './payout-batches.ts';
import { type PayoutReportsApiDeps, payoutReports } from './payout-reports.ts';
import { type PayoutsDeps, payouts } from './payouts.ts';
import { type PeopleDeps, people } from './people.ts';
import { type PeriodsApiDeps, periods } from './periods.ts';
import { policies } from './policies.ts';
import { programDrafts } from './program-drafts.ts';
import { programs } from './programs.ts';
import { type ProvidersDeps, providers } from './providers.ts';
import { type RatesDeps, rates } from './rates.ts';
import { type ReceivablesDeps, receivables } from './receivables.ts';
import { referrals } from './referrals.ts';
import { type RefundsApiDeps, refunds } from './refunds.ts';
import { type RetentionApiDeps, retention } from './retention.ts';
import { rewards } from './rewards.ts';
import { type SyncApiDeps, sync } from './sync.ts';
import { type TaxApiDeps, tax } from './tax.ts';
import { type TestRunsApiDeps, testRuns } from './test-runs.ts';
import { type TiersDeps, tiers } from './tiers.ts';
import { type TimelineDeps, timeline } from './timeline.ts';
import { type UserViewsDeps, userViews } from './user-views.ts';
import { type UsersDeps, users } from './users.ts';
import { type WebhookEndpointsDeps, webhookEndpoints } from './webhook-endpoints.ts';

export interface OperationsDeps
  extends ProvidersDeps,
    PayoutsDeps,
    RatesDeps,
    CasesDeps,
    TiersDeps,
    AttributionDeps,
    Pick<ConnectionsPolicyDeps, 'identity'>,
    MappingDeps,
    AutopilotDeps,
    DriftDeps,
    PayoutBatchesApiDeps,
    PayoutReportsApiDeps,
    RefundsApiDeps,
    Pick<BackfillsApiDeps, 'backfills' | 'storedBackfills'>,
    Pick<HistoryApiDeps, 'history' | 'storedHistory'>,
    Omit<MemberImportsApiDeps, 'consentTexts'>,
    Pick<ReceivablesDeps, 'writeOff' | 'ledger'>,
    Omit<LedgerDeps, 'reads'>,
    Pick<PeriodsApiDeps & TaxApiDeps, 'finance'>,
    ForecastApiDeps,
    SyncApiDeps,
    AttentionDeps,
    AppSettingsDeps,
    UsersDeps,
    AccountDeps,
    AuditLogDeps,
    Pick<PeopleDeps, 'privacy' | 'storedPrivacy'>,
    Pick<TimelineDeps, 'referralTimeline' | 'crmRecords'>,
    Pick<FiguresApiDeps, 'figures'>,
    BrandDeps,
    ConsentTextsApiDeps,
    RetentionApiDeps,
    Pick<UserViewsDeps, 'userViews'>,
    Pick<TestRunsApiDeps, 'testRuns'>,
    WebhookEndpointsDeps {
  readonly publicUrl: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly act: Act;
  readonly connect: Pick<
    Connect,
    'begin' | 'provision' | 'disconnect' | 'setDuplicateRules' | 'setCallShare' | 'setCardActors'
  >;
  readonly reads: Pick<
    ReadStore,
    | 'members'
    | 'member'
    | 'referrals'
    | 'referral'
    | 'decisions'
    | 'rewards'
    | 'reward'
    | 'touches'
    | 'balances'
    | 'balancesOf'
    | 'deals'
    | 'health'
    | 'people'
  >;
  readonly connections: Pick<ConnectionStore, 'get' | 'list'>;
  readonly programs: ProgramStore;
  readonly programDrafts: ProgramDraftStore;
  readonly review: Review;
  readonly publish: Publish;
  readonly onBudget: () => void;
}

/** Everything that /api/v1 can do, in the order of the documentation. */
export function operations(deps: OperationsDeps): Operation[] {
  return [
    ...members(deps),
    ...referrals(deps),
    ...tiers(deps),
    ...attribution(deps),
    ...decisions(deps),
    ...rewards(deps),
    ...cases(deps),
    ...ledger(deps),
    ...connections(deps),
    ...connectionsPolicy(deps),
    ...mapping(deps),
    ...autopilot(deps),
    ...drift(deps),
    ...policies(deps),
    ...programs(deps),
    ...programDrafts(deps),
    ...rates(deps),
    ...providers(deps),
    ...payouts(deps),
    ...payoutBatches(deps),
    ...receivables(deps),
    ...refunds(deps),
    ...payoutReports(deps),
    ...backfills(deps),
    ...history(deps),
    ...memberImports(deps),
    ...sync(deps),
    ...attention(deps),
    ...appSettings(deps),
    ...account(deps),
    ...users(deps),
    ...auditLog(deps),
    ...people(deps),
    ...timeline(deps),
    ...userViews(deps),
    ...figures(deps),
    ...webhookEndpoints(deps),
    ...brand(deps),
    ...consentTexts(deps),
    ...retention(deps),
    ...configurationFile(deps),
    ...periods(deps),
    ...tax(deps),
    ...forecast(deps),
    ...testRuns(deps),
  ];
}
