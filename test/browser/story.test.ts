import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scene } from '../../src/sandbox/demo/scene.ts';
import type { World } from '../../src/sandbox/demo/world.ts';
import { type BegunStory, beginStory } from './begun-story.ts';

/**
 * Takes the README's picture anew, of what this test has just checked:
 * UPDATE_PICTURE=1 npm test -- test/browser/story.test.ts
 */
const UPDATE_PICTURE = process.env.UPDATE_PICTURE === '1';
const PICTURE = fileURLToPath(new URL('../../docs/card.png', import.meta.url));

/** As long as Playwright itself waits for a text: two cores may be busy. */
const WAIT_MS = 30_000;

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

const cardOf = (page: Page) => page.locator('.card');
/** The record's own properties, as the CRM shows them. */
const propertiesOf = (page: Page) => page.locator('.record-left');
const moveTo = (page: Page, stage: string) => page.getByRole('button', { name: stage }).click();

async function expectProperty(page: Page, label: string, value: string): Promise<void> {
  const term = propertiesOf(page).locator('dt', { hasText: new RegExp(`^${label}$`) });
  await expect
    .poll(() => term.locator('xpath=following-sibling::dd[1]').innerText(), { timeout: WAIT_MS })
    .toContain(value);
}

/** The story of a rep with three tabs: the friend, the deal, the member. Each test goes on where the one before it ended. */
describe('the whole story in a browser, over the real service', () => {
  let dealPage: Page;
  let adaPage: Page;

  test("Bob's record shows who referred him, where it stands, and what would make it pay", async () => {
    const page = await open(`contacts/${scene.bob}`);
    const card = cardOf(page);
    await card.getByText('Bob Noyce was referred by Ada Lovelace.').waitFor();
    await card.getByText('Opportunity', { exact: true }).first().waitFor();
    await card.getByText('50.00 EUR for Bob Noyce when the deal "Analytical engine" reaches Closed Won.').waitFor();
    await card.getByText('What would make it pay:').first().waitFor();
    await expectProperty(page, 'Referred by', 'Ada Lovelace');
    await expectSound(page, '1-bob-in-progress');
  });

  test("before the deal is won, Ada's record has her share link and nothing paid", async () => {
    adaPage = await open(`contacts/${scene.ada}`);
    await cardOf(adaPage).getByText('Ada Lovelace has referred 1 friend, 0 won.').waitFor();
    expect(await cardOf(adaPage).getByText('Paid', { exact: true }).count()).toBe(1);
    await expectProperty(adaPage, 'Share link', `${world.serviceUrl}/r/`);
    await expectSound(adaPage, '2-ada-before');
    // Gone after a reload: what the next tests see has come to the open page.
    await adaPage.evaluate('globalThis.neverReloaded = true');
  });

  test("a click on Closed Won pays: Ada's open card tells it with its reason, and so do the CRM's own fields", async () => {
    dealPage = await open(`deals/${scene.deal}`);
    await moveTo(dealPage, 'Closed Won');
    await expectProperty(dealPage, 'Referral stage', 'won');
    await expectSound(dealPage, '3-deal-won');

    const card = cardOf(adaPage);
    await card.getByText('Ada Lovelace has referred 1 friend, 1 won.').waitFor();
    await card.getByText('€1,200.00 for Ada Lovelace').waitFor();
    await card
      .getByText('The deal "Analytical engine" reached Closed Won and every condition is met.', { exact: true })
      .first()
      .waitFor();
    await expectProperty(adaPage, 'Rewards paid', '1200.00 EUR');
    await expectProperty(adaPage, 'Won referrals', '1');
    expect(await adaPage.evaluate('globalThis.neverReloaded')).toBe(true);
    await expectSound(adaPage, '4-ada-paid');
    if (UPDATE_PICTURE) await takePicture();
  });

  test('a click on an earlier stage takes it back: the open card says why, and what would pay it again', async () => {
    await moveTo(dealPage, 'Contract Sent');
    const card = cardOf(adaPage);
    await card.getByText('Ada Lovelace has referred 1 friend, 0 won.').waitFor();
    await card.getByText('Taken back', { exact: true }).first().waitFor();
    await card.getByText('The deal "Analytical engine" left Closed Won.', { exact: true }).first().waitFor();
    await card.getByText('Move the deal to Closed Won again.').first().waitFor();
    await expectProperty(adaPage, 'Rewards taken back', '1200.00 EUR');
    await expectProperty(adaPage, 'Won referrals', '0');
    expect(await adaPage.evaluate('globalThis.neverReloaded')).toBe(true);
    await expectSound(adaPage, '5-ada-taken-back');
    await expectProperty(dealPage, 'Reward state', 'taken back');
    await expectSound(dealPage, '6-deal-reopened');
  });

  test('won again it pays again, once: one reward each stands', async () => {
    await moveTo(dealPage, 'Closed Won');
    await cardOf(adaPage).getByText('Ada Lovelace has referred 1 friend, 1 won.').waitFor();
    await expectProperty(adaPage, 'Rewards paid', '1200.00 EUR');
    await expectSound(adaPage, '7-ada-paid-again');
    const states = (await scene.wonward.rewards()).map(({ party, state }) => `${party} ${state}`).toSorted();
    expect(states.filter((state) => state.endsWith('issued'))).toEqual(['friend issued', 'member issued']);
  });
});

/** A wide window in a small picture, so that the card is on it from its first line to the reward with its reason. */
async function takePicture(): Promise<void> {
  const context = await story.browser.newContext({
    locale: 'en-GB',
    viewport: { width: 1_500, height: 1_000 },
    deviceScaleFactor: 0.8,
  });
  const page = await context.newPage();
  await page.goto(`${world.crmUrl}/portals/${world.portalId}/contacts/${scene.ada}`);
  await cardOf(page).getByText('€1,200.00 for Ada Lovelace').waitFor();
  await page.screenshot({ path: PICTURE });
  await context.close();
}
