import { type RawBuilder, sql } from 'kysely';
import type {
  Audit,
  AuditAccount,
  AuditPage,
  KnownFacts,
  MappingVersion,
  StrayRows,
  WrongTally,
} from '../application/ports/audit.ts';
import type { LoadedElsewhere } from '../application/ports/store.ts';
import type { ConnectionsPolicy } from '../domain/connections-policy.ts';
import { type ElsewhereKeys, elsewhereKeys } from '../domain/elsewhere-keys.ts';
import type { ContactElsewhere, DealElsewhere } from '../domain/identity.ts';
import { normaliseCode } from '../domain/ids.ts';
import { companyOf } from '../domain/limit.ts';
import type { OrderKind } from '../domain/plan.ts';
import { ratesOf } from '../domain/rates.ts';
import {
  type ContactFacts,
  type CrmObject,
  type DealFacts,
  normaliseEmail,
  type RecordRef,
  recordKey,
} from '../domain/record.ts';
import type { Touch } from '../domain/referral.ts';
import { keysOfPeople } from '../domain/risk.ts';
import { budgetTally, companyOwner, type Tally } from '../domain/tally.ts';
import type { TierChange } from '../domain/tier.ts';
import type { Instant } from '../domain/time.ts';
import { loadCase } from './cases.ts';
import {
  attributionOf,
  connectionOf,
  decisionOf,
  fromJson,
  fromSum,
  journalOf,
  judgedByOf,
  memberOf,
  programOf,
  referralOf,
  refOf,
  rewardOf,
  tierChangeOf,
  touchOf,
} from './codec.ts';
import { type Columns, rowsOf } from './dialect.ts';
import { edgeKey, edgesOfSubjects } from './identity-edges.ts';
import { choicesOf } from './offers.ts';
import { periodBooksIn } from './periods.ts';
import { newestPolicy, policyVersionOf } from './policies.ts';
import { rateOf } from './rates.ts';
import { type Row, type Session, TABLES, type Table } from './schema.ts';
import { tallyOf } from './tallies.ts';

/** Enough for a person to see what they have in common. */
const EXAMPLES_MAX = 5;

/** Referrals that are won, what beneficiaries owe by the ledger and what of it providers are asked to undo, against what is kept of each. */
async function wrongTallies({ db }: Session, accountId: string): Promise<WrongTally[]> {
  const { rows } = await sql<{ owner: string; tally_key: string; currency: string; stored: string; derived: string }>`
    select coalesce(kept.owner, told.owner) as owner, coalesce(kept.tally_key, told.tally_key) as tally_key,
      coalesce(kept.currency, told.currency) as currency, cast(coalesce(kept.sum, 0) as text) as stored,
      cast(coalesce(told.sum, 0) as text) as derived
    from (
      select owner, tally_key, currency, case when tally_key = 'won' then amount_count else minor end as sum from tallies
      where account_id = ${accountId} and tally_key in ('won', 'owed', 'undoing')
    ) as kept full join (
      select member_id as owner, 'won' as tally_key, '' as currency, count(*) as sum from referrals
      where account_id = ${accountId} and stage = 'won' group by member_id
      union all
      select substr(ledger_account, ${RECEIVABLE.length + 1}), 'owed', currency, sum(minor) from (
        select replace(ledger_account, ':friend:', ':member:') as ledger_account, currency, minor from postings
        where account_id = ${accountId} and ledger_account >= 'receivable:' and ledger_account < 'receivable;'
      ) as receivables group by ledger_account, currency
      union all
      select rewards.beneficiary_id, 'undoing', rewards.currency, sum(rewards.minor - rewards.clawed_back) from intents
      join rewards on rewards.account_id = intents.account_id and rewards.id = intents.reward_id
      where intents.account_id = ${accountId} and intents.kind = 'cancel' and intents.state = 'pending' and rewards.payout <> 'credit'
      group by rewards.beneficiary_id, rewards.currency
    ) as told on kept.owner = told.owner and kept.tally_key = told.tally_key and kept.currency = told.currency
    where coalesce(kept.sum, 0) <> coalesce(told.sum, 0)
    order by 1 limit ${WRONG_TALLIES_MAX}`.execute(db);
  return rows.map(({ owner, tally_key: key, currency, stored, derived }) => ({
    owner,
    key,
    currency,
    stored: fromSum(stored),
    derived: fromSum(derived),
  }));
}

