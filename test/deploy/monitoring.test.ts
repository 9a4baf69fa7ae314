import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { createScene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { expectCommandsExist } from './commands.ts';
import { type Expression, readExpression } from './promql.ts';

const alertsSchema = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^Wonward[A-Z][A-Za-z]+$/),
          expr: z.string(),
          for: z
            .string()
            .regex(/^\d+m$/)
            .optional(),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string().min(20), runbook: z.string() }),
        }),
      ),
    }),
  ),
});
const alerts = alertsSchema
  .parse(parse(readFileSync('deploy/monitoring/alerts.yaml', 'utf8')))
  .groups.flatMap(({ rules }) => rules);

const panelSchema = z.looseObject({
  id: z.number(),
  title: z.string().min(1),
  type: z.enum(['row', 'stat', 'timeseries']),
  gridPos: z.strictObject({ h: z.number(), w: z.number(), x: z.number(), y: z.number() }),
  targets: z.array(z.looseObject({ expr: z.string(), refId: z.string() })).optional(),
});
const dashboard = z
  .looseObject({ uid: z.literal('wonward'), schemaVersion: z.number(), panels: z.array(panelSchema) })
  .parse(JSON.parse(readFileSync('deploy/monitoring/dashboard.json', 'utf8')));

/** What Prometheus itself adds to every series, and the one metric that is its own. */
const OF_PROMETHEUS = new Set(['job', 'instance', 'le']);
const OWN_METRICS = new Set(['up']);

/** Series of a real scrape by metric: each with its labels. */
type Scrape = ReadonlyMap<string, ReadonlyArray<Readonly<Record<string, string>>>>;

function readScrape(text: string): Scrape {
  const series = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, metric = '', labels = ''] = /^([a-zA-Z0-9_:]+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
      return { metric, labels: Object.fromEntries([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [k, v])) };
    });
  return new Map(
    [...Map.groupBy(series, ({ metric }) => metric)].map(([metric, all]) => [metric, all.map(({ labels }) => labels)]),
  );
}

function matches(value: string, { op, value: wanted }: { op: string; value: string }): boolean {
  if (op === '=' || op === '!=') return (value === wanted) === (op === '=');
  return new RegExp(`^(?:${wanted})$`).test(value) === (op === '=~');
}

/** What an expression asks for and the service does not show; none when it can ever be true. */
function unknownIn({ selectors, grouping }: Expression, scrape: Scrape): string[] {
  const problems: string[] = [];
  const labels = new Set<string>(OF_PROMETHEUS);
  for (const { metric, matchers } of selectors) {
    if (OWN_METRICS.has(metric)) continue;
    const series = scrape.get(metric);
    if (!series) {
      problems.push(`no metric ${metric}`);
      continue;
    }
    for (const label of series.flatMap(Object.keys)) labels.add(label);
    const own = matchers.filter(({ label }) => !OF_PROMETHEUS.has(label));
    for (const matcher of own) {
      if (!series.some((each) => matcher.label in each)) problems.push(`${metric} has no label ${matcher.label}`);
      // Each of the alternatives has to exist: "misconfigured|faild" would match half of what was meant.
      const alternatives = matcher.op.endsWith('~') ? matcher.value.split('|') : [matcher.value];
      for (const value of matcher.op.startsWith('!') ? [] : alternatives)
        if (!series.some((each) => matches(each[matcher.label] ?? '', { op: matcher.op, value })))
          problems.push(`${metric} has no ${matcher.label} "${value}"`);
    }
    if (!series.some((each) => own.every((matcher) => matches(each[matcher.label] ?? '', matcher))))
      problems.push(`no series of ${metric} fits all conditions`);
  }
  for (const label of grouping) if (!labels.has(label)) problems.push(`grouped by ${label}, which no metric has`);
  return problems;
}

let directory: string;
let stack: Stack;
let scrape: Scrape;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-monitoring-'));
  stack = await startStack({ databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
  await stack.install();
  const scene = createScene(stack);
  scene.win(scene.deal([scene.friendOf(scene.person('Ada'))]));
  await stack.settle();
  scrape = readScrape(await (await fetch(`${stack.publicUrl}/metrics`)).text());
});
afterAll(async () => {
  await stack?.close();
  await rm(directory, { recursive: true, force: true });
});

