import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import type { Role } from '../domain/roles.ts';
import type { Clock } from '../platform/clock.ts';
import type { Account, ApiKey, Store } from './ports/store.ts';

/** 256 bits: no list of guesses is long enough, so a fast hash at rest is safe. */
const KEY_BYTES = 32;
const KEY_PREFIX = 'wk_';

export interface Accounts {
  create(name: string): Promise<Account>;
  /** The key is returned this once; only its hash is kept. Without roles it may do everything. Null when no such account exists. */
  createApiKey(
    accountId: string,
    label: string,
    roles?: readonly Role[],
  ): Promise<{ key: string; apiKey: ApiKey } | null>;
  /** The key's owner; null for anything that is not a live key. */
  authenticate(key: string): Promise<ApiKey | null>;
}

export function createAccounts({ store, clock }: { store: Pick<Store, 'accounts'>; clock: Clock }): Accounts {
  return {
    async create(name) {
      const account = { id: `acc_${uuidv7()}`, name, createdAt: clock.now() };
      await store.accounts.create(account);
      return { ...account, needsSecondPerson: false };
    },
    async createApiKey(accountId, label, roles = ['owner']) {
      if (!(await store.accounts.get(accountId))) return null;
      const key = `${KEY_PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}`;
      const apiKey: ApiKey = { id: `key_${uuidv7()}`, accountId, label, roles, createdAt: clock.now() };
      await store.accounts.addApiKey(apiKey, hashOf(key));
      return { key, apiKey };
    },
    async authenticate(key) {
      return key.startsWith(KEY_PREFIX) ? store.accounts.findApiKey(hashOf(key)) : null;
    },
  };
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
