import { sql } from 'kysely';
import type { AttentionStore } from '../application/ports/store.ts';
import { caseOf } from './desk.ts';
import type { Engine } from './dialect.ts';
import type { Row } from './schema.ts';

/** What an admin is shown first. A million rewards make none of it slower: each query reads as many rows of an index as it answers. */
export function createAttentionStore(engine: Engine): AttentionStore {
  return {
    openCases: (accountId, limit) =>
      engine.read(async ({ db }) => {
        // In the words of the index, which is how both databases know it. A case whose time is over has no due time.
        const { rows } = await sql<Row<'desk_cases'>>`select * from desk_cases
          where account_id = ${accountId} and state = 'open' order by coalesce(due_at, 0), id limit ${limit}`.execute(
          db,
        );
        return rows.map(caseOf);
      }),

    parkedOrders: (accountId, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<{ reward_id: string; error: string | null }>`select reward_id, error from intents
          where account_id = ${accountId} and parked = 1 order by reward_id limit ${limit}`.execute(db);
        return rows.map(({ reward_id, error }) => ({ rewardId: reward_id, error: error ?? '' }));
      }),
  };
}
