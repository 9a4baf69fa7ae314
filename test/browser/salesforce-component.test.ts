import { readFileSync } from 'node:fs';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readViews } from '../../src/sandbox/web/salesforce/apex-source.ts';
import type { ApexAnswer } from '../../src/sandbox/web/salesforce/apex-stand-in.ts';
import { buildLightningBundle } from '../../src/sandbox/web/salesforce/lightning-bundle.ts';
import type { OrgSource } from '../../src/sandbox/web/salesforce/org-source.ts';
import { type RunningOrgPages, servePages } from '../../src/sandbox/web/salesforce/start-org-pages.ts';
import { accessibilityViolations, launchBrowser, type OpenedPage, openPage } from './browser.ts';
import {
  ACCOUNT,
  actionView,
  CONTACT,
  consentView,
  type HistoryView,
  historyView,
  LEAD,
  memberView,
  OPPORTUNITY,
  REWARD_WORDS,
  referralView,
  rewardView,
  STAGE_WORDS,
} from './salesforce-views.ts';

/**
 * The real component, compiled and rendered as Salesforce does, in a real browser. Only Apex is answered by the test, with what the
 * controller returns.
 */

type Answer = (params: Readonly<Record<string, unknown>>) => ApexAnswer | Promise<ApexAnswer>;

const OBJECTS: Readonly<Record<string, string>> = {
  '003': 'Contact',
  '00Q': 'Lead',
  '001': 'Account',
  '006': 'Opportunity',
};
/** A folder for pictures of what is tested, for whoever wants to look. */
const SCREENSHOTS = process.env.SCREENSHOTS;
const PHONE = 360;
const DESKTOP = 1280;
/** Compiling the base components takes half a minute, and more beside other tests. */
const BUILD_TIMEOUT_MS = 600_000;

const org = { id: '00D', name: 'Acme' };
const said: Array<{ readonly method: string; readonly params: Readonly<Record<string, unknown>> }> = [];
let answers: Record<string, Answer> = {};
const source: OrgSource = {
  orgs: async () => [org],
  home: async () => ({ org, lists: [] }),
  record: async (_, id) => {
    const object = OBJECTS[id.slice(0, 3)] ?? 'Contact';
    return {
      org,
      id,
      object,
      objectLabel: object,
      name: 'A record',
      hasComponent: true,
      fields: [],
      path: null,
      related: [],
    };
  },
  update: async () => null,
  async apex(_, _className, method, params) {
    said.push({ method, params });
    return answers[method]?.(params) ?? { status: 404, body: { message: `nothing answers ${method}` } };
  },
};

let pages: RunningOrgPages;
let browser: Browser;

beforeAll(async () => {
  await buildLightningBundle();
  [pages, browser] = await Promise.all([servePages(source), launchBrowser()]);
}, BUILD_TIMEOUT_MS);
afterAll(async () => {
  await browser?.close();
  await pages?.close();
});

const returns =
  (body: unknown): Answer =>
  () => ({ status: 200, body });
const throws =
  (message: string): Answer =>
  () => ({ status: 500, body: { message } });

interface On {
  readonly record?: string;
  readonly width?: number;
  readonly locale?: string;
}

/** Opens a record with the component, hands it over, and holds it to what every page must keep. */
async function on(
  history: HistoryView | Record<string, Answer>,
  check: (opened: OpenedPage) => Promise<void>,
  { record = CONTACT, width = DESKTOP, locale = 'en-GB' }: On = {},
): Promise<void> {
  said.length = 0;
  answers = 'members' in history ? { getHistory: returns(history) } : (history as Record<string, Answer>);
  const opened = await openPage(browser, `${pages.url}/orgs/00D/records/${record}`, { width, locale });
  try {
    await check(opened);
    expect(
      await opened.page.evaluate('document.documentElement.scrollWidth'),
      'nothing sticks out',
    ).toBeLessThanOrEqual(width);
    // A refused Apex call is an error on the wire, and meant.
    expect(
      opened.complaints.filter((text) => !text.includes('500 (Internal Server Error)')),
      'errors',
    ).toEqual([]);
    expect(opened.strangers, 'requests to elsewhere').toEqual([]);
  } finally {
    await opened.close();
  }
}

const referralOf = (change: Record<string, unknown> = {}) => historyView({ referrals: [referralView(change)] });

