/** Finance lists what was taken back after it had been given; few of all rewards are. */
export const name = 'finance';

export function statements(): string[] {
  return [
    `CREATE INDEX rewards_claimed ON rewards (account_id, created_at, id)
      WHERE (state = 'clawed_back' OR clawed_back > 0) AND payout <> 'credit'`,
  ];
}
