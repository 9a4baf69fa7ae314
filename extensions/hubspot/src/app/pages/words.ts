import type { Attention, Referral, Reward, Sync } from './home-view.generated.ts';

/** The words of the home page. One place, so that a later translation has one place to go to. */

type TagVariant = 'default' | 'warning' | 'success' | 'error' | 'info';
type StatusVariant = 'danger' | 'warning' | 'info' | 'success' | 'default';

interface Tagged {
  readonly text: string;
  readonly variant: TagVariant;
}

export const SEVERITY: Readonly<Record<Attention['severity'], Tagged>> = {
  urgent: { text: 'Urgent', variant: 'error' },
  high: { text: 'Important', variant: 'warning' },
  normal: { text: 'To do', variant: 'info' },
  low: { text: 'When there is time', variant: 'default' },
};

export const STAGES: Readonly<Record<Referral['stage'], { readonly text: string; readonly variant: StatusVariant }>> = {
  submitted: { text: 'Submitted', variant: 'default' },
  accepted: { text: 'Accepted', variant: 'info' },
  qualified: { text: 'Qualified', variant: 'info' },
  opportunity: { text: 'Opportunity', variant: 'info' },
  won: { text: 'Won', variant: 'success' },
  lost: { text: 'Lost', variant: 'danger' },
  declined: { text: 'Declined', variant: 'danger' },
  expired: { text: 'Expired', variant: 'default' },
};

export const REWARDS: Readonly<Record<Reward['state'], Tagged>> = {
  held: { text: 'On hold', variant: 'info' },
  in_review: { text: 'In review', variant: 'info' },
  approved: { text: 'Approved', variant: 'info' },
  issuing: { text: 'Being paid', variant: 'info' },
  issued: { text: 'Paid', variant: 'success' },
  redeemed: { text: 'Paid and used', variant: 'success' },
  failed: { text: 'Payment failed', variant: 'error' },
  voided: { text: 'Cancelled', variant: 'default' },
  expired: { text: 'Expired', variant: 'default' },
  clawed_back: { text: 'Taken back', variant: 'error' },
};

export const SYNC: Readonly<Record<Sync['state'], { readonly text: string; readonly variant: StatusVariant }>> = {
  ok: { text: 'In step', variant: 'success' },
  working: { text: 'Working', variant: 'info' },
  trouble: { text: 'Needs attention', variant: 'warning' },
  off: { text: 'Disconnected', variant: 'danger' },
};

/** What a link into the console opens there. */
export const CONSOLE_WORDS: Readonly<Record<Attention['kind'], string>> = {
  disconnected: 'Open the connection in Wonward',
  program: 'Open the programs in Wonward',
  mapping: 'Open the mapping in Wonward',
  review: 'Decide it in Wonward',
  dispute: 'Decide it in Wonward',
  alert: 'Look at it in Wonward',
  payout: 'Open the reward in Wonward',
  sync: 'Open the health of the sync in Wonward',
};
