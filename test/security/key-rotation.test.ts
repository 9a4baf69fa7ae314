import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { refreshLease, tokenContext } from '../../src/application/connect.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createReseal } from '../../src/application/reseal.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createSeal, parseSealKeys, type SealKey } from '../../src/platform/seal.ts';
import { openStore } from '../../src/store/open.ts';

const textOf = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64')}`;
const OLD = textOf('k1', 1);
const NEW = textOf('k2', 2);
const OLDEST = textOf('k0', 3);

function keysOf(...texts: string[]): SealKey[] {
  const keys = parseSealKeys(texts.join(','));
  if (typeof keys === 'string') throw new Error(keys);
  return keys;
}

let directory: string;
let url: string;
let store: Store;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wonward-rotation-'));
  url = `sqlite:${join(directory, 'wonward.db')}`;
  store = await openStore({ url });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true, force: true });
});

const NO_WAIT = { ...systemClock, sleep: async () => {} };

function sealedTokens(accountId: string, id: string, keyText = OLD) {
  const seal = createSeal(keysOf(keyText));
  return {
    accessToken: seal.seal(`access of ${id}`, tokenContext(accountId, 'access')),
    refreshToken: seal.seal(`refresh of ${id}`, tokenContext(accountId, 'refresh')),
    expiresAt: 1,
  };
}

/** Connections of several accounts, with tokens under the given key. */
async function connections(count: number, keyText = OLD, from = 0): Promise<void> {
  for (let index = from; index < from + count; index += 1) {
    const accountId = `acc_${index % 3}`;
    if (!(await store.accounts.get(accountId)))
      await store.accounts.create({ id: accountId, name: accountId, createdAt: 0 });
    const id = `con_${index}`;
    await store.connections.connect(
      {
        id,
        accountId,
        provider: 'hubspot',
        externalId: String(index),
        status: 'connected',
        statusReason: null,
        homeCurrency: null,
        timeZone: null,
        uiHost: null,
        scopes: [],
        connectedAt: 0,
      },
      sealedTokens(accountId, id, keyText),
    );
  }
}

/** How many tokens open with these keys and say what they said before. */
async function opened(...keyTexts: string[]): Promise<number> {
  const seal = createSeal(keysOf(...keyTexts));
  let count = 0;
  for (const { accountId, connectionId, accessToken, refreshToken } of await store.connections.listTokens(null, 1e6)) {
    try {
      expect(seal.open(accessToken, tokenContext(accountId, 'access'))).toBe(`access of ${connectionId}`);
      expect(seal.open(refreshToken, tokenContext(accountId, 'refresh'))).toBe(`refresh of ${connectionId}`);
      count += 1;
    } catch {}
  }
  return count;
}

const reseal = (deps: { store?: Store; keys?: string[] } = {}) =>
  createReseal({
    store: deps.store ?? store,
    seal: createSeal(keysOf(...(deps.keys ?? [NEW, OLD]))),
    clock: NO_WAIT,
  })();

