import { z } from 'zod';
import { attributionDocument } from '../../application/attribution-document.ts';
import type { AttributionStore, ReadStore } from '../../application/ports/store.ts';
import type { PublishAttribution } from '../../application/publish-attribution.ts';
import type { Reattribute } from '../../application/re-attribute.ts';
import type { AttributionDecision, AttributionPolicyVersion } from '../../domain/attribution-policy.ts';
import { reasonText } from '../../domain/reason.ts';
import { TOUCH_KINDS } from '../../domain/referral.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { dryRunRefused, seenDryRun } from './dry-runs.ts';
import { idOf, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, referralId, referralSchema, versionDryRunId } from './schemas.ts';
import { referralView } from './views.ts';

export interface AttributionDeps {
  readonly attribution: Pick<AttributionStore, 'newest' | 'versions' | 'decisions'>;
  readonly publishAttribution: PublishAttribution;
  readonly reattribute: Reattribute;
  readonly reads: Pick<ReadStore, 'referral' | 'touches'>;
}

/** A sentence for the books. */
const WHY_LENGTH_MAX = 300;

const source = z.enum(TOUCH_KINDS);

const policySchema = z
  .strictObject({
    version: z.int().min(1),
    contentHash: z.string(),
    publishedAt: time,
    publishedBy: z.string(),
    dryRunId: versionDryRunId,
    policy: z.strictObject({
      windowDays: z.int().nullable(),
      touch: z.enum(['first', 'last']),
      sources: z.array(source),
      existingCustomer: z.enum(['accept', 'decline', 'review']),
      selfReferral: z.enum(['decline', 'review']),
      assistPercent: z.int().optional(),
    }),
  })
  .meta({
    id: 'AttributionPolicyVersion',
    description: 'One published version of how members are found. Never changed.',
  });

export const attributionDecisionSchema = z
  .strictObject({
    id: idOf('att', 'an attribution'),
    kind: z.enum(['attributed', 'moved']).meta({ description: 'By the policy, or by a person.' }),
    memberId,
    fromMemberId: memberId.nullable(),
    policyVersion: z.int().nullable().meta({ description: 'Null: none was published.' }),
    reason: z.strictObject({ code: z.string(), text: z.string() }),
    candidates: z.array(
      z.strictObject({
        memberId,
        source,
        at: time.nullable().meta({ description: 'Of the evidence; null where the CRM keeps no time of it.' }),
        verdict: z.enum(['winner', 'assist', 'outranked', 'outside_window', 'source_not_counted']),
      }),
    ),
    recordedAt: time,
  })
  .meta({ id: 'Attribution', description: 'What was decided of whose a referral is, and among whom. Never changed.' });

const touchSchema = z
  .strictObject({
    id: z.string(),
    kind: source,
    memberId,
    evidence: z.string(),
    origin: z
      .strictObject({ ipPrefix: z.string().nullable(), device: z.string().nullable() })
      .nullable()
      .meta({ description: 'Where the friend’s act came from, shortened so that it names nobody.' }),
    at: time,
  })
  .meta({ id: 'Touch', description: 'Evidence that links a friend with a member. Never changed.' });

function policyView(version: AttributionPolicyVersion): z.input<typeof policySchema> {
  const { policy, publishedAt, dryRunId = null, ...rest } = version;
  return { ...rest, dryRunId, publishedAt: isoOf(publishedAt), policy: { ...policy, sources: [...policy.sources] } };
}

export function attributionDecisionView(decision: AttributionDecision): z.input<typeof attributionDecisionSchema> {
  const { id, kind, memberId: member, fromMemberId, policyVersion, reason, candidates, recordedAt } = decision;
  return {
    id,
    kind,
    memberId: member,
    fromMemberId,
    policyVersion,
    reason: { code: reason.code, text: reasonText(reason) },
    candidates: candidates.map(({ at, ...one }) => ({ ...one, at: at === null ? null : isoOf(at) })),
    recordedAt: isoOf(recordedAt),
  };
}

