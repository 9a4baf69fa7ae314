import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hubspotManifest } from '../manifests/hubspot/app.ts';
import { createAccounts } from '../src/application/accounts.ts';
import { type ProgramDocument, parseProgram } from '../src/application/program-document.ts';
import { derivedId } from '../src/domain/ids.ts';
import { systemClock } from '../src/platform/clock.ts';
import type { SandboxOptions } from '../src/sandbox/hubspot/server.ts';
import { openStore } from '../src/store/open.ts';
import { type Child, freePort, startChild, until } from './processes.ts';
import type { Context } from './row.ts';

/** What the local HubSpot and the load generator both know of our app. */
export const APP = { appId: 4_242_424, clientId: 'wonward-bench', clientSecret: 'wonward-bench-secret' };

export const FIRST_PORTAL = 147_000_001;

/** Both sides are rewarded at once, as credit: two rewards and two journals of two postings each for a Closed Won. */
export const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    { key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'credit' },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      payout: 'credit',
    },
  ],
};

export type CrmQuestion =
  | { readonly kind: 'where' }
  | { readonly kind: 'install'; readonly portalId: number; readonly state: string }
  | { readonly kind: 'seed'; readonly portalId: number; readonly deals: number; readonly friendsPerMember: number }
  | {
      readonly kind: 'edit';
      readonly portalId: number;
      readonly dealIds: readonly string[];
      readonly properties: Readonly<Record<string, string>>;
    }
  /** Every answer of the CRM comes this much later; 0 for none. */
  | { readonly kind: 'slow'; readonly latencyMs: number }
  | { readonly kind: 'calls' };

/** Deal and friend at the same place belong together. */
export interface Seeded {
  readonly dealIds: string[];
  readonly friendIds: string[];
  readonly memberIds: string[];
}

export interface Tenant {
  readonly accountId: string;
  readonly apiKey: string;
  readonly portalId: number;
  readonly connectionId: string;
}

/** A local HubSpot, a database with one account per portal, and the service, each where a user would have it. */
export interface World {
  readonly crm: Child;
  readonly crmUrl: string;
  readonly databaseUrl: string;
  readonly port: number;
  /** Where the service is reached, as HubSpot knows it. */
  readonly publicUrl: string;
  readonly tenants: readonly Tenant[];
  /** The process that runs now. */
  service(): Child;
  /** Starts a process of the service and waits until it is ready. */
  start(options?: ServiceOptions): Promise<Child>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts a process and does not wait: for who measures the start. */
  spawn(options?: ServiceOptions): Promise<Child>;
  /** Connects every portal through the consent page and the callback, as an admin does. */
  install(): Promise<void>;
  askCrm<T>(question: CrmQuestion): Promise<T>;
}

export interface ServiceOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Such as `--cpu-prof` or `--import`. */
  readonly execArgv?: readonly string[];
  readonly cwd?: string;
}

export interface WorldOptions {
  readonly databaseUrl: string;
  readonly portals?: number;
  readonly sandbox?: Partial<SandboxOptions>;
  readonly env?: Readonly<Record<string, string>>;
  /** For a database that has its account already, as a generated one: nothing is created then. */
  readonly tenants?: readonly Tenant[];
}

export async function createWorld(context: Context, options: WorldOptions): Promise<World> {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const portalIds = Array.from({ length: options.portals ?? 1 }, (_, index) => FIRST_PORTAL + index);
  const crm = await startChild(context, 'bench/local-hubspot.ts', {
    env: { BENCH_SANDBOX: JSON.stringify({ ...sandboxAt(publicUrl, portalIds), ...options.sandbox }) },
  });
  const { url: crmUrl, authorizeUrl } = await crm.ask<{ url: string; authorizeUrl: string }>({ kind: 'where' });
  const tenants = options.tenants ?? (await createTenants(options.databaseUrl, portalIds));
  const env = {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: publicUrl,
    DATABASE_URL: options.databaseUrl,
    ENCRYPTION_KEY: `k1:${randomBytes(32).toString('base64')}`,
    HUBSPOT_API_URL: crmUrl,
    HUBSPOT_AUTHORIZE_URL: authorizeUrl,
    HUBSPOT_CLIENT_ID: APP.clientId,
    HUBSPOT_CLIENT_SECRET: APP.clientSecret,
    HUBSPOT_APP_ID: String(APP.appId),
    // Once a year: a sweep inside a measurement would be its own.
    SWEEP_SCHEDULE: '0 0 1 1 *',
    ALLOW_PRIVATE_DESTINATIONS: 'true',
    ...options.env,
  };

  let service: Child | null = null;
  const running = () => {
    if (!service) throw new Error('the service was not started');
    return service;
  };
  const world: World = {
    crm,
    crmUrl,
    databaseUrl: options.databaseUrl,
    port,
    publicUrl,
    tenants,
    service: running,
    async spawn(changes = {}) {
      const { execArgv, script } = asNpmStart();
      service = await startChild(context, script, {
        ...changes,
        execArgv: [...execArgv, ...(changes.execArgv ?? [])],
        // Development, since production insists on https for the public address.
        env: { ...env, NODE_ENV: 'development', ...changes.env },
      });
      return service;
    },
    async start(changes) {
      const child = await world.spawn(changes);
      await until('the service is ready', () => isReady(publicUrl), { child });
      return child;
    },
    stop: (signal = 'SIGTERM') => running().kill(signal),
    async install() {
      for (const tenant of tenants) await install(world, tenant);
    },
    askCrm: (question) => crm.ask(question),
  };
  if (options.tenants) await makeFields(context, world, portalIds);
  return world;
}