/** Before the beneficiary's id in the name of a ledger account. */
const RECEIVABLE = 'receivable:member:';

/** As many as a report tells of one account. */
const WRONG_TALLIES_MAX = 100;

/** Reads for `verify`, inside one snapshot: `session` is that snapshot's. */
export function createAudit(session: Session, now: Instant): Audit {
  return {
    accountIds: async () => {
      const { rows } = await sql<{ id: string }>`select id from accounts order by id`.execute(session.db);
      return rows.map(({ id }) => id);
    },
    strayRows: () => strayRows(session),
    periods: periodBooksIn(session),
    account: (accountId) => account(session, accountId),
    page: (accountId, after, limit, riskHours) => page(session, accountId, after, limit, now, riskHours),
    wrongTallies: (accountId) => wrongTallies(session, accountId),
    limitTallies: async (accountId) => {
      const { rows } = await sql<Row<'tallies'>>`select * from tallies
        where account_id = ${accountId} and tally_key not in ('won', 'owed', 'undoing')`.execute(session.db);
      return rows.map(tallyOf);
    },
    now,
    tierChanges: async (accountId, after, limit) => {
      const behind = after
        ? sql`and (member_id, program_id, sequence) > (${after.memberId}, ${after.program.id}, ${after.sequence})`
        : sql``;
      const { rows } = await sql<Row<'tier_changes'>>`select * from tier_changes
        where account_id = ${accountId} ${behind} order by member_id, program_id, sequence limit ${limit}`.execute(
        session.db,
      );
      return rows.map(tierChangeOf);
    },
    wonTallies: async (accountId) => {
      const { rows } = await sql<Row<'tallies'>>`select * from tallies
        where account_id = ${accountId} and tally_key = 'won'`.execute(session.db);
      return rows.map(tallyOf);
    },
    tierLooksDue: async (accountId) => {
      const { rows } = await sql<{ member_id: string }>`select member_id from tier_looks
        where account_id = ${accountId} and at <= ${now}`.execute(session.db);
      return new Set(rows.map(({ member_id }) => member_id));
    },
    budgets: async (accountId) => {
      const { rows } = await sql<{ program_id: string; currency: string; minor: string }>`
        select program_id, currency, cast(sum(minor) as text) as minor from budget_entries
        where account_id = ${accountId} group by program_id, currency`.execute(session.db);
      return rows.map(({ program_id, currency, minor }) => ({
        ...budgetTally(program_id, currency),
        count: 0,
        minor: fromSum(minor),
      }));
    },
    balances: async (accountId, after, limit) => {
      const behind =
        after === null ? sql`` : sql`and (ledger_account, currency) > (${after.account}, ${after.currency})`;
      const { rows } = await sql<{ ledger_account: string; currency: string; minor: string }>`
        select ledger_account, currency, cast(sum(minor) as text) as minor from postings
        where account_id = ${accountId} ${behind}
        group by ledger_account, currency order by ledger_account, currency limit ${limit}`.execute(session.db);
      return rows.map(({ ledger_account, currency, minor }) => ({
        account: ledger_account,
        currency,
        minor: fromSum(minor),
      }));
    },
  };
}

// ── Rows that name what is not there ────────────────────────────────────────────────────────────────────────────────

