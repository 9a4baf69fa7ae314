import { z } from 'zod';
import { ruleAnswer, tiersAnswer } from '../../application/program-document.ts';
import { riskAnswer } from '../../application/risk-document.ts';
import { REWARD_STATES } from '../../domain/decision.ts';
import { JOURNAL_KINDS } from '../../domain/ledger.ts';
import { OPEN_REFERRALS, PARTIES } from '../../domain/program.ts';
import { LIFECYCLE_STAGES, TOUCH_KINDS } from '../../domain/referral.ts';
import { RISK_SIGNALS } from '../../domain/risk.ts';
import { PROBLEM_CODES } from '../problem-codes.ts';
import { idOf, recordId, time } from './fields.ts';

/** What the API answers with. Strict: a field that is not described here is a mistake, which the tests find. */

export const memberId = idOf('mem', 'a member');
export const referralId = idOf('ref', 'a referral');
export const decisionId = idOf('dec', 'a decision');
export const rewardId = idOf('rwd', 'a reward');
export const dryRunId = idOf('dry', 'a dry run');
export const versionDryRunId = dryRunId
  .nullable()
  .meta({ description: 'What the publisher had seen it do to all of history.' });
export const journalId = idOf('jrn', 'a journal');
export const connectionId = idOf('con', 'a connection');

export const lifecycleStage = z
  .enum(LIFECYCLE_STAGES, {
    error: 'must be a lifecycle stage: submitted, accepted, qualified, opportunity, won, lost, declined or expired',
  })
  .meta({ id: 'LifecycleStage', description: 'Where a referral stands.' });

export const rewardState = z
  .enum(REWARD_STATES, {
    error:
      'must be a reward state: held, in_review, approved, issuing, issued, redeemed, failed, voided, expired or clawed_back',
  })
  .meta({ id: 'RewardState', description: 'What became of a reward.' });

export const party = z.enum(PARTIES, { error: 'must be member, friend, recruiter or assist' }).meta({
  id: 'Party',
  description:
    "Who is paid: the member who referred, the friend who was referred, the account's own recruiter behind the referral, or (assist) another member who shares the credit.",
});

const amount = z
  .string()
  .regex(/^-?[0-9]+(\.[0-9]+)?$/)
  .meta({ description: "A decimal number as text, with the currency's own number of decimals.", example: '150.00' });

const currency = z
  .string()
  .regex(/^[A-Z]{3}$/)
  .meta({ description: 'ISO 4217.', example: 'EUR' });

export const money = z.strictObject({ amount, currency }).meta({ id: 'Money' });

const reason = z
  .strictObject({
    code: z.string().meta({ description: 'For programs; stable.', example: 'deal_won' }),
    text: z.string().meta({ description: 'For people.', example: 'The deal "Analytical engine" is Closed Won.' }),
  })
  .meta({ id: 'Reason' });

const contactRef = z
  .strictObject({ connectionId, id: recordId })
  .meta({ id: 'ContactRef', description: 'A contact in a connected CRM.' });

const dealRef = z
  .strictObject({ connectionId, id: recordId })
  .meta({ id: 'DealRef', description: 'A deal or opportunity in a connected CRM.' });

export const people = z
  .array(
    z
      .strictObject({
        id: z.string().meta({ description: "A member's id, or that of the referral whose friend it is." }),
        name: z.string().nullable(),
        email: z.string().nullable(),
      })
      .meta({ id: 'Person' }),
  )
  .meta({ description: 'Who the items name by an id: members, and friends by the id of their referral.' });

export const memberSchema = z
  .strictObject({
    id: memberId,
    name: z.string().nullable(),
    email: z.string().nullable(),
    code: z.string().meta({ description: 'What the member shares.', example: 'K7QF-93MX-P2RA' }),
    shareLink: z.url(),
    contact: contactRef.nullable(),
    isRecruiter: z.boolean().meta({ description: "One of the account's own people." }),
    createdAt: time,
  })
  .meta({ id: 'Member', description: 'Someone who can refer.' });

export const referralSchema = z
  .strictObject({
    id: referralId,
    programId: z.string(),
    memberId,
    friend: z.strictObject({
      name: z.string().nullable(),
      email: z.string().nullable(),
      contact: contactRef.nullable(),
    }),
    source: z.enum(TOUCH_KINDS).meta({ description: 'What linked the friend to the member.' }),
    stage: lifecycleStage,
    reason,
    stageSince: time,
    submittedAt: time,
    recruiterId: memberId.nullable().meta({ description: 'Who owns it, where that is not the member.' }),
    assist: z.strictObject({ memberId, percent: z.int(), since: time, until: time.nullable() }).nullable().meta({
      description:
        'Another member whose evidence came second: so many percent of what the rules give the member go to them, for what was decided since, and before a person gave the referral to one member.',
    }),
  })
  .meta({ id: 'Referral', description: 'One member bringing one friend into one program.' });

