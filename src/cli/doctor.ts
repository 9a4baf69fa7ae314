import { existsSync } from 'node:fs';
import { createConnect } from '../application/connect.ts';
import type { Connection, Store } from '../application/ports/store.ts';
import type { Config } from '../config.ts';
import { loadConnectors } from '../crm/registry.ts';
import { type Clock, systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { createSeal } from '../platform/seal.ts';
import { createStore, openEngine, sqlitePathOf } from '../store/open.ts';
import { VERSION } from '../version.ts';
import { checkClock, httpClock } from './doctor/clock.ts';
import { examineConnection } from './doctor/connections.ts';
import { checkDatabase } from './doctor/database.ts';
import { checkDisk, type DiskDeps, freeSpaceOf, withProbeFile } from './doctor/disk.ts';
import { type Check, causeOf, type Examined, type Finding, problem } from './doctor/finding.ts';
import { checkKeys } from './doctor/keys.ts';
import { checkPublicUrl } from './doctor/public-url.ts';
import { checkQueues } from './doctor/queues.ts';
import { EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, configOf } from './services.ts';

/** As in package.json's `engines`. */
const NODE_MAJOR_MIN = 24;
/** Portals that are asked at the same time. Each has its own rate limit, and this machine one network. */
const PORTALS_AT_ONCE = 8;

/** What a test puts in the place of the machine. */
export interface DoctorDeps {
  readonly clock: Clock;
  readonly nodeVersion: string;
  readonly disk: Partial<DiskDeps>;
}

interface Report {
  readonly check: string;
  readonly state: 'well' | 'notice' | 'problem' | 'not_checked';
  readonly summary: string;
  readonly findings: readonly Finding[];
}

/** Looks at everything that has to be right around the service, changes nothing, and says what to do about what is not. */
export async function doctor(
  terminal: Terminal,
  account: string | undefined,
  { clock = systemClock, nodeVersion = process.versions.node, disk = {} }: Partial<DoctorDeps> = {},
): Promise<Result> {
  const config = configOf(terminal);
  const reports: Report[] = [];
  const examine = async ({ name, run }: Check) => void reports.push(await reportOf(name, run));

  await examine({ name: 'versions', run: async () => checkVersions(nodeVersion) });
  await examine({ name: 'public-url', run: () => checkPublicUrl(config.publicUrl) });
  const opened = await openToLook(config);
  if ('store' in opened) {
    try {
      for (const check of await checksOf(opened.store, { config, account, clock, disk })) await examine(check);
    } finally {
      await opened.store.close();
    }
  } else {
    await examine({ name: 'database', run: async () => opened });
    await examine({ name: 'clock', run: () => checkClock(crmClocks(config), clock.now) });
    for (const name of ['disk', 'keys', 'connections', 'mapping', 'queues'])
      await examine({
        name,
        run: async () => ({ summary: '', findings: [], notChecked: 'there is no database to look into' }),
      });
  }
  return resultOf(reports);
}

function checkVersions(nodeVersion: string): Examined {
  const isOld = Number.parseInt(nodeVersion, 10) < NODE_MAJOR_MIN;
  return {
    summary: `Wonward ${VERSION}, Node ${nodeVersion}`,
    findings: isOld
      ? [
          problem(
            `This is Node ${nodeVersion}; Wonward needs ${NODE_MAJOR_MIN} or newer.`,
            'Older ones do not run TypeScript as it is, and no longer get security fixes.',
            'Use the image, or install a current Node; "npm ci" brings one for the npm scripts.',
          ),
        ]
      : [],
  };
}

/** Without migrating it and without making a file: a doctor that changes what it looks at has seen something else. */
async function openToLook({ databaseUrl }: Config): Promise<{ store: Store } | Examined> {
  const path = sqlitePathOf(databaseUrl);
  if (path !== null && path !== ':memory:' && !existsSync(path)) {
    return unopened(`There is no file ${path}.`, 'Correct DATABASE_URL, or start the service once: it makes the file.');
  }
  try {
    const store = createStore(await openEngine({ url: databaseUrl }));
    try {
      await store.vitals.facts();
      return { store };
    } catch (thrown) {
      await store.close();
      throw thrown;
    }
  } catch (thrown) {
    return unopened(
      `The database cannot be opened: ${causeOf(thrown)}.`,
      path === null
        ? 'Check DATABASE_URL, that PostgreSQL runs, and that its name and password are accepted from here.'
        : 'Check the file and its permissions. If it is damaged, keep it and restore the last backup (docs/data.md).',
    );
  }
}

function unopened(what: string, remedy: string): Examined {
  return {
    summary: 'cannot be opened',
    findings: [problem(what, 'Without a database nothing is received, decided or paid.', remedy)],
  };
}

async function checksOf(
  store: Store,
  {
    config,
    account,
    clock,
    disk,
  }: Pick<DoctorDeps, 'clock' | 'disk'> & { config: Config; account: string | undefined },
): Promise<Check[]> {
  const facts = await store.vitals.facts();
  const isReady = facts.knownMigrations.every((migration) => facts.migrations.includes(migration));
  const accountId = account === undefined || !isReady ? null : (await accountOf({ store }, account)).id;
  const notReady: Examined = { summary: '', findings: [], notChecked: 'the database is not at this version yet' };
  const whenReady = (name: string, run: () => Promise<Examined>): Check => ({
    name,
    run: isReady ? run : async () => notReady,
  });

  // Asked once for two checks: what is wrong with the connections, and what with their mappings.
  let examined: ReturnType<typeof examineConnections> | null = null;
  const connections = () => {
    examined ??= examineConnections(store, { config, accountId, clock });
    return examined;
  };
  return [
    { name: 'database', run: async () => checkDatabase(facts, await store.vitals.damage()) },
    {
      name: 'clock',
      run: () => {
        const database = { whose: "the database's", read: async () => databaseClock(await store.vitals.facts()) };
        return checkClock([...crmClocks(config), ...(facts.now === null ? [] : [database])], clock.now);
      },
    },
    { name: 'disk', run: () => examineDisk(store, facts.directory, disk) },
    whenReady('keys', () => checkKeys(store.connections, config.encryptionKeys)),
    whenReady('connections', async () => (await connections()).connections),
    whenReady('mapping', async () => (await connections()).mapping),
    whenReady('queues', () => checkQueues(store, { accountId, now: clock.now() })),
  ];
}

function databaseClock({ now }: { now: number | null }) {
  return now === null ? null : { at: now, errorMs: 0 };
}

function crmClocks({ hubspot }: Config) {
  return hubspot ? [httpClock("HubSpot's", hubspot.apiUrl)] : [];
}

/** SQLite waits for the disk itself, so the disk is measured; with PostgreSQL what counts is a commit, network and all. */
function examineDisk(store: Store, directory: string | null, disk: Partial<DiskDeps>): Promise<Examined> {
  const monotonic = disk.monotonic ?? (() => performance.now());
  if (directory === null)
    return checkDisk({ durableWrite: disk.durableWrite ?? store.ping, freeSpace: disk.freeSpace ?? null, monotonic });
  const freeSpace = disk.freeSpace ?? (() => freeSpaceOf(directory));
  return withProbeFile(directory, (write) =>
    checkDisk({ durableWrite: disk.durableWrite ?? write, freeSpace, monotonic }),
  );
}

async function examineConnections(
  store: Store,
  { config, accountId, clock }: { config: Config; accountId: string | null; clock: Clock },
): Promise<{ connections: Examined; mapping: Examined }> {
  const connectors = await loadConnectors(config.crmEnvironment, {
    clock: clock.now,
    random: clock.random,
    sleep: clock.sleep,
  });
  const connect = createConnect({
    store,
    seal: createSeal(config.encryptionKeys),
    clock,
    log: createLog({ level: 'silent' }),
    publicUrl: config.publicUrl,
    connectors,
  });
  const accountIds = accountId === null ? (await store.accounts.list()).map(({ id }) => id) : [accountId];
  const all: Connection[] = [];
  for (const id of accountIds) all.push(...(await store.connections.list(id)));
  const deps = {
    connectors,
    connections: store.connections,
    reads: store.reads,
    openSession: connect.openSession,
    sweepSchedule: config.sweepSchedule,
    now: clock.now(),
  };
  const found: Awaited<ReturnType<typeof examineConnection>>[] = [];
  const waiting = [...all];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) found.push(await examineConnection(deps, next));
  };
  await Promise.all(Array.from({ length: PORTALS_AT_ONCE }, lane));
  const connected = all.filter(({ status }) => status === 'connected').length;
  return {
    connections: {
      summary: `${connected} of ${all.length} connected`,
      findings: found.flatMap(({ connection }) => connection),
    },
    mapping: { summary: `${connected} read`, findings: found.flatMap(({ mapping }) => mapping) },
  };
}

