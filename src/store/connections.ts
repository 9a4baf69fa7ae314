import { sql } from 'kysely';
import type {
  Connection,
  ConnectionStore,
  KeptMapping,
  OAuthState,
  SealedTokens,
  SweepMark,
} from '../application/ports/store.ts';
import { connectionOf, fromJson, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import { keepStageChances } from './forecasts.ts';
import type { Row, Session } from './schema.ts';
import { losePosition, positionOf } from './stream.ts';
import { tellOf } from './webhook-events.ts';

export function createConnectionStore(engine: Engine): ConnectionStore {
  return {
    connect: (connection, tokens) =>
      foreignIfTaken(engine, async (session) => {
        const row = await upsert(session, connection);
        if (!row) return { result: 'foreign' };
        await session.db
          .insertInto('tokens')
          .values({ ...tokenColumns(tokens), account_id: row.account_id, connection_id: row.id, version: 1 })
          .onConflict((conflict) =>
            conflict.columns(['account_id', 'connection_id']).doUpdateSet({
              ...tokenColumns(tokens),
              version: sql`tokens.version + 1`,
            }),
          )
          .execute();
        return { result: 'connected', connection: connectionOf(row) };
      }),

    get: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('connections')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .executeTakeFirst();
        return row ? connectionOf(row) : null;
      }),

    findByExternalId: (provider, externalId) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('connections')
          .selectAll()
          .where('provider', '=', provider)
          .where('external_id', '=', externalId)
          // The live one, if there is one, beside those that other accounts had before. They are few: a limit would have SQLite make
          // a temporary table for them, which takes seven times as long.
          .orderBy(sql`case when status = 'connected' then 0 else 1 end`)
          .orderBy('connected_at', 'desc')
          .executeTakeFirst();
        return row ? connectionOf(row) : null;
      }),

    list: (accountId) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('connections')
          .selectAll()
          .where('account_id', '=', accountId)
          .orderBy('connected_at')
          .orderBy('id')
          .execute();
        return rows.map(connectionOf);
      }),

    listConnected: () =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('connections')
          .selectAll()
          .where('status', '=', 'connected')
          // A test hears of what the connection hears that it is a test of, and is swept with it.
          .where('test_of', 'is', null)
          .orderBy('account_id')
          .orderBy('id')
          .execute();
        return rows.map(connectionOf);
      }),

    describe: (accountId, connectionId, about) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('connections')
          .set({ home_currency: about.homeCurrency, time_zone: about.timeZone, ui_host: about.uiHost })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .execute();
      }),

    moved: (accountId, connectionId, apiUrl) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('connections')
          .set({ api_url: apiUrl })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .execute();
      }),

    granted: (accountId, connectionId, scopes) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('connections')
          .set({ scopes: toJson(scopes) })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .execute();
      }),

    setDuplicateRules: (accountId, connectionId, rules) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('connections')
          .set({ duplicate_rules: rules })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .execute();
      }),

    setCallShare: (accountId, connectionId, percent) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('connections')
          .set({ call_share: percent })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .execute();
      }),

    setCardActors: (accountId, connectionId, actors) =>
      engine.write(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable('connections')
          .set({ card_actors: actors === null ? null : toJson(actors) })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    disconnect: (accountId, connectionId, why, now) =>
      engine.write(async (session) => {
        const { db } = session;
        const { rows } = await sql<Pick<Row<'connections'>, 'provider' | 'external_id'>>`
          select provider, external_id from connections where account_id = ${accountId} and id = ${connectionId}
            and status = 'connected' ${sql.raw(session.dialect.forChange('connections'))}`.execute(db);
        for (const { provider, external_id: externalId } of rows)
          await tellOf(session, accountId, 'connection.disconnected', {
            subject: connectionId,
            sequence: now,
            at: now,
            data: { id: connectionId, provider, externalId, why },
          });
        await db
          .updateTable('connections')
          .set({ status: 'disconnected', status_reason: toText(why) })
          .where('account_id', '=', accountId)
          .where('id', '=', connectionId)
          .execute();
      }),

    tokens: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('tokens')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .executeTakeFirst();
        return row ? tokensOf(row) : null;
      }),

    listTokens: (after, limit) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('tokens')
          .selectAll()
          .$if(after !== null, (query) =>
            query.where(({ eb, refTuple, tuple }) =>
              eb(
                refTuple('account_id', 'connection_id'),
                '>',
                tuple(after?.accountId ?? '', after?.connectionId ?? ''),
              ),
            ),
          )
          .orderBy('account_id')
          .orderBy('connection_id')
          .limit(limit)
          .execute();
        return rows.map((row) => ({
          ...tokensOf(row),
          accountId: row.account_id,
          connectionId: row.connection_id,
        }));
      }),

    replaceTokens: (accountId, connectionId, expectedVersion, tokens) =>
      engine.write(async ({ db }) => {
        const { numUpdatedRows } = await db
          .updateTable('tokens')
          .set({ ...tokenColumns(tokens), version: expectedVersion + 1 })
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .where('version', '=', expectedVersion)
          .executeTakeFirst();
        return numUpdatedRows === 1n;
      }),

    saveState: (state) =>
      engine.write(async ({ db }) => {
        await db
          .insertInto('oauth_states')
          .values({
            state_hash: state.stateHash,
            account_id: state.accountId,
            provider: state.provider,
            expires_at: state.expiresAt,
          })
          .execute();
      }),

    takeState: (stateHash, now) =>
      engine.write(async ({ db }) => {
        const row = await db
          .deleteFrom('oauth_states')
          .where('state_hash', '=', stateHash)
          .returningAll()
          .executeTakeFirst();
        // Those that nobody came back with.
        await db.deleteFrom('oauth_states').where('expires_at', '<=', now).execute();
        return row && row.expires_at > now ? stateOf(row) : null;
      }),

    mapping: (accountId, connectionId) =>
      engine.read(async (session) => {
        const row = await newestMapping(session, accountId, connectionId);
        return row ? mappingOf(row) : null;
      }),

    saveMapping: (accountId, connectionId, version, entries, now, { basis, dryRunId, chances } = {}) =>
      engine.write(async (session) => {
        // Two nodes that save at once would both see the same newest one.
        await lockConnection(session, accountId, connectionId);
        if (chances) await keepStageChances(session, accountId, connectionId, chances);
        const newest = await newestMapping(session, accountId, connectionId);
        if (newest?.version === version) return true;
        if (basis !== undefined && (newest?.version ?? null) !== basis) return false;
        await session.db
          .insertInto('mappings')
          .values({
            account_id: accountId,
            connection_id: connectionId,
            ordinal: (newest?.ordinal ?? 0) + 1,
            version,
            entries: toJson(entries),
            saved_at: now,
            dry_run_id: dryRunId ?? null,
          })
          .execute();
        return true;
      }),

    sweepMarks: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('sweep_marks')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .orderBy('object')
          .execute();
        return rows.map(sweepMarkOf);
      }),

    setSweepMark: (accountId, connectionId, { object, upTo }, from) =>
      engine.write(async ({ db }) => {
        await db
          .insertInto('sweep_marks')
          .values({ account_id: accountId, connection_id: connectionId, object, up_to: upTo })
          .onConflict((conflict) =>
            conflict
              .columns(['account_id', 'connection_id', 'object'])
              .doUpdateSet({ up_to: upTo })
              .where('sweep_marks.up_to', '>=', from ?? Number.MIN_SAFE_INTEGER),
          )
          .execute();
      }),

    streamPosition: (accountId, connectionId) =>
      engine.read(async ({ db }) => {
        const row = await db
          .selectFrom('stream_positions')
          .select(['position', 'kept_at'])
          .where('account_id', '=', accountId)
          .where('connection_id', '=', connectionId)
          .executeTakeFirst();
        return row ? positionOf(row) : null;
      }),

    loseStreamPosition: (accountId, connectionId) =>
      engine.write((session) => losePosition(session, { accountId, id: connectionId })),
  };
}

