import { createRootRoute, createRoute, createRouter, Navigate, Outlet, useParams } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { Guarded, Loading, ProblemNote } from '../parts/states.tsx';
import { SCREENS, type ScreenEntry } from './screens.tsx';
import { useAccount, useSession } from './session.tsx';
import { AccountShell, NoSeat } from './shell.tsx';

const LANDING = 'wonward.account';

const root = createRootRoute({ component: Outlet });

const SignIn = lazy(() => import('../screens/sign-in/sign-in.tsx').then((one) => ({ default: one.SignIn })));

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: () => (
    <Suspense fallback={<Loading />}>
      <SignIn />
    </Suspense>
  ),
});

/** To the account that was looked at last. */
function Landing() {
  const session = useSession();
  if (session.isError) return <ProblemNote thrown={session.error} onRetry={() => void session.refetch()} />;
  if (session.data === undefined) return <Loading />;
  if (session.data === null) return <Navigate to="/sign-in" />;
  const { accounts } = session.data;
  const account = accounts.find(({ id }) => id === localStorage.getItem(LANDING)) ?? accounts[0];
  if (!account) return <NoSeat session={session.data} />;
  return <Navigate to="/$account" params={{ account: account.id }} replace />;
}

const landing = createRoute({ getParentRoute: () => root, path: '/', component: Landing });

const inAccount = createRoute({
  getParentRoute: () => root,
  path: '/$account',
  component: function InAccount() {
    const { account } = useParams({ from: '/$account' });
    const session = useSession();
    if (session.isError) return <ProblemNote thrown={session.error} onRetry={() => void session.refetch()} />;
    if (session.data === undefined) return <Loading />;
    if (session.data === null) return <Navigate to="/sign-in" />;
    const seat = session.data.accounts.find(({ id }) => id === account);
    if (!seat) return <NoSeat session={session.data} isOther />;
    localStorage.setItem(LANDING, account);
    return (
      <AccountShell session={session.data} account={seat}>
        <Outlet />
      </AccountShell>
    );
  },
});

const first = createRoute({
  getParentRoute: () => inAccount,
  path: '/',
  component: function First() {
    const { may, account } = useAccount();
    const entry = SCREENS.find(({ nav, permission }) => nav && may(permission));
    if (!entry) return <Guarded permission="referrals.read">{null}</Guarded>;
    return <Navigate to={`/${account.id}/${entry.path}` as string} replace />;
  },
});

function routeOf({ path, permission, component: Component }: ScreenEntry) {
  return createRoute({
    getParentRoute: () => inAccount,
    path: `/${path}`,
    component: () => (
      <Guarded permission={permission}>
        <Suspense fallback={<Loading />}>
          <Component />
        </Suspense>
      </Guarded>
    ),
    errorComponent: ({ error, reset }) => <ProblemNote thrown={error} onRetry={reset} />,
  });
}

export const router = createRouter({
  routeTree: root.addChildren([signIn, landing, inAccount.addChildren([first, ...SCREENS.map(routeOf)])]),
  basepath: '/console',
  defaultNotFoundComponent: () => <ProblemNote thrown={null} />,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
