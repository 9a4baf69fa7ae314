import { sql } from 'kysely';
import type { Commit } from '../application/ports/store.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { openProgramIn, type ProgramChoice } from '../domain/program-choice.ts';
import type { Instant } from '../domain/time.ts';
import { programOf, settingsOf, toJson } from './codec.ts';
import type { Row, Session } from './schema.ts';
import { askAt } from './work.ts';

/*
 * Which programs a friend who is met can belong to changes while friends are met: somebody publishes, retires or chooses. Whoever changes it
 * and whoever rests on it come one after the other, and friends who were met while there was none are looked at again when there is.
 */

/** What referrals that begin now can belong to. */
interface Offer {
  readonly programs: readonly ProgramVersion[];
  readonly choices: readonly ProgramChoice[];
}

/**
 * Whether a commit still knows everything that was published and chosen. Until the transaction ends nobody publishes or chooses: they wait
 * for those that begin referrals, and these for them. Asked after the referrals are written, and only where it matters: for a referral that
 * begins, and where none could since there was no program.
 */
export async function isStillOffered(session: Session, commit: Commit): Promise<boolean> {
  const { accountId, choicesSeen, programsMissed, plan } = commit;
  const begins = choicesSeen !== undefined && plan.referrals.some(({ version }) => version === 1);
  if (!begins && programsMissed === undefined) return true;
  const { db, dialect } = session;
  await sql`select id from accounts where id = ${accountId} ${sql.raw(dialect.forShare('accounts'))}`.execute(db);
  if ((await choicesIn(session, accountId)).length !== choicesSeen) return false;
  return programsMissed === undefined || (await programsIn(session, accountId)).length === programsMissed;
}

/** Each time that something else was chosen; of connections for which nobody ever chose, nothing. */
export async function choicesIn({ db }: Session, accountId: string): Promise<ProgramChoice[]> {
  const { rows } = await sql<Row<'app_settings'>>`select * from app_settings
    where account_id = ${accountId} order by connection_id, version`.execute(db);
  return choicesOf(rows);
}

/** Rows in the order of their versions. */
export function choicesOf(rows: readonly Row<'app_settings'>[]): ProgramChoice[] {
  return [...Map.groupBy(rows, (row) => row.connection_id).values()].flatMap((versions) => {
    let inForce = toJson(null);
    return versions.flatMap((row) => {
      const { programs: programIds } = settingsOf(row);
      const chosen = toJson(programIds);
      if (chosen === inForce) return [];
      inForce = chosen;
      return [{ connectionId: row.connection_id, at: row.changed_at, programIds }];
    });
  });
}

/** All versions of all programs, in the order in which they were published. */
export async function programsIn({ db }: Session, accountId: string): Promise<ProgramVersion[]> {
  const rows = await db
    .selectFrom('programs')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('published_at')
    .orderBy('program_id')
    .orderBy('version')
    .execute();
  return rows.map(programOf);
}

/** When all is said, in whichever connection. */
const AT_LAST = Number.POSITIVE_INFINITY;

/** In the connections where no program was open before and one is now, friends who belong to nobody are looked at from `at` on. */
export async function lookWhereOpened(
  session: Session,
  accountId: string,
  before: Offer,
  after: Offer,
  at: Instant,
): Promise<void> {
  const { rows } = await sql<{ id: string }>`select id from connections where account_id = ${accountId}`.execute(
    session.db,
  );
  for (const { id } of rows) {
    const isOpenIn = ({ programs, choices }: Offer) => openProgramIn(programs, choices, id, AT_LAST) !== undefined;
    if (!isOpenIn(before) && isOpenIn(after)) await lookAtUnreferred(session, accountId, id, at);
  }
}

/** Contacts who name somebody who referred them, or gave a code. As work that can wait: there may be as many as a backfill reads. */
async function lookAtUnreferred(session: Session, accountId: string, connectionId: string, at: Instant): Promise<void> {
  const { rows } = await sql<{ record_id: string }>`select record_id from records
    where account_id = ${accountId} and connection_id = ${connectionId} and object = 'contact' and presence = 'present'
      and (facts like '%"referredByIds":["%' or facts like '%"usedCode":"%')
      and not exists (select 1 from referrals where referrals.account_id = records.account_id
        and referrals.connection_id = records.connection_id and referrals.contact_id = records.record_id)`.execute(
    session.db,
  );
  const wakes = rows.map(({ record_id: id }) => ({ record: { connectionId, object: 'contact' as const, id }, at }));
  await askAt(session, accountId, wakes, 1);
}
