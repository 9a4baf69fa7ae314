import { sql } from 'kysely';
import type { NewVersion, ProgramStore } from '../application/ports/store.ts';
import type { ProgramVersion } from '../domain/program.ts';
import { canonical, programHash } from '../domain/program-hash.ts';
import type { Instant } from '../domain/time.ts';
import { createBudgetStore } from './budgets.ts';
import { programOf, toJson, toText } from './codec.ts';
import type { Engine } from './dialect.ts';
import { choicesIn, lookWhereOpened, programsIn } from './offers.ts';
import { deleteDraft } from './program-drafts.ts';
import type { Session } from './schema.ts';
import { countWhatIsWon, lookAtAll } from './tiers.ts';

export function createProgramStore(engine: Engine): ProgramStore {
  return {
    ...createBudgetStore(engine),

    publish: (accountId, program, now) =>
      engine.write(async (session) => {
        await lockAccount(session, accountId);
        return nextVersion(session, accountId, program, now);
      }),

    publishDraft: (accountId, program, revision, now) =>
      engine.write(async (session) => {
        await lockAccount(session, accountId);
        if (!(await deleteDraft(session, accountId, program.programId, revision))) return null;
        return nextVersion(session, accountId, program, now);
      }),

    versions: (accountId) => engine.read((session) => programsIn(session, accountId)),
  };
}

/** Two admins who publish at once get two versions, one after the other. */
export async function lockAccount({ db, dialect }: Session, accountId: string): Promise<void> {
  await sql`select id from accounts where id = ${accountId} ${sql.raw(dialect.forUpdate('accounts'))}`.execute(db);
}

export async function nextVersion(
  session: Session,
  accountId: string,
  program: NewVersion,
  now: Instant,
): Promise<ProgramVersion> {
  const programs = await programsIn(session, accountId);
  const before = programs.findLast(({ programId }) => programId === program.programId);
  if (before && isSame(before, program)) return before;
  if (program.tiers && !before?.tiers) await countWhatIsWon(session, accountId, now);
  if (program.tiers && canonical(before?.tiers ?? null) !== canonical(program.tiers))
    await lookAtAll(session, accountId, program.programId, now);
  const choices = await choicesIn(session, accountId);
  // Of two nodes one clock may be behind: what is published later holds later, or nobody would ever be judged by it.
  const published = await insertVersion(
    session,
    accountId,
    program,
    (before?.version ?? 0) + 1,
    Math.max(now, before?.publishedAt ?? 0),
  );
  const offered = { programs: [...programs, published], choices };
  await lookWhereOpened(session, accountId, { programs, choices }, offered, published.publishedAt);
  return published;
}

function isSame(newest: ProgramVersion, program: NewVersion): boolean {
  return newest.isRetired === program.isRetired && programHash(newest) === programHash(program);
}

async function insertVersion(
  { db }: Session,
  accountId: string,
  { programId, name, rules, risk, tiers, dryRunId, publishedBy, openReferrals, isRetired, note }: NewVersion,
  version: number,
  now: Instant,
): Promise<ProgramVersion> {
  const row = await db
    .insertInto('programs')
    .values({
      account_id: accountId,
      program_id: programId,
      version,
      name: toText(name),
      rules: toJson(rules),
      published_at: now,
      dry_run_id: dryRunId ?? null,
      published_by: publishedBy === undefined ? null : toText(publishedBy),
      risk: risk === undefined ? null : toJson(risk),
      tiers: tiers === undefined ? null : toJson(tiers),
      open_referrals: openReferrals ?? null,
      is_retired: isRetired ? 1 : 0,
      note: note === undefined ? null : toText(note),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return programOf(row);
}
