import { sql } from 'kysely';
import type { UserView, UserViewStore } from '../application/ports/store.ts';
import { toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Row } from './schema.ts';

export function createUserViewStore(engine: Engine): UserViewStore {
  return {
    list: (accountId, owner, list) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'user_views'>>`select * from user_views
          where account_id = ${accountId} and owner = ${owner}
            ${list === null ? sql`` : sql`and list = ${list}`} order by list, name`.execute(db);
        return rows.map(viewOf);
      }),

    save: (accountId, owner, view, { max, now }) =>
      engine.write(async (session) => {
        // Two pages of one person that save at once come one after the other.
        await lockAccount(session, accountId);
        const { rows } = await sql<Row<'user_views'>>`select * from user_views
          where account_id = ${accountId} and owner = ${owner} and list = ${view.list}`.execute(session.db);
        const known = rows.find(({ name }) => name === view.name);
        if (known) {
          await session.db
            .updateTable('user_views')
            .set({ search: toText(view.search), saved_at: now })
            .where('account_id', '=', accountId)
            .where('id', '=', known.id)
            .execute();
          return { ...viewOf(known), search: view.search };
        }
        if (rows.length >= max) return null;
        const { id, list, name, search } = view;
        const row = { account_id: accountId, id, owner: toText(owner), list, name: toText(name), saved_at: now };
        await insertRows(session, 'user_views', [{ ...row, search: toText(search) }]);
        return view;
      }),

    remove: (accountId, owner, viewId) =>
      engine.write(async ({ db }) => {
        const { numDeletedRows } = await db
          .deleteFrom('user_views')
          .where('account_id', '=', accountId)
          .where('id', '=', viewId)
          .where('owner', '=', owner)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),
  };
}

function viewOf({ id, list, name, search }: Row<'user_views'>): UserView {
  return { id, list, name, search };
}
