import {
  type ConnectionsPolicyVersion,
  DEFAULT_CONNECTIONS_POLICY,
  OWN_ID,
  type SourceOfTruth,
  sharedKeyOf,
} from './connections-policy.ts';
import { elsewhereOf } from './identity.ts';
import type { ContactFacts, DealFacts } from './record.ts';

/** How what is read in one connection is looked for in the others. */
export interface ElsewhereKeys {
  /** The others. */
  readonly connectionIds: readonly string[];
  /** Shared keys of the deals and the contacts. */
  readonly dealKeys: readonly string[];
  readonly contactKeys: readonly string[];
  /** `contactKeys` of the people, those that tell a country. */
  readonly phoneKeys: readonly string[];
  /** Connections whose records' own ids are the keys. */
  readonly dealIdsAreKeysIn: readonly string[];
  readonly contactIdsAreKeysIn: readonly string[];
}

/** How what was read here is looked for there. */
export function elsewhereKeys(
  others: { readonly connectionIds: readonly string[]; readonly policy: ConnectionsPolicyVersion | null },
  accountId: string,
  deals: readonly DealFacts[],
  contacts: readonly ContactFacts[],
): ElsewhereKeys {
  const { policy } = others;
  const people = contacts.map((contact) => elsewhereOf(accountId, policy, contact));
  const distinct = (keys: ReadonlyArray<string | null>) => [...new Set(keys.flatMap((key) => key ?? []))].sort();
  const keyedById = (source: SourceOfTruth | null | undefined) =>
    others.connectionIds.filter((id) => source?.keys[id] === OWN_ID);
  return {
    connectionIds: others.connectionIds,
    dealKeys: distinct(deals.map((deal) => sharedKeyOf(policy?.policy ?? DEFAULT_CONNECTIONS_POLICY, deal))),
    contactKeys: distinct(people.map(({ sharedKey }) => sharedKey)),
    phoneKeys: distinct(people.map(({ phoneKey }) => phoneKey)),
    dealIdsAreKeysIn: keyedById(policy?.policy.deals),
    contactIdsAreKeysIn: keyedById(policy?.policy.contacts),
  };
}
