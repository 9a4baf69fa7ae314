import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PUBLIC_URL, startHttp, type TestAccount, type TestService } from './service.ts';

let service: TestService;
let acme: TestAccount;
let beta: TestAccount;

beforeAll(async () => {
  service = await startHttp({ deps: { limits: { signIns: { points: 10_000, perSeconds: 60 } } } });
  acme = await service.createAccount('Acme');
  beta = await service.createAccount('Beta');
});
afterAll(() => service.close());

const ORIGIN = new URL(PUBLIC_URL).origin;
const FROM_CONSOLE = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };

function post(path: string, body: unknown, headers: Record<string, string> = FROM_CONSOLE): Promise<Response> {
  return fetch(`${service.url}/console/session${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
}

function tokenIn(link: string): string {
  return new URL(link).hash.slice(1);
}

async function invited(
  account: TestAccount,
  email: string,
  roles: Parameters<typeof service.signIn.invite>[0]['roles'],
) {
  return tokenIn((await service.signIn.invite({ accountId: account.id, roles }, email, null)).link);
}

/** The cookie of somebody who has just come in with the token. */
async function cookieOf(token: string): Promise<string> {
  const response = await post('', { token });
  expect(response.status).toBe(201);
  return response.headers.getSetCookie()[0]?.split(';')[0] ?? '';
}

async function whoIs(cookie: string): Promise<{ user: { email: string } | null; accounts: { id: string }[] }> {
  const response = await fetch(`${service.url}/console/session`, { headers: { cookie } });
  expect(response.status).toBe(200);
  return (await response.json()) as never;
}

function call(cookie: string, account: string, path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${service.url}/api/v1${path}`, {
    ...init,
    headers: { cookie, 'wonward-account': account, ...FROM_CONSOLE, ...init.headers },
  });
}

async function codeOf(response: Response): Promise<string> {
  return ((await response.json()) as { code: string }).code;
}

describe('a link', () => {
  test('opens a session once; of ten who come with it at once one gets in', async () => {
    const token = await invited(acme, 'once@acme.test', ['owner']);
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('', { token })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(401)]);
  });

  test('gives the seat that it names, beside one that is there', async () => {
    await cookieOf(await invited(acme, 'Twice@Acme.test', ['reviewer']));
    const cookie = await cookieOf(await invited(acme, 'twice@acme.test', ['finance']));
    const seats = await service.store.users.ofAccount(acme.id);
    expect(seats.find(({ user }) => user.email === 'twice@acme.test')?.seat.roles).toEqual(['reviewer', 'finance']);
    expect((await whoIs(cookie)).user?.email).toBe('twice@acme.test');
  });

  test('is refused when it is not one, and nobody is told more', async () => {
    for (const token of ['', 'x', 'a'.repeat(43), 'a'.repeat(199)]) {
      const response = await post('', { token });
      expect(response.status).toBe(401);
      expect(await codeOf(response)).toBe('sign_in_refused');
    }
  });

  test('is sent to who has a seat; asking for anybody else ends the same way and sends nothing', async () => {
    await cookieOf(await invited(acme, 'mail@acme.test', ['owner']));
    const before = service.letters.length;
    const known = await post('/link', { email: 'Mail@acme.test' });
    const unknown = await post('/link', { email: 'nobody@acme.test' });
    expect([known.status, unknown.status]).toEqual([202, 202]);
    expect(await known.text()).toBe(await unknown.text());
    await expect.poll(() => service.letters.length).toBe(before + 1);
    const letter = service.letters.at(-1);
    expect(letter?.to).toBe('mail@acme.test');
    const link = /https?:\S+/.exec(letter?.text ?? '')?.[0] ?? '';
    // In front of the "#" is what servers and proxies write down.
    expect(link.startsWith(`${PUBLIC_URL}/console/sign-in#`)).toBe(true);
    expect((await whoIs(await cookieOf(tokenIn(link)))).user?.email).toBe('mail@acme.test');
  });

  test('fills nobody’s mailbox: the fifth within a quarter of an hour is refused', async () => {
    const answers = [];
    for (let n = 0; n < 5; n += 1) answers.push((await post('/link', { email: 'often@acme.test' })).status);
    expect(answers).toEqual([202, 202, 202, 202, 429]);
  });
});

describe('guessing', () => {
  test('is stopped after twenty tries of one caller', async () => {
    const strict = await startHttp();
    const tries = [];
    for (let n = 0; n < 21; n += 1) {
      const response = await fetch(`${strict.url}/console/session`, {
        method: 'POST',
        headers: FROM_CONSOLE,
        body: JSON.stringify({ token: 'a'.repeat(43) }),
      });
      tries.push(response.status);
    }
    expect(tries).toEqual([...Array(20).fill(401), 429]);
    await strict.close();
  });
});

