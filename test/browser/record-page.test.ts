import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CardOk, CardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import { cardExample, cardExampleNames } from '../contracts/card-examples.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';
import { type RunningPages, startPages } from './start-pages.ts';
import { createStubSource, STUB_CONTACT, STUB_DEAL, STUB_PORTAL } from './stub-source.ts';

const CONTACT = `/portals/${STUB_PORTAL}/contacts/${STUB_CONTACT}`;
const DEAL = `/portals/${STUB_PORTAL}/deals/${STUB_DEAL}`;
const HOME = `/portals/${STUB_PORTAL}`;

const source = createStubSource();
let pages: RunningPages;
let browser: Browser;

beforeAll(async () => {
  [pages, browser] = await Promise.all([startPages(source), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await pages?.close();
});

/** Opens a page, hands it over, and holds it to what every page must keep. */
async function on(
  path: string,
  check: (opened: OpenedPage) => Promise<void>,
  options: { width?: number; locale?: string } = {},
): Promise<void> {
  const opened = await openPage(browser, `${pages.url}${path}`, options);
  try {
    await check(opened);
    expect(opened.complaints, 'errors in the browser').toEqual([]);
    expect(opened.strangers, 'requests to elsewhere').toEqual([]);
  } finally {
    await opened.close();
  }
}

/** What a rep must be able to read of an example, whatever its state. */
function mustShow(example: CardResponse): readonly string[] {
  if (!example.ok) return [example.message, example.ref ?? example.code];
  const { contact, referrals, role } = example.data;
  if (role === 'none') return [contact.name];
  return referrals.flatMap(({ person, deals, rewards }) => [
    person.name,
    ...deals.map(({ name }) => name),
    ...rewards.flatMap(({ reason, wouldPay, next }) => [
      reason.text,
      ...(wouldPay === null ? [] : [wouldPay]),
      ...(next === null ? [] : [next]),
    ]),
  ]);
}

describe('the contact record with the card', () => {
  it.each(cardExampleNames())('shows the example %s, and axe finds nothing', async (name) => {
    const example = cardExample(name);
    source.answerCardWith(example);
    await on(CONTACT, async ({ page }) => {
      const card = page.locator('.card');
      for (const text of new Set(mustShow(example))) await card.getByText(text).first().waitFor();
      expect(await card.getByText('is not drawn by this sandbox').count()).toBe(0);
      expect(await accessibilityViolations(page)).toEqual([]);
    });
  });

  it('says what on it is real and what is not', async () => {
    source.answerCardWith(cardExample('member'));
    await on(CONTACT, async ({ page }) => {
      const notice = await page.locator('.card-notice').innerText();
      expect(notice).toContain('production bundle in a Web Worker');
      expect(notice).toContain('Not HubSpot’s: the look.');
      await expect
        .poll(() => page.workers().map((worker) => new URL(worker.url()).pathname))
        .toEqual(['/_sandbox/pages/assets/card-worker.js']);
    });
  });

  it('copies the share link to the clipboard and says so', async () => {
    source.answerCardWith(cardExample('member'));
    await on(CONTACT, async ({ page }) => {
      await page.getByRole('button', { name: 'Copy link' }).click();
      await page.getByText('Share link copied.').waitFor();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe('https://go.wonward.example/GRACE7');
      await page.getByRole('button', { name: 'Close this message' }).click();
      expect(await page.getByText('Share link copied.').count()).toBe(0);
    });
  });

  it('says that Wonward did not answer, and recovers by a retry', async () => {
    source.answerCardWith(502, cardExample('friend'));
    await on(CONTACT, async ({ page }) => {
      await page.getByText('Reference: http_502').waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Ada Lovelace was referred by Grace Hopper.').waitFor();
    });
  });

  it('asks for the record that is open, at the URL the profile names', async () => {
    source.answerCardWith(cardExample('member'));
    await on(CONTACT, async ({ page }) => {
      await page.getByText('Grace Hopper has referred').waitFor();
      expect(source.cardRequests.at(-1)).toBe(
        'https://wonward.test/hubspot/cards/contact?objectId=101&objectTypeId=0-1',
      );
    });
  });

  it('continues a long list', async () => {
    source.answerCardWith(cardExample('long-list'), cardExample('long-list-page-2'));
    await on(CONTACT, async ({ page }) => {
      await page.getByRole('button', { name: 'Show more referrals' }).click();
      await page.getByText('Stephanie Shirley').waitFor();
      expect(await page.locator('.card .c-tile').count()).toBe(13);
    });
  });

  it('shows a change by itself, as soon as Wonward has written it to the record', async () => {
    source.answerCardWith(cardExample('waiting'));
    await on(CONTACT, async ({ page }) => {
      await page.getByText('2 rewards wait for something').waitFor();
      source.answerCardWith(cardExample('held'));
      source.mirror('wonward_last_reward', '1200.00 EUR, on hold');
      await page.getByText('the hold of 14 days is running').first().waitFor();
      await page.getByText('1200.00 EUR, on hold').waitFor();
      expect(await page.getByText('2 rewards wait').count()).toBe(0);
    });
  });

  it('opens the conditions with the keyboard alone', async () => {
    source.answerCardWith(cardExample('member'));
    await on(CONTACT, async ({ page }) => {
      const conditions = page.getByRole('button', { name: 'Conditions: 2 of 3 met' });
      await conditions.focus();
      expect(await conditions.getAttribute('aria-expanded')).toBe('false');
      await page.keyboard.press('Enter');
      await page.getByRole('cell', { name: 'Contract sent' }).waitFor();
      await page.keyboard.press('Space');
      expect(await conditions.getAttribute('aria-expanded')).toBe('false');
    });
  });

  it('leads from a referral to the friend’s record here, not to HubSpot', async () => {
    source.answerCardWith(cardExample('member'));
    await on(CONTACT, async ({ page }) => {
      const link = page.locator('.card').getByRole('link', { name: 'Ada Lovelace' });
      expect(await link.getAttribute('href')).toBe('/portals/48000001/contacts/102');
      await link.click();
      await page.getByRole('heading', { level: 1, name: 'Ada Lovelace' }).waitFor();
    });
  });

  it('writes money the way of the reader', async () => {
    source.answerCardWith(cardExample('held'));
    await on(CONTACT, async ({ page }) => void (await page.getByText('1.200,00 €').first().waitFor()), {
      locale: 'de-DE',
    });
  });

  it.each([360, 768, 1100])('fits a window of %i pixels', async (width) => {
    const example = structuredClone(cardExample('long-list-page-2')) as CardOk;
    source.answerCardWith(example);
    await on(
      CONTACT,
      async ({ page }) => {
        await page.getByText('Stephanie Shirley').waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        expect(await accessibilityViolations(page)).toEqual([]);
      },
      { width },
    );
  });

  it('takes the code that the friend gave', async () => {
    source.answerCardWith(cardExample('none'));
    await on(CONTACT, async ({ page }) => {
      await page.getByRole('textbox', { name: 'Referral code' }).fill('GRACE7');
      await page.getByRole('textbox', { name: 'Referral code' }).press('Enter');
      await expect.poll(() => source.updates.at(-1)).toEqual({ wonward_referral_code: 'GRACE7' });
    });
  });
});

describe('the deal record', () => {
  it('moves the deal with a click on its stage', async () => {
    await on(DEAL, async ({ page }) => {
      await page.getByRole('button', { name: 'Closed Won' }).click();
      await page.getByText('Deal moved to Closed Won.').waitFor();
      expect(source.updates.at(-1)).toEqual({ dealstage: 'closedwon' });
      await expect
        .poll(() => page.getByRole('button', { name: 'Closed Won' }).getAttribute('aria-current'))
        .toBe('step');
    });
  });

  it('takes a new amount, and says why it does not take another', async () => {
    await on(DEAL, async ({ page }) => {
      await page.getByLabel('Amount', { exact: true }).last().fill('8000');
      await page.getByLabel('Amount', { exact: true }).last().press('Enter');
      await page.getByText('Amount saved.').waitFor();
      await page.getByText('€8,000.00').waitFor();
    });
    const refused = await openPage(browser, `${pages.url}${DEAL}`);
    await refused.page.getByLabel('Amount', { exact: true }).last().fill('a lot');
    await refused.page.getByLabel('Amount', { exact: true }).last().press('Enter');
    await refused.page.getByText('a lot was not a valid number.').waitFor();
    await refused.close();
  });

  it('links to its contacts, and axe finds nothing', async () => {
    await on(DEAL, async ({ page }) => {
      await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
    });
  });

  it('sends a webhook again', async () => {
    await on(DEAL, async ({ page }) => {
      await page.getByRole('button', { name: /^Send again: Deal: amount/ }).click();
      await page.getByText('Webhook sent again.').waitFor();
      expect(source.resent).toContain('d2');
    });
  });
});

describe('the judges of these tests', () => {
  it('would have caught what axe forbids, an error, and a request to elsewhere', async () => {
    const { page, complaints, strangers, close } = await openPage(browser, `${pages.url}${HOME}`);
    await page.getByText('Webhook deliveries').waitFor();
    // Styles go in by script: the policy refuses them in markup, too.
    await page.evaluate(`{
      const main = document.querySelector('main');
      main.insertAdjacentHTML('beforeend', '<p id="pale">pale</p><button></button><img src="https://elsewhere.example/a.png">');
      Object.assign(document.querySelector('#pale').style, { color: '#bbb', background: '#fff' });
    }`);
    expect((await accessibilityViolations(page)).map((sentence) => sentence.split(':')[0])).toEqual(
      expect.arrayContaining(['color-contrast', 'button-name', 'image-alt']),
    );
    // The page's own policy stops it before it leaves; the attempt is seen all the same.
    expect(complaints.join()).toContain('Content Security Policy');
    expect(strangers).toEqual(['https://elsewhere.example/a.png']);
    await close();
  });
});

describe('the home pages', () => {
  it.each(['/', HOME])('list what is there, and axe finds nothing on %s', async (path) => {
    await on(path, async ({ page }) => {
      await page.getByText('Hopper & Sons').first().waitFor();
      if (path === HOME) await page.getByRole('link', { name: /Katherine Johnson/ }).waitFor();
      else await page.getByText('Second customer').waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
    });
  });

  it('say that a record is not there', async () => {
    const opened = await openPage(browser, `${pages.url}/portals/${STUB_PORTAL}/contacts/999`);
    await opened.page.getByRole('alert').getByText('There is no such record in this portal.').waitFor();
    await opened.close();
  });
});

describe('the pages’ own API', () => {
  it.each<[string, RequestInit]>([
    ['another site’s script', { headers: { 'sec-fetch-site': 'cross-site' } }],
    [
      'a form without JSON',
      { method: 'POST', body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
  ])('refuses %s', async (_, init) => {
    const path = init.method === 'POST' ? '/deliveries/d1/send-again' : '';
    const before = source.resent.length;
    const response = await fetch(`${pages.url}/_sandbox/pages/data/portals/${STUB_PORTAL}${path}`, init);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(source.resent).toHaveLength(before);
  });
});
