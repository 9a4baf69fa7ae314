import { useQuery, useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import { type Api, apiOf, SIGNED_OUT, sessionCall } from '../api/client.ts';

export interface AccountSeat {
  readonly id: string;
  readonly name: string;
  /** As members know it, to tell accounts apart at a glance. */
  readonly brand: { readonly name: string | null; readonly accent: string | null; readonly logo: string | null };
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}

export interface Session {
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null };
  readonly accounts: readonly AccountSeat[];
  readonly expiresAt: string;
}

/** Null: nobody is signed in. */
export function useSession() {
  const client = useQueryClient();
  useEffect(() => {
    const forget = () => client.setQueryData(['session'], null);
    window.addEventListener(SIGNED_OUT, forget);
    return () => window.removeEventListener(SIGNED_OUT, forget);
  }, [client]);
  return useQuery({
    queryKey: ['session'],
    staleTime: 60_000,
    queryFn: async (): Promise<Session | null> => {
      const { user, ...session } = await sessionCall<Omit<Session, 'user'> & { user: Session['user'] | null }>('');
      return user && { ...session, user };
    },
  });
}

interface InAccount {
  readonly session: Session;
  readonly account: AccountSeat;
  readonly api: Api;
  may(permission: string): boolean;
}

const AccountContext = createContext<InAccount | null>(null);

export function AccountProvider({
  session,
  account,
  children,
}: {
  session: Session;
  account: AccountSeat;
  children: ReactNode;
}) {
  const value = useMemo(
    () => ({
      session,
      account,
      api: apiOf(account.id),
      may: (permission: string) => account.permissions.includes(permission),
    }),
    [session, account],
  );
  return <AccountContext value={value}>{children}</AccountContext>;
}

/** The account that the page is about, and the API for it. Keys of queries begin with its id. */
export function useAccount(): InAccount {
  const value = useContext(AccountContext);
  if (!value) throw new Error('Only pages of an account know one.');
  return value;
}
