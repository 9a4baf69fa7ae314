import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { expectSoundPage, visiting } from './console.ts';

/** Doubts who has the same phone as the friend, and keeps a budget. */
const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [{ key: 'member-won', party: 'member', amount: { kind: 'percent', basisPoints: 1_000 }, payout: 'credit' }],
  risk: { signals: [{ signal: 'same_phone', weight: 60 }], reviewAt: 50 },
};

let stack: Stack;
let scene: Scene;
let browser: Browser;
const { enter } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ program: PROGRAM }), launchBrowser()]);
  scene = createScene(stack);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

async function won(isDoubtful: boolean): Promise<void> {
  const { dealId } = scene.pair(isDoubtful);
  await stack.settle();
  scene.win(dealId);
  await stack.settle();
}

test('an owner lands on what is to be set up, then on what waits and how it goes, and is led to each', async () => {
  const one = await enter('owner@acme.example', ['owner']);
  const { page } = one;
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  const needs = page.getByRole('region', { name: 'What needs you' });
  await needs.getByText('No CRM is connected yet').waitFor();
  await page.getByText(/^Set-up: \d of 6 steps$/).waitFor();
  await expectSoundPage(one, 'home-new');

  await stack.install();
  await won(false);
  await won(true);
  await stack.api('POST', '/programs/default/budget', {
    id: 'b1',
    money: { amount: '10000.00', currency: 'EUR' },
    note: 'first',
  });
  await stack.service.container.figures.foldAll(new AbortController().signal);
  await page.reload();
  await needs.getByText('1 reward waits for a decision').waitFor();
  expect(await needs.getByText('No CRM is connected yet').count()).toBe(0);
  const figures = page.getByRole('region', { name: 'Figures' });
  await figures.getByText('Won revenue (EUR)').waitFor();
  await figures.getByRole('row', { name: /^Won .*2 100/ }).waitFor();
  await page.getByRole('img', { name: /^Curve of referrals and wins/ }).waitFor();
  await expectSoundPage(one, 'home');

  await page.getByText('7 days').click();
  await expect.poll(() => new URL(page.url()).searchParams.get('days')).toMatch(/7/);
  await needs.getByRole('link', { name: 'Review' }).click();
  await page.getByRole('heading', { level: 1, name: 'Review' }).waitFor();
  await page.goBack();
  await figures.getByText('Against the 7 days before.').waitFor();
});

test('in a narrow window and in German nothing is cut off, and a rep is shown no money and nothing that others have to do', async () => {
  const narrow = await enter('chefin@acme.example', ['owner'], 375);
  await narrow.page.evaluate("localStorage.setItem('wonward.locale', 'de')");
  await narrow.page.reload();
  await narrow.page.getByText('1 Prämie wartet auf eine Entscheidung').waitFor();
  await narrow.page.getByRole('region', { name: 'Zahlen' }).getByText('Gewonnener Umsatz (EUR)').waitFor();
  expect(await narrow.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  await expectSoundPage(narrow, 'home-narrow');

  const rep = await enter('rep@acme.example', ['sales']);
  await rep.page.getByText('Nothing waits for you.').waitFor();
  expect(await rep.page.getByText('Won revenue').count()).toBe(0);
  await expectSoundPage(rep, 'home-rep');
});

test('wherever somebody is, two keys and some letters lead to a screen or a person, without the mouse', async () => {
  const one = await enter('quick@acme.example', ['owner']);
  const { page } = one;
  await page.getByRole('heading', { level: 1, name: 'Home' }).waitFor();
  const search = page.getByRole('combobox', { name: 'Go to' });
  async function ask(letters: string): Promise<void> {
    await page.keyboard.press('Control+K');
    await expect.poll(() => search.evaluate((one) => one.matches(':focus')), { timeout: 15_000 }).toBe(true);
    await page.keyboard.type(letters);
  }
  await ask('mon');
  await page.getByRole('option', { name: /^Money/, selected: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Money' }).waitFor();

  await ask('ada');
  await page.getByRole('option', { name: /^Ada Member1 Member/ }).waitFor();
  await expectSoundPage(one, 'go-to');
  await page.getByRole('option', { name: /^Ada Member2 Member/, selected: true }).waitFor();
  await page.keyboard.press('ArrowDown');
  await page.getByRole('option', { name: /^Ada Member1 Member/, selected: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Ada Member1' }).waitFor();

  await ask('nobody is called so');
  await page.getByText('Nothing is called so.').waitFor();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await search.waitFor({ state: 'detached' });
  expect(page.url()).toContain('/members/');
});
