import { sql } from 'kysely';
import type { Dialect, Engine } from '../dialect.ts';
import { outOfService } from '../out-of-service.ts';
import * as start from './0001-start.ts';
import * as rules from './0002-rules.ts';
import * as dryRuns from './0003-dry-runs.ts';
import * as payouts from './0004-payouts.ts';
import * as risk from './0005-risk.ts';
import * as tiers from './0006-tiers.ts';
import * as programLife from './0007-program-life.ts';
import * as moneyOut from './0008-money-out.ts';
import * as apiUrl from './0009-api-url.ts';
import * as stream from './0010-stream.ts';
import * as identity from './0011-identity.ts';
import * as credit from './0012-credit.ts';
import * as policyDryRuns from './0013-policy-dry-runs.ts';
import * as duplicateRules from './0014-duplicate-rules.ts';
import * as companies from './0015-companies.ts';
import * as undoing from './0016-undoing.ts';
import * as autopilot from './0017-autopilot.ts';
import * as backfill from './0018-backfill.ts';
import * as cards from './0019-cards.ts';
import * as workflowActions from './0020-workflow-actions.ts';
import * as syncProof from './0021-sync-proof.ts';
import * as app from './0022-app.ts';
import * as memberLists from './0023-member-lists.ts';
import * as caseTasks from './0024-case-tasks.ts';
import * as person from './0025-person.ts';
import * as nextAsks from './0026-next-asks.ts';
import * as consoleUsers from './0027-console.ts';
import * as consoleLists from './0028-console-lists.ts';
import * as finance from './0029-finance.ts';
import * as figures from './0030-figures.ts';
import * as periods from './0031-periods.ts';
import * as outgoingWebhooks from './0032-outgoing-webhooks.ts';
import * as brand from './0033-brand.ts';
import * as callShare from './0034-call-share.ts';
import * as owedAgain from './0035-owed-again.ts';
import * as judgedBy from './0036-judged-by.ts';
import * as stageWords from './0037-stage-words.ts';
import * as forecast from './0038-forecast.ts';
import * as consentByWorkflow from './0039-consent-by-workflow.ts';
import * as testRuns from './0040-test-runs.ts';
import * as longCloses from './0041-long-closes.ts';
import * as appEvents from './0042-app-events.ts';

interface Migration {
  readonly name: string;
  /** Programs that do not know it must not run on the database any more: it takes away or reinterprets what they read or write. */
  readonly isBreaking?: true;
  statements(dialect: Dialect): string[];
}

/** In order; the position is the number in the file's name. */
const MIGRATIONS: readonly Migration[] = [
  start,
  rules,
  dryRuns,
  payouts,
  risk,
  tiers,
  programLife,
  moneyOut,
  apiUrl,
  stream,
  identity,
  credit,
  policyDryRuns,
  duplicateRules,
  companies,
  undoing,
  autopilot,
  backfill,
  cards,
  workflowActions,
  syncProof,
  app,
  memberLists,
  caseTasks,
  person,
  nextAsks,
  consoleUsers,
  consoleLists,
  finance,
  figures,
  periods,
  outgoingWebhooks,
  brand,
  callShare,
  owedAgain,
  judgedBy,
  stageWords,
  forecast,
  consentByWorkflow,
  testRuns,
  longCloses,
  appEvents,
];

/** What a database of this program's version has been through, oldest first. */
export const MIGRATION_NAMES: readonly string[] = MIGRATIONS.map(({ name }) => name);

/** Any number that nothing else in the database takes an advisory lock on: "wonward" on a telephone's keys. */
export const ADVISORY_LOCK = 9_669_273;

/** A large table can take minutes to index, and another node waits here until this one is through. */
const MIGRATION_TIMEOUT = '30min';

/**
 * Brings the database to this program's version, in one transaction: all of it or nothing, and whoever comes second waits and
 * finds it done.
 *
 * @throws Error when the database has migrations that this program does not know, or must not be served.
 */
export async function migrate(engine: Engine): Promise<void> {
  await engine.write(async (session) => {
    const { db, dialect } = session;
    const run = (text: string) => sql.raw(text).execute(db);
    if (dialect.name === 'postgres') {
      await run(`SET LOCAL lock_timeout = '${MIGRATION_TIMEOUT}'`);
      await run(`SET LOCAL statement_timeout = '${MIGRATION_TIMEOUT}'`);
      await run(`SELECT pg_advisory_xact_lock(${ADVISORY_LOCK})`);
    }
    const closed = await outOfService(session);
    if (closed !== null) throw new Error(closed);
    const { int, text, table } = dialect.ddl;
    await run(
      `CREATE TABLE IF NOT EXISTS migrations (number ${int} NOT NULL PRIMARY KEY, name ${text} NOT NULL,
        breaking ${int} NOT NULL) ${table}`,
    );
    const { rows } = await sql<{ number: number; name: string; breaking: number }>`
      select number, name, breaking from migrations`.execute(db);
    for (const { number, name, breaking } of rows) {
      const known = MIGRATIONS[number - 1];
      // Of a newer program that only adds: while nodes are replaced one by one, the older ones still start.
      if (known === undefined && breaking === 0) continue;
      if (known?.name !== name) {
        throw new Error(`The database has migration ${number} "${name}", which this version of Wonward does not know.`);
      }
    }
    for (const [index, migration] of MIGRATIONS.entries()) {
      const number = index + 1;
      if (rows.some((row) => row.number === number)) continue;
      for (const statement of migration.statements(dialect)) await run(statement);
      await sql`insert into migrations (number, name, breaking)
        values (${number}, ${migration.name}, ${migration.isBreaking ? 1 : 0})`.execute(db);
    }
  });
}
