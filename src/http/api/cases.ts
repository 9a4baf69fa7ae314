import { z } from 'zod';
import { CLAIMS, type Desk, type DeskDecided, outcomesOf } from '../../application/desk.ts';
import type { DeskEffects } from '../../application/desk-effects.ts';
import type { DeskStore, QueuedCase } from '../../application/ports/store.ts';
import { CASE_KINDS, type Case, type CaseEvent, type EscalationStep, OUTCOMES } from '../../domain/case.ts';
import { isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import {
  caseEffectsSchema,
  caseEventSchema,
  caseId,
  caseSchema,
  chainSchema,
  owner,
  owners,
  queuedCaseSchema,
  severity,
  signalCountsSchema,
} from './case-schemas.ts';
import { given, listOf, nextCursorOf, pageOf, pageParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, referralId, rewardId } from './schemas.ts';
import { moneyView } from './views.ts';

/** A sentence or two, kept for ever with the case. */
const WORDS_LENGTH_MAX = 1_000;
const WHY_LENGTH_MAX = 300;
/** What a rate is told over, where nobody asks for another time: a quarter. */
const RATES_DAYS_DEFAULT = 91;
const DAY_MS = 86_400_000;
/** A screen's worth, decided one after the other within the time that a caller waits. */
const DECIDED_AT_ONCE_MAX = 100;

export interface CasesDeps {
  readonly desk: Pick<Desk, 'decide' | 'dispute'>;
  readonly deskEffects: DeskEffects;
  readonly cases: DeskStore;
  readonly clock: Pick<Clock, 'now'>;
}

const params = z.strictObject({ caseId });
const why = z.string().trim().min(1).max(WHY_LENGTH_MAX).meta({
  description: 'Kept for ever: name the ground, and nobody.',
  example: 'Two households, one landlord.',
});
const toMember = memberId.optional().meta({
  description: 'To whom: looked at for `reattributed`, which needs it where the dispute names no member.',
});
const words = z.string().trim().min(1).max(WORDS_LENGTH_MAX);
const moment = z.iso.datetime({ error: 'must be a time in UTC, such as 2026-01-31T00:00:00Z' });

export function caseView(one: Case): z.input<typeof caseSchema> {
  const { id, kind, topic, severity, state, referralId: referral, rewardId: reward, summary, openedBy } = one;
  return {
    id,
    kind,
    topic,
    severity,
    state,
    referralId: referral,
    rewardId: reward,
    value: one.value && moneyView(one.value),
    summary,
    facts: structuredClone(one.facts) as Record<string, unknown>,
    openedBy,
    openedAt: isoOf(one.openedAt),
    owner: one.owner,
    chain: stepsView(one.chain),
    step: one.step,
    dueAt: one.dueAt === null ? null : isoOf(one.dueAt),
    overdue: one.isOverdue,
    outcome: one.outcome,
    decidedBy: one.decidedBy,
    decidedWhy: one.decidedWhy,
    decidedAt: one.decidedAt === null ? null : isoOf(one.decidedAt),
  };
}

function queuedView({ case: one, people }: QueuedCase): z.input<typeof queuedCaseSchema> {
  return {
    ...caseView(one),
    member: people && { id: people.memberId, ...people.member },
    friend: people && { ...people.friend },
  };
}

/** Why a word on a case changed nothing. */
function refusal(result: Exclude<DeskDecided, { kind: 'decided' }>): HttpProblem {
  switch (result.code) {
    case 'no_such_case':
      return noSuchCase();
    case 'awaits_nobody':
      return isDecided(result.case);
    case 'no_such_member':
      return new HttpProblem('no_such_member', 'This account has no such member.', {
        errors: [{ field: 'memberId', problem: 'must be the id of one of your members' }],
      });
    case 'not_for_this_case':
      return new HttpProblem('invalid_request', 'A case of this kind does not end that way now.', {
        errors: [{ field: 'outcome', problem: `must be one of ${result.allowed.join(', ')}` }],
      });
  }
}

function stepsView(chain: readonly EscalationStep[]) {
  return chain.map(({ to, hours }) => ({ owner: to, hours }));
}

export function caseEventView({ number, kind, by, words: said, at }: CaseEvent): z.input<typeof caseEventSchema> {
  return { number, kind, by, words: said, at: isoOf(at) };
}

const REFUSALS = {
  no_such_referral: 'This account has no such referral.',
  no_such_reward: 'The referral has no such reward.',
  no_such_member: 'This account has no such member.',
} as const;

const noSuchCase = () => new HttpProblem('not_found', 'This account has no such case.');
const isDecided = ({ outcome }: Case) =>
  new HttpProblem('awaits_nobody', `The case is decided (${outcome}); there is nothing more to decide on it.`);

export function cases({ desk, deskEffects, cases: stored, clock }: CasesDeps): Operation[] {
  return [
    operation({
      id: 'listCases',
      tag: 'Cases',
      method: 'get',
      path: '/cases',
      summary: 'List reviews, disputes and alerts, newest first',
      query: z.strictObject({
        ...pageParameters,
        kind: z.enum(CASE_KINDS).optional(),
        state: z.enum(['open', 'decided']).optional(),
        owner: owner.optional(),
        overdue: z
          .literal('true', { error: 'must be "true"; leave it out for all' })
          .transform(() => true as const)
          .optional()
          .meta({ type: 'string', enum: ['true'], description: 'Nobody decided in time, and nobody comes after.' }),
        referralId: referralId.optional(),
        rewardId: rewardId.optional(),
      }),
      statuses: { 200: 'A page of cases.' },
      answer: listOf(caseSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { limit, cursor, ...filter } }) {
        const { items, next } = await stored.list(accountId, pageOf('cases', { limit, cursor }), given(filter));
        return { status: 200, body: { items: items.map(caseView), nextCursor: nextCursorOf('cases', next) } };
      },
    }),
    operation({
      id: 'listCaseQueue',
      tag: 'Cases',
      method: 'get',
      path: '/case-queue',
      summary: 'List open cases in the order in which they are due',
      description: 'Those whose time is over come first. With the people that each is about.',
      query: z.strictObject({
        ...pageParameters,
        kind: z.enum(CASE_KINDS).optional(),
        severity: severity.optional(),
        owner: owners.optional(),
      }),
      statuses: { 200: 'A page of open cases.' },
      answer: listOf(queuedCaseSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { limit, cursor, kind, severity: weight, owner: whose } }) {
        const filter = given({ kind, severity: weight, owners: whose });
        const { items, next } = await stored.queue(accountId, pageOf('case-queue', { limit, cursor }), filter);
        return { status: 200, body: { items: items.map(queuedView), nextCursor: nextCursorOf('case-queue', next) } };
      },
    }),
    operation({
      id: 'getCase',
      tag: 'Cases',
      method: 'get',
      path: '/cases/{caseId}',
      summary: 'Get a case with its history',
      params,
      statuses: { 200: 'The case.' },
      answer: z.strictObject({
        case: caseSchema,
        events: z.array(caseEventSchema),
        outcomes: z.array(z.enum(OUTCOMES)).meta({
          description:
            'How it can end by a person’s word; none once it is decided. A dispute can give the referral to a member as well.',
        }),
      }),
      problems: ['not_found'],
      async handle({ accountId, params: { caseId: id } }) {
        const found = await stored.get(accountId, id);
        if (!found) throw noSuchCase();
        const outcomes = found.case.state === 'open' ? outcomesOf(found.case) : [];
        return { status: 200, body: { case: caseView(found.case), events: found.events.map(caseEventView), outcomes } };
      },
    }),
    operation({
      id: 'commentOnCase',
      tag: 'Cases',
      method: 'post',
      path: '/cases/{caseId}/comments',
      summary: 'Say something about a case',
      params,
      body: z.strictObject({
        words: words.meta({ description: 'Kept for ever: name no person.', example: 'Asked the rep for the invoice.' }),
      }),
      statuses: { 200: 'The case.' },
      answer: caseSchema,
      problems: ['not_found'],
      async handle({ accountId, actor, params: { caseId: id }, body }) {
        const result = await stored.comment(accountId, id, actor, body.words, clock.now());
        if (result.kind === 'no_such_case') throw noSuchCase();
        return { status: 200, body: caseView(result.case) };
      },
    }),
    operation({
      id: 'assignCase',
      tag: 'Cases',
      method: 'post',
      path: '/cases/{caseId}/assign',
      summary: 'Give a case to a role or a person',
      description: 'When its time is over it goes on to whoever is next in its chain all the same.',
      params,
      body: z.strictObject({ owner }),
      statuses: { 200: 'The case.' },
      answer: caseSchema,
      problems: ['not_found', 'awaits_nobody'],
      async handle({ accountId, actor, params: { caseId: id }, body }) {
        const result = await stored.assign(accountId, id, body.owner, actor, clock.now());
        if (result.kind === 'no_such_case') throw noSuchCase();
        if (result.kind === 'awaits_nobody') throw isDecided(result.case);
        return { status: 200, body: caseView(result.case) };
      },
    }),
    operation({
      id: 'decideCase',
      tag: 'Cases',
      method: 'post',
      path: '/cases/{caseId}/decide',
      summary: 'Decide a case',
      description:
        'A review is approved or rejected; what the risk policy refused is allowed or dismissed; a dispute takes its reward back, is upheld or dismissed; an alert is resolved or dismissed. What follows from it is done in the same moment.',
      params,
      body: z.strictObject({ outcome: z.enum(OUTCOMES), why, memberId: toMember }),
      statuses: { 200: 'The case as it is now.' },
      answer: caseSchema,
      problems: ['not_found', 'awaits_nobody', 'invalid_request', 'no_such_member'],
      async handle({ accountId, actor, params: { caseId: id }, body }) {
        const result = await desk.decide(accountId, id, { ...body, by: actor });
        if (result.kind === 'decided') return { status: 200, body: caseView(result.case) };
        throw refusal(result);
      },
    }),
    operation({
      id: 'tryCaseDecision',
      tag: 'Cases',
      method: 'post',
      path: '/cases/{caseId}/effects',
      summary: 'Tell what would follow from a decision, without deciding',
      description:
        'The decision itself, carried out and not written: which rewards change, what is booked and what is ordered. What the CRM’s deals come to when they are judged again afterwards is not foretold.',
      params,
      body: z.strictObject({ outcome: z.enum(OUTCOMES), memberId: toMember }),
      statuses: { 200: 'What would follow.' },
      answer: caseEffectsSchema,
      problems: ['not_found', 'awaits_nobody', 'invalid_request', 'no_such_member'],
      async handle({ accountId, actor, params: { caseId: id }, body }) {
        const tried = await deskEffects(accountId, id, { ...body, by: actor });
        if (tried.kind !== 'would') throw refusal(tried);
        const { plan, before } = tried;
        return {
          status: 200,
          body: {
            outcome: body.outcome,
            rewards: plan.rewards.map((reward) => ({
              rewardId: reward.id,
              party: reward.party,
              beneficiaryId: reward.beneficiaryId,
              money: moneyView(reward.money),
              before: before.get(reward.id)?.state ?? reward.state,
              after: reward.state,
              reversalPending: reward.reversalPending,
            })),
            journals: plan.journals.map(({ kind, rewardId: of, postings }) => ({
              kind,
              rewardId: of,
              postings: postings.map(({ account, ...money }) => ({ account, ...moneyView(money) })),
            })),
            orders: plan.intents.map(({ rewardId: of, provider, kind = 'issue', at }) => ({
              rewardId: of,
              provider,
              kind,
              at: at === null ? null : isoOf(at),
            })),
            withdrawnOrders: plan.cancelledIntentIds.length,
            movesTo: body.outcome === 'reattributed' ? (plan.referrals[0]?.memberId ?? null) : null,
            judgedAgain: plan.wakes.length > 0,
          },
        };
      },
    }),
    operation({
      id: 'decideCases',
      tag: 'Cases',
      method: 'post',
      path: '/case-decisions',
      summary: 'Decide several cases alike',
      description: 'One after the other, each by itself: one that cannot end so stays as it is and says why.',
      body: z.strictObject({
        caseIds: z
          .array(caseId)
          .min(1, 'must not be empty')
          .max(DECIDED_AT_ONCE_MAX, `must be at most ${DECIDED_AT_ONCE_MAX}`)
          .refine((ids) => new Set(ids).size === ids.length, 'must name each once'),
        outcome: z.enum(OUTCOMES),
        why,
      }),
      statuses: { 200: 'What became of each, in the order of the request.' },
      answer: z.strictObject({
        items: z.array(
          z.strictObject({
            caseId,
            result: z.enum(['decided', 'decided_before', 'not_possible']),
            outcome: z.enum(OUTCOMES).nullable().meta({ description: 'As the case stands now.' }),
            decidedBy: z.string().nullable(),
            problem: z.string().nullable(),
          }),
        ),
      }),
      problems: ['no_such_case'],
      async handle({ accountId, actor, body: { caseIds, ...said } }) {
        for (const [index, id] of caseIds.entries())
          if (!(await stored.get(accountId, id)))
            throw new HttpProblem('no_such_case', 'Nothing was decided: this account has no such case.', {
              errors: [{ field: `caseIds[${index}]`, problem: 'must be the id of one of your cases' }],
            });
        const items = [];
        for (const id of caseIds) {
          const result = await desk.decide(accountId, id, { ...said, by: actor });
          const of = 'case' in result ? result.case : null;
          items.push({
            caseId: id,
            result:
              result.kind === 'decided'
                ? ('decided' as const)
                : result.code === 'awaits_nobody'
                  ? ('decided_before' as const)
                  : ('not_possible' as const),
            outcome: of?.outcome ?? null,
            decidedBy: of?.decidedBy ?? null,
            problem: result.kind === 'decided' ? null : refusal(result).message,
          });
        }
        return { status: 200, body: { items } };
      },
    }),
    operation({
      id: 'openDispute',
      tag: 'Cases',
      method: 'post',
      path: '/disputes',
      summary: 'Dispute a referral or a reward',
      description: 'Opens a case, or answers with the open one that says the same.',
      body: z.strictObject({
        referralId,
        rewardId: rewardId.optional().meta({ description: 'One of the referral; without it the referral itself.' }),
        claim: z.enum(CLAIMS),
        memberId: memberId.optional().meta({ description: 'Whose referral it should be.' }),
        words: words.meta({ description: 'Kept for ever: name no person.' }),
        by: z.strictObject({
          role: z.enum(['rep', 'member', 'admin']),
          id: z
            .string()
            .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be an id: the rep's in the CRM, or the member's")
            .meta({ description: 'Who disputes it, by an id and never by a name.' }),
        }),
      }),
      statuses: { 200: 'The same dispute is open.', 201: 'The case.' },
      answer: caseSchema,
      problems: ['no_such_referral', 'no_such_reward', 'no_such_member'],
      async handle({ accountId, body: { rewardId: reward, memberId: member, ...rest } }) {
        const result = await desk.dispute(accountId, { ...rest, rewardId: reward ?? null, memberId: member ?? null });
        if (result.kind !== 'refused')
          return { status: result.kind === 'opened' ? 201 : 200, body: caseView(result.case) };
        throw new HttpProblem(result.code, REFUSALS[result.code]);
      },
    }),
    operation({
      id: 'getCaseChain',
      tag: 'Cases',
      method: 'get',
      path: '/case-chain',
      summary: 'Who has a case, one after the other',
      query: z.strictObject({}),
      statuses: { 200: 'The chain.' },
      answer: chainSchema,
      problems: [],
      async handle({ accountId }) {
        const chain = await stored.chain(accountId);
        return { status: 200, body: { chain: stepsView(chain) } };
      },
    }),
    operation({
      id: 'setCaseChain',
      tag: 'Cases',
      method: 'put',
      path: '/case-chain',
      summary: 'Say who has a case, one after the other, and for how long',
      description:
        'For cases that are opened from now on. A case that nobody decided stays open at the end of its chain.',
      body: chainSchema,
      statuses: { 200: 'The chain.' },
      answer: chainSchema,
      problems: [],
      async handle({ accountId, body }) {
        const chain = body.chain.map(({ owner: to, hours }) => ({ to, hours }));
        await stored.setChain(accountId, chain, clock.now());
        return { status: 200, body };
      },
    }),
    operation({
      id: 'getRiskSignals',
      tag: 'Cases',
      method: 'get',
      path: '/risk/signals',
      summary: 'How often each signal of risk was right',
      description:
        'By what people decided on rewards: a signal that was raised on one that was found good was wrong, and so was one that was silent on one that was rejected or taken back.',
      query: z.strictObject({ from: moment.optional(), to: moment.optional() }),
      statuses: { 200: 'Counts and rates.' },
      answer: signalCountsSchema,
      problems: ['invalid_request'],
      async handle({ accountId, query }) {
        const to = query.to === undefined ? clock.now() + 1 : Date.parse(query.to);
        const from = query.from === undefined ? to - RATES_DAYS_DEFAULT * DAY_MS : Date.parse(query.from);
        if (from >= to)
          throw new HttpProblem('invalid_request', 'The time ends before it begins.', {
            errors: [{ field: 'from', problem: 'must be before "to"' }],
          });
        const { signals, judged, bad } = await stored.signalCounts(accountId, from, to);
        return {
          status: 200,
          body: {
            from: isoOf(from),
            to: isoOf(to),
            judged,
            bad,
            signals: signals.map(({ signal, raised, confirmed, overturned }) => {
              const missed = bad - confirmed;
              const [good, wrong] = [judged - bad, overturned];
              return {
                signal,
                raised,
                confirmed,
                overturned,
                missed,
                falsePositiveRate: good === 0 ? null : rate(wrong, good),
                falseNegativeRate: bad === 0 ? null : rate(missed, bad),
              };
            }),
          },
        };
      },
    }),
  ];
}

/** To four places: more would be a promise that few cases cannot keep. */
function rate(part: number, whole: number): number {
  return Math.round((part / whole) * 10_000) / 10_000;
}
