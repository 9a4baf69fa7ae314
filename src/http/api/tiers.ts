import { z } from 'zod';
import type { Act } from '../../application/act.ts';
import type { ReadStore, TierStore } from '../../application/ports/store.ts';
import type { Tiers } from '../../application/tiers.ts';
import { reasonText } from '../../domain/reason.ts';
import { amountText, type TierChange } from '../../domain/tier.ts';
import { type TierLevel, thresholdOf } from '../../domain/tier-scheme.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { given, idOf, listOf, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, memberSchema, referralId, referralSchema } from './schemas.ts';
import { memberView, referralView } from './views.ts';

export interface TiersDeps {
  readonly publicUrl: string;
  readonly tiers: Pick<Tiers, 'standingOf'>;
  readonly tierChanges: Pick<TierStore, 'changes'>;
  readonly act: Pick<Act, 'setStaff' | 'setRecruiter'>;
  readonly reads: Pick<ReadStore, 'member' | 'referral'>;
}

const tierName = z.strictObject({ key: z.string(), name: z.string() }).meta({ id: 'TierName' });

export const tierChangeSchema = z
  .strictObject({
    id: idOf('tir', 'a tier change'),
    memberId,
    program: z.strictObject({ id: z.string(), version: z.int() }),
    sequence: z.int().min(1),
    move: z.enum(['reached', 'at_risk', 'kept', 'lost']),
    from: tierName.nullable(),
    to: tierName.nullable(),
    reason: z.strictObject({ code: z.string(), text: z.string() }),
    evidence: z.strictObject({
      by: z.enum(['won_referrals', 'revenue', 'submissions', 'touches']),
      score: z.string().meta({ description: 'A count, or minor units of the currency.' }),
      currency: z.string().nullable(),
      since: z.string().nullable().meta({ description: 'The first day of the window; null for life.' }),
    }),
    recordedAt: time,
  })
  .meta({ id: 'TierChange', description: "What a member's tier was decided to be. Appended, never changed." });

const standingSchema = z
  .strictObject({
    memberId,
    tier: tierName.nullable().meta({ description: 'Null: none yet.' }),
    since: time.nullable(),
    reason: z.strictObject({ code: z.string(), text: z.string() }).nullable(),
    score: z.string().nullable().meta({ description: 'As people read it; null where the program has no tiers.' }),
    next: z
      .strictObject({ key: z.string(), name: z.string(), needed: z.string(), missing: z.string() })
      .nullable()
      .meta({ description: 'The tier above, and what is missing to it.' }),
  })
  .meta({ id: 'TierStanding', description: 'Where a member stands.' });

/** Day number to "2026-01-31". */
function dayText(day: number): string {
  return isoOf(day * 86_400_000).slice(0, 10);
}

export function tierChangeView(change: TierChange): z.input<typeof tierChangeSchema> {
  const { evidence, reason, recordedAt, program, from, to, ...rest } = change;
  return {
    ...rest,
    program: { ...program },
    from: from && { ...from },
    to: to && { ...to },
    reason: { code: reason.code, text: reasonText(reason) },
    evidence: {
      by: evidence.by,
      score: String(evidence.score),
      currency: evidence.currency || null,
      since: evidence.sinceDay === null ? null : dayText(evidence.sinceDay),
    },
    recordedAt: isoOf(recordedAt),
  };
}

/** Tiers of members, and who of them are the account's own recruiters. */
export function tiers({ publicUrl, tiers: standings, tierChanges, act, reads }: TiersDeps): Operation[] {
  return [
    operation({
      id: 'getMemberTier',
      tag: 'Tiers',
      method: 'get',
      path: '/members/{memberId}/tier',
      summary: "Get a member's tier",
      params: z.strictObject({ memberId }),
      statuses: { 200: 'Where the member stands, and what is missing to the next tier.' },
      answer: standingSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const standing = await standings.standingOf(accountId, params.memberId);
        if (!standing) throw new HttpProblem('not_found', 'This account has no such member.');
        const { program } = standing;
        const held = program?.held ?? null;
        const missing = ({ key, name, ...level }: TierLevel, score: bigint) => {
          const needed = thresholdOf({ key, name, ...level });
          return (
            program && {
              key,
              name,
              needed: amountText(program.scheme, needed),
              missing: amountText(program.scheme, needed - score),
            }
          );
        };
        return {
          status: 200,
          body: {
            memberId: params.memberId,
            tier: held?.to ? { ...held.to } : null,
            since: held?.to ? isoOf(held.recordedAt) : null,
            reason: held && { code: held.reason.code, text: reasonText(held.reason) },
            score: program && amountText(program.scheme, program.score),
            next: program?.next ? missing(program.next, program.score) : null,
          },
        };
      },
    }),
    operation({
      id: 'listTierChanges',
      tag: 'Tiers',
      method: 'get',
      path: '/tier-changes',
      summary: 'List tier changes, newest first',
      query: z.strictObject({ ...pageParameters, memberId: memberId.optional() }),
      statuses: { 200: 'A page of tier changes.' },
      answer: listOf(tierChangeSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { memberId: member, ...page } }) {
        const { items, next } = await tierChanges.changes(
          accountId,
          pageOf('tier-changes', page),
          given({ memberId: member }),
        );
        return {
          status: 200,
          body: { items: items.map(tierChangeView), nextCursor: nextCursorOf('tier-changes', next) },
        };
      },
    }),
    operation({
      id: 'setMemberRecruiter',
      tag: 'Members',
      method: 'put',
      path: '/members/{memberId}/recruiter',
      summary: "Say whether a member is one of the account's own recruiters",
      description:
        'Recruiters are paid by the rules for recruiters, and not by those for members where a program has any for recruiters. What the CRM says of the contact in the property "Recruiter" outweighs this whenever the contact is read.',
      params: z.strictObject({ memberId }),
      body: z.strictObject({ isRecruiter: z.boolean() }),
      statuses: { 200: 'The member.' },
      answer: memberSchema,
      problems: ['not_found'],
      async handle({ accountId, params, body }) {
        if (!(await act.setStaff(accountId, params.memberId, body.isRecruiter)))
          throw new HttpProblem('not_found', 'This account has no such member.');
        const member = await reads.member(accountId, params.memberId);
        if (!member) throw new HttpProblem('not_found', 'This account has no such member.');
        return { status: 200, body: memberView(member, publicUrl) };
      },
    }),
    operation({
      id: 'setReferralRecruiter',
      tag: 'Referrals',
      method: 'put',
      path: '/referrals/{referralId}/recruiter',
      summary: 'Name the recruiter who owns a referral',
      description: 'Rewards that stand stay as they are; what is decided from now on goes to this recruiter.',
      params: z.strictObject({ referralId }),
      body: z.strictObject({
        recruiterId: memberId
          .nullable()
          .meta({ description: 'A member who is a recruiter; null for nobody beside the member.' }),
      }),
      statuses: { 200: 'The referral.' },
      answer: referralSchema,
      problems: ['not_found', 'no_such_member'],
      async handle({ accountId, params, body }) {
        const result = await act.setRecruiter(accountId, params.referralId, body.recruiterId);
        if (result === 'no_such_recruiter')
          throw new HttpProblem('no_such_member', 'This account has no such recruiter.', {
            errors: [{ field: 'recruiterId', problem: 'must be the id of a member who is a recruiter' }],
          });
        const referral = result === 'set' ? await reads.referral(accountId, params.referralId) : null;
        if (!referral) throw new HttpProblem('not_found', 'This account has no such referral.');
        return { status: 200, body: referralView(referral, new Map()) };
      },
    }),
  ];
}
