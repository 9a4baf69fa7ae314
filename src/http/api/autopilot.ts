import { z } from 'zod';
import { type Autopilot, isInForce, type ProposalRefusal } from '../../application/autopilot.ts';
import type { Mappings } from '../../application/mapping.ts';
import { mappingDocument } from '../../application/mapping-document.ts';
import { type KeptProposal, PROPOSAL_STATES, type ReadStore } from '../../application/ports/store.ts';
import { MAPPABLE_STAGES } from '../../domain/mapping.ts';
import {
  CONFIDENCES,
  coveragePercent,
  draftOf,
  EVIDENCE_CODES,
  UNCERTAIN_CODES,
} from '../../domain/mapping-proposal.ts';
import { OWNER_SUGGESTIONS } from '../../domain/owner-proposal.ts';
import { isoOf } from '../../domain/time.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, periodOf, periodParameters, time } from './fields.ts';
import { mappingRefused } from './mapping.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId, dryRunId, memberId, policyDryRunSchema } from './schemas.ts';
import { policyDryRunView } from './views.ts';

export interface AutopilotDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly autopilot: Autopilot;
  readonly mappings: Mappings;
  readonly reads: Pick<ReadStore, 'member'>;
}

/** Longer than this nobody remembers what was put off. */
const POSTPONED_DAYS_MAX = 366;
const DAY_MS = 86_400_000;

const means = z.enum(MAPPABLE_STAGES);
const count = z.int().min(0);

const coverageSchema = z
  .strictObject({
    deals: count.meta({ description: 'Sampled deals that stand here.' }),
    throughMapped: count.meta({ description: 'Those that passed at least one stage whose meaning is clear.' }),
    percent: z.int().min(0).max(100).nullable().meta({
      description: '`throughMapped` of a hundred `deals`, rounded down; null where there are none.',
    }),
    clear: count.meta({ description: 'Those that stand in such a stage now.' }),
    won: count,
    lost: count,
    open: count,
    throughGone: count.meta({ description: 'Those that were ever in a stage that the CRM has no more.' }),
  })
  .meta({ id: 'MappingCoverage', description: 'Exact counts over the sampled deals.' });

const proposalSchema = z
  .strictObject({
    id: idOf('mpp', 'a proposed mapping'),
    connectionId,
    state: z.enum(PROPOSAL_STATES),
    inForce: z.boolean().meta({ description: 'What was accepted is what holds.' }),
    basis: z.string().meta({ description: 'The version of the mapping in force when it was made.' }),
    sample: z.strictObject({
      from: time,
      to: time,
      deals: count.meta({ description: 'Deals created within that time that it was made of.' }),
      total: count.nullable().meta({ description: 'How many there are; null when the CRM did not say.' }),
      complete: z.boolean(),
    }),
    coverage: coverageSchema,
    pipelines: z.array(
      z.strictObject({
        id: z.string(),
        label: z.string(),
        coverage: coverageSchema,
        stages: z.array(
          z.strictObject({
            id: z.string(),
            label: z.string(),
            stage: means.meta({ description: 'What it is proposed to mean.' }),
            byMetadata: means,
            isSaid: z.boolean().meta({ description: 'An admin has said so before; that stands.' }),
            confidence: z.enum(CONFIDENCES),
            figures: z.strictObject({
              position: z.int().min(1),
              of: z.int().min(1),
              deals: count,
              present: count,
              won: count,
              lost: count,
              medianHours: count.nullable(),
              resting: count,
            }),
            evidence: z.array(z.strictObject({ code: z.enum(EVIDENCE_CODES), text: z.string() })),
          }),
        ),
      }),
    ),
    uncertain: z.array(
      z.strictObject({
        code: z.enum(UNCERTAIN_CODES),
        pipelineId: z.string(),
        stageId: z.string().nullable(),
        deals: count,
        text: z.string(),
      }),
    ),
    owners: z
      .strictObject({
        deals: count.meta({ description: 'Sampled deals of the pipelines in which some stage is won.' }),
        withoutOwner: count,
        owners: z.array(
          z.strictObject({
            id: z.string().meta({ description: "The CRM's own id." }),
            name: z.string().nullable(),
            memberId: memberId.nullable().meta({ description: 'The member with the same e-mail address.' }),
            isActive: z.boolean(),
            deals: count,
            open: count,
            won: count,
            pipelines: z.array(z.strictObject({ id: z.string(), label: z.string(), deals: count })),
          }),
        ),
        others: count.meta({ description: 'Owners with fewer deals, who are not listed.' }),
        suggestions: z.array(
          z.strictObject({
            kind: z.enum(OWNER_SUGGESTIONS).meta({
              description:
                'staff: PUT /members/{memberId}/recruiter says that they are your own · tasks: `notifications` of the app settings say whose the tasks of cases are. Neither is done by itself.',
            }),
            ownerId: z.string(),
            memberId: memberId.nullable(),
            text: z.string(),
          }),
        ),
      })
      .nullable()
      .meta({ description: 'Who owns these deals now; null where the CRM does not say.' }),
    draft: z
      .array(z.strictObject({ pipelineId: z.string(), stageId: z.string(), stage: means }))
      .meta({ description: 'What PUT /connections/{connectionId}/mapping takes as `stages`.' }),
    dryRunId: dryRunId.nullable(),
    postponedUntil: time.nullable(),
    madeBy: z.string(),
    madeAt: time,
    changedBy: z.string(),
    changedAt: time,
  })
  .meta({ id: 'MappingProposal', description: 'What the stages of a CRM should mean, and why.' });

