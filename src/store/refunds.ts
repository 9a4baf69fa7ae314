import { sql } from 'kysely';
import type { KeptRefund, Page, RefundStore } from '../application/ports/store.ts';
import { derivedId } from '../domain/ids.ts';
import { decimalOf } from '../domain/money.ts';
import type { RefundFact } from '../domain/refund.ts';
import { fromMinor, toMinor, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { tell } from './queue.ts';
import type { Row, Session } from './schema.ts';
import { askAt } from './work.ts';

export function createRefundStore(engine: Engine): RefundStore {
  return {
    keep: (accountId, refund, now) =>
      engine.write(async (session) => {
        const { db } = session;
        const row: Row<'refunds'> = {
          account_id: accountId,
          id: derivedId('rfd', accountId, refund.source, refund.id),
          source: refund.source,
          refund_id: toText(refund.id),
          connection_id: refund.deal?.connectionId ?? null,
          deal_id: refund.deal?.id ?? null,
          minor: toMinor(refund.money.minor),
          currency: refund.money.currency,
          at: refund.at,
          undone_at: refund.isUndone ? now : null,
          received_at: now,
        };
        const kept = await insertRows<'refunds', { refund_id: string }>(
          session,
          'refunds',
          [row],
          'on conflict (account_id, source, refund_id) do nothing returning refund_id',
        );
        if (kept.length === 1) {
          await askFor(session, row, now);
          return 'new';
        }
        const { rows } = await sql<Row<'refunds'>>`select * from refunds
          where account_id = ${accountId} and source = ${refund.source} and refund_id = ${refund.id}`.execute(db);
        const [before] = rows;
        if (!before || before.minor !== row.minor || before.currency !== row.currency) return 'other';
        const isUndone = refund.isUndone && before.undone_at === null;
        const isFound = before.deal_id === null && row.deal_id !== null;
        if (before.deal_id !== null && row.deal_id !== null && before.deal_id !== row.deal_id) return 'other';
        if (!isUndone && !isFound) return 'known';
        const undoneAt = before.undone_at ?? row.undone_at;
        const connectionId = before.connection_id ?? row.connection_id;
        const dealId = before.deal_id ?? row.deal_id;
        // One that is placed only now counts from now on: what was decided before did not know it.
        await sql`update refunds set undone_at = ${undoneAt}, connection_id = ${connectionId}, deal_id = ${dealId},
            received_at = ${isFound ? now : before.received_at}
          where account_id = ${accountId} and source = ${refund.source} and refund_id = ${refund.id}`.execute(db);
        await askFor(session, { ...before, connection_id: connectionId, deal_id: dealId }, now);
        return 'changed';
      }),

    list: (accountId, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<KeptRefund>> => {
        const behind = cursor === null ? sql`` : sql`and (received_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'refunds'>>`select * from refunds where account_id = ${accountId} ${behind}
          order by received_at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(refundOf);
        const last = rows[limit - 1];
        const next = rows.length > limit && last ? { at: last.received_at, id: last.id } : null;
        return { items, next };
      }),
  };
}

async function askFor(session: Session, { account_id, connection_id, deal_id }: Row<'refunds'>, now: number) {
  if (connection_id === null || deal_id === null) return;
  await askAt(session, account_id, [{ record: { connectionId: connection_id, object: 'deal', id: deal_id }, at: now }]);
  tell(session, 'work', { accountId: account_id, connectionId: connection_id });
}

/**
 * Of these deals, by deal. A refund counts from when we were told of it: what was decided before did not know it, and is right as it was
 * decided.
 */
export async function refundsOfDeals(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  dealIds: readonly string[],
): Promise<Map<string, RefundFact[]>> {
  const { rows } = await sql<Row<'refunds'>>`select * from refunds
    where account_id = ${accountId} and connection_id = ${connectionId} and ${dialect.isIn('deal_id', dealIds)}`.execute(
    db,
  );
  const byDeal = new Map<string, RefundFact[]>();
  // Asked for in this order, SQLite would go through all of the account's.
  for (const row of rows.sort((a, b) => a.received_at - b.received_at || (a.id < b.id ? -1 : 1))) {
    const facts = byDeal.get(row.deal_id ?? '') ?? [];
    facts.push({
      source: row.source,
      id: row.refund_id,
      at: row.received_at,
      amount: decimalOf({ minor: fromMinor(row.minor), currency: row.currency }),
      currency: row.currency,
      undoneAt: row.undone_at,
    });
    byDeal.set(row.deal_id ?? '', facts);
  }
  return byDeal;
}

function refundOf(row: Row<'refunds'>): KeptRefund {
  return {
    source: row.source,
    id: row.refund_id,
    deal:
      row.connection_id === null || row.deal_id === null
        ? null
        : { connectionId: row.connection_id, object: 'deal', id: row.deal_id },
    money: { minor: fromMinor(row.minor), currency: row.currency },
    at: row.at,
    isUndone: row.undone_at !== null,
    receivedAt: row.received_at,
  };
}
