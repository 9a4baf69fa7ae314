import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { validate as isCron } from 'node-cron';
import { z } from 'zod';
import { parseSealKeys, type SealKey } from './platform/seal.ts';

/** A webhook secret shorter than this can be guessed; Standard Webhooks names 24 to 64 bytes. */
const WEBHOOK_SECRET_BYTES_MIN = 24;
const WEBHOOK_SECRET_BYTES_MAX = 64;
/** A token that opens the metrics is guessed over the network, so 16 random characters are plenty and a word is not. */
const METRICS_TOKEN_LENGTH_MIN = 16;
/** More proxies than this in front of one service is a mistyped number. */
const PROXY_HOPS_MAX = 10;

/** What the README's table, `.env.example` and `config check` know of a variable beside its schema. */
export interface VariableMeta {
  readonly description: string;
  /** Shown where nothing is set: a value that could stand there. Never a secret that works. */
  readonly example?: string;
  /** Never printed, and readable from the file that `<NAME>_FILE` names. */
  readonly secret?: true;
  /** Not secret as a whole, but may contain a password: `<NAME>_FILE` is offered, and the password is masked. */
  readonly mayHoldPassword?: true;
  /** `always`: the service starts nowhere without it. `production`: it does not start there without it. */
  readonly needed?: 'always' | 'production';
}

const variables = z.registry<VariableMeta>();

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const text = (what: string) => z.string(what).min(1, what);

