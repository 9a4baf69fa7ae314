import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, test } from 'vitest';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser, type OpenedPage, openPage } from './browser.ts';
import { enterConsole, expectSoundPage, type Roles } from './console.ts';

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

async function enter(email: string, roles: Roles): Promise<OpenedPage> {
  const one = await enterConsole(stack, browser, { email, roles });
  opened.push(one);
  return one;
}

function invite(email: string, roles: Roles) {
  return stack.service.container.signIn.invite({ accountId: stack.accountId, roles }, email, null);
}

describe('getting in', () => {
  test('an invited owner presses the button, is in, and the link works no second time', async () => {
    const { link } = await invite('ada@acme.test', ['owner']);
    const first = await openPage(browser, link);
    opened.push(first);
    await expectSoundPage(first, 'sign-in-link');
    await first.page.getByRole('button', { name: 'Sign in' }).click();
    await first.page.getByRole('link', { name: 'Account', exact: true }).click();
    await first.page.getByRole('heading', { level: 1, name: 'Account' }).waitFor();
    await expectSoundPage(first, 'account');
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
    await expectSoundPage(one, 'users');
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page
      .getByRole('row', { name: /grace@acme.test Console inviteUser/ })
      .getByRole('button')
      .click();
    await page.getByText('"email": "rex@acme.test"').waitFor();
    await page.getByText('"omitted": "secret"').waitFor();
    await expectSoundPage(one, 'audit-log');
  });

  test('a reviewer is shown no settings, and is told by whom if they open one', async () => {
    const one = await enter('rita@acme.test', ['reviewer']);
    const { page } = one;
    await page.goto(`${stack.publicUrl}/console/${stack.accountId}/settings/users`);
    await page.getByText('An owner of the account can give you the permission “users.write”.').waitFor();
    await expectSoundPage(one, 'refused');
  });
});
