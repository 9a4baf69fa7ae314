import { readFile } from 'node:fs/promises';
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgramDocument } from '../../src/application/program-document.ts';
import { createScene, type Scene } from '../stories/scene.ts';
import { type Json, PORTAL, type Stack, startStack } from '../support/stack.ts';
import { launchBrowser } from './browser.ts';
import { expectSoundPage, visiting } from './console.ts';

const PROGRAM: ProgramDocument = {
  programId: 'default',
  name: 'Friends of Acme',
  rules: [
    {
      key: 'member-won',
      name: 'Member reward',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 1_000 },
      review: { when: 'over', money: { amount: '200.00', currency: 'EUR' } },
      payout: 'credit',
    },
    {
      key: 'friend-won',
      name: "Friend's gift",
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: '50.00', currency: 'EUR' } },
      payout: 'credit',
    },
  ],
};

const SCRIPT = '<img src=x onerror="document.title=1">';
const FORMULA = '=HYPERLINK("http://evil.test","x")';

let stack: Stack;
let scene: Scene;
let browser: Browser;
/** The referral whose deal pays more than goes out unseen. */
let big: Json;
let foreignReferral: string;
const { enter, at } = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack({ program: PROGRAM }), launchBrowser()]);
  await stack.install();
  scene = createScene(stack);
  const deal = (friend: string, name: string, amount: string, isWon: boolean) => {
    const id = scene.deal([friend], { dealname: name, amount });
    return isWon ? [id] : [];
  };
  const grace = scene.person('Grace Hopper');
  const linus = scene.person('Linus Pauling');
  const won = [
    ...deal(scene.friendOf(grace, 'Ada Lovelace'), 'Analytical engine', '4800.00', true),
    ...deal(scene.friendOf(grace, 'Alan Turing'), 'Bombe', '3100.00', true),
    ...deal(scene.friendOf(linus, 'Marie Curie'), 'Radium', '950.00', true),
    ...deal(scene.friendOf(linus, FORMULA), 'Spreadsheet', '700.00', true),
  ];
  deal(scene.friendOf(grace, SCRIPT), 'Injection', '500.00', false);
  deal(scene.friendOf(linus, 'Niels Bohr'), 'Atom', '2000.00', false);
  await stack.settle();
  for (const id of won) scene.win(id);
  await stack.settle();
  big = (await scene.list('/referrals')).find(({ friend }) => friend.name === 'Ada Lovelace');
  const other = await stack.newAccount('Other');
  const member = await stack.api('POST', '/members', { name: 'Eve', email: 'eve@other.test' }, other.apiKey);
  const friend = { name: 'Mallory', email: 'mallory@other.test' };
  const made = await stack.api('POST', '/referrals', { memberId: member.body.id, friend }, other.apiKey);
  foreignReferral = made.body.id;
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

const rowsOf = (page: Page, label: string) => page.getByRole('table', { name: label }).locator('tbody tr');

/** A loaded machine draws late. */
const PATIENCE_MS = 15_000;

const count = (what: Locator, expected: number) =>
  expect.poll(() => what.count(), { timeout: PATIENCE_MS }).toBe(expected);

async function textOfDownload(page: Page, name: string): Promise<string> {
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name, exact: true }).click(),
  ]);
  return readFile(await download.path(), 'utf8');
}

