import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../src/cli/run.ts';
import { exchange } from '../fuzz/wire.ts';
import { pathFor, twoAccounts } from './two-accounts.ts';

/** OWASP API8:2023, misconfiguration, and what belongs to it: redirects, ends of headers, commands to terminals. */

let world: Awaited<ReturnType<typeof twoAccounts>>;
beforeAll(async () => {
  world = await twoAccounts();
}, 120_000);
afterAll(() => world.close());

const PUBLIC = [
  '/livez',
  '/readyz',
  '/metrics',
  '/webhooks/hubspot',
  '/hubspot/cards/contact',
  '/hubspot/actions/enrol-member',
  '/hubspot/actions/options/programs',
  '/oauth/hubspot/callback',
  '/r/x',
];
const targets = () => [
  ...PUBLIC,
  '/api/v1/openapi.json',
  '/nowhere',
  ...world.judge.operations.map((operation) => `/api/v1${pathFor(operation, world.mine.ids)}`),
];

describe('a page of another origin', () => {
  test('may read no answer and send no key: no route answers to CORS, asked beforehand or not', async () => {
    for (const target of targets()) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const answer = await exchange(world.service.port, {
          method,
          target,
          headers: [
            ['Origin', 'https://evil.example'],
            ['Access-Control-Request-Method', 'POST'],
            ['Access-Control-Request-Headers', 'authorization, content-type'],
            ['Content-Type', 'text/plain'],
          ],
        });
        const granted = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'));
        expect([target, method, granted]).toEqual([target, method, []]);
        if (method === 'POST') expect([target, answer.status >= 400]).toEqual([target, true]);
      }
    }
  });

  test('may not frame, sniff or cache what is private', async () => {
    for (const target of targets()) {
      const authorization = `Bearer ${world.mine.account.key}`;
      const { headers } = await fetch(`${world.service.url}${target}`, { headers: { authorization } });
      expect([target, headers.get('x-content-type-options')]).toEqual([target, 'nosniff']);
      expect([target, headers.get('content-security-policy')]).toEqual([
        target,
        expect.stringContaining("frame-ancestors 'none'"),
      ]);
      expect([target, headers.get('strict-transport-security')]).toEqual([target, expect.stringContaining('max-age=')]);
      if (target.startsWith('/api/v1/') && !target.endsWith('openapi.json')) {
        expect([target, headers.get('cache-control')]).toEqual([target, 'no-store']);
      }
    }
  });
});

describe('nobody is sent anywhere', () => {
  const ELSEWHERE = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
    '%2F%2Fevil.example',
  ];

  test.each(['returnUrl', 'redirect_uri', 'next', 'url', 'to', 'continue', 'state'])(
    'by a parameter %s of the callback or of a share link',
    async (name) => {
      for (const to of ELSEWHERE) {
        for (const target of ['/oauth/hubspot/callback', `/r/${world.mine.story.code}`, '/r/x']) {
          const response = await fetch(`${world.service.url}${target}?${new URLSearchParams({ [name]: to })}`, {
            redirect: 'manual',
          });
          const page = await response.text();
          expect([target, response.status < 300 || response.status >= 400]).toEqual([target, true]);
          expect([target, response.headers.get('location'), response.headers.get('refresh')]).toEqual([
            target,
            null,
            null,
          ]);
          expect([target, page.includes('evil.example')]).toEqual([target, false]);
        }
      }
    },
  );

  test('by a share link that looks like an address', async () => {
    for (const to of ELSEWHERE) {
      const response = await fetch(`${world.service.url}/r/${encodeURIComponent(to)}`, { redirect: 'manual' });
      expect([to, response.status, response.headers.get('location')]).toEqual([to, 404, null]);
    }
  });

  test('by the Host that was called: links and redirects name the configured address only', async () => {
    const { story, account } = world.mine;
    const answer = await exchange(world.service.port, {
      method: 'GET',
      target: `/api/v1/members/${story.memberId}`,
      headers: [
        ['Host', 'evil.example'],
        ['X-Forwarded-Host', 'evil.example'],
        ['Authorization', `Bearer ${account.key}`],
      ],
    });
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toContain('https://wonward.example/base/r/');
    expect(answer.body.toString()).not.toContain('evil.example');
  });
});

describe('the end of a header or a line', () => {
  test('in what is sent ends neither on the way out nor in the log', async () => {
    const injected = 'a\r\nSet-Cookie: owned=1\r\n\r\n{"level":"fatal"}\u001b[2J\u009b31m';
    const before = world.service.lines().length;
    const sent = encodeURIComponent(injected);
    const paths = [
      `/r/${sent}`,
      `/oauth/${sent}/callback?code=${sent}`,
      `/webhooks/${sent}`,
      `/api/v1/members/${sent}`,
      `/api/v1/members?cursor=${sent}`,
    ];
    for (const path of paths) {
      const response = await fetch(`${world.service.url}${path}`, {
        headers: { authorization: `Bearer ${world.mine.account.key}` },
      });
      expect([path, response.headers.get('set-cookie')]).toEqual([path, null]);
      expect(await response.text()).not.toContain('\u001b');
    }
    // `lines` reads each as JSON, so a line of somebody else's would be found here.
    const lines = world.service.lines().slice(before);
    expect(lines).toHaveLength(paths.length);
    expect(lines.filter(({ level }) => level === 'fatal')).toEqual([]);
    for (const mark of ['\u001b', '\u009b']) expect(world.service.logText()).not.toContain(mark);
  });

  test('in a name commands no terminal that the command line writes to', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wonward-terminal-'));
    let out = '';
    const terminal = {
      env: {
        DATABASE_URL: `sqlite:${join(directory, 'wonward.db')}`,
        ENCRYPTION_KEY: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
      },
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        out += text;
      },
      readText: async () => '',
    };
    const name = 'Acme\u001b]0;owned\u0007\u009b31m\r';
    expect(await run(['account', 'create', name], terminal)).toBe(0);
    expect(await run(['account', 'list'], terminal)).toBe(0);
    expect(await run(['state', '--account', `${name}?`], terminal)).toBe(1);
    rmSync(directory, { recursive: true, force: true });
    expect(out).toContain('Acme');
    expect(out).not.toMatch(/(?![\n\t])\p{Cc}/u);
  });
});
