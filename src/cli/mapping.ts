import { randomUUID } from 'node:crypto';
import { stringify as stringifyYaml } from 'yaml';
import type { DryRunRefusal } from '../application/keep-dry-run.ts';
import { createMappings, type MappingRefusal, type Mappings, saidIn } from '../application/mapping.ts';
import { parseMapping } from '../application/mapping-document.ts';
import type { KeptMapping } from '../application/ports/store.ts';
import { pathText } from '../application/program-document.ts';
import type { SaidStage } from '../domain/mapping.ts';
import { dryRunRefused, periodFrom, tellDryRun } from './dry-run-table.ts';
import { readYaml } from './input.ts';
import { CliError, type Result, type Terminal, table } from './output.ts';
import { BY } from './policies.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** What every stage means, and which of them an admin has said; as JSON in the form that "mapping set" reads. */
export function showMapping(terminal: Terminal, account: string, connection: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const mapping = await mappingsOf(services).of(id, connection);
    if (!mapping) throw mappingRefused({ kind: 'no_such_connection' }, connection, '');
    return { json: jsonOf(mapping), lines: linesOf(mapping) };
  });
}

/** What is said in the file holds from now on, and what was said before and is not in it holds no more. */
export function setMapping(
  terminal: Terminal,
  account: string,
  connection: string,
  file: string,
  { dryRun }: { dryRun?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const stages = await stagesOf(terminal, file);
    const result = await mappingsOf(services).say(id, connection, stages, { dryRunId: dryRun });
    if (result.kind !== 'said') throw mappingRefused(result, connection, file);
    return {
      json: jsonOf(result.mapping),
      lines: [`${result.mapping.version} is in force. The service judges the deals of all referrals again.`],
    };
  });
}

/** What the file would change about what is paid, over all that is recorded. */
export function tryMapping(
  terminal: Terminal,
  account: string,
  connection: string,
  file: string,
  { csv, ...days }: { from?: string; to?: string; csv?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const said = await stagesOf(terminal, file);
    const result = await mappingsOf(services).tryOut(id, connection, said, periodFrom(days, services.now()), BY);
    if (result.kind !== 'tried') throw mappingRefused(result, connection, file);
    return tellDryRun(result.run, csv);
  });
}

/** The running service finds what was asked for by itself. */
function mappingsOf({ store, now }: Services): Mappings {
  return createMappings({ store, clock: { now }, newId: randomUUID, onAsked: () => {} });
}

function jsonOf({ version, dryRunId, entries }: KeptMapping) {
  return { version, dryRunId: dryRunId ?? null, stages: saidIn(entries), entries };
}

function linesOf({ entries, dryRunId }: KeptMapping): string[] {
  if (entries.length === 0) return ['The stages were not read from the CRM yet.'];
  const said = saidIn(entries);
  return [
    ...table([
      ['pipeline', 'stage', 'label', 'means', 'by'],
      ...entries.map(({ pipelineId, stageId, stageLabel, stage, byMetadata }) => [
        pipelineId,
        stageId,
        stageLabel,
        stage,
        byMetadata ? `an admin; by the metadata ${byMetadata}` : 'the metadata',
      ]),
    ]),
    ...(said.length === 0
      ? []
      : ['What was said, as "mapping set" reads it:', stringifyYaml({ stages: said }).trimEnd()]),
    ...(dryRunId === undefined ? [] : [`It was said on the dry run ${dryRunId}.`]),
  ];
}

export function mappingRefused(refusal: MappingRefusal | DryRunRefusal, connection: string, file: string): CliError {
  switch (refusal.kind) {
    case 'no_such_connection':
      return new CliError(`There is no connection "${connection}".`, '"state" shows those there are.');
    case 'not_read_yet':
      return new CliError('The stages were not read from the CRM yet.', 'The next sweep reads them; try again then.');
    case 'changed':
      return new CliError(
        'The mapping has changed at the same moment.',
        'Look at it with "mapping show", and try again.',
      );
    case 'refused':
      return dryRunRefused(refusal, 'mapping dry-run');
    case 'wrong':
      return new CliError(`${file} cannot be used.`, 'Correct these fields ("mapping show" shows all stages):', {
        problems: refusal.problems.map(({ path, problem }) => `${pathText(path)}: ${problem}`),
      });
  }
}

/** @throws CliError naming what is wrong with the file. */
export async function stagesOf(terminal: Terminal, file: string): Promise<readonly SaidStage[]> {
  const parsed = parseMapping(await readYaml(terminal, file));
  if (parsed.ok) return parsed.stages;
  throw new CliError(`${file} cannot be used.`, 'Correct these fields:', { problems: parsed.problems });
}