describe('referrals', () => {
  test('are filtered in the address, which survives a reload and the way back, and a script in a name is text', async () => {
    const one = await enter('ada@acme.test', ['manager']);
    const { page } = one;
    await page.getByRole('link', { name: 'Referrals' }).click();
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    expect(await rowsOf(page, 'Referrals').count()).toBe(6);
    await page.getByRole('link', { name: SCRIPT }).waitFor();
    expect(await page.title()).toBe('Referrals · Wonward');
    await expectSoundPage(one, 'referrals');

    await page.getByRole('combobox', { name: 'Stage' }).selectOption('won');
    await page.waitForURL(/stage=won/);
    await count(rowsOf(page, 'Referrals'), 4);
    await page.getByLabel("Friend's name or e-mail address").fill('ada');
    await page.waitForURL(/friend=ada/);
    await count(rowsOf(page, 'Referrals'), 1);
    await page.reload();
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    expect(await rowsOf(page, 'Referrals').count()).toBe(1);
    expect(await page.getByLabel("Friend's name or e-mail address").inputValue()).toBe('ada');
    await page.goBack();
    await count(rowsOf(page, 'Referrals'), 4);
    expect(await page.getByLabel("Friend's name or e-mail address").inputValue()).toBe('');

    await page.getByLabel("Friend's name or e-mail address").fill('nobody');
    await page.getByText('Nothing matches these filters').waitFor();
    await expectSoundPage(one, 'referrals-none');
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await count(rowsOf(page, 'Referrals'), 6);
  });

  test('a view keeps filters and columns under a name, for the next time', async () => {
    const one = await enter('vera@acme.test', ['manager']);
    const { page } = one;
    await page.goto(at('referrals?stage=won'));
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('checkbox', { name: 'Linked by' }).check();
    await page.getByRole('checkbox', { name: 'Why' }).uncheck();
    await expectSoundPage(one, 'columns');
    await page.keyboard.press('Escape');
    await page.getByRole('columnheader', { name: 'Linked by' }).waitFor();
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByRole('menuitem', { name: 'Save this view' }).click();
    await page.getByLabel('Name of the view').fill('Won, with sources');
    await expectSoundPage(one, 'save-view');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });

    await page.goto(at('referrals'));
    await count(rowsOf(page, 'Referrals'), 6);
    await page.getByRole('button', { name: 'Views' }).click();
    await page.getByRole('menuitem', { name: 'Won, with sources' }).click();
    await count(rowsOf(page, 'Referrals'), 4);
    await page.getByRole('columnheader', { name: 'Linked by' }).waitFor();
    expect(await page.getByRole('columnheader', { name: 'Why' }).count()).toBe(0);
  });

  test('the file holds what the filters find, and a formula in a name is disarmed', async () => {
    const { page } = await enter('anna@acme.test', ['analyst']);
    await page.goto(at('referrals?stage=won'));
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    const csv = await textOfDownload(page, 'Export CSV');
    expect(csv.trimEnd().split('\r\n')).toHaveLength(5);
    expect(csv).toContain(`"'=HYPERLINK(""http://evil.test"",""x"")"`);
    expect(csv).not.toContain(`"=HYPERLINK`);
  });

  test('one is told by everything that is recorded of it, and each kind can be looked at by itself', async () => {
    const one = await enter('otto@acme.test', ['owner']);
    const { page } = one;
    await page.goto(at(`referrals/${big.id}`));
    await page.getByRole('heading', { level: 1, name: 'Ada Lovelace' }).waitFor();
    await page.getByText('Analytical engine reached “Closed Won”').waitFor();
    await page.getByText(/The referral went to Grace Hopper/).waitFor();
    await page.getByText('The referral became “Won”').waitFor();
    await page.getByRole('link', { name: 'Open Ada Lovelace in the CRM' }).waitFor();
    expect(await page.getByRole('link', { name: 'Open Analytical engine in the CRM' }).getAttribute('href')).toMatch(
      /\/record\/0-3\//,
    );
    await page.getByText('Up to date in the CRM').first().waitFor();
    await expectSoundPage(one, 'referral');
    await page.getByText('Decisions', { exact: true }).click();
    await page.waitForURL(/show=decisions/);
    await page.getByRole('button', { name: 'Conditions and calculation' }).first().click();
    await page.getByRole('table', { name: 'Condition' }).waitFor();
    await expectSoundPage(one, 'referral-decisions');
    await page.reload();
    await page.getByRole('button', { name: 'Conditions and calculation' }).first().waitFor();
    expect(await page.getByText('Analytical engine reached “Closed Won”').count()).toBe(0);
    await page.getByRole('radiogroup', { name: 'Show' }).getByText('Money', { exact: true }).click();
    await page.getByRole('button', { name: 'Postings' }).first().click();
    await page.getByRole('table', { name: 'Postings' }).waitFor();
    await expectSoundPage(one, 'referral-money');
  });

  test('one of another account is refused, by its address and by the API', async () => {
    const one = await enter('mia@acme.test', ['owner']);
    await one.page.goto(at(`referrals/${foreignReferral}`));
    await one.page.getByText('There is no such thing in this account').waitFor();
    expect(await one.page.getByText('Mallory').count()).toBe(0);
    await expectSoundPage(one, 'referral-foreign', { mayBeRefused: true });
    for (const part of ['', '/timeline', '/records'])
      expect((await stack.api('GET', `/referrals/${foreignReferral}${part}`)).status).toBe(404);
  });
});

