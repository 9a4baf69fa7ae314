import { randomUUID } from 'node:crypto';
import { createDriftWatch, type DriftWatch, type FixResult } from '../application/drift-watch.ts';
import { createMappings } from '../application/mapping.ts';
import type { Case } from '../domain/case.ts';
import { DRIFT_FIXES, type DriftFix } from '../domain/drift.ts';
import { MAPPABLE_STAGES, type SaidStage } from '../domain/mapping.ts';
import { isoOf } from '../domain/time.ts';
import { createLog } from '../platform/log.ts';
import { mappingRefused } from './mapping.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { BY } from './policies.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** What has changed in a CRM since somebody looked at it, with what mends it. */
export function listDrift(terminal: Terminal, account: string, connection: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const found = await driftWatchOf(services).list(id, connection);
    if (!found) throw new CliError(`There is no connection "${connection}".`, '"state" shows those there are.');
    const { lookedAt, alerts } = found;
    const looked = lookedAt === null ? 'No sweep has looked yet.' : `Last looked at ${isoOf(lookedAt)}.`;
    return {
      json: { lookedAt: lookedAt === null ? null : isoOf(lookedAt), items: alerts.map(jsonOf) },
      lines: [
        ...(alerts.length === 0
          ? ['Nothing has changed.']
          : table([
              ['alert', 'severity', 'since', 'what', 'fixes'],
              ...alerts.map((one) => [one.id, one.severity, isoOf(one.openedAt), one.summary, fixesOf(one).join(', ')]),
            ])),
        looked,
      ],
    };
  });
}

/** Mends one alert. */
export function fixDrift(
  terminal: Terminal,
  account: string,
  connection: string,
  alert: string,
  fix: string,
  options: { means?: string; pipeline?: string; stage?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const result = await driftWatchOf(services).fix(id, connection, alert, {
      fix: oneOf(DRIFT_FIXES, fix, 'fix') as DriftFix,
      by: BY,
      stage:
        options.means === undefined
          ? undefined
          : (oneOf(MAPPABLE_STAGES, options.means, 'stage') as SaidStage['stage']),
      pipelineId: options.pipeline,
      stageId: options.stage,
    });
    if (!('url' in result)) throw refused(result, connection, alert);
    const { case: one, url } = result;
    const lines = [
      ...(url === null ? [] : ['An admin of the CRM opens this, once, within a quarter of an hour:', url]),
      result.kind === 'mended' ? 'Mended.' : 'Not mended yet. The alert ends by itself when it is.',
    ];
    return { json: { mended: result.kind === 'mended', url, drift: jsonOf(one) }, lines };
  });
}

export function driftWatchOf({ store, now, connect, requiredScopes }: Services): DriftWatch {
  const clock = { now };
  const mappings = createMappings({ store, clock, newId: randomUUID, onAsked: () => {} });
  const { openSession } = connect;
  return createDriftWatch({
    store,
    clock,
    log: createLog({ level: 'silent' }),
    openSession,
    requiredScopes,
    connect,
    mappings,
  });
}

function oneOf(known: readonly string[], word: string, what: string): string {
  if (known.includes(word)) return word;
  throw new CliError(`"${word}" is no ${what}.`, `Those there are: ${known.join(', ')}.`, { exitCode: EXIT.usage });
}

function fixesOf({ facts }: Case): readonly string[] {
  return Array.isArray(facts.fixes) ? facts.fixes.map(String) : [];
}

function jsonOf(one: Case) {
  const { id, topic, severity, state, summary, facts, openedAt } = one;
  return { id, topic, severity, state, summary, facts, openedAt: isoOf(openedAt) };
}

function refused(result: Exclude<FixResult, { url: unknown }>, connection: string, alert: string): CliError {
  switch (result.kind) {
    case 'no_such_alert':
      return new CliError(`There is no alert "${alert}" about this connection.`, '"drift list" shows those there are.');
    case 'not_this_fix':
      return new CliError('That does not mend it.', `It can be: ${result.allowed.join(', ')}.`);
    case 'incomplete':
      return new CliError(
        'It is not said which stage means what.',
        'Give --means, and --pipeline and --stage where another stage is meant than the alert is about.',
        { exitCode: EXIT.usage },
      );
    default:
      return mappingRefused(result, connection, alert);
  }
}
