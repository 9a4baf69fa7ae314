import { sql } from 'kysely';
import type { Hint } from '../application/ports/crm.ts';
import type { Connection, StreamPosition, StreamProgress } from '../application/ports/store.ts';
import type { Instant } from '../domain/time.ts';
import type { Row, Session } from './schema.ts';

/** How far a stream of changes was kept, and what it tells the sweep to look at again. */

type Origin = Pick<Connection, 'id' | 'accountId'>;

/** Belongs into the transaction of the batch's hints. */
export async function keepProgress(
  session: Session,
  connection: Origin,
  { position, sweepFrom }: StreamProgress,
  hints: readonly Hint[],
  now: Instant,
): Promise<void> {
  if (position !== null) {
    const keptAt = keptUpTo(hints, now);
    await session.db
      .insertInto('stream_positions')
      .values({ account_id: connection.accountId, connection_id: connection.id, position, kept_at: keptAt })
      .onConflict((conflict) =>
        conflict.columns(['account_id', 'connection_id']).doUpdateSet({ position, kept_at: keptAt }),
      )
      .execute();
  }
  if (sweepFrom !== null) await setMarksBack(session, connection, sweepFrom);
}

/**
 * What is behind a batch may be as old as its newest change: a stream that catches up is hours behind the clock. After an empty batch
 * there is nothing behind it.
 */
function keptUpTo(hints: readonly Hint[], now: Instant): Instant {
  const newest = hints.reduce((at, { occurredAt }) => Math.max(at, occurredAt ?? at), Number.NEGATIVE_INFINITY);
  return Number.isFinite(newest) ? Math.min(now, newest) : now;
}

export async function losePosition(session: Session, connection: Origin): Promise<void> {
  const lost = await session.db
    .deleteFrom('stream_positions')
    .where('account_id', '=', connection.accountId)
    .where('connection_id', '=', connection.id)
    .returning('kept_at')
    .executeTakeFirst();
  if (lost) await setMarksBack(session, connection, lost.kept_at);
}

async function setMarksBack({ db }: Session, { accountId, id }: Origin, to: Instant): Promise<void> {
  await sql`update sweep_marks set up_to = ${to}
    where account_id = ${accountId} and connection_id = ${id} and up_to > ${to}`.execute(db);
}

export function positionOf({
  position,
  kept_at,
}: Pick<Row<'stream_positions'>, 'position' | 'kept_at'>): StreamPosition {
  return { position, keptAt: kept_at };
}
