import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import type { Period } from './period.ts';

/** Days in UTC, both part of it; and one program, where one was chosen. */
export type FiguresAsked = Period & { readonly programId?: string };

/** A period beside as many days before it. */
export function useOverview(query: FiguresAsked) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'figures', 'overview', query],
    queryFn: async () => (await api.GET('/figures/overview', { params: { query } })).data ?? null,
  });
}

export function useTrend(query: FiguresAsked, by: 'day' | 'week' | 'month') {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'figures', 'trend', query, by],
    queryFn: async () => (await api.GET('/figures/trend', { params: { query: { ...query, by } } })).data ?? null,
  });
}

export function useFunnel(query: FiguresAsked) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'figures', 'funnel', query],
    queryFn: async () => (await api.GET('/figures/funnel', { params: { query } })).data ?? null,
  });
}