describe('rewards', () => {
  test('a rep sees why one waits, and no way to approve it, nor the money behind it', async () => {
    const one = await enter('rex@acme.test', ['sales']);
    const { page } = one;
    await page.goto(at('rewards?state=in_review'));
    await count(rowsOf(page, 'Rewards'), 2);
    expect(await page.getByRole('checkbox').count()).toBe(0);
    await page.getByRole('link', { name: '€480.00' }).click();
    await page.getByText('Waits for somebody to approve it.').waitFor();
    await page.getByText('Your roles let you see it; a reviewer can approve or reject it.').waitFor();
    for (const name of ['Approve', 'Reject', 'Write off'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    expect(await page.getByText('Bookings').count()).toBe(0);
    await expectSoundPage(one, 'reward-rep');
    await page.goto(at(`referrals/${big.id}`));
    await page.getByText('Analytical engine reached “Closed Won”').waitFor();
    expect(await page.getByText('Money', { exact: true }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Postings' }).count()).toBe(0);
  });

  test('several are approved at once, after the effects were shown, and each one tells what became of it', async () => {
    const one = await enter('rita@acme.test', ['reviewer']);
    const { page } = one;
    await page.getByRole('link', { name: 'Rewards' }).click();
    await page.getByLabel('Mark all on this page that wait for somebody').check();
    await page.getByText('2 rewards marked · €790.00').waitFor();
    await expectSoundPage(one, 'rewards-marked');
    await page.getByRole('button', { name: 'Approve' }).click();
    await page.getByText(/€790\.00 are owed from then on/).waitFor();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await dialog.getByText('Say why in a few words.').waitFor();
    await expectSoundPage(one, 'verdict');
    await dialog.getByLabel('Why').fill('Invoices were paid.');
    // Somebody else has decided one of them meanwhile.
    const [waiting] = (await stack.api('GET', '/rewards?state=in_review')).body.items;
    await stack.api('POST', `/rewards/${waiting.id}/reject`, { why: 'Known.' });
    await dialog.getByRole('button', { name: 'Approve' }).dblclick();
    await dialog.getByText('1 reward was decided, 1 was not.').waitFor();
    await dialog.getByText('Decided before: Voided').waitFor();
    await expectSoundPage(one, 'verdict-results');
    await dialog.getByRole('button', { name: 'Done' }).click();
    await count(page.getByText('In review', { exact: true }).locator('visible=true'), 0);
    await stack.settle();
    const decisions = (await stack.api('GET', '/decisions?limit=100')).body.items;
    expect(decisions.filter(({ reason }: Json) => /Invoices were paid/.test(reason.text))).toHaveLength(1);
  });

  test('one shows its amount step by step, what was booked, and what the provider gave', async () => {
    const one = await enter('fin@acme.test', ['finance']);
    const { page } = one;
    await page.goto(at('rewards?party=member&state=issued'));
    await page.getByRole('link', { name: '€95.00' }).click();
    await page.getByRole('heading', { level: 1, name: '€95.00 for Linus Pauling' }).waitFor();
    await page.getByText('How the amount came about').waitFor();
    await page.getByRole('table', { name: 'Postings' }).first().waitFor();
    await page.getByText('What the provider said').waitFor();
    // Credit hands nothing out, which the API says with 404.
    await expectSoundPage(one, 'reward', { mayBeRefused: true });
  });
});

describe('members', () => {
  test('are found by name, and one shows link, balance, referrals and rewards', async () => {
    const one = await enter('max@acme.test', ['manager']);
    const { page } = one;
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByLabel('Name, e-mail address or code').fill('gRace');
    await page.waitForURL(/search=gRace/);
    await count(rowsOf(page, 'Members'), 1);
    await expectSoundPage(one, 'members');
    await page.getByRole('link', { name: 'Grace Hopper' }).click();
    await page.getByRole('heading', { level: 1, name: 'Grace Hopper' }).waitFor();
    await page.getByRole('img', { name: 'QR code of the share link' }).waitFor();
    await page.getByRole('link', { name: 'Ada Lovelace' }).waitFor();
    await count(rowsOf(page, 'Referrals'), 3);
    await expectSoundPage(one, 'member');
    await page.getByRole('tab', { name: 'Rewards' }).click();
    await page.waitForURL(/tab=rewards/);
    await page.reload();
    await count(rowsOf(page, 'Rewards'), 2);
    await page.getByRole('tab', { name: 'Rewards' }).press('ArrowRight');
    await page.getByText('No tier was decided yet.').waitFor();
  });

  test('in German and in the dark, on a telephone, all of it can be read and used', async () => {
    const one = await enter('dora@acme.test', ['owner'], 375);
    const { page } = one;
    await page.evaluate(
      `localStorage.setItem('wonward.locale', 'de'); localStorage.setItem('mantine-color-scheme-value', 'dark')`,
    );
    for (const [path, heading] of [
      ['members', 'Mitglieder'],
      ['referrals', 'Empfehlungen'],
      ['rewards', 'Prämien'],
      [`referrals/${big.id}`, 'Ada Lovelace'],
    ] as const) {
      await page.goto(at(path));
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      await page.getByRole('status', { name: 'Lädt' }).first().waitFor({ state: 'detached' });
      await expectSoundPage(one, `phone-${path.split('/')[0]}${path.includes('/') ? '-one' : ''}`);
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    }
  });
});

/** As Excel saves it in Europe: semicolons, and letters that are no UTF-8. */
const FILE = [
  'Kundennr;E-Mail;Vorname;Nachname',
  '1;jane@new.test;Jane;Müller',
  '2;nobody at all;No;Body',
  '3;known@new.test;Somebody;Else',
  ...Array.from({ length: 60 }, (_, index) => `${index + 4};person${index}@new.test;Person;${index}`),
].join('\r\n');

describe('importing members', () => {
  test('a file is dropped, its columns are understood, what would happen is shown, and it is imported and undone', async () => {
    await stack.api('POST', '/members', { name: 'Known', email: 'known@new.test' });
    const one = await enter('ines@acme.test', ['manager']);
    const { page } = one;
    await page.getByRole('link', { name: 'Members' }).click();
    await page.getByRole('link', { name: 'Import', exact: true }).click();
    await page.getByText('Nobody was imported yet').waitFor();
    await page.getByRole('link', { name: 'Import members' }).click();
    await page.getByRole('button', { name: 'Choose a CSV file' }).waitFor();
    const choose = (name: string, text: string) =>
      page.setInputFiles('input[type=file]', { name, mimeType: 'text/csv', buffer: Buffer.from(text, 'latin1') });
    await choose('members.xlsx', 'PK\u0003\u0004\0\0');
    await page.getByText('This is not a text file.').waitFor();
    await expectSoundPage(one, 'import-workbook');
    await page.evaluate(`(() => {
      const data = new DataTransfer();
      data.items.add(new File(['a,b\\n1,2\\n'], 'dropped.csv', { type: 'text/csv' }));
      const place = document.querySelector('input[type=file]').parentElement;
      place.dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: data }));
    })()`);
    await page.getByText('dropped.csv · 1 row').waitFor();
    await page.getByText('Choose the column with the e-mail addresses.').waitFor();
    expect(await page.getByRole('button', { name: 'Show what would happen' }).isDisabled()).toBe(true);

    await choose('customers.csv', FILE);
    await page.getByText('customers.csv · 63 rows').waitFor();
    expect(await page.getByLabel('First name').inputValue()).toBe('Vorname');
    await page.getByText('Müller · Body · Else').waitFor();
    await page.getByRole('button', { name: 'Show what would happen' }).click();
    await page.getByText('The address is no e-mail address.').waitFor();
    await count(rowsOf(page, 'What became of each row'), 1);
    await expectSoundPage(one, 'import-tried');
    expect((await stack.api('GET', '/members?search=jane')).body.items).toEqual([]);
    await page.getByRole('button', { name: 'Import 62 people' }).dblclick();
    await page.waitForURL(/imports\/imp_/);
    await page.reload();
    await page.getByText('Done', { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByLabel('Outcome').selectOption('created');
    await count(rowsOf(page, 'What became of each row'), 50);
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Rows 51 to 61 of 61').waitFor();
    await expectSoundPage(one, 'import-done');
    const csv = await textOfDownload(page, 'Export CSV');
    expect(csv.trimEnd().split('\r\n')).toHaveLength(64);
    const found = (await stack.api('GET', '/members?search=jane')).body.items;
    expect(found).toMatchObject([{ name: 'Jane Müller', email: 'jane@new.test' }]);

    await page.getByRole('link', { name: 'All imports' }).click();
    await count(rowsOf(page, 'Imports'), 1);
    await expectSoundPage(one, 'imports');
    await page.goBack();
    const friend = { name: 'Joan', email: 'joan@new.test' };
    await stack.api('POST', '/referrals', { memberId: found[0].id, friend });
    await page.getByRole('button', { name: 'Undo the import' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Undo the import' }).click();
    await page.getByText('Undone', { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByText('The member has referred somebody.').waitFor();
    await expectSoundPage(one, 'import-undone');
    expect((await stack.api('GET', '/members?search=person')).body.items).toEqual([]);
  });

  test('a list of the CRM is imported on a telephone, in German and in the dark; what is under way is there after a reload', async () => {
    const people = ['Lise Meitner', 'Otto Hahn'].map((name) => scene.person(name));
    scene.crm.createList(PORTAL, { name: 'Zufriedene Kunden', recordIds: people });
    scene.crm.createList(PORTAL, { name: 'Andere', recordIds: [] });
    const one = await enter('ida@acme.test', ['architect'], 375);
    const { page } = one;
    await page.evaluate(
      `localStorage.setItem('wonward.locale', 'de'); localStorage.setItem('mantine-color-scheme-value', 'dark')`,
    );
    await page.goto(at('members/imports/new?from=list'));
    await page.getByLabel('Andere').waitFor();
    await page.getByLabel('Name der Liste').fill('zufrieden');
    await page.getByLabel('Andere').waitFor({ state: 'detached' });
    await page.getByLabel('Zufriedene Kunden').check();
    await page.getByRole('button', { name: 'Zeigen, was geschähe' }).click();
    await page.getByText('Angesehen: alle auf „Zufriedene Kunden“.').waitFor();
    await expectSoundPage(one, 'import-list-dark-de');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    const slow = scene.crm.addFault({
      target: 'api',
      path: '/crm/lists/*/memberships',
      effect: { kind: 'latency', latencyMs: 4_000 },
    });
    await page.getByRole('button', { name: 'Alle auf der Liste importieren' }).click();
    await page.getByText('Liest die Liste').waitFor();
    await page.reload();
    await page.getByText('Liest die Liste').waitFor();
    await expectSoundPage(one, 'import-running-dark-de');
    scene.crm.removeFault(slow.id);
    await page.getByText('Fertig', { exact: true }).waitFor({ timeout: 30_000 });
    await expectSoundPage(one, 'import-list-done-dark-de');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
    expect((await stack.api('GET', '/members?search=lise')).body.items).toHaveLength(1);
  });

  test('a rep is offered neither it nor what is kept of people', async () => {
    const { page } = await enter('rolf@acme.test', ['sales']);
    await page.goto(at('members'));
    await page.getByRole('link', { name: 'Grace Hopper' }).click();
    await page.getByRole('heading', { level: 2, name: 'In the CRM' }).waitFor();
    expect(await page.getByRole('button', { name: 'Erase' }).count()).toBe(0);
    for (const [path, permission] of [
      ['members/imports/new', 'imports.write'],
      ['settings/privacy', 'privacy.write'],
    ] as const) {
      await page.goto(at(path));
      await page.getByText(`An owner of the account can give you the permission “${permission}”.`).waitFor();
    }
  });
});

describe("a person's data", () => {
  test('a member gets all that is kept, and is erased after what that means was shown and confirmed by hand', async () => {
    const one = await enter('pia@acme.test', ['owner']);
    const { page } = one;
    await page.goto(at('members?search=linus'));
    await page.getByRole('link', { name: 'Linus Pauling' }).click();
    const kept = JSON.parse(await textOfDownload(page, 'Export'));
    expect(kept.members).toMatchObject([{ name: 'Linus Pauling' }]);
    expect(kept.asMember).toHaveLength(3);
    await page.getByText('The document was saved.').waitFor();
    const { id, email } = kept.members[0];

    await page.getByRole('button', { name: 'Erase' }).click();
    const dialog = page.getByRole('dialog', { name: 'Erase Linus Pauling?' });
    await dialog.getByText('3 referrals made').waitFor();
    await expectSoundPage(one, 'erase');
    await dialog.getByLabel(`To confirm, write ${email}`).fill('linus');
    await page.keyboard.press('Enter');
    await dialog.getByText(`Write exactly: ${email}`).waitFor();
    expect((await stack.api('GET', `/members/${id}`)).body.name).toBe('Linus Pauling');
    await dialog.getByLabel(`To confirm, write ${email}`).fill(email);
    await page.keyboard.press('Enter');
    await page.getByText('The person was erased', { exact: true }).waitFor();
    await expectSoundPage(one, 'erased');
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { level: 1, name: 'Linus Pauling' }).waitFor({ state: 'detached' });
    expect((await stack.api('GET', `/members/${id}`)).body).toMatchObject({ name: null, email: null });

    await page.getByRole('link', { name: 'Privacy' }).click();
    await count(rowsOf(page, 'Erasures'), 1);
    await page.getByLabel('E-mail address').fill('unknown@new.test');
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByText('Nothing is kept about such a person.').waitFor();
    await expectSoundPage(one, 'privacy', { mayBeRefused: true });
  });

  test('so is a friend, from the page of the referral, and it can be read in German and in the dark on a telephone', async () => {
    const one = await enter('paul@acme.test', ['owner'], 375);
    const { page } = one;
    await page.evaluate(
      `localStorage.setItem('wonward.locale', 'de'); localStorage.setItem('mantine-color-scheme-value', 'dark')`,
    );
    await page.goto(at(`referrals/${big.id}`));
    await page.getByRole('button', { name: 'Löschen' }).click();
    await page.getByRole('dialog', { name: 'Ada Lovelace löschen?' }).getByText('1 Empfehlung als').waitFor();
    await expectSoundPage(one, 'erase-dark-de');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect((await stack.api('GET', `/referrals/${big.id}`)).body.friend.name).toBe('Ada Lovelace');
    await page.goto(at('settings/privacy'));
    await page.getByRole('table', { name: 'Löschungen' }).waitFor();
    await expectSoundPage(one, 'privacy-dark-de');
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(375);
  });
});
