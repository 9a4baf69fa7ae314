import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { OAUTH_SCOPES } from '../../../manifests/salesforce/package.ts';
import { run } from '../../cli/run.ts';
import { readConfig } from '../../config.ts';
import { systemClock } from '../../platform/clock.ts';
import { createLog } from '../../platform/log.ts';
import { startService } from '../../service.ts';
import type { HubSpotSandbox } from '../hubspot/server.ts';
import { type ExternalClientApp, type SalesforceSandbox, startSalesforceSandbox } from '../salesforce/server.ts';
import { sandboxAppFromManifest } from '../web/manifest-app.ts';
import { startOrgPages } from '../web/salesforce/start-org-pages.ts';
import { startSandboxWithPages } from '../web/sandbox-with-pages.ts';
import { DemoError } from './demo-error.ts';
import type { Life } from './life/live.ts';
import { beginOfLife, lifePortal, makeLife } from './life/make.ts';
import { createWalk } from './life/walk.ts';
import type { LifeSize } from './options.ts';
import { freePorts, whyTaken } from './ports.ts';

export const PORTAL_ID = 147_000_001;
export const ACCOUNT_NAME = 'Acme';
/** Where two years have been made up. */
const LIFE_PORTAL_ID = 147_000_002;
const LIFE_NAME = 'Brightwater';

const HOST = '127.0.0.1';
const APP_ID = 4_242_424;
/** HubSpot gathers longer; nobody wants to wait for it in a story of seconds. */
const BATCH_DELAY_MS = 20;
/** A tenth of HubSpot's real schedule is still visible to a person who makes the service fail. */
const RETRY_BASE_MS = 2_000;
/** Enough to see what went wrong. */
const WARNINGS_KEPT = 20;

