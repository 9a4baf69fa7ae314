import type { DuplicateRules } from '../application/ports/crm.ts';
import type { Connection, JudgedBy } from '../application/ports/store.ts';
import { type AppSettings, USUAL_APP_SETTINGS } from '../domain/app-settings.ts';
import type { AttributionDecision } from '../domain/attribution-policy.ts';
import type { Decision, Reward } from '../domain/decision.ts';
import type { Journal } from '../domain/ledger.ts';
import { AMOUNT_MINOR_MAX, type Money } from '../domain/money.ts';
import type { OpenReferrals, ProgramVersion } from '../domain/program.ts';
import type { CrmObject, RecordRef } from '../domain/record.ts';
import type { Member, Referral, StageWord, Touch } from '../domain/referral.ts';
import type { RiskAssessment, RiskPolicy } from '../domain/risk.ts';
import type { TierChange } from '../domain/tier.ts';
import type { Row } from './schema.ts';

/** Marks a bigint inside JSON text. Only our own structures are written this way, never a vendor's payload. */
const BIGINT_MARK = '$bigint';

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'bigint' ? { [BIGINT_MARK]: inner.toString() } : inner,
  );
}

export function fromJson<T>(text: string): T {
  // A reviver takes ten times as long, and most of what is kept holds no amount.
  if (!text.includes(BIGINT_MARK)) return JSON.parse(text) as T;
  return JSON.parse(text, (_, inner: unknown) =>
    inner !== null && typeof inner === 'object' && BIGINT_MARK in inner ? BigInt(String(inner[BIGINT_MARK])) : inner,
  ) as T;
}

/** @throws RangeError for an amount that a number would not hold exactly. */
export function toMinor(minor: bigint): number {
  if (minor > AMOUNT_MINOR_MAX || minor < -AMOUNT_MINOR_MAX) {
    throw new RangeError(`an amount of ${minor} minor units is beyond ${AMOUNT_MINOR_MAX}`);
  }
  return Number(minor);
}

export function fromMinor(minor: number): bigint {
  return BigInt(minor);
}

/** Sums may leave the range of a number, so both databases hand them over as text. */
export function fromSum(text: string): bigint {
  return BigInt(text);
}

export function toFlag(value: boolean): number {
  return value ? 1 : 0;
}

/** PostgreSQL's text cannot hold NUL; nobody's name has one, and a record must not be stuck for it. */
export function toText<T extends string | null>(value: T): T {
  return (value === null ? null : value.replaceAll('\0', '')) as T;
}

export function contactOf(connectionId: string | null, id: string | null): RecordRef | null {
  return connectionId === null || id === null ? null : { connectionId, object: 'contact', id };
}

export function refOf(row: { connection_id: string; object: string; record_id: string }): RecordRef {
  return { connectionId: row.connection_id, object: row.object as CrmObject, id: row.record_id };
}

export function keyOf(accountId: string, { connectionId, object, id }: RecordRef) {
  return { account_id: accountId, connection_id: connectionId, object, record_id: id };
}

export function memberOf(row: Row<'members'>): Member {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    code: row.code,
    contact: contactOf(row.connection_id, row.contact_id),
    createdAt: row.created_at,
    version: row.version,
    ...(row.is_staff === 1 ? { isStaff: true } : {}),
    ...(row.erased_at === null ? {} : { erasedAt: row.erased_at }),
  };
}

/** A name as it is looked for: in lower case, so that nobody has to know how it is written. */
export function searchKey(name: string | null): string | null {
  return toText(name === null ? null : name.normalize('NFC').trim().toLowerCase());
}

export function memberRow(accountId: string, member: Member): Row<'members'> {
  return {
    account_id: accountId,
    id: member.id,
    name: toText(member.name),
    name_key: searchKey(member.name),
    email: toText(member.email),
    code: member.code,
    connection_id: member.contact?.connectionId ?? null,
    contact_id: member.contact?.id ?? null,
    created_at: member.createdAt,
    version: member.version,
    is_staff: toFlag(member.isStaff ?? false),
    erased_at: member.erasedAt ?? null,
  };
}

