import { stringify as stringifyYaml } from 'yaml';
import type { PolicyStore } from '../application/ports/store.ts';
import { programDiff } from '../application/program-diff.ts';
import type { PolicyVersion } from '../domain/policy.ts';
import { isoOf } from '../domain/time.ts';
import { readYaml } from './input.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Who is said to have done what is done at the command line. */
export const BY = 'the command line';

type Parsed<P> =
  | { readonly ok: true; readonly policy: P }
  /** What is wrong, field by field. */
  | { readonly ok: false; readonly problems: readonly string[] };

/** A policy of an account in versions, as a file of it is handled at the command line. */
export interface PolicyKind<P> {
  /** As a sentence begins with it. */
  readonly title: string;
  /** What holds while none was published. */
  readonly standing: P;
  readonly store: (services: Services) => PolicyStore<P>;
  readonly parse: (document: unknown, services: Services, accountId: string) => Promise<Parsed<P>>;
  /** @throws CliError when it is not what the dry run was of */
  readonly publish: (
    services: Services,
    accountId: string,
    policy: P,
    dryRunId: string | null,
  ) => Promise<PolicyVersion<P>>;
  /** What a reader of the list needs besides. */
  readonly notes?: (services: Services, accountId: string) => Promise<string[]>;
}

export function publishPolicy<P>(
  kind: PolicyKind<P>,
  terminal: Terminal,
  account: string,
  file: string,
  { dryRun = null }: { dryRun?: string | null } = {},
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const policy = publishable(file, await kind.parse(await readYaml(terminal, file), services, id));
    const { version, publishedAt } = await kind.publish(services, id, policy, dryRun);
    return {
      json: { version, publishedAt: isoOf(publishedAt) },
      lines: [`${kind.title} ${version} is in force for "${name}" since ${isoOf(publishedAt)}.`],
    };
  });
}

/** What publishing the file would change; changes nothing. */
export function diffPolicy<P>(kind: PolicyKind<P>, terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const policy = publishable(file, await kind.parse(await readYaml(terminal, file), services, id));
    const inForce = await kind.store(services).newest(id);
    const differences = programDiff(inForce?.policy ?? kind.standing, policy);
    return {
      json: { inForce: inForce?.version ?? null, differences },
      lines: differences.length === 0 ? ['Nothing would change.'] : differences,
    };
  });
}

export function listPolicies<P>(kind: PolicyKind<P>, terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const versions = await kind.store(services).versions(id);
    const newest = versions.at(-1);
    return {
      json: versions.map(({ publishedAt, ...rest }) => ({ ...rest, publishedAt: isoOf(publishedAt) })),
      lines: [
        ...((await kind.notes?.(services, id)) ?? []),
        newest
          ? `Version ${newest.version} is in force since ${isoOf(newest.publishedAt)}, published by ${newest.publishedBy}${newest.dryRunId ? ` on the dry run ${newest.dryRunId}` : ''}:`
          : 'None was published; this is what holds:',
        stringifyYaml(newest?.policy ?? kind.standing).trimEnd(),
      ],
    };
  });
}

/** @throws CliError that names what is wrong with the file, field by field */
export function publishable<P>(file: string, parsed: Parsed<P>): P {
  if (parsed.ok) return parsed.policy;
  throw new CliError(`${file} cannot be published.`, 'Correct these fields:', { problems: parsed.problems });
}
