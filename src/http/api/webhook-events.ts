import { z } from 'zod';
import { CASE_KINDS, OUTCOMES as CASE_OUTCOMES, SEVERITIES } from '../../domain/case.ts';
import { REWARD_STATES } from '../../domain/decision.ts';
import { LIFECYCLE_STAGES, TOUCH_KINDS } from '../../domain/referral.ts';
import {
  SECRET_OVERLAP_HOURS,
  type SentEventType,
  TEST_EVENT,
  WEBHOOK_EVENT_TYPES,
  WEBHOOK_VERSION,
} from '../../domain/webhook.ts';
import { time } from './fields.ts';

/*
 * What webhooks say, for the OpenAPI document. Ids, states, amounts and times: no name, no address, no sentence that a person wrote; who needs
 * more asks the API by the id.
 */

const record = z
  .strictObject({ connectionId: z.string(), object: z.enum(['contact', 'deal', 'company']), id: z.string() })
  .meta({ id: 'WebhookRecord', description: 'A record of the CRM.' });

const reason = z
  .strictObject({ code: z.string(), text: z.string().nullable() })
  .meta({ id: 'WebhookReason', description: 'The text is null where it would quote somebody; the API has it.' });

const decimal = z.string().meta({ description: 'Decimal text.', example: '120.00' });
const currency = z.string().meta({ description: 'ISO 4217.', example: 'EUR' });
const programVersion = z.strictObject({ id: z.string(), version: z.int() });
const party = z.string().meta({ example: 'member' });

const member = z
  .strictObject({ id: z.string(), contact: record.nullable(), recruiter: z.boolean(), enrolledAt: time })
  .meta({ id: 'WebhookMember' });

const referral = z
  .strictObject({
    id: z.string(),
    programId: z.string(),
    memberId: z.string(),
    recruiterId: z.string().nullable(),
    contact: record.nullable(),
    source: z.enum(TOUCH_KINDS),
    stage: z.enum(LIFECYCLE_STAGES),
    stageBefore: z.enum(LIFECYCLE_STAGES).nullable(),
    memberBefore: z.string().nullable().meta({ description: 'Whose it was until now; null where that is the same.' }),
    stageSince: time,
    submittedAt: time,
    reason,
  })
  .meta({ id: 'WebhookReferral' });

const decision = z
  .strictObject({
    id: z.string(),
    referralId: z.string(),
    deal: record,
    program: programVersion,
    ruleKey: z.string(),
    party,
    sequence: z.int(),
    outcome: z.string().meta({ example: 'rewarded' }),
    reason,
    amount: decimal.nullable(),
    currency: currency.nullable(),
    rewardId: z.string().nullable(),
    releaseAt: time.nullable(),
    effectiveAt: time,
  })
  .meta({ id: 'WebhookDecision' });

const reward = z
  .strictObject({
    id: z.string(),
    referralId: z.string(),
    programId: z.string(),
    deal: record,
    ruleKey: z.string(),
    party,
    beneficiaryId: z.string(),
    amount: decimal,
    clawedBack: decimal,
    currency,
    state: z.enum(REWARD_STATES),
    stateBefore: z.enum(REWARD_STATES).nullable(),
    payout: z.string(),
    releaseAt: time.nullable(),
    expiresAt: time.nullable(),
    reason,
  })
  .meta({ id: 'WebhookReward' });

const tierName = z.strictObject({ key: z.string(), name: z.string() }).nullable();
const tier = z
  .strictObject({
    id: z.string(),
    memberId: z.string(),
    program: programVersion,
    move: z.enum(['reached', 'at_risk', 'kept', 'lost']),
    from: tierName,
    to: tierName,
    reason,
    recordedAt: time,
  })
  .meta({ id: 'WebhookTierChange' });

const deskCase = z
  .strictObject({
    id: z.string(),
    kind: z.enum(CASE_KINDS),
    topic: z.string(),
    severity: z.enum(SEVERITIES),
    state: z.enum(['open', 'decided']),
    referralId: z.string().nullable(),
    rewardId: z.string().nullable(),
    amount: decimal.nullable(),
    currency: currency.nullable(),
    dueAt: time.nullable(),
    overdue: z.boolean(),
    outcome: z.enum(CASE_OUTCOMES).nullable(),
    openedAt: time,
  })
  .meta({ id: 'WebhookCase' });

