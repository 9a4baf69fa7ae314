import { randomUUID } from 'node:crypto';
import { parseAttribution } from '../application/attribution-document.ts';
import { createPublishAttribution } from '../application/publish-attribution.ts';
import { createReattribute } from '../application/re-attribute.ts';
import { type AttributionPolicy, DEFAULT_POLICY } from '../domain/attribution-policy.ts';
import { policyHash } from '../domain/policy.ts';
import { reasonText } from '../domain/reason.ts';
import { dryRunRefused, periodFrom, tellDryRun } from './dry-run-table.ts';
import { readYaml } from './input.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { BY, type PolicyKind, publishable } from './policies.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Whose a referral is. What is in force when nothing was published is what always held. */
export const ATTRIBUTION: PolicyKind<AttributionPolicy> = {
  title: 'Attribution policy',
  standing: DEFAULT_POLICY,
  store: ({ store }) => store.attribution,
  parse: async (document) => parseAttribution(document),
  async publish(services, accountId, policy, dryRunId) {
    const result = await publishOf(services).publish(accountId, policy, { by: BY, dryRunId });
    if (result.kind === 'refused') throw dryRunRefused(result, 'attribution dry-run');
    return result.version;
  },
};

function publishOf({ store, now }: Services) {
  return createPublishAttribution({ store, clock: { now }, newId: randomUUID, onAsked: () => {} });
}

export async function validateAttribution(terminal: Terminal, file: string): Promise<Result> {
  const policy = await policyOf(terminal, file);
  return { json: { policy, contentHash: policyHash(policy) }, lines: [`${file} can be published.`] };
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
    const policy = await policyOf(terminal, file);
    return tellDryRun(await publishOf(services).tryOut(id, policy, periodFrom(days, services.now()), BY), csv);
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

async function policyOf(terminal: Terminal, file: string): Promise<AttributionPolicy> {
  return publishable(file, parseAttribution(await readYaml(terminal, file)));
}
