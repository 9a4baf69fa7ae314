import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import type { ContactMirror, DealMirror } from '../../domain/mirror.ts';
import type { ObjectPath } from './version.ts';

/** The objects that the connector reads and writes by batch. */
export type MirroredObject = 'contact' | 'deal';

export const PATH_OF: Readonly<Record<MirroredObject, ObjectPath>> = { contact: 'contacts', deal: 'deals' };

/** Contacts have kept the name that deals no longer use. */
export const MODIFIED_PROPERTY: Readonly<Record<MirroredObject, string>> = {
  contact: 'lastmodifieddate',
  deal: 'hs_lastmodifieddate',
};

/** The code a friend gave. The portal fills it, we only read it. */
export const USED_CODE_PROPERTY = 'wonward_referral_code';

/** Whether the contact is one of the account's own people. The portal fills it, we only read it. */
export const STAFF_PROPERTY = 'wonward_recruiter';

/** Where each field of the neutral mirror is written. */
export const CONTACT_FIELDS: Readonly<Record<Exclude<keyof ContactMirror, 'kind'>, string>> = {
  memberId: 'wonward_id',
  shareLink: 'wonward_share_link',
  code: 'wonward_code',
  referrals: 'wonward_referrals',
  wonReferrals: 'wonward_won_referrals',
  rewardsHeld: 'wonward_rewards_held',
  rewardsApproved: 'wonward_rewards_approved',
  rewardsIssued: 'wonward_rewards_issued',
  rewardsReversed: 'wonward_rewards_reversed',
  lastReward: 'wonward_last_reward',
  lastRewardAt: 'wonward_last_reward_at',
  lastRewardReason: 'wonward_last_reward_reason',
  tier: 'wonward_tier',
  referredBy: 'wonward_referred_by',
};

export const DEAL_FIELDS: Readonly<Record<Exclude<keyof DealMirror, 'kind'>, string>> = {
  referralId: 'wonward_referral_id',
  stage: 'wonward_stage',
  rewardState: 'wonward_reward_state',
  rewardReason: 'wonward_reward_reason',
};

const label = hubspotManifest.associationLabels.find(({ name }) => name === 'referred_by');
if (!label) throw new Error('manifests/hubspot/app.ts no longer declares the association label referred_by');

/** From the friend to the member who referred them. */
export const REFERRED_BY = label;
