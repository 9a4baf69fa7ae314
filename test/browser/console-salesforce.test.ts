import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SalesforceStack, startSalesforceStack } from '../support/salesforce.ts';
import { launchBrowser } from './browser.ts';
import { enterConsole, expectSoundPage } from './console.ts';

let org: SalesforceStack;
let browser: Browser;
beforeAll(async () => {
  [org, browser] = await Promise.all([startSalesforceStack(), launchBrowser()]);
  const { status, page } = await org.install();
  expect(status, page).toBe(200);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await org?.close();
});

test('an admin sets which share of an org’s calls of a day is taken, and takes that back', async () => {
  const { id } = await org.connection();
  const path = `${org.stack.publicUrl}/console/${org.stack.accountId}/connections/${id}/health`;
  const admin = await enterConsole(org.stack, browser, { email: 'admin@acme.example', roles: ['architect'] });
  await admin.page.goto(path);
  const share = admin.page.getByLabel('Share of the daily calls');
  await share.fill('30');
  await admin.page.getByRole('button', { name: 'Save the share' }).click();
  await admin.page.getByText('It holds from the next call on').waitFor();
  await expectSoundPage(admin, 'connection-share');
  expect((await org.stack.api('GET', `/connections/${id}`)).body.callShare).toBe(30);
  await share.fill('');
  await admin.page.getByRole('button', { name: 'Save the share' }).click();
  await expect.poll(async () => (await org.stack.api('GET', `/connections/${id}`)).body.callShare).toBeNull();
  await admin.close();
}, 120_000);
