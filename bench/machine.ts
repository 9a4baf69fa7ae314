import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { median } from './statistics.ts';

/** Long enough to see what runs beside us, short enough not to be in the way. */
const LOOK_MS = 1_500;
/** Above this the absolute figures are somebody else's as well. */
const BUSY_SHARE_MAX = 0.1;
const FLUSHES = 50;
const BLOCK_BYTES = 4_096;

export interface Machine {
  readonly processors: number;
  readonly memoryGb: number;
  /** Share of all processors that others were using just before the run. */
  readonly busyShare: number;
  readonly isIdle: boolean;
  readonly load1: number;
  /** Median of a 4 kB append with fdatasync. */
  readonly flushMs: number;
  readonly node: string;
  readonly model: string;
}

/** What the figures were measured on, and whether it had anything else to do. */
export async function lookAtMachine(directory: string): Promise<Machine> {
  const before = processorTimes();
  await sleep(LOOK_MS);
  const after = processorTimes();
  const busyShare = (after.busy - before.busy) / Math.max(1, after.all - before.all);
  return {
    processors: availableParallelism(),
    memoryGb: totalmem() / 1e9,
    busyShare,
    isIdle: busyShare <= BUSY_SHARE_MAX,
    load1: loadavg()[0] ?? 0,
    flushMs: flushTime(join(directory, 'flush')),
    node: process.version,
    model: cpus()[0]?.model.trim() || modelFromSystem(),
  };
}

export function describeMachine(machine: Machine): string {
  const { processors, memoryGb, busyShare, isIdle, load1, flushMs, node } = machine;
  return [
    `${processors} processors, ${memoryGb.toFixed(0)} GB, Node ${node}, a 4 kB flush takes ${flushMs.toFixed(2)} ms.`,
    `Before the run ${(busyShare * 100).toFixed(0)} % of the processors were in use, load ${load1.toFixed(1)}.`,
    isIdle
      ? 'The machine is idle.'
      : 'THE MACHINE IS NOT IDLE: compare within this run only, and expect the absolute figures to be poor.',
  ].join(' ');
}

function processorTimes(): { busy: number; all: number } {
  let busy = 0;
  let all = 0;
  for (const { times } of cpus()) {
    const sum = times.user + times.nice + times.sys + times.idle + times.irq;
    all += sum;
    busy += sum - times.idle;
  }
  return { busy, all };
}

function flushTime(path: string): number {
  const file = openSync(path, 'w');
  const block = Buffer.alloc(BLOCK_BYTES, 1);
  const times: number[] = [];
  for (let flush = 0; flush < FLUSHES; flush += 1) {
    const startedAt = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - startedAt);
  }
  closeSync(file);
  return median(times);
}

function modelFromSystem(): string {
  try {
    return /model name\s*:\s*(.+)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
