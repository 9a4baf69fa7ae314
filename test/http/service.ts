import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { createAccountBrand } from '../../src/application/account-brand.ts';
import { createAccounts } from '../../src/application/accounts.ts';
import { createAct } from '../../src/application/act.ts';
import { createAppSettings } from '../../src/application/app-settings.ts';
import { createAttention } from '../../src/application/attention.ts';
import { createAutopilot } from '../../src/application/autopilot.ts';
import { createBackfills } from '../../src/application/backfill.ts';
import { createCard } from '../../src/application/card.ts';
import { createCardActions } from '../../src/application/card-actions.ts';
import { createCompanyCard } from '../../src/application/company-card.ts';
import { createConnect } from '../../src/application/connect.ts';
import { createConsentTexts } from '../../src/application/consent-texts.ts';
import { createConsoleLinks } from '../../src/application/console-links.ts';
import { createCrmActions } from '../../src/application/crm-actions.ts';
import { createCrmRecords } from '../../src/application/crm-records.ts';
import { createDealCard } from '../../src/application/deal-card.ts';
import { createDesk } from '../../src/application/desk.ts';
import { createDeskEffects } from '../../src/application/desk-effects.ts';
import { createDriftWatch } from '../../src/application/drift-watch.ts';
import { createFigures } from '../../src/application/figures.ts';
import { createFinance } from '../../src/application/finance.ts';
import { createForecasts } from '../../src/application/forecasts.ts';
import { createHistory } from '../../src/application/history.ts';
import { createHome } from '../../src/application/home.ts';
import { createMappings } from '../../src/application/mapping.ts';
import { createMemberImports, type MemberImports } from '../../src/application/member-import.ts';
import { createNextAsks } from '../../src/application/next-asks.ts';
import { createPayoutAccounts, type PayoutAccounts } from '../../src/application/payout-accounts.ts';
import { createPayoutBatches } from '../../src/application/payout-batches.ts';
import { createPayoutDesk } from '../../src/application/payout-desk.ts';
import { createPayoutNews } from '../../src/application/payout-news.ts';
import { createPayoutReports } from '../../src/application/payout-reports.ts';
import { createPeriods } from '../../src/application/periods.ts';
import type { CrmAccess, CrmConnector, CrmSession, ProvisionReport } from '../../src/application/ports/crm.ts';
import type { Letter } from '../../src/application/ports/mail.ts';
import type { PayoutProvider, PayoutSettings } from '../../src/application/ports/payout.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createPrivacy } from '../../src/application/privacy.ts';
import { createPublish } from '../../src/application/publish.ts';
import { createPublishAttribution } from '../../src/application/publish-attribution.ts';
import { createReattribute } from '../../src/application/re-attribute.ts';
import { createReceive } from '../../src/application/receive.ts';
import { createReconciliation } from '../../src/application/reconciliation.ts';
import { createReferralTimeline } from '../../src/application/referral-timeline.ts';
import { createTakeRefund } from '../../src/application/refunds.ts';
import { createRetention } from '../../src/application/retention.ts';
import { createReview } from '../../src/application/review.ts';
import { createSetStage } from '../../src/application/set-stage.ts';
import { createSettingsPage } from '../../src/application/settings-page.ts';
import { createSignIn, type SignIn } from '../../src/application/sign-in.ts';
import { createSyncDesk } from '../../src/application/sync-desk.ts';
import { createSyncHealth } from '../../src/application/sync-health.ts';
import { createTestRuns } from '../../src/application/test-runs.ts';
import { createTiers } from '../../src/application/tiers.ts';
import { createWebhookEndpoints } from '../../src/application/webhook-endpoints.ts';
import { createWorkflowActions } from '../../src/application/workflow-actions.ts';
import { createListChoices } from '../../src/application/workflow-choices.ts';
import { createWriteOff } from '../../src/application/write-off.ts';
import { parseHints } from '../../src/crm/hubspot/hints.ts';
import { sign, verifySignature } from '../../src/crm/hubspot/signature.ts';
import { createWorkflows } from '../../src/crm/hubspot/workflows.ts';
import type { Decision } from '../../src/domain/decision.ts';
import { driftCase, driftsOf } from '../../src/domain/drift.ts';
import { Fault } from '../../src/domain/errors.ts';
import { derivedId } from '../../src/domain/ids.ts';
import { proposeMapping } from '../../src/domain/mapping-proposal.ts';
import { monthOf } from '../../src/domain/period.ts';
import { createDraft, EMPTY_PLAN } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import type { Referral } from '../../src/domain/referral.ts';
import { grant, reverse, settlePayout } from '../../src/domain/reward.ts';
import type { TierChange } from '../../src/domain/tier.ts';
import { eventOf } from '../../src/domain/webhook-event.ts';
import { type AppDeps, createApp } from '../../src/http/app.ts';
import { closeHttpServer, createHttpServer, type ServerTimeouts } from '../../src/http/server.ts';
import { storedOf } from '../../src/http/stored.ts';
import { fromSettings as coupon } from '../../src/payout/coupon/provider.ts';
import { fromSettings as createCredit } from '../../src/payout/credit/provider.ts';
import { fromSettings as manual } from '../../src/payout/manual/provider.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { createMarker } from '../../src/platform/mark.ts';
import { createMetrics } from '../../src/platform/metrics.ts';
import { createSeal, type Seal } from '../../src/platform/seal.ts';
import { createSigner } from '../../src/platform/sign.ts';
import { openStore } from '../../src/store/open.ts';
import { endpointFor } from '../conformance/store-webhooks.ts';

