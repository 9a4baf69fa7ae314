import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

/** The real script and the real runner over a few tests of its own; only `npm` is another, which would install and check the whole project. */

const VITEST = join(process.cwd(), 'node_modules/.bin/vitest');
const RUN = join(process.cwd(), '.ci', 'run');
const scratch = mkdtempSync(join(tmpdir(), 'wonward-ci-'));
afterAll(() => rmSync(scratch, { recursive: true }));

interface Landing {
  readonly tests: string;
  /** What the static checks end with. */
  readonly checks?: number;
}

function land({ tests, checks = 0 }: Landing): { readonly status: number | null; readonly said: string } {
  const project = mkdtempSync(join(scratch, 'project-'));
  writeFileSync(join(project, 'judges.test.js'), tests);
  const npm = [
    '#!/usr/bin/env bash',
    'case "$1" in',
    `  run) exit ${checks} ;;`,
    `  test) exec "${VITEST}" run --root "${project}" --globals "\${@:3}" ;;`,
    'esac',
  ];
  writeFileSync(join(project, 'npm'), npm.join('\n'), { mode: 0o755 });
  const { status, stdout } = spawnSync(RUN, {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${project}${delimiter}${process.env.PATH}` },
  });
  return { status, said: stdout };
}

describe('what lands', () => {
  test('was seen by every judge: one that was skipped for want of Java is named, and counts as failed', () => {
    const { status, said } = land({
      tests: "test('passes', () => {}); describe('PMD', () => test.skip('finds nothing (needs Java)', () => {}));",
    });
    expect(said).toContain('skipped, as there is no Java: PMD finds nothing (needs Java)\n1 passed, 1 failed');
    expect(status).toBe(1);
  });

  test('may leave out what is asked for elsewhere', () => {
    const { status, said } = land({ tests: "test('passes', () => {}); test.skip('takes hours', () => {});" });
    expect([status, said.trim().split('\n').at(-1)]).toEqual([0, '1 passed, 0 failed']);
  });

  test.each<[string, Landing]>([
    ['a test that fails', { tests: "test('fails', () => expect(1).toBe(2));" }],
    ['a file that cannot be read', { tests: "test('is never reached" }],
    ['static checks that find something', { tests: "test('passes', () => {});", checks: 1 }],
  ])('has not %s', (_, landing) => {
    const { status, said } = land(landing);
    expect(status).toBe(1);
    expect(said.trim().split('\n').at(-1)).toMatch(/passed, 1 failed$/);
  });

  test('is told of every judge that needs Java by the words that it looks for', () => {
    const judges = readFileSync('test/extensions/salesforce-apex.test.ts', 'utf8');
    const skipped = judges.match(/\.skipIf\(!hasJava\(\)\)/g) ?? [];
    expect(skipped.length).toBeGreaterThan(1);
    expect(judges.match(/\(needs Java\)',/g)).toHaveLength(skipped.length);
  });
});
