import { useQuery } from '@tanstack/react-query';
import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import type { Amount } from '../../i18n/format.ts';

export type Total = components['schemas']['HistoryTotal'];
export type Decision = components['schemas']['Decision'];
export type Release = components['schemas']['HistoryRelease'];

export interface Rule {
  readonly programId: string;
  readonly ruleKey: string;
}

/** What somebody is about to release: all of a rule, or what they have selected of it. */
export interface Asked extends Rule {
  /** By the ids of decisions; null for everything. */
  readonly picked: ReadonlyMap<string, Amount> | null;
}

export interface CountedSum {
  readonly count: number;
  readonly money: Amount;
}

export const TONES: Readonly<Record<Release['state'], string>> = {
  asked: 'orange',
  running: 'brand',
  done: 'green',
  cancelled: 'gray',
};

/** A rule may pay in several currencies, and is released in all of them at once. */
export function byRule(totals: readonly Total[]): Array<Rule & { count: number; sums: readonly CountedSum[] }> {
  const rules = Map.groupBy(totals, ({ programId, ruleKey }) => `${programId} ${ruleKey}`);
  return [...rules.values()].flatMap((own) => {
    const [first] = own;
    if (!first) return [];
    const { programId, ruleKey } = first;
    const sums = own.flatMap(({ count, money }) => (money ? { count, money } : []));
    return [{ programId, ruleKey, count: own.reduce((sum, { count }) => sum + count, 0), sums }];
  });
}

/** What waits of everything, of a program, or of one of its rules. */
export function useHistoryTotals(
  of: Partial<Rule>,
  options: { readonly enabled?: boolean; readonly refetchInterval?: number } = {},
) {
  const { api, account } = useAccount();
  return useQuery({
    ...options,
    queryKey: [account.id, 'history', 'totals', of.programId ?? null, of.ruleKey ?? null],
    queryFn: async () => (await api.GET('/history/totals', { params: { query: of } })).data?.items ?? [],
  });
}
