import { systemClock } from '../platform/clock.ts';
import { BACKUP_FORMATS, type BackupFormat, manifestPathOf, takeBackup } from '../store/backup.ts';
import { sqlitePathOf } from '../store/open.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { refusalsSaid } from './refusals.ts';
import { configOf } from './services.ts';

/** A copy of one moment, taken while the service goes on. */
export function backupDatabase(terminal: Terminal, file: string, format: string | undefined): Promise<Result> {
  return refusalsSaid(async () => {
    const { databaseUrl } = configOf(terminal);
    const chosen = format ?? (sqlitePathOf(databaseUrl) === null ? 'portable' : 'sqlite');
    if (!(BACKUP_FORMATS as readonly string[]).includes(chosen)) {
      throw new CliError(`There is no format "${chosen}".`, `Use --format ${BACKUP_FORMATS.join(' or ')}.`, {
        exitCode: EXIT.usage,
      });
    }
    const manifest = await takeBackup(databaseUrl, file, chosen as BackupFormat, systemClock.now());
    return {
      json: { file, ...manifest },
      lines: [
        `${file} holds the database as it was at ${manifest.takenAt} (${manifest.format}, ${manifest.bytes} bytes).`,
        `Keep ${manifestPathOf(file)} beside it, and ENCRYPTION_KEY somewhere else: it is not in it.`,
        'It holds names and addresses of people. Try it from time to time: npm run cli -- restore',
      ],
    };
  });
}