describe('a session', () => {
  test('is kept in a cookie that scripts, other sites and plain connections do not get', async () => {
    const response = await post('', { token: await invited(acme, 'cookie@acme.test', ['owner']) });
    const [cookie = ''] = response.headers.getSetCookie();
    expect(cookie).toMatch(
      /^__Host-wonward_session=[A-Za-z0-9_-]{43}; Path=\/; Expires=[^;]+; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(await service.store.users.session(cookie.slice(cookie.indexOf('=') + 1, cookie.indexOf(';')), 0)).toBeNull();
  });

  test('ends when its user signs out, and is nobody’s afterwards', async () => {
    const cookie = await cookieOf(await invited(acme, 'out@acme.test', ['owner']));
    expect((await call(cookie, acme.id, '/members')).status).toBe(200);
    const ended = await fetch(`${service.url}/console/session`, {
      method: 'DELETE',
      headers: { cookie, ...FROM_CONSOLE },
    });
    expect(ended.status).toBe(204);
    expect((await whoIs(cookie)).user).toBeNull();
    expect((await call(cookie, acme.id, '/members')).status).toBe(401);
  });

  test('ends after a night, and after a week however busy', async () => {
    let now = 1_700_000_000_000;
    const timed = await startHttp({ clock: { now: () => now, sleep: async () => {}, random: () => 0.5 } });
    const account = await timed.createAccount('Acme');
    const link = () => timed.signIn.invite({ accountId: account.id, roles: ['owner'] }, 'ada@acme.test', null);
    const hour = 3_600_000;
    const idle = await timed.signIn.redeem(tokenIn((await link()).link));
    now += 15 * hour;
    expect(await timed.signIn.session(idle?.secret ?? '')).toBeNull();
    const busy = await timed.signIn.redeem(tokenIn((await link()).link));
    for (let hours = 0; hours < 7 * 24; hours += 12) {
      expect(await timed.signIn.session(busy?.secret ?? '')).not.toBeNull();
      now += 12 * hour;
    }
    expect(await timed.signIn.session(busy?.secret ?? '')).toBeNull();
    const late = (await link()).link;
    now += 8 * 24 * hour;
    expect(await timed.signIn.redeem(tokenIn(late))).toBeNull();
    await timed.close();
  });

  test('changes nothing for a request that another site made', async () => {
    const cookie = await cookieOf(await invited(acme, 'csrf@acme.test', ['owner']));
    const body = JSON.stringify({ email: 'forged@acme.test' });
    const json = { 'content-type': 'application/json' };
    const made = (headers: Record<string, string>) =>
      fetch(`${service.url}/api/v1/members`, {
        method: 'POST',
        headers: { cookie, 'wonward-account': acme.id, ...headers },
        body,
      });
    for (const headers of [
      { ...json, 'sec-fetch-site': 'cross-site' },
      { ...json, 'sec-fetch-site': 'same-site', origin: ORIGIN },
      { ...json, origin: 'https://evil.test' },
      json,
    ]) {
      const response = await made(headers as never);
      expect(response.status).toBe(403);
      expect(await codeOf(response)).toBe('cross_site');
    }
    expect((await made({ ...json, origin: ORIGIN })).status).toBe(201);
    const outOf = await fetch(`${service.url}/console/session`, {
      method: 'DELETE',
      headers: { cookie, origin: 'https://evil.test' },
    });
    expect(outOf.status).toBe(403);
    expect((await whoIs(cookie)).user?.email).toBe('csrf@acme.test');
  });

  test('opens the accounts that its user has a seat in, and no other', async () => {
    await cookieOf(await invited(acme, 'agency@x.test', ['owner']));
    const cookie = await cookieOf(await invited(beta, 'agency@x.test', ['reviewer']));
    expect((await whoIs(cookie)).accounts.map(({ id }) => id).sort()).toEqual([acme.id, beta.id].sort());
    expect((await call(cookie, acme.id, '/users')).status).toBe(200);
    // Another role there.
    expect((await call(cookie, beta.id, '/users')).status).toBe(403);
    const stranger = await cookieOf(await invited(acme, 'only-acme@x.test', ['owner']));
    for (const account of [beta.id, 'acc_nobody', '', '../acc']) {
      const response = await call(stranger, account, '/members');
      expect(response.status).toBe(403);
      expect(await codeOf(response)).toBe('not_allowed');
    }
  });

  test('loses an account at once when its user is taken out of it', async () => {
    const cookie = await cookieOf(await invited(acme, 'leaver@acme.test', ['owner']));
    const { user } =
      (await service.store.users.ofAccount(acme.id)).find((one) => one.user.email === 'leaver@acme.test') ?? {};
    const owner = await cookieOf(await invited(acme, 'stays@acme.test', ['owner']));
    expect((await call(owner, acme.id, `/users/${user?.id}`, { method: 'DELETE' })).status).toBe(200);
    expect((await call(cookie, acme.id, '/members')).status).toBe(403);
  });
});

describe('roles', () => {
  test('the last owner can neither leave nor become less', async () => {
    const own = await service.createAccount('Lonely');
    const cookie = await cookieOf(await invited(own, 'last@acme.test', ['owner']));
    const [seat] = await service.store.users.ofAccount(own.id);
    const less = await call(cookie, own.id, `/users/${seat?.user.id}/roles`, {
      method: 'PUT',
      body: JSON.stringify({ roles: ['finance'], version: 1 }),
    });
    expect([less.status, await codeOf(less)]).toEqual([409, 'last_owner']);
    const gone = await call(cookie, own.id, `/users/${seat?.user.id}`, { method: 'DELETE' });
    expect([gone.status, await codeOf(gone)]).toEqual([409, 'last_owner']);
  });

  test('of two who change somebody’s roles from what they saw, the second is told', async () => {
    const cookie = await cookieOf(await invited(acme, 'boss@acme.test', ['owner']));
    await cookieOf(await invited(acme, 'worker@acme.test', ['sales']));
    const worker = (await service.store.users.ofAccount(acme.id)).find(({ user }) => user.email === 'worker@acme.test');
    const put = (roles: string[]) =>
      call(cookie, acme.id, `/users/${worker?.user.id}/roles`, {
        method: 'PUT',
        body: JSON.stringify({ roles, version: 1 }),
      });
    const answers = await Promise.all([put(['reviewer']), put(['analyst'])]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  test('nobody gives an API key more than they have themselves', async () => {
    const cookie = await cookieOf(await invited(acme, 'architect@acme.test', ['architect']));
    const make = (roles: string[]) =>
      call(cookie, acme.id, '/api-keys', { method: 'POST', body: JSON.stringify({ label: 'Zapier', roles }) });
    expect((await make(['owner'])).status).toBe(403);
    expect((await make(['finance'])).status).toBe(403);
    const made = await make(['architect']);
    expect(made.status).toBe(201);
    const { key } = (await made.json()) as { key: string };
    const asKey = (path: string) =>
      fetch(`${service.url}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } });
    expect((await asKey('/members')).status).toBe(200);
    expect((await asKey('/journals')).status).toBe(403);
  });
});

describe('the audit log', () => {
  test('has each change with who, from where, how it was and is; what only asks is not in it', async () => {
    const own = await service.createAccount('Audited');
    const cookie = await cookieOf(await invited(own, 'ada@audited.test', ['owner']));
    await call(cookie, own.id, '/account', {
      method: 'PUT',
      body: JSON.stringify({ name: 'Renamed', needsSecondPerson: true }),
    });
    await own.post('/members', { email: 'member@audited.test' });
    await own.post('/programs/validate', { programId: 'x', name: 'X', rules: [] });
    await call(cookie, own.id, '/users/usr_nobody', { method: 'DELETE' });
    const { items } = (await (await call(cookie, own.id, '/audit-log')).json()) as { items: Record<string, unknown>[] };
    expect(items.map(({ operation, actor, via, status }) => [operation, actor, via, status])).toEqual([
      ['removeUser', 'ada@audited.test', 'console', 404],
      ['createMember', 'test', 'api', 201],
      ['setAccount', 'ada@audited.test', 'console', 200],
    ]);
    expect(items[2]).toMatchObject({
      before: { name: 'Audited', needsSecondPerson: false },
      after: { name: 'Renamed', needsSecondPerson: true },
    });
    expect(items[1]?.subject).toMatch(/^mem_/);
  });

  test('names nobody whom it is about but by an id', async () => {
    const own = await service.createAccount('Nameless');
    const cookie = await cookieOf(await invited(own, 'ada@nameless.test', ['owner']));
    const made = await own.post('/members', { name: 'Grace Hopper', email: 'grace@nameless.test' });
    const { id } = (await made.json()) as { id: string };
    await own.put(`/members/${id}/recruiter`, { isRecruiter: true });
    const csv = 'email,name\nlin@nameless.test,Lin Chen';
    await own.post('/member-imports', { key: 'one', csv, columns: { email: 'email', name: 'name' } });
    const log = await (await call(cookie, own.id, '/audit-log')).text();
    expect(log).toContain(id);
    for (const personal of ['Grace', 'grace@', 'Lin Chen', 'lin@']) expect(log).not.toContain(personal);
  });

  test('keeps no secret', async () => {
    const own = await service.createAccount('Secrets');
    const cookie = await cookieOf(await invited(own, 'ada@secrets.test', ['owner']));
    const made = await call(cookie, own.id, '/api-keys', {
      method: 'POST',
      body: JSON.stringify({ label: 'Zapier', roles: ['sales'] }),
    });
    const { key } = (await made.json()) as { key: string };
    const sent = await call(cookie, own.id, '/users/invitations', {
      method: 'POST',
      body: JSON.stringify({ email: 'x@y.test', roles: ['sales'] }),
    });
    const { link } = (await sent.json()) as { link: string };
    const log = await (await call(cookie, own.id, '/audit-log')).text();
    expect(log).toContain('createApiKey');
    expect(log).not.toContain(key);
    expect(log).not.toContain(tokenIn(link));
  });
});
