import { describe, expect, it } from 'vitest';
import type { ActionOk, CardOk, CompanyCardOk, DealCardOk } from '../../contracts/hubspot-card/card-view.generated.ts';
import { hubspotManifest } from '../../manifests/hubspot/app.ts';
import { cardExample, cardExampleNames } from '../contracts/card-examples.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { renderCard, textOf } from './render-card.tsx';
import { crm, sdk } from './ui-extensions.ts';

const { Accordion, Alert, Button, Link, LoadingButton, LoadingSpinner, StatusTag, Table, Tag } = sdk;
const { CrmActionButton } = crm;
const NOW = '2026-11-22T09:00:00.000Z';
const ADA = { name: 'Ada Lovelace', contactId: '101' };
const BOB = { name: 'Bob Noyce', contactId: '102' };

function ok(name: string): CardOk {
  const example = cardExample(name);
  if (!example.ok) throw new Error(name);
  return example;
}

async function settled(...args: Parameters<typeof renderCard>) {
  const card = renderCard(...args);
  await card.waitFor(() => expect(card.maybeFind(LoadingSpinner)).toBeNull());
  return card;
}

const noted: ActionOk = { ok: true, code: 'noted', message: 'Noted.', result: { contactId: '101' } };
const ask = { ...(ok('ask-now').data.ask ?? never()) };

function never(): never {
  throw new Error('the example has no advice');
}

const deal: DealCardOk = {
  ok: true,
  data: {
    version: 1,
    deal: { id: '9001', name: 'Engine', stageLabel: 'Contract sent', amount: '100.00', currency: 'EUR' },
    stage: 'opportunity',
    referral: {
      referralId: 'ref_1',
      stage: 'opportunity',
      stageReason: 'The deal "Engine" is in progress.',
      since: NOW,
      source: 'label',
      reason: 'The label says so.',
      member: ADA,
      friend: BOB,
    },
    rewards: ['expected' as const, 'waiting' as const].map((state) => ({
      rewardId: null,
      rule: state,
      party: 'member' as const,
      beneficiary: 'Ada Lovelace',
      state,
      money: { amount: '10.00', currency: 'EUR' },
      reason: { code: 'x', text: `It is ${state}.` },
      conditions: [],
      wouldPay: state === 'waiting' ? 'Enter an amount on the deal.' : null,
      next: null,
      at: NOW,
    })),
    warnings: [
      { code: 'amount_missing', text: 'The deal has no amount.', remedy: 'Enter one.' },
      { code: 'currency_missing', text: 'The deal has no currency.', remedy: 'Choose one.' },
    ],
    mayAct: true,
    generatedAt: NOW,
  },
};

const company: CompanyCardOk = {
  ok: true,
  data: {
    version: 1,
    companyId: '101',
    contacts: 2,
    notice: null,
    referrals: [
      {
        referralId: 'ref_1',
        direction: 'in',
        member: ADA,
        friend: BOB,
        stage: 'won',
        stageReason: 'x',
        since: NOW,
        submittedAt: NOW,
      },
    ],
    asks: [ask],
    nextCursor: null,
    generatedAt: NOW,
  },
};

it('the answers that these tests show are such as the contract allows', () => {
  expect(cardContractViolations(deal, 'DealCardResponse')).toEqual([]);
  expect(cardContractViolations(company, 'CompanyCardResponse')).toEqual([]);
});

it('each kind of record has a card for its tab and one for its sidebar, with the same answer', () => {
  const of = (location: string) =>
    hubspotManifest.cards
      .filter((card) => card.location === location)
      .map(({ objectTypes, apiPath }) => [...objectTypes, apiPath]);
  expect(of('crm.record.sidebar')).toEqual(of('crm.record.tab'));
});

describe('the sidebar of a contact', () => {
  it.each(cardExampleNames())(
    'shows the example %s in one glance, without a table and without a page of referrals',
    async (name) => {
      const card = await settled([cardExample(name)], { kind: 'contactSidebar' });
      expect(card.findAll(Table)).toHaveLength(0);
      expect(card.findAll(Accordion)).toHaveLength(0);
      expect(card.findAll(StatusTag).length).toBeLessThanOrEqual(2);
      const example = cardExample(name);
      if (!example.ok) return expect(card.text()).toContain(example.message);
      expect(card.text()).toContain('The whole story is on the card “Referrals” in a tab of this record.');
      expect(card.text()).toContain('As of');
      const [newest] = example.data.referrals;
      if (newest) expect(card.text()).toContain(newest.person.name);
    },
  );

  it('tells role, stage, the reward that somebody can do something about, and what that is', async () => {
    const card = await settled([ok('waiting')], { kind: 'contactSidebar' });
    const waiting = ok('waiting').data.referrals[0]?.rewards.find(({ state }) => state === 'waiting');
    expect(card.findAll(Tag).map(textOf).join()).toContain('Waiting');
    expect(card.text()).toContain(`Next: ${waiting?.wouldPay}`);
  });

  it('offers to ask now, and only now', async () => {
    const now = await settled([ok('ask-now')], { kind: 'contactSidebar' });
    expect(now.findAll(CrmActionButton)).toHaveLength(1);
    const later = ok('ask-now');
    const wait = { ...later, data: { ...later.data, ask: { ...ask, verdict: 'later' as const } } };
    expect((await settled([wait], { kind: 'contactSidebar' })).findAll(CrmActionButton)).toHaveLength(0);
  });

  it('says to who may not act why, and whom to ask', async () => {
    const card = await settled([ok('may-not')], { kind: 'contactSidebar' });
    expect(card.find(Alert).props.title).toBe('You may look, and not act');
    expect(card.text()).toContain('boss@acme.example may');
    expect(card.findAll(Button)).toHaveLength(0);
  });
});

