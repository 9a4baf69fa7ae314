import { stringify as stringifyYaml } from 'yaml';
import { parseConnectionsPolicy } from '../application/connections-document.ts';
import type { Connection } from '../application/ports/store.ts';
import { programDiff } from '../application/program-diff.ts';
import { DEFAULT_CONNECTIONS_POLICY } from '../domain/connections-policy.ts';
import { isoOf } from '../domain/time.ts';
import { readYaml } from './input.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** Who is said to have done what is done at the command line. */
const BY = 'the command line';

export function publishTwoCrms(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const policy = await policyOf(terminal, file, await services.store.connections.list(id));
    const { version, publishedAt } = await services.store.identity.publish(id, policy, BY, services.now());
    return {
      json: { version, publishedAt: isoOf(publishedAt) },
      lines: [`Connections policy ${version} is in force for "${name}" since ${isoOf(publishedAt)}.`],
    };
  });
}

/** What publishing the file would change; changes nothing. */
export function diffTwoCrms(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const policy = await policyOf(terminal, file, await services.store.connections.list(id));
    const inForce = await services.store.identity.newest(id);
    const differences = programDiff(inForce?.policy ?? DEFAULT_CONNECTIONS_POLICY, policy);
    return {
      json: { inForce: inForce?.version ?? null, differences },
      lines: differences.length === 0 ? ['Nothing would change.'] : differences,
    };
  });
}

export function listTwoCrms(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const versions = await services.store.identity.versions(id);
    const connections = await services.store.connections.list(id);
    const newest = versions.at(-1);
    return {
      json: versions.map(({ publishedAt, ...rest }) => ({ ...rest, publishedAt: isoOf(publishedAt) })),
      lines: [
        ...connections.map(({ id: one, provider, externalId }) => `${one} is ${provider} ${externalId}.`),
        newest
          ? `Version ${newest.version} is in force since ${isoOf(newest.publishedAt)}, published by ${newest.publishedBy}:`
          : 'None was published; this is what holds:',
        stringifyYaml(newest?.policy ?? DEFAULT_CONNECTIONS_POLICY).trimEnd(),
      ],
    };
  });
}

async function policyOf(terminal: Terminal, file: string, connections: readonly Connection[]) {
  const parsed = parseConnectionsPolicy(await readYaml(terminal, file), connections);
  if (parsed.ok) return parsed.policy;
  throw new CliError(`${file} cannot be published.`, 'Correct these fields:', {
    problems: parsed.problems.map(({ field, problem }) => `${field}: ${problem}`),
  });
}