const everyState = Object.keys(REWARD_WORDS).map((state, index) =>
  rewardView({
    id: `a03000000000${String(100 + index)}AAA`,
    state,
    party: index % 2 === 0 ? 'member' : 'friend',
    ...(state === 'waiting'
      ? { amount: null, reason: 'The amount is not known.', nextStep: 'Fill in the amount.' }
      : {}),
    ...(state === 'held' ? { releaseAt: '2026-12-04T10:00:00.000Z', issuedAt: null } : {}),
  }),
);

/** State by state: the view, and what must be read. */
const STATES: Readonly<Record<string, readonly [view: HistoryView, texts: readonly string[], record?: string]>> = {
  'nothing yet': [historyView(), ['No referral yet', 'Did somebody refer this customer', 'Submit a referral']],
  'a member without friends': [
    historyView({ members: [memberView({ referrals: 0, wonReferrals: 0, lastReward: null })] }),
    ['Member', 'has not referred anyone yet', 'Send the share link', 'https://go.wonward.example/GRACE7'],
  ],
  'a member': [
    historyView({ members: [memberView()], referrals: [referralView()], rewards: [rewardView()] }),
    [
      'Referred 3 friends, 2 won.',
      'Gold',
      '€240.00',
      'Last reward: €120.00',
      'Ada Lovelace',
      'Friend of this customer',
      'Paid on',
    ],
  ],
  'a friend': [
    historyView({ referrals: [referralView()] }),
    [
      'Referred friend',
      'Referred by Grace Hopper.',
      'What would make it pay:',
      'Move "Analytical engine" to Closed Won.',
    ],
  ],
  'both sides': [
    historyView({
      members: [memberView({ id: 'a01000000000009AAA', name: 'Ada Lovelace' })],
      referrals: [
        referralView(),
        referralView({
          id: 'a02000000000002AAA',
          memberId: 'a01000000000009AAA',
          memberName: 'Ada Lovelace',
          friendContactName: 'Katherine Johnson',
        }),
      ],
    }),
    ['Member and referred friend', 'Referred by Grace Hopper. Referred 3 friends, 2 won.', 'Katherine Johnson'],
  ],
  'every state of a reward': [
    historyView({ referrals: [referralView({ stage: 'won' })], rewards: everyState }),
    [
      ...Object.values(REWARD_WORDS),
      'Will be paid on 4 Dec 2026',
      '2 rewards wait for something to be put right',
      'Fill in the amount.',
    ],
  ],
  'every stage of a referral': [
    historyView({
      referrals: Object.keys(STAGE_WORDS).map((stage, index) =>
        referralView({ id: `a0200000000${100 + index}AAA`, stage }),
      ),
    }),
    Object.values(STAGE_WORDS),
  ],
  'a lead who was referred': [
    historyView({
      referrals: [
        referralView({
          friendContactId: null,
          friendContactName: null,
          friendLeadId: LEAD,
          friendLeadName: 'Katherine Johnson',
          opportunityId: null,
        }),
      ],
    }),
    ['Referred by Grace Hopper.'],
    LEAD,
  ],
  'an account': [
    historyView({
      members: [memberView()],
      referrals: [referralView({ stage: 'won' }), referralView({ id: 'a02000000000002AAA' })],
    }),
    ['2 referrals of this account: 1 won.', 'Referred by Grace Hopper'],
    ACCOUNT,
  ],
  'an opportunity': [
    historyView({ referrals: [referralView()], rewards: [rewardView({ state: 'queued' })] }),
    ['This customer was referred by Grace Hopper.', 'Waits for budget'],
    OPPORTUNITY,
  ],
  'what was asked': [
    historyView({
      actions: [
        actionView(),
        actionView({
          id: 'a04000000000002AAA',
          type: 'open_dispute',
          status: 'refused',
          outcome: 'The reward was taken back already.',
          completedAt: new Date().toISOString(),
        }),
        actionView({
          id: 'a04000000000003AAA',
          type: 'set_stage',
          status: 'failed',
          outcome: 'Wonward could not reach the org.',
          completedAt: new Date().toISOString(),
        }),
        actionView({
          id: 'a04000000000004AAA',
          type: 'enrol_member',
          status: 'done',
          outcome: 'Enrolled.',
          completedAt: new Date().toISOString(),
        }),
      ],
    }),
    [
      'Asked of Wonward',
      'Waiting for Wonward',
      'The reward was taken back already.',
      'Wonward could not reach the org.',
      'Enrolled.',
      'by Rex Rep',
    ],
  ],
  'no permission': [
    historyView({ canRead: false, canAct: false }),
    ['You cannot see referrals', 'Ask your Salesforce admin'],
  ],
};

