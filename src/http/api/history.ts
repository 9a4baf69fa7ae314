import { z } from 'zod';
import { readDealNames } from '../../application/deal-names.ts';
import type { History, ReleaseTurned } from '../../application/history.ts';
import type { HistoryRelease, HistoryStore, ReadStore } from '../../application/ports/store.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { given, idOf, listOf, nextCursorOf, ownKey, pageOf, pageParameters, sentence, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { decisionId, decisionSchema, money } from './schemas.ts';
import { decisionView, moneyView } from './views.ts';

/** What a person picks by hand; all of a rule needs no list. */
const PICKED_MAX = 500;
const WHY_LENGTH_MAX = 500;

const programId = z
  .string('must be text')
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be the key of a program: lower case letters, digits and dashes')
  .meta({ example: 'default' });

/** Where credit is shared, the other member's rule has a sign of its own. */
const ruleKey = z
  .string('must be text')
  .regex(/^[a-z][a-z0-9-]{0,62}(\+assist)?$/, 'must be the key of a rule, as the list of history shows it')
  .meta({ example: 'member-won' });

const releaseId = idOf('rel', 'a release');

const filters = { programId: programId.optional(), ruleKey: ruleKey.optional() };

const totalSchema = z
  .strictObject({ programId: z.string(), ruleKey: z.string(), count: z.int(), money })
  .meta({ id: 'HistoryTotal', description: 'What one rule would have paid, before limits and budget.' });

const releaseSchema = z
  .strictObject({
    id: releaseId,
    programId: z.string(),
    ruleKey: z.string(),
    decisionIds: z
      .array(decisionId)
      .nullable()
      .meta({ description: 'Null: everything that the rule would have paid.' }),
    askedFor: z
      .array(z.strictObject({ count: z.int(), money }))
      .meta({ description: 'What it came to when it was asked for, before limits and budget.' }),
    state: z.enum(['asked', 'running', 'done', 'cancelled']).meta({
      description: 'asked: another person has to approve it, as the account wants it for what is published.',
    }),
    released: z.int().meta({ description: 'Decisions that are judged again; what they come to, their chains tell.' }),
    passedOver: z.int().meta({ description: 'No history any more when their turn came.' }),
    why: z.string(),
    askedBy: z.string(),
    askedAt: time,
    approvedBy: z.string().nullable(),
    updatedAt: time,
  })
  .meta({ id: 'HistoryRelease', description: "A person's word that history is paid." });

export interface HistoryApiDeps {
  readonly history: Pick<History, 'release' | 'approve' | 'cancel' | 'table'>;
  readonly storedHistory: Pick<HistoryStore, 'list' | 'totals' | 'release' | 'releases'>;
  readonly reads: Pick<ReadStore, 'deals'>;
}

