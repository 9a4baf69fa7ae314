import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SalesforceSandbox, startSalesforceSandbox } from '../../src/sandbox/salesforce/server.ts';
import { buildLightningBundle } from '../../src/sandbox/web/salesforce/lightning-bundle.ts';
import { type RunningOrgPages, startOrgPages } from '../../src/sandbox/web/salesforce/start-org-pages.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';

/** The local org, its pages and the real component together: queries of the classes' text, rows that the org keeps. */

const PACKAGE = 'extensions/salesforce/force-app/main/default';
const BUILD_TIMEOUT_MS = 600_000;
const app = {
  clientId: 'pages',
  clientSecret: 'secret',
  redirectUrls: ['http://localhost:3000/oauth/salesforce/callback'],
  scopes: ['api', 'refresh_token', 'id'],
};

let sandbox: SalesforceSandbox;
let pages: RunningOrgPages;
let browser: Browser;
let org: string;
let ids: Record<'grace' | 'ada' | 'katherine' | 'account' | 'opportunity' | 'member' | 'referral', string>;

beforeAll(async () => {
  await buildLightningBundle();
  sandbox = await startSalesforceSandbox({
    app,
    orgs: [
      { name: 'Acme', package: { root: PACKAGE } },
      { name: 'Without us', package: null },
    ],
  });
  org = sandbox.control.orgs()[0]?.id ?? '';
  ids = referredCustomer(org);
  [pages, browser] = await Promise.all([startOrgPages({ sandbox, app }), launchBrowser()]);
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  await pages?.close();
  await sandbox?.close();
});

/** Grace referred Ada, whose opportunity is open, and the lead Katherine, for whom Grace was paid. */
function referredCustomer(orgId: string): typeof ids {
  const make = (object: string, fields: Record<string, unknown>): string =>
    sandbox.control.create(orgId, object, fields);
  const account = make('Account', { Name: 'Analytical Engines' });
  const grace = make('Contact', { FirstName: 'Grace', LastName: 'Hopper', Email: 'grace@example.com' });
  const ada = make('Contact', { FirstName: 'Ada', LastName: 'Lovelace', Email: 'ada@example.com', AccountId: account });
  const katherine = make('Lead', { FirstName: 'Katherine', LastName: 'Johnson', Company: 'Orbit' });
  const opportunity = make('Opportunity', {
    Name: 'Analytical engine',
    StageName: 'Negotiation/Review',
    CloseDate: '2026-12-01',
    Amount: 12_000,
    AccountId: account,
  });
  make('OpportunityContactRole', { OpportunityId: opportunity, ContactId: ada, IsPrimary: true });
  const member = make('Referral_Member__c', {
    Name: 'Grace Hopper',
    External_Id__c: 'mem_1',
    Contact__c: grace,
    Referral_Code__c: 'GRACE7',
    Share_Link__c: 'https://go.wonward.example/GRACE7',
    Referrals__c: 2,
    Won_Referrals__c: 1,
    Rewards_Issued__c: '€120.00',
  });
  const referral = make('Referral__c', {
    External_Id__c: 'ref_1',
    Member__c: member,
    Friend_Contact__c: ada,
    Account__c: account,
    Opportunity__c: opportunity,
    Stage__c: 'opportunity',
    Stage_Changed_At__c: '2026-11-20T10:00:00.000Z',
    Next_Step__c: 'Move "Analytical engine" to Closed Won.',
  });
  const paid = make('Referral__c', {
    External_Id__c: 'ref_2',
    Member__c: member,
    Friend_Lead__c: katherine,
    Stage__c: 'won',
    Stage_Changed_At__c: '2026-11-10T10:00:00.000Z',
  });
  make('Referral_Reward__c', {
    External_Id__c: 'rew_1',
    Referral__c: paid,
    State__c: 'issued',
    Party__c: 'member',
    Amount__c: 120,
    Currency__c: 'EUR',
    Reason__c: 'The opportunity "Orbit" is Closed Won.',
    Decided_At__c: '2026-11-10T10:00:00.000Z',
  });
  return { grace, ada, katherine, account, opportunity, member, referral };
}

async function on(path: string, check: (opened: OpenedPage) => Promise<void>, width = 1280): Promise<void> {
  const opened = await openPage(browser, `${pages.url}${path}`, { width });
  try {
    await check(opened);
    expect(
      opened.complaints.filter((text) => !/status of (400|500)/.test(text)),
      'errors',
    ).toEqual([]);
    expect(opened.strangers, 'requests to elsewhere').toEqual([]);
  } finally {
    await opened.close();
  }
}

const record = (id: string): string => `/orgs/${org}/records/${id}`;

