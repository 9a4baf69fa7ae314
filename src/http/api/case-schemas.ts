import { z } from 'zod';
import { CASE_KINDS, EVENT_KINDS, OUTCOMES, SEVERITIES } from '../../domain/case.ts';
import { JOURNAL_KINDS } from '../../domain/ledger.ts';
import { PARTIES } from '../../domain/program.ts';
import { idOf, time } from './fields.ts';
import { memberId, money, referralId, rewardId, rewardState } from './schemas.ts';

/** A chain longer than this is nobody's. */
const STEPS_MAX = 10;
/** Two months: longer is never. */
const HOURS_MAX = 1_464;

export const caseId = idOf('cas', 'a case');

const OWNER = 'role:[a-z][a-z0-9-]{0,62}|person:[A-Za-z0-9._-]{1,64}|account_owner';

export const owner = z
  .string()
  .regex(new RegExp(`^(${OWNER})$`), 'must be "role:" with a role, "person:" with an id, or "account_owner"')
  .meta({ description: 'A role, a person by an id, or the owner of the account.', example: 'role:reviewer' });

const OWNERS = `^(${OWNER})(,(${OWNER})){0,9}$`;

/** Somebody is a person, has a few roles and may own the account. */
export const owners = z
  .string('must be given once')
  .regex(new RegExp(OWNERS), 'must be up to ten owners with commas between them')
  .transform((text) => text.split(','))
  .meta({
    type: 'string',
    pattern: OWNERS,
    description: 'With any of these; commas between them.',
    example: 'role:reviewer,person:7',
  });

export const severity = z.enum(SEVERITIES);

const step = z.strictObject({ owner, hours: z.int().min(1).max(HOURS_MAX) });

export const chainSchema = z
  .strictObject({
    chain: z
      .array(step)
      .min(1, 'must name somebody: a case without an owner would be decided by nobody')
      .max(STEPS_MAX)
      .refine((steps) => new Set(steps.map((one) => one.owner)).size === steps.length, 'must name everybody once'),
  })
  .meta({ id: 'CaseChain', description: 'Who has a case, one after the other, and for how many hours.' });

export const caseSchema = z
  .strictObject({
    id: caseId,
    kind: z.enum(CASE_KINDS),
    topic: z
      .string()
      .meta({ description: 'What it is about, such as `reward_review`, `risk_blocked` or `budget_burn`.' }),
    severity,
    state: z.enum(['open', 'decided']),
    referralId: referralId.nullable(),
    rewardId: rewardId.nullable(),
    value: money.nullable(),
    summary: z.string(),
    facts: z.record(z.string(), z.unknown()).meta({ description: 'What it rests on: ids, counts and signals.' }),
    openedBy: z.string(),
    openedAt: time,
    owner,
    chain: z.array(step),
    step: z.int().min(0),
    dueAt: time.nullable().meta({ description: 'When it goes on to the next of its chain; null at the end of it.' }),
    overdue: z.boolean(),
    outcome: z.enum(OUTCOMES).nullable(),
    decidedBy: z.string().nullable(),
    decidedWhy: z.string().nullable(),
    decidedAt: time.nullable(),
  })
  .meta({
    id: 'Case',
    description:
      'Something that a person has to decide. It never ends unsaid: an alert ends by itself only when what it told of is gone.',
  });

const named = { name: z.string().nullable(), email: z.string().nullable() };

export const queuedCaseSchema = caseSchema
  .extend({
    member: z.strictObject({ id: memberId, ...named }).nullable(),
    friend: z.strictObject(named).nullable(),
  })
  .meta({ id: 'QueuedCase', description: 'An open case with the people of its referral.' });

export const caseEffectsSchema = z
  .strictObject({
    outcome: z.enum(OUTCOMES),
    rewards: z.array(
      z.strictObject({
        rewardId,
        party: z.enum(PARTIES),
        beneficiaryId: z.string(),
        money,
        before: rewardState,
        after: rewardState,
        reversalPending: z
          .boolean()
          .meta({ description: 'It is taken back as soon as the provider has answered; it is being asked now.' }),
      }),
    ),
    journals: z.array(
      z.strictObject({
        kind: z.enum(JOURNAL_KINDS),
        rewardId,
        postings: z
          .array(z.strictObject({ account: z.string(), amount: z.string(), currency: z.string() }))
          .meta({ description: 'Debits are positive, credits negative.' }),
      }),
    ),
    orders: z.array(
      z.strictObject({
        rewardId,
        provider: z.string(),
        kind: z.enum(['issue', 'cancel', 'expire']),
        at: time.nullable().meta({ description: 'Not before; null for at once.' }),
      }),
    ),
    withdrawnOrders: z.int().meta({ description: 'Orders that have not gone out and would not any more.' }),
    movesTo: memberId.nullable().meta({ description: 'Whose the referral would be.' }),
    judgedAgain: z.boolean().meta({ description: 'The friend’s deals would be judged again.' }),
  })
  .meta({ id: 'CaseEffects', description: 'What would follow from a decision. Nothing was written.' });

export const caseEventSchema = z
  .strictObject({ number: z.int().min(1), kind: z.enum(EVENT_KINDS), by: z.string(), words: z.string(), at: time })
  .meta({ id: 'CaseEvent', description: 'What happened to a case. Never changed.' });

export const signalCountsSchema = z
  .strictObject({
    from: time,
    to: time,
    judged: z.int().meta({ description: 'Rewards that a person has judged.' }),
    bad: z.int().meta({ description: 'Those of them that were rejected, or taken back after a dispute.' }),
    signals: z.array(
      z.strictObject({
        signal: z.string(),
        raised: z.int(),
        confirmed: z.int().meta({ description: 'Raised on a reward that was found bad.' }),
        overturned: z.int().meta({ description: 'Raised on a reward that was found good.' }),
        missed: z.int().meta({ description: 'Silent on a reward that was found bad.' }),
        falsePositiveRate: z.number().nullable().meta({ description: 'Of the good ones; null when there were none.' }),
        falseNegativeRate: z.number().nullable().meta({ description: 'Of the bad ones; null when there were none.' }),
      }),
    ),
  })
  .meta({ id: 'SignalCounts' });
