import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { shoot, visiting } from './console.ts';

const EUR = (amount: string) => ({ amount, currency: 'EUR' });

/** Asks for nearly everything that a rule can ask for; its own names are German, so that what is English is the service's. */
const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Freunde von Acme',
  tiers: {
    by: { kind: 'won_referrals' },
    levels: [{ key: 'gold', name: 'Gold', from: 1 }],
    down: { kind: 'never' },
  },
  rules: [
    {
      key: 'anteil',
      name: 'Anteil',
      party: 'member',
      amount: {
        kind: 'by_amount',
        steps: [{ from: EUR('500.00'), amount: { kind: 'percent', basisPoints: 1_055 } }],
      },
      conditions: [
        {
          any: [
            { fact: 'deal.amount', op: 'at_least', money: EUR('700.00') },
            { fact: 'deal.currency', op: 'in', currencies: ['USD'] },
          ],
        },
        { fact: 'referral.source', op: 'in', sources: ['label', 'code'] },
      ],
      limits: [{ per: 'member', window: 'month', count: 3 }],
      holdDays: 30,
      review: { when: 'over', money: EUR('400.00') },
      payout: 'manual',
    },
    {
      key: 'geschenk',
      name: 'Geschenk',
      party: 'friend',
      amount: { kind: 'fixed', money: EUR('50.00') },
      usesBudget: true,
      payout: 'credit',
    },
    {
      key: 'aufstieg',
      name: 'Aufstieg',
      party: 'member',
      trigger: 'tier_reached',
      tier: 'gold',
      amount: { kind: 'fixed', money: EUR('20.00') },
      payout: 'credit',
    },
  ],
  risk: { signals: [{ signal: 'same_phone', weight: 60 }], reviewAt: 50 },
};

let stack: Stack;
let scene: Scene;
let browser: Browser;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ program: PROGRAM }), launchBrowser()]);
  scene = createScene(stack);
  await stack.install();
  await stack.api('POST', '/programs/default/budget', { id: 'b1', money: EUR('110.00'), note: 'Herbst' });
  const pair = (isDoubtful: boolean, names: [string, string], properties: Record<string, string>) => {
    const one = scene.pair(isDoubtful, names);
    scene.edit('deal', one.dealId, properties);
    return one;
  };
  const pays = pair(false, ['Grete', 'Lina'], { dealname: 'Mühle', amount: '4800.00' });
  const doubtful = pair(true, ['Anna', 'Jana'], { dealname: 'Brücke', amount: '900.00' });
  const small = pair(false, ['Karl', 'Otto'], { dealname: 'Zaun', amount: '300.00' });
  const unknown = pair(false, ['Erna', 'Paul'], { dealname: 'Dach', amount: '' });
  const left = pair(false, ['Ilse', 'Hugo'], { dealname: 'Turm', amount: '2000.00' });
  pair(false, ['Rosa', 'Emil'], { dealname: 'Garten', amount: '1500.00' });
  await stack.settle();
  for (const { dealId } of [pays, doubtful, small, unknown, left]) scene.win(dealId);
  await stack.settle();
  scene.reopen(left.dealId);
  await stack.settle();
  scene.crm.editStage(scene.portalId, 'deals', 'default', 'contractsent', { label: 'Vertrag gesendet' });
  await scene.sweep();
  const [referral] = await scene.list('/referrals');
  const told = async (path: string, body: unknown) =>
    expect((await stack.api('POST', path, body)).status, path).toBeLessThan(300);
  await told('/disputes', {
    referralId: referral.id,
    claim: 'other',
    words: 'Das stimmt so nicht.',
    by: { role: 'admin', id: 'a1' },
  });
  const connection = await scene.connection();
  await told(`/connections/${connection.id}/mapping/proposal`, {});
  await told(`/connections/${connection.id}/reports`, {});
  const hook = { url: 'https://hooks.example.com/x', description: 'Ziel', eventTypes: ['referral.won'] };
  await told('/webhook-endpoints', hook);
  const csv = 'adresse\nkeine\nneu@kunde.test\n';
  await told('/member-imports', { id: 'liste', csv, mapping: { email: 'adresse' } });
  await stack.service.container.figures.foldAll(new AbortController().signal);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

/** Words that every English sentence has some of, and no German one. */
const ENGLISH =
  /\b(the|is|are|has|have|of|and|or|when|with|this|that|were|been|which|should|must|not|by|for|from|to|at|been|deal is|until|before|does|yet)\b/i;
