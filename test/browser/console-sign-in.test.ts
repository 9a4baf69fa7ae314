import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type MailServer, startMailServer } from '../support/mail-server.ts';
import { type OpenIdServer, startOpenIdProvider } from '../support/openid-provider.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';

let directory: string;
let stack: Stack;
let browser: Browser;
let mail: MailServer;
let openId: OpenIdServer;
const opened: OpenedPage[] = [];

beforeAll(async () => {
  mail = await startMailServer();
  directory = await mkdtemp(join(tmpdir(), 'wonward-sign-in-'));
  stack = await startStack({ databaseUrl: `sqlite:${join(directory, 'wonward.db')}` });
  openId = await startOpenIdProvider(`${stack.publicUrl}/console/openid/callback`);
  await stack.stop();
  await stack.start({
    SMTP_URL: mail.url,
    MAIL_FROM: 'Wonward <referrals@acme.test>',
    OIDC_ISSUER: openId.issuer,
    OIDC_CLIENT_ID: openId.clientId,
    OIDC_CLIENT_SECRET: openId.clientSecret,
    OIDC_NAME: 'Acme Login',
  });
  browser = await launchBrowser();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});
afterAll(async () => {
  await browser?.close();
  await stack?.close();
  await mail?.close();
  await openId?.close();
  await rm(directory, { recursive: true, force: true });
});

async function open(path: string): Promise<OpenedPage> {
  const one = await openPage(browser, `${stack.publicUrl}${path}`);
  opened.push(one);
  return one;
}

/** Gives a seat the way an owner does, and uses the link that came by mail. */
async function seat(email: string): Promise<void> {
  const { accountId } = stack;
  const { link, isSent } = await stack.service.container.signIn.invite({ accountId, roles: ['owner'] }, email, null);
  expect(isSent).toBe(true);
  const letter = mail.letters.find(({ to }) => to === email);
  expect(letter?.from).toBe('referrals@acme.test');
  expect(letter?.text).toContain(link);
  const token = new URL(link).hash.slice(1);
  expect(await stack.service.container.signIn.redeem(token)).not.toBeNull();
}

test('a link by mail: the form, the letter, the button, the console', async () => {
  await seat('ada@acme.test');
  const { page } = await open('/console/');
  await page.getByLabel('Your e-mail address').fill('not an address');
  await page.getByRole('button', { name: 'Send me a link' }).click();
  await page.getByText('Write a whole e-mail address').waitFor();
  expect(await accessibilityViolations(page)).toEqual([]);
  await page.getByLabel('Your e-mail address').fill('ada@acme.test');
  await page.getByRole('button', { name: 'Send me a link' }).click();
  await page.getByText('If ada@acme.test has a seat here, a link is on its way.').waitFor();
  await expect.poll(() => mail.letters.filter(({ to }) => to === 'ada@acme.test').length).toBe(2);
  const link = /http\S+/.exec(mail.letters.at(-1)?.text ?? '')?.[0] ?? '';
  await page.goto(link);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('banner').waitFor();
});

test('an OpenID provider: whoever has a seat and a verified address is in, also after the address has changed there', async () => {
  await seat('grace@acme.test');
  openId.signsInAs({ subject: 'g-1', email: 'Grace@acme.test', emailVerified: true });
  const first = await open('/console/');
  await first.page.getByRole('link', { name: 'Continue with Acme Login' }).click();
  await first.page.getByRole('banner').waitFor();
  openId.signsInAs({ subject: 'g-1', email: 'grace.hopper@acme.test', emailVerified: false });
  const second = await open('/console/');
  await second.page.getByRole('link', { name: 'Continue with Acme Login' }).click();
  await second.page.getByRole('banner').waitFor();
});

test('an OpenID provider: without a seat, or with an address that nobody verified, one is told what to do', async () => {
  await seat('rex@acme.test');
  openId.signsInAs({ subject: 'r-1', email: 'rex@acme.test', emailVerified: false });
  const unverified = await open('/console/openid');
  await unverified.page.getByText('Acme Login does not say that your e-mail address is yours.').waitFor();
  openId.signsInAs({ subject: 's-1', email: 'stranger@acme.test', emailVerified: true });
  const stranger = await open('/console/openid');
  await stranger.page.getByText('You have no seat here. Ask an owner of the account to invite you.').waitFor();
  expect(await accessibilityViolations(stranger.page)).toEqual([]);
});

test('a callback that this browser did not begin signs nobody in', async () => {
  await seat('eve@acme.test');
  openId.signsInAs({ subject: 'e-1', email: 'eve@acme.test', emailVerified: true });
  // Eve begins, and has her victim's browser finish.
  const eve = await open('/console/session/ways');
  const forVictim = eve.page.waitForRequest(/\/console\/openid\/callback/);
  await eve.page.route(/\/console\/openid\/callback/, (route) => route.abort());
  await eve.page.goto(`${stack.publicUrl}/console/openid`).catch(() => undefined);
  const callback = (await forVictim).url();
  const victim = await open('/console/session/ways');
  await victim.page.goto(callback);
  await victim.page.getByText('Begin again from the sign-in page.').waitFor();
});
