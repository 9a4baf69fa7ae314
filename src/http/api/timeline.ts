import { z } from 'zod';
import type { CrmRecord, CrmRecords } from '../../application/crm-records.ts';
import { readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import {
  type DealMove,
  type ReferralTimeline,
  TIMELINE_KINDS,
  type TimelineEvent,
  type TimelineKind,
} from '../../application/referral-timeline.ts';
import { CASE_KINDS } from '../../domain/case.ts';
import { parseAmount } from '../../domain/money.ts';
import { type DealNames, reasonText } from '../../domain/reason.ts';
import type { RecordRef } from '../../domain/record.ts';
import { TOUCH_KINDS } from '../../domain/referral.ts';
import type { Permission } from '../../domain/roles.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { attributionDecisionSchema, attributionDecisionView } from './attribution.ts';
import { caseEventSchema, caseId } from './case-schemas.ts';
import { caseEventView } from './cases.ts';
import { listOf, nextCursorOf, pageOf, pageParameters, recordId, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import {
  connectionId,
  decisionSchema,
  journalSchema,
  lifecycleStage,
  memberId,
  money,
  people,
  referralId,
  rewardId,
} from './schemas.ts';
import { decisionView, journalView, moneyView } from './views.ts';

export interface TimelineDeps {
  readonly referralTimeline: ReferralTimeline;
  readonly crmRecords: CrmRecords;
  readonly reads: Pick<ReadStore, 'deals' | 'people'>;
}

/** What only those see who may see money. */
const OF_MONEY: readonly TimelineKind[] = ['journal', 'payout'];

const reason = z.strictObject({ code: z.string(), text: z.string() });
const base = { id: z.string(), at: time };

const eventSchema = z
  .discriminatedUnion('kind', [
    z.strictObject({ ...base, kind: z.literal('submitted'), memberId, source: z.enum(TOUCH_KINDS) }),
    z.strictObject({ ...base, kind: z.literal('stage'), stage: lifecycleStage, reason }),
    z.strictObject({
      ...base,
      kind: z.literal('touch'),
      touch: z.strictObject({ kind: z.enum(TOUCH_KINDS), memberId, evidence: z.string() }),
    }),
    z.strictObject({ ...base, kind: z.literal('attribution'), attribution: attributionDecisionSchema }),
    z.strictObject({
      ...base,
      kind: z.literal('deal'),
      deal: z.strictObject({ connectionId, id: recordId, name: z.string().nullable() }),
      pipeline: z.string().nullable(),
      stageLabel: z.string().meta({ description: 'As the CRM calls it.' }),
      stage: lifecycleStage.nullable().meta({ description: 'What it means; null where the mapping does not know it.' }),
      money: money.nullable().meta({ description: 'Null when the amount cannot be read as money.' }),
    }),
    z.strictObject({ ...base, kind: z.literal('decision'), decision: decisionSchema }),
    z.strictObject({ ...base, kind: z.literal('journal'), journal: journalSchema }),
    z.strictObject({
      ...base,
      kind: z.literal('payout'),
      payout: z.strictObject({ rewardId, provider: z.string(), state: z.string() }),
    }),
    z.strictObject({
      ...base,
      kind: z.literal('case'),
      case: z.strictObject({ id: caseId, kind: z.enum(CASE_KINDS), topic: z.string(), summary: z.string() }),
      event: caseEventSchema,
    }),
  ])
  .meta({ id: 'TimelineEvent', description: 'One recorded fact about a referral.' });

const recordSchema = z
  .strictObject({
    object: z.enum(['contact', 'deal', 'company']),
    connectionId,
    provider: z.string(),
    id: recordId,
    name: z.string().nullable(),
    url: z.string().nullable().meta({ description: 'Where a person opens it in the CRM.' }),
    readAt: time.nullable().meta({ description: 'When it was last read; null: never.' }),
    isDeleted: z.boolean(),
    mirror: z
      .strictObject({
        state: z.enum(['written', 'waiting', 'parked']).meta({
          description:
            '`written`: it shows everything · `waiting`: a change is on its way · `parked`: a person has to look.',
        }),
        writtenAt: time.nullable(),
        error: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'How far it shows what it should; null where nothing of ours is to be shown.' }),
  })
  .meta({ id: 'CrmRecord' });

const recordsSchema = z.strictObject({ items: z.array(recordSchema) });

const kinds = z
  .string('must be given once')
  .regex(
    new RegExp(`^(${TIMELINE_KINDS.join('|')})(,(${TIMELINE_KINDS.join('|')}))*$`),
    `must be one or more of ${TIMELINE_KINDS.join(', ')}, with commas`,
  )
  .optional()
  .meta({ description: 'Which kinds of facts; all that the caller may see if left out.', example: 'decision,case' });

export function timeline({ referralTimeline, crmRecords, reads }: TimelineDeps): Operation[] {
  return [
    operation({
      id: 'getReferralTimeline',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals/{referralId}/timeline',
      summary: 'Tell everything that is recorded of a referral, newest first',
      description:
        'Evidence, whose it is and why, how the deals moved in the CRM, decisions with their conditions, cases; with the permission "money.read" also journals with their postings and what providers said of the orders.',
      params: z.strictObject({ referralId }),
      query: z.strictObject({ ...pageParameters, kinds }),
      statuses: { 200: 'A page of facts.' },
      answer: listOf(eventSchema, { people }),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, may, params, query }) {
        const asked = kindsOf(query.kinds, may);
        const page = await referralTimeline(accountId, params.referralId, pageOf('timeline', query), asked);
        if (!page) throw new HttpProblem('not_found', 'This account has no such referral.');
        const [names, named] = await Promise.all([
          readDealNames(reads, accountId, page.items.flatMap(dealsOf)),
          reads.people(accountId, [...new Set(page.items.flatMap(membersOf))]),
        ]);
        return {
          status: 200,
          body: {
            items: page.items.map((event) => viewOf(event, names)),
            people: named.map((one) => ({ ...one })),
            nextCursor: nextCursorOf('timeline', page.next),
          },
        };
      },
    }),
    operation({
      id: 'listReferralRecords',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals/{referralId}/records',
      summary: 'Tell where the friend and the deals stand in the CRM, and whether they show what they should',
      params: z.strictObject({ referralId }),
      statuses: { 200: 'The records; none while the friend has no contact.' },
      answer: recordsSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const records = await crmRecords(accountId, { referralId: params.referralId });
        if (!records) throw new HttpProblem('not_found', 'This account has no such referral.');
        return { status: 200, body: { items: records.map(recordView) } };
      },
    }),
    operation({
      id: 'listMemberRecords',
      tag: 'Members',
      method: 'get',
      path: '/members/{memberId}/records',
      summary: 'Tell where a member stands in the CRM, and whether it shows what it should',
      params: z.strictObject({ memberId }),
      statuses: { 200: 'The records; none while the member has no contact.' },
      answer: recordsSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const records = await crmRecords(accountId, { memberId: params.memberId });
        if (!records) throw new HttpProblem('not_found', 'This account has no such member.');
        return { status: 200, body: { items: records.map(recordView) } };
      },
    }),
  ];
}

