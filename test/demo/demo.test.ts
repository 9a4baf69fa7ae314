import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const DEMO = fileURLToPath(new URL('../../src/sandbox/demo.ts', import.meta.url));
const ESCAPE = '\u001b';
const STEPS = [
  'Install',
  'Provision',
  'Two contacts',
  'A referral',
  'A deal',
  "The deal's way to Closed Won",
  'The reward',
  'The ledger',
  'The mirror',
  'The card',
  'The same webhook',
  'The deal is re-opened',
  'The same program in Salesforce',
  'A lead who names a referrer',
  'The opportunity reaches Closed Won',
  "The component on Grace's",
  'The opportunity is re-opened',
];
/** From this step on the story plays in Salesforce. */
const FIRST_IN_SALESFORCE = 12;

/** Of a machine that others share: two years of thirty referrals, and the story. */
const UNTIL_MS = 150_000;

interface ReportedStep {
  readonly name: string;
  readonly crm: string;
  readonly verified: boolean;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Where the command stands and keeps its data; nothing may be left in it. */
let directory = '';
const running = new Set<ChildProcess>();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'demo-test-'));
});
afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  await rm(directory, { recursive: true, force: true });
});

/** The real command, from a directory that is not the repository. */
const start = (...args: string[]) => startIn(directory, ...args);

function startIn(cwd: string, ...args: string[]) {
  const child = spawn(process.execPath, [DEMO, ...args], {
    cwd,
    env: { PATH: process.env.PATH, TMPDIR: cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let seen = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    seen += chunk;
  });
  const err = text(child.stderr);
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once('close', async (code) => {
      running.delete(child);
      resolve({ code, out: seen, err: await err });
    });
  });
  return {
    ended,
    stop: () => child.kill('SIGINT'),
    /** What was printed until this text came; a command that ended without it is not waited for. */
    async until(wanted: string): Promise<string> {
      const hasEnded = ended.then(({ code, err: said }) => {
        if (!seen.includes(wanted)) throw new Error(`ended with ${code} before "${wanted}": ${said}\n${seen}`);
      });
      await Promise.race([hasEnded, expect.poll(() => seen, { timeout: UNTIL_MS, interval: 20 }).toContain(wanted)]);
      return seen;
    },
  };
}

async function reportIn(file: string, place = directory): Promise<readonly ReportedStep[]> {
  const report = JSON.parse(await readFile(join(place, file), 'utf8')) as { steps: ReportedStep[] };
  return report.steps;
}

/** Some twenty seconds, of which two tests look at what came out: it is played once. */
let wholeStory: ReturnType<typeof playWholeStory> | undefined;

