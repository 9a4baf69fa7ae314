import { parseConnectionsPolicy } from '../application/connections-document.ts';
import { type ConnectionsPolicy, DEFAULT_CONNECTIONS_POLICY } from '../domain/connections-policy.ts';
import { BY, type PolicyKind } from './policies.ts';

/** Which connection decides on what stands in several of them. */
export const TWO_CRMS: PolicyKind<ConnectionsPolicy> = {
  title: 'Connections policy',
  standing: DEFAULT_CONNECTIONS_POLICY,
  store: ({ store }) => store.identity,
  publish: ({ store, now }, accountId, policy) => store.identity.publish(accountId, policy, BY, now()),
  async parse(document, { store }, accountId) {
    const parsed = parseConnectionsPolicy(document, await store.connections.list(accountId));
    if (parsed.ok) return parsed;
    return { ok: false, problems: parsed.problems.map(({ field, problem }) => `${field}: ${problem}`) };
  },
  async notes({ store }, accountId) {
    const connections = await store.connections.list(accountId);
    return connections.map(({ id, provider, externalId }) => `${id} is ${provider} ${externalId}.`);
  },
};
