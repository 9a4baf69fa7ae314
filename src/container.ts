import { randomUUID } from 'node:crypto';
import { type AccountBrand, createAccountBrand } from './application/account-brand.ts';
import { type Accounts, createAccounts } from './application/accounts.ts';
import { type Act, createAct } from './application/act.ts';
import { type AppSettingsDesk, createAppSettings } from './application/app-settings.ts';
import { type AttentionOf, createAttention } from './application/attention.ts';
import { type Autopilot, createAutopilot } from './application/autopilot.ts';
import { type Backfills, createBackfills } from './application/backfill.ts';
import { createCard } from './application/card.ts';
import { type CardActions, createCardActions } from './application/card-actions.ts';
import { createCaseTasks } from './application/case-tasks.ts';
import { createCompanyCard } from './application/company-card.ts';
import { type Connect, createConnect } from './application/connect.ts';
import { type ConsentTexts, createConsentTexts } from './application/consent-texts.ts';
import { createConsoleLinks } from './application/console-links.ts';
import { createCrmActions } from './application/crm-actions.ts';
import { type CrmRecords, createCrmRecords } from './application/crm-records.ts';
import { createAnswerRequests } from './application/crm-requests.ts';
import { createCutBatches } from './application/cut-batches.ts';
import { createDealCard } from './application/deal-card.ts';
import { createDeliver } from './application/deliver.ts';
import { createDesk, type Desk } from './application/desk.ts';
import { createDeskEffects, type DeskEffects } from './application/desk-effects.ts';
import { createDriftWatch, type DriftWatch } from './application/drift-watch.ts';
import { createFigures, type Figures } from './application/figures.ts';
import { createFinance, type Finance } from './application/finance.ts';
import { createForecasts, type Forecasts } from './application/forecasts.ts';
import { createHistory, type History } from './application/history.ts';
import { createHome } from './application/home.ts';
import { createListen } from './application/listen.ts';
import { createMappings, type Mappings } from './application/mapping.ts';
import { createMemberImports, type MemberImports } from './application/member-import.ts';
import { createNextAsks } from './application/next-asks.ts';
import { createPayoutAccounts, type PayoutAccounts } from './application/payout-accounts.ts';
import { createPayoutBatches, type PayoutBatches } from './application/payout-batches.ts';
import { createPayoutDesk, type PayoutDesk } from './application/payout-desk.ts';
import { createPayoutNews, type PayoutNewsDesk } from './application/payout-news.ts';
import { createPayoutOrders } from './application/payout-orders.ts';
import { createPayoutReports, type PayoutReports } from './application/payout-reports.ts';
import { createPlace } from './application/place.ts';
import type { CrmConnector } from './application/ports/crm.ts';
import type { SendLetter } from './application/ports/mail.ts';
import type { Observe, ObserveStream, ObserveWebhooks } from './application/ports/observe.ts';
import type { PayoutProvider } from './application/ports/payout.ts';
import type { Connection, Hop, Store } from './application/ports/store.ts';
import type { SendWebhook } from './application/ports/webhook.ts';
import { createPrivacy, type Privacy } from './application/privacy.ts';
import { createProcess } from './application/process.ts';
import { createPrune } from './application/prune.ts';
import { createPublish, type Publish } from './application/publish.ts';
import { createPublishAttribution, type PublishAttribution } from './application/publish-attribution.ts';
import { createReattribute, type Reattribute } from './application/re-attribute.ts';
import { createReceive } from './application/receive.ts';
import { createReconcile, type Reconcile } from './application/reconcile.ts';
import { createReconciliation, type Reconciliation } from './application/reconciliation.ts';
import { createReferralTimeline, type ReferralTimeline } from './application/referral-timeline.ts';
import { createTakeRefund, type TakeRefund } from './application/refunds.ts';
import { createRetention, type Retention } from './application/retention.ts';
import { createReview, type Review } from './application/review.ts';
import { createSendWebhooks } from './application/send-webhooks.ts';
import { createSetStage } from './application/set-stage.ts';
import { createSettingsPage, type SettingsPage } from './application/settings-page.ts';
import { createSignIn, type SignIn } from './application/sign-in.ts';
import { createSyncDesk, type SyncDesk } from './application/sync-desk.ts';
import { createSyncHealth, type SyncHealthOf } from './application/sync-health.ts';
import type { SyncPulse } from './application/sync-pulse.ts';
import { createTellTimelines } from './application/tell-timelines.ts';
import { createTellWorkflows } from './application/tell-workflows.ts';
import { createTestRuns, type TestRuns } from './application/test-runs.ts';
import { createTiers, type Tiers } from './application/tiers.ts';
import { createWebhookEndpoints, type WebhookEndpoints } from './application/webhook-endpoints.ts';
import { createWorkflowActions, type RunWorkflowAction } from './application/workflow-actions.ts';
import { createListChoices, type ListChoices } from './application/workflow-choices.ts';
import { createWriteOff, type WriteOffReward } from './application/write-off.ts';
import type { RecordRef } from './domain/record.ts';
import type { Instant } from './domain/time.ts';
import { createDispatch, type Dispatch } from './jobs/dispatch.ts';
import { createSchedule } from './jobs/schedule.ts';
import { createSharedDispatch, type SharedHop } from './jobs/shared-dispatch.ts';
import type { Clock } from './platform/clock.ts';
import type { Log } from './platform/log.ts';
import { createMarker } from './platform/mark.ts';
import { createSeal, type SealKey } from './platform/seal.ts';
import { createSigner } from './platform/sign.ts';