async function playWholeStory() {
  const place = await mkdtemp(join(tmpdir(), 'demo-test-whole-'));
  try {
    const ended = await startIn(place, '--exit', '--json', 'seen.json').ended;
    return { ...ended, steps: await reportIn('seen.json', place).catch(() => []), left: await readdir(place) };
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

describe('npm run demo', () => {
  test('with --exit plays the whole story, writes what it read back, and ends with 0', async () => {
    wholeStory ??= playWholeStory();
    const { code, out, err, steps, left } = await wholeStory;
    expect(err).toBe('');
    expect(out).toContain('All 17 steps verified');
    expect(code).toBe(0);

    expect(steps.map(({ crm, verified }) => ({ crm, verified }))).toEqual(
      STEPS.map((_, index) => ({ crm: index < FIRST_IN_SALESFORCE ? 'hubspot' : 'salesforce', verified: true })),
    );
    for (const [index, { name, evidence }] of steps.entries()) {
      expect(name).toMatch(new RegExp(`^${STEPS[index]}`));
      expect(Object.keys(evidence)).not.toEqual([]);
      expect(out).toContain(`[${String(index + 1).padStart(2)}/17] ${name}\n`);
    }
    expect(steps[6]?.evidence).toMatchObject({
      member: { rewards: 1, amount: '1200.00', state: 'issued' },
      friend: { rewards: 1, amount: '50.00', state: 'issued' },
    });
    expect(steps[11]?.evidence.takenBack).toMatchObject({ balances: [] });
    expect(left).toEqual(['seen.json']);
  });

  test('prints lines that fit a terminal, without colours where there is none', async () => {
    wholeStory ??= playWholeStory();
    const { out } = await wholeStory;
    expect(out).not.toContain(ESCAPE);
    expect(out).not.toMatch(/undefined|null|NaN|\[object/);
    expect(out.split('\n').filter((line) => line.length > 110)).toEqual([]);
    // Every witness speaks in the same column.
    const columns = out
      .split('\n')
      .flatMap((line) => /^ +✓ (?:HubSpot|Salesforce|Wonward|Ledger|Card|Component) +/.exec(line)?.[0].length ?? []);
    expect(columns.length).toBeGreaterThan(20);
    expect(new Set(columns).size).toBe(1);
  });

  test('without --exit stays up with links that work, and Ctrl-C ends it with 0 and nothing left', async () => {
    const demo = start('--members', '5', '--referrals', '30');
    const out = await demo.until('Ctrl-C stops everything');
    // What was there first is the account with two years in it, whose console is open before the story begins.
    expect(out.indexOf('The console, as the owner of Brightwater: http')).toBeGreaterThan(
      out.indexOf('Two years 100 %'),
    );
    expect(out.indexOf('The console, as the owner of Brightwater: http')).toBeLessThan(out.indexOf('[ 1/17]'));
    const addresses = [...out.matchAll(/^ {2}\S.* {2}(http:\S+)$/gm)].map(([, address = '']) => address);
    expect(
      addresses.map((address) => new URL(address).pathname.replace(/\b00\w{16}\b/g, 'X').replace(/\d{5,}/g, 'N')),
    ).toEqual([
      '/console/sign-in',
      '/portals/N',
      '/portals/N/deals/N',
      '/portals/N/contacts/N',
      '/portals/N/contacts/N',
      '/portals/N',
      '/',
      '/orgs/X/records/X',
      '/orgs/X/records/X',
      '/orgs/X/records/X',
      '/orgs/X',
      '/console/sign-in',
      '/api/v1/openapi.json',
    ]);
    for (const address of addresses) expect((await fetch(address)).status, address).toBe(200);
    const [, key = '', url = ''] = /curl -H "Authorization: Bearer (\S+)" (\S+)/.exec(out) ?? [];
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
    expect(await answer.json()).toMatchObject({ items: Array.from({ length: 4 }, () => ({ state: 'clawed_back' })) });

    demo.stop();
    // npm passes on what the terminal has sent already.
    demo.stop();
    const { code, err } = await demo.ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(await readdir(directory)).toEqual([]);
    for (const address of [addresses[0] ?? '', url]) await expect(fetch(address)).rejects.toThrow();
  }, 200_000);

  test('stopped while the two years are made, it ends and leaves nothing', async () => {
    const demo = start('--members', '5', '--referrals', '3000');
    await demo.until('Two years   0 %');
    demo.stop();
    const { code, out, err } = await demo.ended;
    expect({ code, err }).toEqual({ code: 1, err: '' });
    expect(out).toContain('Stopping.');
    expect(await readdir(directory)).toEqual([]);
  }, 200_000);

  test('stopped in the middle it says what was not verified, and does not end with 0', async () => {
    const demo = start('--exit', '--json', 'seen.json');
    await demo.until('[ 2/17]');
    demo.stop();
    const { code, out } = await demo.ended;
    expect(code).toBe(1);
    expect(out).not.toContain('All 17 steps verified');
    const steps = await reportIn('seen.json');
    expect(steps).toHaveLength(STEPS.length);
    expect(steps.at(-1)).toMatchObject({
      verified: false,
      evidence: { problems: [expect.stringContaining('stopped')] },
    });
    expect(await readdir(directory)).toEqual(['seen.json']);
  }, 200_000);

  test.each([
    [['--wat'], "unknown option '--wat'"],
    [['extra'], 'too many arguments'],
    [['--port', '70000'], 'a number from 1 to 65535'],
    [['--json'], 'argument missing'],
    [['--members', 'many'], 'a number from 0 to 200000'],
    [['--referrals', '-3'], 'a number from 0 to 200000'],
    [['--port', '4100', '--crm-port', '4100'], 'a port each'],
    [['--org-port', '4100', '--crm-port', '4100'], 'a port each'],
  ])('refuses %j and says how it is used', async (args, complaint) => {
    const { code, out, err } = await start(...args).ended;
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(complaint);
    expect(err).toContain('Usage: npm run demo -- [options]');
  });

  test('--help explains every flag', async () => {
    const { code, out } = await start('--help').ended;
    expect(code).toBe(0);
    for (const flag of [
      '--exit',
      '--json <file>',
      '--port <number>',
      '--crm-port <number>',
      '--org-port <number>',
      '--members <number>',
      '--referrals <number>',
      '--full',
      '--seed <number>',
    ]) {
      expect(out).toContain(flag);
    }
  });

  test.each(['--port', '--crm-port', '--org-port'])('%s of another program: says so, and what to do', async (flag) => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { code, err } = await start(flag, String(port)).ended;
    other.close();
    expect(code).toBe(1);
    expect(err).toBe(
      `Port ${port} is used by another program. Give another ${flag}, or leave it out: then any free port is taken.\n`,
    );
    expect(await readdir(directory)).toEqual([]);
  });

  test('a report that cannot be written is told before anything starts', async () => {
    const { code, err } = await start('--exit', '--json', 'no/such/place.json').ended;
    expect(code).toBe(1);
    expect(err).toMatch(/^The report cannot be written: .*place\.json'\n$/);
  });
});
