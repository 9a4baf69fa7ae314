import type { z } from 'zod';
import { shareLinkOf } from '../../application/compose-mirror.ts';
import type { Difference } from '../../application/dry-run.ts';
import type {
  BudgetEntry,
  Connection,
  ConnectionHealth,
  KeptDryRun,
  LedgerBalance,
  ProgramDraft,
  TriedAttribution,
  TriedMapping,
  TriedProgram,
} from '../../application/ports/store.ts';
import { contentDocument, ruleDocument } from '../../application/program-document.ts';
import type { riskAnswer } from '../../application/risk-document.ts';
import { stepText } from '../../domain/amount.ts';
import type { Decision, Reward } from '../../domain/decision.ts';
import { tellDecision } from '../../domain/explain.ts';
import type { Journal } from '../../domain/ledger.ts';
import { decimalOf, type Money } from '../../domain/money.ts';
import type { ProgramVersion } from '../../domain/program.ts';
import { programHash } from '../../domain/program-hash.ts';
import { type DealNames, type Reason, reasonText } from '../../domain/reason.ts';
import type { RecordRef } from '../../domain/record.ts';
import type { Member, Referral } from '../../domain/referral.ts';
import type { RiskPolicy } from '../../domain/risk.ts';
import { type Instant, isoOf } from '../../domain/time.ts';
import type {
  balancesSchema,
  budgetEntrySchema,
  connectionSchema,
  decisionSchema,
  dryRunSchema,
  journalSchema,
  memberSchema,
  policyDryRunSchema,
  programDraftSchema,
  programSchema,
  referralSchema,
  rewardSchema,
  riskAssessmentSchema,
} from './schemas.ts';

/** What is stored, as the API shows it: amounts as decimal text, times as ISO 8601, reasons as code and sentence. */

export function moneyView(money: Money) {
  return { amount: decimalOf(money), currency: money.currency };
}

function reasonView(reason: Reason, names: DealNames) {
  return { code: reason.code, text: reasonText(reason, names) };
}

function recordView({ connectionId, id }: RecordRef) {
  return { connectionId, id };
}

function timeOrNull(at: Instant | null): string | null {
  return at === null ? null : isoOf(at);
}

export function memberView(
  { id, name, email, code, contact, isStaff, createdAt }: Member,
  publicUrl: string,
): z.input<typeof memberSchema> {
  return {
    id,
    name,
    email,
    code,
    shareLink: shareLinkOf(publicUrl, code),
    contact: contact && recordView(contact),
    isRecruiter: isStaff ?? false,
    createdAt: isoOf(createdAt),
  };
}

export function referralView(referral: Referral, names: DealNames): z.input<typeof referralSchema> {
  const { id, programId, memberId, friend, source, stage } = referral;
  return {
    id,
    programId,
    memberId,
    friend: { name: friend.name, email: friend.email, contact: friend.contact && recordView(friend.contact) },
    source,
    stage,
    reason: reasonView(referral.reason, names),
    stageSince: isoOf(referral.stageSince),
    submittedAt: isoOf(referral.submittedAt),
    recruiterId: referral.recruiterId ?? null,
    assist: referral.assist
      ? {
          memberId: referral.assist.memberId,
          percent: referral.assist.percent,
          since: isoOf(referral.assist.since),
          until: referral.assist.until === undefined ? null : isoOf(referral.assist.until),
        }
      : null,
  };
}

