import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Accounts, createAccounts } from '../../src/application/accounts.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { openStore } from '../../src/store/open.ts';

let folder = '';
let store: Store;
let accounts: Accounts;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wonward-'));
  store = await openStore({ url: `sqlite:${join(folder, 'wonward.db')}` });
  accounts = createAccounts({ store, clock: systemClock });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

async function keyOf(name: string) {
  const account = await accounts.create(name);
  const created = await accounts.createApiKey(account.id, 'test');
  if (!created) throw new Error('no key');
  return { account, ...created };
}

test('a key opens its own account, and no other', async () => {
  const [acme, beta] = [await keyOf('Acme'), await keyOf('Beta')];
  expect(acme.key).not.toBe(beta.key);
  expect(await accounts.authenticate(acme.key)).toMatchObject({ accountId: acme.account.id, id: acme.apiKey.id });
  expect(await accounts.authenticate(beta.key)).toMatchObject({ accountId: beta.account.id });
});

test('a key is shown once: what lies in the database does not open anything', async () => {
  const { key } = await keyOf('Acme');
  await store.close();
  for (const file of readdirSync(folder)) {
    const content = readFileSync(join(folder, file)).toString('latin1');
    expect(content.includes(key) || content.includes(key.slice('wk_'.length)), file).toBe(false);
  }
  store = await openStore({ url: `sqlite:${join(folder, 'wonward.db')}` });
  expect(await createAccounts({ store, clock: systemClock }).authenticate(key)).not.toBeNull();
});

test('a key that was revoked opens nothing from then on, and the account’s other key still does', async () => {
  const { account, key, apiKey } = await keyOf('Acme');
  const other = await accounts.createApiKey(account.id, 'other');
  expect(await store.accounts.revokeApiKey(account.id, apiKey.id, systemClock.now())).toBe(true);
  expect(await accounts.authenticate(key)).toBeNull();
  expect(await accounts.authenticate(other?.key ?? '')).toMatchObject({ accountId: account.id });
});

test('another account cannot revoke it', async () => {
  const [acme, beta] = [await keyOf('Acme'), await keyOf('Beta')];
  expect(await store.accounts.revokeApiKey(beta.account.id, acme.apiKey.id, systemClock.now())).toBe(false);
  expect(await accounts.authenticate(acme.key)).not.toBeNull();
});

test.each(['', 'wk_', 'wk_nonsense', 'sk_live', `wk_${'A'.repeat(43)}`, ' ', 'null'])('"%s" is nobody', async (key) => {
  await keyOf('Acme');
  expect(await accounts.authenticate(key)).toBeNull();
});

test('a key with one other letter, another prefix or a space is nobody', async () => {
  const { key } = await keyOf('Acme');
  const last = key.endsWith('A') ? 'B' : 'A';
  for (const wrong of [`${key.slice(0, -1)}${last}`, key.replace('wk_', 'kw_'), ` ${key}`, key.toUpperCase()]) {
    expect(await accounts.authenticate(wrong)).toBeNull();
  }
});

test('there is no key for an account that does not exist', async () => {
  expect(await accounts.createApiKey('acc_nobody', 'test')).toBeNull();
});
