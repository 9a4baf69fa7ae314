import { z } from 'zod';
import { readDealNames } from '../../application/deal-names.ts';
import type { ReadStore, TestRun } from '../../application/ports/store.ts';
import { TEST_END_REASONS } from '../../application/ports/store.ts';
import {
  TEST_STEPS,
  type TestMember,
  type TestRefusal,
  type TestRuns,
  type TestRunView,
} from '../../application/test-runs.ts';
import { reasonText } from '../../domain/reason.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import type { ProblemCode } from '../problem-codes.ts';
import { email, idOf, listOf, nextCursorOf, pageOf, pageParameters, recordId, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { programParams } from './programs.ts';
import { connectionId, decisionSchema, memberId, referralId, rewardSchema } from './schemas.ts';
import { decisionView, rewardView } from './views.ts';

const testRunId = idOf('tst', 'a test');

const testRunSchema = z
  .strictObject({
    id: testRunId,
    connectionId,
    programId: z.string(),
    programName: z.string(),
    origin: z.enum(['draft', 'published']),
    revision: z.int().meta({ description: 'Of the draft, or the version that was published.' }),
    skipsWaits: z.boolean(),
    friendContactId: recordId,
    state: z.enum(['running', 'ending', 'ended']).meta({ description: 'ending: what it granted is being taken back.' }),
    startedBy: z.string(),
    startedAt: time,
    endsAt: time.meta({ description: 'It ends by itself then.' }),
    endReason: z.enum(TEST_END_REASONS).nullable(),
    endedBy: z.string().nullable(),
    endedAt: time.nullable(),
  })
  .meta({ id: 'TestRun', description: 'A program tried out for real in a connection. Nobody gets anything.' });

const person = z.strictObject({ name: z.string().nullable(), email: z.string().nullable() });

const detailSchema = testRunSchema
  .extend({
    member: person.extend({ id: memberId }).nullable(),
    referral: z
      .strictObject({
        id: referralId,
        friend: person,
        stage: z.string(),
        reason: z.strictObject({ code: z.string(), text: z.string() }),
      })
      .nullable()
      .meta({ description: 'The referral of the test. No list of the account shows it.' }),
    steps: z
      .array(z.strictObject({ step: z.enum(TEST_STEPS), at: time.nullable() }))
      .meta({ description: 'From the submission to what the CRM shows, in order; null: not yet.' }),
    decisions: z.array(decisionSchema).meta({ description: 'The newest of each rule on each deal.' }),
    rewards: z.array(
      z.strictObject({
        reward: rewardSchema,
        wouldOrderFrom: z
          .string()
          .nullable()
          .meta({ description: 'The provider that would be asked for it in real life.', example: 'credit' }),
      }),
    ),
    records: z
      .array(
        z.strictObject({
          object: z.enum(['contact', 'deal', 'company']),
          id: recordId,
          name: z.string().nullable(),
          url: z.string().nullable(),
        }),
      )
      .meta({ description: 'Where the friend and the deals are found in the CRM.' }),
  })
  .meta({ id: 'TestRunDetail' });

const startSchema = z
  .strictObject({
    connectionId,
    programId: programParams.shape.programId,
    origin: z.enum(['draft', 'published']).optional().meta({
      description: 'What is tried; left out: the draft where there is one, otherwise what is in force.',
    }),
    friendContactId: recordId
      .optional()
      .meta({ description: 'The friend: a contact of the CRM who was never referred, by its id there.' }),
    friendEmail: email.optional().meta({ description: 'The same by the e-mail address.' }),
    member: z.enum(['self', 'member', 'test']).optional().meta({
      description:
        'Who refers: who starts the test (self, also when left out; with an API key it is a test member), a member of the account, or somebody who is there for this test alone. Nobody is told and nobody gets anything.',
    }),
    memberEmail: email.optional().meta({ description: 'Of the member, with member "member".' }),
    skipsWaits: z.boolean().optional().meta({
      description:
        'Holds, days of payment, reviews and risk are passed over, so that the reward is seen at once; left out: true.',
    }),
  })
  .refine((asked) => (asked.friendContactId === undefined) !== (asked.friendEmail === undefined), {
    path: ['friendContactId'],
    error: 'must be given, or friendEmail instead',
  })
  .refine((asked) => (asked.member === 'member') === (asked.memberEmail !== undefined), {
    path: ['memberEmail'],
    error: 'must be given with member "member", and with no other',
  });

const REFUSALS: Readonly<Record<TestRefusal, readonly [ProblemCode, string]>> = {
  no_such_connection: ['no_such_connection', 'This account has no such connection.'],
  not_connected: ['connection_lost', 'The CRM is not connected. Connect it again first.'],
  other_open: ['not_possible', 'A test of this connection is not over. End it first.'],
  no_program: ['no_program', 'There is no such draft, and no such program in force.'],
  no_such_contact: ['no_such_friend', 'The CRM has no such contact. Create it there first.'],
  several_contacts: ['no_such_friend', 'Several contacts of the CRM have this address. Name one by friendContactId.'],
  friend_is_referred: [
    'no_such_friend',
    'This contact was really referred: what their deals pay is no test. Choose another one.',
  ],
  no_such_member: ['no_such_member', 'This account has no member with this e-mail address.'],
  self_referral: ['self_referral', 'The member and the friend have the same e-mail address.'],
};

export interface TestRunsApiDeps {
  readonly testRuns: Pick<TestRuns, 'start' | 'list' | 'view' | 'end'>;
  readonly reads: Pick<ReadStore, 'deals'>;
}

export function testRuns({ testRuns: use, reads }: TestRunsApiDeps): Operation[] {
  const none = () => new HttpProblem('not_found', 'This account has no such test.');

  async function detail(accountId: string, id: string) {
    const view = await use.view(accountId, id);
    if (!view) throw none();
    const deals = [...view.decisions, ...view.rewards.map(({ reward }) => reward)].map(({ deal }) => deal);
    return detailView(view, await readDealNames(reads, view.run.testAccountId, deals));
  }

  return [
    operation({
      id: 'listTestRuns',
      tag: 'Test runs',
      method: 'get',
      path: '/test-runs',
      summary: 'List the tests of programs, newest first',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of tests.' },
      answer: listOf(testRunSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await use.list(accountId, pageOf('test-runs', query));
        return { status: 200, body: { items: items.map(runView), nextCursor: nextCursorOf('test-runs', next) } };
      },
    }),
    operation({
      id: 'startTestRun',
      tag: 'Test runs',
      method: 'post',
      path: '/test-runs',
      summary: 'Try out a program for real',
      description:
        'A referral is submitted for a contact of the CRM. Move a deal of that contact to a won stage there: it is read, decided on, booked, answered by a provider that gives nothing, and shown in the CRM, marked as a test. No list, sum, limit, budget, tier, case or webhook of the account knows of it. One at a time for a connection; it ends by itself after seven days.',
      body: startSchema,
      statuses: { 201: 'The test runs.', 200: 'It was begun before, and runs.' },
      answer: testRunSchema,
      problems: [
        'no_such_connection',
        'connection_lost',
        'not_possible',
        'no_program',
        'no_such_friend',
        'no_such_member',
        'self_referral',
        'crm_refused',
        'try_again',
      ],
      async handle({ accountId, actor, body }) {
        const started = await use.start(accountId, {
          ...{ connectionId: body.connectionId, programId: body.programId, origin: body.origin },
          friend:
            body.friendContactId === undefined
              ? { email: body.friendEmail ?? '' }
              : { contactId: body.friendContactId },
          member: memberFor(body, actor),
          skipsWaits: body.skipsWaits ?? true,
          by: actor,
        });
        if (started.kind === 'refused') throw new HttpProblem(...REFUSALS[started.code]);
        return { status: started.kind === 'started' ? 201 : 200, body: runView(started.run) };
      },
    }),
    operation({
      id: 'getTestRun',
      tag: 'Test runs',
      method: 'get',
      path: '/test-runs/{testRunId}',
      summary: 'Tell how far a test is, and what it shows',
      params: z.strictObject({ testRunId }),
      statuses: { 200: 'The test.' },
      answer: detailSchema,
      problems: ['not_found'],
      handle: async ({ accountId, params }) => ({ status: 200, body: await detail(accountId, params.testRunId) }),
    }),
    operation({
      id: 'endTestRun',
      tag: 'Test runs',
      method: 'post',
      path: '/test-runs/{testRunId}/end',
      summary: 'End a test and take all of it back',
      description:
        'What it granted is taken back in its own books, and what the CRM shows of it is written as it would be without it. Ended again it stays as it is.',
      params: z.strictObject({ testRunId }),
      body: z.strictObject({}),
      statuses: { 200: 'The test, which has ended or is ending.' },
      answer: testRunSchema,
      problems: ['not_found'],
      async handle({ accountId, actor, params }) {
        const run = await use.end(accountId, params.testRunId, actor);
        if (!run) throw none();
        return { status: 200, body: runView(run) };
      },
    }),
  ];
}

function memberFor({ member, memberEmail }: z.output<typeof startSchema>, actor: string): TestMember {
  if (member === 'member') return { kind: 'member', email: memberEmail ?? '' };
  // Whoever comes with an API key has a label and no address.
  if (member === 'test' || !email.safeParse(actor).success) return { kind: 'test' };
  return { kind: 'self', email: actor };
}

function runView({ startedAt, endsAt, endedAt, ...run }: TestRun): z.input<typeof testRunSchema> {
  const { id, connectionId: connection, programId: program, programName, origin, revision, skipsWaits } = run;
  return {
    ...{ id, connectionId: connection, programId: program, programName, origin, revision, skipsWaits },
    friendContactId: run.friendContactId,
    state: run.state,
    startedBy: run.startedBy,
    startedAt: isoOf(startedAt),
    endsAt: isoOf(endsAt),
    endReason: run.endReason,
    endedBy: run.endedBy,
    endedAt: endedAt === null ? null : isoOf(endedAt),
  };
}

function detailView(
  { run, member, referral, steps, decisions, rewards, records }: TestRunView,
  names: Parameters<typeof decisionView>[1],
): z.input<typeof detailSchema> {
  const at = (when: number | null) => (when === null ? null : isoOf(when));
  return {
    ...runView(run),
    member: member && { id: member.id, name: member.name, email: member.email },
    referral: referral && {
      id: referral.id,
      friend: { name: referral.friend.name, email: referral.friend.email },
      stage: referral.stage,
      reason: { code: referral.reason.code, text: reasonText(referral.reason, names) },
    },
    steps: TEST_STEPS.map((step) => ({ step, at: at(steps[step]) })),
    decisions: decisions.map((one) => decisionView(one, names)),
    rewards: rewards.map(({ reward, provider }) => ({ reward: rewardView(reward, names), wouldOrderFrom: provider })),
    records: records.map(({ record, name, url }) => ({ object: record.object, id: record.id, name, url })),
  };
}
