import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { variableDocs } from '../../src/config.ts';
import { expectCommandsExist } from './commands.ts';

const FILE = 'docs/operations.md';
const text = readFileSync(FILE, 'utf8');

/** Written beside this page, by those whose subject it is. */
const ELSEWHERE = ['docs/data.md', 'bench/README.md'];

describe('docs/operations.md', () => {
  test('names only commands that there are', async () => {
    await expectCommandsExist(text);
  });

  test('leads only to files that there are', () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => join(dirname(FILE), target));
    const files = [...text.matchAll(/(?<![\w/])deploy\/[\w./-]+\w/g)]
      .map(([path]) => path)
      .filter((path) => path !== 'deploy/.env');
    expect(links.length).toBeGreaterThan(5);
    for (const path of [...links, ...files]) if (!ELSEWHERE.includes(path)) expect(existsSync(path), path).toBe(true);
  });

  test('names only variables that there are', () => {
    const known = new Set<string>([
      ...variableDocs().map(({ name }) => name),
      'POSTGRES_PASSWORD',
      'PUBLIC_HOST',
      'TEST_IMAGE',
    ]);
    for (const [name] of text.matchAll(/\b[A-Z]{3,}(?:_[A-Z]+)+\b/g)) expect(known).toContain(name);
  });

  test('lists the checks that doctor makes', () => {
    const source = readFileSync('src/cli/doctor.ts', 'utf8');
    const table = [...text.matchAll(/^\| ([a-z-]+) \| /gm)].map(([, name]) => name).filter((name) => name !== 'check');
    const checks = ['versions', 'public-url', 'database', 'clock', 'disk', 'keys', 'connections', 'mapping', 'queues'];
    expect(table.filter((name) => checks.includes(name ?? ''))).toEqual(checks);
    for (const name of checks) expect(source).toContain(`'${name}'`);
  });
});
