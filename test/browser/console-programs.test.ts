import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createScene } from '../stories/scene.ts';
import { type Stack, startStack, TWO_SIDED } from '../support/stack.ts';
import { launchBrowser, type OpenedPage } from './browser.ts';
import { expectSoundPage, type Roles, visiting } from './console.ts';

let stack: Stack;
let browser: Browser;
const visits = visiting(() => ({ stack, browser }));

beforeAll(async () => {
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
  await stack.install();
  const scene = createScene(stack);
  const ada = scene.person('Ada Lovelace');
  for (const [name, amount] of [
    ['Grace Hopper', '12000.00'],
    ['Barbara Liskov', '4000.00'],
    ['=SUM(A1)', '900.00'],
  ] as const) {
    const deal = scene.deal([scene.friendOf(ada, name)], { amount });
    await stack.settle();
    scene.win(deal);
  }
  await stack.settle();
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await stack?.close();
});

async function enter(email: string, roles: Roles, path = 'programs'): Promise<OpenedPage> {
  const one = await visits.enter(email, roles);
  await one.page.goto(visits.at(path));
  return one;
}

/** A published program of a test's own: where it is in the console. */
async function programOf(programId: string): Promise<string> {
  const { status, body } = await stack.api('POST', '/programs', { ...TWO_SIDED, programId });
  expect(status, JSON.stringify(body)).toBe(200);
  return `programs/${programId}`;
}

