import { Signature } from '@hubspot/api-client';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HubSpotSandbox } from '../../src/sandbox/hubspot/server.ts';
import { sandboxAppFromManifest } from '../../src/sandbox/web/manifest-app.ts';
import { startSandboxWithPages } from '../../src/sandbox/web/sandbox-with-pages.ts';
import { cardExample } from '../contracts/card-examples.ts';
import { accessibilityViolations, launchBrowser, openPage } from './browser.ts';
import { type StubService, startStubService } from './stub-service.ts';

const PORTAL = 48_000_001;
const CREDENTIALS = { appId: 50_780_459, clientId: 'client', clientSecret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy' };

let service: StubService;
let sandbox: HubSpotSandbox;
let browser: Browser;
let grace: string;
let deal: string;

beforeAll(async () => {
  service = await startStubService();
  const app = sandboxAppFromManifest(service.url, CREDENTIALS);
  const portals = [{ portalId: PORTAL, name: 'Hopper & Sons', companyCurrency: 'EUR', timeZone: 'Europe/Berlin' }];
  [sandbox, browser] = await Promise.all([
    startSandboxWithPages({ app, portals, webhookBatchDelayMs: 5 }, service.url),
    launchBrowser(),
  ]);
  const { control } = sandbox;
  control.install(PORTAL);
  control.createLabel(PORTAL, 'contacts', 'contacts', {
    label: 'Referred by',
    inverseLabel: 'Referred',
    name: 'referred_by',
  });
  grace = control.createRecord(PORTAL, 'contacts', {
    properties: { email: 'grace@hopper.example', firstname: 'Grace', lastname: 'Hopper' },
  }).id;
  const ada = control.createRecord(PORTAL, 'contacts', {
    properties: { email: 'ada@lovelace.example', firstname: 'Ada', lastname: 'Lovelace' },
    associations: [{ toType: 'contacts', toId: grace, labels: ['Referred by'] }],
  }).id;
  deal = control.createRecord(PORTAL, 'deals', {
    properties: { dealname: 'Analytical engine', pipeline: 'default', dealstage: 'contractsent', amount: '12000' },
    associations: [{ toType: 'contacts', toId: ada }],
  }).id;
  await sandbox.idle();
});
afterAll(async () => {
  await browser?.close();
  await sandbox?.close();
  await service?.close();
});

describe('the pages over the local HubSpot', () => {
  it('list the records of a portal', async () => {
    const { page, complaints, close } = await openPage(browser, `${sandbox.url}/portals/${PORTAL}`);
    await page.getByRole('link', { name: /Ada Lovelace/ }).waitFor();
    await page.getByText('€12,000.00').waitFor();
    await page.getByText('Contact: creation').first().waitFor();
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('fetch for the card through HubSpot’s signing proxy, so that portal and signature are HubSpot’s', async () => {
    service.answerCardWith(cardExample('member'));
    const { page, complaints, close } = await openPage(browser, `${sandbox.url}/portals/${PORTAL}/contacts/${grace}`);
    await page.getByText('Grace Hopper has referred 4 friends, 1 won.').waitFor();
    const request = service.cardRequests.at(-1);
    const url = new URL(request?.url ?? '', service.url);
    expect(url.searchParams.get('portalId')).toBe(String(PORTAL));
    expect(url.searchParams.get('objectId')).toBe(grace);
    const timestamp = Number(request?.headers['x-hubspot-request-timestamp']);
    // HubSpot signs the URL with "@" and a few other characters decoded.
    const signed = {
      clientSecret: CREDENTIALS.clientSecret,
      requestBody: '',
      timestamp,
      url: url.href.replaceAll('%40', '@'),
    };
    const signature = String(request?.headers['x-hubspot-signature-v3']);
    expect(signature).toBe(Signature.getSignature('GET', 'v3', { ...signed, signature }));
    const association = page.locator('.record-right').getByRole('link', { name: /Ada Lovelace/ });
    expect(await association.innerText()).toContain('Referred');
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('move a deal by hand: HubSpot tells the service, the log shows it, and it can be sent again', async () => {
    const { page, complaints, close } = await openPage(browser, `${sandbox.url}/portals/${PORTAL}/deals/${deal}`);
    const before = service.webhooks.length;
    await page.getByRole('button', { name: 'Closed Won' }).click();
    const delivery = page.getByRole('listitem').filter({ hasText: 'Deal: dealstage = closedwon' });
    await delivery.getByText('200').waitFor();
    expect(service.webhooks.slice(before).map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      [
        expect.objectContaining({
          subscriptionType: 'object.propertyChange',
          propertyName: 'dealstage',
          propertyValue: 'closedwon',
          changeSource: 'CRM_UI',
        }),
      ],
    ]);
    await delivery.getByRole('button', { name: /^Send again/ }).click();
    await delivery.getByText('2 attempts').waitFor();
    expect(service.webhooks.slice(before)).toHaveLength(2);
    expect(await accessibilityViolations(page)).toEqual([]);
    expect(complaints).toEqual([]);
    await close();
  });

  it('say in HubSpot’s words why an amount is refused', async () => {
    const { page, close } = await openPage(browser, `${sandbox.url}/portals/${PORTAL}/deals/${deal}`);
    await page.getByLabel('Amount', { exact: true }).last().fill('a lot');
    await page.keyboard.press('Enter');
    await page.locator('.toast.is-danger').waitFor();
    expect(await page.locator('.toast.is-danger').innerText()).not.toMatch(/[[\]{}]/);
    await close();
  });

  it('tell the card that an app which is not installed may not ask', async () => {
    sandbox.control.uninstall(PORTAL);
    const { page, close } = await openPage(browser, `${sandbox.url}/portals/${PORTAL}/contacts/${grace}`);
    await page.getByText('Reference: http_403').waitFor();
    await close();
    sandbox.control.install(PORTAL);
  });
});