describe('the component', () => {
  it.each(Object.keys(STATES))('shows %s on desktop and phone, and axe finds nothing', async (state) => {
    const [view, texts, record = CONTACT] = STATES[state] ?? [historyView(), []];
    await on(
      view,
      async ({ page }) => {
        const component = page.locator('c-referral-history');
        for (const width of [DESKTOP, PHONE]) {
          await page.setViewportSize({ width, height: 1000 });
          for (const text of texts) await component.getByText(text).first().waitFor();
          expect(await accessibilityViolations(page)).toEqual([]);
          expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width);
        }
      },
      { record },
    );
  });

  it('shows views that have exactly the properties of the classes', () => {
    const views = readViews(
      readFileSync('extensions/salesforce/force-app/main/default/classes/ReferralHistoryView.cls', 'utf8'),
    );
    const made = {
      Member: memberView(),
      Referral: referralView(),
      Reward: rewardView(),
      Action: actionView(),
      Consent: consentView(),
    };
    for (const [name, view] of Object.entries(made))
      expect(Object.keys(view), name).toEqual([...(views.get(name)?.keys() ?? [])]);
    expect([...views.keys()]).toEqual(Object.keys(made));
  });

  it('says that it is loading until the answer is there', async () => {
    let answer: (value: ApexAnswer) => void = () => undefined;
    const waiting = new Promise<ApexAnswer>((resolve) => {
      answer = resolve;
    });
    await on({ getHistory: () => waiting }, async ({ page }) => {
      await page.getByText('Loading referrals').waitFor({ state: 'attached' });
      expect(await accessibilityViolations(page)).toEqual([]);
      answer({ status: 200, body: historyView() });
      await page.getByText('No referral yet').waitFor();
      expect(await page.getByText('Loading referrals').count()).toBe(0);
    });
  });

  it('says why it could not read, and tries again', async () => {
    answers = {};
    await on({ getHistory: throws('Some fields are hidden from you. Hidden: Stage__c') }, async ({ page }) => {
      await page.getByRole('alert').getByText('Hidden: Stage__c').waitFor();
      expect(await accessibilityViolations(page)).toEqual([]);
      answers = { getHistory: returns(referralOf()) };
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.getByText('Referred by Grace Hopper.').waitFor();
    });
  });

  it('keeps what it showed when a later reading fails, and says that it may be old', async () => {
    await on(referralOf(), async ({ page }) => {
      await page.getByText('Referred by Grace Hopper.').waitFor();
      answers = { getHistory: throws('The org is busy.') };
      await page.getByRole('button', { name: 'Refresh' }).click();
      await page.getByRole('alert').getByText('What you see may be out of date.').waitFor();
      await page.getByText('Referred by Grace Hopper.').waitFor();
    });
  });

  it('reads anew when the page saved a record', async () => {
    await on(referralOf(), async ({ page }) => {
      await page.getByText('Referred by Grace Hopper.').waitFor();
      answers = { getHistory: returns(referralOf({ memberName: 'Barbara Liskov' })) };
      await page.evaluate("window.dispatchEvent(new Event('wonward:refresh-view'))");
      await page.getByText('Referred by Barbara Liskov.').waitFor();
    });
  });

  it('looks again by itself after a save, since what Wonward makes of it comes seconds later', async () => {
    await on(referralOf(), async ({ page }) => {
      await page.getByText('Referred by Grace Hopper.').waitFor();
      let looks = 0;
      answers = {
        getHistory: () => {
          looks += 1;
          return { status: 200, body: looks < 3 ? referralOf() : referralOf({ stage: 'won' }) };
        },
      };
      await page.evaluate("window.dispatchEvent(new Event('wonward:refresh-view'))");
      await page.getByText('Won since').waitFor();
      expect(looks).toBe(3);
    });
  });

  it('says once what would make it pay where the referral and its rewards say the same, and in words how it is known', async () => {
    const nextStep = 'Move the deal to Closed Won again.';
    const history = historyView({
      referrals: [referralView({ nextStep, source: 'label' })],
      rewards: [
        rewardView({ state: 'clawed_back', nextStep }),
        rewardView({ id: 'a03000000000002AAA', state: 'waiting', nextStep: 'Enter an amount on the deal.' }),
      ],
    });
    await on(
      history,
      async ({ page }) => {
        const component = page.locator('c-referral-history');
        await component.getByText('known by: the field Referred By').waitFor();
        expect(await component.getByText(nextStep).count()).toBe(1);
        // Above, with what is missing, and with its reward.
        expect(await component.getByText('Enter an amount on the deal.').count()).toBe(2);
      },
      { record: OPPORTUNITY },
    );
  });

  it('shows more when there is more', async () => {
    const all = Array.from({ length: 14 }, (_, index) =>
      referralView({ id: `a020000000${String(1000 + index)}AAA`, friendContactName: `Friend ${index + 1}` }),
    );
    const upTo: Answer = ({ maxRows }) => ({
      status: 200,
      body: historyView({ members: [memberView()], referrals: all.slice(0, Number(maxRows) + 1) }),
    });
    await on({ getHistory: upTo }, async ({ page }) => {
      await page.getByRole('link', { name: 'Friend 10', exact: true }).waitFor();
      expect(await page.getByRole('link', { name: 'Friend 11' }).count()).toBe(0);
      await page.getByRole('button', { name: 'Show more referrals' }).click();
      await page.getByRole('link', { name: 'Friend 14' }).waitFor();
      expect(await page.getByRole('button', { name: 'Show more referrals' }).count()).toBe(0);
    });
  });

  it('writes money and days the way of the reader, and a currency that is none as it is', async () => {
    const view = historyView({
      referrals: [referralView({ stage: 'won' })],
      rewards: [
        rewardView({ amount: 1200.5 }),
        rewardView({ id: 'a03000000000002AAA', amount: 7, currencyCode: 'POINTS' }),
      ],
    });
    await on(
      view,
      async ({ page }) => {
        await page.getByText('1.200,50 €').waitFor();
        await page.getByText('7 POINTS').waitFor();
        await page.getByText('Paid on 21.11.2026.').first().waitFor();
      },
      { locale: 'de-DE' },
    );
  });

  it('leads to the friend’s page and to the opportunity’s', async () => {
    await on(historyView({ members: [memberView()], referrals: [referralView()] }), async ({ page }) => {
      const friend = page.getByRole('link', { name: 'Ada Lovelace' });
      await expect.poll(() => friend.getAttribute('href')).toContain('/records/003000000000002AAA');
      await page.getByRole('link', { name: 'Opportunity Analytical engine, Negotiation/Review' }).click();
      await page.waitForURL(`**/records/${OPPORTUNITY}`);
    });
  });

  it('copies the share link and the code, and says so', async () => {
    await on(historyView({ members: [memberView()] }), async ({ page }) => {
      await page.getByRole('button', { name: 'Copy link' }).click();
      await page.getByRole('status').getByText('Share link copied.').waitFor();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe('https://go.wonward.example/GRACE7');
      await page.getByRole('button', { name: 'Copy code GRACE7' }).click();
      await page.getByText('Code copied.').waitFor();
      expect(await page.evaluate('navigator.clipboard.readText()')).toBe('GRACE7');
    });
  });

  it('offers the text itself where a browser does not allow copying', async () => {
    await on(historyView({ members: [memberView()] }), async ({ page }) => {
      await page.getByRole('button', { name: 'Copy link' }).waitFor();
      await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))");
      await page.getByRole('button', { name: 'Copy link' }).click();
      await page.getByText('Copy it here: https://go.wonward.example/GRACE7').waitFor();
    });
  });

  it('offers neither form to a user who may not ask', async () => {
    await on(historyView({ canAct: false, referrals: [referralView()] }), async ({ page }) => {
      await page.getByText('Referred by Grace Hopper.').waitFor();
      expect(await page.getByRole('button', { name: 'Submit a referral' }).count()).toBe(0);
      expect(await page.getByRole('button', { name: 'Dispute' }).count()).toBe(0);
    });
  });
});