export const PUBLIC_URL = 'https://wonward.example/base';
export const SECRET = 'client-secret-of-the-app';
export const OLD_SECRET = 'former-client-secret';
export const APP_ID = 4_242;
/** Who consents to every install. */
export const INSTALLER = '7001';

/** Each names what the CRM makes of it: a portal's number, or a way to fail. */
export const CODES = { used: 'code-used', down: 'code-down', misconfigured: 'code-misconfigured', crash: 'code-crash' };

const KEYS = [{ id: 'k1', key: createHash('sha256').update('test').digest() }];

const PROVISIONED: ProvisionReport = {
  created: ['property wonward_id'],
  existing: ['group wonward'],
  conflicts: [{ name: 'wonward_code <b>', problem: 'is a property of yours' }],
};

/** What the CRM's side of a test is told to do. */
export interface FakeCrm {
  /** Contacts by portal and id. */
  contacts: Map<string, { name: string; email: string | null }>;
  /** How often a contact was created, by its key. */
  created: Map<string, string>;
  /** Awaited before each answer. */
  before: () => Promise<void>;
  provision: () => Promise<ProvisionReport>;
  revoked: string[];
}

/** HubSpot's real signature and webhook parser; an OAuth and a session that a test steers. */
function fakeHubSpot(crm: FakeCrm): CrmConnector {
  const grantFor = (portal: string) => ({
    externalId: portal,
    accessToken: `access-token-of-${portal}`,
    refreshToken: `refresh-token-of-${portal}`,
    expiresAt: systemClock.now() + 1_800_000,
    scopes: ['oauth', 'crm.objects.contacts.read'],
    userId: INSTALLER,
  });
  const unused = () => Promise.reject(new Error('not part of these tests'));
  const sessionOf = ({ connectionId, externalId: portal }: CrmAccess): CrmSession => ({
    account: async () => ({ externalId: '1', homeCurrency: 'EUR', timeZone: 'UTC', uiHost: 'app.hubspot.com' }),
    stages: async () => ({ pipelines: [] }),
    provision: () => crm.provision(),
    async readContacts(ids) {
      await crm.before();
      return ids.map((id) => {
        const known = crm.contacts.get(`${portal} ${id}`);
        return {
          ref: { connectionId, object: 'contact' as const, id },
          presence: known ? ('present' as const) : ('deleted' as const),
          name: known?.name ?? null,
          email: known?.email ?? null,
          usedCode: null,
          referredByIds: [],
          formerIds: [],
        };
      });
    },
    lists: {
      find: async () => [CRM_LIST],
      get: async (id) => (id === CRM_LIST.id ? CRM_LIST : null),
      async members() {
        const own = [...crm.contacts.keys()].filter((key) => key.startsWith(`${portal} `));
        return { ids: own.map((key) => key.split(' ')[1] ?? ''), next: null };
      },
    },
    people: {
      async find(text, limit) {
        await crm.before();
        const own = [...crm.contacts].filter(([key, { name }]) => key.startsWith(`${portal} `) && name.includes(text));
        return own.slice(0, limit).map(([key, { name, email }]) => ({ id: key.split(' ')[1] ?? '', name, email }));
      },
      async create({ key, firstName, lastName, email }) {
        await crm.before();
        const known = crm.created.get(key);
        if (known !== undefined) return { id: known };
        const id = String(9_000 + crm.created.size);
        crm.created.set(key, id);
        crm.contacts.set(`${portal} ${id}`, { name: `${firstName ?? ''} ${lastName ?? ''}`.trim(), email });
        return { id };
      },
    },
    readDeals: async (ids) =>
      ids.map((id) => ({
        ...{ ref: { connectionId: 'con_fake', object: 'deal', id }, presence: 'deleted', name: null },
        ...{ history: [], contactIds: [], formerIds: [] },
      })),
    dealsOfContacts: unused,
    changedSince: unused,
    dealIds: async () => ({ ids: [], total: 0, next: null }),
    contactsByEmail: async () => [],
    mirrors: 'properties',
    writeMirror: unused,
    whole: {
      dealsInStages: async () => ({ deals: [], next: null }),
      compareMirror: async (_object, rows) => rows.map(({ id }) => ({ id, result: 'same' as const })),
    },
    propertyNames: unused,
  });
  return {
    provider: 'hubspot',
    recordUrl: () => null,
    requiredScopes: ['oauth'],
    oauth: {
      permissions: [
        { name: 'oauth', reason: 'To know which account <b> you connect.', isOptional: false },
        { name: 'companies', reason: 'For rules that ask about it.', isOptional: true },
      ],
      authorizeUrl: ({ state, redirectUri }) =>
        `https://app.hubspot.com/oauth/authorize?${new URLSearchParams({ state, redirect_uri: redirectUri })}`,
      async exchangeCode({ code }) {
        if (code === CODES.used)
          throw new Fault('authorisation_revoked', { kind: 'reconnect' }, 'The code is used up.');
        if (code === CODES.down) throw new Fault('crm_unavailable', { kind: 'retry' }, 'HubSpot does not answer.');
        if (code === CODES.misconfigured)
          throw new Fault('app_misconfigured', { kind: 'never' }, 'Wrong client secret.');
        if (code === CODES.crash) throw new Error('secret internals at /srv/wonward');
        return grantFor(code.replace('code-', ''));
      },
      refresh: async () => grantFor('1'),
      revoke: async ({ refreshToken }) => void crm.revoked.push(refreshToken),
    },
    inbound: {
      verify: (request, now) => verifySignature(request, now, [SECRET, OLD_SECRET]),
      parseHints: (body) => parseHints(body, APP_ID),
    },
    workflows: createWorkflows([SECRET, OLD_SECRET]),
    open: sessionOf,
  };
}

