import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Scene } from '../../src/sandbox/demo/scene.ts';
import type { World } from '../../src/sandbox/demo/world.ts';
import { type BegunStory, beginStory } from './begun-story.ts';

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
    await card.getByRole('link', { name: 'Grace Murray', exact: true }).waitFor();
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
    await card.getByRole('link', { name: 'Konrad Zuse', exact: true }).waitFor();
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

  test('the sidebar of each record tells it in a few lines, and where the rest is', async () => {
    const company = await scene.crm.create('companies', { properties: { name: 'Sidebar & Co' } });
    await scene.crm.associate('contacts', scene.bob, { toType: 'companies', toId: company.id });
    for (const [path, name, said] of [
      [`contacts/${scene.ada}`, 'Referrals at a glance', /Latest: referred/],
      [`deals/${scene.deal}`, 'Deal referral at a glance', /was referred by Ada Lovelace/],
      [`companies/${company.id}`, 'Company referrals at a glance', /known/],
    ] as const) {
      const page = await open(path);
      await page.getByRole('button', { name, exact: true }).click();
      const sidebar = page.locator('.sidebar-card');
      await sidebar.getByText(said).first().waitFor();
      await sidebar.getByText(/The whole story is on the card/).waitFor();
      await sidebar.getByText(/^As of/).waitFor();
      // What is wider than the sidebar would be cut off.
      expect(
        await sidebar.evaluate((one) => {
          const { scrollWidth, clientWidth } = one as unknown as Record<'scrollWidth' | 'clientWidth', number>;
          return scrollWidth <= clientWidth;
        }),
      ).toBe(true);
      await expectSound(page, `cards-8-sidebar-${path.split('/')[0]}`);
    }
  });

  test('a customer who has just bought is proposed to their owner, who asks by HubSpot’s e-mail, once a quarter', async () => {
    const id = await story.addBuyer();
    const home = await open('app');
    await expect
      .poll(
        async () => {
          await home.getByRole('button', { name: 'Refresh' }).click();
          return home.getByText('Ask Mary Somerville now').count();
        },
        { timeout: 30_000, interval: 500 },
      )
      .toBe(1);
    await home.getByRole('button', { name: 'What this rests on: Mary Somerville' }).click();
    await home.getByRole('cell', { name: 'Last purchase' }).waitFor();
    await expectSound(home, 'cards-9-ask-home');

    const page = await open(`contacts/${id}`);
    const card = cardOf(page);
    await card.getByText('Ask now', { exact: true }).waitFor();
    await card.getByText('Make a share link first').waitFor();
    await card.getByRole('button', { name: 'Make a share link' }).click();
    await expectSound(page, 'cards-9-ask-no-link');
    await card.getByRole('button', { name: 'Ask by e-mail' }).click();
    const composer = page.getByRole('dialog', { name: 'New e-mail' });
    expect(await composer.getByLabel('Text').inputValue()).toMatch(
      new RegExp(`^Hello Mary Somerville, .*${world.serviceUrl}/r/`),
    );
    // The card runs in a worker of its own: the composer may be open before the clipboard is written.
    await expect
      .poll(() => page.evaluate('navigator.clipboard.readText()'))
      .toBe(await composer.getByLabel('Text').inputValue());
    await card.getByText('Not now: they were asked today.').waitFor();
    await expectSound(page, 'cards-9-ask-composer');
    await composer.getByRole('button', { name: 'Send' }).click();
    await page.getByText('Sent to mary@somerville.example').waitFor();

    await home.getByRole('button', { name: 'Refresh' }).click();
    await home.getByText('None of your contacts today.').waitFor();
  });

  test('who may not act reads why and whom to ask, in the tab and in the sidebar', async () => {
    await story.setCardActors(['boss@acme.example']);
    const page = await open(`contacts/${scene.ada}`);
    await page.getByRole('button', { name: 'Referrals at a glance' }).click();
    for (const place of ['.card', '.sidebar-card'])
      await page.locator(place).getByText('boss@acme.example may: ask one of them').waitFor();
    expect(await page.getByRole('button', { name: /Enter a referral|Ask by e-mail|I have asked/ }).count()).toBe(0);
    await expectSound(page, 'cards-9-may-not');
    await story.setCardActors(null);
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