const lastOf = (method: string) => said.filter((one) => one.method === method).at(-1)?.params ?? {};
const requestOf = (method: string) => JSON.parse(String(lastOf(method).request)) as Record<string, unknown>;

describe('a rep who submits a referral', () => {
  const found = [
    memberView(),
    memberView({ id: 'a01000000000002AAA', name: 'Grace Kelly', code: 'KELLY1', email: null }),
  ];

  it('finds the member who referred this person, by keyboard alone', async () => {
    const asking = {
      getHistory: returns(historyView()),
      findMembers: returns(found),
      submitReferral: returns('a04000000000001AAA'),
    };
    await on(asking, async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).press('Enter');
      const form = page.getByRole('region', { name: 'Submit a referral' });
      await form.getByRole('heading', { name: 'Submit a referral' }).waitFor();
      await expect.poll(() => page.locator('h3:focus').allInnerTexts()).toEqual(['Submit a referral']);
      await form.getByRole('button', { name: 'Submit', exact: true }).click();
      await form.getByRole('alert').getByText('Choose the member who referred.').waitFor();
      await form.getByLabel('Member’s name or code').fill('grace');
      await form.getByLabel('Member’s name or code').press('Enter');
      await form.getByText('Grace Hopper · GRACE7 · grace@example.com').waitFor();
      expect(lastOf('findMembers')).toEqual({ term: 'grace' });
      expect(await accessibilityViolations(page)).toEqual([]);
      await form.getByRole('radio', { name: /Grace Kelly/ }).focus();
      await page.keyboard.press('Space');
      await form.getByLabel('How did it come about?').fill('She told me on the phone.');
      answers = { ...answers, getHistory: returns(historyView({ actions: [actionView()] })) };
      await form.getByRole('button', { name: 'Submit', exact: true }).press('Enter');
      await page.getByRole('status').getByText('The referral is submitted.').waitFor();
      await page.getByText('Waiting for Wonward').waitFor();
      expect(lastOf('submitReferral')).toMatchObject({ recordId: CONTACT, memberId: 'a01000000000002AAA' });
      expect(requestOf('submitReferral')).toEqual({
        member: { recordId: null, code: null },
        friend: { recordId: CONTACT },
        note: 'She told me on the phone.',
      });
      await expect.poll(() => page.locator('button:focus').allInnerTexts()).toEqual(['Submit a referral']);
    });
  });

  it('names a friend of this person, with an address at least, on a phone', async () => {
    const asking = {
      getHistory: returns(historyView({ members: [memberView()] })),
      submitReferral: returns('a04000000000001AAA'),
    };
    await on(
      asking,
      async ({ page }) => {
        await page.getByRole('button', { name: 'Submit a referral' }).click();
        await page.getByText('This person referred somebody').click();
        await page.getByLabel('First name').fill('Ada');
        await page.getByRole('button', { name: 'Submit', exact: true }).click();
        await page.getByText('Complete this field.').first().waitFor();
        await page.getByLabel('Last name').fill('Lovelace');
        await page.getByLabel('Email').fill('ada');
        await page.getByRole('button', { name: 'Submit', exact: true }).click();
        await page.getByText('Enter a valid email address, such as name@email.com.').waitFor();
        expect(await accessibilityViolations(page)).toEqual([]);
        await page.getByLabel('Email').fill('ada@example.com');
        await page.getByRole('button', { name: 'Submit', exact: true }).click();
        await page.getByText('The referral is submitted.').waitFor();
        expect(lastOf('submitReferral')).toMatchObject({ memberId: 'a01000000000001AAA' });
        expect(requestOf('submitReferral')).toEqual({
          member: { recordId: null, code: null },
          friend: {
            recordId: null,
            firstName: 'Ada',
            lastName: 'Lovelace',
            email: 'ada@example.com',
            phone: null,
            company: null,
          },
          note: null,
        });
      },
      { width: PHONE },
    );
  });

  it('makes a member of somebody who was none', async () => {
    const asking = { getHistory: returns(historyView()), submitReferral: returns('a04000000000001AAA') };
    await on(asking, async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByText('This person referred somebody').click();
      await page.getByLabel('Last name').fill('Lovelace');
      await page.getByLabel('Email').fill('ada@example.com');
      await page.getByLabel('Phone').fill('+44 20 7946 0000');
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
      await page.getByText('The referral is submitted.').waitFor();
      expect(lastOf('submitReferral').memberId).toBeNull();
      expect(requestOf('submitReferral').member).toEqual({ recordId: CONTACT, code: null });
    });
  });

  it('asks both sides on an account, and only for the member on an opportunity', async () => {
    await on(
      { getHistory: returns(historyView()) },
      async ({ page }) => {
        await page.getByRole('button', { name: 'Submit a referral' }).click();
        await page.getByLabel('Member’s name or code').waitFor();
        await page.getByLabel('Last name').waitFor();
      },
      { record: ACCOUNT },
    );
    await on(
      { getHistory: returns(historyView()) },
      async ({ page }) => {
        await page.getByRole('button', { name: 'Submit a referral' }).click();
        await page.getByText('primary contact').waitFor();
        expect(await page.getByLabel('Last name').count()).toBe(0);
      },
      { record: OPPORTUNITY },
    );
  });

  it('keeps what was typed when it is refused, and asks with the same key again', async () => {
    const asking = {
      getHistory: returns(historyView()),
      findMembers: returns([memberView()]),
      submitReferral: throws('The org is busy.'),
    };
    await on(asking, async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByLabel('Member’s name or code').fill('GRACE7');
      await page.getByRole('button', { name: 'Find' }).click();
      // The only one who fits is chosen.
      await expect.poll(() => page.getByRole('radio', { name: /Grace Hopper/ }).isChecked()).toBe(true);
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
      await page.getByRole('alert').getByText('The org is busy.').waitFor();
      const { key } = lastOf('submitReferral');
      answers = { ...answers, submitReferral: returns('a04000000000001AAA') };
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
      await page.getByText('The referral is submitted.').waitFor();
      expect(lastOf('submitReferral').key).toBe(key);
    });
  });

  it.each([DESKTOP, PHONE])(
    'reads out what the friend is to be told, and says so with the version that it was, on %i pixels',
    async (width) => {
      const asking = {
        getHistory: returns(historyView({ members: [memberView()], consents: [consentView()] })),
        submitReferral: returns('a04000000000001AAA'),
      };
      await on(
        asking,
        async ({ page }) => {
          await page.getByRole('button', { name: 'Submit a referral' }).click();
          await page.getByText('This person referred somebody').click();
          const told = page.getByRole('group', { name: 'Tell the friend before you submit it' });
          await told.getByText('Acme keeps your name').waitFor();
          expect(await told.locator('[lang="en"]').innerText()).toContain('otherwise.\nYou may ask');
          await page.getByLabel('Last name').fill('Lovelace');
          await page.getByLabel('Email').fill('ada@example.com');
          await page.getByText('The friend was told this and agrees').click();
          expect(await page.getByLabel('The friend was told this and agrees').isChecked()).toBe(true);
          expect(await accessibilityViolations(page)).toEqual([]);
          if (SCREENSHOTS !== undefined)
            await page.screenshot({ path: `${SCREENSHOTS}/salesforce-consent-${width}.png`, fullPage: true });
          // Another version is written while the form is open: what was read out is what is said.
          answers = {
            ...answers,
            getHistory: returns(
              historyView({
                members: [memberView()],
                consents: [consentView({ version: 4, text: 'Something else.' })],
              }),
            ),
          };
          const reads = () => said.filter(({ method }) => method === 'getHistory').length;
          const before = reads();
          await page.getByRole('button', { name: 'Refresh' }).click();
          await expect.poll(reads).toBeGreaterThan(before);
          await page.getByText('Up to date.').waitFor();
          expect(await told.getByText('Something else.').count()).toBe(0);
          await page.getByRole('button', { name: 'Submit', exact: true }).click();
          await page.getByText('The referral is submitted.').waitFor();
          const { friend, consent } = requestOf('submitReferral');
          expect(consent).toEqual({ version: 3, language: 'en' });
          expect(Object.keys(friend as object)).not.toContain('told');
          // Opened anew it has the new words, and nobody has said yet that they were read out.
          await page.getByRole('button', { name: 'Submit a referral' }).click();
          await told.getByText('Something else.').waitFor();
          expect(await page.getByLabel('The friend was told this and agrees').isChecked()).toBe(false);
        },
        { width },
      );
    },
  );

  it('says nothing of a text where the friend was not told, and shows none where there are no words', async () => {
    const asking = {
      getHistory: returns(historyView({ members: [memberView()], consents: [consentView()] })),
      submitReferral: returns('a04000000000001AAA'),
    };
    const told = 'The friend was told this and agrees';
    await on(asking, async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByText('This person referred somebody').click();
      await page.getByLabel('Last name').fill('Lovelace');
      await page.getByLabel('Email').fill('ada@example.com');
      await page.getByText(told).click();
      await page.getByText(told).click();
      expect(await page.getByLabel(told).isChecked()).toBe(false);
      await page.getByRole('button', { name: 'Submit', exact: true }).click();
      await page.getByText('The referral is submitted.').waitFor();
      expect(Object.keys(requestOf('submitReferral'))).not.toContain('consent');
    });
    const none = consentView({ version: null, language: null, text: null });
    await on(historyView({ consents: [none] }), async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByLabel('How did it come about?').waitFor();
      expect(await page.getByLabel(told).count()).toBe(0);
    });
  });

  it('may give it up, and stands where it began', async () => {
    await on(historyView(), async ({ page }) => {
      await page.getByRole('button', { name: 'Submit a referral' }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Submit a referral' }).waitFor();
      expect(await page.getByRole('button', { name: 'Cancel' }).count()).toBe(0);
      expect(said.some(({ method }) => method === 'submitReferral')).toBe(false);
    });
  });
});

