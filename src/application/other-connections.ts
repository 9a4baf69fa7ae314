import { type ConnectionsPolicyVersion, keyProperties } from '../domain/connections-policy.ts';
import type { Elsewhere } from '../domain/identity.ts';
import type { StageMapping } from '../domain/mapping.ts';
import type { WantedProperties } from '../domain/property.ts';
import type { Connection, LoadedCase, Store } from './ports/store.ts';

/** The account's other connections, for one that is being processed. */
export interface OtherConnections {
  readonly connectionIds: readonly string[];
  readonly policy: ConnectionsPolicyVersion | null;
  readonly mappings: ReadonlyMap<string, StageMapping>;
  readonly names: ReadonlyMap<string, string>;
}

/** What people call a connection. */
export function connectionName({ provider, externalId }: Pick<Connection, 'provider' | 'externalId'>): string {
  return `${provider} ${externalId}`;
}

/** Null where there is no other. One that is disconnected counts: what was read of it is still known. */
export async function otherConnections(
  store: Pick<Store, 'connections' | 'identity'>,
  { id, accountId }: Pick<Connection, 'id' | 'accountId'>,
): Promise<OtherConnections | null> {
  const all = await store.connections.list(accountId);
  const others = all.filter((one) => one.id !== id);
  if (others.length === 0) return null;
  const mappings = new Map<string, StageMapping>();
  for (const one of others) {
    const mapping = await store.connections.mapping(accountId, one.id);
    if (mapping) mappings.set(one.id, mapping);
  }
  return {
    connectionIds: others.map((one) => one.id),
    policy: await store.identity.newest(accountId),
    mappings,
    names: new Map(all.map((one) => [one.id, connectionName(one)])),
  };
}

/** With the properties that carry the shared keys. */
export function withKeys(
  wanted: WantedProperties,
  others: OtherConnections | null,
  connectionId: string,
): WantedProperties {
  if (!others?.policy) return wanted;
  const { deal, contact } = keyProperties(others.policy.policy, connectionId);
  const joined = (a: readonly string[], b: readonly string[]) => [...new Set([...a, ...b])].sort();
  return { ...wanted, deal: joined(wanted.deal, deal), contact: joined(wanted.contact, contact) };
}

/** What `decide` is told of the other connections; nothing where there is none. */
export function elsewhereState(
  others: Omit<OtherConnections, 'connectionIds'> | null,
  loaded: LoadedCase['others'],
): { readonly elsewhere?: Elsewhere } {
  if (!others || !loaded) return {};
  const { policy, mappings, names } = others;
  return { elsewhere: { policy, mappings, names, ...loaded } };
}
