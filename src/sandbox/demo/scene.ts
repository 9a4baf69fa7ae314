import type { Crm } from './crm.ts';
import type { Org } from './org.ts';
import type { Wonward } from './wonward.ts';

/** Where the story plays: two programs that are spoken to over HTTP, and the ids of what was made on the way. */
export interface Scene {
  readonly crm: Crm;
  readonly org: Org;
  readonly wonward: Wonward;
  ada: string;
  bob: string;
  deal: string;
  grace: string;
  ken: string;
  opportunity: string;
}

export const COMPANY = 'Acme';
export const ADA = 'Ada Lovelace';
export const BOB = 'Bob Noyce';
/** The people of the second chapter, in the org. */
export const GRACE = 'Grace Hopper';
export const KEN = 'Ken Olsen';
export const OPPORTUNITY = 'Time sharing';
export const OPPORTUNITY_AMOUNT = '8000.00';
export const GRACE_REWARD = '800.00';

export const DEAL = 'Analytical engine';
export const DEAL_AMOUNT = '12000.00';
export const CURRENCY = 'EUR';
/** A tenth of the deal, as the program below says. */
export const ADA_REWARD = '1200.00';
export const BOB_REWARD = '50.00';

/** Reasons name the deal, so that a person knows which one is meant. */
export const REACHED_WON = new RegExp(`^The deal "${DEAL}" reached Closed Won`);
export const LEFT_WON = new RegExp(`^The deal "${DEAL}" left Closed Won`);

/** What the customer publishes before anything happens. */
export const PROGRAM = {
  programId: 'default',
  name: `Friends of ${COMPANY}`,
  rules: [
    {
      key: 'member-won',
      name: '10 % of the deal for the member',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 1_000 },
      conditions: [{ fact: 'deal.amount', op: 'at_least', money: { amount: '1000.00', currency: CURRENCY } }],
      payout: 'credit',
    },
    {
      key: 'friend-won',
      name: '50 EUR for the friend',
      party: 'friend',
      amount: { kind: 'fixed', money: { amount: BOB_REWARD, currency: CURRENCY } },
      payout: 'credit',
    },
  ],
};

/** The HubSpot stages that the deal goes through after its first one. */
export const WAY_TO_WON = ['qualifiedtobuy', 'contractsent', 'closedwon'] as const;
export const FIRST_STAGE = 'appointmentscheduled';
export const REOPENED_STAGE = 'contractsent';

export function createScene(crm: Crm, org: Org, wonward: Wonward): Scene {
  return { crm, org, wonward, ada: '', bob: '', deal: '', grace: '', ken: '', opportunity: '' };
}
