import { Fault } from '../domain/errors.ts';
import { isTestAccount, TEST_PROVIDER } from '../domain/test-run.ts';
import type { Clock } from '../platform/clock.ts';
import { payoutContext, type Seal } from '../platform/seal.ts';
import type { CredentialField, PayoutDescription, PayoutProvider, PayoutSession, TestResult } from './ports/payout.ts';
import type { Store } from './ports/store.ts';

/** Sessions that are kept open, each with what its provider needs (a token, an SDK's client); the one used longest ago goes first. */
const SESSIONS_MAX = 500;

/** Keys and ids of every vendor are far below it. */
const VALUE_LENGTH_MAX = 1_000;

export interface ListedProvider {
  readonly name: string;
  readonly description: PayoutDescription;
  /** True when orders can be sent: everything that is required was given, or nothing is. */
  readonly configured: boolean;
  /** When it was told something last; null when never. */
  readonly updatedAt: number | null;
  /** What was given for fields that are no secret. */
  readonly values: Readonly<Record<string, string>>;
  /** Names of the secret fields that were given. */
  readonly secrets: readonly string[];
}

export interface CredentialProblem {
  readonly field: string;
  /** The provider has no such field. */
  readonly isUnknown: boolean;
  /** What it should be: "must be …". */
  readonly problem: string;
}

export interface OpenPayouts {
  readonly provider: PayoutProvider;
  readonly session: PayoutSession;
}

export interface PayoutAccounts {
  /** Every provider that is installed, and what the account has told it. Never a secret. */
  list(accountId: string): Promise<ListedProvider[]>;
  /** Names of the providers that an order can be sent through now. */
  ready(accountId: string): Promise<string[]>;
  /** Keeps credentials, sealed. A secret that is left out stays as it is. Null when there is no such provider. */
  configure(
    accountId: string,
    name: string,
    values: ReadonlyMap<string, string>,
  ): Promise<{ readonly ok: true } | { readonly ok: false; readonly problems: readonly CredentialProblem[] } | null>;
  /** False when there was nothing to forget. */
  forget(accountId: string, name: string): Promise<boolean>;
  /** Null when there is no such provider. */
  test(accountId: string, name: string): Promise<TestResult | null>;
  /** @throws Fault `payout_rejected` for a provider that is not installed, `payout_credentials` for one without its credentials. */
  open(accountId: string, name: string): Promise<OpenPayouts>;
}

export interface PayoutAccountsDeps {
  readonly store: Pick<Store, 'payoutRecords' | 'retryParked'>;
  readonly providers: ReadonlyMap<string, PayoutProvider>;
  readonly seal: Seal;
  readonly clock: Pick<Clock, 'now'>;
}

