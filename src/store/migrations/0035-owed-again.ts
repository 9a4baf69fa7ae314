/** What came back after it had been kept from another reward: a debt below zero, which very few beneficiaries have. */
export const name = 'owed-again';

export function statements(): string[] {
  return [
    `CREATE INDEX tallies_overpaid ON tallies (account_id, owner, currency) WHERE tally_key = 'owed' AND minor < 0`,
  ];
}