describe('the pages of a local org', () => {
  it.each([1280, 360])('list what there is, and axe finds nothing on %i pixels', async (width) => {
    await on(
      '/',
      async ({ page }) => {
        expect(await accessibilityViolations(page)).toEqual([]);
        await page.getByRole('link', { name: 'Acme' }).click();
        await page.getByRole('link', { name: 'Katherine Johnson' }).waitFor();
        await page.getByRole('heading', { name: 'Referral Members (1)' }).waitFor();
        expect(await accessibilityViolations(page)).toEqual([]);
        await page.getByRole('link', { name: 'Analytical engine', exact: true }).click();
        await page.getByRole('heading', { level: 1, name: 'Analytical engine' }).waitFor();
      },
      width,
    );
  });

  it('show the component what the org holds, on all four pages', async () => {
    const expected: Record<string, string> = {
      [ids.grace]: 'Referred 2 friends, 1 won.',
      [ids.ada]: 'Referred by Grace Hopper.',
      [ids.katherine]: 'Referred by Grace Hopper.',
      [ids.account]: '1 referral of this account: 0 won.',
      [ids.opportunity]: 'This customer was referred by Grace Hopper.',
    };
    for (const [id, text] of Object.entries(expected)) {
      await on(record(id), async ({ page }) => {
        await page.getByText(text).waitFor();
        expect(await accessibilityViolations(page)).toEqual([]);
      });
    }
    await on(
      record(ids.grace),
      async ({ page }) => void (await page.getByText('€120.00 for Grace Hopper (member)').waitFor()),
    );
  });

  it('say what on them is real and what is not', async () => {
    await on(record(ids.ada), async ({ page }) => {
      const notice = await page.locator('.notice').last().innerText();
      expect(notice).toContain('compiled as Salesforce does');
      expect(notice).toContain('Not real: Apex.');
    });
  });

  it('move an opportunity, and the component reads anew', async () => {
    await on(record(ids.opportunity), async ({ page }) => {
      await page.getByText('This customer was referred by').waitFor();
      sandbox.control.edit(org, ids.referral, { Stage__c: 'won' });
      await page.getByRole('button', { name: 'Closed Won' }).click();
      await page.getByText('Stage changed to Closed Won.').waitFor();
      await page.locator('c-referral-history').getByText('Won since').waitFor();
      expect(sandbox.control.read(org, ids.opportunity)).toMatchObject({ StageName: 'Closed Won', IsWon: true });
    });
  });

  it('lead from a look-up to the record that it names, and write an amount as people do', async () => {
    sandbox.control.edit(org, ids.katherine, { Referred_By__c: ids.grace });
    const details = (page: OpenedPage['page']) => page.getByRole('region', { name: 'Details' });
    await on(record(ids.katherine), async ({ page }) => {
      await details(page).getByRole('link', { name: 'Grace Hopper' }).click();
      await page.getByRole('heading', { level: 1, name: 'Grace Hopper' }).waitFor();
    });
    await on(record(ids.opportunity), async ({ page }) => {
      await details(page).getByText('12,000.00').waitFor();
    });
  });

  it('say why the org refuses a change', async () => {
    sandbox.control.setValidationRules(org, [
      {
        object: 'Opportunity',
        message: 'Ask your manager first.',
        when: { field: 'StageName', is: 'equal', value: 'Closed Lost' },
      },
    ]);
    await on(record(ids.opportunity), async ({ page }) => {
      await page.getByRole('button', { name: 'Closed Lost' }).click();
      await page.getByText('Ask your manager first.').waitFor();
    });
    sandbox.control.setValidationRules(org, []);
  });

  it('know no record that is not there', async () => {
    const response = await fetch(`${pages.url}${record('003000000000000AAA')}`);
    expect([response.status, await response.text()]).toEqual([
      404,
      expect.stringContaining('no such page in this org'),
    ]);
    expect((await fetch(`${pages.url}/orgs/nowhere`)).status).toBe(404);
  });

  it('take no request of another site’s', async () => {
    const response = await fetch(`${pages.url}/_local/data/${org}/records/${ids.opportunity}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', 'sec-fetch-site': 'cross-site' },
      body: JSON.stringify({ StageName: 'Closed Lost' }),
    });
    expect(response.status).toBe(403);
  });
});

const actions = (): Record<string, unknown>[] => sandbox.control.list(org, 'Referral_Action__c');

describe('what a rep asks for', () => {
  it('becomes a row of the org, once, with all that Wonward needs, and its outcome is shown', async () => {
    await on(record(ids.ada), async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByLabel('Member’s name or code').fill('hopp');
      await page.getByRole('button', { name: 'Find' }).click();
      await expect.poll(() => page.getByRole('radio', { name: /Grace Hopper/ }).isChecked()).toBe(true);
      await page.getByLabel('How did it come about?').fill('O’Hara’s 50% \\ call');
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
      await page.getByText('Waiting for Wonward').waitFor();
      const [row, ...more] = actions();
      expect(more).toEqual([]);
      expect(row).toMatchObject({
        Type__c: 'submit_referral',
        Status__c: 'pending',
        Contact__c: ids.ada,
        Member__c: ids.member,
      });
      expect(JSON.parse(String(row?.Request__c))).toEqual({
        member: { recordId: null, code: null },
        friend: { recordId: ids.ada },
        note: 'O’Hara’s 50% \\ call',
        v: 1,
        by: 'rep',
      });
      sandbox.control.edit(org, String(row?.Id), {
        Status__c: 'refused',
        Outcome__c: 'Ada was referred by somebody else before.',
        Completed_At__c: new Date().toISOString(),
      });
      // It looks again by itself.
      await page.getByText('Ada was referred by somebody else before.').waitFor();
    });
  });

  it('says which words the friend was told, as they stand in the org', async () => {
    sandbox.control.create(org, 'Referral_Consent_Text__c', {
      External_Id__c: 'friend',
      Version__c: 2,
      Language__c: 'de',
      Text__c: 'Acme speichert Ihren Namen.',
    });
    await on(record(ids.katherine), async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByText('Acme speichert Ihren Namen.').waitFor();
      await page.getByLabel('Member’s name or code').fill('GRACE7');
      await page.getByRole('button', { name: 'Find' }).click();
      await expect.poll(() => page.getByRole('radio', { name: /Grace Hopper/ }).isChecked()).toBe(true);
      await page.getByText('The friend was told this and agrees').click();
      expect(await accessibilityViolations(page)).toEqual([]);
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
      await page.getByText('The referral is submitted.').waitFor();
      const row = actions().find(({ Lead__c }) => Lead__c === ids.katherine);
      expect(JSON.parse(String(row?.Request__c))).toMatchObject({ by: 'rep', consent: { version: 2, language: 'de' } });
    });
  });

  it('is about the opportunity’s primary contact on its page, and needs one', async () => {
    const lonely = sandbox.control.create(org, 'Opportunity', {
      Name: 'Nobody’s',
      StageName: 'Prospecting',
      CloseDate: '2026-12-01',
    });
    const submit = async ({ page }: OpenedPage): Promise<void> => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByLabel('Member’s name or code').fill('GRACE7');
      await page.getByRole('button', { name: 'Find' }).click();
      await expect.poll(() => page.getByRole('radio', { name: /Grace Hopper/ }).isChecked()).toBe(true);
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
    };
    await on(record(lonely), async (opened) => {
      await submit(opened);
      await opened.page.getByRole('alert').getByText('This opportunity has no primary contact.').waitFor();
    });
    await on(record(ids.opportunity), async (opened) => {
      await submit(opened);
      await opened.page.getByText('The referral is submitted.').waitFor();
    });
    const row = actions().find(({ Opportunity__c }) => Opportunity__c === ids.opportunity);
    expect(row).toMatchObject({ Contact__c: ids.ada, Opportunity__c: ids.opportunity, Member__c: ids.member });
  });

  it('is a dispute on the referral that it is about', async () => {
    await on(record(ids.opportunity), async ({ page }) => {
      await page.getByRole('button', { name: 'Dispute' }).click();
      await page.getByText('A reward is missing').click();
      await page.getByLabel('Tell the reviewer what you know').fill('It was won in May.');
      await page.getByRole('button', { name: 'Open dispute' }).click();
      await page.getByText('The dispute is open.').waitFor();
      const row = actions().find(({ Type__c }) => Type__c === 'open_dispute');
      expect(row).toMatchObject({ Referral__c: ids.referral, Opportunity__c: ids.opportunity });
    });
  });

  it('finds nobody by a wildcard', async () => {
    await on(record(ids.katherine), async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByLabel('Member’s name or code').fill('%%');
      await page.getByRole('button', { name: 'Find' }).click();
      await page.getByText('Nobody found.').waitFor();
    });
  });
});

describe('what the org keeps from the user', () => {
  it('is told as a missing permission when it is the objects', async () => {
    sandbox.control.setAccess(org, 'Referral__c', null, 'none');
    await on(record(ids.ada), async ({ page }) => void (await page.getByText('You cannot see referrals').waitFor()));
    sandbox.control.setAccess(org, 'Referral__c', null, 'edit');
  });

  it('is told by its name when it is a field', async () => {
    sandbox.control.setAccess(org, 'Referral__c', 'Next_Step__c', 'none');
    await on(record(ids.ada), async ({ page }) => {
      await page
        .getByRole('alert')
        .getByText(/Some fields are hidden from you.*Next_Step__c/)
        .waitFor();
    });
    sandbox.control.setAccess(org, 'Referral__c', 'Next_Step__c', 'edit');
  });

  it('leaves the history without the forms when it is the actions', async () => {
    sandbox.control.setAccess(org, 'Referral_Action__c', null, 'read');
    await on(record(ids.ada), async ({ page }) => {
      await page.getByText('Referred by Grace Hopper.').waitFor();
      expect(await page.getByRole('button', { name: 'Submit a referral' }).count()).toBe(0);
    });
    sandbox.control.setAccess(org, 'Referral_Action__c', null, 'edit');
  });

  it('is the component itself where the package is not installed', async () => {
    const other = sandbox.control.orgs()[1]?.id ?? '';
    const contact = sandbox.control.create(other, 'Contact', { LastName: 'Nobody' });
    await on(`/orgs/${other}/records/${contact}`, async ({ page }) => {
      await page.getByRole('heading', { level: 1, name: 'Nobody' }).waitFor();
      expect(await page.locator('#component').count()).toBe(0);
    });
  });
});