/** [columns, of table, columns there]. Most are foreign keys too; a file that was damaged, or written by hand, may break those. */
const REFERENCES: ReadonlyArray<readonly [Table, readonly string[], Table, readonly string[], string?]> = [
  ...(Object.keys(TABLES) as Table[])
    .filter((table) => 'account_id' in TABLES[table])
    .map((table) => [table, ['account_id'], 'accounts', ['id']] as const),
  ...(Object.keys(TABLES) as Table[])
    .filter((table) => 'connection_id' in TABLES[table])
    .map((table) => [table, ['connection_id'], 'connections', ['id']] as const),
  ['referrals', ['member_id'], 'members', ['id']],
  ['touches', ['member_id'], 'members', ['id']],
  ['rewards', ['referral_id'], 'referrals', ['id']],
  ['rewards', ['program_id'], 'programs', ['program_id']],
  ['rewards', ['beneficiary_id'], 'members', ['id'], "party <> 'friend'"],
  ['referrals', ['recruiter_id'], 'members', ['id']],
  ['referrals', ['assist_member_id'], 'members', ['id']],
  ['referrals', ['follows_referral_id'], 'referrals', ['id']],
  ['tier_changes', ['member_id'], 'members', ['id']],
  ['tier_changes', ['program_id', 'program_version'], 'programs', ['program_id', 'version']],
  ['tier_looks', ['member_id'], 'members', ['id']],
  ['attribution_decisions', ['referral_id'], 'referrals', ['id']],
  ['attribution_decisions', ['member_id'], 'members', ['id']],
  ['attribution_decisions', ['policy_version'], 'attribution_policies', ['version']],
  ['rewards', ['beneficiary_id'], 'referrals', ['id'], "party = 'friend'"],
  ['decisions', ['referral_id'], 'referrals', ['id']],
  ['decisions', ['reward_id'], 'rewards', ['id']],
  ['decisions', ['program_id', 'program_version'], 'programs', ['program_id', 'version']],
  ['decisions', ['connection_id', 'mapping_version'], 'mappings', ['connection_id', 'version']],
  ['journals', ['reward_id'], 'rewards', ['id']],
  ['journals', ['decision_id'], 'decisions', ['id']],
  ['postings', ['journal_id'], 'journals', ['id']],
  ['intents', ['reward_id'], 'rewards', ['id']],
  ['payout_references', ['intent_id'], 'intents', ['id']],
  ['manual_items', ['intent_id'], 'intents', ['id']],
  ['manual_items', ['batch_id'], 'manual_batches', ['id']],
  ['coupon_codes', ['intent_id'], 'intents', ['id']],
];

async function strayRows({ db }: Session): Promise<StrayRows[]> {
  const stray: StrayRows[] = [];
  for (const [table, columns, target, targets, condition] of REFERENCES) {
    const ofAccount = target === 'accounts' ? sql`1 = 1` : sql`there.account_id = here.account_id`;
    const isNamed = sql.join(
      columns.map((column) => sql`${sql.ref(`here.${column}`)} is not null`),
      sql` and `,
    );
    const isThere = sql.join(
      columns.map((column, index) => sql`${sql.ref(`there.${targets[index]}`)} = ${sql.ref(`here.${column}`)}`),
      sql` and `,
    );
    const from: RawBuilder<unknown> = sql`from ${sql.table(table)} as here where ${isNamed}
      ${condition === undefined ? sql`` : sql`and ${sql.raw(condition)}`}
      and not exists (select 1 from ${sql.table(target)} as there where ${ofAccount} and ${isThere})`;
    const { rows: examples } = await sql<Record<string, string>>`
      select ${sql.join(['account_id', ...columns].map((column) => sql.ref(`here.${column}`)))} ${from}
      limit ${EXAMPLES_MAX}`.execute(db);
    if (examples.length === 0) continue;
    const { rows } = await sql<{ n: number }>`select count(*) as n ${from}`.execute(db);
    stray.push({
      what: `${table}: the ${columns.join(' and ')} that it names is not among the ${target === 'accounts' ? 'accounts' : `account's ${target}`}`,
      rows: Number(rows[0]?.n ?? 0),
      examples: examples.map((row) => Object.values(row).join(' ')),
    });
  }
  return stray;
}

