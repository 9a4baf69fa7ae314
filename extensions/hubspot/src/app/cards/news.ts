/** Of the record that is open, what changes when its card is out of date: Wonward writes these after every decision. */
export const NEWS_OF_CONTACT = [
  'wonward_referrals',
  'wonward_won_referrals',
  'wonward_last_reward',
  'wonward_last_reward_at',
  'wonward_last_reward_reason',
  'wonward_referred_by',
];

export const NEWS_OF_DEAL = ['wonward_stage', 'wonward_reward_state', 'wonward_reward_reason', 'amount', 'dealstage'];