describe('the sidebar of a deal', () => {
  it('tells the referral, what is in the way first, and the reward that waits', async () => {
    const card = await settled([deal], { kind: 'dealSidebar' });
    expect(card.find(Alert).props.title).toBe('The deal has no amount.');
    expect(card.text()).toContain('There is another warning in the tab.');
    expect(card.text()).toContain('Bob Noyce was referred by Ada Lovelace');
    expect(card.findAll(Tag).map(textOf)).toEqual(['Waiting: €10.00']);
    expect(card.text()).toContain('Next: Enter an amount on the deal.');
  });

  it('says so where there is no referral', async () => {
    const none = { ...deal, data: { ...deal.data, referral: null, rewards: [], warnings: [] } };
    expect((await settled([none], { kind: 'dealSidebar' })).text()).toContain('No referral behind this deal');
  });
});

describe('the sidebar of a company', () => {
  it('tells how many, the newest, and whom to ask', async () => {
    const card = await settled([company], { kind: 'companySidebar' });
    expect(card.text()).toContain('1 referral in or out · 2 contacts known');
    expect(card.text()).toContain('Latest: Bob Noyce was referred by Ada Lovelace');
    expect(card.text()).toContain(ask.sentence);
    const none = { ...company, data: { ...company.data, referrals: [], asks: [] } };
    expect((await settled([none], { kind: 'companySidebar' })).text()).toContain('No referral in or out yet');
  });
});

describe('asking for a referral on the card of a contact', () => {
  it('opens HubSpot’s own e-mail with the question in it, copies it, and notes it once', async () => {
    const card = await settled([ok('ask-now'), noted, ok('may-not')]);
    const { subject, text } = ok('ask-now').data.member?.askMessage ?? never();
    const button = card.find(CrmActionButton);
    expect(button.props).toMatchObject({
      actionType: 'SEND_EMAIL',
      actionContext: { objectTypeId: '0-1', initialEmailSubject: subject, initialEmailBody: text },
    });
    expect(typeof (button.props.actionContext as { objectId: unknown }).objectId).toBe('number');
    button.trigger('onClick');
    button.trigger('onClick');
    await card.waitFor(() => expect(card.requests).toHaveLength(3));
    expect(card.requests[1]?.url.pathname).toBe('/hubspot/cards/actions/asked');
    expect(card.requests[1]?.options.body).toMatchObject({ way: 'email' });
    expect(card.mocks.actions.copyTextToClipboard.calls).toEqual([[text], [text]]);
    await card.waitFor(() => expect(card.text()).toContain('Not now: they were asked 3 days ago.'));
  });

  it('says so where HubSpot does not open its e-mail: the question is in the clipboard', async () => {
    const card = await settled([ok('ask-now')]);
    card.find(CrmActionButton).trigger('onError', ['No permission.'] as never);
    expect(card.mocks.actions.addAlert.calls).toEqual([
      [
        {
          type: 'danger',
          message: 'HubSpot did not open its e-mail. It says: No permission. The question is in your clipboard.',
        },
      ],
    ]);
  });

  it('notes an ask in a conversation, and a copied invitation', async () => {
    const card = await settled([ok('ask-now'), noted, ok('ask-now'), noted, ok('ask-now')]);
    card.find(LoadingButton, (node) => textOf(node) === 'I have asked').trigger('onClick', {} as never);
    await card.waitFor(() => expect(card.requests).toHaveLength(3));
    card.find(Button, (node) => textOf(node) === 'Copy the question').trigger('onClick', {} as never);
    await card.waitFor(() => expect(card.requests).toHaveLength(5));
    const bodies = card.requests.flatMap(({ options }) => (options.body === undefined ? [] : [options.body]));
    expect(bodies.map(({ way }) => way)).toEqual(['spoken', 'copied']);
    expect(new Set(bodies.map(({ key }) => key)).size).toBe(2);
  });

  it('writes no e-mail to who has unsubscribed', async () => {
    const { data } = ok('ask-now');
    const no = { ok: true as const, data: { ...data, ask: { ...ask, verdict: 'no' as const } } };
    const card = await settled([no]);
    expect(card.findAll(CrmActionButton)).toHaveLength(0);
    expect(card.text()).toContain('Copy the question');
  });

  it('shows every input with what it says, and leads to the console', async () => {
    const card = await settled([ok('ask-now')]);
    for (const { label, value } of ask.inputs) {
      expect(card.text()).toContain(label);
      expect(card.text()).toContain(value);
    }
    expect(card.text()).toContain('12 days ago (10 Nov 2026)');
    expect(
      card
        .findAll(Link)
        .map((link) => JSON.stringify(link.props.href))
        .join(),
    ).toContain('/console/members/');
  });
});
