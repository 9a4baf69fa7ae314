import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DCLinter } from 'dclint';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readConfig, variableDocs } from '../../src/config.ts';

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy?: { readonly replicas?: number; readonly resources?: { readonly limits?: Record<string, string> } };
  readonly stop_grace_period?: string;
  readonly healthcheck?: object;
}

const FILES = ['deploy/compose.sqlite.yml', 'deploy/compose.postgres.yml'];
const read = (file: string): { services: Record<string, Service>; volumes: Record<string, unknown> } =>
  parse(readFileSync(file, 'utf8'), { merge: true });

/** Compose's own schema, and what people get wrong with it. The order of keys is a matter of taste, and ours is another. */
const linter = new DCLinter({
  rules: {
    'service-keys-order': 0,
    'services-alphabetical-order': 0,
    'service-dependencies-alphabetical-order': 0,
    'top-level-properties-order': 0,
    'require-quotes-in-ports': 0,
    // The image is built here and has a name, so that every service takes the same one.
    'no-build-and-image': 0,
    // The proxy is meant for the world.
    'no-unbound-port-interfaces': 0,
  },
  quiet: false,
  debug: false,
  exclude: [],
});
/** dclint's own types do not resolve here. */
interface LintResult {
  readonly messages: ReadonlyArray<{ readonly rule: string; readonly message: string }>;
}
const problemsOf = (file: string) =>
  (linter.lintFiles([file], false) as LintResult[]).flatMap(({ messages }) =>
    messages.map(({ rule, message }) => `${rule}: ${message}`),
  );

describe.each(FILES)('%s', (file) => {
  const { services, volumes } = read(file);
  const own = Object.entries(services).filter(([, { image }]) => image.startsWith('wonward:'));

  test('is what Compose takes', () => {
    expect(problemsOf(file)).toEqual([]);
  });

  test('runs our image as the image’s own user, on a file system that it cannot write to, without any capability', () => {
    expect(own.length).toBeGreaterThan(0);
    const user = /^USER (\S+)$/m.exec(readFileSync('Dockerfile', 'utf8'))?.[1];
    for (const [name, service] of own) {
      expect(service, name).toMatchObject({ user, read_only: true, cap_drop: ['ALL'] });
      expect(service.image).toBe(`wonward:${JSON.parse(readFileSync('package.json', 'utf8')).version}`);
    }
    expect(own.filter(([, { build }]) => build).map(([, { build }]) => build?.context)).toEqual(['..']);
  });

  test('limits what every lasting service may use, and gives ours the time it needs to stop', () => {
    for (const [name, { deploy, command }] of Object.entries(services))
      if (!command) expect(Object.keys(deploy?.resources?.limits ?? {}), name).toEqual(['cpus', 'memory']);
    expect(Number.parseInt(services.wonward?.stop_grace_period ?? '', 10)).toBeGreaterThanOrEqual(30);
  });

  test('names only volumes that it declares and variables that the service knows', () => {
    for (const { volumes: mounts = [] } of Object.values(services))
      for (const [source = ''] of mounts.map((mount) => mount.split(':')))
        if (!source.startsWith('.')) expect(Object.keys(volumes)).toContain(source);
    const known = new Set<string>([...variableDocs().map(({ name }) => name), 'PGPASSWORD']);
    for (const [, { environment = {} }] of own)
      for (const name of Object.keys(environment)) expect(known).toContain(name);
  });

  test('gives the service a configuration with which it starts, once .env is filled in', () => {
    const filledIn = {
      NODE_ENV: 'production',
      PUBLIC_URL: 'https://referrals.example.com',
      ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      HUBSPOT_CLIENT_ID: 'id',
      HUBSPOT_CLIENT_SECRET: 'secret',
      HUBSPOT_APP_ID: '1',
      TRUST_PROXY: '1',
    };
    for (const [, { environment }] of own)
      expect(readConfig({ ...filledIn, ...environment })).toMatchObject({ ok: true });
  });
});

test('with SQLite there is one node, and its file is on a volume', () => {
  const { wonward } = read('deploy/compose.sqlite.yml').services;
  expect(wonward?.deploy?.replicas).toBe(1);
  expect(wonward?.environment?.DATABASE_URL).toBe('sqlite:/data/wonward.db');
  expect(wonward?.volumes).toEqual(['data:/data']);
});

test('with PostgreSQL no node starts before the database is well and migrated, and the proxy waits for a node', () => {
  const { services } = read('deploy/compose.postgres.yml');
  expect(services.postgres?.image).toBe('postgres:18');
  expect(services.postgres?.healthcheck).toBeDefined();
  expect(services.migrate?.command).toEqual(['src/cli.ts', 'migrate']);
  expect(services.migrate?.depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
  expect(services.wonward?.depends_on).toEqual({
    postgres: { condition: 'service_healthy' },
    migrate: { condition: 'service_completed_successfully' },
  });
  expect(services.wonward?.deploy?.replicas).toBeGreaterThan(1);
  expect(services.proxy?.depends_on).toEqual({ wonward: { condition: 'service_healthy' } });
});

test('the check itself finds a key that Compose does not know and a value of the wrong kind', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wonward-compose-'));
  try {
    for (const [found, wrong] of [
      ['additional', 'restrat: always'],
      ['must be', 'privileged: [1]'],
    ] as const) {
      const file = join(directory, 'compose.yml');
      writeFileSync(file, readFileSync(FILES[0] ?? '', 'utf8').replace('restart: unless-stopped', wrong));
      expect(problemsOf(file).join('\n')).toContain(found);
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
