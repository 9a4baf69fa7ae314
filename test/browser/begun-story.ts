import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../src/platform/clock.ts';
import { createCrm } from '../../src/sandbox/demo/crm.ts';
import { createOrg } from '../../src/sandbox/demo/org.ts';
import { runStory } from '../../src/sandbox/demo/run-story.ts';
import { createScene, type Scene } from '../../src/sandbox/demo/scene.ts';
import { install } from '../../src/sandbox/demo/steps/connect.ts';
import { contacts, deal, referral } from '../../src/sandbox/demo/steps/refer.ts';
import { createWonward } from '../../src/sandbox/demo/wonward.ts';
import { startWorld, type World } from '../../src/sandbox/demo/world.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';

/** Screenshots of every state, for somebody who wants to look. */
const SCREENSHOTS = process.env.SCREENSHOTS;

/** The service and the local HubSpot, and in it what the demo begins with: a member, a friend, their referral and an open deal. */
export interface BegunStory {
  readonly world: World;
  readonly scene: Scene;
  readonly browser: Browser;
  /** A page of the portal. */
  open(path: string, width?: number): Promise<Page>;
  /** Any page; what it complains of is complained of like all else. */
  openUrl(url: string, size: { readonly width: number; readonly height: number }): Promise<Page>;
  /** Whatever the page shows, a person with a screen reader or a keyboard gets it too, and nothing went wrong unseen. */
  expectSound(page: Page, name: string): Promise<void>;
  /** A contact of the user who looks at the CRM's pages, with a deal that is won: Mary Somerville. Returns her id. */
  addBuyer(): Promise<string>;
  /** Who may act on the cards; null for everybody. */
  setCardActors(users: readonly string[] | null): Promise<void>;
  close(): Promise<void>;
}

export async function beginStory(): Promise<BegunStory> {
  const [world, browser] = await Promise.all([startWorld(), launchBrowser()]);
  const scene = createScene(
    createCrm(world.crmUrl, world.portalId),
    createOrg(world.orgUrl, world.orgId, world.orgPagesUrl),
    createWonward(world.serviceUrl, world.apiKey),
  );
  const silent = { onBegin: () => undefined, onEnd: () => undefined };
  const begun = await runStory([install(), contacts, referral, deal], scene, { clock: systemClock, audience: silent });
  expect(begun.flatMap(({ problems }) => problems)).toEqual([]);
  const opened: OpenedPage[] = [];

  async function openUrl(url: string, size: { readonly width: number; readonly height: number }): Promise<Page> {
    const one = await openPage(browser, url, size);
    opened.push(one);
    return one.page;
  }

  return {
    world,
    scene,
    browser,
    openUrl,
    open: (path, width = 1_360) => openUrl(`${world.crmUrl}/portals/${world.portalId}/${path}`, { width, height: 900 }),
    async expectSound(page, name) {
      if (SCREENSHOTS !== undefined) await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
      expect(await page.locator('.c-gap').count(), 'components that are not drawn').toBe(0);
      expect(await accessibilityViolations(page)).toEqual([]);
      // A QR code is the service's own picture, as permittedUrls.img says.
      const strangers = opened.flatMap((one) => one.strangers).filter((url) => !url.startsWith(world.serviceUrl));
      expect([...opened.flatMap(({ complaints }) => complaints), ...strangers]).toEqual([]);
    },
    async addBuyer() {
      const { users } = z
        .object({ users: z.array(z.object({ ownerId: z.string() })) })
        .parse(await (await fetch(`${world.crmUrl}/_sandbox/api/portals/${world.portalId}`)).json());
      const { id } = await scene.crm.create('contacts', {
        properties: {
          firstname: 'Mary',
          lastname: 'Somerville',
          email: 'mary@somerville.example',
          hubspot_owner_id: users[0]?.ownerId ?? '',
        },
      });
      const won = await scene.crm.create('deals', {
        properties: { dealname: 'Telescope', pipeline: 'default', dealstage: 'closedwon', amount: '900' },
      });
      await scene.crm.associate('deals', won.id, { toType: 'contacts', toId: id });
      return id;
    },
    async setCardActors(users) {
      const api = `${world.serviceUrl}/api/v1/connections`;
      const headers = { authorization: `Bearer ${world.apiKey}`, 'content-type': 'application/json' };
      const { items } = z
        .object({ items: z.array(z.object({ id: z.string() })) })
        .parse(await (await fetch(api, { headers })).json());
      const path = `${api}/${items[0]?.id}/card-actors`;
      expect((await fetch(path, { method: 'PUT', headers, body: JSON.stringify({ users }) })).status).toBe(200);
    },
    async close() {
      await browser.close();
      await world.close();
    },
  };
}
