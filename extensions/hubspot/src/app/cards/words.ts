import type { CompanyReferral, RewardState, Role, Source, Stage } from './card-view.generated.ts';

/** The words a rep reads. One place, so that a later translation has one place to go to. */

type TagVariant = 'default' | 'warning' | 'success' | 'error' | 'info';
type StatusVariant = 'danger' | 'warning' | 'info' | 'success' | 'default';

export const ROLE_LABELS: Readonly<Record<Role, string>> = {
  member: 'Member',
  friend: 'Referred friend',
  both: 'Member and referred friend',
  none: 'Not in a referral',
};

export const SOURCE_LABELS: Readonly<Record<Source, string>> = {
  label: 'Association label in HubSpot',
  code: 'Referral code',
  email: 'E-mail address',
  explicit: 'Submitted for this contact',
  company: 'A colleague who was referred',
};

export const STAGE_LABELS: Readonly<Record<Stage, string>> = {
  submitted: 'Submitted',
  accepted: 'Accepted',
  qualified: 'Qualified',
  opportunity: 'Opportunity',
  won: 'Won',
  lost: 'Lost',
  declined: 'Declined',
  expired: 'Expired',
};

export const DIRECTION_LABELS: Readonly<Record<CompanyReferral['direction'], string>> = {
  in: 'Was referred',
  out: 'Referred somebody',
  both: 'Among colleagues',
};

/** The way of a referral that goes well. The other three stages end it from anywhere. */
export const STAGE_PATH: readonly Stage[] = ['submitted', 'accepted', 'qualified', 'opportunity', 'won'];

export const STAGE_VARIANTS: Readonly<Record<Stage, StatusVariant>> = {
  submitted: 'default',
  accepted: 'info',
  qualified: 'info',
  opportunity: 'info',
  won: 'success',
  lost: 'danger',
  declined: 'danger',
  expired: 'default',
};

export const REWARD_LABELS: Readonly<Record<RewardState, { readonly text: string; readonly variant: TagVariant }>> = {
  expected: { text: 'Expected', variant: 'default' },
  waiting: { text: 'Waiting', variant: 'warning' },
  skipped: { text: 'Not rewarded', variant: 'default' },
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

export const PAID_STATES: readonly RewardState[] = ['issued', 'redeemed'];
export const COMING_STATES: readonly RewardState[] = ['held', 'in_review', 'approved', 'issuing', 'failed'];
export const TAKEN_BACK_STATES: readonly RewardState[] = ['clawed_back', 'voided', 'expired'];
/** Somebody has to do something before these go on. */
export const STUCK_STATES: readonly RewardState[] = ['waiting', 'failed'];

/** What a reader can say is wrong, as the service knows it. */
export const CLAIM_LABELS: Readonly<Record<string, string>> = {
  not_rewarded: 'A reward is missing',
  wrong_amount: 'The amount is wrong',
  wrong_member: 'Somebody else referred them',
  fraud: 'It does not look right',
  other: 'Something else',
};

export function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
