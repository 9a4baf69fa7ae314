import { useQuery } from '@tanstack/react-query';
import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';

export type Provider = components['schemas']['Provider'];

export function useProviders() {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'providers'],
    queryFn: async () => (await api.GET('/providers')).data?.items ?? [],
  });
}

export interface UsingRule {
  readonly programId: string;
  readonly programName: string;
  readonly ruleKey: string;
  readonly payout: string;
}

/** Rules of the programs in force, by what they pay with. */
export function useRulesByProvider() {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'providers', 'rules'],
    async queryFn() {
      const { data } = await api.GET('/programs');
      const seen = new Set<string>();
      const rules: UsingRule[] = [];
      for (const { programId, name, isRetired, rules: own } of data?.items ?? []) {
        // The newest version of a program comes first, and is the one in force.
        if (seen.has(programId)) continue;
        seen.add(programId);
        if (isRetired) continue;
        for (const { key, payout } of own) rules.push({ programId, programName: name, ruleKey: key, payout });
      }
      return Map.groupBy(rules, ({ payout }) => payout);
    },
  });
}
