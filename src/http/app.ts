import type { IncomingMessage, OutgoingHttpHeaders, RequestListener, ServerResponse } from 'node:http';
import express, { type Express } from 'express';
import helmet from 'helmet';
import type { AccountBrand } from '../application/account-brand.ts';
import type { Accounts } from '../application/accounts.ts';
import type { Act } from '../application/act.ts';
import type { Connect } from '../application/connect.ts';
import type { ConsentTexts } from '../application/consent-texts.ts';
import type { CrmConnector } from '../application/ports/crm.ts';
import type { ConnectionStore } from '../application/ports/store.ts';
import type { Publish } from '../application/publish.ts';
import type { Review } from '../application/review.ts';
import type { SignIn } from '../application/sign-in.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics.ts';
import { type OperationsDeps, operations } from './api/operations.ts';
import { type ApiDeps, api } from './api/router.ts';
import { type CardActionDeps, cardActions } from './card-actions.ts';
import { type CardDeps, cards } from './cards.ts';
import { consolePages } from './console-pages.ts';
import { type ConsoleSessionDeps, consoleSession } from './console-session.ts';
import { type HealthDeps, health } from './health.ts';
import { type HubSpotActionDeps, hubspotActions } from './hubspot-actions.ts';
import { type HubspotHomeDeps, hubspotHome } from './hubspot-home.ts';
import { type HubspotSettingsDeps, hubspotSettings } from './hubspot-settings.ts';
import { installPage } from './install-page.ts';
import { createLimits, LIMITS, type LimitSettings } from './limits.ts';
import { oauth } from './oauth.ts';
import { type PayoutNewsDeps, payoutNews } from './payout-news.ts';
import { errorHandler, notFound } from './problem.ts';
import { requestLog } from './request-log.ts';
import { share } from './share.ts';
import { type ReceiveFrom, webhooks } from './webhooks.ts';

export interface AppDeps {
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly trustProxy: number | readonly string[];
  readonly metricsToken: string | null;
  readonly log: Log;
  readonly clock: Pick<Clock, 'now'>;
  readonly metrics: Metrics;
  /** A new request reference: unique, and not guessable from another one. */
  readonly newRef: () => string;
  /** By provider, as are the connectors. */
  readonly receive: ReadonlyMap<string, ReceiveFrom>;
  readonly connectors: ReadonlyMap<string, Pick<CrmConnector, 'inbound' | 'workflows'>>;
  readonly connect: Connect;
  readonly accounts: Pick<Accounts, 'authenticate' | 'createApiKey'>;
  readonly signIn: SignIn;
  readonly openId: ConsoleSessionDeps['openId'];
  readonly seal: ConsoleSessionDeps['seal'];
  readonly consoleFiles: string;
  readonly act: Act;
  readonly review: Review;
  readonly desk: OperationsDeps['desk'];
  readonly webhookEndpoints: OperationsDeps['webhookEndpoints'];
  readonly deskEffects: OperationsDeps['deskEffects'];
  readonly publish: Publish;
  /** Called when a budget was filled up, so that who waits for it is looked at. */
  readonly onBudget: () => void;
  readonly card: CardDeps['card'];
  readonly dealCard: CardDeps['dealCard'];
  readonly companyCard: CardDeps['companyCard'];
  readonly cardActions: CardActionDeps['cardActions'];
  readonly runWorkflowAction: HubSpotActionDeps['runWorkflowAction'];
  readonly listChoices: HubSpotActionDeps['listChoices'];
  readonly home: HubspotHomeDeps['home'];
  readonly appSettings: OperationsDeps['appSettings'];
  readonly settingsPage: HubspotSettingsDeps['settingsPage'];
  readonly store: {
    readonly reads: OperationsDeps['reads'];
    readonly connections: Pick<ConnectionStore, 'get' | 'list' | 'findByExternalId'>;
    readonly programs: OperationsDeps['programs'];
    readonly dryRuns: OperationsDeps['dryRuns'];
    readonly refunds: OperationsDeps['refunds'];
    readonly cases: OperationsDeps['cases'];
    readonly ledger: OperationsDeps['ledger'];
    readonly programDrafts: OperationsDeps['programDrafts'];
    readonly rates: OperationsDeps['rates'];
    readonly tierChanges: OperationsDeps['tierChanges'];
    readonly attribution: OperationsDeps['attribution'];
    readonly identity: OperationsDeps['identity'];
    readonly storedBackfills: OperationsDeps['storedBackfills'];
    readonly storedHistory: OperationsDeps['storedHistory'];
    readonly storedImports: OperationsDeps['storedImports'];
    readonly storedAccounts: OperationsDeps['storedAccounts'];
    readonly users: OperationsDeps['users'] & ConsoleSessionDeps['users'];
    readonly auditLog: OperationsDeps['auditLog'] & ApiDeps['auditLog'];
    readonly storedPrivacy: OperationsDeps['storedPrivacy'];
    readonly userViews: OperationsDeps['userViews'];
    readonly storedWebhooks: OperationsDeps['storedWebhooks'];
  };
  readonly privacy: OperationsDeps['privacy'];
  readonly finance: OperationsDeps['finance'];
  readonly forecasts: OperationsDeps['forecasts'];
  readonly backfills: OperationsDeps['backfills'];
  readonly history: OperationsDeps['history'];
  readonly memberImports: OperationsDeps['memberImports'];
  readonly figures: OperationsDeps['figures'];
  readonly tiers: OperationsDeps['tiers'];
  readonly reattribute: OperationsDeps['reattribute'];
  readonly mappings: OperationsDeps['mappings'];
  readonly autopilot: OperationsDeps['autopilot'];
  readonly drift: OperationsDeps['drift'];
  readonly publishAttribution: OperationsDeps['publishAttribution'];
  readonly payoutNews: PayoutNewsDeps['payoutNews'];
  readonly payoutAccounts: OperationsDeps['payoutAccounts'];
  readonly payoutDesk: OperationsDeps['payoutDesk'];
  readonly payoutBatches: OperationsDeps['payoutBatches'];
  readonly writeOff: OperationsDeps['writeOff'];
  readonly takeRefund: OperationsDeps['takeRefund'];
  readonly payoutReports: OperationsDeps['payoutReports'];
  readonly referralTimeline: OperationsDeps['referralTimeline'];
  readonly crmRecords: OperationsDeps['crmRecords'];
  readonly testRuns: OperationsDeps['testRuns'];
  readonly syncHealth: OperationsDeps['syncHealth'];
  readonly attention: OperationsDeps['attention'];
  readonly syncDesk: OperationsDeps['syncDesk'];
  readonly reconciliation: OperationsDeps['reconciliation'];
  readonly accountBrand: AccountBrand;
  readonly consentTexts: ConsentTexts;
  readonly retention: OperationsDeps['retention'];
  /** Throws when requests cannot be served, as `store.ping` does. */
  readonly readiness: HealthDeps['readiness'];
  readonly isStopping: () => boolean;
  readonly limits?: Partial<LimitSettings>;
}

