import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { variableDocs } from '../../src/config.ts';

/*
 * Helm does not come from npm and a template engine of our own would prove nothing about Helm's. So values are checked by their schema as
 * Helm does it, and templates by their text: what they name must exist, and what is left without their actions must be YAML.
 */

const CHART = 'deploy/helm/wonward';
const valuesText = readFileSync(join(CHART, 'values.yaml'), 'utf8');
const values = parse(valuesText);
const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8'));
const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
const packageFile = JSON.parse(readFileSync('package.json', 'utf8'));
const templates = readdirSync(join(CHART, 'templates')).map((name) => ({
  name,
  text: readFileSync(join(CHART, 'templates', name), 'utf8'),
}));
const validate = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false }).compile(schema);

function withValue(path: string, value: unknown): unknown {
  const changed = structuredClone(values);
  const keys = path.split('.');
  let at = changed;
  for (const key of keys.slice(0, -1)) at = at[key];
  at[keys.at(-1) ?? ''] = value;
  return changed;
}

describe('values', () => {
  test('their defaults are what the schema allows', () => {
    expect(validate(values), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each([
    ['several nodes with SQLite', 'replicas', 2],
    ['no node', 'replicas', 0],
    ['another database', 'database.kind', 'mysql'],
    ['a public address without https', 'config.PUBLIC_URL', 'http://referrals.example.com'],
    ['a secret among the open variables', 'config.ENCRYPTION_KEY', 'k1:x'],
    ['a database password among the open variables', 'config.DATABASE_URL', 'postgres://a:b@c/d'],
    ['a number that YAML may write otherwise', 'config.HUBSPOT_APP_ID', 12_345_678],
    ['a mistyped name', 'ingress.enable', true],
    ['no secret', 'existingSecret', ''],
    ['a size that is none', 'database.sqlite.size', 'ten'],
  ])('%s is refused', (_, path, value) => {
    expect(validate(withValue(path, value))).toBe(false);
  });

  test('several nodes with PostgreSQL are allowed', () => {
    const several = withValue('replicas', 3) as typeof values;
    several.database.kind = 'postgres';
    expect(validate(several), JSON.stringify(validate.errors)).toBe(true);
  });

  test('every variable that is not secret can be set, and none that is', () => {
    const bySetup = ['NODE_ENV', 'HOST', 'PORT', 'DATABASE_URL'];
    const open = variableDocs().filter(
      ({ name, secret, mayHoldPassword }) => !secret && !mayHoldPassword && !bySetup.includes(name),
    );
    expect(Object.keys(schema.properties.config.properties).sort()).toEqual(open.map(({ name }) => name).sort());
  });

  test('every value has a place in a template, and every template names only values that there are', () => {
    const named = new Set(
      templates.flatMap(({ text }) => [...text.matchAll(/\.Values\.([A-Za-z_.]+)/g)].map(([, path = '']) => path)),
    );
    const at = (path: string) => path.split('.').reduce((value, key) => value?.[key], values);
    for (const path of named) expect(at(path), path).toBeDefined();
    for (const key of Object.keys(values))
      expect(
        [...named].some((path) => path.split('.')[0] === key),
        key,
      ).toBe(true);
  });
});

describe('templates', () => {
  const actionsOf = (text: string) => [...text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)].map(([, action = '']) => action);

  test.each(templates)('$name opens and closes its blocks in turn', ({ text }) => {
    let depth = 0;
    for (const action of actionsOf(text)) {
      if (/^(if|range|with|define)\b/.test(action)) depth += 1;
      if (/^end\b/.test(action)) depth -= 1;
      expect(depth).toBeGreaterThanOrEqual(0);
    }
    expect(depth).toBe(0);
    expect(text.replace(/\{\{.*?\}\}/gs, '')).not.toMatch(/\{\{|\}\}/);
  });

  test('include only what is defined', () => {
    const all = templates.map(({ text }) => text).join('\n');
    const defined = new Set([...all.matchAll(/define "([^"]+)"/g)].map(([, name]) => name));
    for (const [, name] of all.matchAll(/include "([^"]+)"/g)) expect(defined).toContain(name);
  });

  /** The manifest without its actions: a line that is nothing but an action goes, one within a line becomes a word. */
  const manifestOf = (name: string) => {
    const text = templates.find((template) => template.name === name)?.text ?? '';
    return parse(
      text
        .split('\n')
        .filter((line) => !/^\s*\{\{.*\}\}\s*$/.test(line))
        .join('\n')
        .replace(/"?\{\{.*?\}\}"?(?:-\w+)?/g, 'x'),
    );
  };

  test('are YAML of the kinds that the issue asks for', () => {
    const manifests = templates.filter(({ name }) => name.endsWith('.yaml')).map(({ name }) => manifestOf(name));
    expect(manifests.map(({ kind }) => kind).sort()).toEqual([
      'Ingress',
      'Job',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
      'ServiceMonitor',
      'x',
    ]);
    for (const { apiVersion, metadata } of manifests)
      expect([apiVersion, metadata.name]).toEqual([expect.any(String), 'x']);
  });

  test('ask the three probes at addresses that the service has', () => {
    const [container] = manifestOf('workload.yaml').spec.template.spec.containers;
    const routes = readFileSync('src/http/health.ts', 'utf8');
    const probes = [container.startupProbe, container.livenessProbe, container.readinessProbe].map(
      ({ httpGet }) => httpGet,
    );
    expect(probes.map(({ path }) => path)).toEqual(['/livez', '/livez', '/readyz']);
    for (const { path, port } of probes) {
      expect(routes).toContain(`route('${path}')`);
      expect(container.ports).toContainEqual({ name: port, containerPort: 3000 });
    }
    // A migration may take as long as it is given (30 min); until then nobody listens.
    expect(container.startupProbe.periodSeconds * container.startupProbe.failureThreshold).toBeGreaterThanOrEqual(
      1_800,
    );
  });

  test('run as the image’s user, who can do nothing but serve', () => {
    const [, uid] = /^USER (\d+):/m.exec(readFileSync('Dockerfile', 'utf8')) ?? [];
    const helpers = templates.find(({ name }) => name === '_helpers.tpl')?.text ?? '';
    for (const line of [
      'runAsNonRoot: true',
      `runAsUser: ${uid}`,
      `fsGroup: ${uid}`,
      'type: RuntimeDefault',
      'allowPrivilegeEscalation: false',
      'readOnlyRootFilesystem: true',
      'drop: [ALL]',
    ])
      expect(helpers).toContain(line);
    for (const name of ['workload.yaml', 'migration-job.yaml']) {
      const text = templates.find((template) => template.name === name)?.text ?? '';
      expect(text).toContain('include "wonward.podSecurity"');
      expect(text).toContain('include "wonward.containerSecurity"');
      expect(text).toContain('automountServiceAccountToken: false');
    }
  });

  test('refuse several nodes with SQLite also where the schema was not asked', () => {
    expect(templates.find(({ name }) => name === 'workload.yaml')?.text).toMatch(
      /if and \$isSqlite \(gt \(int \.Values\.replicas\) 1\)[\s\S]*?fail "SQLite/,
    );
  });

  test('migrate before an upgrade with a command that there is, and only where the database is reachable then', () => {
    const job = manifestOf('migration-job.yaml');
    expect(job.metadata.annotations['helm.sh/hook']).toContain('pre-upgrade');
    expect(job.spec.template.spec.containers[0].args).toEqual(['src/cli.ts', 'migrate']);
    expect(readFileSync('src/cli/run.ts', 'utf8')).toContain("'migrate'");
    expect(templates.find(({ name }) => name === 'migration-job.yaml')?.text).toContain(
      'eq .Values.database.kind "postgres"',
    );
  });
});

test('the chart installs the version that this is', () => {
  expect(chart).toMatchObject({ apiVersion: 'v2', name: 'wonward', appVersion: packageFile.version });
});