describe('a program', { timeout: 240_000 }, () => {
  test('is written in sentences, tried over history, published on what was tried, and put back', async () => {
    const one = await enter('mona@acme.test', ['manager']);
    const { page } = one;
    await page.getByRole('row', { name: /Friends of Acme/ }).waitFor();
    await expectSoundPage(one, 'programs');
    await page.getByRole('link', { name: 'Friends of Acme' }).click();
    const rule = page.getByRole('region', { name: 'Member won' });
    await rule.getByText('When a referral is won, give the member 10% of the deal, as account credit.').waitFor();
    await rule.getByRole('button', { name: 'Edit: Member won' }).click();
    await rule.getByLabel('Share').fill('15');
    await rule.getByRole('button', { name: 'Add a condition' }).click();
    await rule.getByLabel('Amount', { exact: true }).fill('5000');
    await rule.getByLabel('Days to wait').fill('30');
    await rule.getByText('give the member 15% of the deal after 30 days, as account credit. One condition.').waitFor();
    await expectSoundPage(one, 'program-rules', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Save draft' }).click();
    await page.getByText('Draft saved as revision 1.').waitFor();
    await page.getByRole('tab', { name: 'Try and publish' }).click();
    await page.getByRole('button', { name: 'Try on history' }).click();
    await page.getByRole('table', { name: 'What would change' }).waitFor();
    await page.getByText('rules[member-won].holdDays: 0 → 30').waitFor();
    await expectSoundPage(one, 'program-try', { mayBeRefused: true });
    // What was tried stands in the address.
    await page.reload();
    await page.getByRole('table', { name: 'What would change' }).waitFor();
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export CSV' }).click(),
    ]);
    const rows = await file.createReadStream().then((stream) => stream.toArray());
    expect(Buffer.concat(rows).toString()).toMatch(
      /"changed","ref_[^"]+","[0-9]+","member-won","member","1200.00","EUR","1800.00","EUR"/,
    );
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Version 2 is in force.').waitFor();
    await page.getByRole('tab', { name: 'Versions' }).click();
    await page.getByRole('button', { name: 'What would change' }).click();
    await page.getByText('rules[member-won].holdDays: 30 → 0').waitFor();
    await expectSoundPage(one, 'program-versions', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Publish again' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish again' }).click();
    await page.getByRole('heading', { name: 'Version 3' }).waitFor();
    const { body } = await stack.api('GET', '/programs');
    expect(body.items[0]).toMatchObject({ version: 3, publishedBy: 'mona@acme.test', rules: [{ holdDays: 0 }, {}] });
  });

  test('names what is wrong beside its field, and takes neither a script for more than a name nor 10 MB for a text', async () => {
    const one = await enter('max@acme.test', ['manager'], await programOf('wrong'));
    const { page } = one;
    const rule = page.getByRole('region', { name: 'Member won' });
    await rule.getByRole('button', { name: 'Edit: Member won' }).click();
    await rule.getByRole('combobox', { name: 'How much' }).selectOption('fixed');
    await page.getByText('One thing to mend before it can be saved').waitFor();
    await rule.getByText('must be a decimal above zero').waitFor();
    expect(await page.getByRole('button', { name: 'Save draft' }).isDisabled()).toBe(true);
    await expectSoundPage(one, 'program-wrong', { mayBeRefused: true });
    await page.getByLabel('Name', { exact: true }).fill('<img src=x onerror=alert(1)>');
    await page.getByRole('heading', { level: 1, name: '<img src=x onerror=alert(1)>' }).waitFor();
    const long = 'x'.repeat(10_000_000);
    await page.getByLabel('Name', { exact: true }).fill(long);
    await page.getByText('That text has 10,000,000 characters, and this takes at most 2,000.').waitFor();
    await page.getByRole('tab', { name: 'YAML' }).click();
    await page.getByLabel('Program as YAML').fill(long);
    await page.getByText('That text has 10,000,000 characters, and this takes at most 200,000.').waitFor();
    await expectSoundPage(one, 'program-yaml', { mayBeRefused: true });
    // What was written is still there after the page was left.
    await page.goto(`${stack.publicUrl}/console/${stack.accountId}/programs`);
    await page.goto(`${stack.publicUrl}/console/${stack.accountId}/programs/wrong`);
    await page.getByText('What you had written here and not saved is back.').waitFor();
    await page.getByRole('heading', { level: 1, name: '<img src=x onerror=alert(1)>' }).waitFor();
    await page.getByRole('button', { name: 'Go back to what is saved' }).click();
    await page.getByRole('heading', { level: 1, name: 'Friends of Acme' }).waitFor();
  });

  test('is the same as YAML, and what is read there stands in the rules', async () => {
    const one = await enter('yuri@acme.test', ['manager'], `${await programOf('as-text')}?tab=yaml`);
    const { page } = one;
    const text = page.getByLabel('Program as YAML');
    await text.waitFor();
    const written = await text.inputValue();
    await text.fill('rules: [');
    await page.getByRole('button', { name: 'Use this text' }).click();
    await page.getByText('This is not YAML').waitFor();
    await text.fill(written.replace('basisPoints: 1000', 'basisPoints: 700'));
    await page.getByRole('button', { name: 'Use this text' }).click();
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.getByText('give the member 7% of the deal').waitFor();
    await expectSoundPage(one, 'program-from-yaml');
  });

  test('is written by two at once: the second is told, sees both, and loses nothing', async () => {
    const path = await programOf('of-two');
    const [ada, bob] = [
      await enter('ada@acme.test', ['manager'], path),
      await enter('bob@acme.test', ['manager'], path),
    ];
    for (const [{ page }, share] of [
      [ada, '11'],
      [bob, '12'],
    ] as const) {
      await page.getByRole('button', { name: 'Edit: Member won' }).click();
      await page.getByRole('region', { name: 'Member won' }).getByLabel('Share').fill(share);
      await page.getByText(`give the member ${share}% of the deal`).waitFor();
    }
    await ada.page.getByRole('button', { name: 'Save draft' }).click();
    await ada.page.getByText('Draft saved as revision 1.').waitFor();
    await bob.page.getByRole('button', { name: 'Save draft' }).click();
    await bob.page.getByText('ada@acme.test saved revision 1').waitFor();
    await bob.page.getByText('rules[member-won].amount.basisPoints: 1000 → 1100').waitFor();
    await bob.page.getByText('rules[member-won].amount.basisPoints: 1000 → 1200').waitFor();
    await expectSoundPage(bob, 'program-conflict', { mayBeRefused: true });
    await bob.page.getByRole('button', { name: 'Put mine on top' }).click();
    await bob.page.getByText('Draft saved as revision 2.').waitFor();
    // Nothing was written here since, so theirs is shown by itself.
    await ada.page.reload();
    await ada.page.getByText('give the member 12% of the deal').waitFor();
    await ada.page.getByRole('button', { name: 'Throw the draft away' }).click();
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Throw the draft away' }).click();
    await ada.page.getByText('give the member 10% of the deal').waitFor();
  });

  test('is published by a second person where the account asks for two', async () => {
    const path = await programOf('four-eyes');
    await stack.api('PUT', '/account', { name: 'Acme', needsSecondPerson: true });
    const one = await enter('sol@acme.test', ['manager'], path);
    const { page } = one;
    await page.getByRole('button', { name: 'Edit: Member won' }).click();
    await page.getByRole('region', { name: 'Member won' }).getByLabel('Days to wait').fill('7');
    await page.getByRole('button', { name: 'Save draft' }).click();
    await page.getByText('Draft saved as revision 1.').waitFor();
    await page.getByRole('tab', { name: 'Try and publish' }).click();
    await page.getByRole('button', { name: 'Publish' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('This account asks for two people. sol@acme.test worked on this draft').waitFor();
    const second = await enter('tia@acme.test', ['manager'], `${path}?tab=try`);
    await second.page.getByRole('button', { name: 'Publish' }).click();
    await second.page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await second.page.getByText('Version 2 is in force.').waitFor();
    await stack.api('PUT', '/account', { name: 'Acme', needsSecondPerson: false });
  });

  test('begins with a template, has a budget, and is only read by who may not write', async () => {
    const one = await enter('nora@acme.test', ['manager']);
    const { page } = one;
    await page.getByRole('button', { name: 'New program' }).click();
    await page.getByLabel('Ambassadors in tiers').check();
    await page.getByRole('dialog').getByLabel('Name').fill('Ambassadors 2027');
    await expectSoundPage(one, 'program-new');
    await page.getByRole('button', { name: 'Write the draft' }).click();
    await page.getByRole('heading', { level: 1, name: 'Ambassadors 2027' }).waitFor();
    await expectSoundPage(one, 'program-tiers');
    await page.goto(`${stack.publicUrl}/console/${stack.accountId}/${await programOf('with-budget')}?tab=budget`);
    const form = page.getByRole('form', { name: 'Put money in' });
    await form.getByLabel('Amount').fill('2500.00');
    await form.getByLabel('Number of the approval').fill('q1-2027');
    await form.getByLabel('What for').fill('=HYPERLINK("x") First quarter');
    await form.getByRole('button', { name: 'Put money in' }).click();
    await page.getByRole('row', { name: /q1-2027/ }).waitFor();
    await expectSoundPage(one, 'program-budget');
    const reader = await enter('cara@acme.test', ['content'], 'programs/with-budget');
    await reader.page.getByText('You can read this program.').waitFor();
    await reader.page.getByRole('button', { name: 'Edit: Member won' }).waitFor();
    expect(await reader.page.getByRole('button', { name: 'Save draft' }).count()).toBe(0);
    expect(await reader.page.getByLabel('Name', { exact: true }).isDisabled()).toBe(true);
    await expectSoundPage(reader, 'program-read-only');
  });
});

