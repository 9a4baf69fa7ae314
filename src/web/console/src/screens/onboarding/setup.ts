import { useQueries, useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useConnections } from '../connections/queries.ts';
import { usePrograms } from '../programs/queries.ts';

export const STEPS = ['connect', 'map', 'program', 'brand', 'test', 'live'] as const;
export type Step = (typeof STEPS)[number];

/** While somebody waits for a consent page, or for the first reward. */
const REFETCH_MS = 4_000;

/** Somebody tries a few times; what was before that nobody looks for here. */
const TESTS_SHOWN = 5;

/** How far an account is set up, seen from what is there: nothing keeps which step somebody was on. */
export function useSetup() {
  const { api, account, may } = useAccount();
  const connections = useConnections(REFETCH_MS);
  const connected = (connections.data ?? []).filter(({ status }) => status === 'connected');
  const mappings = useQueries({
    queries: connected.map(({ id }) => ({
      queryKey: [account.id, 'connections', id, 'mapping'],
      queryFn: async () =>
        (await api.GET('/connections/{connectionId}/mapping', { params: { path: { connectionId: id } } })).data,
      refetchInterval: REFETCH_MS,
    })),
  });
  const programs = usePrograms();
  const referrals = useQuery({
    queryKey: [account.id, 'referrals', 'newest'],
    enabled: may('referrals.read'),
    refetchInterval: REFETCH_MS,
    queryFn: async () => (await api.GET('/referrals', { params: { query: { limit: 1 } } })).data?.items ?? [],
  });
  const tests = useQuery({
    queryKey: [account.id, 'test-runs', 'newest'],
    enabled: may('programs.read'),
    refetchInterval: REFETCH_MS,
    queryFn: async () => (await api.GET('/test-runs', { params: { query: { limit: TESTS_SHOWN } } })).data?.items ?? [],
  });
  const brand = useQuery({
    queryKey: [account.id, 'brand', 'version'],
    enabled: may('content.write'),
    refetchInterval: REFETCH_MS,
    queryFn: async () => (await api.GET('/brand')).data?.version ?? 0,
  });
  const entries = programs.data?.programs ?? [];
  const found = mappings.flatMap(({ data }) => (data ? [data] : []));
  const live = entries.find(({ versions }) => versions[0] !== undefined && !versions[0].isRetired);
  const isMapped = (mapping: (typeof found)[number]) =>
    mapping.dryRunId !== null || mapping.pipelines.some(({ stages }) => stages.some(({ isSaid }) => isSaid));
  const done: Readonly<Record<Step, boolean>> = {
    connect: connected.length > 0,
    map: found.length > 0 && found.every(isMapped),
    program: entries.length > 0,
    // Who may not set it is not told what it is.
    brand: !may('content.write') || (brand.data ?? 0) > 0,
    // Whoever lives already needs no test any more.
    test: (tests.data ?? []).some(({ state }) => state === 'ended') || (referrals.data ?? []).length > 0,
    live: live !== undefined,
  };
  return {
    isLoading: connections.isPending || programs.isPending,
    error: connections.error ?? programs.error,
    retry: () => void Promise.all([connections.refetch(), programs.refetch()]),
    connected,
    mappings: found,
    programs: entries,
    live,
    tests: tests.data ?? [],
    done,
    doneCount: STEPS.filter((step) => done[step]).length,
  };
}

export type Setup = ReturnType<typeof useSetup>;