export const riskAssessmentSchema = z
  .strictObject({
    score: z.int(),
    verdict: z.enum(['pass', 'review', 'block']),
    raised: z.array(z.strictObject({ signal: z.enum(RISK_SIGNALS), weight: z.int(), evidence: z.string() })),
    unknown: z
      .array(z.enum(RISK_SIGNALS))
      .meta({ description: 'Looked for, and nothing could be said for want of a fact.' }),
  })
  .meta({ id: 'RiskAssessment', description: 'What spoke against paying, and what it came to.' });

export const decisionSchema = z
  .strictObject({
    id: decisionId,
    referralId,
    deal: dealRef,
    ruleKey: z.string(),
    party,
    sequence: z
      .int()
      .min(1)
      .meta({ description: 'Counts the decisions of this rule on this deal; the highest one holds.' }),
    outcome: z.enum([
      'rewarded',
      'held',
      'in_review',
      'waiting',
      'skipped',
      'history',
      'capped',
      'queued',
      'adjusted',
      'reversed',
    ]),
    reason,
    conditions: z.array(
      z.strictObject({
        condition: z.string(),
        expected: z.string(),
        actual: z.string(),
        verdict: z.enum(['met', 'unmet', 'unknown']),
      }),
    ),
    risk: riskAssessmentSchema.optional(),
    told: z
      .strictObject({ rep: z.string(), admin: z.string(), finance: z.string() })
      .meta({ description: 'The decision in the words of who asks.' }),
    calculation: z
      .array(z.strictObject({ step: z.string(), text: z.string() }))
      .meta({ description: 'How the amount came about, step by step.' }),
    money: money.nullable(),
    rewardId: rewardId.nullable(),
    releaseAt: time.nullable(),
    effectiveAt: time.meta({ description: "The CRM's time of the fact that was decided on." }),
    program: z.strictObject({ id: z.string(), version: z.int() }),
    mappingVersion: z.string(),
    recordedAt: time,
  })
  .meta({ id: 'Decision', description: 'What one rule made of one deal of one referral. Appended, never changed.' });

export const rewardSchema = z
  .strictObject({
    id: rewardId,
    referralId,
    deal: dealRef,
    ruleKey: z.string(),
    party,
    beneficiaryId: z.string().meta({ description: "The member's id, or the referral's when the friend is paid." }),
    money,
    state: rewardState,
    reason,
    payout: z.string().meta({ description: 'The reward provider.', example: 'credit' }),
    programId: z.string(),
    releaseAt: time.nullable().meta({ description: 'When the hold ends; null when there is none.' }),
    orderAt: time.nullable().meta({ description: 'Not ordered before this time, as on a batch date.' }),
    review: z.enum(['none', 'needed', 'approved']).meta({ description: 'Whether a person has to approve it.' }),
    netted: amount.meta({ description: 'Kept for what the beneficiary owed back; not sent.' }),
    clawedBack: amount.meta({ description: 'Taken back after it was issued, while the rest stands.' }),
    writtenOff: amount.meta({ description: 'Of what was taken back, what nobody is asked for any more.' }),
    expiresAt: time.nullable().meta({ description: 'When it expires, unless it is used before.' }),
    reversalPending: z
      .boolean()
      .meta({ description: "True while the provider's answer is awaited before the reward is taken back." }),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: 'Reward', description: 'What a party is owed after a decision.' });

const total = z.strictObject({ currency, amount }).meta({ id: 'Total' });

export const journalSchema = z
  .strictObject({
    id: journalId,
    kind: z.enum(JOURNAL_KINDS),
    rewardId,
    decisionId: decisionId.nullable(),
    effectiveAt: time,
    recordedAt: time,
    postings: z
      .array(z.strictObject({ account: z.string(), amount, currency }))
      .meta({ description: 'Debits are positive, credits negative.' }),
    totals: z.array(total).meta({ description: 'The postings added up: zero in every currency.' }),
  })
  .meta({ id: 'Journal', description: 'One movement of money in the double-entry ledger. Never changed or deleted.' });