// ── An account ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function account({ db }: Session, accountId: string): Promise<AuditAccount> {
  const mine = <T extends Table>(table: T, order: string) =>
    sql<Row<T>>`select * from ${sql.table(table)} where account_id = ${accountId} order by ${sql.raw(order)}`
      .execute(db)
      .then(({ rows }) => rows);
  const count = async (table: Table) => {
    const query = sql<{ n: number }>`select count(*) as n from ${sql.table(table)} where account_id = ${accountId}`;
    return Number((await query.execute(db)).rows[0]?.n ?? 0);
  };
  // A test is judged by the rates of the account whose test it is.
  const { rows: rates } = await sql<Row<'fx_rates'>>`select * from fx_rates
    where account_id = coalesce((select test_of from accounts where id = ${accountId}), ${accountId})
    order by currency, day`.execute(db);
  const mappings = new Map<string, MappingVersion[]>();
  for (const row of await mine('mappings', 'connection_id, ordinal')) {
    const versions = mappings.get(row.connection_id) ?? [];
    versions.push({ version: row.version, entries: fromJson(row.entries), savedAt: row.saved_at });
    mappings.set(row.connection_id, versions);
  }
  return {
    connections: (await mine('connections', 'id')).map(connectionOf),
    programs: (await mine('programs', 'published_at, program_id, version')).map(programOf),
    choices: choicesOf(await mine('app_settings', 'connection_id, version')),
    policies: (await mine('connections_policies', 'version')).map((row) => policyVersionOf<ConnectionsPolicy>(row)),
    rates: ratesOf(rates.map(rateOf)),
    mappings,
    rows: {
      referrals: await count('referrals'),
      decisions: await count('decisions'),
      rewards: await count('rewards'),
      intents: await count('intents'),
      journals: await count('journals'),
      postings: await count('postings'),
    },
  };
}

// ── A page of referrals ─────────────────────────────────────────────────────────────────────────────────────────────

