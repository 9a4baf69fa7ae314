import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { accessibilityViolations, launchBrowser } from '../browser/browser.ts';
import { startHttp, type TestAccount, type TestService } from './service.ts';

let browser: Browser;
let service: TestService;
let account: TestAccount;

beforeAll(async () => {
  [browser, service] = await Promise.all([launchBrowser(), startHttp()]);
  account = await service.createAccount('Acme');
});
afterAll(async () => {
  await browser?.close();
  await service?.close();
});

async function callback(code: string): Promise<string> {
  const begun = (await (await account.post('/connections/install', { provider: 'hubspot' })).json()) as { url: string };
  const state = new URL(begun.url).searchParams.get('state') ?? '';
  return `/oauth/hubspot/callback?${new URLSearchParams({ code, state })}`;
}

async function codePath(): Promise<string> {
  const member = (await (await account.post('/members', { email: 'a@example.com' })).json()) as { code: string };
  return `/r/${member.code}`;
}

test.each<[string, () => Promise<string>]>([
  ['an install that worked', () => callback('code-48000001')],
  ['an install that failed', () => callback('code-used')],
  ['an install that was declined', async () => '/oauth/hubspot/callback?error=access_denied'],
  ['a share link', codePath],
  ['a share link that is not valid', async () => '/r/x'],
])(
  'the page of %s is styled under its own policy, fits a phone, and axe finds nothing, light and dark',
  async (_, pathOf) => {
    const path = await pathOf();
    // axe is a script, which the page's policy forbids; the page itself is loaded once more without it, to see that its style is not.
    const strict = await browser.newContext({ viewport: { width: 360, height: 740 } });
    const page = await strict.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    await page.route('**/favicon.ico', (route) => route.fulfill({ status: 204 }));
    const response = await page.goto(`${service.url}${path}`);
    expect(complaints.filter((text) => !text.includes('Failed to load resource'))).toEqual([]);
    expect(await page.evaluate("getComputedStyle(document.querySelector('main')).borderTopWidth")).toBe('4px');
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true);
    const html = (await response?.text()) ?? '';
    await strict.close();

    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ bypassCSP: true, colorScheme, viewport: { width: 360, height: 740 } });
      const judged = await context.newPage();
      await judged.setContent(html);
      if (process.env.SHOTS)
        await judged.screenshot({
          path: `${process.env.SHOTS}/${path.replace(/\W+/g, '_').slice(0, 30)}-${colorScheme}.png`,
          fullPage: true,
        });
      expect(await accessibilityViolations(judged)).toEqual([]);
      await context.close();
    }
  },
);
