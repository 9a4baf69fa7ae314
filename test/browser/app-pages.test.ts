import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scene } from '../../src/sandbox/demo/scene.ts';
import type { World } from '../../src/sandbox/demo/world.ts';
import { type BegunStory, beginStory } from './begun-story.ts';

/**
 * Takes the pictures of the setup guide and the listing anew, of what these tests have just checked:
 * UPDATE_PICTURE=1 npm test -- test/browser/app-pages.test.ts
 */
const UPDATE_PICTURE = process.env.UPDATE_PICTURE === '1';
const pictureOf = (name: string) => fileURLToPath(new URL(`../../docs/hubspot/${name}.png`, import.meta.url));

let story: BegunStory;
let world: World;
let scene: Scene;
let open: BegunStory['open'];
let expectSound: BegunStory['expectSound'];

beforeAll(async () => {
  story = await beginStory();
  ({ world, scene, open, expectSound } = story);
});
afterAll(() => story?.close());

describe('the home page in a browser, over the real service', () => {
  test('shows a new portal what has come in, that nothing waits, and that all is in step', async () => {
    const page = await open('app');
    const home = page.locator('.card');
    await home.getByText('Nothing waits for you. Rewards go out by themselves.').waitFor();
    await home.getByRole('link', { name: 'Bob Noyce' }).waitFor();
    await home.getByText('Opportunity', { exact: true }).waitFor();
    await home.getByText('None yet. The first one is here when a referred deal is won.').waitFor();
    await home.getByText('In step', { exact: true }).waitFor();
    await expectSound(page, 'home-new');
  });

  test('shows a reward with its reason, leads to the deal, and says whom to ask next', async () => {
    await story.addBuyer();
    const dealPage = await open(`deals/${scene.deal}`);
    await dealPage.getByRole('button', { name: 'Closed Won' }).click();
    await expect
      .poll(async () => (await scene.wonward.rewards()).map(({ state }) => state), { timeout: 30_000 })
      .toContain('issued');
    const page = await open('app');
    const home = page.locator('.card');
    await home.getByText('€1,200.00').waitFor();
    await home.getByText('Paid', { exact: true }).first().waitFor();
    await home
      .getByText('The deal "Analytical engine" reached Closed Won and every condition is met.')
      .first()
      .waitFor();
    expect(await home.getByRole('link', { name: 'Analytical engine' }).first().getAttribute('href')).toContain(
      scene.deal,
    );
    await expect
      .poll(
        async () => {
          await home.getByRole('button', { name: 'Refresh' }).click();
          return home.getByText('Ask Mary Somerville now').count();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(1);
    await expectSound(page, 'home-rewards');
    if (UPDATE_PICTURE) await page.screenshot({ path: pictureOf('home'), fullPage: true });
  });
});

describe('the settings page in a browser, over the real service', () => {
  test('shows who has connected the portal what is set, and keeps what they say of a stage', async () => {
    const page = await open('settings');
    const settings = page.locator('.card');
    await settings.getByText('Connected', { exact: true }).waitFor();
    await settings.getByText('New referrals go here').waitFor();
    await expectSound(page, 'settings');
    if (UPDATE_PICTURE) await page.screenshot({ path: pictureOf('settings'), fullPage: true });
    await settings.getByLabel('Contract Sent').selectOption('qualified');
    await settings.getByText('This judges every referral again').waitFor();
    await expectSound(page, 'settings-changed');
    await settings.getByRole('button', { name: 'Save what stages mean' }).click();
    await settings.getByText('This judges every referral again').waitFor({ state: 'detached' });
    await page.reload();
    await settings.getByLabel('Contract Sent').waitFor();
    expect(await settings.getByLabel('Contract Sent').inputValue()).toBe('qualified');
  });

  test('keeps which programs apply and what is a task, and says before what a change means', async () => {
    const page = await open('settings');
    const settings = page.locator('.card');
    await settings.getByLabel('Which programs apply in this portal').selectOption('some');
    await settings.getByRole('checkbox', { name: /, version \d+$/ }).click();
    await settings.getByText('No referral can begin here').waitFor();
    await expectSound(page, 'settings-no-program');
    await settings.getByLabel('Which programs apply in this portal').selectOption('every');
    await settings.getByLabel('Reviews and disputes').click();
    await settings.getByLabel('Reviews and disputes: whose task').fill('41629779');
    await expectSound(page, 'settings-tasks');
    await settings.getByRole('button', { name: 'Save who is told' }).click();
    await expect.poll(() => settings.getByRole('button', { name: 'Save who is told' }).isDisabled()).toBe(true);
    await page.reload();
    const owner = settings.getByLabel('Reviews and disputes: whose task');
    await owner.waitFor();
    expect(await owner.inputValue()).toBe('41629779');
    await expectSound(page, 'settings-kept');
  });

  test('gives them a link to grant the permissions anew', async () => {
    const page = await open('settings');
    await page.getByRole('button', { name: 'Grant the permissions anew' }).click();
    const link = page.getByRole('link', { name: /consent page/ });
    expect(await link.getAttribute('href')).toContain('/oauth/authorize?');
    await expectSound(page, 'settings-reconnect');
  });
});

describe('the page in front of HubSpot’s consent', () => {
  test('says what will happen and why each permission is asked for, and leads to the consent', async () => {
    const response = await fetch(`${world.serviceUrl}/api/v1/connections/install`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ provider: 'hubspot' }),
    });
    const link = (await response.json()) as { url: string; page: string };
    const page = await story.openUrl(link.page, { width: 900, height: 1_000 });
    await page.getByText('crm.objects.companies.read').waitFor();
    await expectSound(page, 'install');
    if (UPDATE_PICTURE) await page.screenshot({ path: pictureOf('install'), fullPage: true });
    expect(await page.getByRole('link', { name: 'Continue to HubSpot’s consent page' }).getAttribute('href')).toBe(
      link.url,
    );
  });
});

describe('the app’s icon', () => {
  const svg = readFileSync(fileURLToPath(new URL('../../docs/hubspot/icon.svg', import.meta.url)), 'utf8');

  test('is a square of 800 pixels, as the listing wants it, and shows something', async () => {
    const context = await story.browser.newContext({ viewport: { width: 800, height: 800 } });
    const page = await context.newPage();
    await page.setContent(`<body style="margin:0">${svg}</body>`);
    const drawn = page.locator('svg');
    expect(await drawn.boundingBox()).toMatchObject({ x: 0, y: 0, width: 800, height: 800 });
    const png = await drawn.screenshot({
      omitBackground: true,
      ...(UPDATE_PICTURE ? { path: pictureOf('icon') } : {}),
    });
    // Width and height stand in the header of every PNG.
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([800, 800]);
    const kept = readFileSync(pictureOf('icon'));
    expect([kept.readUInt32BE(16), kept.readUInt32BE(20)]).toEqual([800, 800]);
    await context.close();
  });
});
