import { z } from 'zod';
import { attributionDocument } from '../../application/attribution-document.ts';
import type { AttributionStore, DryRunStore, ProgramStore } from '../../application/ports/store.ts';
import { programDiff } from '../../application/program-diff.ts';
import { contentDocument, programDocument } from '../../application/program-document.ts';
import type { PublishAttribution } from '../../application/publish-attribution.ts';
import { riskDocument } from '../../application/risk-document.ts';
import { DEFAULT_POLICY } from '../../domain/attribution-policy.ts';
import { policyHash } from '../../domain/policy.ts';
import type { ProgramContent } from '../../domain/program.ts';
import { programHash } from '../../domain/program-hash.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { dryRunOf, dryRunParams } from './dry-runs.ts';
import { periodOf, periodParameters } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { programParams } from './programs.ts';
import { policyDryRunSchema } from './schemas.ts';
import { moneyView, policyDryRunView } from './views.ts';

export interface PoliciesDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly programs: Pick<ProgramStore, 'versions'>;
  readonly attribution: Pick<AttributionStore, 'newest'>;
  readonly publishAttribution: Pick<PublishAttribution, 'tryOut'>;
  readonly dryRuns: Pick<DryRunStore, 'get'>;
}

const validSchema = z
  .strictObject({
    contentHash: z.string().meta({ description: 'The same for the same content, however it is written.' }),
  })
  .meta({ id: 'ValidDraft', description: 'The draft can be published as far as it can be told from itself.' });

const diffSchema = z
  .strictObject({
    inForce: z
      .int()
      .nullable()
      .meta({ description: 'The version that it was compared with; null: none was published.' }),
    differences: z
      .array(z.string())
      .meta({ description: 'A line for each field, such as "rules[member-won].holdDays: 0 → 14".' }),
  })
  .meta({ id: 'DraftDifferences', description: 'What publishing a draft would change.' });

const noSuchProgram = () => new HttpProblem('not_found', 'This account has no such program.');

/** Drafts of programs and policies, looked at before they are published. Nothing here changes what is decided. */
export function policies({ clock, programs, attribution, publishAttribution, dryRuns }: PoliciesDeps): Operation[] {
  const newestOf = async (accountId: string, programId: string) =>
    (await programs.versions(accountId)).findLast((version) => version.programId === programId);

  return [
    operation({
      id: 'validateProgram',
      tag: 'Programs',
      method: 'post',
      path: '/programs/validate',
      summary: 'Say what is wrong with a program',
      description: 'What is wrong is told as for a program that is published: every field with the remedy.',
      body: programDocument,
      statuses: { 200: 'Nothing is wrong with it.' },
      answer: validSchema,
      problems: [],
      async handle({ body }) {
        return { status: 200, body: { contentHash: programHash(body) } };
      },
    }),
    operation({
      id: 'diffProgram',
      tag: 'Programs',
      method: 'post',
      path: '/programs/diff',
      summary: 'Say what publishing a program would change',
      body: programDocument,
      statuses: { 200: 'What differs from the newest version.' },
      answer: diffSchema,
      problems: [],
      async handle({ accountId, body }) {
        const inForce = await newestOf(accountId, body.programId);
        const differences = programDiff(inForce ? documentOf(inForce) : {}, documentOf(body));
        return { status: 200, body: { inForce: inForce?.version ?? null, differences } };
      },
    }),
    operation({
      id: 'validateRiskPolicy',
      tag: 'Programs',
      method: 'post',
      path: '/risk/validate',
      summary: 'Say what is wrong with a risk policy',
      body: riskDocument,
      statuses: { 200: 'Nothing is wrong with it.' },
      answer: z.strictObject({
        weight: z.int().meta({ description: 'What all signals weigh together: what a score can reach.' }),
      }),
      problems: [],
      async handle({ body }) {
        return { status: 200, body: { weight: body.signals.reduce((sum, one) => sum + one.weight, 0) } };
      },
    }),
    operation({
      id: 'diffRiskPolicy',
      tag: 'Programs',
      method: 'post',
      path: '/programs/{programId}/risk/diff',
      summary: "Say what a risk policy would change in a program's",
      params: programParams,
      body: riskDocument,
      statuses: { 200: 'What differs from that of the newest version.' },
      answer: diffSchema,
      problems: ['not_found'],
      async handle({ accountId, params, body }) {
        const inForce = await newestOf(accountId, params.programId);
        if (!inForce) throw noSuchProgram();
        const differences = programDiff({ risk: bySignal(inForce.risk) }, { risk: bySignal(body) });
        return { status: 200, body: { inForce: inForce.version, differences } };
      },
    }),
    operation({
      id: 'validateAttributionPolicy',
      tag: 'Attribution',
      method: 'post',
      path: '/attribution-policies/validate',
      summary: 'Say what is wrong with an attribution policy',
      body: attributionDocument,
      statuses: { 200: 'Nothing is wrong with it.' },
      answer: validSchema,
      problems: [],
      async handle({ body }) {
        return { status: 200, body: { contentHash: policyHash(body) } };
      },
    }),
    operation({
      id: 'diffAttributionPolicy',
      tag: 'Attribution',
      method: 'post',
      path: '/attribution-policies/diff',
      summary: 'Say what publishing an attribution policy would change',
      body: attributionDocument,
      statuses: { 200: 'What differs from the policy in force; without one, from what holds without.' },
      answer: diffSchema,
      problems: [],
      async handle({ accountId, body }) {
        const inForce = await attribution.newest(accountId);
        const differences = programDiff(inForce?.policy ?? DEFAULT_POLICY, body);
        return { status: 200, body: { inForce: inForce?.version ?? null, differences } };
      },
    }),
    operation({
      id: 'tryAttributionPolicy',
      tag: 'Attribution',
      method: 'post',
      path: '/attribution-policies/dry-run',
      summary: 'Try an attribution policy on all of history',
      description:
        'Decides anew, as if the policy had always been in force, whose every referral would be and what the published programs would pay for it. What a person has moved stays. Friends who belong to nobody today are not looked at. Pays and changes nothing.',
      body: z.strictObject({ policy: attributionDocument, ...periodParameters }),
      statuses: { 201: 'What it would change.' },
      answer: policyDryRunSchema,
      problems: [],
      async handle({ accountId, actor, body }) {
        const period = periodOf(body, clock.now());
        const run = await publishAttribution.tryOut(accountId, body.policy, period, actor);
        return { status: 201, body: policyDryRunView(run) };
      },
    }),
    operation({
      id: 'getAttributionDryRun',
      tag: 'Attribution',
      method: 'get',
      path: '/attribution-policies/dry-run/{dryRunId}',
      summary: 'Get a dry run of an attribution policy',
      params: z.strictObject(dryRunParams),
      statuses: { 200: 'What it would have changed.' },
      answer: policyDryRunSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const run = await dryRunOf(dryRuns, accountId, params.dryRunId, 'attribution_policy');
        return { status: 200, body: policyDryRunView(run) };
      },
    }),
  ];
}

/** As it is compared, not as it is published: a signal of risk stands under its own name. */
export function documentOf({ programId, name, rules, tiers, openReferrals, risk }: ProgramContent) {
  const document = contentDocument({ programId, name, rules, tiers, openReferrals, risk }, moneyView);
  return { ...document, ...(risk ? { risk: bySignal(risk) } : {}) };
}

/** Each signal under its own name, so that one that has moved in the list is no difference. */
function bySignal(risk: ProgramContent['risk']) {
  if (!risk) return undefined;
  return { ...risk, signals: Object.fromEntries(risk.signals.map(({ signal, ...one }) => [signal, one])) };
}