type CoverageOf = KeptProposal['proposal']['coverage'];
const coverageView = (coverage: CoverageOf) => ({ ...coverage, percent: coveragePercent(coverage) });

/** `nameOf`: a member's name as it is now, so that who was forgotten is not named by an old proposal. */
function proposalView(
  kept: KeptProposal,
  inForce: boolean,
  nameOf: ReadonlyMap<string, string | null>,
): z.input<typeof proposalSchema> {
  const { proposal } = kept;
  const labelOf = new Map(proposal.pipelines.map(({ pipelineId, label }) => [pipelineId, label]));
  const { from, to, deals, total, isComplete } = proposal.sample;
  return {
    id: kept.id,
    connectionId: kept.connectionId,
    state: kept.state,
    inForce,
    basis: kept.basis,
    sample: { from: isoOf(from), to: isoOf(to), deals, total, complete: isComplete },
    coverage: coverageView(proposal.coverage),
    pipelines: proposal.pipelines.map(({ pipelineId, label, coverage, stages }) => ({
      id: pipelineId,
      label,
      coverage: coverageView(coverage),
      stages: stages.map(({ stageId, evidence, ...stage }) => ({
        id: stageId,
        label: stage.label,
        stage: stage.stage,
        byMetadata: stage.byMetadata,
        isSaid: stage.isSaid,
        confidence: stage.confidence,
        figures: { ...stage.figures },
        evidence: evidence.map(({ code, text }) => ({ code, text })),
      })),
    })),
    uncertain: proposal.uncertain.map(({ code, pipelineId, stageId, deals: concerned, text }) => ({
      code,
      pipelineId,
      stageId,
      deals: concerned,
      text,
    })),
    owners: proposal.owners
      ? {
          ...proposal.owners,
          owners: proposal.owners.owners.map(({ ownerId, name, memberId: member, pipelines, ...owner }) => ({
            ...owner,
            id: ownerId,
            name: member === null ? name : (nameOf.get(member) ?? null),
            memberId: member,
            pipelines: pipelines.map((one) => ({
              id: one.pipelineId,
              label: labelOf.get(one.pipelineId) ?? one.pipelineId,
              deals: one.deals,
            })),
          })),
          suggestions: proposal.owners.suggestions.map((one) => ({ ...one })),
        }
      : null,
    draft: (kept.draft ?? draftOf(proposal)).map(({ pipelineId, stageId, stage }) => ({ pipelineId, stageId, stage })),
    dryRunId: kept.dryRunId,
    postponedUntil: kept.postponedUntil === null ? null : isoOf(kept.postponedUntil),
    madeBy: kept.madeBy,
    madeAt: isoOf(kept.madeAt),
    changedBy: kept.changedBy,
    changedAt: isoOf(kept.changedAt),
  };
}

function refused(refusal: ProposalRefusal): HttpProblem {
  switch (refusal.kind) {
    case 'no_such_connection':
      return new HttpProblem('not_found', 'This account has no such connection.');
    case 'no_proposal':
      return new HttpProblem(
        'not_found',
        'No mapping was proposed for this connection yet: POST /connections/{connectionId}/mapping/proposal makes one.',
      );
    case 'changed':
      return new HttpProblem('mapping_changed', 'Somebody else has answered it at the same moment. Read it again.');
  }
}

const isRefusal = (found: KeptProposal | ProposalRefusal): found is ProposalRefusal => 'kind' in found;