/**
 * How many batches of each hop one node has under way; more would only wait for the same database. Webhooks wait for others' servers, and one
 * that does not answer has two of the places for as long as a request may take, once in a while.
 */
const CONCURRENCY: Readonly<Record<Hop, number>> = { process: 4, payouts: 2, mirror: 2, callbacks: 1, webhooks: 16 };

/** Batches are cut by the day: ten minutes after midnight is soon enough, and a look costs one query. */
const BATCHES_SCHEDULE = '*/10 * * * *';
/** What a dead node has left to be applied is seldom, and a provider's own news take as long. */
const PAYOUT_NEWS_SCHEDULE = '*/5 * * * *';
/** Where something was missed a minute ago, something may be missed now; a look costs a few queries. */
const SOON_SCHEDULE = '* * * * *';
/** A case's time is told in hours; a few minutes more are none. */
const CASES_SCHEDULE = '*/5 * * * *';
/** Who is told by a task sees it a minute after the case was opened, at the latest. */
const CASE_TASKS_SCHEDULE = '* * * * *';
/** Patterns are judged over a day and more. */
const ALERTS_SCHEDULE = '17 * * * *';
/** Connections that end between two sweeps, which go by those that stand. */
const DRIFT_SCHEDULE = '7,22,37,52 * * * *';
/** Windows move at midnight and graces end at any time; what members do counts within this time. */
const TIERS_SCHEDULE = '* * * * *';
/** What is forgotten is days old; an hour is soon enough. */
const PRUNE_MINUTE = 41;
const PRUNE_SCHEDULE = `${PRUNE_MINUTE} * * * *`;
/** Who looks at figures sees what happened within this time. Six fields: the first is the second. */
const FIGURES_SCHEDULE = '*/15 * * * * *';
/** What a person has started begins at once on their node; a minute is what a crash costs it. */
const STARTED_SCHEDULE = '* * * * *';

/** Once a day, and again after each hour in which nobody was there to do it: accounts that were counted on the day are left out. */
const FORECAST_SCHEDULE = '23 * * * *';

export interface ContainerDeps {
  readonly store: Store;
  readonly connectors: ReadonlyMap<string, CrmConnector>;
  readonly providers: ReadonlyMap<string, PayoutProvider>;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: Observe & ObserveStream & ObserveWebhooks;
  readonly publicUrl: string;
  /** Where the console is; absent for none. */
  readonly encryptionKeys: readonly SealKey[];
  readonly sweepSchedule: string;
  /** Absent: comparisons are made when somebody asks. */
  readonly reconcileSchedule?: string | undefined;
  readonly pulse: SyncPulse;
  /** Null where no mail server is configured. */
  readonly sendLetter: SendLetter | null;
  readonly sendWebhook: SendWebhook;
  /** Whether webhooks may be set up that lead to private addresses: for the sandbox. */
  readonly allowPrivateDestinations: boolean;
  /** Absent: hops and schedules run by themselves. Given by whoever walks through a time that is not now, and runs them step by step. */
  readonly jobs?: Jobs | undefined;
}

export interface Jobs {
  readonly createDispatch: typeof createDispatch;
  readonly createSchedule: typeof createSchedule;
}