/** The one list of people in the CRM of these tests. */
export const CRM_LIST = { id: '17', name: 'Customers', size: 2 };

export interface TestService {
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  readonly crm: FakeCrm;
  readonly app: ReturnType<typeof createApp>;
  readonly lines: () => Record<string, unknown>[];
  readonly logText: () => string;
  readonly accepted: ReturnType<typeof vi.fn>;
  readonly payoutAccounts: PayoutAccounts;
  readonly signIn: SignIn;
  /** What was sent to the mail server. */
  readonly letters: readonly Letter[];
  readonly memberImports: MemberImports;
  createAccount(name: string): Promise<TestAccount>;
  close(): Promise<void>;
}

/** One API key of an account. */
export interface TestCaller {
  readonly key: string;
  readonly keyId: string;
  call(path: string, init?: RequestInit): Promise<Response>;
  post(path: string, body: unknown): Promise<Response>;
  put(path: string, body: unknown): Promise<Response>;
}

export interface TestAccount extends TestCaller {
  readonly id: string;
  /** Another key of the account, which is another person. */
  callerAs(label: string): Promise<TestCaller>;
  /** Connects a portal and returns the connection's id. */
  connect(portal: string): Promise<string>;
}

export interface ServiceOptions {
  readonly deps?: Partial<AppDeps>;
  readonly clock?: Clock;
  readonly timeouts?: ServerTimeouts;
  /** A file, for a test that looks into it past the store. */
  readonly databaseUrl?: string;
  readonly changeStore?: (store: Store) => Store;
  readonly providers?: ReadonlyMap<string, PayoutProvider>;
}