export const balancesSchema = z
  .strictObject({
    items: z.array(z.strictObject({ account: z.string(), amount, currency })),
    totals: z.array(total).meta({ description: 'All balances added up: zero in every currency.' }),
  })
  .meta({ id: 'Balances' });

export const duplicateRules = z.enum(['respect', 'allow']).meta({
  description:
    "What happens where a duplicate rule of the CRM's admins refuses a row that Wonward writes: `respect` leaves it to a person, `allow` saves it where the rule's action lets those save who say so. For Salesforce.",
});

export const callShare = z.int().min(1).max(100).nullable().meta({
  description:
    'How many percent of the API calls of a day that the CRM allows all apps together Wonward takes at most; null: what the service is configured to. A backfill takes half of it. For Salesforce: HubSpot gives each app a limit of its own.',
  example: 30,
});

/** A team of reps and managers; more than these are better told by "everyone". */
const CARD_ACTORS_MAX = 500;

export const cardActors = z
  .array(z.string().trim().min(1, 'must be an e-mail address or a user id of the CRM').max(320))
  .max(CARD_ACTORS_MAX)
  .nullable()
  .meta({
    description:
      "Who may act from Wonward's cards in the CRM: e-mail addresses or the CRM's user ids. Null: everyone who sees a card; an empty list: nobody.",
    example: ['dana@acme.example'],
  });

export const connectionSchema = z
  .strictObject({
    id: connectionId,
    provider: z.string().meta({ example: 'hubspot' }),
    externalId: z.string().meta({ description: "The CRM's own number of the portal or org." }),
    status: z.enum(['connected', 'disconnected']),
    statusReason: z.string().nullable(),
    homeCurrency: z.string().nullable(),
    timeZone: z.string().nullable(),
    uiHost: z.string().nullable(),
    scopes: z.array(z.string()),
    duplicateRules,
    cardActors,
    callShare,
    connectedAt: time,
    sync: z
      .strictObject({
        lastReceivedAt: time.nullable(),
        lastProcessedAt: time.nullable(),
        waiting: z.int().meta({ description: 'Records that are to be looked at.' }),
        parked: z
          .array(z.strictObject({ object: z.string(), id: z.string(), error: z.string(), attempts: z.int() }))
          .meta({ description: 'Records that a person has to look at, and why.' }),
        mirrorWaiting: z.int().meta({ description: 'Records whose fields in the CRM are to be written.' }),
        mirrorParked: z.int(),
        sweptTo: z
          .array(z.strictObject({ object: z.string(), upTo: time }))
          .meta({ description: 'Up to when lost webhooks have been looked for.' }),
      })
      .meta({ id: 'SyncState' }),
  })
  .meta({ id: 'Connection', description: 'One installed CRM.' });

export const provisionSchema = z
  .strictObject({
    created: z.array(z.string()),
    existing: z.array(z.string()),
    conflicts: z.array(z.strictObject({ name: z.string(), problem: z.string() })),
  })
  .meta({ id: 'ProvisionReport', description: 'What was made in the CRM, what was there, and what was left alone.' });

export const installSchema = z
  .strictObject({
    url: z.url().meta({ description: "The CRM's consent page. Works once, for a quarter of an hour." }),
    page: z.url().nullable().meta({
      description:
        'Our own page in front of it, which says what will happen and why each permission is asked for; null for a CRM without one.',
    }),
  })
  .meta({ id: 'InstallLink' });

export const programSchema = z
  .strictObject({
    programId: z.string(),
    name: z.string(),
    version: z.int().min(1),
    publishedAt: time,
    contentHash: z.string().meta({ description: 'The same for the same rules, however they were written.' }),
    dryRunId: versionDryRunId,
    publishedBy: z.string().nullable(),
    tiers: tiersAnswer(money).nullable(),
    openReferrals: z.enum(OPEN_REFERRALS).meta({
      description: 'Whether referrals that were submitted before go on by this version, or by the one they began with.',
    }),
    isRetired: z.boolean().meta({ description: 'The program ended with this version, which has no rules.' }),
    note: z.string().nullable(),
    rules: z.array(ruleAnswer(money)),
    risk: riskAnswer.optional(),
  })
  .meta({ id: 'ProgramVersion', description: 'One published version of a program. Never changed.' });