describe('alert rules', () => {
  test.each(alerts)('$alert asks only for what the service shows', ({ expr }) => {
    expect(unknownIn(readExpression(expr), scrape)).toEqual([]);
  });

  test('have names of their own', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
  });

  test('use in their summaries only labels that their expressions keep', () => {
    for (const { alert, expr, annotations } of alerts) {
      const { selectors, grouping } = readExpression(expr);
      const kept = new Set([...grouping, ...selectors.filter(({ metric }) => metric === 'up').map(() => 'instance')]);
      for (const [, label = ''] of annotations.summary.matchAll(/\$labels\.(\w+)/g))
        expect(kept.has(label), `${alert}: ${label}`).toBe(true);
    }
  });
});

describe('the dashboard', () => {
  const targets = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })));

  test.each(targets)('$title asks only for what the service shows: $expr', ({ expr }) => {
    expect(unknownIn(readExpression(expr), scrape)).toEqual([]);
  });

  test('has something to show in every panel, no id twice, and no two panels in one place', () => {
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    for (const { title, targets: own = [] } of panels) expect(own.length, title).toBeGreaterThan(0);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe('the check itself', () => {
  test.each([
    ['a metric that is not there', 'rate(wonward_webhook_total[5m])', 'no metric wonward_webhook_total'],
    ['a label that is not there', 'wonward_queue_rows{name="work"}', 'has no label name'],
    ['a value that never comes', 'wonward_queue_rows{state="stuck"}', 'has no state "stuck"'],
    ['half of an alternative', 'wonward_token_refreshes_total{result=~"failed|mistaken"}', 'has no result "mistaken"'],
    ['a grouping by nothing', 'sum by (portal) (wonward_connections)', 'grouped by portal'],
  ])('finds %s', (_, expr, problem) => {
    expect(unknownIn(readExpression(expr), scrape).join()).toContain(problem);
  });

  test('finds what is not PromQL', () => {
    expect(() => readExpression('sum by (queue wonward_queue_rows')).toThrow('not PromQL');
  });
});

describe('runbooks', () => {
  const folder = 'docs/runbooks';
  const files = readdirSync(folder).filter((name) => name !== 'README.md');
  const pages = files.map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

  test('there is one for every alert, where its annotation says, and none for an alert that is gone', () => {
    expect(alerts.map(({ annotations }) => annotations.runbook).sort()).toEqual(
      files.map((name) => `${folder}/${name}`).sort(),
    );
    for (const { alert, annotations } of alerts) expect(annotations.runbook).toBe(`${folder}/${alert}.md`);
  });

  test.each(pages)(
    '$name says what is seen, what it means, how to check, what to do and when to call for help',
    ({ name, text }) => {
      expect(text.startsWith(`# ${name.replace('.md', '')}\n`)).toBe(true);
      const sections = text.split(/^## /m).slice(1);
      expect(sections.map((section) => section.split('\n')[0])).toEqual([
        'Symptom',
        'What it means',
        'Check',
        'Remedy',
        'Escalate',
      ]);
      for (const section of sections) expect(section.length, section).toBeGreaterThan(40);
      expect(sections[1]).toMatch(/Reps|Finance/);
      expect(sections[2]).toContain('npm run cli -- ');
    },
  );

  test.each(pages)('$name names only commands, alerts, metrics and log lines that exist', async ({ text }) => {
    await expectCommandsExist(text);
    for (const [name] of text.matchAll(/Wonward[A-Z][A-Za-z]+/g))
      expect(alerts.map(({ alert }) => alert)).toContain(name);
    for (const [name] of text.matchAll(/wonward_[a-z0-9_]+[a-z]/g)) expect([...scrape.keys()], name).toContain(name);
    for (const [, lines = ''] of text.matchAll(/log lines? ((?:`[^`]+`(?:, | and )?)+)/g))
      for (const [, line = ''] of lines.matchAll(/`([^`]+)`/g)) expect(sources, line).toContain(`'${line}'`);
  });
});

/** The service's own code as one text, to look log messages up in. */
const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.startsWith('sandbox'))
  .map((name) => readFileSync(join('src', name), 'utf8'))
  .join('\n');
