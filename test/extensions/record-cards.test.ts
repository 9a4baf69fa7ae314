import { describe, expect, it } from 'vitest';
import type { CardOk, CompanyCardOk, DealCardOk, PeopleOk } from '../../contracts/hubspot-card/card-view.generated.ts';
import { cardExample } from '../contracts/card-examples.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { renderCard, textOf } from './render-card.tsx';
import { sdk } from './ui-extensions.ts';

const {
  Alert,
  Button,
  Checkbox,
  EmptyState,
  ErrorState,
  Input,
  LoadingButton,
  LoadingSpinner,
  SearchInput,
  Tag,
  Tile,
} = sdk;

const NOW = '2026-11-22T09:00:00.000Z';
const ADA = { name: 'Ada Lovelace', contactId: '101', url: 'https://app.hubspot.com/contacts/1/record/0-1/101' };
const BOB = { name: 'Bob Noyce', contactId: '102' };

const deal = (more: Partial<DealCardOk['data']> = {}): DealCardOk => ({
  ok: true,
  data: {
    version: 1,
    deal: { id: '9001', name: 'Engine', stageLabel: 'Contract sent', amount: '100.00', currency: 'EUR', syncedAt: NOW },
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
    rewards: [
      {
        rewardId: null,
        rule: '10 % for the member',
        party: 'member',
        beneficiary: 'Ada Lovelace',
        state: 'expected',
        money: { amount: '10.00', currency: 'EUR' },
        reason: { code: 'deal_open', text: 'The deal "Engine" is in progress.' },
        conditions: [],
        wouldPay: '10.00 EUR for Ada Lovelace when the deal "Engine" reaches Closed Won.',
        next: 'Reached today, it is paid when the hold ends.',
        nextAt: '2026-12-06T00:00:00.000Z',
        at: NOW,
      },
    ],
    warnings: [],
    mayAct: true,
    generatedAt: NOW,
    ...more,
  },
});

const company = (more: Partial<CompanyCardOk['data']> = {}): CompanyCardOk => ({
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
        stageReason: 'The deal "Engine" is Closed Won.',
        since: NOW,
        submittedAt: NOW,
      },
    ],
    nextCursor: null,
    generatedAt: NOW,
    ...more,
  },
});

/** The contact card of an example, for a reader who may act. */
function acting(name: string): CardOk {
  const example = cardExample(name);
  if (!example.ok) throw new Error(name);
  return { ok: true, data: { ...example.data, mayAct: true } };
}

async function settled(...args: Parameters<typeof renderCard>) {
  const card = renderCard(...args);
  await card.waitFor(() => expect(card.maybeFind(LoadingSpinner)).toBeNull());
  const press = (label: string) => card.find(Button, (node) => textOf(node) === label).trigger('onClick', {} as never);
  const submit = (label: string) =>
    card.find(LoadingButton, (node) => textOf(node) === label).trigger('onClick', {} as never);
  return { card, press, submit };
}

it('the answers that these tests show are such as the contract allows', () => {
  expect(cardContractViolations(deal(), 'DealCardResponse')).toEqual([]);
  expect(cardContractViolations(company(), 'CompanyCardResponse')).toEqual([]);
});

describe('the card of a deal', () => {
  it('tells both parties, what it will pay, when, and as of when that is', async () => {
    const { card } = await settled([deal()], { kind: 'deal' });
    expect(card.requests[0]?.url.pathname).toBe('/hubspot/cards/deal');
    const text = card.text();
    expect(text).toContain('Bob Noyce was referred by Ada Lovelace');
    expect(text).toContain('€10.00 for Ada Lovelace');
    expect(text).toContain('Reached today, it is paid when the hold ends. (6 Dec 2026)');
    expect(text).toContain('record read from HubSpot 22 Nov 2026');
    expect(card.findAll(Tag).map(textOf)).toContain('Expected');
  });

  it('warns above everything else', async () => {
    const warnings = [{ code: 'amount_missing' as const, text: 'The deal has no amount.', remedy: 'Enter one.' }];
    const { card } = await settled([deal({ warnings })], { kind: 'deal' });
    expect(card.find(Alert).props).toMatchObject({ title: 'The deal has no amount.', variant: 'warning' });
  });

  it('says so where there is no referral, and where the deal is not known', async () => {
    const { card } = await settled([deal({ referral: null, rewards: [] })], { kind: 'deal' });
    expect(card.find(EmptyState).props.title).toBe('No referral behind this deal');
    const unknown = await settled([{ ok: false, code: 'not_found', message: 'Not read yet.' }], { kind: 'deal' });
    expect(unknown.card.find(ErrorState).props.title).toBe('This deal is not known to Wonward');
  });

  it('has no button for a reader who may not act', async () => {
    const { card } = await settled([deal({ mayAct: false })], { kind: 'deal' });
    expect(card.findAll(Button)).toHaveLength(0);
  });
});

