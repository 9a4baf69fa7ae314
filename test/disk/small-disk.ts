import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `prlimit` belongs to util-linux and is on every Linux; elsewhere these tests have no way to bound a file. */
export const CAN_BOUND_FILES = canRun('prlimit', ['--version']);
/** Only root may mount, and in many containers not even root. */
export const CAN_MOUNT =
  process.getuid?.() === 0 && canRun('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'none', '/mnt']);

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: 'ignore' });
}

function canRun(command: string, args: readonly string[]): boolean {
  try {
    run(command, ...args);
    return true;
  } catch {
    return false;
  }
}

/** From now on the process can write no file beyond this many bytes: its writes fail with EFBIG, as a quota's or a failing disk's do. */
export function boundFiles(pid: number, bytes: number | 'unlimited'): void {
  // The soft limit alone, so that it can be raised again.
  run('prlimit', '--pid', String(pid), `--fsize=${bytes}:unlimited`);
}

export interface SmallDisk {
  readonly directory: string;
  /** Takes all the room that is left (ENOSPC). */
  fill(): void;
  makeRoom(): void;
  close(): void;
}

/** A file system of a few megabytes. */
export function mountSmallDisk(directory: string, megabytes: number): SmallDisk {
  mkdirSync(directory, { recursive: true });
  run('mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'wonward-small-disk', directory);
  const filler = join(directory, 'filler');
  return {
    directory,
    fill() {
      // Coarse, then fine, until not even a page fits.
      for (const bytes of [262_144, 4_096]) {
        try {
          for (;;) writeFileSync(filler, Buffer.alloc(bytes), { flag: 'a' });
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
    },
    makeRoom: () => rmSync(filler),
    close: () => run('umount', '--lazy', directory),
  };
}
