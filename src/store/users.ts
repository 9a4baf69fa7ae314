import { sql } from 'kysely';
import type { Invitation, NewSession, Seat, Session, SignInLink, User, UserStore } from '../application/ports/store.ts';
import type { Role } from '../domain/roles.ts';
import { fromJson, toJson, toText } from './codec.ts';
import { type Engine, insertRows } from './dialect.ts';
import { lockAccount } from './programs.ts';
import type { Session as DbSession, Row } from './schema.ts';

/** Characters of a hash that name an invitation: 80 of its 256 bits. */
const INVITATION_ID_LENGTH = 20;
const INVITATION_PREFIX = 'inv_';

export function createUserStore(engine: Engine): UserStore {
  return {
    byEmail: (email) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'users'> & { seated: number }>`select users.*,
          exists (select 1 from seats where seats.user_id = users.id) as seated from users
          where users.email = ${toText(email)}`.execute(db);
        const [row] = rows;
        return row ? { ...userOf(row), hasSeat: Boolean(row.seated) } : null;
      }),

    bySubject: (issuer, subject) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'users'>>`select users.* from user_subjects
          join users on users.id = user_subjects.user_id
          where user_subjects.issuer = ${issuer} and user_subjects.subject = ${subject}`.execute(db);
        return rows[0] ? userOf(rows[0]) : null;
      }),

    tieSubject: (issuer, subject, userId, now) =>
      engine.write(async (session) => {
        await insertRows(
          session,
          'user_subjects',
          [{ issuer: toText(issuer), subject: toText(subject), user_id: userId, created_at: now }],
          'on conflict (issuer, subject) do nothing',
        );
      }),

    ofAccount: (accountId) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<Row<'users'> & Pick<Row<'seats'>, 'roles' | 'version'> & { seated_at: number }>`
          select users.*, seats.roles, seats.version, seats.created_at as seated_at from seats
          join users on users.id = seats.user_id where seats.account_id = ${accountId} order by users.email`.execute(
          db,
        );
        return rows.map((row) => ({
          user: userOf(row),
          seat: {
            accountId,
            roles: fromJson<Role[]>(row.roles),
            version: row.version,
            createdAt: Number(row.seated_at),
          },
        }));
      }),

    setRoles: (accountId, userId, roles, basis) =>
      engine.write(async (session) => {
        await lockAccount(session, accountId);
        const seat = await seatOf(session, accountId, userId);
        if (!seat) return 'no_such_user';
        if (seat.version !== basis) return 'stale';
        if (!roles.includes('owner') && (await isLastOwner(session, accountId, userId))) return 'last_owner';
        await session.db
          .updateTable('seats')
          .set({ roles: toJson(roles), version: basis + 1 })
          .where('account_id', '=', accountId)
          .where('user_id', '=', userId)
          .execute();
        return 'changed';
      }),

    removeSeat: (accountId, userId) =>
      engine.write(async (session) => {
        await lockAccount(session, accountId);
        if (!(await seatOf(session, accountId, userId))) return 'no_such_user';
        if (await isLastOwner(session, accountId, userId)) return 'last_owner';
        await session.db
          .deleteFrom('seats')
          .where('account_id', '=', accountId)
          .where('user_id', '=', userId)
          .execute();
        return 'changed';
      }),

    saveLink: (link, hash) =>
      engine.write(async (session) => {
        await insertRows(session, 'sign_in_links', [rowOf(link, hash)]);
      }),

    invitations: (accountId, now) =>
      engine.read(async ({ db }) => {
        const rows = await db
          .selectFrom('sign_in_links')
          .selectAll()
          .where('account_id', '=', accountId)
          .where('expires_at', '>', now)
          .orderBy('email')
          .execute();
        return rows.map(
          (row): Invitation => ({
            ...linkOf(row),
            id: `${INVITATION_PREFIX}${row.hash.slice(0, INVITATION_ID_LENGTH)}`,
          }),
        );
      }),

    withdrawInvitation: (accountId, id) =>
      engine.write(async ({ db }) => {
        const { rows } = await sql<{ hash: string }>`select hash from sign_in_links
          where account_id = ${accountId} and substr(hash, 1, ${sql.lit(INVITATION_ID_LENGTH)}) = ${id.slice(INVITATION_PREFIX.length)}`.execute(
          db,
        );
        const [row] = rows;
        if (!row) return false;
        await db.deleteFrom('sign_in_links').where('hash', '=', row.hash).execute();
        return true;
      }),

    redeem: (linkHash, opened, newUserId) =>
      engine.write(async (session) => {
        const { db } = session;
        const row = await db.deleteFrom('sign_in_links').where('hash', '=', linkHash).returningAll().executeTakeFirst();
        if (!row || row.expires_at <= opened.now) return null;
        const link = linkOf(row);
        let user = await db.selectFrom('users').selectAll().where('email', '=', row.email).executeTakeFirst();
        if (!user) {
          if (!link.seat) return null;
          user = { id: newUserId, email: row.email, name: null, created_at: opened.now };
          await insertRows(session, 'users', [user], 'on conflict (email) do nothing');
          user = await db.selectFrom('users').selectAll().where('email', '=', row.email).executeTakeFirstOrThrow();
        }
        if (link.seat) await addSeat(session, link.seat, user.id, opened.now);
        await insertSession(session, user.id, opened);
        return userOf(user);
      }),

    openSession: (userId, opened) => engine.write((session) => insertSession(session, userId, opened)),

    session: (hash, now) =>
      engine.read(async ({ db }) => {
        const { rows } = await sql<
          Row<'users'> & Pick<Row<'sessions'>, 'seen_at' | 'expires_at'> & { begun_at: number }
        >`select users.*, sessions.created_at as begun_at, sessions.seen_at, sessions.expires_at from sessions join users on users.id = sessions.user_id
          where sessions.hash = ${hash} and sessions.expires_at > ${now}`.execute(db);
        const [row] = rows;
        if (!row) return null;
        const { rows: seats } = await sql<Row<'seats'> & { account_name: string }>`
          select seats.*, accounts.name as account_name from seats join accounts on accounts.id = seats.account_id
          where seats.user_id = ${row.id} order by accounts.name, accounts.id`.execute(db);
        return {
          user: userOf(row),
          seats: seats.map((seat) => ({ ...seatFrom(seat), accountName: seat.account_name })),
          createdAt: Number(row.begun_at),
          seenAt: row.seen_at,
          expiresAt: row.expires_at,
        } satisfies Session;
      }),

    seen: (hash, now, expiresAt) =>
      engine.write(async ({ db }) => {
        await db
          .updateTable('sessions')
          .set({ seen_at: now, expires_at: expiresAt })
          .where('hash', '=', hash)
          .execute();
      }),

    endSession: (hash) =>
      engine.write(async ({ db }) => {
        await db.deleteFrom('sessions').where('hash', '=', hash).execute();
      }),

    saveOidcState: (stateHash, sealed, expiresAt) =>
      engine.write(async (session) => {
        await insertRows(session, 'oidc_states', [{ state_hash: stateHash, sealed, expires_at: expiresAt }]);
      }),

    takeOidcState: (stateHash, now) =>
      engine.write(async ({ db }) => {
        const row = await db
          .deleteFrom('oidc_states')
          .where('state_hash', '=', stateHash)
          .returningAll()
          .executeTakeFirst();
        return row && row.expires_at > now ? row.sealed : null;
      }),

    prune: (now, limit) =>
      engine.write(async ({ db }) => {
        let gone = 0;
        for (const [table, key] of [
          ['sign_in_links', 'hash'],
          ['oidc_states', 'state_hash'],
          ['sessions', 'hash'],
        ] as const) {
          const { numAffectedRows } = await sql`delete from ${sql.table(table)} where ${sql.ref(key)} in
            (select ${sql.ref(key)} from ${sql.table(table)} where expires_at <= ${now} order by expires_at limit ${limit})`.execute(
            db,
          );
          gone += Number(numAffectedRows ?? 0n);
        }
        return gone;
      }),
  };
}

