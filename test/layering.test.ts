import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { checkLayering } from '../scripts/layering.ts';
import { forbidden } from '../scripts/layering-rules.ts';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A tree with the given imports: each file imports the files listed for it. */
function plant(files: Record<string, readonly string[]>): string {
  root = mkdtempSync(join(tmpdir(), 'layering-'));
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  for (const [file, imports] of Object.entries(files)) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), `${imports.map((path) => `import '${path}';`).join('\n')}\nexport const x = 1;\n`);
  }
  return root;
}

/** For each rule: a file that breaks it, and what it imports. */
const VIOLATIONS: Record<string, Record<string, readonly string[]>> = {
  'domain-imports-nothing': { 'src/domain/a.ts': ['../platform/b.ts'], 'src/platform/b.ts': [] },
  'domain-has-no-machinery': { 'src/domain/a.ts': ['node:fs'] },
  'application-knows-no-vendor': { 'src/application/a.ts': ['../store/b.ts'], 'src/store/b.ts': [] },
  'crm-is-an-adapter': { 'src/crm/hubspot/a.ts': ['../../store/b.ts'], 'src/store/b.ts': [] },
  'payout-is-an-adapter': { 'src/payout/credit/a.ts': ['../../application/b.ts'], 'src/application/b.ts': [] },
  'notify-is-an-adapter': { 'src/notify/email/a.ts': ['../../store/b.ts'], 'src/store/b.ts': [] },
  'the-console-calls-the-api': { 'src/web/console/src/a.ts': ['../../../domain/b.ts'], 'src/domain/b.ts': [] },
  'store-is-an-adapter': { 'src/store/a.ts': ['../crm/hubspot/b.ts'], 'src/crm/hubspot/b.ts': [] },
  'http-is-a-door': { 'src/http/a.ts': ['../store/b.ts'], 'src/store/b.ts': [] },
  'jobs-are-a-door': { 'src/jobs/a.ts': ['../crm/hubspot/b.ts'], 'src/crm/hubspot/b.ts': [] },
  'platform-is-below': { 'src/platform/a.ts': ['../application/b.ts'], 'src/application/b.ts': [] },
  'crms-do-not-know-each-other': { 'src/crm/hubspot/a.ts': ['../salesforce/b.ts'], 'src/crm/salesforce/b.ts': [] },
  'the-sandbox-is-another-world': { 'src/sandbox/hubspot/a.ts': ['../../domain/b.ts'], 'src/domain/b.ts': [] },
  'the-sandbox-is-another-world-for-money': {
    'src/sandbox/stripe/a.ts': ['../paypal/b.ts'],
    'src/sandbox/paypal/b.ts': [],
  },
  'providers-do-not-know-each-other': { 'src/payout/coupon/a.ts': ['../manual/b.ts'], 'src/payout/manual/b.ts': [] },
  'nobody-leans-on-the-sandbox': { 'src/http/a.ts': ['../sandbox/hubspot/b.ts'], 'src/sandbox/hubspot/b.ts': [] },
  'no-cycles': { 'src/domain/a.ts': ['./b.ts'], 'src/domain/b.ts': ['./a.ts'] },
};

test.each(Object.keys(VIOLATIONS))('a planted violation of "%s" is found', async (rule) => {
  const { violations } = await checkLayering(['src'], plant(VIOLATIONS[rule] ?? {}));
  expect(violations.map((violation) => violation.rule)).toContain(rule);
});

test('every rule has its planted violation', () => {
  expect(Object.keys(VIOLATIONS).sort()).toEqual(forbidden.map(({ name }) => name).sort());
});

test('a tree that keeps the rules passes', async () => {
  const { modules, violations } = await checkLayering(
    ['src'],
    plant({
      'src/main.ts': ['./http/a.ts', './store/s.ts'],
      'src/http/a.ts': ['../application/b.ts'],
      'src/store/s.ts': ['../application/ports/p.ts'],
      'src/application/b.ts': ['../domain/c.ts'],
      'src/application/ports/p.ts': ['../../domain/c.ts'],
      'src/domain/c.ts': ['node:crypto'],
    }),
  );
  expect(violations).toEqual([]);
  expect(modules).toBe(6);
});