export function decisionView(decision: Decision, names: DealNames): z.input<typeof decisionSchema> {
  const { id, referralId, ruleKey, party, sequence, outcome, rewardId, program, mappingVersion } = decision;
  return {
    id,
    referralId,
    deal: recordView(decision.deal),
    ruleKey,
    party,
    sequence,
    outcome,
    reason: reasonView(decision.reason, names),
    conditions: decision.conditions.map(({ condition, expected, actual, verdict }) => ({
      condition,
      expected,
      actual,
      verdict,
    })),
    told: {
      rep: tellDecision(decision, 'rep', names),
      admin: tellDecision(decision, 'admin', names),
      finance: tellDecision(decision, 'finance', names),
    },
    ...(decision.risk ? { risk: structuredClone(decision.risk) as z.input<typeof riskAssessmentSchema> } : {}),
    calculation: decision.calculation.map((one) => ({ step: one.step, text: stepText(one) })),
    money: decision.money && moneyView(decision.money),
    rewardId,
    releaseAt: timeOrNull(decision.releaseAt),
    effectiveAt: isoOf(decision.effectiveAt),
    program: { id: program.id, version: program.version },
    mappingVersion,
    recordedAt: isoOf(decision.recordedAt),
  };
}

export function rewardView(reward: Reward, names: DealNames): z.input<typeof rewardSchema> {
  const { id, referralId, ruleKey, party, beneficiaryId, state, payout, programId, reversalPending } = reward;
  return {
    id,
    referralId,
    deal: recordView(reward.deal),
    ruleKey,
    party,
    beneficiaryId,
    money: moneyView(reward.money),
    state,
    reason: reasonView(reward.reason, names),
    payout,
    programId,
    releaseAt: timeOrNull(reward.releaseAt),
    orderAt: timeOrNull(reward.orderAt),
    review: reward.review,
    netted: decimalOf({ minor: reward.netted, currency: reward.money.currency }),
    clawedBack: decimalOf({ minor: reward.clawedBack, currency: reward.money.currency }),
    writtenOff: decimalOf({ minor: reward.writtenOff ?? 0n, currency: reward.money.currency }),
    expiresAt: timeOrNull(reward.expiresAt ?? null),
    reversalPending,
    createdAt: isoOf(reward.createdAt),
    updatedAt: isoOf(reward.updatedAt),
  };
}

export function journalView(journal: Journal): z.input<typeof journalSchema> {
  const { id, kind, rewardId, decisionId, postings } = journal;
  return {
    id,
    kind,
    rewardId,
    decisionId,
    effectiveAt: isoOf(journal.effectiveAt),
    recordedAt: isoOf(journal.recordedAt),
    postings: postings.map(({ account, ...money }) => ({ account, ...moneyView(money) })),
    totals: totalsOf(postings),
  };
}

export function balancesView(balances: readonly LedgerBalance[]): z.input<typeof balancesSchema> {
  return {
    items: balances.map(({ account, ...money }) => ({ account, ...moneyView(money) })),
    totals: totalsOf(balances),
  };
}

/** Also the zeros: that they are there is what the reader wants to see. */
function totalsOf(amounts: readonly Money[]) {
  const sums = new Map<string, bigint>();
  for (const { currency, minor } of amounts) sums.set(currency, (sums.get(currency) ?? 0n) + minor);
  return [...sums].map(([currency, minor]) => moneyView({ minor, currency }));
}

export function connectionView(connection: Connection, sync: ConnectionHealth): z.input<typeof connectionSchema> {
  const { id, provider, externalId, status, statusReason, homeCurrency, timeZone, uiHost, scopes } = connection;
  return {
    id,
    provider,
    externalId,
    status,
    statusReason,
    homeCurrency,
    timeZone,
    uiHost,
    scopes: [...scopes],
    duplicateRules: connection.duplicateRules ?? 'respect',
    cardActors: connection.cardActors ? [...connection.cardActors] : null,
    callShare: connection.callShare ?? null,
    connectedAt: isoOf(connection.connectedAt),
    sync: {
      lastReceivedAt: timeOrNull(sync.lastReceivedAt),
      lastProcessedAt: timeOrNull(sync.lastProcessedAt),
      waiting: sync.waiting,
      parked: sync.parked.map(({ object, id: recordId, error, attempts }) => ({
        object,
        id: recordId,
        error,
        attempts,
      })),
      mirrorWaiting: sync.mirrorWaiting,
      mirrorParked: sync.mirrorParked,
      sweptTo: sync.sweptTo.map(({ object, upTo }) => ({ object, upTo: isoOf(upTo) })),
    },
  };
}