function webUrl(what: string) {
  return text(what).transform((raw, context) => {
    const url = URL.canParse(raw) ? new URL(raw) : null;
    const isPlain = url?.username === '' && url.password === '' && url.hash === '';
    if (url && isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return url;
    context.addIssue({ code: 'custom', message: what });
    return z.NEVER;
  });
}

/** Where we are called at, or call: the parts that a path is appended to. */
function baseUrl(what: string) {
  return webUrl(what).transform((url, context) => {
    if (url.search === '') return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
    context.addIssue({ code: 'custom', message: what });
    return z.NEVER;
  });
}

function flag(what: string) {
  return z
    .enum(['true', 'false', '1', '0'], what)
    .default('false')
    .transform((raw) => raw === 'true' || raw === '1');
}

const SMTP =
  'must be smtp:// or smtps:// with the host of the mail server, such as smtps://user:password@smtp.example.com';
const MAIL_FROM = 'must be an address, such as Wonward <referrals@example.com>';
const PORT = 'must be a port number from 0 to 65535, such as 3000';
const PUBLIC_URL = 'must be an address such as https://referrals.example.com, without query or password';
const DATABASE = 'must be sqlite:<path of a file>, such as sqlite:./data/wonward.db, or postgres://…';
const KEYS = 'must be id:base64 of 32 bytes; make one with: npm run cli -- key generate';
const APP_ID = "must be the app's number, as its page in HubSpot shows";
const LOCAL_PROVIDERS = 'must be name=address, separated by commas, such as stripe=http://127.0.0.1:4001';
const PUBSUB = 'must be a host and a port, such as api.pubsub.salesforce.com:7443';
const SHARE = 'must be a whole number of percent from 1 to 100';
const CRON = 'must be a cron expression, such as */5 * * * *';
const PROXIES = `must be the number of proxies in front of the service (0 to ${PROXY_HOPS_MAX}), or their addresses separated by commas`;
const WEBHOOK_SECRET = `must be whsec_ and base64 of ${WEBHOOK_SECRET_BYTES_MIN} to ${WEBHOOK_SECRET_BYTES_MAX} random bytes`;
const METRICS_TOKEN = `must have at least ${METRICS_TOKEN_LENGTH_MIN} characters`;

/** Everything that can be configured, once: the parser, the documentation and the example file are made from this. */
export const configSchema = z.object({
  NODE_ENV: z
    .enum(['production', 'development', 'test'], 'must be production, development or test')
    .default('development')
    .register(variables, {
      description: '`production` makes the service refuse to start with anything missing or unsafe.',
    }),
  HOST: text('must be an address to listen on, such as 0.0.0.0').default('0.0.0.0').register(variables, {
    description: 'Address to listen on. `127.0.0.1` serves this machine only.',
  }),
  PORT: z
    .string(PORT)
    .regex(/^[0-9]{1,5}$/, PORT)
    .default('3000')
    .transform(Number)
    .refine((port) => port <= 65_535, PORT)
    .register(variables, { description: 'Port to listen on.' }),
  PUBLIC_URL: baseUrl(PUBLIC_URL).optional().register(variables, {
    description:
      'Address under which the CRM and browsers reach the service. Webhook signatures are checked against it, never against request headers. `https` in production. Elsewhere `http://localhost:<PORT>` when empty.',
    example: 'https://referrals.example.com',
    needed: 'production',
  }),
  DATABASE_URL: text(DATABASE)
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)$/, DATABASE)
    .default('sqlite:./data/wonward.db')
    .register(variables, {
      description: '`sqlite:<path>` for one machine, `postgres://…` for several.',
      mayHoldPassword: true,
    }),
  ENCRYPTION_KEY: text(KEYS)
    .transform((raw, context): SealKey[] => {
      const keys = parseSealKeys(raw);
      if (typeof keys !== 'string') return keys;
      context.addIssue({ code: 'custom', message: `${KEYS} (${keys.trim()})` });
      return z.NEVER;
    })
    .optional()
    .register(variables, {
      description:
        'Seals the tokens of the CRMs in the database (AES-256-GCM). `id:base64` of 32 bytes; several separated by commas while keys are rotated, the one to seal with first. `npm run cli -- key generate` makes one.',
      secret: true,
      needed: 'always',
    }),
  HUBSPOT_API_URL: baseUrl('must be an address such as https://api.hubapi.com')
    .default('https://api.hubapi.com')
    .register(variables, { description: "HubSpot's API; another one only for a local HubSpot." }),
  HUBSPOT_AUTHORIZE_URL: webUrl('must be an address such as https://app.hubspot.com/oauth/authorize')
    .transform(({ href }) => href)
    .default('https://app.hubspot.com/oauth/authorize')
    .register(variables, { description: "HubSpot's consent page; another one only for a local HubSpot." }),
  HUBSPOT_CLIENT_ID: text("must be the app's client id, as its page in HubSpot shows").optional().register(variables, {
    description:
      "Client id of the HubSpot app. HubSpot's three variables are set together or not at all; not at all where only Salesforce is used.",
    needed: 'production',
  }),
  HUBSPOT_CLIENT_SECRET: text("must be the app's client secret, as its page in HubSpot shows")
    .regex(/^[^,\s]+$/, 'must be one secret; the former one goes to HUBSPOT_CLIENT_SECRET_PREVIOUS')
    .optional()
    .register(variables, {
      description: 'Client secret of the HubSpot app; HubSpot signs its calls with it.',
      secret: true,
      needed: 'production',
    }),
  HUBSPOT_CLIENT_SECRET_PREVIOUS: text('must be the former client secret')
    .regex(/^[^,\s]+$/, 'must be one secret')
    .optional()
    .register(variables, {
      description: 'The former client secret while it is rotated: calls signed with it are still accepted.',
      secret: true,
    }),
  HUBSPOT_APP_ID: text(APP_ID)
    .regex(/^[1-9][0-9]{0,14}$/, APP_ID)
    .transform(Number)
    .optional()
    .register(variables, {
      description: "The HubSpot app's number: by it Wonward recognises the echo of its own writes.",
      example: '1234567',
      needed: 'production',
    }),
  HUBSPOT_APP_EVENTS: flag('must be true or false').register(variables, {
    description:
      'Whether HubSpot has approved the app for app events and it was uploaded with them: then an admin may have the timelines of contacts told what happens.',
  }),
  SALESFORCE_CLIENT_ID: text('must be the consumer key of the external client app').optional().register(variables, {
    description:
      'Consumer key of the external client app in Salesforce. It and its secret are set together or not at all.',
    example: '3MVG9.example.consumer.key',
  }),
  SALESFORCE_CLIENT_SECRET: text('must be the consumer secret of the external client app')
    .optional()
    .register(variables, {
      description: 'Consumer secret of the external client app in Salesforce.',
      secret: true,
    }),
  SALESFORCE_LOGIN_URL: baseUrl('must be an address such as https://login.salesforce.com')
    .default('https://login.salesforce.com')
    .register(variables, {
      description:
        'Where admins log in to Salesforce unless they choose another place when they connect; another one only for a local Salesforce.',
    }),
  SALESFORCE_PUBSUB_ENDPOINT: text(PUBSUB)
    .regex(/^(\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):[1-9][0-9]{0,4}$/, PUBSUB)
    .default('api.pubsub.salesforce.com:7443')
    .register(variables, {
      description: "Host and port of Salesforce's Pub/Sub API; another one only for a local Salesforce.",
    }),
  SALESFORCE_DAILY_SHARE: text(SHARE)
    .regex(/^([1-9][0-9]?|100)$/, SHARE)
    .transform(Number)
    .default(50)
    .register(variables, {
      description:
        "How much of an org's API calls of a day Wonward takes at most, in percent, unless an admin sets it for the connection. What is left belongs to everything else that the customer runs.",
    }),
  SMTP_URL: text(SMTP)
    .regex(/^smtps?:\/\/\S+$/, SMTP)
    .optional()
    .register(variables, {
      description:
        'The mail server that sends links to sign in and invitations. Set together with MAIL_FROM. Without it links come from `npm run cli -- user link`.',
      example: 'smtps://apikey:secret@smtp.example.com:465',
      mayHoldPassword: true,
    }),
  MAIL_FROM: text(MAIL_FROM)
    .regex(/^([^<>@\r\n]* <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/, MAIL_FROM)
    .optional()
    .register(variables, {
      description: 'Whom letters come from.',
      example: 'Wonward <referrals@example.com>',
    }),
  OIDC_ISSUER: webUrl('must be the address of the OpenID provider, such as https://login.example.com')
    .transform(({ href }) => href)
    .optional()
    .register(variables, {
      description:
        "OpenID provider that users of the console can sign in with. Register `<PUBLIC_URL>/console/openid/callback` there. OIDC's first three variables are set together or not at all.",
      example: 'https://login.example.com',
    }),
  OIDC_CLIENT_ID: text('must be the client id that the OpenID provider gave')
    .optional()
    .register(variables, { description: 'Client id at the OpenID provider.', example: 'wonward' }),
  OIDC_CLIENT_SECRET: text('must be the client secret that the OpenID provider gave')
    .optional()
    .register(variables, { description: 'Client secret at the OpenID provider.', secret: true }),
  OIDC_NAME: text('must be what people call the OpenID provider')
    .max(40, 'must have at most 40 characters')
    .default('single sign-on')
    .register(variables, { description: 'What the button says: "Continue with …".' }),
  REWARD_WEBHOOK_URL: webUrl('must be an address such as https://rewards.example.com/issue')
    .optional()
    .register(variables, {
      description:
        'Where rewards with the payout `webhook` are ordered, signed as Standard Webhooks. Set together with its secret.',
      example: 'https://rewards.example.com/issue',
    }),
  REWARD_WEBHOOK_SECRET: text(WEBHOOK_SECRET)
    .refine((raw) => {
      const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(raw)?.[1];
      const bytes = Buffer.from(encoded ?? '', 'base64').length;
      return bytes >= WEBHOOK_SECRET_BYTES_MIN && bytes <= WEBHOOK_SECRET_BYTES_MAX;
    }, WEBHOOK_SECRET)
    .optional()
    .register(variables, { description: 'Signs the orders to REWARD_WEBHOOK_URL.', secret: true }),
  ALLOW_PRIVATE_DESTINATIONS: flag('must be true or false').register(variables, {
    description:
      'Lets the reward webhook call private and local addresses, for the local sandbox. Refused in production.',
  }),
  LOCAL_PAYOUT_PROVIDERS: text(LOCAL_PROVIDERS)
    .transform((raw, context): Record<string, URL> => {
      const entries = raw.split(',').map((part) => /^\s*([a-z]+)=(\S+?)\s*$/.exec(part));
      const urls = entries.map((entry) => (entry?.[2] && URL.canParse(entry[2]) ? new URL(entry[2]) : null));
      if (urls.every((url) => url !== null && /^https?:$/.test(url.protocol)))
        return Object.fromEntries(entries.map((entry, index) => [entry?.[1] ?? '', urls[index] as URL]));
      context.addIssue({ code: 'custom', message: LOCAL_PROVIDERS });
      return z.NEVER;
    })
    .optional()
    .register(variables, {
      description:
        'Local servers that stand in for reward providers. Needs ALLOW_PRIVATE_DESTINATIONS; refused in production.',
      example: 'stripe=http://127.0.0.1:4001,paypal=http://127.0.0.1:4002',
    }),
  SWEEP_SCHEDULE: text(CRON).refine(isCron, CRON).default('*/5 * * * *').register(variables, {
    description: 'When the CRM is searched for changes whose webhooks were lost, as a cron expression in UTC.',
  }),
  RECONCILE_SCHEDULE: text(CRON).refine(isCron, CRON).default('20 3 1 * *').register(variables, {
    description:
      'When each CRM is compared with the decisions and with what it should show, as a cron expression in UTC.',
  }),
  LOG_LEVEL: z
    .enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)
    .default('info')
    .register(variables, { description: `How much is logged: one of ${LOG_LEVELS.join(', ')}.` }),
  TRUST_PROXY: text(PROXIES)
    .default('0')
    .transform((raw, context): number | string[] => {
      if (/^[0-9]{1,2}$/.test(raw) && Number(raw) <= PROXY_HOPS_MAX) return Number(raw);
      const addresses = raw.split(',').map((part) => part.trim());
      if (!/^[0-9]+$/.test(raw) && addresses.every(isNetwork)) return addresses;
      context.addIssue({ code: 'custom', message: PROXIES });
      return z.NEVER;
    })
    .register(variables, {
      description:
        'How many proxies stand in front, or their addresses (`10.0.0.0/8, ::1`). Rate limits count by the address they report; with a wrong value all callers share one.',
    }),
  METRICS_TOKEN: text(METRICS_TOKEN).min(METRICS_TOKEN_LENGTH_MIN, METRICS_TOKEN).optional().register(variables, {
    description: 'Bearer token for `/metrics`. Without one only this machine may read them.',
    secret: true,
  }),
});