/** The whole app on a real port over a real database. Only the CRM behind it is played. */
export async function startHttp(options: ServiceOptions = {}): Promise<TestService> {
  const clock = options.clock ?? systemClock;
  const opened = await openStore({ url: options.databaseUrl ?? 'sqlite::memory:' });
  const store = options.changeStore?.(opened) ?? opened;
  const crm: FakeCrm = {
    contacts: new Map(),
    created: new Map(),
    before: async () => {},
    provision: async () => PROVISIONED,
    revoked: [],
  };
  const chunks: string[] = [];
  const log = createLog({
    level: 'debug',
    destination: new Writable({
      write(chunk: Buffer, _encoding, done) {
        chunks.push(chunk.toString());
        done();
      },
    }),
  });
  const connectors = new Map([['hubspot', fakeHubSpot(crm)]]);
  const seal = createSeal(KEYS);
  const accounts = createAccounts({ store, clock });
  const letters: Letter[] = [];
  const sendLetter = async (letter: Letter) => void letters.push(letter);
  const signIn = createSignIn({ store, clock, log, publicUrl: PUBLIC_URL, sendLetter });
  const accepted = vi.fn();
  const connect = createConnect({ store, seal, clock, log, publicUrl: PUBLIC_URL, connectors });
  const payoutAccounts = createPayoutAccounts({
    store,
    providers: options.providers ?? ownProviders(store, seal),
    seal,
    clock,
  });
  const payoutNews = createPayoutNews({
    store,
    accounts: payoutAccounts,
    takeRefund: createTakeRefund({ store, clock, onAsked: () => {} }),
    clock,
    log,
  });
  const reattribute = createReattribute({ store, clock, onAsked: () => {} });
  const mappings = createMappings({ store, clock, newId: randomUUID, onAsked: () => {} });
  const { openSession } = connect;
  const requiredScopes = () => ['oauth'];
  const memberImports = createMemberImports({
    store,
    clock,
    log,
    openSession: connect.openSession,
    onMet: () => {},
    onStarted: () => {},
  });
  const drift = createDriftWatch({ store, clock, log, openSession, requiredScopes, connect, mappings });
  let refs = 0;
  const review = createReview({ store, clock, onDecided: () => {} });
  const act = createAct({ store, clock, onAsked: () => {}, onUnplaced: () => {} });
  const desk = createDesk({ store, clock, review, reattribute, newId: randomUUID, onAsked: () => {} });
  const tiers = createTiers({ store, clock });
  const appSettings = createAppSettings({
    store,
    clock,
    hasTasks: (provider) => provider === 'hubspot',
    objectScopes: (provider) => (provider === 'hubspot' ? ['crm.objects.custom.write'] : undefined),
    openSession,
  });
  const recordUrl = () => null;
  const nextAsks = createNextAsks({ store, clock, recordUrl });
  const consoleLinks = createConsoleLinks(PUBLIC_URL);
  const syncHealth = createSyncHealth({ store, clock, openSession: connect.openSession });
  const app = createApp({
    publicUrl: PUBLIC_URL,
    trustProxy: 0,
    metricsToken: null,
    log,
    clock,
    metrics: createMetrics({ withProcess: false }),
    newRef: () => `req_${++refs}`,
    receive: new Map(
      [...connectors].flatMap(([provider, { inbound }]) =>
        inbound === null
          ? []
          : [
              [
                provider,
                createReceive({
                  provider,
                  inbound,
                  connections: store.connections,
                  inbox: store.inbox,
                  now: clock.now,
                  onAccepted: accepted,
                }),
              ] as const,
            ],
      ),
    ),
    connectors,
    connect,
    accounts,
    signIn,
    openId: null,
    seal,
    consoleFiles: fileURLToPath(new URL('../../dist/console', import.meta.url)),
    act,
    review,
    desk,
    deskEffects: createDeskEffects({ store, clock }),
    runWorkflowAction: createWorkflowActions({
      store,
      clock,
      log,
      actions: createCrmActions({
        store,
        act,
        review,
        desk,
        setStage: createSetStage({ store, clock, onAsked: () => {} }),
        publicUrl: PUBLIC_URL,
      }),
      openSession: connect.openSession,
    }),
    listChoices: createListChoices({ store, clock }),
    publish: createPublish({
      store,
      clock,
      newId: randomUUID,
      payableBy: payoutAccounts.ready,
      openSession: connect.openSession,
    }),
    onBudget: () => {},
    webhookEndpoints: createWebhookEndpoints({
      store,
      seal,
      clock,
      newId: randomUUID,
      allowPrivate: false,
      onAsked: () => {},
    }),
    store: storedOf(store),
    privacy: createPrivacy({
      store,
      clock,
      log,
      marker: createMarker(KEYS),
      newId: randomUUID,
      openSession: connect.openSession,
    }),
    backfills: createBackfills({
      store,
      clock,
      log,
      openSession: connect.openSession,
      newId: randomUUID,
      onAsked: () => {},
      onStarted: () => {},
    }),
    history: createHistory({ store, clock, log, onAsked: () => {}, onReleased: () => {} }),
    memberImports,
    card: createCard({ store, clock, publicUrl: PUBLIC_URL, recordUrl, tiers, nextAsks, consoleLinks }),
    dealCard: createDealCard({ store, clock, recordUrl, consoleLinks }),
    companyCard: createCompanyCard({ store, clock, recordUrl, nextAsks, consoleLinks }),
    cardActions: createCardActions({
      store,
      clock,
      log,
      act,
      desk,
      publicUrl: PUBLIC_URL,
      openSession: connect.openSession,
    }),
    tiers,
    home: createHome({ store, clock, syncHealth, recordUrl, nextAsks, consoleLinks }),
    referralTimeline: createReferralTimeline(store),
    crmRecords: createCrmRecords({ store, recordUrl: () => null }),
    testRuns: createTestRuns({
      ...{ store, clock, log, newId: randomUUID, onAsked: () => {} },
      openSession: connect.openSession,
      crmRecords: createCrmRecords({ store, recordUrl: () => null }),
    }),
    reattribute,
    mappings,
    autopilot: createAutopilot({ store, clock, newId: randomUUID, openSession, mappings, drift }),
    drift,
    appSettings,
    settingsPage: createSettingsPage({ store, clock, mappings, appSettings, connect, consoleLinks }),
    publishAttribution: createPublishAttribution({ store, clock, newId: randomUUID, onAsked: () => {} }),
    payoutNews,
    payoutAccounts,
    payoutDesk: createPayoutDesk({ store, seal, news: payoutNews, clock }),
    payoutBatches: createPayoutBatches({ store, providers: ownProviders(store, seal), clock, onDue: () => {} }),
    writeOff: createWriteOff({ store, clock }),
    takeRefund: createTakeRefund({ store, clock, onAsked: () => {} }),
    payoutReports: createPayoutReports({
      store,
      accounts: payoutAccounts,
      providers: ownProviders(store, seal),
      clock,
      newId: randomUUID,
    }),
    syncHealth,
    attention: createAttention({ store, syncHealth }),
    finance: createFinance({
      ...{ store, clock, log, newId: randomUUID },
      signer: createSigner(KEYS),
      onStarted: () => {},
    }),
    forecasts: createForecasts({
      ...{ store, clock: systemClock, log, recordUrl },
      newId: randomUUID,
      onStarted: () => {},
    }),
    reconciliation: createReconciliation({
      ...{ store, clock, log, publicUrl: PUBLIC_URL, openSession: connect.openSession, onAsked: () => {} },
      signer: createSigner(KEYS),
      newId: randomUUID,
    }),
    figures: createFigures({ store, clock }),
    syncDesk: createSyncDesk({ store, clock, newId: randomUUID, onAsked: () => {}, onSweepAsked: () => {} }),
    accountBrand: createAccountBrand({ store, clock }),
    consentTexts: createConsentTexts({ store, clock }),
    retention: createRetention({ store, clock, nextPruneAt: (now) => now + 3_600_000 }),
    readiness: store.ping,
    isStopping: () => false,
    ...options.deps,
  });
  const server = createHttpServer(app, options.timeouts);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    url,
    port,
    store,
    crm,
    app,
    accepted,
    payoutAccounts,
    signIn,
    letters,
    memberImports,
    logText: () => chunks.join(''),
    lines: () =>
      chunks
        .join('')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    async createAccount(name) {
      const { id } = await accounts.create(name);
      const callerAs = async (label: string) => {
        const created = await accounts.createApiKey(id, label);
        if (!created) throw new Error('no key');
        const { key, apiKey } = created;
        const call: TestCaller['call'] = (path, init = {}) =>
          fetch(`${url}/api/v1${path}`, { ...init, headers: { authorization: `Bearer ${key}`, ...init.headers } });
        const send = (method: string) => (path: string, body: unknown) =>
          call(path, { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
        return { key, keyId: apiKey.id, call, post: send('POST'), put: send('PUT') };
      };
      return {
        id,
        ...(await callerAs('test')),
        callerAs,
        async connect(portal) {
          const begun = await connect.begin(id, 'hubspot');
          const state = new URL(begun?.url ?? '').searchParams.get('state') ?? '';
          const result = await connect.complete({ provider: 'hubspot', code: `code-${portal}`, state });
          if (result.kind !== 'connected') throw new Error(result.kind);
          return result.connection.id;
        },
      };
    },
    async close() {
      await closeHttpServer(server, 100);
      await opened.close();
    },
  };
}

/** Those that need nobody else. */
function ownProviders(store: Store, seal: Seal): ReadonlyMap<string, PayoutProvider> {
  const settings: PayoutSettings = {
    rewardWebhook: null,
    localProviders: {},
    allowPrivateDestinations: false,
    now: systemClock.now,
    randomBytes,
    seal,
    coupons: store.coupons,
    batches: store.batches,
  };
  return new Map([coupon(settings), createCredit(), manual(settings)].map((provider) => [provider.name, provider]));
}

/** The headers with which HubSpot signs a request to the public address. */
export function signed(
  method: string,
  path: string,
  body = '',
  { secret = SECRET, at = systemClock.now(), url = PUBLIC_URL } = {},
): Record<string, string> {
  const timestamp = String(at);
  return {
    'x-hubspot-signature-v3': sign({ secret, method, uri: `${url}${path}`, body: Buffer.from(body), timestamp }),
    'x-hubspot-request-timestamp': timestamp,
  };
}

export async function deliver(
  { url }: Pick<TestService, 'url'>,
  events: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  const body = typeof events === 'string' ? events : JSON.stringify(events);
  return fetch(`${url}/webhooks/hubspot`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed('POST', '/webhooks/hubspot', body), ...headers },
    body,
  });
}

