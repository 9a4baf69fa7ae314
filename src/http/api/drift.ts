import { z } from 'zod';
import type { DriftWatch, FixResult } from '../../application/drift-watch.ts';
import { type Case, SEVERITIES } from '../../domain/case.ts';
import { DRIFT_FIXES, DRIFT_KINDS, type DriftFacts, type DriftFix, type DriftKind } from '../../domain/drift.ts';
import { MAPPABLE_STAGES } from '../../domain/mapping.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { caseId } from './case-schemas.ts';
import { time } from './fields.ts';
import { mappingRefused } from './mapping.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId } from './schemas.ts';

export interface DriftDeps {
  readonly drift: Pick<DriftWatch, 'list' | 'fix'>;
}

/** As long as the ids of pipelines and stages are taken in a mapping. */
const ID_LENGTH_MAX = 200;

const means = z.enum(MAPPABLE_STAGES);
const crmId = z.string().min(1).max(ID_LENGTH_MAX);

const driftSchema = z
  .strictObject({
    caseId: caseId.meta({ description: 'The alert, as /cases has it.' }),
    kind: z.enum(DRIFT_KINDS),
    severity: z.enum(SEVERITIES),
    state: z.enum(['open', 'decided']),
    summary: z.string().meta({ description: 'What is another than it was, and what happens meanwhile.' }),
    meanwhile: z.string(),
    fixes: z.array(z.enum(DRIFT_FIXES)).meta({ description: 'What one call can do about it.' }),
    pipelineIds: z.array(z.string()),
    stageId: z.string().nullable(),
    means: means.nullable().meta({ description: 'What the stage is to Wonward now.' }),
    meant: means.nullable().meta({ description: 'What it was by the metadata when it was last looked at.' }),
    name: z.string().nullable().meta({ description: 'Of a property.' }),
    rules: z.array(z.string()).meta({ description: 'Rules, or programs, that it concerns.' }),
    scopes: z.array(z.string()),
    deals: z.int().min(0).nullable().meta({ description: 'Deals that stood there; null where they were not counted.' }),
    dealIds: z.array(z.string()).meta({ description: 'Some of them.' }),
    openedAt: time,
  })
  .meta({ id: 'Drift', description: 'What has become of a CRM since an admin last looked at it.' });

/** As `driftCase` writes them. */
interface AlertFacts extends DriftFacts {
  readonly drift: DriftKind;
  readonly meanwhile: string;
  readonly fixes: readonly DriftFix[];
  readonly deals?: number | null;
}

function driftView(one: Case): z.input<typeof driftSchema> {
  const facts = one.facts as unknown as AlertFacts;
  return {
    caseId: one.id,
    kind: facts.drift,
    severity: one.severity,
    state: one.state,
    summary: one.summary,
    meanwhile: facts.meanwhile,
    fixes: [...facts.fixes],
    pipelineIds: [...(facts.pipelineIds ?? [])],
    stageId: facts.stageId ?? null,
    means: facts.means ?? null,
    meant: facts.meant ?? null,
    name: facts.name ?? null,
    rules: [...(facts.rules ?? [])],
    scopes: [...(facts.scopes ?? [])],
    deals: facts.deals ?? null,
    dealIds: [...(facts.dealIds ?? [])],
    openedAt: isoOf(one.openedAt),
  };
}

type Settled = Extract<FixResult, { url: unknown }>;

function refused(result: Exclude<FixResult, Settled>): HttpProblem {
  switch (result.kind) {
    case 'no_such_alert':
      return new HttpProblem('not_found', 'This connection has no such alert.');
    case 'not_this_fix':
      return new HttpProblem('invalid_request', 'That does not mend it.', {
        errors: [{ field: 'fix', problem: `must be one of its own: ${result.allowed.join(', ')}` }],
      });
    case 'incomplete':
      return new HttpProblem('invalid_request', 'It is not said which stage means what.', {
        errors: [{ field: result.missing, problem: 'has to be said for this fix' }],
      });
    default:
      return mappingRefused(result);
  }
}

/** What differs in a CRM from what an admin has seen there, and a way to mend each of it. */
export function drift({ drift: watch }: DriftDeps): Operation[] {
  return [
    operation({
      id: 'listDrift',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/drift',
      summary: 'List what has changed in a CRM since somebody looked at it',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'Open alerts, the newest first.' },
      answer: z.strictObject({
        lookedAt: time.nullable().meta({ description: 'When a sweep last looked; null before the first one.' }),
        items: z.array(driftSchema),
      }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const found = await watch.list(accountId, params.connectionId);
        if (!found) throw new HttpProblem('not_found', 'This account has no such connection.');
        const lookedAt = found.lookedAt === null ? null : isoOf(found.lookedAt);
        return { status: 200, body: { lookedAt, items: found.alerts.map(driftView) } };
      },
    }),
    operation({
      id: 'fixDrift',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/drift/{caseId}/fix',
      summary: 'Mend what has changed in a CRM',
      description:
        '`accept` takes it as it is, `map` says what the stage means, `provision` makes our fields again, `look_again` reads it now, `reconnect` answers a link by which an admin of the CRM grants everything anew. An alert that is not mended at once ends by itself when it is.',
      params: z.strictObject({ connectionId, caseId }),
      body: z.strictObject({
        fix: z.enum(DRIFT_FIXES),
        stage: means.optional().meta({ description: 'For `map`: what the stage means.' }),
        pipelineId: crmId.optional().meta({ description: 'For `map`, where another stage is meant.' }),
        stageId: crmId.optional().meta({ description: 'For `map`, where another stage is meant.' }),
      }),
      statuses: { 200: 'What became of it.' },
      answer: z.strictObject({
        mended: z.boolean(),
        url: z.string().nullable().meta({ description: 'What an admin of the CRM opens, for `reconnect`.' }),
        drift: driftSchema,
      }),
      problems: ['not_found', 'mapping_changed', 'connection_lost', 'crm_refused', 'try_again'],
      async handle({ accountId, actor, params, body }) {
        const result = await watch.fix(accountId, params.connectionId, params.caseId, { ...body, by: actor });
        if (!('url' in result)) throw refused(result);
        const { case: one, url } = result;
        return { status: 200, body: { mended: result.kind === 'mended', url, drift: driftView(one) } };
      },
    }),
  ];
}