export interface Container {
  readonly signIn: SignIn;
  readonly accountBrand: AccountBrand;
  readonly consentTexts: ConsentTexts;
  readonly retention: Retention;
  readonly accounts: Accounts;
  readonly act: Act;
  readonly review: Review;
  readonly writeOff: WriteOffReward;
  readonly takeRefund: TakeRefund;
  readonly payoutReports: PayoutReports;
  readonly desk: Desk;
  readonly deskEffects: DeskEffects;
  readonly publish: Publish;
  readonly tiers: Tiers;
  readonly reattribute: Reattribute;
  readonly mappings: Mappings;
  readonly autopilot: Autopilot;
  readonly drift: DriftWatch;
  readonly publishAttribution: PublishAttribution;
  readonly onAsked: () => void;
  readonly connect: Connect;
  readonly card: ReturnType<typeof createCard>;
  readonly dealCard: ReturnType<typeof createDealCard>;
  readonly companyCard: ReturnType<typeof createCompanyCard>;
  readonly cardActions: CardActions;
  readonly runWorkflowAction: RunWorkflowAction;
  readonly listChoices: ListChoices;
  readonly home: ReturnType<typeof createHome>;
  readonly referralTimeline: ReferralTimeline;
  readonly crmRecords: CrmRecords;
  readonly testRuns: TestRuns;
  readonly appSettings: AppSettingsDesk;
  readonly settingsPage: SettingsPage;
  readonly receive: ReadonlyMap<string, ReturnType<typeof createReceive>>;
  readonly reconcile: Reconcile;
  readonly backfills: Backfills;
  readonly history: History;
  readonly memberImports: MemberImports;
  readonly figures: Figures;
  readonly reconciliation: Reconciliation;
  readonly privacy: Privacy;
  readonly syncHealth: SyncHealthOf;
  readonly attention: AttentionOf;
  readonly syncDesk: SyncDesk;
  readonly payoutAccounts: PayoutAccounts;
  readonly payoutNews: PayoutNewsDesk;
  readonly payoutDesk: PayoutDesk;
  readonly payoutBatches: PayoutBatches;
  readonly webhookEndpoints: WebhookEndpoints;
  readonly finance: Finance;
  readonly forecasts: Forecasts;
  /** The three hops' workers and the schedules. */
  start(): void;
  /** Finishes what is under way. Nothing is lost: what was not begun lies in the store. */
  stop(): Promise<void>;
}

