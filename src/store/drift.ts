import { sql } from 'kysely';
import type { DriftStore, KeptWatch } from '../application/ports/store.ts';
import { driftPrefix } from '../domain/drift.ts';
import { overwrittenPrefix } from '../domain/overwritten.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { caseOf, openCases, settleCases } from './desk.ts';
import { type Engine, insertRows } from './dialect.ts';
import type { Row, Session } from './schema.ts';
import { tellOf } from './webhook-events.ts';

/** A connection with more has one cause that matters, and each look finds the rest again. */
const ALERTS_MAX = 500;

export function createDriftStore(engine: Engine): DriftStore {
  return {
    watch: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('drift_watch')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .executeTakeFirst();
        return row ? watchOf(row) : null;
      }),

    keepWatch: (accountId, connectionId, watch) =>
      engine.write(async (session) => {
        const row = rowOf(accountId, connectionId, watch);
        const written = await insertRows<'drift_watch', Pick<Row<'drift_watch'>, 'version'>>(
          session,
          'drift_watch',
          [row],
          `on conflict (account_id, connection_id) do update set baseline = excluded.baseline,
            suspects = excluded.suspects, lost = excluded.lost, looked_at = excluded.looked_at,
            open_alerts = excluded.open_alerts, version = excluded.version
            where drift_watch.version = excluded.version - 1 returning version`,
        );
        return written.length === 1;
      }),

    alerts: (accountId, connectionId, about) =>
      engine.read(async ({ db }) => {
        const prefix = about === 'overwritten' ? overwrittenPrefix(connectionId) : driftPrefix(connectionId);
        // Of an account few alerts are open at a time, and an index holds them alone: that one is told by the words in the text.
        const { rows } = await sql<Row<'desk_cases'>>`select * from desk_cases
          where account_id = ${accountId} and state = 'open' and kind = 'alert'
            and substr(dedupe_key, 1, ${prefix.length}) = ${prefix}
          order by opened_at desc, id desc limit ${ALERTS_MAX}`.execute(db);
        return rows.map(caseOf);
      }),

    tell: (accountId, opens, ends) =>
      engine.write(async (session) => {
        await settleCases(session, accountId, ends);
        let opened = 0;
        for (const { case: newCase, unlessClosedSince } of opens) {
          if (await isClosedSince(session, accountId, newCase.dedupeKey, unlessClosedSince)) continue;
          const [fresh] = await openCases(session, accountId, [newCase]);
          if (!fresh) continue;
          opened += 1;
          const { id, topic, facts, openedAt: at } = newCase;
          await tellOf(session, accountId, 'connection.drifted', {
            subject: id,
            sequence: 1,
            at,
            data: { caseId: id, topic, connectionId: facts.connectionId ?? null },
          });
        }
        return opened;
      }),
  };
}

/** By a person: what has ended by itself is told again as soon as it is there again. */
async function isClosedSince({ db }: Session, accountId: string, dedupeKey: string, since: number): Promise<boolean> {
  const { rows } = await sql`select id from desk_cases where account_id = ${accountId} and dedupe_key = ${dedupeKey}
    and decided_at >= ${since} and outcome <> 'moot' limit 1`.execute(db);
  return rows.length > 0;
}

function rowOf(accountId: string, connectionId: string, watch: KeptWatch): Row<'drift_watch'> {
  const { baseline, suspects, lost, lookedAt, open, version } = watch;
  return {
    account_id: accountId,
    connection_id: connectionId,
    baseline: toText(toJson(baseline)),
    suspects: toText(toJson(suspects)),
    lost: toText(toJson(lost)),
    looked_at: lookedAt,
    open_alerts: open,
    version,
  };
}

function watchOf(row: Row<'drift_watch'>): KeptWatch {
  return {
    baseline: fromJson(row.baseline),
    suspects: fromJson(row.suspects),
    lost: fromJson(row.lost),
    lookedAt: row.looked_at,
    open: row.open_alerts,
    version: row.version,
  };
}