export function attribution({
  attribution: stored,
  publishAttribution,
  reattribute,
  reads,
}: AttributionDeps): Operation[] {
  return [
    operation({
      id: 'listAttributionPolicies',
      tag: 'Attribution',
      method: 'get',
      path: '/attribution-policies',
      summary: 'List the published attribution policies, newest first',
      query: z.strictObject({}),
      statuses: { 200: 'All versions; none: members are found as without a policy.' },
      answer: z.strictObject({ items: z.array(policySchema) }),
      problems: [],
      async handle({ accountId }) {
        const versions = await stored.versions(accountId);
        return { status: 200, body: { items: versions.map(policyView).reverse() } };
      },
    }),
    operation({
      id: 'publishAttributionPolicy',
      tag: 'Attribution',
      method: 'post',
      path: '/attribution-policies',
      summary: 'Publish an attribution policy',
      description:
        'Adds the next version, in force from now on for friends whose member is not found yet. Referrals stay with whom they were given to. Publishing what is in force already adds nothing and returns it.',
      query: z.strictObject(seenDryRun),
      body: attributionDocument,
      statuses: { 200: 'The version in force.' },
      answer: policySchema,
      problems: ['no_such_dry_run', 'other_draft'],
      async handle({ accountId, actor, query, body }) {
        const publisher = { by: actor, dryRunId: query.dryRunId ?? null };
        const result = await publishAttribution.publish(accountId, body, publisher);
        if (result.kind === 'refused') throw dryRunRefused(result, '/attribution-policies/dry-run');
        return { status: 200, body: policyView(result.version) };
      },
    }),
    operation({
      id: 'getReferralAttribution',
      tag: 'Attribution',
      method: 'get',
      path: '/referrals/{referralId}/attribution',
      summary: 'Tell why a referral is whose it is',
      params: z.strictObject({ referralId }),
      statuses: { 200: 'Everything that was decided of it, with the candidates, the oldest first.' },
      answer: z.strictObject({
        memberId,
        items: z.array(attributionDecisionSchema),
        touches: z.array(touchSchema).meta({ description: 'All evidence there is on the friend, the oldest first.' }),
      }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const referral = await reads.referral(accountId, params.referralId);
        if (!referral) throw new HttpProblem('not_found', 'This account has no such referral.');
        const decisions = await stored.decisions(accountId, params.referralId);
        const { contact } = referral.friend;
        const touches = contact ? await reads.touches(accountId, contact) : [];
        return {
          status: 200,
          body: {
            memberId: referral.memberId,
            items: decisions.map(attributionDecisionView),
            touches: touches.map(({ id, kind, memberId: of, evidence, origin = null, at }) => ({
              id,
              kind,
              memberId: of,
              evidence,
              origin: origin && { ...origin },
              at: isoOf(at),
            })),
          },
        };
      },
    }),
    operation({
      id: 'reattributeReferral',
      tag: 'Attribution',
      method: 'post',
      path: '/referrals/{referralId}/re-attribute',
      summary: 'Give a referral to another member',
      description:
        "The rewards of the member who had it are taken back, whatever state they are in, and the friend's deals are judged again for the other one. The friend's own rewards stay. The same again finds it done: no Idempotency-Key is needed or read.",
      params: z.strictObject({ referralId }),
      body: z.strictObject({ memberId, why: z.string().trim().min(1).max(WHY_LENGTH_MAX) }),
      statuses: { 200: 'The referral, as it is now.' },
      answer: referralSchema,
      problems: ['not_found', 'no_such_member', 'not_possible'],
      async handle({ accountId, actor, params, body }) {
        const move = { memberId: body.memberId, by: actor, why: body.why };
        const result = await reattribute(accountId, params.referralId, move);
        if (result.kind !== 'refused') return { status: 200, body: referralView(result.referral, new Map()) };
        switch (result.code) {
          case 'no_such_referral':
            throw new HttpProblem('not_found', 'This account has no such referral.');
          case 'no_such_member':
            throw new HttpProblem('no_such_member', 'This account has no such member.', {
              errors: [{ field: 'memberId', problem: 'must be the id of one of your members' }],
            });
          case 'not_possible':
            throw new HttpProblem('not_possible', reasonText(result.reason), {
              errors: [{ field: 'memberId', problem: 'must be somebody who can have referred this friend' }],
            });
        }
      },
    }),
  ];
}
