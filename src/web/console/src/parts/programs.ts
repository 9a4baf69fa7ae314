import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../app/session.tsx';

export interface NamedProgram {
  readonly value: string;
  readonly label: string;
}

/** Published programs by their newest names; none for those who may not see programs. */
export function usePublishedPrograms() {
  const { api, account, may } = useAccount();
  return useQuery({
    queryKey: [account.id, 'programs', 'published'],
    enabled: may('programs.read'),
    staleTime: 60_000,
    async queryFn(): Promise<readonly NamedProgram[]> {
      const names = new Map<string, string>();
      // The newest version comes first.
      for (const { programId, name } of (await api.GET('/programs')).data?.items ?? [])
        if (!names.has(programId)) names.set(programId, name);
      return [...names].map(([value, label]) => ({ value, label }));
    },
  });
}

/** What a program is called; its id for those who may not see programs, and until the names are there. */
export function useProgramName(): (programId: string) => string {
  const programs = usePublishedPrograms().data ?? [];
  return (programId) => programs.find(({ value }) => value === programId)?.label ?? programId;
}