describe('the card of a company', () => {
  it('lists who referred whom, says what is missing, and goes on', async () => {
    const second = company({
      referrals: [{ ...(company().data.referrals[0] as never as object), referralId: 'ref_2' } as never],
    });
    const { card, submit } = await settled([company({ notice: 'Not all.', nextCursor: 'next' }), second], {
      kind: 'company',
    });
    expect(card.find(Alert).props.title).toBe('This may not be everything');
    expect(card.text()).toContain('Was referred');
    submit('Show more referrals');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(2));
    expect(card.requests[1]?.url.searchParams.get('cursor')).toBe('next');
  });
});

describe('what a rep does on a card', () => {
  const people: PeopleOk = { ok: true, people: [{ contactId: '102', name: 'Bob Noyce', email: 'bob@noyce.example' }] };
  const done = { ok: true as const, code: 'created', message: 'The referral is recorded.', result: {} };

  it('finds a contact and records the referral under a key of its own, then reads again', async () => {
    const { card, press, submit } = await settled([acting('new-member'), people, done, acting('member')]);
    press('Enter a referral by this contact');
    card.find(SearchInput).trigger('onInput', 'bob' as never);
    submit('Search');
    await card.waitFor(() => expect(card.text()).toContain('1 contact found'));
    press('Bob Noyce (bob@noyce.example)');
    submit('Record the referral');
    await card.waitFor(() => expect(card.requests).toHaveLength(4));
    const { url, options } = card.requests[2] ?? { url: new URL('x:'), options: {} };
    expect([url.pathname, options.method]).toEqual(['/hubspot/cards/actions/refer', 'POST']);
    expect(options.body).toMatchObject({ as: 'member', other: { contactId: '102' } });
    expect(String(options.body?.key)).toMatch(/^[A-Za-z0-9_-]{16,64}$/);
    expect(card.mocks.actions.addAlert.calls).toEqual([[{ type: 'success', message: done.message }]]);
  });

  it('shows what the friend is to be told, and says that they were only when the rep has said so', async () => {
    const consent = { version: 3, language: 'en', text: 'Acme writes to you once.' };
    const withText = (name: string) => {
      const example = acting(name) as { data: object };
      return { ...example, data: { ...example.data, consent } } as ReturnType<typeof acting>;
    };
    for (const isTold of [false, true]) {
      const { card, press, submit } = await settled([withText('new-member'), people, done, withText('member')]);
      press('Enter a referral by this contact');
      expect(card.text()).toContain('Acme writes to you once.');
      if (isTold) card.find(Checkbox).trigger('onChange', true as never);
      card.find(SearchInput).trigger('onInput', 'bob' as never);
      submit('Search');
      await card.waitFor(() => expect(card.text()).toContain('1 contact found'));
      press('Bob Noyce (bob@noyce.example)');
      submit('Record the referral');
      await card.waitFor(() => expect(card.requests).toHaveLength(4));
      expect(card.requests[2]?.options.body).toMatchObject({
        consent: isTold ? { version: 3, language: 'en' } : null,
      });
    }
  });

  it('sends once more under the same key when nobody answered, and a second press goes nowhere', async () => {
    const broken = () => new Response('', { status: 502 });
    const { card, press, submit } = await settled([acting('new-member'), broken, done, acting('member')]);
    press('Enter a referral by this contact');
    press('Not a contact yet? Create one');
    card.findAll(Input)[0]?.trigger('onInput', 'Konrad' as never);
    submit('Record the referral');
    await card.waitFor(() => expect(card.requests).toHaveLength(4));
    const [first, second] = card.requests.slice(1, 3).map(({ options }) => options.body);
    expect(first).toEqual(second);
    expect(first).toMatchObject({ other: { firstName: 'Konrad', lastName: null, email: null } });
  });

  it('says why it was refused, and keeps what was entered', async () => {
    const refused = {
      ok: false as const,
      code: 'self_referral',
      message: 'Nobody can refer themselves.',
      ref: 'req_9',
    };
    const { card, press, submit } = await settled([acting('new-member'), people, refused]);
    press('Enter a referral by this contact');
    card.find(SearchInput).trigger('onInput', 'bob' as never);
    submit('Search');
    await card.waitFor(() => expect(card.text()).toContain('1 contact found'));
    press('Bob Noyce (bob@noyce.example)');
    submit('Record the referral');
    await card.waitFor(() => expect(card.text()).toContain('Nobody can refer themselves. Reference: req_9'));
    expect(card.text()).toContain('Bob Noyce (bob@noyce.example)');
  });

  it('offers nothing to a reader who may not act', async () => {
    const { card } = await settled([cardExample('member')]);
    expect(card.text()).not.toContain('Enter a referral');
    expect(card.text()).not.toContain('Something is wrong');
  });
});
