import { randomUUID } from 'node:crypto';
import { stringify as stringifyYaml } from 'yaml';
import { createAutopilot, type ProposalRefusal } from '../application/autopilot.ts';
import { createMappings } from '../application/mapping.ts';
import type { KeptProposal } from '../application/ports/store.ts';
import { type Coverage, coveragePercent, draftOf } from '../domain/mapping-proposal.ts';
import type { OwnersProposal } from '../domain/owner-proposal.ts';
import { dayOf, isoOf } from '../domain/time.ts';
import { dayOf as dayTyped } from './day.ts';
import { driftWatchOf } from './drift.ts';
import { periodFrom, tellDryRun } from './dry-run-table.ts';
import { mappingRefused, stagesOf } from './mapping.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { BY } from './policies.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Reads the CRM's pipelines and a year of its deals, and proposes what each stage means. Changes nothing. */
export function proposeMapping(terminal: Terminal, account: string, connection: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const result = await pilotOf(services).propose(id, connection, BY);
    if (result.kind !== 'proposed') throw refused(result, connection);
    return tell(result.proposal);
  });
}

export function showProposal(terminal: Terminal, account: string, connection: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const found = await pilotOf(services).newest(id, connection);
    if ('kind' in found) throw refused(found, connection);
    return tell(found);
  });
}

/** As it is, or as a file says instead; tried on all of history, and not in force before "mapping set" says it on that dry run. */
export function acceptProposal(
  terminal: Terminal,
  account: string,
  connection: string,
  { file, csv, ...days }: { file?: string; csv?: string; from?: string; to?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const stages = file === undefined ? undefined : await stagesOf(terminal, file);
    const answer = { stages, period: periodFrom(days, services.now()), by: BY };
    const result = await pilotOf(services).accept(id, connection, answer);
    switch (result.kind) {
      case 'accepted': {
        const { json, lines } = await tellDryRun(result.run, csv);
        const draft = result.proposal.draft ?? [];
        return {
          json: { proposal: jsonOf(result.proposal), dryRun: json },
          lines: [
            ...lines,
            `Accepted. Bring it into force with "mapping set ${account} ${connection} - --dry-run ${result.run.id}" and this:`,
            stringifyYaml({ stages: draft }).trimEnd(),
          ],
        };
      }
      case 'not_read_yet':
      case 'wrong':
        throw mappingRefused(result, connection, file ?? 'The proposal');
      default:
        throw refused(result, connection);
    }
  });
}

export function postponeProposal(
  terminal: Terminal,
  account: string,
  connection: string,
  { until }: { until: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const at = dayTyped('--until', until);
    if (at <= services.now())
      throw new CliError('It cannot be put off until a day that is past.', 'Give a later one with --until.');
    const result = await pilotOf(services).postpone(id, connection, { until: at, by: BY });
    if (result.kind !== 'postponed') throw refused(result, connection);
    return { json: jsonOf(result.proposal), lines: [`Put off until ${dayOf(at)}.`] };
  });
}

function pilotOf(services: Services) {
  const { store, now, connect } = services;
  const clock = { now };
  const mappings = createMappings({ store, clock, newId: randomUUID, onAsked: () => {} });
  const drift = driftWatchOf(services);
  return createAutopilot({ store, clock, newId: randomUUID, openSession: connect.openSession, mappings, drift });
}

function jsonOf({ version: _, ...kept }: KeptProposal) {
  return {
    ...kept,
    draft: kept.draft ?? draftOf(kept.proposal),
    postponedUntil: kept.postponedUntil === null ? null : isoOf(kept.postponedUntil),
    madeAt: isoOf(kept.madeAt),
    changedAt: isoOf(kept.changedAt),
  };
}

function tell(kept: KeptProposal): Result {
  const { proposal, state, postponedUntil } = kept;
  const { sample } = proposal;
  const of = sample.isComplete ? 'all' : `${sample.deals} of ${sample.total ?? 'an unknown number of'}`;
  return {
    json: jsonOf(kept),
    lines: [
      `${of} deals created from ${dayOf(sample.from)} to ${dayOf(sample.to)}: ${coverageText(proposal.coverage)}`,
      ...proposal.pipelines.flatMap(({ label, pipelineId, coverage, stages }) => [
        '',
        `${label} (${pipelineId}): ${coverageText(coverage)}`,
        ...table([
          ['stage', 'label', 'means', 'how sure', 'deals', 'won', 'lost', 'why'],
          ...stages.map(({ stageId, label: of, stage, confidence, figures, evidence }) => [
            stageId,
            of,
            stage,
            confidence,
            String(figures.deals),
            String(figures.won),
            String(figures.lost),
            evidence.map(({ text }) => text).join(' '),
          ]),
        ]),
      ]),
      '',
      ...(proposal.uncertain.length === 0
        ? ['Nothing is uncertain.']
        : ['To look at before accepting:', ...proposal.uncertain.map(({ text }) => `  - ${text}`)]),
      ...(proposal.owners ? ownersTold(proposal.owners) : []),
      `${state === 'postponed' && postponedUntil !== null ? `put off until ${dayOf(postponedUntil)}` : state}, ${kept.id}`,
    ],
  };
}

function ownersTold({ owners, others, withoutOwner, suggestions }: OwnersProposal): string[] {
  return [
    '',
    `Who owns the deals of pipelines in which something is won${others > 0 ? `, and ${others} more` : ''}; ${withoutOwner} have no owner:`,
    ...table([
      ['owner', 'name', 'member', 'active', 'deals', 'open', 'won'],
      ...owners.map(({ ownerId, name, memberId, isActive, deals, open, won }) => [
        ownerId,
        name ?? '',
        memberId ?? '',
        isActive ? 'yes' : 'no',
        String(deals),
        String(open),
        String(won),
      ]),
    ]),
    ...suggestions.map(({ kind, ownerId, text }) => `  - ${kind}, ${ownerId}: ${text}`),
  ];
}

function coverageText(coverage: Coverage): string {
  const percent = coveragePercent(coverage);
  if (percent === null) return 'no deals.';
  const { deals, throughMapped, won, lost, open } = coverage;
  return `${percent} % pass through a stage whose meaning is clear (${throughMapped} of ${deals}); ${won} won, ${lost} lost, ${open} open.`;
}

function refused(refusal: ProposalRefusal, connection: string): CliError {
  switch (refusal.kind) {
    case 'no_such_connection':
      return new CliError(`There is no connection "${connection}".`, '"state" shows those there are.');
    case 'no_proposal':
      return new CliError('No mapping was proposed for this connection yet.', '"mapping propose" makes one.');
    case 'changed':
      return new CliError('Somebody else has answered it at the same moment.', 'Look at it with "mapping proposal".');
  }
}