let eventIds = 1;

export function stageChange(portalId: number, objectId: number, changes: object = {}) {
  return {
    eventId: eventIds++,
    subscriptionId: 1,
    portalId,
    appId: APP_ID,
    occurredAt: 1_795_305_600_000,
    subscriptionType: 'object.propertyChange',
    attemptNumber: 0,
    objectId,
    objectTypeId: '0-3',
    propertyName: 'dealstage',
    propertyValue: 'closedwon',
    changeSource: 'CRM_UI',
    ...changes,
  };
}

/** The month before last, in which nothing was booked: the next one is over, and can be closed. */
async function closeEmptyMonth(store: Store, accountId: string, now: number): Promise<string> {
  const standing = await store.periods.newestStanding(accountId);
  if (standing) return standing.id;
  const at = new Date(now);
  const firstBookedAt = async () => Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - 2, 1);
  const desk = createPeriods({
    store: { ...store, periods: { ...store.periods, firstBookedAt } },
    clock: { now: () => now },
    log: createLog({ level: 'silent' }),
    signer: createSigner(KEYS),
    newId: randomUUID,
  });
  const month = monthOf(await firstBookedAt());
  const outcome = await desk.close(accountId, month, { by: 'test', reason: 'For the test.' });
  if (outcome.kind !== 'closed') throw new Error(`the story's month was not closed: ${outcome.kind}`);
  return outcome.period.kept.id;
}