export function referralOf(row: Row<'referrals'>): Referral {
  return {
    id: row.id,
    programId: row.program_id,
    memberId: row.member_id,
    friend: {
      name: row.friend_name,
      email: row.friend_email,
      contact: contactOf(row.connection_id, row.contact_id),
    },
    source: row.source as Referral['source'],
    stage: row.stage as Referral['stage'],
    reason: fromJson(row.reason),
    stageSince: row.stage_since,
    submittedAt: row.submitted_at,
    version: row.version,
    ...(row.won_deals === null ? {} : { wonDeals: fromJson<Referral['wonDeals']>(row.won_deals) }),
    ...(row.recruiter_id === null ? {} : { recruiterId: row.recruiter_id }),
    ...(row.follows_referral_id === null
      ? {}
      : { follows: { referralId: row.follows_referral_id, since: row.follows_since } }),
    ...(row.assist_member_id === null ? {} : { assist: assistOf(row, row.assist_member_id) }),
    ...(row.moved_at === null ? {} : { movedAt: row.moved_at }),
    ...(row.doubt === null ? {} : { doubt: row.doubt as Referral['doubt'] }),
    ...(row.friend_erased_at === null ? {} : { friendErasedAt: row.friend_erased_at }),
    ...(row.stage_words === null ? {} : { stageWords: fromJson<StageWord[]>(row.stage_words) }),
  };
}

function assistOf(row: Row<'referrals'>, memberId: string): NonNullable<Referral['assist']> {
  const { assist_percent: percent, assist_since: since, assist_until: until } = row;
  return { memberId, percent: percent ?? 0, since: since ?? 0, ...(until === null ? {} : { until }) };
}

export function referralRow(accountId: string, referral: Referral): Row<'referrals'> {
  return {
    account_id: accountId,
    id: referral.id,
    program_id: referral.programId,
    member_id: referral.memberId,
    friend_name: toText(referral.friend.name),
    friend_key: searchKey(referral.friend.name),
    friend_email: toText(referral.friend.email),
    connection_id: referral.friend.contact?.connectionId ?? null,
    contact_id: referral.friend.contact?.id ?? null,
    source: referral.source,
    stage: referral.stage,
    reason: toJson(referral.reason),
    stage_since: referral.stageSince,
    submitted_at: referral.submittedAt,
    version: referral.version,
    won_deals: referral.wonDeals === undefined ? null : toJson(referral.wonDeals),
    recruiter_id: referral.recruiterId ?? null,
    follows_referral_id: referral.follows?.referralId ?? null,
    follows_since: referral.follows?.since ?? null,
    assist_member_id: referral.assist?.memberId ?? null,
    assist_percent: referral.assist?.percent ?? null,
    assist_since: referral.assist?.since ?? null,
    assist_until: referral.assist?.until ?? null,
    moved_at: referral.movedAt ?? null,
    doubt: referral.doubt ?? null,
    friend_erased_at: referral.friendErasedAt ?? null,
    stage_words: referral.stageWords === undefined ? null : toText(toJson(referral.stageWords)),
  };
}

export function touchOf(row: Row<'touches'>): Touch {
  return {
    id: row.id,
    kind: row.kind as Touch['kind'],
    memberId: row.member_id,
    friend: contactOf(row.connection_id, row.contact_id),
    evidence: row.evidence,
    ...(row.ip_prefix === null && row.device === null
      ? {}
      : { origin: { ipPrefix: row.ip_prefix, device: row.device } }),
    at: row.at,
  };
}

export function touchRow(accountId: string, touch: Touch): Row<'touches'> {
  return {
    account_id: accountId,
    id: touch.id,
    kind: touch.kind,
    member_id: touch.memberId,
    connection_id: touch.friend?.connectionId ?? null,
    contact_id: touch.friend?.id ?? null,
    evidence: toText(touch.evidence),
    at: touch.at,
    ip_prefix: toText(touch.origin?.ipPrefix ?? null),
    device: toText(touch.origin?.device ?? null),
  };
}

function dealOf(row: { connection_id: string; deal_id: string }): RecordRef {
  return { connectionId: row.connection_id, object: 'deal', id: row.deal_id };
}

function moneyOf(minor: number | null, currency: string | null): Money | null {
  return minor === null || currency === null ? null : { minor: fromMinor(minor), currency };
}

export function decisionOf(row: Row<'decisions'>): Decision {
  return {
    id: row.id,
    referralId: row.referral_id,
    deal: dealOf(row),
    ruleKey: row.rule_key,
    party: row.party as Decision['party'],
    sequence: row.sequence,
    outcome: row.outcome as Decision['outcome'],
    reason: fromJson(row.reason),
    conditions: fromJson(row.conditions),
    calculation: fromJson(row.calculation),
    ...(row.risk === null ? {} : { risk: fromJson<RiskAssessment>(row.risk) }),
    money: moneyOf(row.minor, row.currency),
    rewardId: row.reward_id,
    releaseAt: row.release_at,
    effectiveAt: row.effective_at,
    program: { id: row.program_id, version: row.program_version },
    mappingVersion: row.mapping_version,
    recordedAt: row.recorded_at,
  };
}

