import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Json, type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { BY_HAND_AND_IN_CREDIT, expectSoundPage, visiting } from './console.ts';

/** A program that pays by hand, keeps a budget, and sends what looks doubtful to a person. */
const PROGRAM: ProgramDocument = {
  ...BY_HAND_AND_IN_CREDIT,
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
  await stack.api('PUT', '/providers/manual/batching', { schedule: null, approval: 'four_eyes' });
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

/** With one phone number the program doubts them. */
async function won(isDoubtful: boolean, names?: [string, string]) {
  const pair = scene.pair(isDoubtful, names);
  await stack.settle();
  scene.win(pair.dealId);
  await stack.settle();
  return pair;
}

/** After a word on a case the next one opens by itself. */
async function nextCase(page: Page, before: string): Promise<string> {
  await expect.poll(() => page.url(), { timeout: 20_000 }).not.toBe(before);
  await page.getByRole('heading', { level: 2, name: 'What spoke against it' }).waitFor();
  await page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
  return page.url();
}

async function openCases(): Promise<Json[]> {
  const { body } = await stack.api('GET', '/cases?state=open&limit=100');
  return body.items;
}

describe('review', () => {
  test('a reviewer clears a queue with the keyboard alone, and a denied case asks for its reason', async () => {
    await won(true, ['Grace', 'Lin']);
    await won(true, ['Alan', 'Joan']);
    const waiting = await openCases();
    expect(waiting.length).toBeGreaterThanOrEqual(4);
    const one = await enter('rita@acme.test', ['reviewer']);
    const { page } = one;
    await page.goto(at('review'));
    await page.getByRole('heading', { level: 1, name: 'Review' }).waitFor();
    await page.getByRole('listitem').filter({ hasText: 'Grace' }).first().waitFor();
    await expectSoundPage(one, 'review-queue');

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await expectSoundPage(one, 'review-keys');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 2, name: 'What spoke against it' }).waitFor();
    await page.getByText('Same phone number').first().waitFor();
    await expectSoundPage(one, 'review-case');

    const first = page.url();
    // Denied: a reason is asked for, and nothing is decided without one.
    await page.keyboard.press('d');
    const deny = page.getByRole('dialog', { name: 'Deny' });
    await deny.getByText('in review → voided').waitFor();
    await page.keyboard.press('Enter');
    await deny.getByText('Say why: the next one who looks has nothing but this.').waitFor();
    await expectSoundPage(one, 'review-deny');
    expect(await openCases()).toHaveLength(waiting.length);
    await page.keyboard.type('One person under two names.');
    await page.keyboard.press('Enter');
    await deny.waitFor({ state: 'detached' });

    // Kept for somebody else, with a word.
    const second = await nextCase(page, first);
    await page.keyboard.press('h');
    const hold = page.getByRole('dialog', { name: 'Hold' });
    await hold.getByLabel('What it waits for').fill('Asked the rep for the invoice.');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await hold.waitFor({ state: 'detached' });
    await nextCase(page, second);

    // All others are approved, one after the other.
    await page.keyboard.press('u');
    await page.getByRole('checkbox', { name: /Select all/ }).waitFor();
    for (let left = (await openCases()).length; left > 0; left -= 1) {
      await page.keyboard.press('a');
      const approve = page.getByRole('dialog', { name: 'Approve' });
      await approve.getByText('in review → approved').waitFor();
      if (left === 1) await expectSoundPage(one, 'review-approve');
      await page.keyboard.press('Enter');
      await approve.waitFor({ state: 'detached' });
      await expect.poll(async () => (await openCases()).length, { timeout: 20_000 }).toBe(left - 1);
      if (left > 1) await expect.poll(() => page.getByRole('listitem').count(), { timeout: 20_000 }).toBe(left - 1);
    }
    await page.getByText('Nothing waits for a decision').waitFor();
    await expectSoundPage(one, 'review-clear');
    await stack.settle();
    const outcomes = (await scene.all('/cases')).map(({ outcome }) => outcome).sort();
    expect(outcomes).toEqual([...waiting.slice(1).map(() => 'approved'), 'rejected']);
    await page.getByRole('link', { name: 'How right the signals are' }).click();
    await page.getByRole('row', { name: /Same phone number/ }).waitFor();
    await page.getByText(`${waiting.length} rewards judged by people, 1 of them bad.`).waitFor();
    await expectSoundPage(one, 'review-signals');
  });

  test('of two reviewers on one case the second one is told who has decided it', async () => {
    await won(true);
    const [first] = await openCases();
    const [one, other] = [await enter('rita@acme.test', ['reviewer']), await enter('rex@acme.test', ['reviewer'])];
    for (const { page } of [one, other]) {
      await page.goto(at(`review/${first.id}`));
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByRole('dialog').getByText('in review → approved').waitFor();
    }
    await one.page.getByRole('button', { name: 'Confirm: approved' }).click();
    await one.page.getByRole('dialog').waitFor({ state: 'detached' });
    await other.page.getByRole('button', { name: 'Confirm: approved' }).click();
    await other.page.getByText('The case is decided (approved); there is nothing more to decide on it.').waitFor();
    await other.page.getByText('Looked at: nothing speaks against it.').first().waitFor();
    await other.page.getByRole('button', { name: 'Cancel' }).click();
    await other.page.getByText('by rita@acme.test').first().waitFor();
    await expectSoundPage(other, 'review-second', { mayBeRefused: true });
  });

  test('several are decided at once, with what became of each', async () => {
    await won(true);
    await won(true);
    const { length } = await openCases();
    const one = await enter('rita@acme.test', ['reviewer'], 375);
    const { page } = one;
    await page.goto(at('review'));
    await page.getByRole('checkbox', { name: 'Select all shown' }).check();
    await expectSoundPage(one, 'review-375');
    await page.getByRole('button', { name: 'Approve', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await dialog.getByText('Decided: approved').first().waitFor();
    expect(await dialog.getByText('Decided: approved').count()).toBe(length);
    await expectSoundPage(one, 'review-bulk-375');
    const wide = await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth');
    expect(wide).toBe(true);
  });

  test('a dispute shows its evidence, and one click gives the referral to another member', async () => {
    const { friendId } = await won(false, ['Mary', 'Ken']);
    const other = await stack.api('POST', '/members', { name: 'Dana Right', email: 'dana.right@example.com' });
    const referral = await scene.referralOf(friendId);
    const dispute = await stack.api('POST', '/disputes', {
      referralId: referral.id,
      claim: 'wrong_member',
      memberId: other.body.id,
      words: 'We had met at the fair.',
      by: { role: 'rep', id: '7' },
    });
    expect(dispute.status).toBe(201);
    const one = await enter('rita@acme.test', ['reviewer']);
    const { page } = one;
    await page.goto(at(`review/${dispute.body.id}`));
    await page.getByRole('heading', { level: 2, name: 'Who could have referred' }).waitFor();
    await page.getByRole('heading', { level: 2, name: 'Evidence' }).waitFor();
    await page.getByRole('button', { name: 'Give to Dana Right' }).waitFor();
    await expectSoundPage(one, 'review-dispute');
    await page.getByRole('button', { name: 'Give to Dana Right' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('The referral goes to Dana Right.').waitFor();
    await expectSoundPage(one, 'review-reattribute');
    await dialog.getByLabel('Reason').fill('The fair was first.');
    await dialog.getByRole('button', { name: /Confirm/ }).click();
    await dialog.waitFor({ state: 'detached' });
    await stack.settle();
    expect((await scene.referralOf(friendId)).memberId).toBe(other.body.id);
    const { body } = await stack.api('GET', `/cases/${dispute.body.id}`);
    expect(body.case).toMatchObject({ outcome: 'reattributed', decidedBy: 'rita@acme.test' });
  });

  test('a sales rep is refused, and told what it takes', async () => {
    const one = await enter('sam@acme.test', ['sales']);
    expect(await one.page.getByRole('link', { name: 'Money' }).count()).toBe(0);
    for (const [path, permission] of [
      ['review', 'review.decide'],
      ['money', 'money.read'],
    ] as const) {
      await one.page.goto(at(path));
      await one.page.getByText(`An owner of the account can give you the permission “${permission}”.`).waitFor();
    }
  });
});

describe('in German and in the dark', () => {
  test('everybody can use both as well', async () => {
    await won(true);
    const one = await enter('olga@acme.test', ['owner']);
    const { page } = one;
    await page.evaluate(
      "localStorage.setItem('wonward.locale', 'de'); localStorage.setItem('mantine-color-scheme-value', 'dark')",
    );
    await page.goto(at('review'));
    await page.getByRole('heading', { level: 1, name: 'Prüfung' }).waitFor();
    await page.getByRole('listitem').first().waitFor();
    await expectSoundPage(one, 'review-dark-de');
    await page.keyboard.press('d');
    await page.getByRole('dialog', { name: 'Ablehnen' }).getByText('in Prüfung → aufgehoben').waitFor();
    await page.keyboard.press('Enter');
    await page.getByText('Schreiben Sie, warum').waitFor();
    await expectSoundPage(one, 'review-deny-dark-de');
    await page.keyboard.press('Escape');
    await page.goto(at('money'));
    await page.getByText('die Bücher gehen auf').waitFor();
    await expectSoundPage(one, 'money-dark-de');
  });
});

describe('money', () => {
  test('finance cuts a batch, another person approves it, and it is exported and settled', async () => {
    await won(false);
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money?tab=batches'));
    await page.getByRole('button', { name: 'manual no. 1' }).click();
    await page.getByText('Somebody else than who cut it has to approve it.').waitFor();
    await expectSoundPage(one, 'money-batch-open');
    await page.getByRole('button', { name: 'Cut', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cut' }).click();
    await page.getByText('You cut it: another person approves it.').waitFor();

    const other = await enter('fred@acme.test', ['finance']);
    await other.page.goto(page.url());
    await other.page.getByRole('button', { name: 'Approve', exact: true }).click();
    await other.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await other.page.getByText('Approved by fred@acme.test').waitFor();

    await page.reload();
    const file = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export for the bank' }).click();
    expect((await file).suggestedFilename()).toMatch(/\.csv$/);
    await page.getByText('Exported').first().waitFor();
    await page.getByRole('checkbox', { name: 'Select all that wait' }).check();
    await expectSoundPage(one, 'money-batch-marking');
    await page.getByRole('button', { name: 'Mark as paid' }).click();
    await page.getByText(/[0-9]+ marked, 0 settled before/).waitFor();
    await stack.settle();
    await page.getByRole('cell', { name: 'Paid' }).first().waitFor();
    await expectSoundPage(one, 'money-batch-paid');
    const { body } = await stack.api('GET', '/payout-batches');
    expect(body.items.at(-1).counts).toMatchObject({ waiting: 0, refused: 0 });
  });

  test('a figure leads to the accounts and postings that it is made of, and they add up to it', async () => {
    await won(false);
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money'));
    await page.getByText('the books balance').waitFor();
    await expectSoundPage(one, 'money-liability');
    const balances = (await stack.api('GET', '/balances')).body.items as Json[];
    const cents = (amount: string) => BigInt(amount.replace('.', ''));
    const credit = balances
      .filter(({ account }) => account.startsWith('credit:'))
      .reduce((sum, { amount }) => sum - cents(amount), 0n);
    const row = page.getByRole('row', { name: /Credit with the account/ });
    const shown = (await row.getByRole('button').innerText()).replace(/[^0-9]/g, '');
    expect(BigInt(shown)).toBe(credit);
    await row.getByRole('button').click();
    await page.getByRole('heading', { level: 2, name: 'Credit with the account in EUR' }).waitFor();
    await page
      .getByRole('button', { name: /^Journals: / })
      .first()
      .waitFor();
    await expectSoundPage(one, 'money-accounts');
    const rows = page.getByRole('table').getByRole('row');
    let sum = 0n;
    for (let index = 1; index < (await rows.count()); index += 1) {
      const amount = await rows.nth(index).getByRole('cell').nth(2).innerText();
      sum += BigInt(amount.replace(/[^0-9]/g, ''));
    }
    expect(sum).toBe(credit);

    await page
      .getByRole('button', { name: /^Journals: / })
      .first()
      .click();
    await page.getByText('Balance of credit:').waitFor();
    await page.getByRole('table').getByRole('row').nth(1).waitFor();
    await expectSoundPage(one, 'money-ledger');
    const account = new URL(page.url()).searchParams.get('account') ?? '';
    const { body } = await stack.api('GET', `/journals?account=${encodeURIComponent(account)}&currency=EUR`);
    const posted = (body.items as Json[])
      .flatMap(({ postings }) => postings)
      .filter((posting: Json) => posting.account === account)
      .reduce((total: bigint, { amount }: Json) => total + cents(amount), 0n);
    const balance = balances.find((each) => each.account === account);
    expect(posted).toBe(cents(balance.amount));
    // The address holds the filters: the same list after a reload.
    await page.reload();
    await page.getByText('Balance of credit:').waitFor();
  });

  test('what was taken back after it was paid is owed, and written off with a reason', async () => {
    const paid = (await scene.all('/rewards?state=issued')).find(({ payout }) => payout === 'manual');
    scene.reopen(paid.deal.id);
    await stack.settle();
    const one = await enter('fay@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('money?tab=receivables'));
    await page
      .getByRole('row', { name: /€100\.00/ })
      .first()
      .waitFor();
    await expectSoundPage(one, 'money-receivables');

    // Who only reads money sees what is owed and cannot let go of it; whose roles are changed meanwhile is told, and keeps what they wrote.
    const reader = await enter('ann@acme.test', ['analyst']);
    await reader.page.goto(at('money?tab=receivables'));
    await reader.page
      .getByRole('row', { name: /€100\.00/ })
      .first()
      .waitFor();
    expect(await reader.page.getByRole('button', { name: 'Write off' }).count()).toBe(0);
    const former = await enter('flo@acme.test', ['finance']);
    await former.page.goto(at('money?tab=receivables'));
    await former.page.getByRole('button', { name: 'Write off' }).click();
    const late = former.page.getByRole('dialog');
    await late.getByLabel('Authorised by').fill('Nobody');
    await late.getByLabel('Reason').fill('Written too late.');
    const flo = (await stack.api('GET', '/users')).body.users.find(({ email }: Json) => email === 'flo@acme.test');
    const changed = await stack.api('PUT', `/users/${flo.id}/roles`, { roles: ['analyst'], version: flo.version });
    expect(changed.status).toBe(200);
    await late.getByRole('button', { name: 'Write off' }).click();
    await late.getByText('Your roles do not').first().waitFor();
    expect(await late.getByLabel('Reason').inputValue()).toBe('Written too late.');
    await expectSoundPage(former, 'money-write-off-refused', { mayBeRefused: true });
    const owed = async () => (await stack.api('GET', '/receivables')).body.items.map((item: Json) => item.owed);
    expect(await owed()).toEqual(['100.00']);

    await page.getByRole('button', { name: 'Write off' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Write off' }).click();
    await dialog.getByText('Say why').waitFor();
    await dialog.getByLabel('Authorised by').fill('Head of finance');
    await dialog.getByLabel('Reason').fill('Not worth collecting.');
    await dialog.getByRole('button', { name: 'Write off' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('cell', { name: 'settled' }).waitFor();
    expect(await owed()).toEqual(['0.00']);
    const { body } = await stack.api('GET', `/decisions?referralId=${paid.referralId}&limit=100`);
    const [word] = body.items.filter(({ reason }: Json) => reason.code === 'written_off');
    expect(word.reason.text).toMatch(/Head of finance.*Not worth collecting\./);
    const [booked] = (await stack.api('GET', `/journals?kind=write_off&rewardId=${paid.id}`)).body.items;
    expect(booked.postings.map(({ amount }: Json) => amount).sort()).toEqual(['-100.00', '100.00']);
  });

  test('budgets, comparisons and history are there', async () => {
    const one = await enter('olga@acme.test', ['owner']);
    const { page } = one;
    await page.goto(at('money?tab=budgets'));
    await page.getByRole('button', { name: 'Put in money' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Put in money' }).click();
    await dialog.getByText('Write an amount such as 1500.00').waitFor();
    await dialog.getByLabel('Amount').fill('500.00');
    await dialog.getByLabel('Currency').fill('EUR');
    await dialog.getByLabel('Number').fill('q1');
    await dialog.getByLabel('Note').fill('First quarter');
    await dialog.getByRole('button', { name: 'Put in money' }).click();
    await page.getByRole('row', { name: /First quarter/ }).waitFor();
    await expectSoundPage(one, 'money-budgets');

    await page.getByRole('tab', { name: 'Reconciliation' }).click();
    const form = page.getByRole('form', { name: 'Compare a provider with the ledger' });
    await form.getByRole('button', { name: 'Compare' }).click();
    await form.getByText('Choose both days').waitFor();
    const today = new Date().toISOString().slice(0, 10);
    await form.getByLabel('Provider').selectOption('manual');
    await form.getByLabel('From').fill(today);
    await form.getByLabel('Until').fill(today);
    await form.getByRole('button', { name: 'Compare' }).click();
    await page.getByRole('dialog').waitFor();
    await expectSoundPage(one, 'money-reconciliation');
    await page.keyboard.press('Escape');

    await page.getByRole('tab', { name: 'History' }).click();
    await page.getByText('No history waits').waitFor();
    await expectSoundPage(one, 'money-history');
  });
});