export interface Story {
  readonly memberId: string;
  readonly referralId: string;
  readonly decisionId: string;
  readonly rewardId: string;
  readonly code: string;
  /** A batch that is paid by hand, with one order. */
  readonly batchId: string;
  readonly orderId: string;
  /** A comparison with a provider. */
  readonly reportId: string;
  readonly syncReportId: string;
  /** The close of a month in which nothing was booked, the one before last. */
  readonly periodId: string;
  /** A dispute that is open. */
  readonly caseId: string;
  /** An alert about the connection: a stage was renamed. */
  readonly driftCaseId: string;
  /** What would have been paid, and a word that it is. */
  readonly historyId: string;
  readonly releaseId: string;
  readonly backfillId: string;
  readonly importId: string;
  readonly endpointId: string;
  readonly eventId: string;
}

/** A member who has reached the tier "Silver". */
function tierChangeOf(memberId: string, now: number): TierChange {
  return {
    id: derivedId('tir', memberId, 1),
    memberId,
    program: { id: 'default', version: 1 },
    sequence: 1,
    move: 'reached',
    from: null,
    to: { key: 'silver', name: 'Silver' },
    reason: reason('tier_reached', { tier: 'Silver' }),
    evidence: { by: 'won_referrals', score: 1n, currency: '', sinceDay: 20_000 },
    recordedAt: now,
  };
}

