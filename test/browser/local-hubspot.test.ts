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
  const app = sandboxAppFromManifest(service.url, CREDENTIALS, true);
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

  it('show on the timeline of a contact what apps have told it, the newest first, with where it leads', async () => {
    const { code } = sandbox.control.install(PORTAL);
    const granted = await fetch(`${sandbox.url}/oauth/2026-03/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: CREDENTIALS.clientId,
        client_secret: CREDENTIALS.clientSecret,
        redirect_uri: `${service.url}/oauth/hubspot/callback`,
        code,
      }),
    });
    const { access_token: token } = (await granted.json()) as { access_token: string };
    const told = (id: string, news: string, headline: string, more: object = {}) => ({
      eventTypeName: news === 'begun' || news === 'won' ? 'wonward_referral_event' : 'wonward_reward_event',
      id,
      objectId: grace,
      timestamp: `2026-11-2${id}T09:30:00.000Z`,
      properties: {
        news,
        headline,
        role: 'member',
        program: 'Friends of Hopper',
        link: `${service.url}/x/${id}`,
        ...more,
      },
    });
    const reward = { amount: '1200.00', currency: 'EUR' };
    const inputs = [
      told('1', 'begun', 'Referred somebody'),
      told('2', 'granted', 'Reward of 1200.00 EUR', { ...reward, reason: 'Every condition is met.' }),
    ];
    const answer = await fetch(`${sandbox.url}/integrators/timeline/2026-03/events/batch`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ inputs }),
    });
    expect(answer.status).toBe(200);
    const { page, complaints, close } = await openPage(browser, `${sandbox.url}/portals/${PORTAL}/contacts/${grace}`);
    const activity = page.getByRole('region', { name: 'Activity' });
    await activity.getByRole('link', { name: 'Reward of 1200.00 EUR' }).waitFor();
    const entries = await activity.getByRole('listitem').allInnerTexts();
    expect(entries.map((text) => text.split('\n')[0])).toEqual(['Reward of 1200.00 EUR', 'Referred somebody']);
    expect(entries[0]).toContain('Every condition is met.');
    expect(await activity.getByRole('link').first().getAttribute('href')).toBe(`${service.url}/x/2`);
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