describe('a rep who disputes a referral', () => {
  const view = historyView({ referrals: [referralView({ stage: 'won' })], rewards: [rewardView()] });

  it.each([DESKTOP, PHONE])('says what is wrong and with which reward, on %i pixels', async (width) => {
    await on(
      { getHistory: returns(view), openDispute: returns('a04000000000002AAA') },
      async ({ page }) => {
        await page.getByRole('button', { name: 'Dispute' }).click();
        const form = page.getByRole('region', { name: 'Open a dispute' });
        await form.getByRole('button', { name: 'Open dispute' }).click();
        await form.getByText('Complete this field.').first().waitFor();
        await form.getByText('The amount is wrong').click();
        await form.getByLabel('Which reward?').selectOption({ label: '€120.00 for Grace Hopper (member), Paid' });
        await form.getByLabel('Tell the reviewer what you know').fill('It should be 200.');
        expect(await accessibilityViolations(page)).toEqual([]);
        await form.getByRole('button', { name: 'Open dispute' }).click();
        await page.getByRole('status').getByText('The dispute is open.').waitFor();
        expect(lastOf('openDispute')).toMatchObject({ recordId: CONTACT, referralId: 'a02000000000001AAA' });
        expect(requestOf('openDispute')).toEqual({
          claim: 'wrong_amount',
          rewardId: 'a03000000000001AAA',
          memberId: null,
          note: 'It should be 200.',
        });
        await expect.poll(() => page.getByRole('button', { name: 'Dispute' }).count()).toBe(1);
      },
      { width },
    );
  });

  it('names the member whose referral it is', async () => {
    await on({ getHistory: returns(view), findMembers: returns([]), openDispute: returns('a') }, async ({ page }) => {
      await page.getByRole('button', { name: 'Dispute' }).click();
      await page.getByText('It belongs to another member').click();
      await page.getByLabel('Tell the reviewer what you know').fill('It was Barbara.');
      await page.getByRole('button', { name: 'Open dispute' }).click();
      await page.getByText('Choose the member who referred.').waitFor();
      await page.getByRole('button', { name: 'Find' }).click();
      await page.getByText('Type at least two characters.').waitFor();
      await page.getByLabel('Member’s name or code').fill('Liskov');
      await page.getByRole('button', { name: 'Find' }).click();
      await page.getByText('Nobody found.').waitFor();
      answers = {
        ...answers,
        findMembers: returns([memberView({ id: 'a01000000000003AAA', name: 'Barbara Liskov' })]),
      };
      await page.getByRole('button', { name: 'Find' }).click();
      await page.getByRole('radio', { name: /Barbara Liskov/ }).waitFor();
      await page.getByRole('button', { name: 'Open dispute' }).click();
      await page.getByText('The dispute is open.').waitFor();
      expect(requestOf('openDispute')).toMatchObject({ claim: 'wrong_member', memberId: 'a01000000000003AAA' });
    });
  });
});