export const programDraftSchema = z
  .strictObject({
    programId: z.string(),
    revision: z
      .int()
      .min(1)
      .meta({ description: 'Rises with each change; name it when you change or publish the draft.' }),
    contentHash: z.string().meta({ description: 'That of a dry run that was made of this very draft.' }),
    editors: z.array(z.string()).meta({ description: 'Everybody who has worked on it.' }),
    changedBy: z.string(),
    changedAt: time,
    program: z.strictObject({
      programId: z.string(),
      name: z.string(),
      openReferrals: z.enum(OPEN_REFERRALS).optional(),
      tiers: tiersAnswer(money).optional(),
      rules: z.array(ruleAnswer(money)),
      risk: riskAnswer.optional(),
    }),
  })
  .meta({ id: 'ProgramDraft', description: 'A program that people are still writing. It decides nothing.' });

const difference = {
  kind: z.enum(['new', 'lost', 'changed']),
  referralId,
  deal: dealRef,
  ruleKey: z.string(),
  party,
  before: money.nullable(),
  after: money.nullable(),
  why: z.string(),
};

const DIFFERENCES = 'The first thousand of them, in the order of the events.';

const keptDryRun = {
  id: dryRunId,
  contentHash: z.string().meta({ description: 'Of the draft: only the very same can be published on this dry run.' }),
  madeBy: z.string(),
  madeAt: time,
  from: time,
  to: time,
  referrals: z.int(),
  unknown: z.int().meta({ description: 'Referrals left out on both sides: their contact was deleted or merged away.' }),
  counts: z.strictObject({ same: z.int(), new: z.int(), lost: z.int(), changed: z.int() }),
  totals: z
    .array(z.strictObject({ currency, before: amount, after: amount, difference: amount }))
    .meta({ description: 'What stands, what the draft would have granted, and what lies between them.' }),
  toReview: z.int().meta({ description: 'Rewards that a person would have had to approve.' }),
  limited: z.int().meta({ description: 'Rewards that a limit would have kept back, whole or in part.' }),
  budget: z.array(money).meta({ description: 'What the rules that use the budget would have asked of it.' }),
};

export const dryRunSchema = z
  .strictObject({
    programId: z.string(),
    ...keptDryRun,
    differences: z.array(z.strictObject(difference)).meta({ description: DIFFERENCES }),
  })
  .meta({ id: 'DryRun', description: 'What a program would have paid over all of history. Nothing was paid.' });

export const policyDryRunSchema = z
  .strictObject({
    connectionId: connectionId
      .nullable()
      .meta({ description: 'Of a stage mapping only: which CRM the stages are of.' }),
    ...keptDryRun,
    differences: z
      .array(
        z.strictObject({
          ...difference,
          memberBefore: memberId.nullable().meta({ description: 'Whose it is; of an attribution policy only.' }),
          memberAfter: memberId.nullable().meta({ description: 'Whose it would be; of an attribution policy only.' }),
        }),
      )
      .meta({ description: DIFFERENCES }),
  })
  .meta({
    id: 'PolicyDryRun',
    description:
      'What a stage mapping or an attribution policy would change about what the published programs pay, over all of history. Compared with the same run without the draft. Nothing was paid.',
  });

export const budgetEntrySchema = z
  .strictObject({ id: z.string(), money, by: z.string(), note: z.string(), at: time })
  .meta({ id: 'BudgetEntry', description: "Money that was put into a program's budget. Never changed." });

export const budgetSchema = z
  .strictObject({
    left: z.array(money).meta({ description: 'What was put in less what was granted, by currency.' }),
    items: z.array(budgetEntrySchema),
    nextCursor: z.string().nullable(),
  })
  .meta({ id: 'Budget' });

export const rateSchema = z
  .strictObject({
    currency,
    base: currency,
    day: z.iso.date(),
    until: z.iso.date().meta({ description: 'Through this day, in UTC.' }),
    perBase: z.string().meta({ description: 'So many for one of the base.', example: '1.0832' }),
    source: z.string(),
  })
  .meta({ id: 'ExchangeRate', description: 'Never changed once it was entered.' });

export const problemSchema = z
  .strictObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string().meta({ description: 'What happened and what to do, for a person.' }),
    code: z.enum(PROBLEM_CODES).meta({ description: 'For programs; stable.' }),
    ref: z.string().meta({ description: "The request's reference, as in X-Request-Id." }),
    errors: z
      .array(z.strictObject({ field: z.string(), problem: z.string() }))
      .optional()
      .meta({ description: 'Which fields are wrong, and what each should be.' }),
  })
  .meta({ id: 'Problem', description: 'RFC 9457.' });