/** What the CRM calls things stays as it calls them. */
const OF_CRM = /„Referred by“|^(Qualified To Buy|Decision Maker Bought-In|Presentation Scheduled)$/;

/** What somebody reads on the page, piece by piece; not what stands in a field or a document, is marked as of another language, or is not read. */
async function englishOn(page: Page): Promise<string[]> {
  const texts = (await page.evaluate(`(() => {
    const found = [];
    const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (!node.parentElement.closest('code, pre, textarea, select, script, style, main [lang], [aria-hidden=true]')) found.push(node.textContent.trim());
    }
    return found;
  })()`)) as string[];
  return [...new Set(texts)].filter((text) => ENGLISH.test(text.replace(OF_CRM, '')));
}

/** A screen is mostly waited for: half a second without a request says that nothing more comes. */
const TABS = 4;

const SCREENS = readFileSync('src/web/console/src/app/screens.tsx', 'utf8');

/** Every screen of the console, with what is there to be seen in it, and each of its tabs. */
async function places(): Promise<string[]> {
  const one = async (list: string) => (await scene.list(list))[0];
  const { id: connectionId } = await scene.connection();
  const ids: Record<string, string> = {
    connectionId,
    programId: 'default',
    caseId: (await one('/cases?state=open')).id,
    referralId: (await one('/referrals')).id,
    rewardId: (await one('/rewards')).id,
    memberId: (await one('/members')).id,
    importId: (await one('/member-imports')).id,
    provider: 'tremendous',
    endpointId: (await one('/webhook-endpoints')).id,
  };
  const listed = [...SCREENS.matchAll(/path: '([^']+)'/g)].map(([, path = '']) => path);
  const named = listed.map((path) => path.replace(/\$(\w+)/g, (_, name: string) => ids[name] ?? `no-${name}`));
  const all = async (list: string, path: string) => (await scene.list(list)).map(({ id }) => `${path}/${id}`);
  return [
    ...named,
    ...(await all('/cases?limit=50', 'review')),
    ...(await all('/referrals', 'referrals')),
    ...(await all('/rewards', 'rewards')),
    ...[
      'ledger',
      'batches',
      'receivables',
      'budgets',
      'reconciliation',
      'refunds',
      'history',
      'periods',
      'rates',
      'tax',
    ].map((tab) => `money?tab=${tab}`),
    ...['reports', 'history'].map((tab) => `connections/${connectionId}/health?tab=${tab}`),
    ...['try', 'versions'].map((tab) => `attribution?tab=${tab}`),
    ...['try', 'versions', 'budget'].map((tab) => `programs/default?tab=${tab}`),
    'onboarding?step=map',
    'settings/providers/coupon',
  ];
}

test('in German no screen shows a sentence in English, whoever has made it', async () => {
  const one = await enter('chefin@acme.test', ['owner']);
  const { page } = one;
  await page.evaluate("localStorage.setItem('wonward.locale', 'de')");
  const found: string[] = [];
  const left = (await places()).values();
  const readThem = async (own: Page) => {
    for (const path of left) {
      await own.goto(at(path));
      await own.getByRole('heading', { level: 1 }).first().waitFor();
      await own.waitForLoadState('networkidle');
      for (const button of await own.getByRole('button', { name: 'Bedingungen und Berechnung' }).all())
        await button.click();
      found.push(...(await englishOn(own)).map((text) => `${path}: ${text}`));
      await shoot(own, `german-${path.replaceAll(/[^a-z]+/g, '-').slice(0, 40)}`);
    }
  };
  const others = Array.from({ length: TABS - 1 }, () => page.context().newPage());
  await Promise.all([page, ...(await Promise.all(others))].map(readThem));
  expect(found).toEqual([]);
}, 600_000);

test('who changes the language is told the same in the other one at once, and the codes stay', async () => {
  const one = await enter('wechsel@acme.test', ['owner']);
  const { page } = one;
  await page.goto(at('rewards'));
  await page
    .getByText(/^A person has to approve this reward|^The deal "/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: /wechsel@acme.test/ }).click();
  await page.getByRole('menuitem', { name: 'Deutsch' }).click();
  await page
    .getByText(/^Ein Mensch muss diese Prämie|^Der Deal „/)
    .first()
    .waitFor();
  expect(await page.getByText(/^The deal "/).count()).toBe(0);
});
