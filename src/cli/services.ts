import { randomBytes } from 'node:crypto';
import { type Accounts, createAccounts } from '../application/accounts.ts';
import { type AppSettingsDesk, createAppSettings } from '../application/app-settings.ts';
import { type Connect, createConnect } from '../application/connect.ts';
import { createPayoutAccounts } from '../application/payout-accounts.ts';
import type { CrmConnector } from '../application/ports/crm.ts';
import type { Account, Store } from '../application/ports/store.ts';
import { type Config, readConfig } from '../config.ts';
import { loadConnectors } from '../crm/registry.ts';
import { loadProviders } from '../payout/registry.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { createSeal } from '../platform/seal.ts';
import { openStore } from '../store/open.ts';
import { CliError, EXIT, type Terminal } from './output.ts';

export interface Services {
  readonly config: Config;
  readonly store: Store;
  readonly accounts: Accounts;
  readonly connect: Connect;
  readonly appSettings: AppSettingsDesk;
  readonly connectors: ReadonlyMap<string, CrmConnector>;
  readonly providers: readonly string[];
  /** What a CRM's app cannot do without. */
  readonly requiredScopes: (provider: string) => readonly string[];
  readonly now: () => number;
}

export function configOf({ env }: Terminal): Config {
  const result = readConfig(env);
  if (result.ok) return result.config;
  throw new CliError('The configuration is not complete.', 'Correct these variables in the environment or in .env:', {
    exitCode: EXIT.usage,
    problems: result.problems.map(({ variable, problem }) => `${variable} ${problem}`),
  });
}

/** Opens what a command needs on the service's own database, and closes it whatever happens. */
export async function withServices<T>(terminal: Terminal, work: (services: Services) => Promise<T>): Promise<T> {
  const config = configOf(terminal);
  const store = await openStore({ url: config.databaseUrl }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`The database cannot be opened: ${why}`, 'Check DATABASE_URL, and that the database is there.');
  });
  try {
    const clock = systemClock;
    const connectors = await loadConnectors(config.crmEnvironment, {
      clock: clock.now,
      random: clock.random,
      sleep: clock.sleep,
    });
    const log = createLog({ level: 'silent' });
    const seal = createSeal(config.encryptionKeys);
    const connect = createConnect({ store, seal, clock, log, publicUrl: config.publicUrl, connectors });
    return await work({
      config,
      store,
      accounts: createAccounts({ store, clock }),
      connect,
      appSettings: createAppSettings({
        store,
        clock,
        hasTasks: (provider) => connectors.get(provider)?.hasTasks === true,
        objectScopes: (provider) => connectors.get(provider)?.objectScopes,
        appEventScopes: (provider) => connectors.get(provider)?.appEventScopes,
        openSession: connect.openSession,
      }),
      connectors,
      providers: [...connectors.keys()],
      requiredScopes: (provider) => connectors.get(provider)?.requiredScopes ?? [],
      now: clock.now,
    });
  } finally {
    await store.close();
  }
}

/** What the account can pay through, and the providers that are installed. */
export async function payoutsOf({ config, store, now }: Pick<Services, 'config' | 'store' | 'now'>) {
  const seal = createSeal(config.encryptionKeys);
  const { coupons, batches } = store;
  const providers = await loadProviders({ ...config, now, randomBytes, seal, coupons, batches });
  return { providers, accounts: createPayoutAccounts({ store, providers, seal, clock: systemClock }) };
}

/** By id, or by a name that only one account has. */
export async function accountOf({ store }: Pick<Services, 'store'>, idOrName: string): Promise<Account> {
  const byId = await store.accounts.get(idOrName);
  if (byId) return byId;
  const [named, ...more] = (await store.accounts.list()).filter(({ name }) => name === idOrName);
  if (named && more.length === 0) return named;
  throw named
    ? new CliError(`Several accounts are called "${idOrName}".`, 'Name one by its id; "account list" shows them.')
    : new CliError(`There is no account "${idOrName}".`, '"account list" shows those there are.');
}
