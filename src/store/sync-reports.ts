import { sql } from 'kysely';
import type {
  KeptSyncReport,
  KnownDeal,
  MirrorTarget,
  Page,
  SyncReportCounts,
  SyncReportRow,
  SyncReportStore,
} from '../application/ports/store.ts';
import { STANDING_STATES } from '../domain/decision.ts';
import type { DealFacts, RecordRef } from '../domain/record.ts';
import { fromJson, referralOf } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { tiedTo } from './identity-edges.ts';
import { markMirror } from './mirror.ts';
import { readFacts } from './records.ts';
import type { Row, Session } from './schema.ts';

export function createSyncReportStore(engine: Engine): SyncReportStore {
  return {
    addRows: (accountId, reportId, list, from, rows) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'sync_report_rows',
          rows.map((row, index) => ({
            account_id: accountId,
            report_id: reportId,
            list,
            number: from + index,
            body: rowText(row),
          })),
        );
      }),

    keep: async (accountId, report) => {
      const { id, connectionId, number, body, hash, signature, keyId, madeAt } = report;
      const kept = await engine.write((session) =>
        insertRows<'sync_reports', { id: string }>(
          session,
          'sync_reports',
          [
            {
              account_id: accountId,
              id,
              connection_id: connectionId,
              number,
              body,
              hash,
              signature,
              key_id: keyId,
              made_at: madeAt,
            },
          ],
          'on conflict (account_id, connection_id, number) do nothing returning id',
        ),
      );
      return kept.length > 0;
    },

    dropRows: (accountId, reportId) =>
      engine.write(async ({ db }) => {
        await sql`delete from sync_report_rows where account_id = ${accountId} and report_id = ${reportId}`.execute(db);
      }),

    get: (accountId, reportId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'sync_reports'>>`select * from sync_reports
          where account_id = ${accountId} and id = ${reportId}`.execute(db);
        return rows[0] ? reportOf(rows[0]) : null;
      }),

    newest: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'sync_reports'>>`select * from sync_reports
          where account_id = ${accountId} and connection_id = ${connectionId} order by number desc limit 1`.execute(db);
        return rows[0] ? reportOf(rows[0]) : null;
      }),

    list: (accountId, connectionId, { limit, cursor }) =>
      engine.read(async ({ db }): Promise<Page<KeptSyncReport>> => {
        const behind = cursor === null ? sql`` : sql`and (made_at, id) < (${cursor.at}, ${cursor.id})`;
        const { rows } = await sql<Row<'sync_reports'>>`select * from sync_reports
          where account_id = ${accountId} and connection_id = ${connectionId} ${behind}
          order by made_at desc, id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(reportOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.madeAt, id: last.id } : null };
      }),

    knownDeals: (accountId, connectionId, deals) =>
      engine.snapshot((session) => knownDeals(session, accountId, connectionId, deals)),

    rewardedDeals: (accountId, connectionId, after, limit) =>
      engine.read(async ({ db }) => {
        const standing = sql.join(STANDING_STATES.map((state) => sql.lit(state)));
        const { rows } = await sql<{ deal_id: string }>`select distinct deal_id from rewards
          where account_id = ${accountId} and connection_id = ${connectionId} and deal_id > ${after}
            and state in (${standing}) order by deal_id limit ${limit}`.execute(db);
        return rows.map(({ deal_id }) => deal_id);
      }),

    mirrorTargets: (accountId, connectionId, object, after, limit) =>
      engine.read((session) => mirrorTargets(session, accountId, { connectionId, object, id: after }, limit)),

    rewrite: (accountId, records, now) =>
      engine.write(async (session) => {
        await markMirror(session, accountId, records, now);
        for (const [connectionId, group] of Map.groupBy(records, (record) => record.connectionId))
          for (const object of ['contact', 'deal'] as const) {
            const ids = group.filter((record) => record.object === object).map(({ id }) => id);
            if (ids.length === 0) continue;
            await sql`update mirror set acked_hash = null where account_id = ${accountId}
              and connection_id = ${connectionId} and object = ${object}
              and ${session.dialect.isIn('record_id', ids)}`.execute(session.db);
          }
      }),

    rows: (accountId, reportId, list, after, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'sync_report_rows'>>`select * from sync_report_rows
          where account_id = ${accountId} and report_id = ${reportId} and list = ${list} and number > ${after}
          order by number limit ${limit}`.execute(db);
        return rows.map(({ number, body }) => ({ number, ...fromJson<SyncReportRow>(body) }));
      }),

    pruneRows: (accountId, connectionId, before, limit) =>
      engine.write(async ({ db }) => {
        const { rows } = await sql<Pick<Row<'sync_report_rows'>, 'report_id' | 'list' | 'number'>>`
          select kept.report_id, kept.list, kept.number from sync_reports
          join sync_report_rows as kept on kept.account_id = sync_reports.account_id and kept.report_id = sync_reports.id
          where sync_reports.account_id = ${accountId} and sync_reports.connection_id = ${connectionId}
            and sync_reports.made_at < ${before} limit 1`.execute(db);
        const [first] = rows;
        if (!first) return 0;
        // The lists of a report are numbered without a gap.
        const { numAffectedRows } = await sql`delete from sync_report_rows where account_id = ${accountId}
          and report_id = ${first.report_id} and list = ${first.list} and number >= ${first.number}
          and number < ${first.number + limit}`.execute(db);
        return Number(numAffectedRows ?? 0n);
      }),

    newestBefore: (accountId, connectionId, before) =>
      engine.read(async ({ db }) => {
        const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
        const { rows } = await sql<Row<'sync_reports'>>`select * from sync_reports where ${own} and made_at < ${before}
          and number < (select max(number) from sync_reports where ${own})
          order by made_at desc, id desc limit 1`.execute(db);
        return rows[0] ? reportOf(rows[0]) : null;
      }),

    pruneTo: (accountId, { connectionId, number, hash, signature, keyId, prunedAt }) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'sync_report_anchors',
          [
            {
              account_id: accountId,
              connection_id: connectionId,
              number,
              hash,
              signature,
              key_id: keyId,
              pruned_at: prunedAt,
            },
          ],
          `on conflict (account_id, connection_id) do update set number = excluded.number, hash = excluded.hash,
            signature = excluded.signature, key_id = excluded.key_id, pruned_at = excluded.pruned_at
            where excluded.number > sync_report_anchors.number`,
        );
        await sql`delete from sync_reports where account_id = ${accountId} and connection_id = ${connectionId}
          and number <= ${number}`.execute(session.db);
      }),

    anchor: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'sync_report_anchors'>>`select * from sync_report_anchors
          where account_id = ${accountId} and connection_id = ${connectionId}`.execute(db);
        const [row] = rows;
        return row
          ? {
              connectionId,
              number: row.number,
              hash: row.hash,
              signature: row.signature,
              keyId: row.key_id,
              prunedAt: row.pruned_at,
            }
          : null;
      }),
  };
}

async function knownDeals(
  session: Session,
  accountId: string,
  connectionId: string,
  deals: Parameters<SyncReportStore['knownDeals']>[2],
): Promise<KnownDeal[]> {
  const { db, dialect } = session;
  const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
  const ids = deals.map(({ id }) => id);
  const facts = await readFacts<DealFacts>(session, accountId, connectionId, 'deal', ids);
  const nowOf = new Map(facts.flatMap(({ ref, formerIds }) => formerIds.map((id) => [id, ref.id])));
  const allIds = [...new Set([...ids, ...nowOf.keys()])];
  const { rows: decisions } = await sql<Row<'decisions'>>`select * from (
      select decisions.*, row_number() over (
        partition by deal_id, referral_id, rule_key order by recorded_at desc, sequence desc, id desc) as place
      from decisions where ${own} and ${dialect.isIn('deal_id', allIds)}) as placed where place = 1`.execute(db);
  const contactIds = [...new Set(deals.flatMap((deal) => deal.contactIds))];
  const tied = await tiedTo(session, accountId, connectionId, contactIds);
  const subjects = [...new Set([...tied.values()].flat())];
  const { rows: found } = await sql<Row<'referrals'>>`
    select * from referrals where ${own} and ${dialect.isIn('contact_id', contactIds)}
    union all select * from referrals where account_id = ${accountId} and ${dialect.isIn('id', subjects)}`.execute(db);
  const referrals = [...new Map(found.map((row) => [row.id, row])).values()];
  const { rows: work } = await sql<Pick<Row<'work'>, 'record_id' | 'parked' | 'error' | 'due_at' | 'claim'>>`
    select record_id, parked, error, due_at, claim from work where ${own} and object = 'deal'
      and ${dialect.isIn('record_id', ids)}`.execute(db);
  const decisionsOf = Map.groupBy(decisions, ({ deal_id }) => nowOf.get(deal_id) ?? deal_id);
  const workOf = new Map(work.map((row) => [row.record_id, row]));
  return deals.map(({ id, contactIds: people }) => {
    const isOf = (row: Row<'referrals'>) =>
      people.some(
        (one) => (row.connection_id === connectionId && row.contact_id === one) || tied.get(one)?.includes(row.id),
      );
    const row = workOf.get(id);
    return {
      id,
      decisions: (decisionsOf.get(id) ?? []).map((decision) => ({
        id: decision.id,
        referralId: decision.referral_id,
        ruleKey: decision.rule_key,
        outcome: decision.outcome as KnownDeal['decisions'][number]['outcome'],
      })),
      referrals: referrals.filter(isOf).map(referralOf),
      work: row
        ? { isParked: row.parked === 1, error: row.error, dueAt: row.due_at, isClaimed: row.claim !== null }
        : null,
    };
  });
}

/** Each kind of record that shows something from the index it lies in, so that a page costs what a page holds. */
async function mirrorTargets(
  { db }: Session,
  accountId: string,
  { connectionId, object, id: after }: RecordRef,
  limit: number,
): Promise<MirrorTarget[]> {
  const own = sql`account_id = ${accountId} and connection_id = ${connectionId}`;
  const from = (table: 'members' | 'referrals' | 'decisions' | 'mirror', column: string) => {
    const id = sql.ref(column);
    const kind = table === 'mirror' ? sql`and object = ${object}` : sql``;
    return sql`select id from (select distinct ${id} as id from ${sql.table(table)}
      where ${own} ${kind} and ${id} > ${after} order by ${id} limit ${limit}) as ${sql.ref(`of_${table}`)}`;
  };
  const sources =
    object === 'deal'
      ? [from('decisions', 'deal_id'), from('mirror', 'record_id')]
      : [from('members', 'contact_id'), from('referrals', 'contact_id'), from('mirror', 'record_id')];
  const { rows } = await sql<{ id: string; parked: number | null; due_at: number | null; presence: string | null }>`
    select shown.id, mirror.parked, mirror.due_at, records.presence
    from (${sql.join(sources, sql` union `)}) as shown
    left join mirror on mirror.account_id = ${accountId} and mirror.connection_id = ${connectionId}
      and mirror.object = ${object} and mirror.record_id = shown.id
    left join records on records.account_id = ${accountId} and records.connection_id = ${connectionId}
      and records.object = ${object} and records.record_id = shown.id
    order by shown.id limit ${limit}`.execute(db);
  return rows.map(({ id, parked, due_at, presence }) => ({
    record: { connectionId, object, id },
    state:
      presence === 'deleted'
        ? 'gone'
        : parked === null
          ? 'unmarked'
          : parked === 1
            ? 'parked'
            : due_at === null
              ? 'shown'
              : 'pending',
  }));
}

/** In one order of fields, whoever made the row: the lists are hashed as they are kept. */
function rowText({ object, id, reason, detail }: SyncReportRow): string {
  return JSON.stringify({ object, id, reason, detail });
}

function reportOf(row: Row<'sync_reports'>): KeptSyncReport {
  const { id, connection_id, number, body, hash, signature, key_id, made_at } = row;
  // Read from what was signed, so that no number is shown that the signature does not cover.
  const { counts } = JSON.parse(body) as { counts: SyncReportCounts };
  return { id, connectionId: connection_id, number, madeAt: made_at, counts, body, hash, signature, keyId: key_id };
}