/** A check that breaks is reported as broken: a doctor that falls silent in the middle looks like good news. */
async function reportOf(check: string, run: () => Promise<Examined>): Promise<Report> {
  try {
    const { summary, findings, notChecked } = await run();
    if (notChecked !== undefined)
      return { check, state: 'not_checked', summary: `not checked: ${notChecked}`, findings };
    const isProblem = findings.some(({ severity }) => severity === 'problem');
    return { check, state: isProblem ? 'problem' : findings.length > 0 ? 'notice' : 'well', summary, findings };
  } catch (thrown) {
    const broken = problem(
      `This could not be checked: ${causeOf(thrown)}.`,
      'What was to be checked here may be in order or not.',
      'See the other findings first; if they do not explain it, this is a mistake of ours.',
    );
    return { check, state: 'problem', summary: 'could not be checked', findings: [broken] };
  }
}

function resultOf(reports: readonly Report[]): Result {
  const problems = reports.flatMap(({ findings }) => findings).filter(({ severity }) => severity === 'problem').length;
  const lines = reports.flatMap(({ check, state, summary, findings }) => [
    `${state.replace('_', ' ').padEnd(11)} ${check.padEnd(11)} ${summary}`,
    ...findings.flatMap(({ severity, what, why, remedy }) => [
      `  ${severity}: ${what}`,
      `    why: ${why}`,
      `    do:  ${remedy}`,
    ]),
  ]);
  return {
    exitCode: problems > 0 ? EXIT.failed : EXIT.ok,
    json: { healthy: problems === 0, checks: reports },
    lines: [...lines, '', problems === 0 ? 'No problem found.' : `${problems} to be mended.`],
  };
}
