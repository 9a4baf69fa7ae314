import { useQuery } from '@tanstack/react-query';
import { ApiProblem } from '../../api/client.ts';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';

type Json<K extends keyof operations, S extends number> = operations[K] extends {
  responses: Record<S, { content: { 'application/json': infer T } }>;
}
  ? T
  : never;

export type Connection = Json<'getConnection', 200>;
export type Health = Json<'getSyncHealth', 200>;
export type Mapping = Json<'getStageMapping', 200>;
export type Proposal = Json<'getMappingProposal', 200>;
export type Drift = Json<'listDrift', 200>['items'][number];
export type Report = Json<'getSyncReport', 200>;
export type Backfill = Json<'getBackfill', 200>;
export type Means = Mapping['pipelines'][number]['stages'][number]['stage'];

export const MEANS: readonly Means[] = ['qualified', 'opportunity', 'won', 'lost'];

const CRM_NAMES: Readonly<Record<string, string>> = { hubspot: 'HubSpot', salesforce: 'Salesforce' };

export function crmName({ provider }: Pick<Connection, 'provider'>): string {
  return CRM_NAMES[provider] ?? provider;
}

export function useConnections(refetchMs?: number, enabled = true) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'connections'],
    enabled,
    ...(refetchMs === undefined ? {} : { refetchInterval: refetchMs }),
    queryFn: async () => (await api.GET('/connections')).data?.items ?? [],
  });
}

export function useConnection(connectionId: string) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'connections', connectionId],
    queryFn: async () => (await api.GET('/connections/{connectionId}', { params: { path: { connectionId } } })).data,
  });
}

export function useHealth(connectionId: string, refetchMs: number) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'connections', connectionId, 'health'],
    refetchInterval: refetchMs,
    queryFn: async () =>
      (await api.GET('/connections/{connectionId}/health', { params: { path: { connectionId } } })).data,
  });
}

export function useMapping(connectionId: string) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'connections', connectionId, 'mapping'],
    queryFn: async () =>
      (await api.GET('/connections/{connectionId}/mapping', { params: { path: { connectionId } } })).data,
  });
}

/** Null while none was ever proposed. */
export function useProposal(connectionId: string) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'connections', connectionId, 'proposal'],
    async queryFn(): Promise<Proposal | null> {
      try {
        const params = { path: { connectionId } };
        return (await api.GET('/connections/{connectionId}/mapping/proposal', { params })).data ?? null;
      } catch (thrown) {
        if (thrown instanceof ApiProblem && thrown.problem.status === 404) return null;
        throw thrown;
      }
    },
  });
}

export function useDrift(connectionId: string) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'connections', connectionId, 'drift'],
    queryFn: async () =>
      (await api.GET('/connections/{connectionId}/drift', { params: { path: { connectionId } } })).data,
  });
}
