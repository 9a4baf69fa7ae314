import type { DatabaseFacts } from '../../application/ports/vitals.ts';
import { type Examined, type Finding, notice, problem } from './finding.ts';

/** The major version that the tests run on. */
const POSTGRES_TESTED = 18;

export function checkDatabase(facts: DatabaseFacts, damage: readonly string[]): Examined {
  const { engine, version, migrations, unfit, knownMigrations, unsafe, outOfService } = facts;
  const findings: Finding[] = [];
  const name = engine === 'sqlite' ? 'SQLite' : 'PostgreSQL';
  for (const broken of damage) {
    findings.push(
      problem(
        `The database is damaged: ${broken}.`,
        'What is read from it may be wrong, and what is written may be lost. Disks and copies made of a running file do this.',
        engine === 'sqlite'
          ? 'Stop the service, keep the file, restore the last backup (docs/data.md), then let the sweep bring what came since.'
          : 'Rebuild the index (REINDEX INDEX CONCURRENTLY). If it is unique and that fails, rows are there twice: call for help before you delete any.',
      ),
    );
  }
  for (const { name: setting, value, wanted } of unsafe) {
    findings.push(
      problem(
        `PostgreSQL runs with ${setting} = ${value}.`,
        'A power cut can lose deliveries that the CRM was told are safe; it will not send them again.',
        `Set ${setting} = ${wanted} for this database.`,
      ),
    );
  }
  if (outOfService !== null) {
    findings.push(
      problem(
        `The database is out of service: ${outOfService}`,
        'The service and every other command refuse it, so that two databases do not pay the same rewards.',
        'Correct DATABASE_URL, or finish the move (docs/data.md).',
      ),
    );
  }
  const unknown = migrations.filter((migration) => !knownMigrations.includes(migration));
  const missing = knownMigrations.filter((migration) => !migrations.includes(migration));
  if (unfit.length > 0) {
    findings.push(
      problem(
        `The database has been through ${unfit.join(', ')}, which this version of Wonward does not know.`,
        'A newer version has been here; this one does not start on it.',
        'Run the newer version again.',
      ),
    );
  } else if (unknown.length > 0) {
    findings.push(
      notice(
        `A newer version has been at the database (${unknown.join(', ')}).`,
        'It has only added to it, so this version still runs beside it.',
        'Finish the upgrade: run the newer version on every node.',
      ),
    );
  }
  if (missing.length > 0 && unknown.length === 0) {
    findings.push(
      notice(
        migrations.length === 0
          ? 'The database is empty.'
          : `The database has not been through ${missing.join(', ')} yet.`,
        'The next start of this version does it, or the migration job.',
        'Run: npm run cli -- migrate',
      ),
    );
  }
  const major = Number.parseInt(version, 10);
  if (engine === 'postgres' && major !== POSTGRES_TESTED) {
    findings.push(
      notice(
        `This is PostgreSQL ${version}; Wonward is tested on ${POSTGRES_TESTED}.`,
        'Nothing is known to be wrong with it, and nothing is known to be right.',
        `Plan an upgrade to ${POSTGRES_TESTED}.`,
      ),
    );
  }
  return {
    summary: `${name} ${version}, ${migrations.length} of ${knownMigrations.length} migrations, ${damage.length === 0 ? 'whole' : 'damaged'}`,
    findings,
  };
}