/** A connection that comes back keeps its id and the time it was first connected: deals won meanwhile are not "before" it. */
type ConnectOutcome = Awaited<ReturnType<ConnectionStore['connect']>>;

/** Two accounts that connect one portal at the same moment: the database lets one of them in. */
async function foreignIfTaken(
  engine: Engine,
  run: (session: Session) => Promise<ConnectOutcome>,
): Promise<ConnectOutcome> {
  try {
    return await engine.write(run);
  } catch (error) {
    if (engine.dialect.isUniqueViolation(error)) return { result: 'foreign' };
    throw error;
  }
}

/** Undefined while the portal is connected to another account. */
async function upsert({ db }: Session, connection: Connection): Promise<Row<'connections'> | undefined> {
  const elsewhere = await db
    .selectFrom('connections')
    .select('id')
    .where('provider', '=', connection.provider)
    .where('external_id', '=', connection.externalId)
    .where('status', '=', 'connected')
    .where('account_id', '<>', connection.accountId)
    .executeTakeFirst();
  if (elsewhere) return undefined;
  const { homeCurrency, timeZone, uiHost } = connection;
  const grant = {
    status: connection.status,
    status_reason: toText(connection.statusReason),
    scopes: toJson(connection.scopes),
    api_url: connection.apiUrl ?? null,
  };
  const about = { home_currency: homeCurrency, time_zone: timeZone, ui_host: uiHost };
  // Connected again it is the same portal: what is known of it stays until it is read anew, for its records are read at once.
  const known = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== null));
  return db
    .insertInto('connections')
    .values({
      ...grant,
      ...about,
      account_id: connection.accountId,
      id: connection.id,
      provider: connection.provider,
      external_id: connection.externalId,
      connected_at: connection.connectedAt,
    })
    .onConflict((conflict) =>
      conflict.columns(['account_id', 'provider', 'external_id']).doUpdateSet({ ...grant, ...known }),
    )
    .returningAll()
    .executeTakeFirst();
}

async function lockConnection({ db, dialect }: Session, accountId: string, connectionId: string): Promise<void> {
  await sql`select id from connections where account_id = ${accountId} and id = ${connectionId} ${sql.raw(dialect.forUpdate('connections'))}`.execute(
    db,
  );
}

function newestMapping({ db }: Session, accountId: string, connectionId: string): Promise<Row<'mappings'> | undefined> {
  return db
    .selectFrom('mappings')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('connection_id', '=', connectionId)
    .orderBy('ordinal', 'desc')
    .limit(sql.lit(1))
    .executeTakeFirst();
}

function mappingOf({ version, entries, dry_run_id: dryRunId }: Row<'mappings'>): KeptMapping {
  return { version, entries: fromJson(entries), ...(dryRunId === null ? {} : { dryRunId }) };
}

function tokenColumns(tokens: Omit<SealedTokens, 'version'>) {
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    expires_at: tokens.expiresAt,
  };
}

function tokensOf(row: Row<'tokens'>): SealedTokens {
  return {
    accessToken: row.access_token,
    refreshToken: row.refresh_token,
    expiresAt: row.expires_at,
    version: row.version,
  };
}

function stateOf(row: Row<'oauth_states'>): OAuthState {
  return {
    stateHash: row.state_hash,
    accountId: row.account_id,
    provider: row.provider,
    expiresAt: row.expires_at,
  };
}

export function sweepMarkOf(row: Row<'sweep_marks'>): SweepMark {
  return { object: row.object as SweepMark['object'], upTo: row.up_to };
}