export function history({ history: use, storedHistory, reads }: HistoryApiDeps): Operation[] {
  const turning = (name: 'approve' | 'cancel', summary: string, description: string) =>
    operation({
      id: `${name}HistoryRelease`,
      tag: 'History',
      method: 'post',
      path: `/history/releases/{releaseId}/${name}`,
      summary,
      description,
      params: z.strictObject({ releaseId }),
      body: z.strictObject({}),
      statuses: { 200: 'The release.' },
      answer: releaseSchema,
      problems: name === 'approve' ? ['not_found', 'same_person', 'not_possible'] : ['not_found', 'not_possible'],
      async handle({ accountId, actor, params }) {
        const turned =
          name === 'approve'
            ? await use.approve(accountId, params.releaseId, actor)
            : await use.cancel(accountId, params.releaseId);
        return { status: 200, body: releaseView(releaseOf(turned)) };
      },
    });

  return [
    operation({
      id: 'listHistory',
      tag: 'History',
      method: 'get',
      path: '/history',
      summary: 'List what would have been paid for what was won before, newest decision first',
      description:
        'Deals that were won before the program or the connection began are never paid by themselves. Each that a rule would have paid is listed here until it is released, lost or deleted.',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'A page of decisions.' },
      answer: listOf(decisionSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { programId: program, ruleKey: rule, ...page } }) {
        const of = given({ programId: program, ruleKey: rule });
        const { items, next } = await storedHistory.list(accountId, pageOf('history', page), of);
        const names = await readDealNames(
          reads,
          accountId,
          items.map(({ deal }) => deal),
        );
        return {
          status: 200,
          body: { items: items.map((item) => decisionView(item, names)), nextCursor: nextCursorOf('history', next) },
        };
      },
    }),
    operation({
      id: 'sumHistory',
      tag: 'History',
      method: 'get',
      path: '/history/totals',
      summary: 'Sum up what would have been paid, by rule and currency',
      query: z.strictObject(filters),
      statuses: { 200: 'A sum for each rule and currency.' },
      answer: z.strictObject({ items: z.array(totalSchema) }),
      problems: [],
      async handle({ accountId, query: { programId: program, ruleKey: rule } }) {
        const totals = await storedHistory.totals(accountId, given({ programId: program, ruleKey: rule }));
        return { status: 200, body: { items: totals.map((one) => ({ ...one, money: moneyView(one.money) })) } };
      },
    }),
    operation({
      id: 'exportHistory',
      tag: 'History',
      method: 'get',
      path: '/history/csv',
      summary: 'Get what would have been paid as CSV',
      description: 'Safe to open in a spreadsheet: no field is taken for a formula.',
      query: z.strictObject(filters),
      statuses: { 200: 'The rows, up to 100,000 of them.' },
      answer: z
        .strictObject({ csv: z.string(), isWhole: z.boolean().meta({ description: 'False when there are more.' }) })
        .meta({ id: 'HistoryExport' }),
      problems: [],
      async handle({ accountId, query: { programId: program, ruleKey: rule } }) {
        const table = await use.table(accountId, given({ programId: program, ruleKey: rule }));
        return { status: 200, body: table };
      },
    }),
    operation({
      id: 'releaseHistory',
      tag: 'History',
      method: 'post',
      path: '/history/releases',
      summary: 'Let history of one rule be paid',
      description:
        'Everything that the rule would have paid, as recorded by now, or a selection of it. Each is judged again by everything else: limits, budget, holds, reviews and risk. A decision is released once, however often it is asked for.',
      body: z.strictObject({
        id: ownKey('release'),
        programId,
        ruleKey,
        decisionIds: z
          .array(decisionId)
          .min(1, 'must not be empty; leave it out for everything')
          .max(PICKED_MAX, `must be at most ${PICKED_MAX}`)
          .optional(),
        why: sentence(WHY_LENGTH_MAX),
      }),
      statuses: { 201: 'It is kept, and carried out now or when another person approves it.', 200: 'It was known.' },
      answer: releaseSchema,
      problems: ['other_entry', 'nothing_to_release'],
      async handle({ accountId, actor, body: { id, programId: program, ruleKey: rule, decisionIds, why } }) {
        const asked = await use.release(accountId, {
          id: `rel_${id}`,
          programId: program,
          ruleKey: rule,
          decisionIds: decisionIds ?? null,
          why,
          by: actor,
        });
        if (asked.kind === 'refused')
          throw asked.code === 'other'
            ? new HttpProblem('other_entry', 'A release of this id was asked for with another rule or selection.', {
                errors: [{ field: 'id', problem: 'must be a new one, or that of the very same release' }],
              })
            : new HttpProblem('nothing_to_release', 'Nothing of this rule would have been paid and waits.', {
                errors: [{ field: 'ruleKey', problem: 'must be a rule that the list of history shows' }],
              });
        return { status: asked.kind === 'asked' ? 201 : 200, body: releaseView(asked.release) };
      },
    }),
    operation({
      id: 'listHistoryReleases',
      tag: 'History',
      method: 'get',
      path: '/history/releases',
      summary: 'List releases, newest first',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of releases.' },
      answer: listOf(releaseSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await storedHistory.releases(accountId, pageOf('releases', query));
        return { status: 200, body: { items: items.map(releaseView), nextCursor: nextCursorOf('releases', next) } };
      },
    }),
    operation({
      id: 'getHistoryRelease',
      tag: 'History',
      method: 'get',
      path: '/history/releases/{releaseId}',
      summary: 'Get a release',
      params: z.strictObject({ releaseId }),
      statuses: { 200: 'The release.' },
      answer: releaseSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const release = await storedHistory.release(accountId, params.releaseId);
        if (!release) throw noSuchRelease();
        return { status: 200, body: releaseView(release) };
      },
    }),
    turning('approve', 'Approve a release', 'By another person than the one who asked for it.'),
    turning('cancel', 'End a release', 'What was released already stays released.'),
  ];
}

function releaseOf(turned: ReleaseTurned): HistoryRelease {
  if (turned.kind === 'turned') return turned.release;
  switch (turned.code) {
    case 'no_such_release':
      throw noSuchRelease();
    case 'same_person':
      throw new HttpProblem('same_person', 'Who asked for it does not approve it.');
    case 'not_possible':
      throw new HttpProblem('not_possible', `The release is ${turned.release.state}.`);
  }
}

function noSuchRelease(): HttpProblem {
  return new HttpProblem('not_found', 'This account has no such release.');
}

function releaseView(release: HistoryRelease): z.input<typeof releaseSchema> {
  return {
    id: release.id,
    programId: release.programId,
    ruleKey: release.ruleKey,
    decisionIds: release.decisionIds === null ? null : [...release.decisionIds],
    askedFor: release.askedFor.map(({ count, money: sum }) => ({ count, money: moneyView(sum) })),
    state: release.state,
    released: release.released,
    passedOver: release.passedOver,
    why: release.why,
    askedBy: release.askedBy,
    askedAt: isoOf(release.askedAt),
    approvedBy: release.approvedBy,
    updatedAt: isoOf(release.updatedAt),
  };
}