describe('whose a referral is', { timeout: 120_000 }, () => {
  test('is told in sentences, changed as a draft, tried over history and published on what was tried', async () => {
    const one = await enter('mona@acme.test', ['manager'], 'attribution');
    const { page } = one;
    await page.getByText('Who was a customer before is a friend like any other.').waitFor();
    await expectSoundPage(one, 'attribution');
    await page.getByLabel('However old').uncheck();
    const days = page.getByLabel('For how long entries count');
    await days.fill('4000');
    await page.getByText('One thing is wrong').waitFor();
    expect(await page.getByRole('button', { name: 'Try it and publish' }).isDisabled()).toBe(true);
    await expectSoundPage(one, 'attribution-wrong', { mayBeRefused: true });
    await days.fill('60');
    await page.getByRole('button', { name: 'Weaker: an entry for the e-mail address' }).press('Enter');
    await page.getByRole('button', { name: 'Leave out: the label “Referred by” in the CRM' }).click();
    await page.getByText('Entries older than 60 days when the friend appears do not count').waitFor();
    await page.getByText('Not counted: the label “Referred by” in the CRM, the company.').waitFor();
    // What is not published is kept in the browser.
    await page.reload();
    await page.getByText('Entries older than 60 days when the friend appears do not count').waitFor();
    await expectSoundPage(one, 'attribution-draft', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Try it and publish' }).click();
    await page.getByText('windowDays: null → 60').waitFor();
    await page.getByText('Nobody has tried this draft over history.').waitFor();
    await page.getByRole('button', { name: 'Try it over history' }).click();
    const table = page.getByRole('table', { name: 'What would change' });
    await table.getByRole('columnheader', { name: 'Whose it would be' }).waitFor();
    expect(await table.getByRole('row', { name: /No more/ }).count()).toBeGreaterThan(2);
    await page.getByText('Only the very draft that was tried is published.').waitFor();
    await expectSoundPage(one, 'attribution-try', { mayBeRefused: true });

    // Somebody else publishes meanwhile: theirs is not undone unseen.
    expect((await stack.api('POST', '/attribution-policies', { touch: 'last' })).body.version).toBe(1);
    const publish = async () => {
      await page.getByRole('button', { name: 'Publish', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    };
    await publish();
    await page.getByText('Somebody else has published version 1').waitFor();
    expect((await stack.api('GET', '/attribution-policies')).body.items).toHaveLength(1);
    await expectSoundPage(one, 'attribution-conflict', { mayBeRefused: true });
    await page.getByRole('button', { name: 'Go on with mine' }).click();
    await page.getByText('touch: "last" → "first"').waitFor();
    await publish();
    await page.getByText('Version 2 is in force.').waitFor();
    const [newest] = (await stack.api('GET', '/attribution-policies')).body.items;
    expect(newest).toMatchObject({
      version: 2,
      publishedBy: 'mona@acme.test',
      dryRunId: expect.stringMatching(/^dry_/),
      policy: { windowDays: 60, touch: 'first', sources: ['email', 'code'] },
    });

    await page.getByRole('tab', { name: 'Versions' }).click();
    const first = page.getByRole('region', { name: 'Version 1', exact: true });
    await first.getByRole('button', { name: 'What would change' }).click();
    await first.getByText('touch: "first" → "last"').waitFor();
    await expectSoundPage(one, 'attribution-versions', { mayBeRefused: true });
    await first.getByRole('button', { name: 'Take over as a draft' }).click();
    await page.getByText('Of two from one source the newer one counts.').waitFor();
    await page.getByRole('button', { name: 'Drop the draft' }).click();
    await page.getByText('Of two from one source the older one counts.').waitFor();

    const reader = await enter('ana@acme.test', ['analyst'], 'attribution');
    await reader.page.getByText('Of two from one source the older one counts.').waitFor();
    expect(await reader.page.getByRole('button', { name: 'Try it and publish' }).count()).toBe(0);
  });
});