describe('sealing anew with the first key', () => {
  test('leaves every token saying what it said, and the old key is needed no more', async () => {
    await connections(7);
    await connections(2, NEW, 7);
    await connections(2, OLDEST, 9);
    expect(await opened(NEW)).toBe(2);
    expect(await reseal({ keys: [NEW, OLD, OLDEST] })).toEqual({
      keyId: 'k2',
      resealed: 9,
      remaining: {},
      unreadable: [],
    });
    expect(await opened(NEW)).toBe(11);
    expect(await opened(OLD)).toBe(0);
  });

  test('a second time changes nothing', async () => {
    await connections(3);
    await reseal();
    const before = await store.connections.listTokens(null, 10);
    expect(await reseal()).toMatchObject({ resealed: 0, remaining: {} });
    expect(await store.connections.listTokens(null, 10)).toEqual(before);
  });

  test('stopped after any number of them leaves all readable by both keys, and the next run does the rest', async () => {
    await connections(5);
    for (let survived = 0; survived < 5; survived += 1) {
      let writes = 0;
      const crashing: Store = {
        ...store,
        connections: {
          ...store.connections,
          replaceTokens: async (...args) => {
            if (writes === 1) throw new Error('the power is gone');
            writes += 1;
            return store.connections.replaceTokens(...args);
          },
        },
      };
      await reseal({ store: crashing }).catch(() => {});
      expect(await opened(NEW, OLD)).toBe(5);
      expect(await opened(NEW)).toBe(survived + 1);
    }
    expect(await reseal()).toMatchObject({ resealed: 0, remaining: {} });
    expect(await opened(NEW)).toBe(5);
  });

  test('does not write over tokens that are being renewed, and says that they remain', async () => {
    await connections(2);
    const now = systemClock.now();
    await store.leases.acquire(refreshLease('con_0'), 'a refresh', now, now + 60_000);
    expect(await reseal()).toEqual({ keyId: 'k2', resealed: 1, remaining: { k1: 1 }, unreadable: [] });
    await store.leases.release(refreshLease('con_0'), 'a refresh');
    expect(await reseal()).toMatchObject({ resealed: 1, remaining: {} });
  });

  test('lets newer tokens win that an install writes at the same moment, and seals those', async () => {
    await connections(1);
    let isFirst = true;
    const raced: Store = {
      ...store,
      connections: {
        ...store.connections,
        replaceTokens: async (...args) => {
          if (isFirst) {
            isFirst = false;
            const connection = await store.connections.get('acc_0', 'con_0');
            if (!connection) throw new Error('no connection');
            await store.connections.connect(connection, { ...sealedTokens('acc_0', 'con_0'), expiresAt: 99 });
          }
          return store.connections.replaceTokens(...args);
        },
      },
    };
    expect(await reseal({ store: raced })).toMatchObject({ resealed: 1, remaining: {} });
    expect(await store.connections.tokens('acc_0', 'con_0')).toMatchObject({ expiresAt: 99 });
    expect(await opened(NEW)).toBe(1);
  });

  test('leaves what no key opens as it is, names it, and does the others', async () => {
    await connections(1, OLDEST);
    await connections(2, OLD, 1);
    const lost = await store.connections.tokens('acc_0', 'con_0');
    expect(await reseal()).toEqual({
      keyId: 'k2',
      resealed: 2,
      remaining: { k0: 1 },
      unreadable: [{ accountId: 'acc_0', connectionId: 'con_0' }],
    });
    expect(await store.connections.tokens('acc_0', 'con_0')).toEqual(lost);
  });
});

describe('key rotate', () => {
  const env = (keys: string[]) => ({
    PATH: process.env.PATH ?? '',
    DATABASE_URL: url,
    ENCRYPTION_KEY: keys.join(','),
    PUBLIC_URL: 'https://referrals.example.com',
  });
  const args = ['src/cli.ts', 'key', 'rotate', '--json'];
  const rotate = async (...keys: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: env(keys) });
    return JSON.parse(stdout) as unknown;
  };

  test('killed in the middle loses no token, and run again finishes', async () => {
    const count = 300;
    await connections(count);
    const child = spawn(process.execPath, args, { env: env([NEW, OLD]), stdio: 'ignore' });
    const exited = once(child, 'exit');
    while ((await opened(NEW)) === 0 && child.exitCode === null) await new Promise((wake) => setTimeout(wake, 5));
    child.kill('SIGKILL');
    expect(await exited).toEqual([null, 'SIGKILL']);
    const done = await opened(NEW);
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(count);
    expect(await opened(NEW, OLD)).toBe(count);
    // The dead process may hold one connection's lease for a minute yet; its owner is gone.
    for (let index = 0; index < count; index += 1) {
      const now = systemClock.now() + 120_000;
      const lease = refreshLease(`con_${index}`);
      if (await store.leases.acquire(lease, 'test', now, now)) await store.leases.release(lease, 'test');
    }
    expect(await rotate(NEW, OLD)).toEqual({ keyId: 'k2', resealed: count - done, remaining: 0 });
    expect(await opened(NEW)).toBe(count);
  });

  test('without the key that a token lies under ends with 1, names the connection, and no secret', async () => {
    await connections(1);
    const failed = await rotate(NEW).then(
      () => null,
      (error: { code: number; stderr: string }) => error,
    );
    expect(failed?.code).toBe(1);
    expect(JSON.parse(failed?.stderr ?? '')).toMatchObject({
      error: { message: expect.stringContaining('1 cannot be opened'), problems: ['con_0 of acc_0'] },
    });
    expect(failed?.stderr).not.toMatch(/access of|v1\.k1|AgIC/);
  });
});