async function insertSession(session: DbSession, userId: string, opened: NewSession): Promise<void> {
  const { hash, now, expiresAt } = opened;
  await insertRows(session, 'sessions', [
    { hash, user_id: userId, created_at: now, seen_at: now, expires_at: expiresAt },
  ]);
}

async function addSeat(
  session: DbSession,
  { accountId, roles }: { accountId: string; roles: readonly Role[] },
  userId: string,
  now: number,
): Promise<void> {
  await lockAccount(session, accountId);
  const seat = await seatOf(session, accountId, userId);
  if (!seat) {
    await insertRows(session, 'seats', [
      { account_id: accountId, user_id: userId, roles: toJson(roles), version: 1, created_at: now },
    ]);
    return;
  }
  await session.db
    .updateTable('seats')
    .set({ roles: toJson([...new Set([...seat.roles, ...roles])]), version: seat.version + 1 })
    .where('account_id', '=', accountId)
    .where('user_id', '=', userId)
    .execute();
}

async function seatOf({ db }: DbSession, accountId: string, userId: string): Promise<Seat | null> {
  const row = await db
    .selectFrom('seats')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('user_id', '=', userId)
    .executeTakeFirst();
  return row ? seatFrom(row) : null;
}

async function isLastOwner({ db }: DbSession, accountId: string, userId: string): Promise<boolean> {
  const rows = await db.selectFrom('seats').selectAll().where('account_id', '=', accountId).execute();
  const owners = rows.filter(({ roles }) => fromJson<Role[]>(roles).includes('owner'));
  return owners.length === 1 && owners[0]?.user_id === userId;
}

function seatFrom(row: Row<'seats'>): Seat {
  return {
    accountId: row.account_id,
    roles: fromJson<Role[]>(row.roles),
    version: row.version,
    createdAt: row.created_at,
  };
}

function userOf(row: Row<'users'>): User {
  return { id: row.id, email: row.email, name: row.name, createdAt: row.created_at };
}

function rowOf(link: SignInLink, hash: string): Row<'sign_in_links'> {
  return {
    hash,
    purpose: link.purpose,
    email: toText(link.email),
    account_id: link.seat?.accountId ?? null,
    roles: link.seat ? toJson(link.seat.roles) : null,
    made_by: link.madeBy === null ? null : toText(link.madeBy),
    created_at: link.createdAt,
    expires_at: link.expiresAt,
  };
}

function linkOf(row: Row<'sign_in_links'>): SignInLink {
  return {
    purpose: row.purpose as SignInLink['purpose'],
    email: row.email,
    seat:
      row.account_id === null || row.roles === null
        ? null
        : { accountId: row.account_id, roles: fromJson<Role[]>(row.roles) },
    madeBy: row.made_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  };
}
