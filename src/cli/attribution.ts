import { stringify as stringifyYaml } from 'yaml';
import { parseAttribution } from '../application/attribution-document.ts';
import { programDiff } from '../application/program-diff.ts';
import { createReattribute } from '../application/re-attribute.ts';
import { createTryAttribution } from '../application/try-attribution.ts';
import { DEFAULT_POLICY } from '../domain/attribution-policy.ts';
import { policyHash } from '../domain/policy.ts';
import { reasonText } from '../domain/reason.ts';
import { isoOf } from '../domain/time.ts';
import { periodFrom, tellDryRun } from './dry-run-table.ts';
import { readYaml } from './input.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** Who is said to have done what is done at the command line. */
const BY = 'the command line';

export async function validateAttribution(terminal: Terminal, file: string): Promise<Result> {
  const policy = await policyOf(terminal, file);
  return { json: { policy, contentHash: policyHash(policy) }, lines: [`${file} can be published.`] };
}

export function publishAttribution(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const policy = await policyOf(terminal, file);
    const { version, publishedAt } = await services.store.attribution.publish(id, policy, BY, services.now());
    return {
      json: { version, publishedAt: isoOf(publishedAt) },
      lines: [`Attribution policy ${version} is in force for "${name}" since ${isoOf(publishedAt)}.`],
    };
  });
}

/** What publishing the file would change; what is in force when nothing was published is what always held. */
export function diffAttribution(terminal: Terminal, account: string, file: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const inForce = await services.store.attribution.newest(id);
    const differences = programDiff(inForce?.policy ?? DEFAULT_POLICY, await policyOf(terminal, file));
    return {
      json: { inForce: inForce?.version ?? null, differences },
      lines: differences.length === 0 ? ['Nothing would change.'] : differences,
    };
  });
}

export function listAttribution(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const versions = await services.store.attribution.versions(id);
    const newest = versions.at(-1);
    return {
      json: versions.map(({ publishedAt, ...rest }) => ({ ...rest, publishedAt: isoOf(publishedAt) })),
      lines: [
        newest
          ? `Version ${newest.version} is in force since ${isoOf(newest.publishedAt)}, published by ${newest.publishedBy}:`
          : 'None was published; this is what holds:',
        stringifyYaml(newest?.policy ?? DEFAULT_POLICY).trimEnd(),
      ],
    };
  });
}

/** What the file would change about whose referrals are and what is paid for them, over all that is recorded. */
export function tryAttributionFile(
  terminal: Terminal,
  account: string,
  file: string,
  { csv, ...days }: { from?: string; to?: string; csv?: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const tryOut = createTryAttribution({ store: services.store, clock: services });
    return tellDryRun(await tryOut(id, await policyOf(terminal, file), periodFrom(days, services.now())), csv);
  });
}

/** Gives a referral to another member. The service books the rest: it looks at the friend's deals again. */
export function moveAttribution(
  terminal: Terminal,
  account: string,
  referral: string,
  member: string,
  why: string,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const reattribute = createReattribute({ ...services, clock: { now: services.now }, onAsked: () => {} });
    const result = await reattribute(id, referral, { memberId: member, by: BY, why });
    if (result.kind === 'refused') {
      const what = result.code === 'no_such_referral' ? `referral ${referral}` : `member ${member}`;
      throw new CliError(
        result.code === 'not_possible' ? reasonText(result.reason) : `There is no ${what}.`,
        'Nothing was changed. The ids are those of the API and of the card.',
      );
    }
    return {
      json: { kind: result.kind, referral: result.referral.id, memberId: result.referral.memberId },
      lines: [
        result.kind === 'existing'
          ? 'It is that member’s already.'
          : 'Moved. Rewards of the other member are taken back; the deals are judged again by the service.',
      ],
    };
  });
}

async function policyOf(terminal: Terminal, file: string) {
  const parsed = parseAttribution(await readYaml(terminal, file));
  if (parsed.ok) return parsed.policy;
  throw new CliError(`${file} cannot be published.`, 'Correct these fields:', { problems: parsed.problems });
}