/** Puts the rooms together. The only place that knows them all. */
export function createContainer(deps: ContainerDeps): Container {
  const { store, connectors, providers, clock, log, observe, publicUrl, encryptionKeys, sweepSchedule } = deps;
  const consoleLinks = createConsoleLinks(publicUrl);
  const { pulse, reconcileSchedule, sendLetter } = deps;
  const jobs = deps.jobs ?? { createDispatch, createSchedule };
  const owner = randomUUID();
  const seal = createSeal(encryptionKeys);
  const connect = createConnect({ store, seal, clock, log, publicUrl, connectors });
  const openSession: Connect['openSession'] = (connection, pace) => connect.openSession(connection, pace);

  // The hops poke each other; each dispatch is made after the hop that it runs. Nobody pokes the mirror: what one second brings is
  // written to the CRM together, by a fraction of the calls.
  const dispatches = new Map<Hop | 'shared', Dispatch>();
  const onAsked = () => dispatches.get('process')?.poke();
  const onDecided = () => dispatches.get('payouts')?.poke();
  const payoutAccounts = createPayoutAccounts({ store, providers, seal, clock });
  const takeRefund = createTakeRefund({ store, clock, onAsked });
  const payoutNews = createPayoutNews({ store, accounts: payoutAccounts, takeRefund, clock, log });
  const payoutOrders = createPayoutOrders({
    records: store.payoutRecords,
    batches: store.batches,
    accounts: payoutAccounts,
    seal,
    clock,
  });
  const deliver = createDeliver({
    store,
    clock,
    log,
    observe,
    publicUrl,
    payoutOrders,
    payoutNews,
    openSession,
    onAsked,
    pulse,
  });
  const tellTimelines = createTellTimelines({ store, clock, log, consoleLinks, openSession, pulse });
  const place = createPlace({ store, clock, log, openSession, onAsked });
  const look = (accountId: string, emails: readonly string[], except?: string) =>
    void place
      .people(accountId, emails, except)
      .catch((err: unknown) => log.warn({ err }, 'people not looked for yet'));
  const processBatch = createProcess({
    ...{ store, clock, log, observe, openSession, onDecided, onMet: look, pulse },
    onTested: onAsked,
  });
  const hops: Record<Hop, SharedHop> = {
    process: {
      run: processBatch,
      due: (limit) => store.work.dueShards(clock.now(), limit),
      concurrency: CONCURRENCY.process,
    },
    payouts: {
      run: deliver.payouts,
      due: (limit) => store.payouts.dueShards(clock.now(), limit),
      concurrency: CONCURRENCY.payouts,
    },
    // What records show and what their timelines tell go to the same places by the same calls.
    mirror: {
      run: async (shard, signal) => (await deliver.mirror(shard, signal)) + (await tellTimelines(shard, signal)),
      due: async (limit) => {
        const now = clock.now();
        const [shown, told] = await Promise.all([
          store.mirror.dueShards(now, limit),
          store.appEvents.dueShards(now, limit),
        ]);
        const byPlace = [...shown, ...told].map(
          (shard) => [`${shard.accountId} ${shard.connectionId}`, shard] as const,
        );
        return [...new Map(byPlace).values()].slice(0, limit);
      },
      concurrency: CONCURRENCY.mirror,
    },
    callbacks: {
      run: createTellWorkflows({ store, clock, log, openSession }),
      due: (limit) => store.callbacks.dueShards(clock.now(), limit),
      concurrency: CONCURRENCY.callbacks,
    },
    webhooks: {
      run: createSendWebhooks({ store, seal, send: deps.sendWebhook, clock, log, observe }),
      due: (limit) => store.webhooks.dueShards(clock.now(), limit),
      concurrency: CONCURRENCY.webhooks,
    },
  };
  if (store.shared) {
    const { shared: queue, leases } = store;
    dispatches.set('shared', createSharedDispatch({ hops, queue, leases, owner, clock, log }));
  } else {
    for (const hop of Object.keys(hops) as Hop[])
      dispatches.set(hop, jobs.createDispatch({ hop, ...hops[hop], clock, log }));
  }
  const tiers = createTiers({ store, clock });
  const reattribute = createReattribute({ store, clock, onAsked });
  const review = createReview({ store, clock, onDecided });
  const desk = createDesk({ store, clock, review, reattribute, newId: randomUUID, onAsked });
  const deskEffects = createDeskEffects({ store, clock });
  const scheduled = (name: string, expression: string, run: (signal: AbortSignal) => Promise<unknown>) =>
    jobs.createSchedule({ name, expression, run, owner, leases: store.leases, clock, log });
  const runCaseTasks = createCaseTasks({ store, clock, log, openSession });
  const cutBatches = createCutBatches({ store, clock, log, onApproved: onDecided });
  const act = createAct({
    store,
    clock,
    onAsked,
    onUnplaced: (accountId, email) => look(accountId, [email]),
  });
  const actions = createCrmActions({
    store,
    act,
    review,
    desk,
    setStage: createSetStage({ store, clock, onAsked: () => onAsked() }),
    publicUrl,
  });
  const answerRequests = createAnswerRequests({ store, clock, actions, log, openSession });
  const mappings = createMappings({ store, clock, newId: randomUUID, onAsked: () => onAsked() });
  const drift = createDriftWatch({
    store,
    clock,
    log,
    openSession,
    requiredScopes: (provider) => connectors.get(provider)?.requiredScopes ?? [],
    objectScopes: (provider) => connectors.get(provider)?.objectScopes,
    appEventScopes: (provider) => connectors.get(provider)?.appEventScopes,
    connect,
    mappings,
  });
  const reconcile = createReconcile({
    newId: randomUUID,
    store,
    clock,
    log,
    openSession,
    place,
    drift,
    answerRequests,
    onAsked,
  });
  const reconciliation = createReconciliation({
    ...{ store, clock, log, publicUrl, openSession, onAsked },
    signer: createSigner(encryptionKeys),
    newId: randomUUID,
  });
  const backfills = createBackfills({
    store,
    clock,
    log,
    openSession,
    newId: randomUUID,
    onAsked,
    onStarted: () => backfillRuns.poke(),
  });
  const history = createHistory({ store, clock, log, onAsked, onReleased: () => releaseRuns.poke() });
  const memberImports = createMemberImports({
    store,
    clock,
    log,
    openSession,
    onMet: (accountId, emails) => look(accountId, emails),
    onStarted: () => importRuns.poke(),
  });
  const recordUrl = (connection: Connection, record: RecordRef) =>
    connectors.get(connection.provider)?.recordUrl(connection, record) ?? null;
  const crmRecords = createCrmRecords({ store, recordUrl });
  const testRuns = createTestRuns({ store, clock, log, newId: randomUUID, openSession, crmRecords, onAsked });
  const finance = createFinance({
    ...{ store, clock, log },
    signer: createSigner(encryptionKeys),
    newId: randomUUID,
    onStarted: () => taxRuns.poke(),
  });
  const forecasts = createForecasts({
    ...{ store, clock, log, recordUrl },
    newId: randomUUID,
    onStarted: () => forecastRuns.poke(),
  });
  const signIn = createSignIn({ store, clock, log, publicUrl, sendLetter });
  const backfillRuns = scheduled('backfills', STARTED_SCHEDULE, backfills.runAll);
  const releaseRuns = scheduled('releases', STARTED_SCHEDULE, history.carryOutAll);
  const importRuns = scheduled('imports', STARTED_SCHEDULE, memberImports.runAll);
  const taxRuns = scheduled('tax', STARTED_SCHEDULE, finance.tax.runAll);
  const forecastRuns = scheduled('forecasts', STARTED_SCHEDULE, forecasts.runAll);
  const closeRuns = scheduled('closes', STARTED_SCHEDULE, finance.periods.closeLeft);
  const begun = [backfillRuns, releaseRuns, importRuns, taxRuns, forecastRuns, closeRuns];
  const figures = createFigures({ store, clock });
  const schedules = [
    ...begun,
    scheduled('sweep', sweepSchedule, reconcile.sweepUsual),
    ...(isHourly(sweepSchedule) ? [scheduled('sweep soon', SOON_SCHEDULE, reconcile.sweepSoon)] : []),
    scheduled('cases', CASES_SCHEDULE, desk.escalateAll),
    scheduled('case tasks', CASE_TASKS_SCHEDULE, runCaseTasks),
    scheduled('alerts', ALERTS_SCHEDULE, desk.watchAll),
    scheduled('drift', DRIFT_SCHEDULE, drift.watchDisconnected),
    scheduled('tiers', TIERS_SCHEDULE, tiers.lookAtDue),
    scheduled('batches', BATCHES_SCHEDULE, cutBatches),
    scheduled('sessions', PRUNE_SCHEDULE, signIn.prune),
    scheduled('tests', STARTED_SCHEDULE, testRuns.lookAfterAll),
    scheduled('payout news', PAYOUT_NEWS_SCHEDULE, payoutNews.applyAnswered),
    scheduled('figures', FIGURES_SCHEDULE, figures.foldAll),
    scheduled('forecast', FORECAST_SCHEDULE, forecasts.beginAll),
    scheduled('prune', PRUNE_SCHEDULE, createPrune({ store, reconciliation, clock, log })),
    ...(reconcileSchedule === undefined ? [] : [scheduled('reconcile', reconcileSchedule, reconciliation.makeAll)]),
  ];

  const onAccepted = ({ accountId, id }: Connection) =>
    dispatches.get('process')?.poke({ accountId, connectionId: id });
  const streams = new Map([...connectors].flatMap(([provider, { stream }]) => (stream ? [[provider, stream]] : [])));
  const listen = createListen({
    store,
    streams,
    accessOf: connect.accessOf,
    owner,
    clock,
    log,
    observe,
    onAccepted,
    onRequests: (connection) => {
      answerRequests(connection).catch((err: unknown) =>
        log.warn({ err, connection: connection.id }, 'requests of the CRM not answered yet'),
      );
    },
  });

  /** The story of a record that takes part in a test is the test's. */
  const asShown = async (connection: Connection | null, object: RecordRef['object'], id: string) =>
    connection && ((await testRuns.shownBy(connection, { connectionId: connection.id, object, id })) ?? connection);
  const nextAsks = createNextAsks({ store, clock, recordUrl });
  const cardOfContact = createCard({ store, clock, publicUrl, recordUrl, tiers, nextAsks, consoleLinks });
  const cardOfDeal = createDealCard({ store, clock, recordUrl, consoleLinks });
  const appSettings = createAppSettings({
    store,
    clock,
    hasTasks: (provider) => connectors.get(provider)?.hasTasks === true,
    objectScopes: (provider) => connectors.get(provider)?.objectScopes,
    appEventScopes: (provider) => connectors.get(provider)?.appEventScopes,
    openSession,
  });
  const syncHealth = createSyncHealth({ store, clock, openSession });

  return {
    signIn,
    accountBrand: createAccountBrand({ store, clock }),
    consentTexts: createConsentTexts({ store, clock }),
    retention: createRetention({ store, clock, nextPruneAt }),
    tiers,
    reattribute,
    mappings,
    autopilot: createAutopilot({ store, clock, newId: randomUUID, openSession, mappings, drift }),
    drift,
    appSettings,
    settingsPage: createSettingsPage({ store, clock, mappings, appSettings, connect, consoleLinks }),
    publishAttribution: createPublishAttribution({ store, clock, newId: randomUUID, onAsked: () => onAsked() }),
    accounts: createAccounts({ store, clock }),
    act,
    review,
    desk,
    deskEffects,
    writeOff: createWriteOff({ store, clock }),
    takeRefund,
    payoutReports: createPayoutReports({ store, accounts: payoutAccounts, providers, clock, newId: randomUUID }),
    publish: createPublish({ store, clock, newId: randomUUID, payableBy: payoutAccounts.ready, openSession }),
    onAsked: () => onAsked(),
    connect,
    card: async (input) =>
      cardOfContact({ ...input, connection: await asShown(input.connection, 'contact', input.contactId) }),
    dealCard: async (input) =>
      cardOfDeal({ ...input, connection: await asShown(input.connection, 'deal', input.dealId) }),
    companyCard: createCompanyCard({ store, clock, recordUrl, nextAsks, consoleLinks }),
    cardActions: createCardActions({ store, clock, log, act, desk, publicUrl, openSession }),
    home: createHome({ store, clock, syncHealth, recordUrl, nextAsks, consoleLinks }),
    referralTimeline: createReferralTimeline(store),
    crmRecords,
    testRuns,
    receive: new Map(
      [...connectors].flatMap(([provider, { inbound }]) => {
        if (inbound === null) return [];
        const receive = createReceive({
          provider,
          inbound,
          connections: store.connections,
          inbox: store.inbox,
          now: clock.now,
          onAccepted,
        });
        return [[provider, receive] as const];
      }),
    ),
    runWorkflowAction: createWorkflowActions({ store, clock, log, actions, openSession }),
    listChoices: createListChoices({ store, clock }),
    reconcile,
    backfills,
    history,
    memberImports,
    figures,
    privacy: createPrivacy({ store, clock, log, openSession, marker: createMarker(encryptionKeys), newId: randomUUID }),
    reconciliation,
    syncHealth,
    attention: createAttention({ store, syncHealth }),
    syncDesk: createSyncDesk({
      store,
      clock,
      newId: randomUUID,
      onAsked: () => onAsked(),
      onSweepAsked: (connection) => {
        reconcile
          .sweep(connection)
          .catch((err: unknown) => log.warn({ err, connection: connection.id }, 'sweep that was asked for put off'));
      },
    }),
    payoutAccounts,
    payoutNews,
    payoutDesk: createPayoutDesk({ store, seal, news: payoutNews, clock }),
    webhookEndpoints: createWebhookEndpoints({
      store,
      seal,
      clock,
      newId: randomUUID,
      allowPrivate: deps.allowPrivateDestinations,
      onAsked: () => dispatches.get('webhooks')?.poke(),
    }),
    finance,
    forecasts,
    payoutBatches: createPayoutBatches({ store, providers, clock, onDue: onDecided }),
    start() {
      for (const dispatch of dispatches.values()) dispatch.start();
      for (const schedule of schedules) schedule.start();
      // What the last node had begun when it died.
      for (const schedule of begun) schedule.poke();
      listen.start();
      pulse.start();
    },
    async stop() {
      await Promise.all([listen.stop(), ...schedules.map((schedule) => schedule.stop())]);
      await Promise.all([...dispatches.values()].map((dispatch) => dispatch.stop()));
      await pulse.stop();
    },
  };
}

/** As PRUNE_SCHEDULE has it, by the clock that it goes by. */
function nextPruneAt(now: Instant): Instant {
  const next = new Date(now).setMinutes(PRUNE_MINUTE, 0, 0);
  return next > now ? next : next + 3_600_000;
}

/** Whether a schedule comes in every hour; one that is rarer is meant to be, and nothing is swept between its strokes. */
function isHourly(expression: string): boolean {
  return expression.trim().split(/\s+/).at(-4)?.startsWith('*') ?? false;
}
