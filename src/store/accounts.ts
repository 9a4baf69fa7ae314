import type { Account, AccountStore, ApiKey } from '../application/ports/store.ts';
import { fromJson, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import type { Row } from './schema.ts';

export function createAccountStore(engine: Engine): AccountStore {
  return {
    create: (account) =>
      engine.write(async ({ db }) => {
        await db
          .insertInto('accounts')
          .values({
            id: account.id,
            name: toText(account.name),
            created_at: account.createdAt,
            needs_second_person: 0,
          })
          .execute();
      }),

    get: (accountId) =>
      engine.read(async ({ db }) => {
        const row = await db.selectFrom('accounts').selectAll().where('id', '=', accountId).executeTakeFirst();
        return row ? accountOf(row) : null;
      }),

    list: () =>
      engine.read(async ({ db }) =>
        (await db.selectFrom('accounts').selectAll().where('test_of', 'is', null).orderBy('id').execute()).map(
          accountOf,
        ),
      ),

    setNeedsSecondPerson: (accountId, needed) =>
      engine.write(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable('accounts')
          .set({ needs_second_person: Number(needed) })
          .where('id', '=', accountId)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    rename: (accountId, name) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('accounts')
          .set({ name: toText(name) })
          .where('id', '=', accountId)
          .execute();
      }),

    addApiKey: (key, hash) =>
      engine.write(async ({ db }) => {
        await db
          .insertInto('api_keys')
          .values({
            account_id: key.accountId,
            id: key.id,
            label: toText(key.label),
            hash,
            created_at: key.createdAt,
            revoked_at: null,
            roles: toJson(key.roles),
          })
          .execute();
      }),

    findApiKey: (hash) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('api_keys')
          .selectAll()
          .where('hash', '=', hash)
          .where('revoked_at', 'is', null)
          .executeTakeFirst();
        return row ? apiKeyOf(row) : null;
      }),

    listApiKeys: (accountId) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('api_keys')
          .selectAll()
          .where('account_id', '=', accountId)
          .orderBy('created_at')
          .orderBy('id')
          .execute();
        return rows.map((row) => ({ ...apiKeyOf(row), revokedAt: row.revoked_at }));
      }),

    revokeApiKey: (accountId, keyId, now) =>
      engine.write(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable('api_keys')
          .set({ revoked_at: now })
          .where('account_id', '=', accountId)
          .where('id', '=', keyId)
          .where('revoked_at', 'is', null)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),
  };
}

function accountOf(row: Row<'accounts'>): Account {
  return {
    id: row.id,
    name: row.name,
    createdAt: row.created_at,
    needsSecondPerson: row.needs_second_person === 1,
  };
}

function apiKeyOf(row: Row<'api_keys'>): ApiKey {
  return {
    id: row.id,
    accountId: row.account_id,
    label: row.label,
    createdAt: row.created_at,
    roles: fromJson(row.roles),
  };
}
