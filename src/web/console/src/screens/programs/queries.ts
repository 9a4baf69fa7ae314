import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import type { Draft, Version } from './document.ts';

export interface ProgramEntry {
  readonly programId: string;
  readonly name: string;
  /** Newest first. */
  readonly versions: readonly Version[];
  readonly draft: Draft | undefined;
}

/** How often a page looks whether somebody else has changed a draft. */
const REFETCH_MS = 15_000;

/** Every program with its versions and its draft; those that were published last stand first. */
export function usePrograms() {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'programs'],
    refetchInterval: REFETCH_MS,
    async queryFn() {
      const [versions, drafts] = await Promise.all([api.GET('/programs'), api.GET('/programs/drafts')]);
      const published = versions.data?.items ?? [];
      const open = drafts.data?.items ?? [];
      const ids = new Set([...published, ...open].map(({ programId }) => programId));
      const programs = [...ids].map((programId): ProgramEntry => {
        const own = published.filter((version) => version.programId === programId);
        const draft = open.find((one) => one.programId === programId);
        return { programId, name: own[0]?.name ?? draft?.program.name ?? programId, versions: own, draft };
      });
      return { programs };
    },
  });
}