export function decisionRow(accountId: string, decision: Decision): Row<'decisions'> {
  return {
    account_id: accountId,
    id: decision.id,
    referral_id: decision.referralId,
    connection_id: decision.deal.connectionId,
    deal_id: decision.deal.id,
    rule_key: decision.ruleKey,
    sequence: decision.sequence,
    party: decision.party,
    outcome: decision.outcome,
    reason: toJson(decision.reason),
    conditions: toJson(decision.conditions),
    calculation: toJson(decision.calculation),
    minor: decision.money === null ? null : toMinor(decision.money.minor),
    currency: decision.money?.currency ?? null,
    reward_id: decision.rewardId,
    release_at: decision.releaseAt,
    effective_at: decision.effectiveAt,
    program_id: decision.program.id,
    program_version: decision.program.version,
    mapping_version: decision.mappingVersion,
    recorded_at: decision.recordedAt,
    risk: decision.risk === undefined ? null : toJson(decision.risk),
  };
}

export function rewardOf(row: Row<'rewards'>): Reward {
  return {
    id: row.id,
    referralId: row.referral_id,
    deal: dealOf(row),
    ruleKey: row.rule_key,
    party: row.party as Reward['party'],
    beneficiaryId: row.beneficiary_id,
    money: { minor: fromMinor(row.minor), currency: row.currency },
    state: row.state as Reward['state'],
    reason: fromJson(row.reason),
    payout: row.payout,
    programId: row.program_id,
    releaseAt: row.release_at,
    reversalPending: row.reversal_pending === 1,
    orderAt: row.order_at,
    review: row.review as Reward['review'],
    netted: fromMinor(row.netted),
    clawedBack: fromMinor(row.clawed_back),
    uses: fromJson(row.uses),
    ...(row.cancels_issued === 1 ? { cancelsIssued: true as const } : {}),
    ...(row.expires_after_days === null ? {} : { expiresAfterDays: row.expires_after_days }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.written_off === 0 ? {} : { writtenOff: fromMinor(row.written_off) }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    version: row.version,
  };
}

export function rewardRow(accountId: string, reward: Reward): Row<'rewards'> {
  return {
    account_id: accountId,
    id: reward.id,
    referral_id: reward.referralId,
    connection_id: reward.deal.connectionId,
    deal_id: reward.deal.id,
    rule_key: reward.ruleKey,
    party: reward.party,
    beneficiary_id: reward.beneficiaryId,
    minor: toMinor(reward.money.minor),
    currency: reward.money.currency,
    state: reward.state,
    reason: toJson(reward.reason),
    payout: reward.payout,
    program_id: reward.programId,
    release_at: reward.releaseAt,
    reversal_pending: toFlag(reward.reversalPending),
    order_at: reward.orderAt,
    review: reward.review,
    netted: toMinor(reward.netted),
    clawed_back: toMinor(reward.clawedBack),
    uses: toJson(reward.uses),
    cancels_issued: toFlag(reward.cancelsIssued === true),
    expires_after_days: reward.expiresAfterDays ?? null,
    expires_at: reward.expiresAt ?? null,
    written_off: toMinor(reward.writtenOff ?? 0n),
    created_at: reward.createdAt,
    updated_at: reward.updatedAt,
    version: reward.version,
  };
}

export function journalOf(row: Row<'journals'>, postings: readonly Row<'postings'>[]): Journal {
  return {
    id: row.id,
    kind: row.kind as Journal['kind'],
    rewardId: row.reward_id,
    decisionId: row.decision_id,
    effectiveAt: row.effective_at,
    recordedAt: row.recorded_at,
    postings: postings.map(({ ledger_account, minor, currency }) => ({
      account: ledger_account,
      minor: fromMinor(minor),
      currency,
    })),
  };
}

export function journalRow(accountId: string, journal: Journal): Row<'journals'> {
  return {
    account_id: accountId,
    id: journal.id,
    kind: journal.kind,
    reward_id: journal.rewardId,
    decision_id: journal.decisionId,
    effective_at: journal.effectiveAt,
    recorded_at: journal.recordedAt,
  };
}

export function postingRows(accountId: string, journal: Journal): Row<'postings'>[] {
  return journal.postings.map((posting, line) => ({
    account_id: accountId,
    journal_id: journal.id,
    line,
    ledger_account: posting.account,
    currency: posting.currency,
    minor: toMinor(posting.minor),
  }));
}

export function connectionOf(row: Row<'connections'>): Connection {
  return {
    id: row.id,
    accountId: row.account_id,
    provider: row.provider,
    externalId: row.test_of === null ? row.external_id : realExternalId(row.external_id),
    status: row.status as Connection['status'],
    statusReason: row.status_reason,
    homeCurrency: row.home_currency,
    timeZone: row.time_zone,
    uiHost: row.ui_host,
    scopes: fromJson(row.scopes),
    ...(row.api_url === null ? {} : { apiUrl: row.api_url }),
    ...(row.duplicate_rules === null ? {} : { duplicateRules: row.duplicate_rules as DuplicateRules }),
    ...(row.card_actors === null ? {} : { cardActors: fromJson<string[]>(row.card_actors) }),
    ...(row.call_share === null ? {} : { callShare: row.call_share }),
    ...(row.test_of === null ? {} : { testOf: row.test_of }),
    connectedAt: row.connected_at,
  };
}

/** A portal is live in one connection, and is found by it; that of a test stands beside it under a name that no portal has. */
export function testExternalId(testAccountId: string, externalId: string): string {
  return `${testAccountId} ${externalId}`;
}

function realExternalId(kept: string): string {
  return kept.slice(kept.indexOf(' ') + 1);
}

export function programOf(row: Row<'programs'>): ProgramVersion {
  return {
    programId: row.program_id,
    name: row.name,
    version: row.version,
    publishedAt: row.published_at,
    rules: fromJson(row.rules),
    ...(row.risk === null ? {} : { risk: fromJson<RiskPolicy>(row.risk) }),
    ...(row.tiers === null ? {} : { tiers: fromJson<ProgramVersion['tiers']>(row.tiers) }),
    ...(row.dry_run_id === null ? {} : { dryRunId: row.dry_run_id }),
    ...(row.published_by === null ? {} : { publishedBy: row.published_by }),
    ...(row.open_referrals === null ? {} : { openReferrals: row.open_referrals as OpenReferrals }),
    ...(row.is_retired === 0 ? {} : { isRetired: true }),
    ...(row.note === null ? {} : { note: row.note }),
  };
}

export function tierChangeOf(row: Row<'tier_changes'>): TierChange {
  return {
    id: row.id,
    memberId: row.member_id,
    program: { id: row.program_id, version: row.program_version },
    sequence: row.sequence,
    move: row.move as TierChange['move'],
    from: row.from_tier === null ? null : fromJson(row.from_tier),
    to: row.to_tier === null ? null : fromJson(row.to_tier),
    reason: fromJson(row.reason),
    evidence: fromJson(row.evidence),
    recordedAt: row.recorded_at,
  };
}

export function tierChangeRow(accountId: string, change: TierChange): Row<'tier_changes'> {
  return {
    account_id: accountId,
    id: change.id,
    member_id: change.memberId,
    program_id: change.program.id,
    program_version: change.program.version,
    sequence: change.sequence,
    move: change.move,
    from_tier: change.from && toJson(change.from),
    to_tier: change.to && toJson(change.to),
    reason: toJson(change.reason),
    evidence: toJson(change.evidence),
    recorded_at: change.recordedAt,
  };
}

export function attributionOf(row: Row<'attribution_decisions'>): AttributionDecision {
  return {
    id: row.id,
    referralId: row.referral_id,
    sequence: row.sequence,
    kind: row.kind as AttributionDecision['kind'],
    memberId: row.member_id,
    fromMemberId: row.from_member_id,
    policyVersion: row.policy_version,
    reason: fromJson(row.reason),
    candidates: fromJson(row.candidates),
    recordedAt: row.recorded_at,
  };
}

export function attributionRow(accountId: string, decision: AttributionDecision): Row<'attribution_decisions'> {
  return {
    account_id: accountId,
    id: decision.id,
    referral_id: decision.referralId,
    sequence: decision.sequence,
    kind: decision.kind,
    member_id: decision.memberId,
    from_member_id: decision.fromMemberId,
    policy_version: decision.policyVersion,
    reason: toJson(decision.reason),
    candidates: toJson(decision.candidates),
    recorded_at: decision.recordedAt,
  };
}

/** Numbers first: what a mapping's version is made of is its own affair. */
export function judgedByText({ policy, mapping }: JudgedBy): string {
  return `${policy ?? 0} ${mapping}`;
}

export function judgedByOf(text: string): JudgedBy {
  const [policy = '', ...mapping] = text.split(' ');
  return { policy: Number(policy) || null, mapping: mapping.join(' ') };
}

/** What was saved before there was something to choose says nothing of it. */
export function settingsOf({ settings }: Pick<Row<'app_settings'>, 'settings'>): AppSettings {
  return { ...USUAL_APP_SETTINGS, ...fromJson<Partial<AppSettings>>(settings) };
}