/** A member, a referral, a decision and an issued reward (or one in review, or one that is owed back) with its journals, in an account with a connection. */
export async function tellStory(
  { store }: TestService,
  accountId: string,
  connectionId: string,
  now: number,
  outcome: 'rewarded' | 'in_review' | 'owed' = 'rewarded',
  /** Sets a second story of an account apart from its first. */
  digit = '1',
): Promise<Story> {
  const act = createAct({ store, clock: { ...systemClock, now: () => now }, onAsked: () => {}, onUnplaced: () => {} });
  const contact = (id: string) => ({ connectionId, object: 'contact' as const, id });
  const won = { pipelineId: 'default', stageId: 'closedwon', pipelineLabel: 'Sales', stageLabel: 'Won' };
  await store.connections.saveMapping(accountId, connectionId, 'map_1', [{ ...won, stage: 'won' }], now);
  await store.programs.publish(
    accountId,
    {
      programId: 'default',
      name: 'Customers',
      rules: [
        {
          key: 'member-won',
          name: 'Member won',
          party: 'member',
          amount: { kind: 'fixed', money: { minor: 15_000n, currency: 'EUR' } },
          conditions: [{ fact: 'deal.amount', op: 'at_least', money: { minor: 1_005n, currency: 'BHD' } }],
          holdDays: 0,
          payout: 'credit',
        },
      ],
    },
    now,
  );
  const enrolled = await act.createMember(accountId, {
    name: 'Grace Hopper',
    email: `grace-${accountId}@example.com`,
    contact: contact(`${digit}01`),
  });
  if (enrolled.kind === 'refused') throw new Error(enrolled.code);
  const { member } = enrolled;
  const submitted = await act.createReferral(accountId, {
    memberId: member.id,
    friend: {
      name: 'Ada Lovelace',
      email: `ada${digit === '1' ? '' : digit}-${accountId}@example.com`,
      contact: contact(`${digit}02`),
    },
  });
  if (submitted.kind === 'refused') throw new Error(submitted.code);
  const { referral } = submitted;
  await store.cases.commit([
    {
      accountId,
      plan: { ...EMPTY_PLAN, tierChanges: [tierChangeOf(member.id, now)] },
      snapshots: [],
      restsOn: [],
      settles: [],
      erase: [],
    },
  ]);
  const { decision: rewarded, rewardId } = decisionFor(
    accountId,
    connectionId,
    referral,
    `${8 + Number(digit)}001`,
    now,
  );
  const decision: Decision = { ...rewarded, outcome: outcome === 'in_review' ? outcome : 'rewarded' };
  const draft = createDraft({
    accountId,
    programs: [],
    connectedAt: 0,
    mapping: { version: '', entries: [] },
    members: [member],
    referrals: [referral],
    decisions: [],
    rewards: [],
    tallies: new Map(),
  });
  draft.addDecision(decision);
  grant(draft, decision, {
    id: rewardId,
    referralId: referral.id,
    deal: decision.deal,
    ruleKey: decision.ruleKey,
    party: 'member',
    beneficiaryId: member.id,
    money: { minor: 15_000n, currency: 'EUR' },
    reason: decision.reason,
    payout: outcome === 'owed' ? 'manual' : 'credit',
    programId: 'default',
    releaseAt: null,
    orderAt: null,
    review: outcome === 'in_review' ? 'needed' : 'none',
    uses: [],
    createdAt: now,
    updatedAt: now,
  });
  const reward = draft.reward(rewardId);
  if (!reward) throw new Error('no reward');
  if (reward.state === 'approved') settlePayout(draft, reward, { ok: true }, now);
  const issued = draft.reward(rewardId);
  if (outcome === 'owed' && issued) {
    const back: Decision = {
      ...decision,
      id: derivedId('dec', decision.id, 'back'),
      sequence: 2,
      outcome: 'reversed',
      reason: { code: 'left_won', values: { deal: decision.deal.id } },
    };
    draft.addDecision(back);
    reverse(draft, issued, back);
  }
  const [result] = await store.cases.commit([
    { accountId, plan: draft.plan(), snapshots: [], restsOn: [], settles: [], erase: [] },
  ]);
  if (result !== 'committed') throw new Error(result);
  const orderId = derivedId('pay', rewardId);
  // One in review was never ordered.
  const order = { id: orderId, rewardId, provider: 'credit', at: null };
  if (reward.state === 'approved') await store.payoutRecords.begin(accountId, order, now);
  const joins = { key: orderId, rewardId, money: reward.money };
  const batchId = outcome === 'rewarded' ? (await store.batches.join(accountId, joins, now)).batchId : '';
  const report = {
    provider: 'manual',
    orders: 0,
    agree: 0,
    listed: 0,
    agreed: [],
    differences: [],
  };
  const historyId = derivedId('dec', rewardId, 'history');
  const past: Decision = {
    ...decision,
    id: historyId,
    deal: { ...decision.deal, id: `${8 + Number(digit)}002` },
    outcome: 'history',
    reason: reason('history', { wonOn: '2020-01-01', amount: '150.00 EUR' }),
    rewardId: null,
  };
  await store.cases.commit([
    { accountId, plan: { ...EMPTY_PLAN, decisions: [past] }, snapshots: [], restsOn: [], settles: [], erase: [] },
  ]);
  const releaseId = derivedId('rel', rewardId);
  await store.history.ask({
    accountId,
    id: releaseId,
    programId: 'default',
    ruleKey: 'member-won',
    decisionIds: null,
    askedFor: [{ count: 1, money: reward.money }],
    state: 'asked',
    why: 'A gift.',
    askedBy: 'somebody',
    askedAt: now,
    approvedBy: null,
    position: null,
    released: 0,
    passedOver: 0,
    updatedAt: now,
    version: 1,
  });
  const backfillId = derivedId('bfl', rewardId);
  await store.backfills.start({
    accountId,
    id: backfillId,
    connectionId,
    since: 0,
    objects: ['contact', 'deal'],
    state: 'done',
    object: 'deal',
    position: null,
    untilAt: now,
    found: 3,
    asked: 2,
    total: 3,
    activeMs: 1_000,
    attempts: 0,
    notBefore: 0,
    error: null,
    startedBy: 'test',
    startedAt: now,
    updatedAt: now,
    version: 1,
  });
  // What its secret is sealed with is not asked for: nothing is sent here.
  const endpointId = derivedId('whe', rewardId);
  await store.webhooks.create(accountId, endpointFor(endpointId, { createdAt: now, updatedAt: now }));
  const told = eventOf(accountId, 'webhook.test', endpointId, now, now, { endpointId });
  await store.webhooks.tell(accountId, endpointId, told);
  const importId = derivedId('imp', rewardId);
  const imported = {
    accountId,
    id: importId,
    contentHash: 'hash',
    state: 'done' as const,
    rows: 1,
    startedBy: 'test',
    list: null,
  };
  await store.memberImports.start({ ...imported, startedAt: now, updatedAt: now }, [
    { line: 2, content: null, outcome: 'matched', problem: null, memberId: member.id },
  ]);
  const syncReportId = derivedId('syn', rewardId);
  const counts = { qualifying: 1, decided: 1, explained: 0, unexplained: 0, mirrored: 0, different: 0, pending: 0 };
  const signed = { hash: 'h', signature: 's', keyId: 'k1', body: JSON.stringify({ counts }) };
  const number = 1 + ((await store.syncReports.newest(accountId, connectionId))?.number ?? 0);
  await store.syncReports.keep(accountId, { id: syncReportId, connectionId, number, madeAt: now, counts, ...signed });
  const reportId = derivedId('rep', rewardId);
  await store.payoutReports.keep(accountId, { id: reportId, from: now, to: now + 1, report, by: 'test', at: now });
  const refund = { source: 'api', id: `re_${digit}`, deal: null, money: reward.money, at: now, isUndone: false };
  await store.refunds.keep(accountId, refund, now);
  const caseId = derivedId('cas', rewardId, 'test');
  await store.desk.open(accountId, {
    id: caseId,
    kind: 'dispute',
    topic: 'wrong_member',
    dedupeKey: `dispute test ${referral.id}`,
    severity: 'normal',
    referralId: referral.id,
    rewardId,
    value: reward.money,
    summary: 'Somebody else sent them.',
    facts: {},
    openedBy: 'rep 77',
    openedAt: now,
  });
  const driftCaseId = await tellDrift(store, accountId, connectionId, now);
  const periodId = await closeEmptyMonth(store, accountId, now);
  return {
    periodId,
    historyId,
    releaseId,
    backfillId,
    importId,
    endpointId,
    eventId: told.id,
    reportId,
    syncReportId,
    memberId: member.id,
    referralId: referral.id,
    decisionId: decision.id,
    rewardId,
    code: member.code,
    batchId,
    orderId,
    caseId,
    driftCaseId,
  };
}

