import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const COMMAND = fileURLToPath(new URL('../../src/sandbox/payouts.ts', import.meta.url));

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  return { child, ended: once(child, 'exit'), err: text(child.stderr) };
}

/** The first of three ports in a row that nobody listens on. */
async function threeFreePorts(): Promise<number> {
  for (let first = 24_020; first < 24_420; first += 3) {
    const servers = await Promise.all([first, first + 1, first + 2].map(listenOn));
    for (const server of servers) server?.close();
    await Promise.all(servers.map((server) => server && once(server, 'close')));
    if (servers.every((server) => server !== null)) return first;
  }
  throw new Error('no three ports in a row are free');
}

async function listenOn(port: number) {
  const server = createServer().listen(port, '127.0.0.1');
  return Promise.race([once(server, 'listening').then(() => server), once(server, 'error').then(() => null)]);
}

test('the local providers start, answer those who have their credentials, and stop when they are told to', async () => {
  const { child, ended, err } = start('--port', String(await threeFreePorts()));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const told = JSON.parse(line) as {
    LOCAL_PAYOUT_PROVIDERS: string;
    credentials: Record<string, Record<string, string>>;
  };
  const at = Object.fromEntries(
    told.LOCAL_PAYOUT_PROVIDERS.split(',').map((one) => [one.split('=')[0], one.slice(one.indexOf('=') + 1)]),
  );
  expect(Object.keys(at)).toEqual(['tremendous', 'stripe', 'paypal']);
  const status = async (url: string, authorization: string) =>
    (await fetch(url, { headers: { authorization } })).status;
  const tremendous = `${at.tremendous}/funding_sources`.replace(/([^:])\/\//, '$1/');
  expect(await status(tremendous, `Bearer ${told.credentials.tremendous?.apiKey}`)).toBe(200);
  expect(await status(tremendous, 'Bearer nobody')).toBe(401);
  const balance = new URL('/v1/balance', at.stripe).href;
  expect(await status(balance, 'Bearer nobody')).toBe(401);
  const { clientId, clientSecret } = told.credentials.paypal ?? {};
  const granted = await fetch(new URL('/v1/oauth2/token', at.paypal), {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  expect(granted.status).toBe(200);
  child.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  expect(await err).toBe('');
  await expect(fetch(balance)).rejects.toThrow();
}, 60_000);

test.each([
  [['--port', 'soon']],
  [['--port', '65535']],
  [['--service', 'http://localhost:3000']],
  [['--service', 'nowhere', '--account', 'acc_1']],
  [['--colour', 'blue']],
])(
  '%j ends at once and says how the command is used',
  async (args) => {
    const { ended, err } = start(...args);
    expect(await ended).toEqual([2, null]);
    expect(await err).toContain('npm run sandbox:payouts -- [--port 4020]');
  },
  60_000,
);