async function page(
  session: Session,
  accountId: string,
  after: string | null,
  limit: number,
  now: Instant,
  riskHours: readonly number[] | undefined,
): Promise<AuditPage> {
  const { db, dialect } = session;
  const of = async <T extends Table>(table: T, column: string, ids: readonly string[]) => {
    if (ids.length === 0) return [];
    const { rows } = await sql<Row<T>>`select * from ${sql.table(table)}
      where account_id = ${accountId} and ${dialect.isIn(column, [...new Set(ids)])}`.execute(db);
    return rows;
  };
  const { rows: referralRows } = await sql<Row<'referrals'>>`select * from referrals
    where account_id = ${accountId} and id > ${after ?? ''} order by id limit ${limit}`.execute(db);
  const referrals = referralRows.map(referralOf);
  const ids = referrals.map(({ id }) => id);
  const decisions = (await of('decisions', 'referral_id', ids)).map(decisionOf);
  const rewards = (await of('rewards', 'referral_id', ids)).map(rewardOf);
  const rewardIds = rewards.map(({ id }) => id);
  const journalRows = await of('journals', 'reward_id', rewardIds);
  const postings = Map.groupBy(
    await of(
      'postings',
      'journal_id',
      journalRows.map(({ id }) => id),
    ),
    ({ journal_id }) => journal_id,
  );
  const intents = (await of('intents', 'reward_id', rewardIds)).map(({ id, reward_id, provider, kind, state }) => ({
    id,
    rewardId: reward_id,
    provider,
    kind: kind as OrderKind,
    state,
  }));

  const known = createKnown(session, accountId);
  const state = {
    members: new Map(),
    referrals: new Map(),
    decisions: new Map(),
    rewards: new Map(),
    tallies: new Map<string, Tally>(),
    tiers: new Map<string, TierChange>(),
  };
  const risk = {
    paces: new Map<string, number>(),
    twins: new Map<string, readonly string[]>(),
    touches: [] as Touch[],
  };
  const touches: Touch[] = [];
  const ties = await createTies(session, accountId, ids);
  const friends = distinct([
    ...referrals.flatMap(({ friend }) => friend.contact ?? []),
    // Also those that are no longer the friend's: what was decided on their deals still runs.
    ...(ties?.edges ?? []).map(({ record }) => record),
  ]);
  for (const [connectionId, group] of Map.groupBy(friends, (ref) => ref.connectionId)) {
    const contactIds = group.map(({ id }) => id);
    const decided = decisions.filter(({ deal }) => deal.connectionId === connectionId).map(({ deal }) => deal.id);
    await known.read('contact', connectionId, contactIds);
    await known.read('deal', connectionId, [
      ...(await dealsOf(session, accountId, connectionId, contactIds)),
      ...decided,
    ]);
    const people = [
      ...[...known.deals.values()].flatMap(({ facts }) => facts.contactIds),
      ...[...known.contacts.values()].flatMap(({ facts }) => facts.referredByIds),
    ];
    await known.read('contact', connectionId, people);
    const facts = [...known.contacts.values()]
      .map((one) => one.facts)
      .filter(({ ref }) => ref.connectionId === connectionId);
    const loaded = await loadCase(session, {
      accountId,
      connectionId,
      contactIds: [...new Set([...contactIds, ...facts.flatMap(({ ref, formerIds }) => [ref.id, ...formerIds])])],
      dealIds: [...known.deals.values()].flatMap((one) => [one.facts.ref.id, ...one.facts.formerIds]),
      emails: [...new Set(facts.flatMap(({ email }) => normaliseEmail(email) ?? []))],
      codes: [...new Set(facts.flatMap(({ usedCode }) => (usedCode === null ? [] : (normaliseCode(usedCode) ?? []))))],
      companies: [...new Set(facts.flatMap((one) => ('email' in one ? (companyOf(one) ?? []) : [])).map(companyOwner))],
      colleaguesOf: referrals.some(({ follows }) => follows)
        ? [...new Set(facts.flatMap((one) => ('email' in one ? (one.company?.id ?? []) : [])))]
        : undefined,
      ...(riskHours ? { risk: { ...keysOfPeople(accountId, facts), hours: riskHours, now } } : {}),
      ...(ties ? { elsewhere: ties.keys(connectionId, known, facts) } : {}),
    });
    ties?.add(loaded.others);
    if (loaded.risk) {
      for (const [key, pace] of loaded.risk.paces) risk.paces.set(key, pace);
      for (const [key, ids] of loaded.risk.twins) risk.twins.set(key, ids);
      risk.touches.push(...loaded.risk.touches);
      const own = loaded.members.flatMap(({ contact }) => (contact?.connectionId === connectionId ? [contact.id] : []));
      await known.read('contact', connectionId, own);
    }
    for (const part of ['members', 'referrals', 'decisions', 'rewards'] as const)
      for (const one of loaded[part]) state[part].set(one.id, one);
    for (const change of loaded.tiers ?? []) state.tiers.set(change.id, change);
    for (const [key, tally] of loaded.tallies) state.tallies.set(key, tally);
    const { rows } = await sql<Row<'touches'>>`select * from touches where account_id = ${accountId}
      and connection_id = ${connectionId}
      and ${dialect.isIn('contact_id', [...new Set([...contactIds, ...facts.flatMap(({ formerIds }) => formerIds)])])}`.execute(
      db,
    );
    touches.push(...rows.map(touchOf));
  }
  // What shows a referral may stand under the record that its friend's was merged into, whose own referral can be on another page.
  const deleted = new Set(
    [...known.contacts.values()].flatMap(({ facts: { ref, presence } }) =>
      presence === 'deleted' ? [recordKey(ref)] : [],
    ),
  );
  const unshown = referrals.flatMap(({ memberId, friend: { contact } }) =>
    contact !== null &&
    deleted.has(recordKey(contact)) &&
    !touches.some((touch) => touch.memberId === memberId && touch.friend?.id === contact.id)
      ? [{ memberId, contact }]
      : [],
  );
  for (const [connectionId, group] of Map.groupBy(unshown, ({ contact }) => contact.connectionId)) {
    const rows = await touchesOfSurvivors(session, accountId, connectionId, group);
    const survivors = rows.flatMap((row) => row.contact_id ?? []);
    await known.read('contact', connectionId, survivors);
    touches.push(...rows.map(touchOf));
  }
  const memberRows = await of(
    'members',
    'id',
    referrals
      .flatMap(({ memberId, assist }) => [memberId, assist?.memberId ?? []].flat())
      .filter((id) => !state.members.has(id)),
  );
  for (const member of memberRows.map(memberOf)) state.members.set(member.id, member);
  for (const referral of referrals) state.referrals.set(referral.id, referral);

  const refs = distinct([
    ...known.refs(),
    ...friends,
    ...decisions.map(({ deal }) => deal),
    ...[...state.members.values()].flatMap(({ contact }) => contact ?? []),
  ]);
  return {
    referrals,
    state: {
      members: [...state.members.values()],
      referrals: [...state.referrals.values()],
      decisions: [...state.decisions.values()],
      rewards: [...state.rewards.values()],
      tallies: state.tallies,
      ...(riskHours ? { risk } : {}),
      tiers: [...state.tiers.values()],
    },
    ...(ties ? { others: ties.all() } : {}),
    touches,
    attributions: (await of('attribution_decisions', 'referral_id', ids)).map(attributionOf),
    decisions,
    rewards,
    intents,
    journals: journalRows.map((row) =>
      journalOf(
        row,
        (postings.get(row.id) ?? []).sort((a, b) => a.line - b.line),
      ),
    ),
    contacts: [...known.contacts.values()],
    deals: [...known.deals.values()],
    waiting: await queued(
      session,
      accountId,
      'work',
      refs,
      sql`(queue.claim is not null or queue.parked = 1 or queue.due_at <= ${now})`,
    ),
    mirrored: await queued(session, accountId, 'mirror', refs, sql`1 = 1`),
  };
}

