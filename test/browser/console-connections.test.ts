import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScene, type Scene } from '../stories/scene.ts';
import { PORTAL, type Stack, startStack } from '../support/stack.ts';
import { launchBrowser, type OpenedPage } from './browser.ts';
import { expectSoundPage, type Roles, visiting } from './console.ts';

const DAY_MS = 86_400_000;
const OTHERS_PORTAL = PORTAL + 1;
/** More than two pages of a search. */
const OF_THE_PAST = 450;
/** A page of it takes so long that somebody can look and press a button. */
const SLOW_MS = 3_000;

/** A won stage that is called neither "won" nor "closedwon". */
const PIPELINES = [
  {
    pipelineId: 'vertrieb',
    label: 'Vertrieb',
    stages: [
      { stageId: 's1', label: 'Erstkontakt', probability: '0.1' },
      { stageId: 's2', label: 'Angebot', probability: '0.5' },
      { stageId: 's3', label: 'Unterschrieben', probability: '1.0', isClosed: true },
      { stageId: 's4', label: 'Abgesagt', probability: '0.0', isClosed: true },
    ],
  },
];

const USERS = [
  { userId: 11, email: 'olga@acme.test', firstName: 'Olga', lastName: 'Owner' },
  { userId: 12, email: 'rita@acme.test', firstName: 'Rita', lastName: 'Rep' },
];

/** A write is tried five times before it waits for a person: half a minute. */
const PATIENCE = { timeout: 60_000 };

let stack: Stack;
let scene: Scene;
let browser: Browser;
const visits = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([
    startStack({
      program: null,
      sandbox: {
        portals: [
          { portalId: PORTAL, name: 'Acme', companyCurrency: 'EUR', pipelines: PIPELINES, users: USERS },
          { portalId: OTHERS_PORTAL, name: 'Other', companyCurrency: 'EUR' },
        ],
      },
    }),
    launchBrowser(),
  ]);
  scene = createScene(stack);
  const now = stack.clock.now();
  const [portal] = stack.sandbox.control.portals();
  const owners = portal?.users.map(({ ownerId }) => ownerId) ?? [];
  for (let index = 0; index < 24; index += 1) {
    const at = now - (350 - index * 14) * DAY_MS;
    const hubspot_owner_id = owners[index % 3] ?? '';
    const deal = scene.deal([], { pipeline: 'vertrieb', dealstage: 's1', hubspot_owner_id }, at);
    if (index % 3 === 0) scene.edit('deal', deal, { dealstage: 's2' }, at + 2 * DAY_MS);
    scene.edit('deal', deal, { dealstage: index % 6 === 0 ? 's3' : 's4' }, at + 5 * DAY_MS);
  }
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

async function enter(email: string, roles: Roles, path: string): Promise<OpenedPage> {
  const one = await visits.enter(email, roles);
  await one.page.goto(visits.at(path));
  return one;
}