/** What `npm start` runs, but for the .env of whoever runs the bench. */
function asNpmStart(): { execArgv: string[]; script: string } {
  const { scripts } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const words = String(scripts.start).split(' ').slice(1);
  return { execArgv: words.slice(0, -1).filter((word) => !word.includes('.env')), script: words.at(-1) ?? '' };
}

/**
 * Has our fields made in the portals of a generated store before its service comes: when they are made, every mirrored record is written anew,
 * which for two million is half an hour of all the calls that HubSpot allows, and another measurement than any row's.
 */
async function makeFields(context: Context, world: World, portalIds: readonly number[]): Promise<void> {
  const databaseUrl = `sqlite:${join(await context.directory(), 'fields.db')}`;
  const tenants = await createTenants(databaseUrl, portalIds);
  await world.start({ env: { DATABASE_URL: databaseUrl } });
  for (const tenant of tenants) await install(world, tenant);
  await world.stop('SIGKILL');
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/readyz`).catch(() => null);
  await response?.arrayBuffer();
  return response?.status === 200;
}

function sandboxAt(publicUrl: string, portalIds: readonly number[]): SandboxOptions {
  const { oauth, webhooks } = hubspotManifest;
  return {
    app: {
      ...APP,
      redirectUrls: [`${publicUrl}${oauth.redirectPath}`],
      requiredScopes: [...oauth.requiredScopes],
      optionalScopes: [...oauth.optionalScopes],
      webhooks: {
        targetUrl: `${publicUrl}${webhooks.path}`,
        maxConcurrentRequests: webhooks.maxConcurrentRequests,
        // The load generator tells what has changed, at the rate that is measured.
        subscriptions: webhooks.crmObjects.map((subscription) => ({ ...subscription, active: false })),
        hubEvents: webhooks.hubEvents.map((event) => ({ ...event, active: false })),
      },
      permittedFetchUrls: [publicUrl],
    },
    portals: portalIds.map((portalId, index) => ({
      portalId,
      name: `Acme ${portalId}`,
      companyCurrency: 'EUR',
      firstRecordId: 30_000_000_001 + index * 10_000_000,
    })),
    indexLagMs: 0,
  };
}

/** Accounts, keys and the program, as the command line makes them before a service is started. */
async function createTenants(databaseUrl: string, portalIds: readonly number[]): Promise<Tenant[]> {
  const store = await openStore({ url: databaseUrl });
  try {
    const accounts = createAccounts({ store, clock: systemClock });
    const parsed = parseProgram(PROGRAM);
    if (!parsed.ok) throw new Error(parsed.problems.join('\n'));
    const tenants: Tenant[] = [];
    for (const portalId of portalIds) {
      const { id: accountId } = await accounts.create(`Portal ${portalId}`);
      const key = await accounts.createApiKey(accountId, 'bench');
      if (!key) throw new Error('no key');
      await store.programs.publish(accountId, parsed.program, systemClock.now());
      tenants.push({ accountId, apiKey: key.key, portalId, connectionId: connectionIdOf(accountId, portalId) });
    }
    return tenants;
  } finally {
    await store.close();
  }
}

/** As application/connect.ts derives it. */
export function connectionIdOf(accountId: string, portalId: number): string {
  return derivedId('con', accountId, 'hubspot', String(portalId));
}

async function install({ publicUrl, askCrm }: World, { apiKey, portalId }: Tenant): Promise<void> {
  const begun = await fetch(`${publicUrl}/api/v1/connections/install`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ provider: 'hubspot' }),
  });
  const { url } = (await begun.json()) as { url: string };
  const state = new URL(url).searchParams.get('state') ?? '';
  const response = await fetch(await askCrm<string>({ kind: 'install', portalId, state }), { redirect: 'manual' });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`portal ${portalId} could not be connected: ${response.status}`);
}
