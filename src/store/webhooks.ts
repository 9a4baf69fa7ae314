import { type RawBuilder, sql } from 'kysely';
import type {
  ClaimedDelivery,
  DeliveryState,
  PageCursor,
  SealedWebhookSecret,
  Shard,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookStore,
} from '../application/ports/store.ts';
import { SYSTEM } from '../domain/case.ts';
import type { Instant } from '../domain/time.ts';
import {
  type Attempt,
  type EndpointHealth,
  type EndpointState,
  failingCase,
  failingCaseKey,
  type SentEventType,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookEventType,
} from '../domain/webhook.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { openCases, settleCases } from './desk.ts';
import { type Engine, insertRows, overRows } from './dialect.ts';
import { candidates, claimRows, counts, dueShards, nextDueAt, tell } from './queue.ts';
import type { Row, Session } from './schema.ts';
import { keepEventFor, newDelivery } from './webhook-events.ts';

/** While an endpoint fails, one request at a time finds out whether it is back. */
const PROBE = 1;

type EndpointRow = Row<'webhook_endpoints'>;
type DeliveryRow = Row<'webhook_deliveries'>;

export function createWebhookStore(engine: Engine): WebhookStore {
  return {
    endpoints: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<EndpointRow>`select * from webhook_endpoints
          where account_id = ${accountId} and state <> 'removed' order by created_at, id`.execute(db);
        return rows.map(endpointOf);
      }),

    endpoint: (accountId, endpointId) =>
      engine.read(async (session) => {
        const row = await endpointRow(session, accountId, endpointId);
        return row ? endpointOf(row) : null;
      }),

    create: (accountId, endpoint) =>
      engine.write(async (session) => {
        const { db, dialect } = session;
        // Two that are made at once would both find room.
        await dialect.lockFor(db, [`webhook endpoints ${accountId}`]);
        const { rows } = await sql<{ n: number }>`select count(*) as n from webhook_endpoints
          where account_id = ${accountId} and state <> 'removed'`.execute(db);
        if (Number(rows[0]?.n ?? 0) >= WEBHOOK_ENDPOINTS_MAX) return false;
        await insertRows(session, 'webhook_endpoints', [rowOf(accountId, endpoint)]);
        return true;
      }),

    save: (accountId, endpoint, by) =>
      engine.write(async (session) => {
        const known = await endpointRow(session, accountId, endpoint.id, true);
        if (!known) return null;
        if (known.version !== endpoint.version - 1) return { kind: 'changed', endpoint: endpointOf(known) };
        // How it does is known better here than by who has read it a while ago, unless it is switched on again.
        const isBack = endpoint.state === 'enabled' && known.state !== 'enabled';
        const fresh = rowOf(accountId, endpoint);
        const health = isBack ? { failures: 0, failing_since: null, rests_until: 0 } : healthColumns(healthOf(known));
        const { account_id: _a, id: _i, created_at: _c, created_by: _b, succeeded_at: _s, ...set } = fresh;
        await session.db
          .updateTable('webhook_endpoints')
          .set({ ...set, ...health })
          .where('account_id', '=', accountId)
          .where('id', '=', endpoint.id)
          .execute();
        if (isBack) {
          const why = 'The webhook is switched on again.';
          await endAlert(session, accountId, endpoint.id, { outcome: 'resolved', by, why, at: endpoint.updatedAt });
          tell(session, 'webhook_deliveries', { accountId, connectionId: endpoint.id });
        }
        return { kind: 'saved', endpoint: endpointOf({ ...known, ...set, ...health }) };
      }),

    remove: (accountId, endpointId, by, now) =>
      engine.write(async (session) => {
        const { numAffectedRows } = await sql`update webhook_endpoints
          set state = 'removed', secret = '', former_secret = null, former_until = null, updated_at = ${now},
            version = version + 1
          where account_id = ${accountId} and id = ${endpointId} and state <> 'removed'`.execute(session.db);
        if (numAffectedRows !== 1n) return false;
        const why = 'The webhook was removed.';
        await endAlert(session, accountId, endpointId, { outcome: 'resolved', by, why, at: now });
        return true;
      }),

    tell: (accountId, endpointId, event) =>
      engine.write((session) => keepEventFor(session, accountId, endpointId, event)),

    claim: (input) =>
      engine.write(async (session) => {
        for (const shard of await candidates(session, 'webhook_deliveries', input)) {
          const deliveries = await claimOf(session, shard, input);
          if (deliveries.length > 0) return deliveries;
        }
        return [];
      }),
    dueShards: (now, limit) => engine.read((session) => dueShards(session, 'webhook_deliveries', now, limit)),

    settle: ({ delivery, attempt }, judge) =>
      engine.write(async (session) => {
        const { accountId, endpointId, eventId, claim } = delivery;
        const { db } = session;
        const row = await endpointRow(session, accountId, endpointId, true);
        const { rows } = await sql<Pick<DeliveryRow, 'tries' | 'claim'>>`select tries, claim from webhook_deliveries
          where ${isOf(accountId, endpointId, eventId)} ${sql.raw(session.dialect.forUpdate('webhook_deliveries'))}`.execute(
          db,
        );
        const [known] = rows;
        // Forgotten meanwhile.
        if (!known) return { kind: 'lost' };
        await insertRows(session, 'webhook_attempts', [attemptRow(delivery, known.tries + 1, attempt)]);
        await sql`update webhook_deliveries set tries = tries + 1, attempted_at = ${attempt.at}, status = ${attempt.status},
            duration_ms = ${attempt.durationMs}
          where ${isOf(accountId, endpointId, eventId)}`.execute(db);
        if (known.claim !== claim || !row) return { kind: 'lost' };
        const after = judge(endpointOf(row));
        const next = after.delivery.state === 'waiting' ? after.delivery.runAt : null;
        const error = attempt.problem === null ? null : toText(attempt.problem);
        await sql`update webhook_deliveries set state = ${after.delivery.state}, claim = null,
            attempts = ${delivery.attempts + 1}, run_at = coalesce(${next}, run_at), due_at = ${next},
            parked = ${after.delivery.state === 'failed' ? 1 : 0}, error = ${error}
          where ${isOf(accountId, endpointId, eventId)}`.execute(db);
        await keepHealth(session, row, after.health, attempt);
        if (after.switchedOff !== null && row.state === 'enabled') {
          const now = attempt.at + attempt.durationMs;
          await sql`update webhook_endpoints set state = ${after.switchedOff}, updated_at = ${now}, version = version + 1
            where account_id = ${accountId} and id = ${endpointId}`.execute(db);
          await openCases(session, accountId, [failingCase(accountId, row, after.switchedOff, now)]);
        }
        return { kind: 'settled', after };
      }),

    release: (deliveries) =>
      engine.write(async (session) => {
        await overRows(
          session,
          HELD,
          deliveries.map(heldRow),
          (held) => `update webhook_deliveries set claim = null, due_at = run_at from ${held} as held where ${IS_HELD}`,
        );
        for (const { accountId, endpointId } of deliveries)
          tell(session, 'webhook_deliveries', { accountId, connectionId: endpointId });
      }),

    nextDueAt: () => engine.read((session) => nextDueAt(session, 'webhook_deliveries')),
    counts: (now) => engine.read((session) => counts(session, 'webhook_deliveries', now)),

    deliveries: (accountId, endpointId, { limit, cursor }, { state }) =>
      engine.read(async ({ db }) => {
        const asked: RawBuilder<unknown>[] = [
          sql`account_id = ${accountId}`,
          sql`endpoint_id = ${endpointId}`,
          ...(state === undefined ? [] : [sql`state = ${state}`]),
          ...(cursor ? [sql`(event_at, event_id) < (${cursor.at}, ${cursor.id})`] : []),
        ];
        const { rows } = await sql<DeliveryRow>`select * from webhook_deliveries where ${sql.join(asked, sql` and `)}
          order by event_at desc, event_id desc limit ${limit + 1}`.execute(db);
        const items = rows.slice(0, limit).map(deliveryOf);
        const last = items.at(-1);
        return { items, next: rows.length > limit && last ? { at: last.eventAt, id: last.eventId } : null };
      }),

    delivery: (accountId, endpointId, eventId) =>
      engine.snapshot(async ({ db }) => {
        const { rows } = await sql<DeliveryRow & { body: string }>`
          select webhook_deliveries.*, webhook_events.body from webhook_deliveries
          join webhook_events on webhook_events.account_id = webhook_deliveries.account_id
            and webhook_events.id = webhook_deliveries.event_id
          where ${isOf(accountId, endpointId, eventId)}`.execute(db);
        const [row] = rows;
        if (!row) return null;
        const { rows: attempts } = await sql<Row<'webhook_attempts'>>`select * from webhook_attempts
          where account_id = ${accountId} and event_id = ${eventId} and endpoint_id = ${endpointId}
          order by number desc`.execute(db);
        return { delivery: deliveryOf(row), body: row.body, attempts: attempts.map(attemptOf) };
      }),

    again: (accountId, endpointId, eventId, now) =>
      engine.write(async (session) => {
        const { numAffectedRows } = await sql`update webhook_deliveries set ${askedAgain(now)}
          where ${isOf(accountId, endpointId, eventId)}`.execute(session.db);
        if (numAffectedRows !== 1n) return false;
        tell(session, 'webhook_deliveries', { accountId, connectionId: endpointId });
        return true;
      }),

    replay: (accountId, endpointId, { since, after, limit, types, onlyUndelivered, now }) =>
      engine.write(async (session) => {
        const { db, dialect } = session;
        const from = after ? sql`(at, id) > (${after.at}, ${after.id})` : sql`at >= ${since}`;
        const { rows: events } = await sql<Pick<Row<'webhook_events'>, 'id' | 'at' | 'type' | 'endpoint_id'>>`
          select id, at, type, endpoint_id from webhook_events where account_id = ${accountId} and ${from}
          order by at, id limit ${limit}`.execute(db);
        // What was told one endpoint alone is a test.
        const wanted = events.filter(
          ({ type, endpoint_id }) => endpoint_id === null && types.some((chosen) => chosen === type),
        );
        const ids = wanted.map(({ id }) => id);
        const { rows: known } = await sql<Pick<DeliveryRow, 'event_id' | 'state'>>`
          select event_id, state from webhook_deliveries
          where account_id = ${accountId} and endpoint_id = ${endpointId} and ${dialect.isIn('event_id', ids)}`.execute(
          db,
        );
        const states = new Map(known.map(({ event_id, state }) => [event_id, state]));
        const repeated = known
          .filter(({ state }) => !(onlyUndelivered && state === 'delivered'))
          .map(({ event_id }) => event_id);
        await sql`update webhook_deliveries set ${askedAgain(now)}
          where account_id = ${accountId} and endpoint_id = ${endpointId} and ${dialect.isIn('event_id', repeated)}`.execute(
          db,
        );
        const missed = wanted.filter(({ id }) => !states.has(id));
        await insertRows(
          session,
          'webhook_deliveries',
          missed.map(({ id, at, type }) => newDelivery(accountId, endpointId, { id, at, type }, now)),
          'on conflict do nothing',
        );
        tell(session, 'webhook_deliveries', { accountId, connectionId: endpointId });
        const last = events.at(-1);
        const next: PageCursor | null = events.length === limit && last ? { at: last.at, id: last.id } : null;
        return { asked: repeated.length + missed.length, next };
      }),

    prune: (accountId, before, limit) =>
      engine.write(async ({ db, dialect }) => {
        const { rows } = await sql<{ id: string }>`select id from webhook_events
          where account_id = ${accountId} and at < ${before} order by at, id limit ${limit}`.execute(db);
        const ids = rows.map(({ id }) => id);
        if (ids.length > 0) {
          await sql`delete from webhook_attempts where account_id = ${accountId} and ${dialect.isIn('event_id', ids)}`.execute(
            db,
          );
          await sql`delete from webhook_deliveries where account_id = ${accountId} and ${dialect.isIn('event_id', ids)}`.execute(
            db,
          );
          await sql`delete from webhook_events where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(
            db,
          );
        }
        await sql`delete from webhook_endpoints where account_id = ${accountId} and state = 'removed'
          and not exists (select 1 from webhook_deliveries d
            where d.account_id = webhook_endpoints.account_id and d.endpoint_id = webhook_endpoints.id)`.execute(db);
        return ids.length;
      }),

    listSealed: (after, limit) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Pick<EndpointRow, 'account_id' | 'id' | 'secret' | 'former_secret'>>`
          select account_id, id, secret, former_secret from webhook_endpoints
          where (account_id, id) > (${after?.accountId ?? ''}, ${after?.id ?? ''}) and state <> 'removed'
          order by account_id, id limit ${limit}`.execute(db);
        return rows.map(
          ({ account_id, id, secret, former_secret }): SealedWebhookSecret => ({
            accountId: account_id,
            id,
            secret,
            former: former_secret,
          }),
        );
      }),

    replaceSealed: ({ accountId, id, secret, former }, fresh) =>
      engine.write(async ({ db }) => {
        const { numAffectedRows } = await sql`update webhook_endpoints
          set secret = ${fresh.secret}, former_secret = ${fresh.former}
          where account_id = ${accountId} and id = ${id} and secret = ${secret}
            and coalesce(former_secret, '') = ${former ?? ''}`.execute(db);
        return numAffectedRows === 1n;
      }),
  };
}

async function endpointRow(
  { db, dialect }: Session,
  accountId: string,
  endpointId: string,
  isLocked = false,
): Promise<EndpointRow | undefined> {
  const lock = isLocked ? dialect.forChange('webhook_endpoints') : '';
  const { rows } = await sql<EndpointRow>`select * from webhook_endpoints
    where account_id = ${accountId} and id = ${endpointId} and state <> 'removed' ${sql.raw(lock)}`.execute(db);
  return rows[0];
}

async function claimOf(
  session: Session,
  { accountId, connectionId: endpointId }: Shard,
  input: { readonly now: Instant; readonly leaseMs: number; readonly limit: number; readonly claim: string },
): Promise<ClaimedDelivery[]> {
  const { db, dialect } = session;
  const endpoint = endpointId === null ? undefined : await endpointRow(session, accountId, endpointId);
  if (!endpoint) return [];
  const limit = endpoint.failures > 0 ? PROBE : input.limit;
  const shard = { accountId, connectionId: endpoint.id };
  const rows = await claimRows(session, 'webhook_deliveries', shard, { ...input, limit });
  if (rows.length === 0) return [];
  const ids = rows.map(({ event_id }) => event_id);
  const { rows: events } = await sql<Pick<Row<'webhook_events'>, 'id' | 'body'>>`select id, body from webhook_events
    where account_id = ${accountId} and ${dialect.isIn('id', ids)}`.execute(db);
  const bodies = new Map(events.map(({ id, body }) => [id, body]));
  return rows
    .sort((a, b) => a.run_at - b.run_at || a.event_at - b.event_at || (a.event_id < b.event_id ? -1 : 1))
    .map((row) => ({
      accountId,
      endpointId: endpoint.id,
      eventId: row.event_id,
      type: row.type as SentEventType,
      body: bodies.get(row.event_id) ?? '',
      claim: row.claim ?? '',
      attempts: row.attempts,
    }));
}

/** Written only where it says something new: of an endpoint that does well every delivery would wait for the same row. */
async function keepHealth({ db }: Session, row: EndpointRow, health: EndpointHealth, attempt: Attempt): Promise<void> {
  const isSame = JSON.stringify(healthOf(row)) === JSON.stringify(health);
  const succeededAt = attempt.problem === null ? attempt.at : row.succeeded_at;
  if (isSame && succeededAt === row.succeeded_at) return;
  await db
    .updateTable('webhook_endpoints')
    .set({ ...healthColumns(health), succeeded_at: succeededAt })
    .where('account_id', '=', row.account_id)
    .where('id', '=', row.id)
    .execute();
}

async function endAlert(
  session: Session,
  accountId: string,
  endpointId: string,
  word: { readonly outcome: 'resolved'; readonly by: string; readonly why: string; readonly at: Instant },
): Promise<void> {
  const by = word.by === '' ? SYSTEM : word.by;
  await settleCases(session, accountId, [{ dedupeKey: failingCaseKey(endpointId), word: { ...word, by } }]);
}

function isOf(accountId: string, endpointId: string, eventId: string) {
  return sql`webhook_deliveries.account_id = ${accountId} and webhook_deliveries.endpoint_id = ${endpointId}
    and webhook_deliveries.event_id = ${eventId}`;
}

/** As if it had never been tried; whoever is at it now finds its claim gone. */
function askedAgain(now: Instant) {
  return sql`state = 'waiting', claim = null, attempts = 0, parked = 0, error = null, run_at = ${now}, due_at = ${now}`;
}

const HELD = { account_id: 'text', event_id: 'text', endpoint_id: 'text', claim: 'text' } as const;

function heldRow({ accountId, endpointId, eventId, claim }: ClaimedDelivery) {
  return { account_id: accountId, event_id: eventId, endpoint_id: endpointId, claim };
}

const IS_HELD = `webhook_deliveries.account_id = held.account_id and webhook_deliveries.event_id = held.event_id
  and webhook_deliveries.endpoint_id = held.endpoint_id and webhook_deliveries.claim = held.claim`;

function attemptRow(
  { accountId, eventId, endpointId }: ClaimedDelivery,
  number: number,
  { at, durationMs, status, problem, answer }: Attempt,
): Row<'webhook_attempts'> {
  return {
    account_id: accountId,
    event_id: eventId,
    endpoint_id: endpointId,
    number,
    at,
    duration_ms: durationMs,
    status,
    problem: problem === null ? null : toText(problem),
    answer: toText(answer),
  };
}

function attemptOf({ at, duration_ms: durationMs, status, problem, answer }: Row<'webhook_attempts'>): Attempt {
  return { at, durationMs, status, problem, answer, pauseMs: null };
}

function deliveryOf(row: DeliveryRow): WebhookDelivery {
  return {
    eventId: row.event_id,
    type: row.type as SentEventType,
    eventAt: row.event_at,
    state: row.state as DeliveryState,
    tries: row.tries,
    nextAt: row.claim === null ? row.due_at : null,
    attemptedAt: row.attempted_at,
    status: row.status,
    durationMs: row.duration_ms,
    problem: row.error,
  };
}

function healthOf(row: EndpointRow): EndpointHealth {
  return { failures: row.failures, failingSince: row.failing_since, restsUntil: row.rests_until };
}

function healthColumns({ failures, failingSince, restsUntil }: EndpointHealth) {
  return { failures, failing_since: failingSince, rests_until: restsUntil };
}

function rowOf(accountId: string, endpoint: WebhookEndpoint): EndpointRow {
  return {
    account_id: accountId,
    id: endpoint.id,
    url: toText(endpoint.url),
    description: toText(endpoint.description),
    event_types: toJson(endpoint.eventTypes),
    state: endpoint.state,
    secret: endpoint.secret,
    former_secret: endpoint.former?.secret ?? null,
    former_until: endpoint.former?.until ?? null,
    ...healthColumns(endpoint.health),
    succeeded_at: endpoint.succeededAt,
    created_by: toText(endpoint.createdBy),
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
    version: endpoint.version,
  };
}

function endpointOf(row: EndpointRow): WebhookEndpoint {
  const { former_secret: former, former_until: until } = row;
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    eventTypes: fromJson<WebhookEventType[]>(row.event_types),
    state: row.state as EndpointState,
    secret: row.secret,
    former: former === null || until === null ? null : { secret: former, until },
    health: healthOf(row),
    succeededAt: row.succeeded_at,
    createdBy: row.created_by,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}
