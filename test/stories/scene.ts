import { createHmac } from 'node:crypto';
import { expect } from 'vitest';
import type { CardView } from '../../contracts/hubspot-card/card-view.generated.ts';
import type { LinkInput } from '../../src/sandbox/hubspot/control.ts';
import { cardContractViolations } from '../contracts/card-schema.ts';
import { APP, type Json, PORTAL, type Stack } from '../support/stack.ts';

export type CrmRecord = 'contact' | 'deal' | 'company';

export interface SceneOptions {
  readonly portalId?: number;
  readonly apiKey?: string;
}

/** People, deals and what became of them, in the words that the stories use. */
export function createScene(stack: Stack, { portalId = PORTAL, apiKey = stack.apiKey }: SceneOptions = {}) {
  const crm = stack.sandbox.control;
  let people = 0;
  let pairs = 0;

  async function list(path: string): Promise<Json[]> {
    const { status, body } = await stack.api('GET', path, undefined, apiKey);
    expect(status, JSON.stringify(body)).toBe(200);
    return body.items;
  }

  async function all(path: string): Promise<Json[]> {
    const items: Json[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = `${path.includes('?') ? '&' : '?'}limit=100${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const { status, body } = await stack.api('GET', `${path}${query}`, undefined, apiKey);
      expect(status, JSON.stringify(body)).toBe(200);
      items.push(...body.items);
      cursor = body.nextCursor ?? null;
    }
    return items;
  }

  function person(name: string, properties: Record<string, string> = {}, associations: LinkInput[] = []): string {
    people += 1;
    const slug = name.toLowerCase().replaceAll(/[^a-z]+/g, '.');
    return crm.createRecord(portalId, 'contact', {
      properties: { email: `${slug}.${people}@example.com`, firstname: name, ...properties },
      associations,
    }).id;
  }

  const scene = {
    crm,
    portalId,
    apiKey,
    all,
    list,
    person,
    /** A contact whose "Referred by" names another one. */
    friendOf: (memberId: string, name = 'Friend', properties: Record<string, string> = {}): string =>
      person(name, properties, [{ toType: 'contact', toId: memberId, labels: ['Referred by'] }]),
    /** A member and a friend who has an open deal; with one phone number for both, a program that looks at it doubts them. */
    pair(isDoubtful = false, [member, friend]: readonly [string, string] = ['Ada', 'Bob']) {
      pairs += 1;
      const phone = (digit: number) => `+49 30 ${String(1_000_000 + pairs * 10 + digit)}`;
      const memberId = person(member, { lastname: `Member${pairs}`, phone: phone(1) });
      const friendId = scene.friendOf(memberId, friend, {
        lastname: `Friend${pairs}`,
        phone: phone(isDoubtful ? 1 : 2),
      });
      return { memberId, friendId, dealId: scene.deal([friendId], { dealname: `Engine ${pairs}` }) };
    },
    deal(contactIds: readonly string[], properties: Record<string, string> = {}, at?: number): string {
      return crm.createRecord(portalId, 'deal', {
        properties: {
          dealname: 'Engines',
          amount: '1000.00',
          pipeline: 'default',
          dealstage: 'appointmentscheduled',
          ...properties,
        },
        associations: contactIds.map((toId) => ({ toType: 'contact', toId })),
        at,
      }).id;
    },
    edit: (object: CrmRecord, id: string, properties: Record<string, string>, at?: number) =>
      crm.editRecord(portalId, object, id, { properties, at }),
    win: (dealId: string, at?: number) =>
      crm.editRecord(portalId, 'deal', dealId, { properties: { dealstage: 'closedwon' }, at }),
    reopen: (dealId: string, at?: number) =>
      crm.editRecord(portalId, 'deal', dealId, { properties: { dealstage: 'contractsent' }, at }),
    show: (object: CrmRecord, id: string): Record<string, string> =>
      crm.getRecord(portalId, object, id).properties as Record<string, string>,

    /** "member issued 100.00 EUR", sorted, of one deal. */
    async rewardsOn(...dealIds: string[]): Promise<string[]> {
      return (await all('/rewards'))
        .filter(({ deal }) => dealIds.includes(deal.id))
        .map(({ party, state, money }) => `${party} ${state} ${money.amount} ${money.currency}`)
        .sort();
    },
    /** "rewarded", "waiting amount_missing", oldest first, of one party on one deal. */
    async decisionsOn(dealId: string, party: 'member' | 'friend' = 'member'): Promise<string[]> {
      return (await all(`/decisions?dealId=${dealId}`))
        .filter((decision) => decision.party === party)
        .sort((a, b) => (a.recordedAt < b.recordedAt ? -1 : a.recordedAt > b.recordedAt ? 1 : a.sequence - b.sequence))
        .map(({ outcome, reason }) => `${outcome} ${reason.code}`);
    },
    async referralOf(contactId: string): Promise<Json> {
      return (await all('/referrals')).find(({ friend }) => friend.contact?.id === contactId);
    },
    async memberOf(contactId: string): Promise<Json> {
      return (await all('/members')).find(({ contact }) => contact?.id === contactId);
    },
    /** The card in the contact's record, as HubSpot fetches it. */
    async card(
      contactId: string,
    ): Promise<{ ok: true; data: CardView } | { ok: false; code: string; message: string }> {
      const { status, body } = await crm.fetch(portalId, {
        url: `${stack.publicUrl}/hubspot/cards/contact?objectId=${contactId}&objectTypeId=0-1`,
      });
      expect(status, body).toBe(200);
      const parsed = JSON.parse(body);
      expect(cardContractViolations(parsed)).toEqual([]);
      return parsed;
    },
    /** What a card that is still open in a browser asks for, also when HubSpot has forgotten the app. */
    async openCard(contactId: string): Promise<Json> {
      const query = `objectId=${contactId}&objectTypeId=0-1&portalId=${portalId}&userId=1`;
      const url = `${stack.publicUrl}/hubspot/cards/contact?${query}`;
      const headers = signedHeaders(url, '', { at: stack.clock.now(), method: 'GET' });
      const response = await fetch(url, { headers });
      expect(response.status).toBe(200);
      return response.json();
    },
    async cardView(contactId: string): Promise<CardView> {
      const card = await scene.card(contactId);
      if (!card.ok) throw new Error(`${card.code}: ${card.message}`);
      return card.data;
    },
    async connection(): Promise<Json> {
      return (await list('/connections')).find(({ externalId }) => externalId === String(portalId));
    },
    /** Looks for what no webhook told. */
    async sweep(): Promise<{ changed: number; missed: number; own: number }> {
      const { container, store } = stack.service;
      const connection = await store.connections.findByExternalId('hubspot', String(portalId));
      if (!connection) throw new Error('not connected');
      const report = await container.reconcile.sweep(connection);
      await stack.settle();
      return report;
    },
    /** Sweeps, some minutes apart, until one finds nothing; what our own writes have modified is looked at once more, and is nothing. */
    async sweepToRest(): Promise<void> {
      for (let sweeps = 0; sweeps < 5; sweeps += 1) {
        await stack.clock.sleep(65_000);
        if ((await scene.sweep()).missed === 0) return;
      }
      throw new Error('sweeps go on finding something');
    },
    /** Nothing waits, also not for a time that HubSpot has named. */
    async rest(): Promise<void> {
      await eventually(
        async () => (await scene.connection()).sync,
        ({ waiting, mirrorWaiting }) => waiting + mirrorWaiting === 0,
        // A write that got no answer for half a minute is written once more half a minute later.
        100_000,
      );
      await stack.settle();
    },
    /** From here on no webhook arrives, until it is called back. */
    silence(): () => void {
      const { id } = crm.addFault({ target: 'webhook', portalId, effect: { kind: 'drop' } });
      return () => void crm.removeFault(id);
    },
    /** A call to the local HubSpot as an integration with the app's own rights, as an admin's tool would make it. */
    async hubspot(method: string, path: string, body?: unknown): Promise<{ status: number; body: Json }> {
      const { code } = crm.install(portalId, { state: 'test' });
      const granted = await fetch(`${stack.sandbox.url}/oauth/2026-03/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'authorization_code',
          client_id: APP.clientId,
          client_secret: APP.clientSecret,
          redirect_uri: `${stack.publicUrl}/oauth/hubspot/callback`,
          code,
        }),
      });
      const { access_token: token } = (await granted.json()) as { access_token: string };
      const response = await fetch(`${stack.sandbox.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, body: text === '' ? null : JSON.parse(text) };
    },
    /** All that the API tells of decisions and money. */
    async story(): Promise<Json[][]> {
      const paged = ['/decisions', '/rewards', '/journals', '/referrals', '/members'].map(all);
      return Promise.all([...paged, list('/balances')]);
    },
    /** Every journal and all balances add up to zero, and what stands is what was rewarded. */
    async expectBalanced(): Promise<void> {
      for (const { id, totals } of await all('/journals')) {
        expect(totals.every(isZero), `journal ${id}`).toBe(true);
      }
      const { body } = await stack.api('GET', '/balances', undefined, apiKey);
      expect(body.totals.every(isZero), JSON.stringify(body.totals)).toBe(true);
    },
    /** Nothing waits for a person. */
    async expectNothingParked(): Promise<void> {
      const { sync } = await scene.connection();
      expect(sync).toMatchObject({ waiting: 0, parked: [], mirrorWaiting: 0, mirrorParked: 0 });
    },
    /** Whatever came before: the next good event pays both sides, once. */
    async expectNextDealPays(): Promise<void> {
      const member = person('Next Member');
      const friend = scene.friendOf(member, 'Next Friend');
      const deal = scene.deal([friend], { amount: '200.00' });
      await stack.settle();
      scene.win(deal);
      await stack.settle();
      expect(await scene.rewardsOn(deal)).toEqual(['friend issued 50.00 EUR', 'member issued 20.00 EUR']);
      expect(scene.show('contact', member).wonward_rewards_issued).toBe('20.00 EUR');
      await scene.expectBalanced();
    },
  };
  return scene;
}

export type Scene = ReturnType<typeof createScene>;

function isZero({ amount }: { amount: string }): boolean {
  return /^0(\.0+)?$/.test(amount);
}

/** HubSpot's signature v3, made apart from the code that checks it. */
export function signedHeaders(
  url: string,
  body: string | Uint8Array,
  { secret = APP.clientSecret, at, method = 'POST' }: { secret?: string; at: number; method?: string },
): Record<string, string> {
  const hmac = createHmac('sha256', secret);
  hmac.update(method).update(url).update(body).update(String(at));
  return { 'x-hubspot-signature-v3': hmac.digest('base64'), 'x-hubspot-request-timestamp': String(at) };
}

/** Something that must hold within a moment. */
export async function eventually<T>(look: () => Promise<T>, isThere: (seen: T) => boolean, timeoutMs = 20_000) {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (isThere(seen)) return seen;
    if (Date.now() > giveUpAt) throw new Error(`not so within ${timeoutMs} ms: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
