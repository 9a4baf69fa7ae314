import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beginOfLife, LIFE_DAYS, lifePortal, makeLife } from '../../src/sandbox/demo/life/make.ts';
import { createWalk } from '../../src/sandbox/demo/life/walk.ts';
import { type HubSpotSandbox, startHubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import type { Service } from '../../src/service.ts';
import { freePort } from '../support/free-port.ts';
import { environmentFor, type Json, PORTAL, sandboxAppAt, startNode } from '../support/stack.ts';
import { launchBrowser, type OpenedPage } from './browser.ts';
import { enterConsole, expectSoundPage } from './console.ts';

/** Where the pictures of README and docs go (`npm run pictures`); without it a small life is looked at and no file is written. */
const PICTURES = process.env.PICTURES;
const SIZE =
  PICTURES === undefined
    ? { members: 20, referrals: 200, days: 150 }
    : { members: 120, referrals: 900, days: LIFE_DAYS };
const SEED = 1;
/** A page that somebody reads on a slow line has several of them. */
const BYTES_MAX = 200_000;
const VIEW = { width: 1_280, height: 800 };
/** A loaded machine draws late. */
const PATIENCE_MS = 30_000;

let directory: string;
let sandbox: HubSpotSandbox;
let service: Service;
let publicUrl: string;
let accountId: string;
let apiKey: string;
let browser: Browser;
let opened: OpenedPage;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wonward-pictures-'));
  const until = Date.now();
  const from = beginOfLife(until, SIZE.days);
  const port = await freePort();
  publicUrl = `http://127.0.0.1:${port}`;
  const walk = createWalk(from, SEED);
  sandbox = await startHubSpotSandbox({
    app: sandboxAppAt(publicUrl),
    portals: [lifePortal(PORTAL, 'Brightwater')],
    retryBaseMs: 200,
    indexLagMs: 0,
    clock: walk.now,
  });
  const environment = environmentFor({ port, databaseUrl: `sqlite:${join(directory, 'wonward.db')}`, sandbox });
  const { members, referrals } = SIZE;
  const life = { seed: SEED, members, referrals, from, until, accountName: 'Brightwater' };
  ({ accountId, apiKey } = await makeLife({ environment, sandbox, portalId: PORTAL, walk }, life));
  [service, browser] = await Promise.all([startNode(environment), launchBrowser()]);
  opened = await enterConsole({ service, accountId }, browser, { email: 'mara@brightwater.example', roles: ['owner'] });
  await opened.page.setViewportSize(VIEW);
  if (PICTURES !== undefined) await mkdir(resolve(PICTURES), { recursive: true });
}, 1_200_000);
afterAll(async () => {
  await opened?.close();
  await browser?.close();
  await service?.stop();
  await sandbox?.close();
  await rm(directory, { recursive: true, force: true });
});

async function api(path: string): Promise<Json> {
  const response = await fetch(`${publicUrl}/api/v1${path}`, { headers: { authorization: `Bearer ${apiKey}` } });
  expect(response.status, path).toBe(200);
  return response.json();
}

/** A won referral that somebody could tell a story about: its deal was won, waited for the hold, and was paid. */
async function tellingReferral(): Promise<string> {
  const { items } = await api('/rewards?limit=100&state=issued');
  const told = items.find(({ party, ruleKey }: Json) => party === 'member' && ruleKey.startsWith('member-won'));
  return (told ?? items[0]).referralId;
}

interface Picture {
  readonly name: string;
  readonly path: () => Promise<string> | string;
  /** What has to be there before somebody looks. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const heading = (name: string | RegExp) => (page: Page) =>
  page.getByRole('heading', { level: 1, name }).waitFor({ timeout: PATIENCE_MS });
const rows = (name: string | RegExp, label: string) => async (page: Page) => {
  await heading(name)(page);
  await page.getByRole('table', { name: label }).locator('tbody tr').nth(3).waitFor({ timeout: PATIENCE_MS });
};

const drawn = (name: string) => async (page: Page) => {
  await heading(name)(page);
  await page.getByRole('img').first().waitFor({ timeout: PATIENCE_MS });
};

/** Every screen that README and docs show. A new one is another entry. */
const PICTURES_OF: readonly Picture[] = [
  { name: 'home', path: () => 'home?days=90', ready: drawn('Home') },
  { name: 'analytics', path: () => 'analytics?period=last90', ready: drawn('Analytics') },
  {
    name: 'review',
    path: () => 'review',
    ready: async (page) => {
      await heading('Review')(page);
      await page.getByRole('listitem').first().waitFor({ timeout: PATIENCE_MS });
    },
  },
  { name: 'referrals', path: () => 'referrals', ready: rows('Referrals', 'Referrals') },
  { name: 'referral', path: async () => `referrals/${await tellingReferral()}`, ready: heading(/\w/) },
  { name: 'members', path: () => 'members', ready: rows('Members', 'Members') },
  { name: 'rewards', path: () => 'rewards', ready: rows('Rewards', 'Rewards') },
  { name: 'money', path: () => 'money', ready: heading('Money') },
  { name: 'program', path: () => 'programs/default', ready: heading(/Brightwater/) },
  {
    name: 'mapping',
    path: async () => `connections/${(await api('/connections')).items[0].id}/mapping`,
    ready: heading(/\w/),
  },
  {
    name: 'sync-health',
    path: async () => `connections/${(await api('/connections')).items[0].id}/health`,
    ready: async (page) => {
      await heading(/\w/)(page);
      await page.getByText('All is well').waitFor({ timeout: PATIENCE_MS });
    },
  },
];

describe('the console with two years in it', () => {
  test.each(PICTURES_OF)(
    '$name shows what is there, without a complaint',
    async ({ name, path, ready }) => {
      const { page } = opened;
      await page.goto(`${publicUrl}/console/${accountId}/${await path()}`);
      await ready(page);
      await page.waitForLoadState('networkidle');
      expect(await page.getByRole('alert').allTextContents()).toEqual([]);
      // A mapping that nobody has proposed is told by 404.
      await expectSoundPage(opened, `living-${name}`, { mayBeRefused: true });
      const picture = await page.screenshot();
      if (PICTURES === undefined) return;
      expect(picture.byteLength).toBeLessThan(BYTES_MAX);
      await writeFile(join(resolve(PICTURES), `${name}.png`), picture);
    },
    120_000,
  );
});
