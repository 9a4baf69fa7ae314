import type { Dialect } from '../dialect.ts';

/** What analysts and finance read: sums that are kept while things happen, and what they are made of. */
export const name = 'figures';

export function statements({ ddl }: Dialect): string[] {
  const { int, text, table, compact } = ddl;
  const mark = (kind: string, connection: string, id: string, revision: string) =>
    `INSERT INTO figure_marks (account_id, kind, place, id, revision)
      VALUES (NEW.account_id, '${kind}', ${connection}, ${id}, ${revision}) ON CONFLICT DO NOTHING`;
  return [
    // Every stage that a referral has been at: its row knows the present one alone.
    `CREATE TABLE referral_stages (
      account_id ${text} NOT NULL,
      referral_id ${text} NOT NULL,
      since ${int} NOT NULL,
      stage ${text} NOT NULL,
      PRIMARY KEY (account_id, referral_id, since, stage)
    ) ${compact}`,
    ...ddl.appendOnly('referral_stages'),
    'INSERT INTO referral_stages SELECT account_id, id, stage_since, stage FROM referrals',
    // What has changed since the sums were made; the place is a connection, or nothing. The revision makes each change a row of its own, so that no writer waits for another.
    `CREATE TABLE figure_marks (
      account_id ${text} NOT NULL,
      kind ${text} NOT NULL,
      place ${text} NOT NULL,
      id ${text} NOT NULL,
      revision ${int} NOT NULL,
      PRIMARY KEY (account_id, kind, place, id, revision)
    ) ${compact}`,
    ...ddl.afterChange('journals', { on: 'insert', run: mark('journal', "''", 'NEW.id', '0') }),
    ...ddl.afterChange('referrals', { on: 'insert', run: mark('referral', "''", 'NEW.id', 'NEW.version') }),
    ...ddl.afterChange('referrals', { on: 'update', run: mark('referral', "''", 'NEW.id', 'NEW.version') }),
    ...ddl.afterChange('records', {
      on: 'insert',
      when: "NEW.object = 'deal'",
      run: mark('deal', 'NEW.connection_id', 'NEW.record_id', 'NEW.version'),
    }),
    ...ddl.afterChange('records', {
      on: 'update',
      when: "NEW.object = 'deal' AND NEW.version <> OLD.version",
      run: mark('deal', 'NEW.connection_id', 'NEW.record_id', 'NEW.version'),
    }),
    ...ddl.afterChange('mappings', { on: 'insert', run: mark('mapping', 'NEW.connection_id', "''", 'NEW.ordinal') }),
    // A deal may be decided on for somebody who is not on it: a colleague, or a friend who is known in another CRM.
    ...ddl.afterChange('decisions', {
      on: 'insert',
      run: mark('deal', 'NEW.connection_id', 'NEW.deal_id', '-1 - NEW.sequence'),
    }),
    `CREATE TABLE figures (
      account_id ${text} NOT NULL,
      measure ${text} NOT NULL,
      day ${int} NOT NULL,
      program_id ${text} NOT NULL,
      label ${text} NOT NULL,
      currency ${text} NOT NULL,
      n ${int} NOT NULL,
      minor ${int} NOT NULL,
      PRIMARY KEY (account_id, measure, day, program_id, label, currency)
    ) ${compact}`,
    // What each referral, deal and customer has put into the sums, so that a change takes out what it puts in anew.
    `CREATE TABLE figure_parts (
      account_id ${text} NOT NULL,
      unit ${text} NOT NULL,
      id ${text} NOT NULL,
      customer ${text},
      facts ${text},
      entries ${text} NOT NULL,
      PRIMARY KEY (account_id, unit, id)
    ) ${table}`,
    'CREATE INDEX figure_parts_by_customer ON figure_parts (account_id, customer) WHERE customer IS NOT NULL',
    `CREATE TABLE ledger_sums (
      account_id ${text} NOT NULL,
      ledger_account ${text} NOT NULL,
      currency ${text} NOT NULL,
      n ${int} NOT NULL,
      minor ${int} NOT NULL,
      PRIMARY KEY (account_id, ledger_account, currency)
    ) ${compact}`,
    `CREATE TABLE figure_states (
      account_id ${text} NOT NULL PRIMARY KEY,
      folded_at ${int} NOT NULL,
      rebuilt_at ${int}
    ) ${table}`,
    `INSERT INTO figure_marks SELECT account_id, 'journal', '', id, 0 FROM journals`,
    `INSERT INTO figure_marks SELECT account_id, 'referral', '', id, version FROM referrals`,
    `INSERT INTO figure_marks SELECT account_id, 'deal', connection_id, record_id, version FROM records WHERE object = 'deal'`,
  ];
}
