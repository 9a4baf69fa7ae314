import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { buildConsole } from '../../scripts/build-console.ts';

const SOURCE = fileURLToPath(new URL('../../src/web/console/', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/console/', import.meta.url));

/** What is loaded before a screen is there, as it is sent: React, the router, the frame, the screen and its styles. */
const SCREEN_BYTES_MAX = 200_000;
/** A screen that is a chart has that beside. */
const CHART_BYTES_MAX = 130_000;
const OF_CHARTS: readonly string[] = ['analytics'];

interface Chunk {
  readonly file: string;
  readonly imports?: readonly string[];
  readonly css?: readonly string[];
}

/** A file and what it cannot run without. */
function filesOf(manifest: Readonly<Record<string, Chunk>>, name: string, found = new Set<string>()): Set<string> {
  const chunk = manifest[name];
  if (!chunk || found.has(chunk.file)) return found;
  for (const file of [chunk.file, ...(chunk.css ?? [])]) found.add(file);
  for (const next of chunk.imports ?? []) filesOf(manifest, next, found);
  return found;
}

test('what a screen cannot be shown without is less than 200 kB, but for charts; so are the styles of what it wears', () => {
  buildConsole({ ifStale: true });
  const manifest = JSON.parse(readFileSync(`${BUILT}.vite/manifest.json`, 'utf8')) as Record<string, Chunk>;
  const shell = filesOf(manifest, 'index.html');
  const listed = [
    ...readFileSync(`${SOURCE}src/app/screens.tsx`, 'utf8').matchAll(
      /path: '([^']+)',[^{}]*import\('\.\.\/([^']+)'\)/g,
    ),
  ];
  expect(listed.length).toBeGreaterThan(25);
  const large = listed.flatMap(([, path = '', file = '']) => {
    const files = filesOf(manifest, `src/${file}`, new Set(shell));
    expect(files.size, path).toBeGreaterThan(shell.size);
    const bytes = bytesOf(files);
    const most = SCREEN_BYTES_MAX + (OF_CHARTS.includes(path) ? CHART_BYTES_MAX : 0);
    return bytes < most ? [] : [`${path} ${bytes}`];
  });
  expect(large).toEqual([]);
});

function bytesOf(files: ReadonlySet<string>): number {
  return [...files].reduce((sum, file) => sum + gzipSync(readFileSync(`${BUILT}${file}`)).length, 0);
}

test('what is laid beside a file in fewer bytes is that very file', () => {
  buildConsole({ ifStale: true });
  const packed = globSync(`${BUILT}assets/*.{gz,br}`);
  expect(packed.length).toBeGreaterThan(100);
  for (const path of packed) {
    const unpack = path.endsWith('.gz') ? gunzipSync : brotliDecompressSync;
    const plain = readFileSync(path.replace(/\.(gz|br)$/, ''));
    expect(unpack(readFileSync(path)).equals(plain), path).toBe(true);
  }
});

test('every component that is used brings its styles', () => {
  const manifest = JSON.parse(readFileSync(`${BUILT}.vite/manifest.json`, 'utf8')) as Record<string, Chunk>;
  const styles = [...new Set(Object.values(manifest).flatMap(({ css = [] }) => css))].map((file) =>
    readFileSync(`${BUILT}${file}`, 'utf8'),
  );
  const folder = `${SOURCE}node_modules/@mantine/core/styles/`;
  const missing = globSync(`${SOURCE}src/**/*.{ts,tsx}`).flatMap((file) => {
    const imports = readFileSync(file, 'utf8').matchAll(/(?:import|export) \{([^}]*)\} from '@mantine\/core'/g);
    const names = [...imports].flatMap(([, list = '']) =>
      list.split(',').map((name) => name.trim().split(' ')[0] ?? ''),
    );
    return names.filter((name) => {
      if (!existsSync(`${folder}${name}.css`)) return false;
      const [first] = /\.m_[0-9a-f]+/.exec(readFileSync(`${folder}${name}.css`, 'utf8')) ?? [];
      return first !== undefined && !styles.some((text) => text.includes(first));
    });
  });
  expect([...new Set(missing)]).toEqual([]);
});
