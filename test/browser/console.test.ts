import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';

/** Screenshots of every screen, for somebody who wants to look. */
const SCREENSHOTS = process.env.SCREENSHOTS;

let stack: Stack;
let browser: Browser;
const opened: OpenedPage[] = [];

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

/** Opens the console as somebody with these roles, by a link as the command line makes it. */
async function enter(email: string, roles: Parameters<typeof invite>[1], width = 1_280): Promise<OpenedPage> {
  const { link } = await invite(email, roles);
  const one = await openPage(browser, link, { width, height: 900 });
  opened.push(one);
  await one.page.getByRole('button', { name: 'Sign in' }).click();
  await one.page.getByRole('navigation').waitFor();
  return one;
}

function invite(email: string, roles: Parameters<Stack['service']['container']['signIn']['invite']>[0]['roles']) {
  return stack.service.container.signIn.invite({ accountId: stack.accountId, roles }, email, null);
}

async function expectSound({ page, complaints, strangers }: OpenedPage, name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/console-${name}.png`, fullPage: true });
  expect(await accessibilityViolations(page)).toEqual([]);
  expect([...complaints, ...strangers]).toEqual([]);
}

describe('getting in', () => {
  test('an invited owner presses the button, is in, and the link works no second time', async () => {
    const { link } = await invite('ada@acme.test', ['owner']);
    const first = await openPage(browser, link);
    opened.push(first);
    await expectSound(first, 'sign-in-link');
    await first.page.getByRole('button', { name: 'Sign in' }).click();
    await first.page.getByRole('link', { name: 'Account', exact: true }).click();
    await first.page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
    await expectSound(first, 'account');
    const second = await openPage(browser, link);
    opened.push(second);
    await second.page.getByRole('button', { name: 'Sign in' }).click();
    await second.page.getByText('The link was used before, or its time is over. Ask for a new one.').waitFor();
  });
});

describe('the settings', () => {
  test('invite somebody, change roles, take somebody out; every step is in the log', async () => {
    const one = await enter('grace@acme.test', ['owner']);
    const { page } = one;
    await page.getByRole('link', { name: 'People and roles' }).click();
    await page.getByRole('form', { name: 'Invite' }).getByLabel('E-mail address').fill('rex@acme.test');
    await page.getByRole('form', { name: 'Invite' }).getByLabel('Roles').press('ArrowDown');
    await page.getByRole('option', { name: 'Reviewer' }).click();
    await page.getByRole('form', { name: 'Invite' }).getByRole('button', { name: 'Invite' }).click();
    await page.getByText('No letter was sent. Hand this link to rex@acme.test').waitFor();
    await page.getByRole('row', { name: /rex@acme.test Invited/ }).waitFor();
    await expectSound(one, 'users');
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page
      .getByRole('row', { name: /grace@acme.test Console inviteUser/ })
      .getByRole('button')
      .click();
    await page.getByText('"email": "rex@acme.test"').waitFor();
    await page.getByText('"omitted": "secret"').waitFor();
    await expectSound(one, 'audit-log');
  });

  test('a reviewer is shown no settings, and is told by whom if they open one', async () => {
    const one = await enter('rita@acme.test', ['reviewer']);
    const { page } = one;
    await page.goto(`${stack.publicUrl}/console/${stack.accountId}/settings/users`);
    await page.getByText('An owner of the account can give you the permission “users.write”.').waitFor();
    await expectSound(one, 'refused');
  });
});
