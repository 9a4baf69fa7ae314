import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { killAllChildren, sleep, startChild, until } from '../support/processes.ts';
import { type ServiceProcess, startServiceProcess } from '../support/service-process.ts';
import { PORTAL } from '../support/stack.ts';
import type { GeneratorInput, GeneratorReport } from './generator.ts';

/*
 * More than can be done. What the machine sustains is measured first, in the same run and beside the same load; then ten times of that
 * comes for a while.
 *
 *   LOAD_SECONDS=300 npx vitest run test/load      ten times the sustainable rate for five minutes
 *   SOAK_MINUTES=60 npx vitest run test/load       an hour at half of it, with the trend of the memory
 */

const OVERLOAD_SECONDS = Number(process.env.LOAD_SECONDS ?? 6);
const SOAK_MINUTES = Number(process.env.SOAK_MINUTES ?? 0.2);
const MEASURE_SECONDS = 3;
/** HubSpot's largest delivery has a hundred events. */
const EVENTS_PER_DELIVERY = 100;
/** maxConcurrentRequests of our app. */
const HUBSPOT_CONNECTIONS = 10;
/**
 * Three hundred times HubSpot's own: enough that the service, and not the generator, is what gives way. Each has one delivery under way,
 * and three hundred of those are a second of work: no limit would be missed.
 */
const OVERLOAD_CONNECTIONS = 3_000;
const TIMES = 10;
/**
 * 190 to 320 MB at rest were seen, with the compiler's caches; at the peak 80 to 110 MB more. The rest is for what a collector on a busy
 * machine has not got to.
 */
const MEMORY_MAX_BYTES = 500 * 2 ** 20;
/**
 * On a machine with much memory the collector lets the heap grow before it looks, which says nothing of what is held. With this it has to
 * look, and a process that holds more ends, which fails the test.
 */
const HEAP_MAX_MB = 192;
/** Seconds, on a machine that has nothing else to do. */
const RECOVERY_TIMEOUT_MS = 120_000;
/** Two looks at a heap that breathes differ by so much; a leak of a hundred bytes an event is ten times that in an hour. */
const BREATH_BYTES = 160 * 2 ** 20;

let directory = '';
let service: ServiceProcess;
let dealIds: number[] = [];
let nextEventId = 1;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wonward-load-'));
  service = await startServiceProcess({
    databaseUrl: `sqlite:${join(directory, 'wonward.db')}`,
    environment: { LOG_LEVEL: 'error', NODE_OPTIONS: `--max-old-space-size=${HEAP_MAX_MB}` },
  });
  await service.install();
  const crm = service.sandbox.control;
  dealIds = Array.from({ length: 40 }, (_, index) =>
    Number(
      crm.createRecord(PORTAL, 'deal', {
        properties: { dealname: `Deal ${index}`, amount: '100', pipeline: 'default', dealstage: 'contractsent' },
      }).id,
    ),
  );
  await service.settle();
});
afterEach(async () => {
  await service.close();
  rmSync(directory, { recursive: true, force: true });
});
afterAll(() => killAllChildren());

async function generate(
  input: Pick<GeneratorInput, 'seconds' | 'perSecond' | 'connections'>,
): Promise<GeneratorReport> {
  const { port, publicUrl } = service;
  const full: GeneratorInput = {
    ...input,
    port,
    publicUrl,
    dealIds,
    firstEventId: nextEventId,
    eventsPerDelivery: EVENTS_PER_DELIVERY,
  };
  const child = startChild('test/load/generator.ts', { LOAD_GENERATOR: JSON.stringify(full) });
  const report = JSON.parse(await child.firstLine) as GeneratorReport;
  nextEventId += (report.offered + 1) * EVENTS_PER_DELIVERY;
  return report;
}

function memoryOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1_024;
}

/** Memory and life, looked at while something goes on. */
async function watched<T>(work: Promise<T>) {
  const memory: number[] = [];
  const lives: number[] = [];
  let isOver = false;
  const watch = async () => {
    while (!isOver) {
      memory.push(memoryOf(service.child.pid));
      const from = performance.now();
      const response = await fetch(`${service.url}/livez`);
      await response.arrayBuffer();
      if (response.status !== 200) throw new Error(`/livez answers ${response.status}`);
      lives.push(performance.now() - from);
      await sleep(200);
    }
  };
  const watching = watch();
  const result = await work.finally(() => {
    isOver = true;
  });
  await watching;
  return { result, memory, slowestLifeMs: Math.round(Math.max(...lives)) };
}

function expectAllKept(...reports: readonly GeneratorReport[]): number {
  const database = new SqliteDatabase(join(directory, 'wonward.db'), { readonly: true });
  const kept = new Set(
    (database.prepare("SELECT payload ->> '$.eventId' FROM inbox").pluck().all() as unknown[]).map(Number),
  );
  database.close();
  const acknowledged = reports.flatMap(({ acknowledgedEvents }) => acknowledgedEvents);
  let count = 0;
  const lost: number[] = [];
  for (const [from, to] of acknowledged) {
    for (let id = from; id <= to; id += 1) {
      count += 1;
      if (!kept.has(id)) lost.push(id);
    }
  }
  expect(count).toBeGreaterThan(0);
  expect(lost).toEqual([]);
  return count;
}

