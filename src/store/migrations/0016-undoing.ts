import type { Dialect } from '../dialect.ts';

/** What of the money that is owed back a provider was asked to undo and has not answered about. */
export const name = 'undoing';

export function statements(_dialect: Dialect): string[] {
  return [
    `INSERT INTO tallies (account_id, owner, tally_key, currency, amount_count, minor)
      SELECT rewards.account_id, rewards.beneficiary_id, 'undoing', rewards.currency, 0, sum(rewards.minor - rewards.clawed_back) FROM intents
      JOIN rewards ON rewards.account_id = intents.account_id AND rewards.id = intents.reward_id
      WHERE intents.kind = 'cancel' AND intents.state = 'pending' AND rewards.payout <> 'credit'
      GROUP BY rewards.account_id, rewards.beneficiary_id, rewards.currency`,
  ];
}
