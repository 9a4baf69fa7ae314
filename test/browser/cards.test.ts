import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { createCrm } from '../../src/sandbox/demo/crm.ts';
import { createOrg } from '../../src/sandbox/demo/org.ts';
import { runStory } from '../../src/sandbox/demo/run-story.ts';
import { createScene, type Scene } from '../../src/sandbox/demo/scene.ts';
import { install } from '../../src/sandbox/demo/steps/connect.ts';
import { contacts, deal, referral } from '../../src/sandbox/demo/steps/refer.ts';
import { createWonward } from '../../src/sandbox/demo/wonward.ts';
import { startWorld, type World } from '../../src/sandbox/demo/world.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';

/** Screenshots of every state, for somebody who wants to look. */
const SCREENSHOTS = process.env.SCREENSHOTS;

let world: World;
let scene: Scene;
let browser: Browser;
const opened: OpenedPage[] = [];

beforeAll(async () => {
  [world, browser] = await Promise.all([startWorld(), launchBrowser()]);
  scene = createScene(
    createCrm(world.crmUrl, world.portalId),
    createOrg(world.orgUrl, world.orgId, world.orgPagesUrl),
    createWonward(world.serviceUrl, world.apiKey),
  );
  const silent = { onBegin: () => undefined, onEnd: () => undefined };
  const begun = await runStory([install(), contacts, referral, deal], scene, { clock: systemClock, audience: silent });
  expect(begun.flatMap(({ problems }) => problems)).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function open(path: string, width = 1_360): Promise<Page> {
  const one = await openPage(browser, `${world.crmUrl}/portals/${world.portalId}/${path}`, { width, height: 900 });
  opened.push(one);
  return one.page;
}

async function expectSound(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
  expect(await accessibilityViolations(page)).toEqual([]);
  // A QR code is the service's own picture, as permittedUrls.img says.
  const strangers = opened.flatMap((one) => one.strangers).filter((url) => !url.startsWith(world.serviceUrl));
  expect([...opened.flatMap(({ complaints }) => complaints), ...strangers]).toEqual([]);
  expect(await page.getByText('is not drawn by this sandbox').count()).toBe(0);
}

const cardOf = (page: Page) => page.locator('.card');

/** What a rep does on the cards, over the real service and the local HubSpot. Each test goes on where the one before it ended. */
describe('the cards of the three kinds of record', () => {
  test('an open deal tells who is behind it, what it will pay and when, before anything is decided', async () => {
    const page = await open(`deals/${scene.deal}`);
    const card = cardOf(page);
    await card.getByText('Bob Noyce was referred by Ada Lovelace').waitFor();
    await card.getByText('for Ada Lovelace when the deal "Analytical engine" reaches Closed Won').waitFor();
    await card.getByText('Reached today, it is paid').first().waitFor();
    await card.getByText(/record read from HubSpot/).waitFor();
    await expectSound(page, 'cards-1-deal');
  });

  test('a deal without an amount warns of it, and the warning goes when there is one', async () => {
    const { id } = await scene.crm.create('deals', {
      properties: { dealname: 'No amount yet', pipeline: 'default', dealstage: 'appointmentscheduled' },
    });
    await scene.crm.associate('deals', id, { toType: 'contacts', toId: scene.bob });
    const page = await open(`deals/${id}`);
    await cardOf(page)
      .getByRole('button', { name: /Refresh|Try again/ })
      .waitFor();
    await expect
      .poll(
        async () => {
          await cardOf(page)
            .getByRole('button', { name: /Refresh|Try again/ })
            .click();
          return cardOf(page).getByText('The deal has no amount').count();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(1);
    await expectSound(page, 'cards-2-deal-warning');
  });

  test('a rep enters a verbal referral: the friend is found in the CRM, and stands on the card', async () => {
    const page = await open(`contacts/${scene.ada}`);
    const card = cardOf(page);
    await scene.crm.create('contacts', {
      properties: { firstname: 'Grace', lastname: 'Murray', email: 'grace@murray.example' },
    });
    await card.getByRole('button', { name: 'Enter a referral by this contact' }).click();
    await card.getByLabel('Friend').fill('grace');
    const grace = card.getByRole('button', { name: 'Grace Murray (grace@murray.example)' });
    // HubSpot's index lags behind its records, and so does the local one.
    await expect
      .poll(
        async () => {
          await card.getByRole('button', { name: 'Search', exact: true }).click();
          return grace.count();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(1);
    await grace.click();
    await expectSound(page, 'cards-3-refer');
    await card.getByRole('button', { name: 'Record the referral' }).click();
    await page.getByText('The referral is recorded.').waitFor();
    await card.getByRole('link', { name: 'Grace Murray' }).waitFor();
    expect(await scene.wonward.referrals()).toHaveLength(2);
  });

  test('a friend who is no contact yet becomes one, once, though the button is hit twice', async () => {
    const page = await open(`contacts/${scene.ada}`);
    const card = cardOf(page);
    await card.getByRole('button', { name: 'Enter a referral by this contact' }).click();
    await card.getByRole('button', { name: 'Not a contact yet? Create one' }).click();
    await card.getByLabel('First name').fill('Konrad');
    await card.getByLabel('Last name').fill('Zuse');
    await card.getByRole('button', { name: 'Record the referral' }).dblclick();
    await card.getByRole('link', { name: 'Konrad Zuse' }).waitFor();
    const made = (await scene.wonward.referrals()).filter(({ friend }) => friend.name === 'Konrad Zuse');
    expect(made).toHaveLength(1);
    await expectSound(page, 'cards-4-created');
  });

  test('the share link shows as a QR code and is copied as a message', async () => {
    const page = await open(`contacts/${scene.ada}`);
    const card = cardOf(page);
    await card.getByRole('button', { name: 'Show QR code' }).click();
    const image = card.getByRole('img', { name: /QR code of the share link/ });
    await expect
      .poll(() => image.evaluate((one) => (one as unknown as { readonly naturalWidth: number }).naturalWidth))
      .toBeGreaterThan(100);
    await card.getByRole('button', { name: 'Copy as message' }).click();
    await page.getByText('Message with the link copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain(`${world.serviceUrl}/r/`);
    await expectSound(page, 'cards-5-qr');
  });

  test('a rep opens a dispute where something is wrong', async () => {
    const page = await open(`deals/${scene.deal}`);
    const card = cardOf(page);
    await card.getByRole('button', { name: /Something is wrong with/ }).click();
    await card.getByLabel('What is wrong?').selectOption('wrong_amount');
    await card.getByLabel('What should the reviewer know?').fill('The contract was for two years.');
    await expectSound(page, 'cards-6-dispute');
    await card.getByRole('button', { name: 'Open the dispute' }).click();
    await page.getByText('A reviewer looks at it.').waitFor();
  });

  test('a company shows every referral in and out of its people', async () => {
    const { id } = await scene.crm.create('companies', { properties: { name: 'Noyce & Co' } });
    await scene.crm.associate('contacts', scene.bob, { toType: 'companies', toId: id });
    await scene.crm.edit('contacts', scene.bob, { firstname: 'Bobby' });
    const page = await open(`companies/${id}`);
    const card = cardOf(page);
    await card.getByRole('button', { name: 'Refresh' }).waitFor();
    await expect
      .poll(
        async () => {
          await card.getByRole('button', { name: 'Refresh' }).click();
          return card.getByText('Was referred').count();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(1);
    await card.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    await expectSound(page, 'cards-7-company');
  });

  test('in a narrow window nothing is cut off', async () => {
    for (const [path, name] of [
      [`contacts/${scene.ada}`, 'cards-8-narrow-contact'],
      [`deals/${scene.deal}`, 'cards-9-narrow-deal'],
    ] as const) {
      const page = await open(path, 420);
      await cardOf(page).getByText('Ada Lovelace').first().waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
      await expectSound(page, name);
    }
  });
});