type Values = z.output<typeof configSchema>;
export type VariableName = keyof Values;

export interface HubSpotConfig {
  readonly apiUrl: string;
  readonly authorizeUrl: string;
  readonly clientId: string;
  /** The current one first. */
  readonly clientSecrets: readonly string[];
  readonly appId: number;
}

export interface Config {
  readonly environment: Values['NODE_ENV'];
  readonly host: string;
  readonly port: number;
  /** Without a slash at the end. */
  readonly publicUrl: string;
  readonly databaseUrl: string;
  /** At least one; the first one seals. */
  readonly encryptionKeys: readonly SealKey[];
  readonly logLevel: Values['LOG_LEVEL'];
  /** Null: no HubSpot app is configured, so the connector is absent. */
  readonly hubspot: HubSpotConfig | null;
  /** Null: no program may pay by webhook. */
  readonly rewardWebhook: { readonly url: URL; readonly secret: string } | null;
  /** Null: no letter is sent. */
  readonly mail: { readonly url: string; readonly from: string } | null;
  /** Null: nobody signs in through an OpenID provider. */
  readonly openId: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly name: string;
  } | null;
  readonly allowPrivateDestinations: boolean;
  /** By the provider's name. */
  readonly localProviders: Readonly<Record<string, URL>>;
  readonly sweepSchedule: string;
  readonly reconcileSchedule: string;
  /** As Express takes it for `trust proxy`. */
  readonly trustProxy: number | readonly string[];
  readonly metricsToken: string | null;
  /** The environment with every `_FILE` read, for the connectors, which know their own variables. */
  readonly crmEnvironment: Readonly<Record<string, string>>;
}