const perSecondOf = ({ statuses, tookMs }: GeneratorReport) => (statuses[200] ?? 0) / (tookMs / 1_000);
const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);

test.skipIf(process.platform !== 'linux')(
  'ten times what can be done: memory stays bounded, the rest is refused with 503, nothing acknowledged is lost, and it is over soon (reads /proc)',
  { timeout: (OVERLOAD_SECONDS + 240) * 1_000 },
  async () => {
    const calm = await generate({ seconds: MEASURE_SECONDS, perSecond: null, connections: HUBSPOT_CONNECTIONS });
    const sustainable = perSecondOf(calm);
    expect(Object.keys(calm.statuses)).toEqual(['200']);
    const restBytes = memoryOf(service.child.pid);
    const { result, memory, slowestLifeMs } = await watched(
      generate({
        seconds: OVERLOAD_SECONDS,
        perSecond: Math.ceil(sustainable * TIMES),
        connections: OVERLOAD_CONNECTIONS,
      }),
    );

    // As soon as it is over: HubSpot's ordinary ten connections are served again, and what was kept is worked off.
    const overAt = performance.now();
    const answers: unknown[] = [];
    const answersAsBefore = async () => {
      const { statuses } = await generate({ seconds: 0.3, perSecond: null, connections: HUBSPOT_CONNECTIONS });
      answers.push(statuses);
      return Object.keys(statuses).join() === '200';
    };
    const explain = () =>
      `${JSON.stringify([result.statuses, result.unsent, ...answers])} ${service.child.log().join('\n')}`;
    await until('it answers as before', RECOVERY_TIMEOUT_MS, answersAsBefore, explain);
    const answersAfterMs = performance.now() - overAt;
    await service.settle();
    const restsAfterMs = performance.now() - overAt;
    const acknowledged = expectAllKept(calm, result);
    console.log(
      `load: ${JSON.stringify({
        sustainableDeliveriesPerS: Math.round(sustainable),
        offeredPerS: Math.round(result.offered / OVERLOAD_SECONDS),
        acknowledgedPerS: Math.round(perSecondOf(result)),
        statuses: result.statuses,
        unsent: result.unsent,
        acknowledgedEvents: acknowledged,
        latencyMs: result.latencyMs,
        memoryAtRestMb: megabytes(restBytes),
        memoryPeakMb: megabytes(Math.max(...memory)),
        slowestLifeMs,
        answersAfterMs: Math.round(answersAfterMs),
        restsAfterMs: Math.round(restsAfterMs),
      })}`,
    );

    const { 200: kept = 0, 503: refused = 0, 0: unanswered = 0, ...others } = result.statuses;
    expect(others).toEqual({});
    expect(kept).toBeGreaterThan(0);
    // Told to come again, and not left waiting until they went. Without the limits the process runs out of memory before it comes to this; on
    // a disk whose flushes stall there may be as many of these as of those.
    expect(unanswered).toBeLessThan(refused * 3);
    // What is refused must not cost all that could be kept.
    expect(perSecondOf(result)).toBeGreaterThan(sustainable / 10);
    expect(result.withoutRetryAfter).toBe(0);
    expect(Math.max(...memory)).toBeLessThan(MEMORY_MAX_BYTES);
    // Whoever restarts processes that do not answer asks /livez, and waits some seconds for it.
    expect(slowestLifeMs).toBeLessThan(10_000);
    expect(service.child.isAlive()).toBe(true);
  },
);

describe('a soak', () => {
  test.skipIf(process.platform !== 'linux')(
    'at half of what can be done takes no more memory at its end than at its beginning (reads /proc)',
    { timeout: SOAK_MINUTES * 60_000 + 240_000 },
    async () => {
      const calm = await generate({ seconds: MEASURE_SECONDS, perSecond: null, connections: HUBSPOT_CONNECTIONS });
      const { result, memory, slowestLifeMs } = await watched(
        generate({
          seconds: SOAK_MINUTES * 60,
          perSecond: Math.max(1, Math.floor(perSecondOf(calm) / 2)),
          connections: HUBSPOT_CONNECTIONS * 5,
        }),
      );
      await service.settle();
      const acknowledged = expectAllKept(calm, result);
      const third = Math.floor(memory.length / 3);
      const median = (samples: readonly number[]) => [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? 0;
      const [first, last] = [median(memory.slice(0, third)), median(memory.slice(-third))];
      const perMinute = (last - first) / ((SOAK_MINUTES * 2) / 3);
      console.log(
        `soak: ${JSON.stringify({
          minutes: SOAK_MINUTES,
          acknowledgedEvents: acknowledged,
          statuses: result.statuses,
          latencyMs: result.latencyMs,
          slowestLifeMs,
          memoryFirstThirdMb: megabytes(first),
          memoryLastThirdMb: megabytes(last),
          trendMbPerMinute: megabytes(perMinute),
        })}`,
      );
      expect(last).toBeLessThan(first + BREATH_BYTES);
      expect(last).toBeLessThan(MEMORY_MAX_BYTES);
    },
  );
});