/** Presses Tab until something with this name has the focus, as a person without a mouse does. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 80; presses += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(
      "document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent?.trim() ?? ''",
    );
    if (focused === name) return;
  }
  throw new Error(`"${name}" is not reached with the keyboard`);
}

describe('an admin', () => {
  test('goes from nothing to the first reward, and can leave and come back at each step', async () => {
    const one = await enter('olga@acme.test', ['owner'], 'onboarding');
    const { page } = one;
    await page.getByRole('heading', { level: 2, name: 'Connect your CRM' }).waitFor();
    await page.getByRole('button', { name: 'Make the link' }).click();
    const link = page.getByRole('link', { name: 'Open the consent page' });
    await link.waitFor();
    await expectSoundPage(one, 'onboarding-connect');
    const consent = await page.context().newPage();
    await consent.goto((await link.getAttribute('href')) ?? '');
    await consent.getByRole('link', { name: 'Continue to HubSpot’s consent page' }).click();
    await consent.getByLabel('Account and user').selectOption({ index: 0 });
    await consent.getByRole('button', { name: 'Connect app' }).click();
    await consent.getByRole('heading', { name: 'HubSpot is connected' }).waitFor();
    await consent.close();
    await page.getByRole('navigation', { name: 'Steps' }).getByText('1. Connect your CRM').click();
    await page.getByText(/HubSpot 147000001 is connected since/).waitFor();
    await page.reload();
    await page.getByRole('navigation', { name: 'Steps' }).getByText('2. Say what stages mean').click();
    await scene.sweep();
    await page.getByText('As it is now, Vertrieb is won in: Unterschrieben.').waitFor();
    await expectSoundPage(one, 'onboarding-map');
    await page.getByRole('link', { name: 'Open the mapping' }).click();
    await page.getByRole('button', { name: 'Have a mapping proposed' }).click();
    await page.getByText('100 % of 24 deals of the last year passed a stage whose meaning is clear.').first().waitFor();
    await page.getByRole('button', { name: 'Take it over below' }).click();
    await expectSoundPage(one, 'mapping-proposed', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Try on history' }).click();
    await page.getByText('It would have paid exactly the same.').waitFor();
    await page.getByRole('button', { name: 'Bring into force' }).click();
    await page.getByText('In force.', { exact: true }).waitFor();
    await page.getByText('Accepted, and in force').waitFor();
    await expectSoundPage(one, 'mapping-in-force', { mayBeRefused: true });

    await page.getByRole('link', { name: 'Get started' }).click();
    await page.getByRole('heading', { level: 2, name: 'Choose a program' }).waitFor();
    await page.getByLabel('Business: both sides').check();
    await page.getByLabel('Name', { exact: true }).fill('Friends of Acme');
    await expectSoundPage(one, 'onboarding-program', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Write the draft' }).click();
    await page.getByRole('heading', { level: 1, name: 'Friends of Acme' }).waitFor();
    await page.getByRole('button', { name: 'Edit: Thank you for the referral' }).click();
    const rule = page.getByRole('region', { name: 'Thank you for the referral' });
    await rule.getByLabel('Days to wait').fill('0');
    await page.getByRole('button', { name: 'Save draft' }).click();
    await page.getByText('Draft saved as revision 2.').waitFor();

    await page.getByRole('link', { name: 'Get started' }).click();
    await page.getByRole('heading', { level: 2, name: 'Your brand' }).waitFor();
    await page.getByLabel('Colour', { exact: true }).fill('#0a6e5c');
    await expectSoundPage(one, 'onboarding-brand', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('navigation', { name: 'Steps' }).getByText('5. Test referral').click();

    // The draft is tried with a deal that really moves; nobody gets anything.
    const friend = scene.person('Grace Hopper', { email: 'grace@example.com' });
    await page.getByLabel('Who is referred').fill('nobody@example.com');
    await page.getByRole('button', { name: 'Begin the test' }).click();
    await page.getByText('The CRM has no such contact. Create it there first.').waitFor();
    await expectSoundPage(one, 'onboarding-test-refused', { mayBeRefused: true });
    expect(await page.getByLabel('Who is referred').inputValue()).toBe('nobody@example.com');
    await page.getByLabel('Who is referred').fill('grace@example.com');
    await page.getByRole('button', { name: 'Begin the test' }).dblclick();
    await page.getByText('Now it is your turn').waitFor();
    await expectSoundPage(one, 'onboarding-test-begun', { mayBeRefused: true });
    await page.reload();
    const deal = scene.deal([friend], { pipeline: 'vertrieb', dealstage: 's1', amount: '3000.00' });
    scene.edit('deal', deal, { dealstage: 's3' });
    await page.getByText('It works').waitFor();
    await page.getByText(/€150.00 for the member, issued.*ordered from “credit”/).waitFor();
    await page.getByText('The deal in the CRM shows it').waitFor();
    await stack.settle();
    expect(scene.show('deal', deal).wonward_reward_state).toContain('Test: ');
    await expectSoundPage(one, 'onboarding-test-won', { mayBeRefused: true });
    for (const list of ['referrals', 'rewards', 'members', 'journals', 'balances'])
      expect([list, (await stack.api('GET', `/${list}`)).body.items]).toEqual([list, []]);
    await page.getByRole('button', { name: 'End the test' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End the test' }).click();
    await page.getByText('The test has ended', { exact: true }).waitFor();
    await expectSoundPage(one, 'onboarding-test-ended', { mayBeRefused: true });
    await stack.settle();
    expect(scene.show('deal', deal).wonward_reward_state ?? '').toBe('');

    await page.getByRole('navigation', { name: 'Steps' }).getByText('6. Go live after a dry run').click();
    await page.getByRole('link', { name: 'Try and publish Friends of Acme' }).click();
    await page.getByRole('button', { name: 'Try on history' }).click();
    await page.getByText('It would have paid exactly the same.').waitFor();
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 1 is in force.').waitFor();
    await page.getByRole('link', { name: 'Get started' }).click();
    await page.getByText('Everything is set up.').waitFor();
    // And the first referral of real life, which the tests below look at.
    const referred = scene.friendOf(scene.person('Ada'));
    const real = scene.deal([referred], { pipeline: 'vertrieb', dealstage: 's1', amount: '3000.00' });
    await stack.settle();
    scene.edit('deal', real, { dealstage: 's3' });
    await stack.settle();
  }, 240_000);

  test('maps a stage with the keyboard alone', async () => {
    const { id } = await scene.connection();
    const one = await enter('kim@acme.test', ['architect'], `connections/${id}/mapping`);
    const { page } = one;
    await page.getByRole('region', { name: 'Vertrieb' }).first().waitFor();
    await tabTo(page, 'Angebot: Means');
    await page.keyboard.type('qua');
    expect(await page.getByLabel('Angebot: Means').inputValue()).toBe('qualified');
    await tabTo(page, 'Try on history');
    await page.keyboard.press('Enter');
    await page.getByText('Deals of all referrals in this CRM are judged again at once').waitFor();
    await tabTo(page, 'Bring into force');
    await page.keyboard.press('Enter');
    await page.getByText('In force.', { exact: true }).waitFor();
    const { body } = await stack.api('GET', `/connections/${id}/mapping`);
    const stages = body.pipelines[0].stages as { id: string; stage: string; isSaid: boolean }[];
    expect(stages.find((stage) => stage.id === 's2')).toMatchObject({ stage: 'qualified', isSaid: true });
  }, 120_000);

  test('sees who owns the deals, and says who is one of their own', async () => {
    const { body: member } = await stack.api('POST', '/members', { name: 'Rita Rep', email: 'rita@acme.test' });
    const { id } = await scene.connection();
    expect((await stack.api('POST', `/connections/${id}/mapping/proposal`)).status).toBe(201);
    const one = await enter('olga@acme.test', ['owner'], `connections/${id}/mapping`);
    const { page } = one;
    await page.getByRole('heading', { level: 2, name: 'Who owns these deals' }).waitFor();
    await page.getByRole('row', { name: /Olga Owner/ }).waitFor();
    await expectSoundPage(one, 'mapping-owners');
    await page.getByRole('button', { name: 'Is one of our own' }).click();
    await page.getByText('Is a recruiter now.').waitFor();
    const { body } = await stack.api('GET', '/members?recruiter=true');
    expect(body.items.map((found: { id: string }) => found.id)).toEqual([member.id]);
  });

  test('is told what has changed in the CRM, and mends it', async () => {
    scene.crm.editStage(PORTAL, 'deals', 'vertrieb', 's2', { label: 'Offerte' });
    await scene.sweep();
    const { id } = await scene.connection();
    const one = await enter('dora@acme.test', ['architect'], `connections/${id}/mapping`);
    const { page } = one;
    await page.getByText('Changed in the CRM since somebody looked').waitFor();
    await expectSoundPage(one, 'mapping-drift', { mayBeRefused: true });
    await page.getByRole('button', { name: 'That is right' }).click();
    await page.getByText('Nothing has changed in the CRM since it was last looked at.').waitFor();
  }, 120_000);

  test('sees how a connection does, searches, compares, and opens the records behind a number', async () => {
    const { id } = await scene.connection();
    const one = await enter('hal@acme.test', ['architect'], 'connections');
    const { page } = one;
    await page.getByRole('region', { name: 'HubSpot 147000001' }).getByText('All is well').waitFor();
    await expectSoundPage(one, 'connections');
    await page.getByRole('link', { name: 'Health' }).click();
    await page.getByRole('button', { name: 'Search now' }).click();
    await page.getByText('The search has begun').waitFor();
    await expectSoundPage(one, 'health');
    await page.getByRole('tab', { name: 'Reconciliation' }).click();
    await page.getByRole('button', { name: 'Compare now' }).click();
    await page.getByRole('button', { name: /^Decided: 1/ }).click();
    await page
      .getByRole('table', { name: 'Decided' })
      .getByRole('link', { name: /Deal [0-9]+/ })
      .waitFor();
    await page.getByRole('button', { name: 'Verify the reports' }).click();
    await page.getByText('One report was looked at: it is as it was made.').waitFor();
    await expectSoundPage(one, 'reconciliation');
    // Which rows are open stands in the address.
    await page.reload();
    await page.getByRole('table', { name: 'Decided' }).waitFor();
    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByRole('button', { name: 'Read the past' }).click();
    await page.getByText('Done', { exact: true }).waitFor();
    await page.reload();
    await page.getByText(/hal@acme.test, /).waitFor();
    await expectSoundPage(one, 'backfill');
    const reader = await enter('ana@acme.test', ['analyst'], `connections/${id}/mapping`);
    await reader.page.getByText('You can read this. Changing it takes the permission').waitFor();
    expect(await reader.page.getByRole('button', { name: 'Try on history' }).count()).toBe(0);
    await expectSoundPage(reader, 'mapping-read-only', { mayBeRefused: true });
  }, 180_000);

  test('pauses the reading of the past, finds it as it was after a reload, and has it go on; has what the CRM refused tried again', async () => {
    const { id } = await scene.connection();
    // A contact that HubSpot does not let anybody write: after some attempts it waits for a person.
    const refusal = scene.crm.addFault({
      target: 'api',
      portalId: PORTAL,
      path: '*/contacts/batch/update',
      effect: { kind: 'rows', rows: [0], category: 'VALIDATION_ERROR' },
    });
    const member = scene.person('Hedy');
    scene.friendOf(member, 'Ida');

    const speak = scene.silence();
    for (let index = 0; index < OF_THE_PAST; index += 1)
      scene.crm.createRecord(PORTAL, 'contact', {
        properties: { email: `past.${index}@example.com`, firstname: `Past ${index}` },
        at: stack.clock.now() - 100 * DAY_MS + index,
      });
    const slowness = scene.crm.addFault({
      target: 'api',
      portalId: PORTAL,
      path: '*/contacts/search',
      effect: { kind: 'latency', latencyMs: SLOW_MS },
    });
    speak();
    const one = await enter('pia@acme.test', ['architect'], `connections/${id}/health?tab=history`);
    const { page } = one;
    await page.getByRole('button', { name: 'Read the past' }).click();
    const past = page.getByRole('region', { name: /^Records modified since/ }).filter({ hasText: 'pia@acme.test' });
    await past.getByText(/^[1-9][0-9]* found/).waitFor();
    await past.getByRole('button', { name: 'Pause' }).click();
    await past.getByText('Paused', { exact: true }).waitFor();
    const backfill = async () => {
      const { body } = await stack.api('GET', `/backfills?connectionId=${id}`);
      return body.items.find(({ startedBy }: { startedBy: string }) => startedBy.includes('pia@acme.test'));
    };
    const paused = await backfill();
    expect(paused).toMatchObject({ state: 'paused' });
    expect(paused.found).toBeLessThan(OF_THE_PAST);
    await page.reload();
    await past.getByText('Paused', { exact: true }).waitFor();
    await past.getByText(new RegExp(`^${paused.found} found`)).waitFor();
    const shown = Number(await past.getByRole('progressbar').getAttribute('aria-valuenow'));
    expect(shown).toBeGreaterThan(0);
    expect(shown).toBeLessThan(100);
    await expectSoundPage(one, 'backfill-paused');
    scene.crm.removeFault(slowness.id);
    expect((await backfill()).found).toBe(paused.found);
    await past.getByRole('button', { name: 'Go on' }).click();
    await past.getByText('Done', { exact: true }).waitFor();
    expect((await backfill()).found).toBeGreaterThanOrEqual(OF_THE_PAST);

    // Seen by whoever may look, tried again by whoever may change something.
    await page.getByRole('tab', { name: 'Now' }).click();
    const waiting = page.getByRole('table', { name: 'What stands in the way now' });
    await waiting
      .getByRole('row', { name: /writing to the CRM crm_rejected .* one waits for a person/ })
      .waitFor(PATIENCE);
    await expectSoundPage(one, 'health-parked');
    const reader = await enter('ray@acme.test', ['analyst'], `connections/${id}/health`);
    await reader.page.getByRole('table', { name: 'What stands in the way now' }).waitFor();
    expect(await reader.page.getByRole('button', { name: 'Try what waits again' }).count()).toBe(0);
    expect(scene.show('contact', member).wonward_referrals ?? '').toBe('');
    scene.crm.removeFault(refusal.id);
    await page.getByRole('button', { name: 'Try what waits again' }).click();
    await page.getByText('One record is tried again.').waitFor();
    await page.getByText('All is well').waitFor(PATIENCE);
    await stack.settle();
    expect(scene.show('contact', member).wonward_referrals).toBe('1');
  }, 180_000);

  test('reads all of it in German, in the dark and on a telephone', async () => {
    const { id } = await scene.connection();
    const one = await visits.enter('gerd@acme.test', ['owner'], 375);
    const { page } = one;
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.evaluate("localStorage.setItem('wonward.locale', 'de')");
    const run = (await stack.api('GET', '/test-runs')).body.items[0].id;
    const screens = [
      ['onboarding?step=map', 'Erste Schritte'],
      ['onboarding?step=test', 'Erste Schritte'],
      [`onboarding?step=test&run=${run}`, 'Erste Schritte'],
      ['onboarding?step=brand', 'Erste Schritte'],
      ['programs', 'Programme'],
      ['programs/default', 'Friends of Acme'],
      ['connections', 'Verbindungen'],
      [`connections/${id}/mapping`, 'Was die Phasen von HubSpot 147000001 bedeuten'],
      [`connections/${id}/health`, 'Zustand von HubSpot 147000001'],
    ] as const;
    for (const [path, title] of screens) {
      await page.goto(visits.at(path));
      await page.getByRole('heading', { level: 1, name: title }).waitFor();
      await expectSoundPage(one, `de-${path.replace(/=tst.*/, '').replaceAll(/[^a-z]+/g, '-')}`, {
        mayBeRefused: true,
      });
      const beside = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect(beside, `${path} is wider than the screen`).toBe(0);
    }
  }, 180_000);

  test('finds no other account’s connection by its address', async () => {
    const other = await stack.newAccount('Other');
    await stack.install(OTHERS_PORTAL, other.apiKey);
    const { body } = await stack.api('GET', '/connections', undefined, other.apiKey);
    const one = await enter('eve@acme.test', ['owner'], `connections/${body.items[0].id}/mapping`);
    await one.page.getByText('There is no such thing in this account').first().waitFor();
    await expectSoundPage(one, 'connection-not-found', { mayBeRefused: true });
  });
});