export interface ConfigProblem {
  readonly variable: string;
  /** What it should be: "must be …". */
  readonly problem: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export interface VariableDoc extends VariableMeta {
  readonly name: VariableName;
  /** As it would be written; null when there is none. */
  readonly defaultValue: string | null;
}

/** Every variable in the order in which a person should read them. */
export function variableDocs(): VariableDoc[] {
  return Object.entries(configSchema.shape).map(([name, schema]) => {
    const meta = variables.get(schema);
    if (!meta) throw new Error(`${name} has no description`);
    return { ...meta, name: name as VariableName, defaultValue: defaultOf(schema) };
  });
}

const SALESFORCE = ['SALESFORCE_CLIENT_ID', 'SALESFORCE_CLIENT_SECRET'] as const;
const HUBSPOT = ['HUBSPOT_CLIENT_ID', 'HUBSPOT_CLIENT_SECRET', 'HUBSPOT_APP_ID'] as const;
const MAIL = ['SMTP_URL', 'MAIL_FROM'] as const;
const OIDC = ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'] as const;
const REWARD_WEBHOOK = ['REWARD_WEBHOOK_URL', 'REWARD_WEBHOOK_SECRET'] as const;

/** Reads the whole environment and names everything that is wrong with it at once. */
export function readConfig(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): ConfigResult {
  const problems: ConfigProblem[] = [];
  const given = resolveFiles(env, readFile, problems);
  const values: Partial<Record<VariableName, unknown>> = {};
  for (const { name } of variableDocs()) {
    if (problems.some(({ variable }) => variable === `${name}_FILE`)) continue;
    const parsed = configSchema.shape[name].safeParse(given[name]);
    if (parsed.success) values[name] = parsed.data;
    else problems.push({ variable: name, problem: parsed.error.issues[0]?.message ?? 'is wrong' });
  }
  const isProduction = values.NODE_ENV === 'production';
  const isSet = (name: VariableName) =>
    given[name] !== undefined || problems.some(({ variable }) => variable === `${name}_FILE`);

  for (const { name, needed } of variableDocs()) {
    if (isSet(name) || !(needed === 'always' || (needed === 'production' && isProduction))) continue;
    // One CRM is enough.
    if ((HUBSPOT as readonly string[]).includes(name) && SALESFORCE.every(isSet)) continue;
    const where = needed === 'production' ? 'in production ' : '';
    problems.push({ variable: name, problem: `is needed ${where}and missing: it ${wanted(name)}` });
  }
  for (const group of [HUBSPOT, SALESFORCE, REWARD_WEBHOOK, MAIL, OIDC]) {
    const present = group.filter(isSet);
    if (present.length === 0) continue;
    for (const name of group) {
      if (isSet(name) || problems.some(({ variable }) => variable === name)) continue;
      problems.push({ variable: name, problem: `must be set too, since ${present.join(' and ')} is` });
    }
  }
  if (isSet('HUBSPOT_CLIENT_SECRET_PREVIOUS') && !isSet('HUBSPOT_CLIENT_SECRET')) {
    problems.push({
      variable: 'HUBSPOT_CLIENT_SECRET_PREVIOUS',
      problem: 'must not be set without HUBSPOT_CLIENT_SECRET, which holds the current one',
    });
  }
  problems.push(...unsafeIn(values as Partial<Values>, isProduction));
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, config: configOf(values as Values, given) };
}

