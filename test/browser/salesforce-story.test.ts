import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { createCrm } from '../../src/sandbox/demo/crm.ts';
import { createOrg } from '../../src/sandbox/demo/org.ts';
import { runStory } from '../../src/sandbox/demo/run-story.ts';
import { createScene, type Scene } from '../../src/sandbox/demo/scene.ts';
import { install } from '../../src/sandbox/demo/steps/connect.ts';
import { connectOrg, leadBecomesContact } from '../../src/sandbox/demo/steps/salesforce.ts';
import { createWonward } from '../../src/sandbox/demo/wonward.ts';
import { startWorld, type World } from '../../src/sandbox/demo/world.ts';
import { buildLightningBundle } from '../../src/sandbox/web/salesforce/lightning-bundle.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';

/** Screenshots of every state, for somebody who wants to look. */
const SCREENSHOTS = process.env.SCREENSHOTS;
/** Compiling the base components takes half a minute, and more beside other tests. */
const BUILD_TIMEOUT_MS = 600_000;

let world: World;
let scene: Scene;
let browser: Browser;
const opened: OpenedPage[] = [];

beforeAll(async () => {
  await buildLightningBundle();
  [world, browser] = await Promise.all([startWorld(), launchBrowser()]);
  scene = createScene(
    createCrm(world.crmUrl, world.portalId),
    createOrg(world.orgUrl, world.orgId, world.orgPagesUrl),
    createWonward(world.serviceUrl, world.apiKey),
  );
  const silent = { onBegin: () => undefined, onEnd: () => undefined };
  const begun = await runStory([install(), connectOrg(), leadBecomesContact], scene, {
    clock: systemClock,
    audience: silent,
  });
  expect(begun.flatMap(({ problems }) => problems)).toEqual([]);
  await scene.org.edit(scene.opportunity, { Amount: 8_000 });
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  await world?.close();
});

async function open(recordId: string): Promise<Page> {
  const one = await openPage(browser, scene.org.recordPage(recordId), { width: 1_360, height: 900 });
  opened.push(one);
  return one.page;
}

const componentOn = (page: Page) => page.locator('c-referral-history');
const detailsOn = (page: Page) => page.getByRole('region', { name: 'Details' });

/** Whatever the page shows, a person with a screen reader or a keyboard gets it too, and nothing went wrong unseen. */
async function expectSound(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
  expect(await accessibilityViolations(page)).toEqual([]);
  expect(opened.flatMap(({ complaints, strangers }) => [...complaints, ...strangers])).toEqual([]);
}

/** The story of a rep in Salesforce. Each test goes on where the one before it ended. */
describe('the whole story in an org’s pages, over the real service', () => {
  let opportunityPage: Page;

  test('the opportunity that a lead became shows who referred the customer, how, and how far it has come', async () => {
    opportunityPage = await open(scene.opportunity);
    const component = componentOn(opportunityPage);
    await component.getByText('This customer was referred by Grace Hopper.').waitFor();
    await component.getByText(/Opportunity since .* known by: the field Referred By/).waitFor();
    // The amount was entered a moment ago; an open page looks for what is on its way, and nothing was when this one was opened.
    const wouldPay = component.getByText(
      '800.00 EUR for Grace Hopper when the deal "Time sharing" reaches Closed Won.',
    );
    const look = async () => {
      await opportunityPage.reload();
      await component.getByText('This customer was referred by Grace Hopper.').waitFor();
      return wouldPay.count();
    };
    await expect.poll(look, { timeout: 30_000, interval: 500 }).toBe(1);
    expect(await component.getByText('Nothing has been decided yet.').count()).toBe(0);
    await expectSound(opportunityPage, 'salesforce-1-open');
    // Gone after a reload: what the next tests see has come to the open page.
    await opportunityPage.evaluate('globalThis.neverReloaded = true');
  });

  test('a click on Closed Won pays: the component on the open page tells it with its reason, by itself', async () => {
    await opportunityPage.getByRole('button', { name: 'Closed Won' }).click();
    await detailsOn(opportunityPage).getByText('Closed Won').waitFor();
    const component = componentOn(opportunityPage);
    await component.getByText('€800.00 for Grace Hopper').waitFor();
    await component.getByText('€50.00 for Ken Olsen').waitFor();
    await component.getByText('The deal "Time sharing" reached Closed Won').first().waitFor();
    await component.getByText('Won since').waitFor();
    expect(await opportunityPage.evaluate('globalThis.neverReloaded')).toBe(true);
    await expectSound(opportunityPage, 'salesforce-2-won');
  });

  test('the member’s page has her link and what she was paid, the friend’s page who referred him', async () => {
    const grace = await open(scene.grace);
    await componentOn(grace).getByText('Referred 1 friend, 1 won.').waitFor();
    await componentOn(grace).getByRole('button', { name: 'Copy link' }).waitFor();
    await expectSound(grace, 'salesforce-3-grace');
    const ken = await open(scene.ken);
    await componentOn(ken).getByText('Referred by Grace Hopper.').waitFor();
    await expectSound(ken, 'salesforce-4-ken');
  });

  test('a click on an earlier stage takes it back, and the open page says why', async () => {
    await opportunityPage.getByRole('button', { name: 'Negotiation/Review' }).click();
    const component = componentOn(opportunityPage);
    await component.getByText('Taken back').first().waitFor();
    await component.getByText('The deal "Time sharing" left Closed Won').first().waitFor();
    expect(await opportunityPage.evaluate('globalThis.neverReloaded')).toBe(true);
    await expectSound(opportunityPage, 'salesforce-5-reopened');
  });

  test('a verbal referral is answered on the page that it was entered on', async () => {
    const friend = await scene.org.create('Contact', {
      FirstName: 'Edsger',
      LastName: 'Dijkstra',
      Email: 'edsger@eindhoven.example',
    });
    const page = await open(friend);
    await page.getByRole('button', { name: 'Submit a referral' }).click();
    await page.getByLabel('Member’s name or code').fill('Grace');
    await page.getByRole('button', { name: 'Find' }).click();
    await expect.poll(() => page.getByRole('radio', { name: /Grace Hopper/ }).isChecked()).toBe(true);
    await page.getByRole('button', { name: 'Submit', exact: true }).click();
    await componentOn(page).getByText('Referred by Grace Hopper.').waitFor();
    await expectSound(page, 'salesforce-6-verbal');
  });

  test('the org’s page lists what there is', async () => {
    const one = await openPage(browser, `${world.orgPagesUrl}/orgs/${world.orgId}`, { width: 1_360, height: 900 });
    opened.push(one);
    await one.page.getByRole('heading', { name: 'Referral Rewards (2)' }).waitFor();
    await expectSound(one.page, 'salesforce-7-org');
  });
});
