import { describe, expect, it, vi } from 'vitest';
import type { CardOk } from '../../contracts/hubspot-card/card-view.generated.ts';
import { cardExample, cardExampleNames } from '../contracts/card-examples.ts';
import { renderCard, textOf } from './render-card.tsx';
import { sdk } from './ui-extensions.ts';

const {
  Accordion,
  Alert,
  Button,
  EmptyState,
  ErrorState,
  Link,
  LoadingButton,
  LoadingSpinner,
  StatisticsItem,
  StatusTag,
  StepIndicator,
  TableBody,
  TableRow,
  Tag,
  Tile,
} = sdk;

const MIRRORED_LAST_REWARD = { wonward_last_reward: '100.00 EUR, paid' };

async function shown(...names: string[]) {
  const card = renderCard(names.map(cardExample));
  await card.waitFor(() => expect(card.maybeFind(LoadingSpinner)).toBeNull());
  return card;
}

function button(card: Awaited<ReturnType<typeof shown>>, label: string) {
  return card.find(LoadingButton, (node) => textOf(node) === label);
}

describe('the referral card', () => {
  it('asks the service for the open record, by GET and with a deadline inside HubSpot’s own', async () => {
    const { requests } = await shown('member');
    expect(requests.map(({ url }) => url.href)).toEqual([
      'https://wonward.test/hubspot/cards/contact?objectId=101&objectTypeId=0-1',
    ]);
    expect(requests[0]?.options.method).toBe('GET');
    expect(requests[0]?.options.timeout).toBeLessThan(15_000);
  });

  it('shows that it is loading', () => {
    const card = renderCard([() => new Promise<Response>(() => undefined)]);
    expect(card.find(LoadingSpinner).props.label).toBe('Loading referrals…');
  });

  it('tells at first glance who referred whom, what was paid and what is on the way', async () => {
    const card = await shown('member');
    expect(card.text()).toContain('Grace Hopper has referred 4 friends, 1 won.');
    expect(card.findAll(StatisticsItem).map(({ props }) => [props.label, props.number])).toEqual([
      ['Friends referred', 4],
      ['Won', 1],
      ['Paid', '€100.00'],
      ['On the way', '€250.00'],
    ]);
    expect(card.findAll(Tile)).toHaveLength(4);
  });

  it('shows for each reward its state, its reason, every condition with its value, what would make it pay and what comes next', async () => {
    const card = await shown('member');
    const [, review, open] = card.findAll(Tile);
    if (review === undefined || open === undefined) throw new Error('the card shows fewer referrals');
    expect(textOf(open)).toContain('Alan Turing');
    expect(textOf(open.find(StatusTag))).toBe('Opportunity');
    expect(open.find(StepIndicator).props).toMatchObject({
      currentStep: 3,
      stepNames: ['Submitted', 'Accepted', 'Qualified', 'Opportunity', 'Won'],
    });
    expect(textOf(open.find(Tag))).toBe('Expected');
    expect(textOf(open)).toContain('€100.00 for Grace Hopper');
    expect(textOf(open)).toContain('The deal “Bombe refresh” is in progress.');
    expect(textOf(open)).toContain('What would make it pay: Move “Bombe refresh” to Closed Won.');
    expect(open.find(Accordion).props.title).toBe('Conditions: 2 of 3 met');
    expect(open?.find(TableBody).findAll(TableRow).map(textOf)).toEqual([
      'Deal stageClosed WonContract sentNot met',
      'Deal amount€5,000.00€8,000.00Met',
      'First purchaseNew customerNew customerMet',
    ]);
    expect(textOf(review)).toContain('What happens next: Finance reviews it; Dana Reviewer has it. (24 Nov 2026)');
  });

  it('tells who referred a friend and how that is known', async () => {
    const card = await shown('friend');
    expect(card.text()).toContain('Ada Lovelace was referred by Grace Hopper.');
    expect(card.text()).toContain('Ada gave the code GRACE7 on 12 October.');
    expect(card.findAll(StatisticsItem)).toHaveLength(0);
    expect(card.findAll(Link).map(({ props }) => props.href)).toContain(
      'https://app-eu1.hubspot.com/contacts/48000001/record/0-1/101',
    );
  });

  it('keeps both directions and two currencies apart', async () => {
    const card = await shown('both');
    expect(card.text()).toContain(
      'Margaret Hamilton was referred by Grace Hopper. Since then this contact has referred 2 friends, 1 won.',
    );
    expect(card.findAll(StatisticsItem).map(({ props }) => props.number)).toEqual([2, 1, '€100.00', 'US$120.00']);
    expect(card.text()).toContain('Referred this contact');
    expect(card.text()).toContain('US$64,000.50');
  });

  it('names what a waiting reward waits for, above everything else and once', async () => {
    const card = await shown('waiting');
    const alert = card.find(Alert);
    expect(alert.props).toMatchObject({ variant: 'warning', title: '2 rewards wait for something to be put right' });
    expect(textOf(alert)).toBe('Enter an amount of at least €5,000 on the deal “Compiler training”.');
    expect(card.findAll(Accordion).every(({ props }) => props.defaultOpen === true)).toBe(true);
    expect(card.text()).toContain('no amount');
    expect(card.findAll(Tag).map(textOf)).toContain('Missing');
  });

  it('says when a hold ends', async () => {
    const card = await shown('held');
    expect(card.findAll(Tag).map(textOf)).toContain('On hold');
    expect(card.text()).toContain(
      'What happens next: Paid when the hold ends, if the deal is still Closed Won. (5 Dec 2026)',
    );
  });

  it('says what was taken back and why', async () => {
    const card = await shown('reversed');
    expect(card.findAll(StatisticsItem).at(-1)?.props).toMatchObject({ label: 'Taken back', number: '€200.00' });
    expect(card.text()).toContain('The deal “Analytical engine” left Closed Won after the reward was paid.');
    expect(card.findAll(Tag).map(textOf)).toEqual(expect.arrayContaining(['Taken back', 'Cancelled']));
  });

  it('says that a payment failed, why, and who has it', async () => {
    const card = await shown('failed');
    expect(card.find(Alert).props.title).toBe('1 reward waits for something to be put right');
    expect(card.text()).toContain('The gift-card provider refused: the e-mail address bounces.');
    expect(card.text()).toContain('the program manager has been told. (22 Nov 2026)');
  });

  it('offers a next step where there is no referral', async () => {
    const card = await shown('none');
    expect(card.find(EmptyState).props.title).toBe('No referral for Barbara Liskov yet');
    expect(card.text()).toContain('association label “Referred by”');
    expect(card.text()).toContain('“Referral code used”');
  });

  it('offers the share link where a member has not referred anyone yet', async () => {
    const card = await shown('new-member');
    expect(card.text()).toContain('Frances Allen can refer friends and has not referred anyone yet.');
    expect(card.text()).toContain('https://go.wonward.example/FRAN42');
  });

  it('copies link and code and confirms it', async () => {
    const card = await shown('member');
    for (const copy of card.findAll(Button)) copy.trigger('onClick');
    await vi.waitFor(() => expect(card.mocks.actions.addAlert.calls).toHaveLength(2));
    expect(card.mocks.actions.copyTextToClipboard.calls).toEqual([['https://go.wonward.example/GRACE7'], ['GRACE7']]);
    expect(card.mocks.actions.addAlert.calls[0]).toEqual([{ type: 'success', message: 'Share link copied.' }]);
  });

  it('gives the link to copy by hand when the browser refuses', async () => {
    const card = await shown('member');
    card.mocks.actions.copyTextToClipboard.willCall(() => Promise.reject(new Error('denied')));
    card.find(Button).trigger('onClick');
    await vi.waitFor(() => expect(card.mocks.actions.addAlert.calls).toHaveLength(1));
    expect(card.mocks.actions.addAlert.calls[0]?.[0].message).toContain('https://go.wonward.example/GRACE7');
  });

  it('continues a long list with the cursor and shows nobody twice', async () => {
    const card = await shown('long-list', 'long-list-page-2');
    expect(card.findAll(Tile)).toHaveLength(10);
    button(card, 'Show more referrals').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(13));
    expect(card.requests[1]?.url.searchParams.get('cursor')).toBe('MTA');
    expect(card.maybeFind(LoadingButton, (node) => textOf(node) === 'Show more referrals')).toBeNull();
  });

  it('shows nobody twice when a referral moved between two pages', async () => {
    const second = structuredClone(cardExample('long-list-page-2')) as CardOk;
    const moved = (cardExample('long-list') as CardOk).data.referrals[0];
    const answer = {
      ...second,
      data: { ...second.data, referrals: [moved, ...second.data.referrals].flatMap((item) => item ?? []) },
    };
    const card = renderCard([cardExample('long-list'), answer]);
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(10));
    button(card, 'Show more referrals').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(13));
  });

  it('reads again when Wonward’s properties change on the record, and as many pages as are open', async () => {
    const card = await shown('long-list', 'long-list-page-2', 'long-list', 'long-list-page-2');
    button(card, 'Show more referrals').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(13));
    const [properties, changed] = card.mocks.actions.onCrmPropertiesUpdate.calls[0] ?? [];
    expect(properties).toContain('wonward_last_reward');
    changed?.(MIRRORED_LAST_REWARD);
    await card.waitFor(() => expect(card.requests).toHaveLength(4));
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(13));
    expect(card.requests[2]?.url.searchParams.get('cursor')).toBeNull();
  });

  it('asks for the connection when there is none, and looks again on request', async () => {
    const card = await shown('not-connected', 'member');
    expect(card.find(EmptyState).props.title).toBe('Connect Wonward to this HubSpot account');
    expect(card.text()).toContain('Reference: req_01JD0000000000000000000001');
    button(card, 'Check again').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(4));
  });

  it('keeps the reference of a failure and recovers by a retry', async () => {
    const card = await shown('unavailable', 'member');
    expect(card.find(ErrorState).props.title).toBe('Referrals could not be loaded');
    expect(card.text()).toContain('Reference: req_01JD0000000000000000000003');
    button(card, 'Try again').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(4));
  });

  it('keeps what it shows when a refresh fails, and says so', async () => {
    const card = await shown('member', 'unavailable');
    button(card, 'Refresh').trigger('onClick');
    await card.waitFor(() => expect(card.find(Alert).props.title).toBe('What you see may be out of date'));
    expect(card.findAll(Tile)).toHaveLength(4);
  });

  it('lets no slow answer overwrite a newer one', async () => {
    const late = Promise.withResolvers<Response>();
    const card = renderCard([cardExample('waiting'), () => late.promise, cardExample('held')]);
    await card.waitFor(() => expect(card.text()).toContain('no amount'));
    const [, changed] = card.mocks.actions.onCrmPropertiesUpdate.calls[0] ?? [];
    changed?.(MIRRORED_LAST_REWARD);
    changed?.(MIRRORED_LAST_REWARD);
    await card.waitFor(() => expect(card.text()).toContain('the hold of 14 days is running'));
    late.resolve(Response.json(cardExample('reversed')));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(card.text()).toContain('the hold of 14 days is running');
    expect(card.text()).not.toContain('Taken back');
  });

  it('shows nothing from memory once the portal is disconnected', async () => {
    const card = await shown('member', 'not-connected');
    button(card, 'Refresh').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(0));
    expect(card.find(EmptyState).props.title).toContain('Connect Wonward');
  });

  it.each<[string, () => Response, string]>([
    ['a proxy error', () => new Response('{"category":"BAD_GATEWAY"}', { status: 502 }), 'http_502'],
    ['an answer that is not JSON', () => new Response('<html>'), 'bad_answer'],
    ['an answer of no known shape', () => Response.json({ rows: [] }), 'bad_answer'],
    ['an empty answer', () => Response.json(null), 'bad_answer'],
    [
      'no answer at all',
      () => {
        throw new TypeError('network');
      },
      'no_answer',
    ],
    ['a newer contract', () => Response.json({ ok: true, data: { version: 2 } }), 'card_outdated'],
  ])('turns %s into a sentence, a reference and a retry', async (_, answer, ref) => {
    const card = renderCard([answer, cardExample('friend')]);
    await card.waitFor(() => expect(card.maybeFind(ErrorState)).not.toBeNull());
    expect(card.text()).toContain(`Reference: ${ref}`);
    expect(card.text()).not.toMatch(/[{}<>]/);
    button(card, 'Try again').trigger('onClick');
    await card.waitFor(() => expect(card.findAll(Tile)).toHaveLength(1));
  });

  it('says that it was uploaded without the service’s URL', () => {
    const card = renderCard([], { api: null });
    expect(card.find(Alert).props.title).toBe('This card does not know where Wonward is');
  });

  it.each<[string, string]>([
    ['de-de', '5.000,00\u00a0€'],
    ['en-us', '€5,000.00'],
    ['not a locale', '€5,000.00'],
  ])('writes money the way of a reader in %s', async (locale, money) => {
    const card = renderCard([cardExample('held')], { locale });
    await card.waitFor(() => expect(card.text()).toContain(money));
  });

  it('loses no cent of an amount that a float cannot hold', async () => {
    const held = structuredClone(cardExample('held')) as CardOk;
    Object.assign(held.data.referrals[0]?.rewards[0]?.money ?? {}, { amount: '9007199254740993.07' });
    const card = renderCard([held]);
    await card.waitFor(() => expect(card.text()).toContain('€9,007,199,254,740,993.07'));
  });

  it('goes on showing everything else when a deal carries a currency that is none', async () => {
    const held = structuredClone(cardExample('held')) as CardOk;
    Object.assign(held.data.referrals[0]?.deals[0] ?? {}, { currency: '€' });
    const card = renderCard([held]);
    await card.waitFor(() => expect(card.text()).toContain('Closed Won · 12000.00 €'));
    expect(card.text()).toContain('€1,200.00 for Grace Hopper');
  });

  it.each(cardExampleNames())('shows no raw data for the example %s', async (name) => {
    const card = await shown(name);
    expect(card.text()).not.toMatch(/[{}[\]]|undefined|null|NaN|_[a-z]+_|Invalid/);
  });
});
