import type { Browser, Page } from 'playwright-core';
import { afterEach, expect } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import type { Stack } from '../support/stack.ts';
import { accessibilityViolations, type OpenedPage, openPage } from './browser.ts';

/** Pays members by hand and friends in credit. */
export const BY_HAND_AND_IN_CREDIT: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    { key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'manual' },
    {
      key: 'friend-won',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      payout: 'credit',
    },
  ],
};

/** Screenshots of every screen, for somebody who wants to look. */
const SCREENSHOTS = process.env.SCREENSHOTS;

export type Roles = Parameters<Stack['service']['container']['signIn']['invite']>[0]['roles'];

/** Opens the console as somebody with these roles, by a link as the command line makes it. */
export async function enterConsole(
  stack: Pick<Stack, 'service' | 'accountId'>,
  browser: Browser,
  { email, roles, width = 1_280 }: { email: string; roles: Roles; width?: number },
): Promise<OpenedPage> {
  const { signIn } = stack.service.container;
  const { link } = await signIn.invite({ accountId: stack.accountId, roles }, email, null);
  const one = await openPage(browser, link, { width, height: 900 });
  await one.page.getByRole('button', { name: 'Sign in' }).click();
  await one.page.getByRole('banner').waitFor();
  return one;
}

/**
 * Enters as one person after the other; what a test has opened is closed behind it. The stack and the browser are asked for when they are
 * needed, since they start with the file.
 */
export function visiting(use: () => { readonly stack: Stack; readonly browser: Browser }) {
  const opened: OpenedPage[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });
  return {
    async enter(email: string, roles: Roles, width?: number): Promise<OpenedPage> {
      const { stack, browser } = use();
      const one = await enterConsole(stack, browser, { email, roles, ...(width === undefined ? {} : { width }) });
      opened.push(one);
      return one;
    },
    /** The address of a page of the account. */
    at(path: string): string {
      const { stack } = use();
      return `${stack.publicUrl}/console/${stack.accountId}/${path}`;
    },
    /** Something else that is closed behind the test. */
    alsoClose: (one: OpenedPage) => void opened.push(one),
  };
}

/** What a browser writes when the service refuses something, which these stories ask for. */
const REFUSED = /^Failed to load resource: the server responded with a status of (400|403|404|409|422)/;

/** Where somebody wants to look. */
export async function shoot(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/console-${name}.png`, fullPage: true });
}

/** Everybody can use the page as it stands, and nothing went wrong unseen. */
export async function expectSoundPage(
  { page, complaints, strangers }: OpenedPage,
  name: string,
  { mayBeRefused = false } = {},
): Promise<void> {
  // What fades in is judged, and shown, when it is there.
  await page.evaluate('Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => null)))');
  await shoot(page, name);
  expect(await accessibilityViolations(page)).toEqual([]);
  const said = mayBeRefused ? complaints.filter((text) => !REFUSED.test(text)) : complaints;
  expect([...said, ...strangers]).toEqual([]);
}
