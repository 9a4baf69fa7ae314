import { z } from 'zod';
import { callJson, readJson } from './call.ts';
import type { Crm } from './crm.ts';

/** What the demo reads of Wonward's public API and of the card's answer: only what a step looks at. */
const money = z.object({ amount: z.string(), currency: z.string() });
const reason = z.object({ code: z.string(), text: z.string() });
const connection = z.object({
  id: z.string(),
  provider: z.string(),
  externalId: z.string(),
  status: z.string(),
  homeCurrency: z.string().nullable(),
  sync: z.object({ waiting: z.number(), mirrorWaiting: z.number() }),
});
const referral = z.object({
  id: z.string(),
  stage: z.string(),
  source: z.string(),
  memberId: z.string(),
  friend: z.object({ name: z.string().nullable(), contact: z.object({ id: z.string() }).nullable() }),
});
const reward = z.object({
  id: z.string(),
  party: z.string(),
  state: z.string(),
  money,
  reason,
});
const decision = z.object({
  ruleKey: z.string(),
  party: z.string(),
  outcome: z.string(),
  sequence: z.number(),
  reason,
  conditions: z.array(z.object({ condition: z.string(), verdict: z.string() })),
});
const journal = z.object({
  kind: z.string(),
  postings: z.array(z.object({ account: z.string(), amount: z.string(), currency: z.string() })),
});
const balances = z.object({
  items: z.array(z.object({ account: z.string(), amount: z.string(), currency: z.string() })),
});
const provisioned = z.object({
  created: z.array(z.string()),
  existing: z.array(z.string()),
  conflicts: z.array(z.unknown()),
});
const card = z.object({
  ok: z.literal(true),
  data: z.object({
    contact: z.object({ id: z.string(), name: z.string() }),
    role: z.string(),
    referrals: z.array(
      z.object({
        stage: z.string(),
        person: z.object({ name: z.string() }),
        rewards: z.array(
          z.object({
            party: z.string(),
            beneficiary: z.string(),
            state: z.string(),
            money: money.nullable(),
            reason,
            wouldPay: z.string().nullable(),
          }),
        ),
      }),
    ),
  }),
});

export type Wonward = ReturnType<typeof createWonward>;

const list = <T>(item: z.ZodType<T>) => z.object({ items: z.array(item) });
/** The story makes a dozen of anything at most; one page holds it. */
const ONE_PAGE = 'limit=100';

/** Wonward as a customer's program sees it: the public API with an API key, and the card's route. */
export function createWonward(url: string, apiKey: string) {
  const api = `${url}/api/v1`;
  const headers = { authorization: `Bearer ${apiKey}` };
  const itemsOf = async <T>(item: z.ZodType<T>, path: string) =>
    (await callJson(list(item), `${api}${path}`, { headers })).items;

  return {
    url,
    publish: (program: object) => callJson(z.unknown(), `${api}/programs`, { method: 'POST', headers, body: program }),
    async installLink(provider: 'hubspot' | 'salesforce' = 'hubspot'): Promise<string> {
      const body = { provider };
      const made = z.object({ url: z.url() });
      return (await callJson(made, `${api}/connections/install`, { method: 'POST', headers, body })).url;
    },
    connections: () => itemsOf(connection, '/connections'),
    /** Repairs what is missing; says what it made and what was there. */
    provision: (connectionId: string) =>
      callJson(provisioned, `${api}/connections/${connectionId}/provision`, { method: 'POST', headers }),
    referrals: () => itemsOf(referral, `/referrals?${ONE_PAGE}`),
    rewards: () => itemsOf(reward, `/rewards?${ONE_PAGE}`),
    decisions: () => itemsOf(decision, `/decisions?${ONE_PAGE}`),
    journals: () => itemsOf(journal, `/journals?${ONE_PAGE}`),
    balances: async () => (await callJson(balances, `${api}/balances`, { headers })).items,
    /** Everything that the API tells, as it came: to see whether anything has changed. */
    async everything(): Promise<string> {
      const paths = ['/members', '/referrals', '/decisions', '/rewards', '/journals'].map(
        (path) => `${path}?${ONE_PAGE}`,
      );
      const answers = await Promise.all(
        [...paths, '/balances'].map((path) => callJson(z.unknown(), `${api}${path}`, { headers })),
      );
      return JSON.stringify(answers);
    },
    /** The card of a contact, asked for the way HubSpot does. */
    async card(crm: Crm, contactId: string) {
      const answer = await crm.fetchAsCard(cardAddress(url, contactId));
      if (answer.status !== 200) throw new Error(`the card got ${answer.status}: ${answer.body}`);
      return readJson(card, answer.body, 'the card').data;
    },
    /** The status that somebody gets who asks for a card without HubSpot's signature. */
    async unsignedCardStatus(contactId: string): Promise<number> {
      return (await fetch(cardAddress(url, contactId))).status;
    },
  };
}

function cardAddress(url: string, contactId: string): string {
  return `${url}/hubspot/cards/contact?objectId=${contactId}&objectTypeId=0-1`;
}