/** What shows that these members brought whom the CRM merged into another: touches of the other one. */
async function touchesOfSurvivors(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  unshown: readonly { readonly memberId: string; readonly contact: RecordRef }[],
): Promise<Row<'touches'>[]> {
  const gone = new Set(unshown.map(({ contact }) => contact.id));
  const { rows } = await sql<Row<'touches'> & { facts: string }>`select touches.*, records.facts from touches
    join records on records.account_id = touches.account_id and records.connection_id = touches.connection_id
      and records.object = 'contact' and records.record_id = touches.contact_id
    where touches.account_id = ${accountId} and touches.connection_id = ${connectionId}
      and ${dialect.isIn('touches.member_id', [...new Set(unshown.map(({ memberId }) => memberId))])}
      and records.facts not like '%"formerIds":[]%'`.execute(db);
  return rows.filter(({ facts }) => fromJson<ContactFacts>(facts).formerIds.some((id) => gone.has(id)));
}

/** How the connections of an account know each other's people and deals; null where there is one. */
async function createTies(session: Session, accountId: string, referralIds: readonly string[]) {
  const { rows } = await sql<{ id: string }>`select id from connections where account_id = ${accountId}
    order by id`.execute(session.db);
  if (rows.length < 2) return null;
  const policy = await newestPolicy<ConnectionsPolicy>(session, 'connections_policies', accountId);
  const edges = await edgesOfSubjects(session, accountId, referralIds);
  const found = {
    edges: new Map(edges.map((edge) => [edgeKey(edge), edge])),
    contacts: new Map<string, ContactElsewhere>(),
    deals: new Map<string, DealElsewhere>(),
  };
  return {
    edges,
    keys(connectionId: string, known: ReturnType<typeof createKnown>, people: readonly ContactFacts[]): ElsewhereKeys {
      const connectionIds = rows.map(({ id }) => id).filter((id) => id !== connectionId);
      const deals = [...known.deals.values()].map(({ facts }) => facts);
      const own = deals.filter(({ ref }) => ref.connectionId === connectionId);
      return elsewhereKeys({ connectionIds, policy }, accountId, own, people);
    },
    add(loaded: LoadedElsewhere | undefined): void {
      for (const edge of loaded?.edges ?? []) found.edges.set(edgeKey(edge), edge);
      for (const contact of loaded?.contacts ?? []) found.contacts.set(recordKey(contact.ref), contact);
      for (const deal of loaded?.deals ?? []) found.deals.set(recordKey(deal.facts.ref), deal);
    },
    all: (): LoadedElsewhere => ({
      edges: [...found.edges.values()],
      contacts: [...found.contacts.values()],
      deals: [...found.deals.values()],
    }),
  };
}