export interface WorldOptions {
  readonly port?: number;
  readonly crmPort?: number;
  readonly orgPort?: number;
  /** Two years of another account, in a portal of its own; null or absent for none. */
  readonly life?: LifeSize | null;
  /** Hears how much of them is lived. */
  readonly onLife?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

/** An account with two years behind it. */
export interface LivedAccount {
  readonly name: string;
  readonly portalId: number;
  readonly apiKey: string;
  /** Signs its owner in to the console, once. */
  readonly consoleLink: string;
}

/** A local HubSpot and a local Salesforce, both with their pages, and Wonward with an account and an API key, both on this machine over real HTTP. */
export interface World {
  readonly crmUrl: string;
  readonly serviceUrl: string;
  readonly apiKey: string;
  /** Signs the account's owner in to the console, once. */
  readonly consoleLink: string;
  readonly portalId: number;
  readonly lived: LivedAccount | null;
  /** The login host of the local Salesforce. */
  readonly orgUrl: string;
  readonly orgId: string;
  /** Where the org's pages are. */
  readonly orgPagesUrl: string;
  /** What the service has warned of lately, oldest first; lines of JSON. */
  warnings(): readonly string[];
  /** Stops all of it, finishing what is under way, and removes the database. */
  close(): Promise<void>;
}

/** @throws {DemoError} when a port that was asked for cannot be had. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const ports = await choosePorts(options);
  // As browsers write it: port 80 is left out.
  const serviceUrl = new URL(`http://${HOST}:${ports.service}`).origin;
  const directory = mkdtempSync(join(tmpdir(), 'wonward-demo-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  // Also when something throws where nobody catches it.
  process.once('exit', remove);
  const credentials = { appId: APP_ID, clientId: 'wonward-demo', clientSecret: randomBytes(24).toString('hex') };
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
    remove();
    process.off('exit', remove);
  };
  const { life = null } = options;
  const until = systemClock.now();
  const walk = life && createWalk(beginOfLife(until), life.seed);
  try {
    const sandbox = await startSandbox(serviceUrl, ports.crm, credentials, walk?.now);
    closers.push(() => sandbox.close());
    const org = { clientId: 'wonward-demo', clientSecret: randomBytes(24).toString('hex') };
    const app = orgAppAt(serviceUrl, org);
    const salesforce = await startOrg(app);
    closers.push(() => salesforce.close());
    const orgPages = await startOrgPages({ sandbox: salesforce, app }, ports.org);
    closers.push(() => orgPages.close());
    const environment = {
      ...environmentOf({ port: ports.service, serviceUrl, directory, sandbox, credentials }),
      SALESFORCE_CLIENT_ID: org.clientId,
      SALESFORCE_CLIENT_SECRET: org.clientSecret,
      SALESFORCE_LOGIN_URL: salesforce.url,
      SALESFORCE_PUBSUB_ENDPOINT: salesforce.pubSubEndpoint,
    };
    const lived =
      life &&
      walk &&
      (await makeLife(
        { environment, sandbox, portalId: LIFE_PORTAL_ID, walk },
        {
          ...life,
          from: walk.now(),
          until,
          accountName: LIFE_NAME,
          ...(options.onLife ? { onProgress: options.onLife } : {}),
          ...(options.signal ? { signal: options.signal } : {}),
        },
      ));
    const { apiKey, consoleLink } = await createAccount(environment);
    const livedAccount = lived && (await openToOwner(environment, lived));
    const { service, warnings } = await startWonward(environment);
    closers.push(() => service.stop());
    const orgId = salesforce.control.orgs()[0]?.id ?? '';
    return {
      crmUrl: sandbox.url,
      orgUrl: salesforce.url,
      orgId,
      orgPagesUrl: orgPages.url,
      serviceUrl,
      apiKey,
      consoleLink,
      portalId: PORTAL_ID,
      lived: livedAccount,
      warnings,
      close,
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function choosePorts({
  port,
  crmPort,
  orgPort,
}: WorldOptions): Promise<{ service: number; crm: number; org: number }> {
  for (const [flag, wanted] of [
    ['--port', port],
    ['--crm-port', crmPort],
    ['--org-port', orgPort],
  ] as const) {
    const why = wanted === undefined ? null : await whyTaken(wanted);
    if (why === null) continue;
    throw new DemoError(`Port ${wanted} ${why}. Give another ${flag}, or leave it out: then any free port is taken.`);
  }
  const [service = 0, crm = 0, org = 0] = await freePorts(3);
  return { service: port ?? service, crm: crmPort ?? crm, org: orgPort ?? org };
}

type Credentials = Parameters<typeof sandboxAppFromManifest>[1];

function startSandbox(
  serviceUrl: string,
  port: number,
  credentials: Credentials,
  clock: (() => number) | undefined,
): Promise<HubSpotSandbox> {
  return startSandboxWithPages(
    {
      port,
      host: HOST,
      app: sandboxAppFromManifest(serviceUrl, credentials),
      portals: [
        { portalId: PORTAL_ID, name: ACCOUNT_NAME, companyCurrency: 'EUR', timeZone: 'Europe/Berlin' },
        ...(clock ? [lifePortal(LIFE_PORTAL_ID, LIFE_NAME)] : []),
      ],
      ...(clock ? { clock } : {}),
      webhookBatchDelayMs: BATCH_DELAY_MS,
      retryBaseMs: RETRY_BASE_MS,
    },
    serviceUrl,
  );
}

const PACKAGE = fileURLToPath(new URL('../../../extensions/salesforce/force-app/main/default', import.meta.url));

function orgAppAt(serviceUrl: string, credentials: { clientId: string; clientSecret: string }): ExternalClientApp {
  return { ...credentials, redirectUrls: [`${serviceUrl}/oauth/salesforce/callback`], scopes: [...OAUTH_SCOPES] };
}

function startOrg(app: ExternalClientApp): Promise<SalesforceSandbox> {
  return startSalesforceSandbox({
    host: HOST,
    app,
    orgs: [{ name: ACCOUNT_NAME, currencies: ['EUR'], package: { root: PACKAGE } }],
  });
}

interface EnvironmentInput {
  readonly port: number;
  readonly serviceUrl: string;
  readonly directory: string;
  readonly sandbox: Pick<HubSpotSandbox, 'url' | 'authorizeUrl'>;
  readonly credentials: Credentials;
}

/** As a person would set it. Nothing is taken from the shell, so that the demo is the same on every machine. */
function environmentOf({ port, serviceUrl, directory, sandbox, credentials }: EnvironmentInput) {
  return {
    NODE_ENV: 'development',
    HOST,
    PORT: String(port),
    PUBLIC_URL: serviceUrl,
    DATABASE_URL: `sqlite:${join(directory, 'wonward.db')}`,
    ENCRYPTION_KEY: `k1:${randomBytes(32).toString('base64')}`,
    HUBSPOT_API_URL: sandbox.url,
    HUBSPOT_AUTHORIZE_URL: sandbox.authorizeUrl,
    HUBSPOT_CLIENT_ID: credentials.clientId,
    HUBSPOT_CLIENT_SECRET: credentials.clientSecret,
    HUBSPOT_APP_ID: String(credentials.appId),
    LOG_LEVEL: 'warn',
  };
}

type Environment = ReturnType<typeof environmentOf>;

/** The two commands that an operator starts with. */
async function createAccount(environment: Environment): Promise<{ apiKey: string; consoleLink: string }> {
  const account = await command(environment, z.object({ id: z.string() }), ['account', 'create', ACCOUNT_NAME]);
  const made = await command(environment, z.object({ key: z.string() }), [
    'key',
    'create',
    account.id,
    '--label',
    'demo',
  ]);
  const invite = ['user', 'invite', account.id, 'ada@acme.example', '--role', 'owner'];
  const { link } = await command(environment, z.object({ link: z.string() }), invite);
  return { apiKey: made.key, consoleLink: link };
}

async function openToOwner(environment: Environment, { accountId, apiKey }: Life): Promise<LivedAccount> {
  const invite = ['user', 'invite', accountId, 'mara@brightwater.example', '--role', 'owner'];
  const { link } = await command(environment, z.object({ link: z.string() }), invite);
  return { name: LIFE_NAME, portalId: LIFE_PORTAL_ID, apiKey, consoleLink: link };
}

async function command<T>(env: Environment, schema: z.ZodType<T>, args: readonly string[]): Promise<T> {
  let out = '';
  let err = '';
  const code = await run([...args, '--json'], {
    env,
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    readText: () => Promise.reject(new Error('nothing is piped in')),
  });
  if (code !== 0) throw new Error(`"npm run cli -- ${args.join(' ')}" failed: ${err}`);
  return schema.parse(JSON.parse(out));
}

async function startWonward(environment: Environment) {
  const read = readConfig(environment);
  if (!read.ok) throw new Error(read.problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
  const kept: string[] = [];
  const log = createLog({
    level: read.config.logLevel,
    destination: {
      write(line) {
        kept.push(line.trimEnd());
        if (kept.length > WARNINGS_KEPT) kept.shift();
      },
    },
  });
  const service = await startService(read.config, { clock: systemClock, log });
  return { service, warnings: () => kept };
}