/** A stage that was renamed since an admin looked at it, and a mapping that was proposed. Returns the alert. */
async function tellDrift(store: Store, accountId: string, connectionId: string, now: number): Promise<string> {
  const stage = { id: 'closedwon', label: 'Won', isClosed: true, probability: 1 };
  const catalog = { pipelines: [{ id: 'default', label: 'Sales', stages: [stage] }] };
  const seen = { pipelineId: 'default', pipelineLabel: 'Sales', stageId: 'closedwon', stageLabel: 'Closed Won' };
  const observed = {
    catalog,
    mapping: { version: 'map_1', entries: [] },
    ...{ provisioned: null, properties: new Map(), programs: [], hints: null, fault: null },
    scopes: { granted: [], required: [] },
  };
  const baseline = { stages: [{ ...seen, byMetadata: 'won' as const }], properties: [] };
  const opens = driftsOf(connectionId, baseline, observed, now).map((drift) => ({
    case: driftCase(accountId, connectionId, drift, null, now),
    unlessClosedSince: now + 1,
  }));
  await store.drift.tell(accountId, opens, []);
  const id = derivedId('mpp', accountId, connectionId);
  if (!(await store.proposals.newest(accountId, connectionId)))
    await store.proposals.keep(accountId, {
      ...{ id, connectionId, state: 'open', basis: 'map_1', draft: null, dryRunId: null, postponedUntil: null },
      ...{ madeBy: 'test', madeAt: now, changedBy: 'test', changedAt: now, version: 1 },
      proposal: proposeMapping(catalog, [], { from: now - 1, to: now, deals: [], isComplete: true, total: 0 }),
    });
  const [alert] = await store.drift.alerts(accountId, connectionId);
  return alert?.id ?? '';
}

function decisionFor(accountId: string, connectionId: string, referral: Referral, dealId: string, now: number) {
  const rewardId = derivedId('rwd', accountId, referral.id, 'test');
  const decision: Decision = {
    id: derivedId('dec', accountId, referral.id, 'test'),
    referralId: referral.id,
    deal: { connectionId, object: 'deal', id: dealId },
    ruleKey: 'member-won',
    party: 'member',
    sequence: 1,
    outcome: 'rewarded',
    reason: reason('rewarded', { deal: 'Analytical engine' }),
    conditions: [{ condition: 'deal amount', expected: 'at least 1.005 BHD', actual: '2.000 BHD', verdict: 'met' }],
    calculation: [],
    money: { minor: 15_000n, currency: 'EUR' },
    rewardId,
    releaseAt: null,
    effectiveAt: now,
    program: { id: 'default', version: 1 },
    mappingVersion: 'map_1',
    recordedAt: now,
  };
  return { decision, rewardId };
}