/** What the stages of a CRM should mean, proposed from its metadata and its past deals. */
export function autopilot({ clock, autopilot: pilot, mappings, reads }: AutopilotDeps): Operation[] {
  async function viewOf(accountId: string, kept: KeptProposal) {
    const names = new Map<string, string | null>();
    for (const { memberId: id } of kept.proposal.owners?.owners ?? [])
      if (id !== null) names.set(id, (await reads.member(accountId, id))?.name ?? null);
    return proposalView(kept, isInForce(kept, await mappings.of(accountId, kept.connectionId)), names);
  }
  const params = z.strictObject({ connectionId });
  const path = '/connections/{connectionId}/mapping/proposal';
  return [
    operation({
      id: 'proposeStageMapping',
      tag: 'Connections',
      method: 'post',
      path,
      summary: 'Have a mapping proposed',
      description:
        'Reads the pipelines and a sample of the deals of the last year from the CRM, and proposes what each stage means, with its evidence, its coverage and what it is unsure of. Takes some seconds, and changes nothing.',
      params,
      statuses: { 201: 'The proposal.' },
      answer: proposalSchema,
      problems: ['not_found', 'connection_lost', 'crm_refused', 'try_again'],
      async handle({ accountId, actor, params: { connectionId: of } }) {
        const result = await pilot.propose(accountId, of, actor);
        if (result.kind !== 'proposed') throw refused(result);
        return { status: 201, body: await viewOf(accountId, result.proposal) };
      },
    }),
    operation({
      id: 'getMappingProposal',
      tag: 'Connections',
      method: 'get',
      path,
      summary: 'Get the newest proposed mapping',
      params,
      statuses: { 200: 'The proposal.' },
      answer: proposalSchema,
      problems: ['not_found'],
      async handle({ accountId, params: { connectionId: of } }) {
        const found = await pilot.newest(accountId, of);
        if (isRefusal(found)) throw refused(found);
        return { status: 200, body: await viewOf(accountId, found) };
      },
    }),
    operation({
      id: 'acceptMappingProposal',
      tag: 'Connections',
      method: 'post',
      path: `${path}/accept`,
      summary: 'Accept a proposed mapping, as it is or changed',
      description:
        'Makes a draft of it and tries that on all of history. It comes into force by PUT /connections/{connectionId}/mapping with `stages` from `draft` and this `dryRunId`.',
      params,
      body: z.strictObject({
        stages: mappingDocument.shape.stages
          .optional()
          .meta({ description: 'What holds instead of what was proposed; left out, it is accepted as it is.' }),
        ...periodParameters,
      }),
      statuses: { 201: 'The proposal with its draft, and what that would change.' },
      answer: z.strictObject({ proposal: proposalSchema, dryRun: policyDryRunSchema }),
      problems: ['not_found', 'mapping_changed', 'try_again'],
      async handle({ accountId, actor, params: { connectionId: of }, body }) {
        const { stages, ...period } = body;
        const answer = { stages, period: periodOf(period, clock.now()), by: actor };
        const result = await pilot.accept(accountId, of, answer);
        switch (result.kind) {
          case 'accepted': {
            const proposal = await viewOf(accountId, result.proposal);
            return { status: 201, body: { proposal, dryRun: policyDryRunView(result.run) } };
          }
          case 'not_read_yet':
          case 'wrong':
            throw mappingRefused(result);
          default:
            throw refused(result);
        }
      },
    }),
    operation({
      id: 'postponeMappingProposal',
      tag: 'Connections',
      method: 'post',
      path: `${path}/postpone`,
      summary: 'Put a proposed mapping off',
      params,
      body: z.strictObject({
        postponeUntil: z.iso
          .datetime({ error: 'must be a time in UTC, such as 2026-01-31T00:00:00Z' })
          .meta({ description: 'From then on it is open again; within a year from now.' }),
      }),
      statuses: { 200: 'The proposal.' },
      answer: proposalSchema,
      problems: ['not_found', 'mapping_changed'],
      async handle({ accountId, actor, params: { connectionId: of }, body }) {
        const [until, now] = [Date.parse(body.postponeUntil), clock.now()];
        if (until <= now || until > now + POSTPONED_DAYS_MAX * DAY_MS)
          throw new HttpProblem('invalid_request', 'It cannot be put off until then.', {
            errors: [{ field: 'postponeUntil', problem: 'must be within a year from now' }],
          });
        const result = await pilot.postpone(accountId, of, { until, by: actor });
        if (result.kind !== 'postponed') throw refused(result);
        return { status: 200, body: await viewOf(accountId, result.proposal) };
      },
    }),
  ];
}