async function dealsOf(
  { db, dialect }: Session,
  accountId: string,
  connectionId: string,
  contactIds: readonly string[],
) {
  const { rows } = await sql<{ deal_id: string }>`select deal_id from record_links
    where account_id = ${accountId} and connection_id = ${connectionId}
    and ${dialect.isIn('contact_id', contactIds)}`.execute(db);
  return rows.map(({ deal_id }) => deal_id);
}

/** Facts that were read already are not read again. */
function createKnown({ db, dialect }: Session, accountId: string) {
  const contacts = new Map<string, KnownFacts<ContactFacts>>();
  const deals = new Map<string, KnownFacts<DealFacts>>();
  return {
    contacts,
    deals,
    refs: () => [...contacts.values(), ...deals.values()].map(({ facts }) => facts.ref),
    async read(object: CrmObject & ('contact' | 'deal'), connectionId: string, ids: readonly string[]): Promise<void> {
      const { rows } = await sql<
        Pick<Row<'records'>, 'facts' | 'read_at' | 'judged_by'>
      >`select facts, read_at, judged_by from records
        where account_id = ${accountId} and connection_id = ${connectionId} and object = ${object}
        and ${dialect.isIn('record_id', [...new Set(ids)])}`.execute(db);
      for (const { facts: text, read_at: readAt, judged_by } of rows) {
        const judgedBy = judged_by === null ? null : judgedByOf(judged_by);
        if (object === 'contact') {
          const facts = fromJson<ContactFacts>(text);
          contacts.set(recordKey(facts.ref), { facts, readAt, judgedBy });
        } else {
          const facts = fromJson<DealFacts>(text);
          deals.set(recordKey(facts.ref), { facts, readAt, judgedBy });
        }
      }
    },
  };
}

function distinct(refs: readonly RecordRef[]): RecordRef[] {
  return [...new Map(refs.map((ref) => [recordKey(ref), ref])).values()];
}

const REF_COLUMNS: Columns = { connection_id: 'text', object: 'text', record_id: 'text' };

async function queued(
  session: Session,
  accountId: string,
  table: 'work' | 'mirror',
  refs: readonly RecordRef[],
  condition: RawBuilder<unknown>,
): Promise<RecordRef[]> {
  if (refs.length === 0) return [];
  const keys = refs.map(({ connectionId, object, id }) => ({ connection_id: connectionId, object, record_id: id }));
  // One look-up by the whole key for each; as a join, SQLite without statistics goes through all of the account's rows instead.
  const { rows } = await sql<Pick<Row<'work'>, 'connection_id' | 'object' | 'record_id'>>`
    select named.connection_id, named.object, named.record_id from ${rowsOf(session, REF_COLUMNS, keys)} as named
    where exists (select 1 from ${sql.table(table)} as queue
      where queue.account_id = ${accountId} and queue.connection_id = named.connection_id
        and queue.object = named.object and queue.record_id = named.record_id and ${condition})`.execute(session.db);
  return rows.map(refOf);
}
