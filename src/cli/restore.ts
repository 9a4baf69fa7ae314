import { type Verification, verify } from '../application/verify.ts';
import { systemClock } from '../platform/clock.ts';
import { createAudit } from '../store/audit.ts';
import { restoreBackup } from '../store/backup.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { refusalsSaid } from './refusals.ts';
import { configOf } from './services.ts';
import { linesOf } from './verify.ts';

/** Puts a backup where DATABASE_URL leads, if there is nothing yet. Anything that does not agree leaves it out of service. */
export function restoreDatabase(terminal: Terminal, file: string): Promise<Result> {
  return refusalsSaid(async () => {
    let verification: Verification | null = null;
    const manifest = await restoreBackup(file, configOf(terminal).databaseUrl, {
      now: systemClock.now,
      check: async (session) => {
        verification = await verify(createAudit(session, systemClock.now()));
        if (verification.ok) return;
        throw new CliError(
          'What was restored does not agree with itself, and is not put into service.',
          'Use another backup.',
          {
            problems: [...verification.problems, ...verification.accounts.flatMap(({ problems }) => problems)],
          },
        );
      },
    });
    return {
      json: { file, takenAt: manifest.takenAt, verification },
      lines: [
        ...(verification ? linesOf(verification) : []),
        `The database is as it was at ${manifest.takenAt}. Start the service: it reads every record once more from the CRM, and the`,
        'sweep finds what came later. Orders that were paid since are sent again under the same keys.',
        'Members and referrals entered by API, and programs published, after that time are not in it.',
      ],
    };
  });
}
