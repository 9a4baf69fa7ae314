import { type RawBuilder, sql } from 'kysely';
import type { CaseFact, MirrorState, PageInput, TimelineStore } from '../application/ports/store.ts';
import { attributionOf, journalOf, touchOf } from './codec.ts';
import { caseOf, eventOf } from './desk.ts';
import type { Engine } from './dialect.ts';
import { postingsOf } from './reads.ts';
import type { Row } from './schema.ts';

/** What happened to one referral, kind by kind. All of it is few: each query begins with the rows of the referral or of the friend. */
export function createTimelineStore(engine: Engine): TimelineStore {
  return {
    touches: (accountId, { connectionId, id }, page) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'touches'>>`select * from touches where account_id = ${accountId}
          and connection_id = ${connectionId} and contact_id = ${id} ${before('at', sql`id`, page)}`.execute(db);
        return rows.map(touchOf);
      }),

    attributions: (accountId, referralId, page) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'attribution_decisions'>>`select * from attribution_decisions
          where account_id = ${accountId} and referral_id = ${referralId} ${before('recorded_at', sql`id`, page)}`.execute(
          db,
        );
        return rows.map(attributionOf);
      }),

    journals: (accountId, referralId, page) =>
      engine.snapshot(async (session) => {
        const { rows } = await sql<Row<'journals'>>`select j.* from rewards r cross join journals j
          where r.account_id = ${accountId} and r.referral_id = ${referralId}
            and j.account_id = ${accountId} and j.reward_id = r.id
          ${before('j.recorded_at', sql`j.id`, page)}`.execute(session.db);
        const ids = rows.map(({ id }) => id);
        const postings = await postingsOf(session, accountId, ids);
        return rows.map((row) => journalOf(row, postings.get(row.id) ?? []));
      }),

    payouts: (accountId, referralId, page) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'payout_references'>>`select p.* from rewards r cross join payout_references p
          where r.account_id = ${accountId} and r.referral_id = ${referralId}
            and p.account_id = ${accountId} and p.reward_id = r.id
          ${before('p.updated_at', sql`p.intent_id`, page)}`.execute(db);
        return rows.map(({ intent_id: id, reward_id: rewardId, provider, state, updated_at: updatedAt }) => ({
          id,
          rewardId,
          provider,
          state,
          updatedAt,
        }));
      }),

    caseEvents: (accountId, referralId, page) =>
      engine.read(async ({ db }) => {
        const eventId = sql`(e.case_id || '-' || e.number)`;
        const { rows } = await sql<Row<'desk_cases'> & Omit<Row<'desk_events'>, 'kind'> & EventColumns>`
          select c.*, e.number, e.kind as event_kind, e.by_whom, e.words, e.at, ${eventId} as event_id
          from desk_cases c cross join desk_events e
          where c.account_id = ${accountId} and c.referral_id = ${referralId}
            and e.account_id = ${accountId} and e.case_id = c.id
          ${before('e.at', eventId, page)}`.execute(db);
        return rows.map((row): CaseFact => {
          const { id, kind, topic, summary } = caseOf(row);
          return {
            id: row.event_id,
            case: { id, kind, topic, summary },
            event: eventOf({ ...row, kind: row.event_kind }),
          };
        });
      }),

    mirrorStates: (accountId, connectionId, object, ids) =>
      engine.read(async ({ db, dialect }) => {
        const { rows } = await sql<Row<'mirror'>>`select * from mirror where account_id = ${accountId}
          and connection_id = ${connectionId} and object = ${object} and ${dialect.isIn('record_id', ids)}`.execute(db);
        return new Map(rows.map((row) => [row.record_id, stateOf(row)]));
      }),
  };
}

interface EventColumns {
  readonly event_kind: string;
  readonly event_id: string;
}

/** The newest ones that come behind the cursor. */
function before(time: string, id: RawBuilder<unknown>, { limit, cursor }: PageInput): RawBuilder<unknown> {
  const at = sql.ref(time);
  return sql`${cursor ? sql`and (${at}, ${id}) < (${cursor.at}, ${cursor.id})` : sql``}
    order by ${at} desc, ${id} desc limit ${limit}`;
}

function stateOf(row: Row<'mirror'>): MirrorState {
  const isWaiting = row.wanted > row.acked || row.unsure_until !== null;
  return {
    state: row.parked === 1 ? 'parked' : isWaiting ? 'waiting' : 'written',
    writtenAt: row.acked_at,
    error: row.error,
  };
}
