import { sql } from 'kysely';
import type { AttributionStore } from '../application/ports/store.ts';
import type { AttributionPolicy } from '../domain/attribution-policy.ts';
import { attributionOf } from './codec.ts';
import type { Engine } from './dialect.ts';
import { createPolicies } from './policies.ts';
import type { Row } from './schema.ts';

export function createAttributionStore(engine: Engine): AttributionStore {
  return {
    ...createPolicies<AttributionPolicy>(engine, 'attribution_policies'),

    decisions: (accountId, referralId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'attribution_decisions'>>`select * from attribution_decisions
          where account_id = ${accountId} and referral_id = ${referralId} order by sequence`.execute(db);
        return rows.map(attributionOf);
      }),
  };
}
