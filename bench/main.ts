import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine, lookAtMachine } from './machine.ts';
import { type RowResult, toJson, toTable } from './report.ts';
import type { Context, Row } from './row.ts';

const HELP = `npm run bench -- [--only name,name] [--quick] [--peers] [--json FILE] [--list]

  --only   rows to measure, by name; all of them unless given
  --quick  small sizes, one round: shows that it runs, measures nothing
  --peers  installs other products from npm under bench/.cache and runs them beside ours (n8n alone is 3 GB)
  --peer   only this one of them (node-red, n8n-tuned, n8n-default); can be given several times
  --json   writes {"figures":[{"name","value","unit","target","ok"}]} to FILE
  --list   names the rows`;

const ROUNDS = 3;
const HERE = fileURLToPath(new URL('.', import.meta.url));

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: false },
      peer: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const rows = await loadRows();
  if (values.list)
    return console.log(rows.map(({ name, target, what }) => `${name} (${target})\n  ${what}`).join('\n'));
  const chosen = choose(rows, values.only);

  const scratch = await mkdtemp(join(tmpdir(), 'wonward-bench-'));
  const results: RowResult[] = [];
  try {
    console.log(describeMachine(await lookAtMachine(scratch)));
    if (values.quick) console.log('A quick run: it shows that everything works, and its figures mean nothing.');
    for (const row of chosen) {
      const result = await runRow(row, {
        scratch,
        isQuick: values.quick,
        withPeers: values.peers || values.peer.length > 0,
        peerNames: values.peer,
      });
      results.push(result);
      console.log(toTable([result]));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(toJson(results), null, 2)}\n`);
  if (chosen.length > 1) console.log(`\n── All rows ──\n${toTable(results)}`);
  // A row that could not be run is a fault of the bench or of the service; a target that is not reached is a result.
  if (results.some(({ failure }) => failure !== null)) process.exitCode = 1;
}

async function loadRows(): Promise<Row[]> {
  const files = readdirSync(join(HERE, 'rows')).filter((name) => name.endsWith('.ts'));
  const rows: Row[] = [];
  for (const file of files.sort()) {
    const loaded: { row?: Row } = await import(`./rows/${file}`);
    // Helpers of a row stand beside it.
    if (loaded.row) rows.push(loaded.row);
  }
  return rows.sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name) || (a.name < b.name ? -1 : 1));
}

/** As in the table of bench/README.md; a row that is not named comes first. */
const ORDER = [
  'ingest',
  'closed-won',
  'limit',
  'durable',
  'latency',
  'crm-calls',
  'crm-calls-salesforce',
  'reconcile',
  'card',
  'memory',
  'start',
  'postgres',
  'growth',
  'fairness',
  'simulate',
];

function choose(rows: readonly Row[], only: string | undefined): readonly Row[] {
  if (only === undefined) return rows;
  return only.split(',').map((name) => {
    const row = rows.find((one) => one.name === name.trim());
    if (!row)
      throw new Error(`--only: there is no row "${name}". There are: ${rows.map((one) => one.name).join(', ')}`);
    return row;
  });
}

interface RunOptions {
  readonly scratch: string;
  readonly isQuick: boolean;
  readonly withPeers: boolean;
  readonly peerNames: readonly string[];
}

async function runRow(row: Row, { scratch, isQuick, withPeers, peerNames }: RunOptions): Promise<RowResult> {
  const notes: string[] = [];
  const ends: Array<() => Promise<unknown> | unknown> = [];
  const cacheDirectory = join(HERE, '.cache');
  mkdirSync(cacheDirectory, { recursive: true });
  const context: Context = {
    isQuick,
    withPeers,
    peerNames,
    rounds: isQuick ? 1 : ROUNDS,
    pick: (full, quick) => (isQuick ? quick : full),
    async directory() {
      const made = await mkdtemp(join(scratch, `${row.name}-`));
      ends.push(() => rm(made, { recursive: true, force: true }));
      return made;
    },
    cacheDirectory,
    say: (text) => console.log(`  … ${row.name}: ${text}`),
    note: (text) => void notes.push(text),
    onEnd: (end) => void ends.push(end),
  };
  const startedAt = performance.now();
  let outcome: Pick<RowResult, 'figures' | 'failure'>;
  try {
    outcome = { figures: await row.run(context), failure: null };
  } catch (error) {
    console.error(error);
    outcome = { figures: [], failure: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) };
  } finally {
    for (const end of ends.reverse()) await Promise.resolve(end()).catch((error: unknown) => console.error(error));
  }
  return { row, ...outcome, notes, tookMs: performance.now() - startedAt };
}

await main();