/** Everything that is answered over HTTP. Routes are declared with their whole paths, each group in a file of its own. */
export function createApp(deps: AppDeps): RequestListener & Pick<Express, 'router'> {
  const { log, trustProxy, connectors, isStopping } = deps;
  const limits = createLimits({ ...LIMITS, ...deps.limits });
  const shared = { ...deps, ...deps.store, limits };
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', typeof trustProxy === 'number' ? trustProxy : [...trustProxy]);
  // "a[b]=c" stays what it is: nested parameters are only good for confusing whoever checks them.
  app.set('query parser', 'simple');

  const securityHeaders = helmet({
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    xFrameOptions: { action: 'deny' },
    strictTransportSecurity: deps.publicUrl.startsWith('https:'),
  });
  const inbound = webhooks(shared);

  app.use(requestLog(deps));
  app.use(securityHeaders);
  app.use((_request, response, next) => {
    // A proxy that keeps connections open must take its next request to a node that stays.
    if (isStopping()) response.set('Connection', 'close');
    next();
  });

  app.use(health(shared));
  app.use(inbound.router);
  app.use(payoutNews(shared));
  app.use(oauth({ ...shared, providers: new Set(connectors.keys()) }));
  app.use(installPage(shared));
  app.use(cards(shared));
  app.use(cardActions(shared));
  app.use(hubspotActions(shared));
  app.use(hubspotHome(shared));
  app.use(hubspotSettings(shared));
  app.use(share(shared));
  app.use(consoleSession(shared));
  app.use(consolePages(shared));
  app.use(api(shared, operations(shared)));
  app.use(notFound);
  app.use(errorHandler(log));

  const always = headersSetBy(securityHeaders);
  const headers = () => (isStopping() ? { ...always, Connection: 'close' } : always);
  return Object.assign(inbound.inFrontOf(app, { ...deps, headers }), { router: app.router });
}

/** What the middleware sets on every answer, for those that are given without it. */
function headersSetBy(middleware: ReturnType<typeof helmet>): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {};
  const response = {
    setHeader: (name: string, value: string) => {
      headers[name] = value;
    },
    removeHeader: () => {},
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, (problem?: unknown) => {
    if (problem) throw problem;
  });
  return headers;
}
