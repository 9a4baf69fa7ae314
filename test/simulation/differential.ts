import { deepStrictEqual } from 'node:assert';
import { parseArgs } from 'node:util';
import type { Engine } from '../../src/store/dialect.ts';
import type { Session, Table } from '../../src/store/schema.ts';
import type { Witness } from './history.ts';
import { install } from './hooks.ts';
import { keepTimeWith } from './timers.ts';

/**
 * `node test/simulation/differential.ts --url postgres://… --seed N`: lives one history on SQLite and asks everything that was asked there,
 * in the same order, of an empty PostgreSQL. Every answer, and in the end every row of every table, has to be the same.
 */
const { values } = parseArgs({ options: { url: { type: 'string' }, seed: { type: 'string' } } });
const [url, seed] = [values.url ?? '', Number(values.seed)];

const { setTimeout: set, clearTimeout: clear } = globalThis;
install([])();
const { live } = await import('./history.ts');
const { openEngine } = await import('../../src/store/open.ts');
const { migrate } = await import('../../src/store/migrations/migrate.ts');
const { TABLES } = await import('../../src/store/schema.ts');

interface Asked {
  readonly kind: Parameters<Witness['onAsked']>[0];
  readonly run: (session: Session) => Promise<unknown>;
  readonly answer: unknown;
}

const tape: Asked[] = [];
let tables: Record<string, unknown> = {};
const report = await live(seed, {
  witness: {
    onAsked: (kind, run, result) => void tape.push({ kind, run, answer: canonical(result) }),
    async onEnd(engine) {
      tables = await tablesOf(engine);
    },
  },
});
if (report.problems.length > 0) throw new Error(`seed ${seed} breaks a law: ${report.problems[0]}`);

// The history is over: from here on waiting is waiting.
keepTimeWith((ms, run) => {
  const timer = set(run, ms);
  return { cancel: () => clear(timer) };
});
const postgres = await openEngine({ url });
try {
  await migrate(postgres);
  await postgres.prepare();
  for (const [index, { kind, run, answer }] of tape.entries()) {
    const other = canonical(await postgres[kind](run));
    deepStrictEqual(other, answer, `seed ${seed}: PostgreSQL answers otherwise to ${kind} ${index}: ${run}`);
  }
  deepStrictEqual(await tablesOf(postgres), tables, `seed ${seed}: other rows`);
} finally {
  await postgres.close();
}
const rows = Object.values(tables).reduce((sum: number, one) => sum + (one as unknown[]).length, 0);
// A node that died in a schedule's run has left the interval by which it renews its lease, and no process that ends with it.
process.stdout.write(`${JSON.stringify({ asked: tape.length, rows })}\n`, () => process.exit(0));

async function tablesOf(engine: Engine): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const table of Object.keys(TABLES) as Table[]) {
    const columns = Object.keys(TABLES[table]);
    const all = await engine.read(({ db }) =>
      db
        .selectFrom(table)
        .select(columns as never)
        .execute(),
    );
    found[table] = canonical(all);
  }
  return found;
}

/** In one order: what a query does not put in order may come in any. */
function canonical(value: unknown): unknown {
  if (value instanceof Map) return canonical([...value]);
  if (value instanceof Set) return canonical([...value]);
  if (Array.isArray(value)) return value.map(canonical).sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1));
  if (value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, canonical(inner)]));
  return value;
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? '';
}
