import type { Generated, Kysely } from 'kysely';
import type { Hop, Shard } from '../application/ports/store.ts';
import type { Dialect } from './dialect.ts';

/** `?` after a type: the column may be null. `int` is 64 bits in both databases; times are milliseconds, amounts minor units. */
type ColumnType = 'text' | 'text?' | 'int' | 'int?';

type ValueOf<C extends ColumnType> = C extends 'text'
  ? string
  : C extends 'text?'
    ? string | null
    : C extends 'int'
      ? number
      : number | null;

/** What work, mirror and intents have in common; queue.ts tells what the columns mean. */
const QUEUE = {
  run_at: 'int',
  due_at: 'int?',
  claim: 'text?',
  attempts: 'int',
  parked: 'int',
  error: 'text?',
} as const;

/**
 * Every table and column once, for the types and for the statements that take many rows. The tables themselves are made by the
 * numbered files under migrations/; a conformance test compares the two.
 */
export const TABLES = {
  accounts: { id: 'text', name: 'text', created_at: 'int', needs_second_person: 'int' },
  api_keys: {
    account_id: 'text',
    id: 'text',
    label: 'text',
    hash: 'text',
    created_at: 'int',
    revoked_at: 'int?',
  },
  connections: {
    account_id: 'text',
    id: 'text',
    provider: 'text',
    external_id: 'text',
    status: 'text',
    status_reason: 'text?',
    home_currency: 'text?',
    time_zone: 'text?',
    ui_host: 'text?',
    scopes: 'text',
    connected_at: 'int',
  },
  tokens: {
    account_id: 'text',
    connection_id: 'text',
    access_token: 'text',
    refresh_token: 'text',
    expires_at: 'int',
    version: 'int',
  },
  oauth_states: { state_hash: 'text', account_id: 'text', provider: 'text', expires_at: 'int' },
  mappings: {
    account_id: 'text',
    connection_id: 'text',
    ordinal: 'int',
    version: 'text',
    entries: 'text',
    saved_at: 'int',
  },
  sweep_marks: { account_id: 'text', connection_id: 'text', object: 'text', up_to: 'int' },
  programs: {
    account_id: 'text',
    program_id: 'text',
    version: 'int',
    name: 'text',
    rules: 'text',
    published_at: 'int',
    dry_run_id: 'text?',
    published_by: 'text?',
    open_referrals: 'text?',
    is_retired: 'int',
    note: 'text?',
  },
  program_drafts: {
    account_id: 'text',
    program_id: 'text',
    revision: 'int',
    content: 'text',
    editors: 'text',
    changed_by: 'text',
    changed_at: 'int',
  },
  dry_runs: {
    account_id: 'text',
    id: 'text',
    program_id: 'text',
    content_hash: 'text',
    report: 'text',
    made_by: 'text',
    made_at: 'int',
  },
  inbox: {
    account_id: 'text',
    connection_id: 'text',
    event_key: 'text',
    kind: 'text',
    echo: 'int',
    occurred_at: 'int?',
    received_at: 'int',
    records: 'text',
    payload: 'text',
  },
  work: {
    account_id: 'text',
    connection_id: 'text',
    object: 'text',
    record_id: 'text',
    wanted: 'int',
    claimed_at: 'int?',
    erase: 'int',
    ...QUEUE,
  },
  wakes: { account_id: 'text', connection_id: 'text', object: 'text', record_id: 'text', at: 'int' },
  members: {
    account_id: 'text',
    id: 'text',
    name: 'text?',
    email: 'text?',
    code: 'text',
    connection_id: 'text?',
    contact_id: 'text?',
    created_at: 'int',
    version: 'int',
  },
  referrals: {
    account_id: 'text',
    id: 'text',
    program_id: 'text',
    member_id: 'text',
    friend_name: 'text?',
    friend_email: 'text?',
    connection_id: 'text?',
    contact_id: 'text?',
    source: 'text',
    stage: 'text',
    reason: 'text',
    stage_since: 'int',
    submitted_at: 'int',
    version: 'int',
  },
  touches: {
    account_id: 'text',
    id: 'text',
    kind: 'text',
    member_id: 'text',
    connection_id: 'text?',
    contact_id: 'text?',
    evidence: 'text',
    at: 'int',
  },
  decisions: {
    account_id: 'text',
    id: 'text',
    referral_id: 'text',
    connection_id: 'text',
    deal_id: 'text',
    rule_key: 'text',
    sequence: 'int',
    party: 'text',
    outcome: 'text',
    reason: 'text',
    conditions: 'text',
    calculation: 'text',
    minor: 'int?',
    currency: 'text?',
    reward_id: 'text?',
    release_at: 'int?',
    effective_at: 'int',
    program_id: 'text',
    program_version: 'int',
    mapping_version: 'text',
    recorded_at: 'int',
  },
  rewards: {
    account_id: 'text',
    id: 'text',
    referral_id: 'text',
    connection_id: 'text',
    deal_id: 'text',
    rule_key: 'text',
    party: 'text',
    beneficiary_id: 'text',
    minor: 'int',
    currency: 'text',
    state: 'text',
    reason: 'text',
    payout: 'text',
    program_id: 'text',
    release_at: 'int?',
    reversal_pending: 'int',
    order_at: 'int?',
    review: 'text',
    netted: 'int',
    clawed_back: 'int',
    uses: 'text',
    cancels_issued: 'int',
    expires_after_days: 'int?',
    expires_at: 'int?',
    written_off: 'int',
    created_at: 'int',
    updated_at: 'int',
    version: 'int',
  },
  postings: {
    account_id: 'text',
    journal_id: 'text',
    line: 'int',
    ledger_account: 'text',
    currency: 'text',
    minor: 'int',
  },
  journals: {
    account_id: 'text',
    id: 'text',
    kind: 'text',
    reward_id: 'text',
    decision_id: 'text?',
    effective_at: 'int',
    recorded_at: 'int',
  },
  tallies: {
    account_id: 'text',
    owner: 'text',
    tally_key: 'text',
    currency: 'text',
    amount_count: 'int',
    minor: 'int',
  },
  tally_waits: {
    account_id: 'text',
    owner: 'text',
    tally_key: 'text',
    currency: 'text',
    connection_id: 'text',
    object: 'text',
    record_id: 'text',
    since: 'int',
  },
  budget_entries: {
    account_id: 'text',
    program_id: 'text',
    id: 'text',
    currency: 'text',
    minor: 'int',
    entered_by: 'text',
    note: 'text',
    entered_at: 'int',
  },
  intents: {
    account_id: 'text',
    id: 'text',
    reward_id: 'text',
    provider: 'text',
    kind: 'text',
    state: 'text',
    ...QUEUE,
  },
  payout_settings: { account_id: 'text', provider: 'text', sealed: 'text', updated_at: 'int', version: 'int' },
  payout_references: {
    account_id: 'text',
    intent_id: 'text',
    reward_id: 'text',
    provider: 'text',
    first_tried_at: 'int',
    reference: 'text?',
    voucher: 'text?',
    state: 'text',
    updated_at: 'int',
  },
  payout_news: {
    account_id: 'text',
    provider: 'text',
    event_id: 'text',
    kind: 'text',
    intent_id: 'text?',
    reference: 'text?',
    why: 'text?',
    facts: 'text?',
    at: 'int',
    received_at: 'int',
    effect: 'text?',
    settled_at: 'int?',
  },
  coupon_codes: {
    account_id: 'text',
    code_hash: 'text',
    sealed: 'text',
    minor: 'int',
    currency: 'text',
    added_at: 'int',
    intent_id: 'text?',
    given_at: 'int?',
    redeemed_at: 'int?',
    withdrawn_at: 'int?',
  },
  manual_batches: {
    account_id: 'text',
    id: 'text',
    number: 'int',
    opened_at: 'int',
    cut_at: 'int?',
    provider: 'text',
    cut_by: 'text?',
    approved_at: 'int?',
    approved_by: 'text?',
    exported_at: 'int?',
  },
  payout_schedules: {
    account_id: 'text',
    provider: 'text',
    schedule: 'text?',
    approval: 'text',
    next_cut_at: 'int?',
    updated_at: 'int',
  },
  refunds: {
    account_id: 'text',
    id: 'text',
    source: 'text',
    refund_id: 'text',
    connection_id: 'text?',
    deal_id: 'text?',
    minor: 'int',
    currency: 'text',
    at: 'int',
    undone_at: 'int?',
    received_at: 'int',
  },
  payout_reports: {
    account_id: 'text',
    id: 'text',
    provider: 'text',
    from_at: 'int',
    to_at: 'int',
    report: 'text',
    made_by: 'text',
    made_at: 'int',
  },
  manual_items: {
    account_id: 'text',
    intent_id: 'text',
    reward_id: 'text',
    batch_id: 'text',
    minor: 'int',
    currency: 'text',
    state: 'text',
    why: 'text?',
    added_at: 'int',
    settled_at: 'int?',
  },
  mirror: {
    account_id: 'text',
    connection_id: 'text',
    object: 'text',
    record_id: 'text',
    wanted: 'int',
    acked: 'int',
    acked_hash: 'text?',
    acked_at: 'int?',
    unsure_until: 'int?',
    ...QUEUE,
  },
  records: {
    account_id: 'text',
    connection_id: 'text',
    object: 'text',
    record_id: 'text',
    presence: 'text',
    facts: 'text',
    read_at: 'int',
    modified_at: 'int?',
    version: 'int',
  },
  record_links: {
    account_id: 'text',
    connection_id: 'text',
    deal_id: 'text',
    contact_id: 'text',
    changed_at: 'int',
  },
  leases: { name: 'text', owner: 'text', until: 'int' },
  probe: { id: 'int', beats: 'int' },
} as const satisfies Record<string, Record<string, ColumnType>>;

export type Table = keyof typeof TABLES;

export type Row<T extends Table> = {
  -readonly [C in keyof (typeof TABLES)[T]]: (typeof TABLES)[T][C] extends ColumnType
    ? ValueOf<(typeof TABLES)[T][C]>
    : never;
};

/** The order in which hints were accepted. No cursor may rest on it: PostgreSQL gives numbers out of order of commit. */
interface InboxSequence {
  seq: Generated<number>;
}

export type Schema = { [T in Exclude<Table, 'inbox'>]: Row<T> } & { inbox: Row<'inbox'> & InboxSequence };

/** One place to send queries to: inside a transaction that transaction, never the database around it. */
export interface Session {
  readonly db: Kysely<Schema>;
  readonly dialect: Dialect;
  /** Shards that this transaction has made something due in. */
  readonly told: Map<string, Told>;
}

export interface Told {
  readonly hop: Hop;
  readonly shard: Shard;
}
