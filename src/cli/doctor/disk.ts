import { randomUUID } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { type Examined, type Finding, notice, problem } from './finding.ts';

/** One small durable write after another. A server's SSD takes 0.2 to 2 ms, a network volume up to 10. */
const WRITES = 20;
const WRITE_BYTES = 4_096;
/** Every webhook waits for one of these before it is answered; at 50 ms and 100 at once HubSpot's five seconds are gone. */
const SLOW_MS = 50;
const SLUGGISH_MS = 15;
/** A backup beside the file, the log before its checkpoint, and time to act. */
const FREE_SHARE_MIN = 0.1;
const FREE_BYTES_MIN = 256 * 1024 * 1024;

export interface DiskDeps {
  /** Resolves once something was written that survives a power cut. */
  readonly durableWrite: () => Promise<unknown>;
  /** Null when the files are elsewhere. */
  readonly freeSpace: (() => Promise<{ freeBytes: number; sizeBytes: number }>) | null;
  /** Milliseconds that only ever rise. */
  readonly monotonic: () => number;
}

export async function checkDisk({ durableWrite, freeSpace, monotonic }: DiskDeps): Promise<Examined> {
  const findings: Finding[] = [];
  const times: number[] = [];
  for (let count = 0; count < WRITES; count += 1) {
    const startedAt = monotonic();
    await durableWrite();
    times.push(monotonic() - startedAt);
  }
  times.sort((a, b) => a - b);
  const medianMs = times[Math.floor(WRITES / 2)] ?? 0;
  const summary = [`a durable write takes ${medianMs.toFixed(1)} ms (median of ${WRITES})`];
  if (medianMs >= SLUGGISH_MS) {
    const what = `A durable write takes ${medianMs.toFixed(0)} ms; more than ${SLUGGISH_MS} ms is slow, more than ${SLOW_MS} ms too slow.`;
    const remedy =
      'Put the database on a local SSD or a volume with guaranteed IOPS, and look for what else writes there.';
    findings.push(
      medianMs >= SLOW_MS
        ? problem(
            what,
            'Every webhook is kept durably before it is answered, so the CRM times out under load and sends again.',
            remedy,
          )
        : notice(what, 'Bursts of webhooks are answered late.', remedy),
    );
  }
  if (freeSpace) {
    const { freeBytes, sizeBytes } = await freeSpace();
    summary.push(`${gigabytes(freeBytes)} of ${gigabytes(sizeBytes)} free`);
    if (freeBytes < FREE_BYTES_MIN || freeBytes < sizeBytes * FREE_SHARE_MIN) {
      findings.push(
        problem(
          `Only ${gigabytes(freeBytes)} of ${gigabytes(sizeBytes)} are free where the database lies.`,
          'On a full disk nothing can be kept: webhooks are refused with 503 and nothing is paid until there is room.',
          'Make room or enlarge the volume. Old backups beside the database are the usual cause.',
        ),
      );
    }
  }
  return { summary: summary.join(', '), findings };
}

/** Writes a file of its own in the directory and takes it away again. */
export async function withProbeFile<T>(
  directory: string,
  work: (write: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const path = join(directory, `.wonward-doctor-${randomUUID()}`);
  const file = await open(path, 'wx', 0o600);
  try {
    const bytes = Buffer.alloc(WRITE_BYTES, 1);
    return await work(async () => {
      await file.write(bytes);
      await file.datasync();
    });
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

export async function freeSpaceOf(directory: string): Promise<{ freeBytes: number; sizeBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, sizeBytes: blocks * bsize };
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
