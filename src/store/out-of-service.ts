import { sql } from 'kysely';
import type { Session } from './schema.ts';

/*
 * A database that must not be served: a copy that was not finished, or one that has been moved elsewhere. It is a table of its own and
 * not part of the schema, so that it can be set before there is a schema and read whatever the schema's version.
 */

/** Why the database must not be served; null when it may. */
export async function outOfService({ db, dialect }: Session): Promise<string | null> {
  const exists =
    dialect.name === 'postgres'
      ? sql`select 1 as found where to_regclass('out_of_service') is not null`
      : sql`select 1 as found from sqlite_master where type = 'table' and name = 'out_of_service'`;
  if ((await exists.execute(db)).rows.length === 0) return null;
  const { rows } = await sql<{ reason: string }>`select reason from out_of_service`.execute(db);
  return rows[0]?.reason ?? null;
}

/** From now on the service and every other command refuses to open the database, for this reason. */
export async function takeOutOfService(session: Session, reason: string): Promise<void> {
  const { db, dialect } = session;
  const { text, table } = dialect.ddl;
  await putIntoService(session);
  await sql.raw(`create table out_of_service (reason ${text} not null) ${table}`).execute(db);
  await sql`insert into out_of_service (reason) values (${reason})`.execute(db);
}

export async function putIntoService({ db }: Session): Promise<void> {
  await sql`drop table if exists out_of_service`.execute(db);
}
