import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Api } from '../../api/client.ts';
import { useAccount } from '../../app/session.tsx';
import { Loaded, Screen } from '../../parts/states.tsx';

interface SetProps<T> {
  /** Of what is read, for the next who asks for it. */
  readonly name: string;
  readonly load: (api: Api) => Promise<{ data?: T }>;
  readonly children: (found: T) => ReactNode;
}

/** One thing of the account that is set: what holds is read, and its form begins with that. */
export function OfAccount<T>({ name, load, children }: SetProps<T>) {
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, name],
    queryFn: async () => (await load(api)).data ?? null,
    // What somebody is writing is not changed under their hands; another's change is told when they save.
    refetchOnWindowFocus: false,
  });
  return <Loaded query={query}>{(found) => found !== null && children(found)}</Loaded>;
}

/** A screen of its own for it. */
export function SettingsScreen<T>({
  title,
  description,
  ...set
}: SetProps<T> & { readonly title: string; readonly description: string }) {
  return (
    <Screen title={title} description={description}>
      <OfAccount {...set} />
    </Screen>
  );
}
