import type { CardActionStore, Connection } from '../application/ports/store.ts';
import { addDays } from '../domain/time.ts';
import { fromJson, toJson } from './codec.ts';
import type { Engine } from './dialect.ts';
import type { Session } from './schema.ts';

/** Nobody clicks on a card again that has been open for longer. */
const KEPT_DAYS = 30;

type Of = Pick<Connection, 'id' | 'accountId'>;

export function createCardActionStore(engine: Engine): CardActionStore {
  return {
    begin: (of, { key, kind, inputHash, by }, { now, until }) =>
      engine.write(async (session) => {
        await forgetOld(session, of, addDays(now, -KEPT_DAYS));
        const { numInsertedOrUpdatedRows } = await session.db
          .insertInto('card_actions')
          .values({
            account_id: of.accountId,
            connection_id: of.id,
            action_key: key,
            kind,
            input_hash: inputHash,
            asked_by: by,
            begun_at: now,
            lease_until: until,
            contact_id: null,
            answer: null,
          })
          .onConflict((conflict) => conflict.columns(['account_id', 'connection_id', 'action_key']).doNothing())
          .executeTakeFirst();
        if (numInsertedOrUpdatedRows === 1n) return { kind: 'begun', contactId: null };
        const row = await rowOf(session, of, key).selectAll().executeTakeFirst();
        if (!row) return { kind: 'running' };
        if (row.kind !== kind || row.input_hash !== inputHash) return { kind: 'differs' };
        if (row.answer !== null) return { kind: 'answered', answer: fromJson(row.answer) };
        if (row.lease_until > now) return { kind: 'running' };
        // Two who follow somebody who died: one of them finds the lease as it was.
        const { numUpdatedRows } = await changed(session, of, key)
          .set({ lease_until: until })
          .where('lease_until', '=', row.lease_until)
          .where('answer', 'is', null)
          .executeTakeFirst();
        return numUpdatedRows === 1n ? { kind: 'begun', contactId: row.contact_id } : { kind: 'running' };
      }),

    keepContact: (of, key, contactId) =>
      engine.write(async (session) => {
        await changed(session, of, key).set({ contact_id: contactId }).execute();
      }),

    answer: (of, key, answer) =>
      engine.write(async (session) => {
        await changed(session, of, key)
          .set({ answer: toJson(answer) })
          .where('answer', 'is', null)
          .execute();
        const row = await rowOf(session, of, key).select('answer').executeTakeFirst();
        return row?.answer ? fromJson(row.answer) : answer;
      }),

    release: (of, key, until) =>
      engine.write(async (session) => {
        await changed(session, of, key)
          .set({ lease_until: 0 })
          .where('lease_until', '=', until)
          .where('answer', 'is', null)
          .execute();
      }),
  };
}

async function forgetOld({ db }: Session, { accountId, id }: Of, before: number): Promise<void> {
  await db
    .deleteFrom('card_actions')
    .where('account_id', '=', accountId)
    .where('connection_id', '=', id)
    .where('begun_at', '<', before)
    .execute();
}

function rowOf({ db }: Session, { accountId, id }: Of, key: string) {
  return db
    .selectFrom('card_actions')
    .where('account_id', '=', accountId)
    .where('connection_id', '=', id)
    .where('action_key', '=', key);
}

function changed({ db }: Session, { accountId, id }: Of, key: string) {
  return db
    .updateTable('card_actions')
    .where('account_id', '=', accountId)
    .where('connection_id', '=', id)
    .where('action_key', '=', key);
}
