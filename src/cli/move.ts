import { sameVerification, type Verification, verify } from '../application/verify.ts';
import { isoOf } from '../domain/time.ts';
import { systemClock } from '../platform/clock.ts';
import { createAudit } from '../store/audit.ts';
import { openEngine, sqlitePathOf } from '../store/open.ts';
import { takeOutOfService } from '../store/out-of-service.ts';
import {
  assertCurrent,
  atOneMoment,
  beginLoading,
  copyInto,
  type Digests,
  differences,
  digestsOf,
  openExisting,
  othersInDatabase,
  othersInFile,
  TransferRefused,
  writersLockedOut,
} from '../store/transfer.ts';
import { type Result, type Terminal, table } from './output.ts';
import { refusalsSaid } from './refusals.ts';
import { configOf } from './services.ts';

export interface MoveOptions {
  readonly to: string;
  readonly force: boolean;
}

/**
 * Copies everything from DATABASE_URL into an empty database, compares, verifies both, and takes the original out of service. Nobody
 * can write to the original meanwhile. Whatever goes wrong, the original is as it was and the copy is refused by the service; the
 * same command begins anew.
 */
export function moveDatabase(terminal: Terminal, { to, force }: MoveOptions): Promise<Result> {
  return refusalsSaid(async () => {
    const { databaseUrl } = configOf(terminal);
    refuseMemory(databaseUrl);
    refuseMemory(to);
    if (to === databaseUrl)
      throw new TransferRefused('Source and target are the same database.', 'Name another with --to.');
    if (!force) refuseOthers(othersInFile(databaseUrl));
    const source = await openExisting(databaseUrl);
    try {
      const target = await openEngine({ url: to });
      try {
        const moved = await writersLockedOut(source, async (from) => {
          await assertCurrent(from);
          if (!force) refuseOthers(await othersInDatabase(from, systemClock.now()));
          const loader = await beginLoading(target);
          const read = await copyInto(from, loader);
          const now = systemClock.now();
          const original = await verify(createAudit(from, now));
          const copy = await atOneMoment(target, async (session) => {
            refuseDifference(differences(read, await digestsOf(session)));
            return verify(createAudit(session, now));
          });
          if (!sameVerification(original, copy))
            refuseDifference(['verifying the two gives different results, though their rows are the same']);
          await loader.finish();
          await takeOutOfService(
            from,
            `This database was moved at ${isoOf(now)}, and what has happened since is in the other one. Set DATABASE_URL to that one.`,
          );
          return { tables: read, verification: copy };
        });
        return resultOf(moved);
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
  });
}

function refuseMemory(url: string): void {
  if (sqlitePathOf(url) === ':memory:')
    throw new TransferRefused('A database in memory cannot be moved.', 'Name a file or a postgres:// URL.');
}

function refuseOthers(others: readonly string[]): void {
  if (others.length === 0) return;
  throw new TransferRefused(
    `The database is in use: ${others.join(', ')}.`,
    'Stop the service on every node first. If nothing runs any more, wait ten minutes or add --force.',
  );
}

function refuseDifference(found: readonly string[]): void {
  if (found.length === 0) return;
  throw new TransferRefused(
    `The copy differs from the original: ${found.join('; ')}.`,
    'The original is untouched and stays in use. Please report this.',
  );
}

function resultOf({ tables, verification }: { tables: Digests; verification: Verification }): Result {
  const wrong = [...verification.problems, ...verification.accounts.flatMap(({ problems }) => problems)];
  return {
    json: { tables, verification },
    lines: [
      ...table(Object.entries(tables).map(([name, { rows, hash }]) => [name, String(rows), hash])),
      '',
      'Every table has the same rows in both databases, and verifying them gives the same.',
      ...(wrong.length > 0
        ? ['What did not agree before does not agree now:', ...wrong.map((line) => `  ${line}`)]
        : []),
      'Set DATABASE_URL to the new database and start the service. The old one refuses to be served; keep it for a while.',
    ],
  };
}