/** Which provider an account pays through, and with which credentials. */
export function createPayoutAccounts({ store, providers: installed, seal, clock }: PayoutAccountsDeps): PayoutAccounts {
  const { payoutRecords: records } = store;
  /** A test pays by nothing but what gives nothing, and nobody else pays by that. */
  const isOpenTo = (accountId: string, name: string) => isTestAccount(accountId) === (name === TEST_PROVIDER);
  const providerOf = (accountId: string, name: string) => (isOpenTo(accountId, name) ? installed.get(name) : undefined);
  /** By account and provider, with the sealed text that it was opened with: other credentials are another text. */
  const sessions = new Map<string, { readonly sealed: string | null; readonly session: Promise<PayoutSession> }>();

  async function read(accountId: string, provider: PayoutProvider) {
    if (provider.description.fields.length === 0) return { sealed: null, updatedAt: null, values: {} };
    const stored = await records.setting(accountId, provider.name);
    if (!stored) return { sealed: null, updatedAt: null, values: {} };
    return { ...stored, values: valuesOf(accountId, provider.name, stored.sealed) };
  }

  function valuesOf(accountId: string, name: string, sealed: string): Readonly<Record<string, string>> {
    return JSON.parse(seal.open(sealed, payoutContext(accountId, 'settings', name))) as Record<string, string>;
  }

  const missingOf = ({ description: { fields } }: PayoutProvider, values: Readonly<Record<string, string>>) =>
    fields.filter(({ name, required }) => required && values[name] === undefined).map(({ name }) => name);

  async function open(accountId: string, name: string): Promise<OpenPayouts> {
    const provider = providerOf(accountId, name);
    if (!provider) throw new Fault('payout_rejected', { kind: 'never' }, `No reward provider "${name}" is installed.`);
    const { sealed, values } = await read(accountId, provider);
    const missing = missingOf(provider, values);
    if (missing.length > 0) {
      const label = provider.description.label;
      const what = `${label} is not set up for this account: ${missing.join(', ')} missing. Give it its credentials, then try again.`;
      throw new Fault('payout_credentials', { kind: 'never' }, what);
    }
    const key = `${accountId} ${name}`;
    const known = sessions.get(key);
    const session = known && known.sealed === sealed ? known.session : provider.open({ accountId, values });
    sessions.delete(key);
    sessions.set(key, { sealed, session });
    const [oldest] = sessions.keys();
    if (sessions.size > SESSIONS_MAX && oldest !== undefined) sessions.delete(oldest);
    try {
      return { provider, session: await session };
    } catch (fault) {
      sessions.delete(key);
      throw fault;
    }
  }

  const accounts: PayoutAccounts = {
    async ready(accountId) {
      return (await accounts.list(accountId)).flatMap(({ name, configured }) => (configured ? [name] : []));
    },

    async list(accountId) {
      const stored = new Map((await records.settings(accountId)).map((setting) => [setting.provider, setting]));
      const open = [...installed.values()].filter(({ name }) => isOpenTo(accountId, name));
      return open.map((provider) => {
        const { name, description } = provider;
        const setting = stored.get(name);
        const values = setting ? valuesOf(accountId, name, setting.sealed) : {};
        const given = description.fields.filter((field) => values[field.name] !== undefined);
        return {
          name,
          description,
          configured: missingOf(provider, values).length === 0,
          updatedAt: setting?.updatedAt ?? null,
          values: Object.fromEntries(
            given.filter(({ secret }) => !secret).map((field) => [field.name, values[field.name] ?? '']),
          ),
          secrets: given.filter(({ secret }) => secret).map((field) => field.name),
        };
      });
    },

    async configure(accountId, name, given) {
      const provider = providerOf(accountId, name);
      if (!provider) return null;
      const { fields } = provider.description;
      const { values: before } = await read(accountId, provider).catch(() => ({ values: {} }));
      const kept = new Map(Object.entries(before));
      const values = new Map(given);
      for (const { name: field, secret } of fields) {
        const former = kept.get(field);
        if (secret && former !== undefined && !given.has(field)) values.set(field, former);
      }
      // An empty text takes a value back.
      for (const [field, value] of values) if (value === '') values.delete(field);
      const problems = problemsOf(fields, values);
      if (problems.length > 0) return { ok: false, problems };
      const now = clock.now();
      const sealed = seal.seal(JSON.stringify(Object.fromEntries(values)), payoutContext(accountId, 'settings', name));
      await records.saveSetting(accountId, name, sealed, now);
      // What waited for a person waited for this.
      await store.retryParked(accountId, now);
      return { ok: true };
    },

    async forget(accountId, name) {
      sessions.delete(`${accountId} ${name}`);
      return records.removeSetting(accountId, name);
    },

    async test(accountId, name) {
      const provider = providerOf(accountId, name);
      if (!provider) return null;
      const { values } = await read(accountId, provider);
      const [missing] = missingOf(provider, values);
      if (missing !== undefined) return { ok: false, field: missing, problem: 'It was not given yet.' };
      const { session } = await open(accountId, name);
      return session.test();
    },

    open,
  };
  return accounts;
}

function problemsOf(fields: readonly CredentialField[], values: ReadonlyMap<string, string>): CredentialProblem[] {
  const problems: CredentialProblem[] = [];
  const say = (field: string, problem: string, isUnknown = false) => void problems.push({ field, isUnknown, problem });
  for (const [name, value] of values) {
    const field = fields.find((known) => known.name === name);
    if (!field) say(name, `must be one of ${fields.map((known) => known.name).join(', ') || 'none'}`, true);
    else if (value.length > VALUE_LENGTH_MAX) say(name, `must have at most ${VALUE_LENGTH_MAX} characters`);
    else if (!value.isWellFormed() || /\p{Cc}/u.test(value))
      say(name, 'must not contain control characters or broken Unicode');
    else if (field.choices && !field.choices.includes(value)) say(name, `must be one of ${field.choices.join(', ')}`);
  }
  for (const { name, required } of fields) if (required && !values.has(name)) say(name, 'must be given');
  return problems;
}
