import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';

const IN_TIME = { timeout: 60_000, interval: 50 };

const roots: string[] = [];
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true });
});

/** A house with the real start and a service that is one line. */
function house(service: string): { root: string; kept: () => string[] } {
  const root = mkdtempSync(join(tmpdir(), 'wonward-start-'));
  roots.push(root);
  mkdirSync(join(root, 'src/platform'), { recursive: true });
  for (const file of ['src/start.js', 'src/platform/compile-cache.ts']) cpSync(file, join(root, file));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(root, 'src/main.ts'), service);
  const cache = join(root, 'node_modules/.cache/wonward');
  return {
    root,
    kept: () =>
      existsSync(cache)
        ? readdirSync(cache, { recursive: true, withFileTypes: true }).flatMap((entry) =>
            entry.isFile() ? entry.name : [],
          )
        : [],
  };
}

function start(root: string): { child: ChildProcess; said: Promise<string[]> } {
  const child = spawn(process.execPath, ['src/start.js'], {
    cwd: root,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return { child, said: Promise.all([text(child.stdout), text(child.stderr)]) };
}

test('what was compiled is kept beside the packages when the service ends', async () => {
  const { root, kept } = house(`const what: string = 'runs'; console.log(what);`);
  expect(await start(root).said).toEqual(['runs\n', '']);
  await expect.poll(() => kept().length, IN_TIME).toBeGreaterThan(0);
  const first = kept();
  expect(await start(root).said).toEqual(['runs\n', '']);
  expect(kept()).toEqual(first);
});

test('a service that is killed has kept what was compiled all the same', async () => {
  const { root, kept } = house(`
    import { writeCompiledSoon } from './platform/compile-cache.ts';
    writeCompiledSoon(1);
    setInterval(() => {}, 1_000);`);
  const { child } = start(root);
  await expect.poll(() => kept().length, IN_TIME).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(kept().length).toBeGreaterThan(0);
});

test('where nothing can be kept the service starts, and says nothing of it', async () => {
  const { root, kept } = house(`
    import { writeCompiledSoon } from './platform/compile-cache.ts';
    writeCompiledSoon(1);
    setTimeout(() => console.log('runs'), 50);`);
  // No directory can be made in a file, whoever asks: root may write where a file system's permissions forbid it.
  writeFileSync(join(root, 'node_modules'), '');
  expect(await start(root).said).toEqual(['runs\n', '']);
  expect(kept()).toEqual([]);
});