const DATA: Readonly<Record<SentEventType, z.ZodType>> = {
  'member.enrolled': member,
  'referral.submitted': referral,
  'referral.accepted': referral,
  'referral.qualified': referral,
  'referral.opportunity': referral,
  'referral.won': referral,
  'referral.lost': referral,
  'referral.declined': referral,
  'referral.expired': referral,
  'referral.reattributed': referral,
  'decision.made': decision,
  'reward.granted': reward,
  'reward.held': reward,
  'reward.in_review': reward,
  'reward.approved': reward,
  'reward.issued': reward,
  'reward.redeemed': reward,
  'reward.failed': reward,
  'reward.voided': reward,
  'reward.expired': reward,
  'reward.clawed_back': reward,
  'reward.adjusted': reward,
  'tier.changed': tier,
  'case.opened': deskCase,
  'case.escalated': deskCase,
  'case.settled': deskCase,
  'connection.connected': z.strictObject({ id: z.string(), again: z.boolean() }),
  'connection.disconnected': z.strictObject({
    id: z.string(),
    provider: z.string(),
    externalId: z.string(),
    why: z.string(),
  }),
  'connection.drifted': z.strictObject({
    caseId: z.string(),
    topic: z.string(),
    connectionId: z.string().nullable(),
  }),
  [TEST_EVENT]: z.strictObject({ endpointId: z.string() }),
};

const MEANS: Readonly<Record<SentEventType, string>> = {
  'member.enrolled': 'Somebody has become a member.',
  'referral.submitted': 'A member has referred somebody.',
  'referral.accepted': 'A referral is tied to a person in the CRM.',
  'referral.qualified': 'A referral is qualified.',
  'referral.opportunity': 'A referral has a deal that is in progress.',
  'referral.won': 'A deal of a referral is won.',
  'referral.lost': 'Every deal of a referral is lost.',
  'referral.declined': 'A referral is declined.',
  'referral.expired': 'A referral has expired.',
  'referral.reattributed': 'A referral belongs to another member from now on.',
  'decision.made': 'A rule has decided on a deal of a referral.',
  'reward.granted': 'There is a new reward, in whatever state.',
  'reward.held': 'A reward is on hold.',
  'reward.in_review': 'A reward waits for a person.',
  'reward.approved': 'A reward is to be paid.',
  'reward.issued': 'A reward was paid.',
  'reward.redeemed': 'A reward was used.',
  'reward.failed': 'A reward could not be paid, or its money came back.',
  'reward.voided': 'A reward has ended before it was paid.',
  'reward.expired': 'A reward was not used in time.',
  'reward.clawed_back': 'A reward was taken back after it was paid.',
  'reward.adjusted': 'The amount of a reward has changed, or part of it was taken back.',
  'tier.changed': 'A member’s tier was decided on anew.',
  'case.opened': 'A person has to look at something.',
  'case.escalated': 'Nobody has looked in time.',
  'case.settled': 'A case is decided.',
  'connection.connected': 'A CRM was connected.',
  'connection.disconnected': 'A CRM is not connected any more.',
  'connection.drifted': 'Something has changed in a CRM that the set-up rests on.',
  [TEST_EVENT]: 'Somebody has asked for a test event.',
};

const HEADERS = `
Signed as [Standard Webhooks](https://www.standardwebhooks.com) describes: \`webhook-id\` (the event's id, the same at every attempt),
\`webhook-timestamp\` (seconds; refuse what is older than five minutes) and \`webhook-signature\` (\`v1,\` and the base64 of HMAC-SHA256 over
\`id.timestamp.body\`, several with spaces between them for ${SECRET_OVERLAP_HOURS} hours after a secret was changed). Answer 2xx at once and work afterwards.
Events come at least once and in no promised order: an id that was seen before is nothing new, and of two events about one \`subject\` the one with the
higher \`sequence\` is the later one.`.trim();

/** The webhooks of the OpenAPI document: each type with the schema of its body. */
export function webhookDocuments() {
  const types: readonly SentEventType[] = [...WEBHOOK_EVENT_TYPES, TEST_EVENT];
  return types.map((type) => ({
    type,
    summary: MEANS[type],
    description: HEADERS,
    body: envelopeOf(type),
  }));
}

/** What a body of this type has to be. */
export function envelopeOf(type: SentEventType) {
  return z.strictObject({
    type: z.literal(type),
    timestamp: time,
    id: z.string(),
    version: z.literal(WEBHOOK_VERSION),
    accountId: z.string(),
    subject: z.string().meta({ description: 'The id of what it is about.' }),
    sequence: z.int(),
    data: DATA[type],
  });
}