/** What is safe on a developer's machine and not in production, or not over an open network. */
function unsafeIn(values: Partial<Values>, isProduction: boolean): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { PUBLIC_URL: publicUrl, REWARD_WEBHOOK_URL: rewardUrl } = values;
  if (isProduction && publicUrl?.startsWith('http:')) {
    problems.push({ variable: 'PUBLIC_URL', problem: 'must begin with https:// in production' });
  }
  if (isProduction && values.ALLOW_PRIVATE_DESTINATIONS) {
    problems.push({
      variable: 'ALLOW_PRIVATE_DESTINATIONS',
      problem: 'must not be true in production: a reward order could then reach addresses inside your network',
    });
  }
  if (values.LOCAL_PAYOUT_PROVIDERS !== undefined && (isProduction || values.ALLOW_PRIVATE_DESTINATIONS !== true)) {
    problems.push({
      variable: 'LOCAL_PAYOUT_PROVIDERS',
      problem:
        'must be left out, except in development with ALLOW_PRIVATE_DESTINATIONS=true: orders would go to it instead of the provider',
    });
  }
  if (rewardUrl?.protocol === 'http:' && values.ALLOW_PRIVATE_DESTINATIONS === false) {
    problems.push({ variable: 'REWARD_WEBHOOK_URL', problem: 'must begin with https://: an order names people' });
  }
  for (const name of ['HUBSPOT_API_URL', 'HUBSPOT_AUTHORIZE_URL', 'SALESFORCE_LOGIN_URL', 'OIDC_ISSUER'] as const) {
    if (isProduction && values[name]?.startsWith('http:')) {
      problems.push({ variable: name, problem: 'must begin with https:// in production' });
    }
  }
  return problems;
}

