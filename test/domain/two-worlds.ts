import {
  type ConnectionsPolicy,
  DEFAULT_CONNECTIONS_POLICY,
  sharedKeyOf,
} from '../../src/domain/connections-policy.ts';
import { elsewhereOf, type IdentityEdge } from '../../src/domain/identity.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { type ContactFacts, type DealFacts, recordKey } from '../../src/domain/record.ts';
import { CATALOG, CONNECTION, contactOf, createWorld, dealOf, T0 } from './world.ts';

export const PORTAL = CONNECTION;
export const ORG = 'con_2';

/** Deals are decided in the org, whose ids the portal's copies bear. */
export const KEYED: ConnectionsPolicy = {
  ...DEFAULT_CONNECTIONS_POLICY,
  deals: { decidedIn: ORG, keys: { [PORTAL]: 'source', [ORG]: 'id' } },
};

export function inOrg<F extends ContactFacts | DealFacts>(facts: F): F {
  return { ...facts, ref: { ...facts.ref, connectionId: ORG } };
}

export const orgContact = (...input: Parameters<typeof contactOf>) => inOrg(contactOf(...input));
export const orgDeal = (...input: Parameters<typeof dealOf>) => inOrg(dealOf(...input));

/**
 * Two connections of one account: each is read on its own, and knows the other as it was last read there, as the process hop has it.
 * `facts` are the CRMs; what is decided is one.
 */
export function createTwoWorlds(rules: readonly RewardRule[], policy: ConnectionsPolicy | null = KEYED) {
  const world = createWorld(rules);
  const facts = new Map<string, ContactFacts | DealFacts>();
  const kept = new Map<string, ContactFacts | DealFacts>();
  const edges = new Map<string, IdentityEdge>();
  let version = policy === null ? null : versionOf(1, policy);

  function elsewhere(here: string) {
    const others = [...kept.values()].filter(({ ref }) => ref.connectionId !== here);
    return {
      policy: version,
      mappings: new Map([[here === PORTAL ? ORG : PORTAL, { version: 'map_1', entries: mapCatalog(CATALOG, []) }]]),
      names: new Map([
        [PORTAL, 'the portal'],
        [ORG, 'the org'],
      ]),
      edges: [...edges.values()],
      contacts: others.filter(isContact).map((one) => elsewhereOf('acc_1', version, one)),
      deals: others
        .filter((one) => !isContact(one))
        .map((one) => ({ facts: one as DealFacts, sharedKey: version ? sharedKeyOf(version.policy, one) : null })),
    };
  }

  const self = {
    world,
    edges: () => [...edges.values()],
    put: (one: ContactFacts | DealFacts) => void facts.set(recordKey(one.ref), one),
    /** As a record that was merged into another: whoever asks for it is told of the other. */
    drop: ({ ref }: ContactFacts | DealFacts) => void facts.delete(recordKey(ref)),
    publish: (next: ConnectionsPolicy) => {
      version = versionOf((version?.version ?? 0) + 1, next);
    },
    /** Reads one connection and decides. */
    process(here: string, now: number): Plan {
      world.contacts.clear();
      world.deals.clear();
      for (const one of facts.values()) {
        if (one.ref.connectionId !== here) continue;
        kept.set(recordKey(one.ref), one);
        if (isContact(one)) world.putContact(one);
        else world.putDeal(one);
      }
      world.setState({ elsewhere: elsewhere(here) });
      const plan = world.process(now);
      for (const edge of plan.identity ?? []) {
        edges.set(`${recordKey(edge.record)} ${edge.subject} ${edge.sequence}`, edge);
      }
      return plan;
    },
    /** As the wakes have it: until nothing is asked for any more. */
    settle(now: number): void {
      for (let rounds = 0; rounds < 10; rounds += 1) {
        const plans = [PORTAL, ORG].map((here) => self.process(here, now));
        if (plans.every((plan) => plan.decisions.length + plan.referrals.length + (plan.identity ?? []).length === 0))
          return;
      }
      throw new Error('the two connections do not come to rest');
    },
    /** "7/member-won rewarded", what stands, by deal. */
    standing: () =>
      world.state.rewards
        .filter(({ state }) => !['voided', 'clawed_back', 'expired'].includes(state))
        .map(({ deal, ruleKey, money }) => `${deal.connectionId}/${deal.id}/${ruleKey} ${money.minor}`)
        .sort(),
    /** The newest word of each chain. */
    newest: () => {
      const last = new Map<string, string>();
      for (const { deal, ruleKey, outcome, reason } of world.state.decisions)
        last.set(`${deal.connectionId}/${deal.id}/${ruleKey}`, `${outcome} ${reason.code}`);
      return Object.fromEntries([...last].sort());
    },
  };
  return self;
}

function versionOf(version: number, policy: ConnectionsPolicy) {
  return { version, policy, contentHash: String(version), publishedAt: T0, publishedBy: 'test' };
}

function isContact(one: ContactFacts | DealFacts): one is ContactFacts {
  return one.ref.object === 'contact';
}
