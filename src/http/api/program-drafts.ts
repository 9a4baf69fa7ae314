import { z } from 'zod';
import type { ProgramDraftStore } from '../../application/ports/store.ts';
import { programDocument } from '../../application/program-document.ts';
import type { Publish } from '../../application/publish.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { seenDryRun } from './dry-runs.ts';
import { type Operation, operation } from './operation.ts';
import { programParams, publishedOf } from './programs.ts';
import { programDraftSchema, programSchema } from './schemas.ts';
import { programDraftView, programView } from './views.ts';

export interface ProgramDraftsDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly programDrafts: ProgramDraftStore;
  readonly publish: Publish;
}

const revision = z.int().min(0).meta({ description: 'The revision that you have read; 0 for a draft that is new.' });

/** A sentence for those who come after. */
const WHY_LENGTH_MAX = 300;

function changed(): HttpProblem {
  return new HttpProblem(
    'draft_changed',
    'Somebody has changed the draft since you read it. Read it again, and put your change on top of theirs.',
  );
}

export function programDrafts({ clock, programDrafts: drafts, publish }: ProgramDraftsDeps): Operation[] {
  return [
    operation({
      id: 'listProgramDrafts',
      tag: 'Programs',
      method: 'get',
      path: '/programs/drafts',
      summary: 'List the drafts that people are working on',
      query: z.strictObject({}),
      statuses: { 200: 'All drafts, by program.' },
      answer: z.strictObject({ items: z.array(programDraftSchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await drafts.list(accountId)).map(programDraftView) } };
      },
    }),
    operation({
      id: 'getProgramDraft',
      tag: 'Programs',
      method: 'get',
      path: '/programs/{programId}/draft',
      summary: "Get a program's draft",
      params: programParams,
      statuses: { 200: 'The draft.' },
      answer: programDraftSchema,
      problems: ['not_found'],
      async handle({ accountId, params: { programId } }) {
        const draft = await drafts.get(accountId, programId);
        if (!draft) throw new HttpProblem('not_found', 'This program has no draft.');
        return { status: 200, body: programDraftView(draft) };
      },
    }),
    operation({
      id: 'saveProgramDraft',
      tag: 'Programs',
      method: 'put',
      path: '/programs/{programId}/draft',
      summary: 'Save a draft',
      description:
        'Nothing is decided by a draft. Name the revision that you have read: when somebody has saved another one meanwhile, yours is refused and nothing is lost.',
      params: programParams,
      body: z.strictObject({ revision, program: programDocument }),
      statuses: { 200: 'The draft as it stands now.' },
      answer: programDraftSchema,
      problems: ['draft_changed'],
      async handle({ accountId, actor, params: { programId }, body }) {
        if (body.program.programId !== programId)
          throw new HttpProblem('invalid_request', 'The draft is of another program.', {
            errors: [{ field: 'program.programId', problem: `must be ${programId}, as in the address` }],
          });
        const as = { revision: body.revision, by: actor, now: clock.now() };
        const result = await drafts.save(accountId, body.program, as);
        if (result.kind === 'changed') throw changed();
        return { status: 200, body: programDraftView(result.draft) };
      },
    }),
    operation({
      id: 'discardProgramDraft',
      tag: 'Programs',
      method: 'post',
      path: '/programs/{programId}/draft/discard',
      summary: 'Throw a draft away',
      params: programParams,
      body: z.strictObject({ revision: revision.min(1) }),
      statuses: { 200: 'The draft as it was.' },
      answer: programDraftSchema,
      problems: ['not_found', 'draft_changed'],
      async handle({ accountId, params: { programId }, body }) {
        const draft = await drafts.get(accountId, programId);
        if (!draft) throw new HttpProblem('not_found', 'This program has no draft.');
        if (!(await drafts.discard(accountId, programId, body.revision))) throw changed();
        return { status: 200, body: programDraftView(draft) };
      },
    }),
    operation({
      id: 'publishProgramDraft',
      tag: 'Programs',
      method: 'post',
      path: '/programs/{programId}/draft/publish',
      summary: 'Publish a draft',
      description:
        'Adds the next version and ends the draft, in one step. Where the account asks for a second person, nobody who has had a hand in the draft can publish it: it takes the key of another one.',
      params: programParams,
      body: z.strictObject({ revision: revision.min(1), ...seenDryRun }),
      statuses: { 200: 'The version in force.' },
      answer: programSchema,
      problems: ['not_found', 'draft_changed', 'second_person', 'no_such_dry_run', 'other_draft'],
      async handle({ accountId, actor, params: { programId }, body }) {
        const publisher = { by: actor, dryRunId: body.dryRunId ?? null };
        const result = await publish.publishDraft(accountId, programId, body.revision, publisher);
        return { status: 200, body: programView(publishedOf(result)) };
      },
    }),
    operation({
      id: 'retireProgram',
      tag: 'Programs',
      method: 'post',
      path: '/programs/{programId}/retire',
      summary: 'End a program',
      description:
        'Adds a version without rules: deals that are won from now on are rewarded by nothing. What was granted before runs on, is paid and is taken back as its own version says. Publishing the program again opens it again.',
      params: programParams,
      body: z.strictObject({ why: z.string().trim().min(1).max(WHY_LENGTH_MAX) }),
      statuses: { 200: 'The version that ended it.' },
      answer: programSchema,
      problems: ['not_found'],
      async handle({ accountId, actor, params: { programId }, body }) {
        const version = await publish.retire(accountId, programId, actor, body.why);
        if (!version) throw new HttpProblem('not_found', 'This account has no such program.');
        return { status: 200, body: programView(version) };
      },
    }),
  ];
}