function configOf(values: Values, given: Readonly<Record<string, string>>): Config {
  const { HUBSPOT_CLIENT_ID: clientId, HUBSPOT_CLIENT_SECRET: clientSecret, HUBSPOT_APP_ID: appId } = values;
  const clientSecrets = [clientSecret, values.HUBSPOT_CLIENT_SECRET_PREVIOUS].filter((secret) => secret !== undefined);
  const { REWARD_WEBHOOK_URL: url, REWARD_WEBHOOK_SECRET: secret } = values;
  return {
    environment: values.NODE_ENV,
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL ?? `http://localhost:${values.PORT}`,
    databaseUrl: values.DATABASE_URL,
    encryptionKeys: values.ENCRYPTION_KEY ?? [],
    logLevel: values.LOG_LEVEL,
    hubspot:
      clientId !== undefined && clientSecret !== undefined && appId !== undefined
        ? {
            apiUrl: values.HUBSPOT_API_URL,
            authorizeUrl: values.HUBSPOT_AUTHORIZE_URL,
            clientId,
            clientSecrets,
            appId,
          }
        : null,
    rewardWebhook: url && secret !== undefined ? { url, secret } : null,
    mail:
      values.SMTP_URL !== undefined && values.MAIL_FROM !== undefined
        ? { url: values.SMTP_URL, from: values.MAIL_FROM }
        : null,
    openId:
      values.OIDC_ISSUER !== undefined && values.OIDC_CLIENT_ID !== undefined && values.OIDC_CLIENT_SECRET !== undefined
        ? {
            issuer: values.OIDC_ISSUER,
            clientId: values.OIDC_CLIENT_ID,
            clientSecret: values.OIDC_CLIENT_SECRET,
            name: values.OIDC_NAME,
          }
        : null,
    allowPrivateDestinations: values.ALLOW_PRIVATE_DESTINATIONS,
    localProviders: values.LOCAL_PAYOUT_PROVIDERS ?? {},
    sweepSchedule: values.SWEEP_SCHEDULE,
    reconcileSchedule: values.RECONCILE_SCHEDULE,
    trustProxy: values.TRUST_PROXY,
    metricsToken: values.METRICS_TOKEN ?? null,
    crmEnvironment: clientSecret === undefined ? given : { ...given, HUBSPOT_CLIENT_SECRET: clientSecrets.join(',') },
  };
}

/** Empty is unset, as in every `.env` file. A `_FILE` variable stands for what its file holds, as Docker gives secrets. */
function resolveFiles(
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
  problems: ConfigProblem[],
): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value?.trim()) given[name] = value.trim();
  for (const { name, secret, mayHoldPassword } of variableDocs()) {
    const path = secret || mayHoldPassword ? given[`${name}_FILE`] : undefined;
    if (path === undefined) continue;
    if (given[name] !== undefined) {
      problems.push({ variable: `${name}_FILE`, problem: `must not be set together with ${name}` });
      continue;
    }
    try {
      const content = readFile(path).trim();
      if (content === '') problems.push({ variable: `${name}_FILE`, problem: `names a file that is empty: ${path}` });
      else given[name] = content;
    } catch {
      problems.push({ variable: `${name}_FILE`, problem: `must name a file that can be read; ${path} cannot` });
    }
  }
  return given;
}

/** What the schema says of a value that is missing or empty. */
function wanted(name: VariableName): string {
  const empty = configSchema.shape[name].safeParse('');
  return empty.error?.issues[0]?.message ?? 'must be set';
}

function defaultOf(schema: z.ZodType): string | null {
  let inner: unknown = schema;
  while (inner instanceof z.ZodType) {
    if (inner instanceof z.ZodDefault) return String(inner.def.defaultValue);
    inner = inner instanceof z.ZodPipe ? inner.def.in : inner instanceof z.ZodOptional ? inner.def.innerType : null;
  }
  return null;
}

/** An address or a network in CIDR notation. */
function isNetwork(text_: string): boolean {
  const [address = '', prefix, ...rest] = text_.split('/');
  const bits = isIP(address) === 4 ? 32 : 128;
  return (
    isIP(address) !== 0 &&
    rest.length === 0 &&
    (prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= bits))
  );
}