function kindsOf(text: string | undefined, may: ReadonlySet<Permission>): TimelineKind[] {
  const seesMoney = may.has('money.read');
  if (text === undefined) return TIMELINE_KINDS.filter((kind) => seesMoney || !OF_MONEY.includes(kind));
  const asked = TIMELINE_KINDS.filter((kind) => text.split(',').includes(kind));
  if (seesMoney || !asked.some((kind) => OF_MONEY.includes(kind))) return asked;
  throw new HttpProblem('not_allowed', 'Journals and payouts take the permission "money.read".');
}

function dealsOf(event: TimelineEvent): RecordRef[] {
  return event.kind === 'decision' ? [event.decision.deal] : [];
}

function membersOf(event: TimelineEvent): string[] {
  switch (event.kind) {
    case 'submitted':
      return [event.referral.memberId];
    case 'touch':
      return [event.touch.memberId];
    case 'attribution': {
      const { memberId: member, fromMemberId, candidates } = event.attribution;
      return [member, ...(fromMemberId === null ? [] : [fromMemberId]), ...candidates.map((one) => one.memberId)];
    }
    default:
      return [];
  }
}

function viewOf(event: TimelineEvent, names: DealNames): z.input<typeof eventSchema> {
  const shared = { id: event.id, at: isoOf(event.at) };
  switch (event.kind) {
    case 'submitted':
      return { ...shared, kind: event.kind, memberId: event.referral.memberId, source: event.referral.source };
    case 'stage': {
      const { stage, reason: why } = event.referral;
      return { ...shared, kind: event.kind, stage, reason: { code: why.code, text: reasonText(why, names) } };
    }
    case 'touch': {
      const { kind, memberId: member, evidence } = event.touch;
      return { ...shared, kind: event.kind, touch: { kind, memberId: member, evidence } };
    }
    case 'attribution':
      return { ...shared, kind: event.kind, attribution: attributionDecisionView(event.attribution) };
    case 'deal':
      return { ...shared, kind: event.kind, ...moveView(event.move) };
    case 'decision':
      return { ...shared, kind: event.kind, decision: decisionView(event.decision, names) };
    case 'journal':
      return { ...shared, kind: event.kind, journal: journalView(event.journal) };
    case 'payout': {
      const { rewardId: reward, provider, state } = event.payout;
      return { ...shared, kind: event.kind, payout: { rewardId: reward, provider, state } };
    }
    case 'case':
      return { ...shared, kind: event.kind, case: { ...event.fact.case }, event: caseEventView(event.fact.event) };
  }
}

function moveView({ deal, name, point, pipelineLabel, stageLabel, stage }: DealMove) {
  const amount = parseAmount(point.amount, point.currency?.trim().toUpperCase() ?? '');
  return {
    deal: { connectionId: deal.connectionId, id: deal.id, name },
    pipeline: pipelineLabel,
    stageLabel,
    stage,
    money: amount.ok ? moneyView(amount.money) : null,
  };
}

function recordView({ record, readAt, mirror, ...one }: CrmRecord): z.input<typeof recordSchema> {
  return {
    ...one,
    object: record.object,
    connectionId: record.connectionId,
    id: record.id,
    readAt: readAt === null ? null : isoOf(readAt),
    mirror: mirror && { ...mirror, writtenAt: mirror.writtenAt === null ? null : isoOf(mirror.writtenAt) },
  };
}