/** What a person looks through; the whole of it is a table for a spreadsheet. */
const DIFFERENCES_SHOWN_MAX = 1_000;

export function dryRunView(run: KeptDryRun<TriedProgram>): z.input<typeof dryRunSchema> {
  const { programId } = run.of;
  return { programId, ...keptRunView(run, ({ memberBefore: _, memberAfter: __, ...one }) => one) };
}

/** Of a draft of what all programs rest on: it tells whose a reward is and would be where that is asked. */
export function policyDryRunView(run: KeptDryRun<TriedAttribution | TriedMapping>): z.input<typeof policyDryRunSchema> {
  const differenceOf = ({ memberBefore = null, memberAfter = null, ...one }: Difference) => ({
    ...one,
    memberBefore,
    memberAfter,
  });
  const connectionId = run.of.kind === 'stage_mapping' ? run.of.connectionId : null;
  return { connectionId, ...keptRunView(run, differenceOf) };
}

function keptRunView<D extends object>(
  { id, contentHash, by, at, report }: KeptDryRun,
  differenceOf: (one: Difference) => D,
) {
  const { from, to, referrals, unknown, counts, toReview, limited } = report;
  const amountIn = (minor: bigint, currency: string) => decimalOf({ minor, currency });
  return {
    id,
    contentHash,
    madeBy: by,
    madeAt: isoOf(at),
    from: isoOf(from),
    to: isoOf(to),
    referrals,
    unknown,
    counts: { ...counts },
    totals: report.totals.map(({ currency, before, after }) => ({
      currency,
      before: amountIn(before, currency),
      after: amountIn(after, currency),
      difference: amountIn(after - before, currency),
    })),
    toReview,
    limited,
    budget: report.budget.map(moneyView),
    differences: report.differences.slice(0, DIFFERENCES_SHOWN_MAX).map((one) => ({
      ...differenceOf(one),
      deal: recordView(one.deal),
      before: one.before && moneyView(one.before),
      after: one.after && moneyView(one.after),
    })),
  };
}

export function budgetEntryView({ id, money, by, note, at }: BudgetEntry): z.input<typeof budgetEntrySchema> {
  return { id, money: moneyView(money), by, note, at: isoOf(at) };
}

function riskView({ signals, ...thresholds }: RiskPolicy): z.input<typeof riskAnswer> {
  return {
    ...thresholds,
    signals: signals.map((one) => structuredClone(one)) as z.input<typeof riskAnswer>['signals'],
  };
}

export function programDraftView({
  content,
  revision,
  editors,
  changedBy,
  changedAt,
}: ProgramDraft): z.input<typeof programDraftSchema> {
  return {
    programId: content.programId,
    revision,
    contentHash: programHash(content),
    editors: [...editors],
    changedBy,
    changedAt: isoOf(changedAt),
    program: contentDocument(content, moneyView) as z.input<typeof programDraftSchema>['program'],
  };
}

export function programView(program: ProgramVersion): z.input<typeof programSchema> {
  const { programId, name, version, publishedAt, rules, risk } = program;
  return {
    programId,
    name,
    version,
    publishedAt: isoOf(publishedAt),
    contentHash: programHash(program),
    dryRunId: program.dryRunId ?? null,
    publishedBy: program.publishedBy ?? null,
    tiers: program.tiers ? (ruleDocument(program.tiers, moneyView) as z.input<typeof programSchema>['tiers']) : null,
    openReferrals: program.openReferrals ?? 'move',
    isRetired: program.isRetired ?? false,
    note: program.note ?? null,
    rules: rules.map((rule) => ruleDocument(rule, moneyView) as z.input<typeof programSchema>['rules'][number]),
    ...(risk ? { risk: riskView(risk) } : {}),
  };
}
