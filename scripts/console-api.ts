/** Writes the types of the console's API client from our own OpenAPI document; with --check it fails on drift. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listedOperations } from '../src/http/api/listed-operations.ts';
import { openApiDocument } from '../src/http/api/openapi.ts';

const CONSOLE = fileURLToPath(new URL('../src/web/console/', import.meta.url));
const FILE = join(CONSOLE, 'src/api/schema.generated.ts');

/** What the types are for: problems are one type of the client's own, and descriptions are read in the document. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, inner]) => {
    const isText = ['description', 'summary', 'example', 'title'].includes(key) && typeof inner === 'string';
    return !isText && !/^[45]\d\d$/.test(key);
  });
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}

const folder = mkdtempSync(join(tmpdir(), 'wonward-openapi-'));
try {
  const from = join(folder, 'openapi.json');
  const to = join(folder, 'schema.ts');
  writeFileSync(from, JSON.stringify(plain(openApiDocument(listedOperations(), 'https://wonward.example'))));
  // It needs a TypeScript that can be programmed, which the console's workspace has.
  const require = createRequire(join(CONSOLE, 'package.json'));
  const cli = join(dirname(require.resolve('openapi-typescript')), '..', 'bin/cli.js');
  const made = spawnSync(process.execPath, [cli, from, '--output', to], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`${made.stdout}${made.stderr}`);
  const text = readFileSync(to, 'utf8');
  if (!process.argv.includes('--check')) writeFileSync(FILE, text);
  else if (readFileSync(FILE, 'utf8') !== text) {
    console.error('src/web/console/src/api/schema.generated.ts is not what the API is. Run: npm run generate');
    process.exitCode = 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
