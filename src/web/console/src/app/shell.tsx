import { Box, Burger, Button, Center, Group, Kbd, Stack, Text, Title } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconSearch, IconUserCircle } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { useText } from '../i18n/text.ts';
import { OnDemand } from '../parts/on-demand.tsx';
import { SCREENS } from './screens.tsx';
import { AccountProvider, type AccountSeat, type Session, useAccount } from './session.tsx';
import classes from './shell.module.css';
import { shellText } from './texts.ts';

const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);

const GROUPS = ['work', 'program', 'operations', 'settings'] as const;

/** What opens when it is pressed comes when it is. */
const AccountSwitch = lazy(() => import('./account-switch.tsx'));
const UserMenu = lazy(() => import('./user-menu.tsx'));
const CommandMenu = lazy(() => import('./command-menu.tsx'));

export function AccountShell({
  session,
  account,
  children,
}: {
  session: Session;
  account: AccountSeat;
  children: ReactNode;
}) {
  const t = useText(shellText);
  const [opened, { toggle, close }] = useDisclosure();
  return (
    <AccountProvider session={session} account={account} key={account.id}>
      <div className={classes.frame}>
        <header className={classes.bar}>
          <Group h="100%" justify="space-between" wrap="nowrap">
            <Group gap="sm" wrap="nowrap">
              <Burger opened={opened} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('menu')} />
              <Text fw={700} visibleFrom="sm" c="brand">
                Wonward
              </Text>
              {account.brand.logo !== null && (
                <img src={account.brand.logo} alt="" style={{ maxHeight: 28, maxWidth: 96 }} />
              )}
              {session.accounts.length === 1 ? (
                <Text fw={600}>{account.name}</Text>
              ) : (
                <Suspense fallback={<Text fw={600}>{account.name}</Text>}>
                  <AccountSwitch session={session} account={account} />
                </Suspense>
              )}
            </Group>
            <Group gap="sm" wrap="nowrap">
              <GoTo />
              <You session={session} />
            </Group>
          </Group>
        </header>
        <nav className={classes.places} aria-label={t('nav')} data-opened={opened || undefined}>
          <Navigation onNavigate={close} />
        </nav>
        <main className={classes.page}>
          <Box maw={1240} mx="auto">
            {children}
          </Box>
        </main>
      </div>
    </AccountProvider>
  );
}

/** Whose session it is, and what can be done with it. */
function You({ session }: { session: Session }) {
  const t = useText(shellText);
  return (
    <OnDemand
      opens="menu"
      button={
        <Button variant="subtle" px="xs" aria-label={t('you', { email: session.user.email })}>
          <IconUserCircle size={22} stroke={1.6} />
        </Button>
      }
    >
      {(button) => <UserMenu session={session} button={button} />}
    </OnDemand>
  );
}

/** By its button or by Ctrl or ⌘ and K, wherever somebody is. */
function GoTo() {
  const t = useText(shellText);
  const [isOpen, { open, close }] = useDisclosure();
  useHotkeys([['mod+K', open]], []);
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={<Kbd size="xs">{IS_APPLE ? '⌘K' : 'Ctrl K'}</Kbd>}
        aria-keyshortcuts="Control+K Meta+K"
        visibleFrom="xs"
        onClick={open}
      >
        {t('goTo')}
      </Button>
      {isOpen && (
        <Suspense>
          <CommandMenu onClose={close} />
        </Suspense>
      )}
    </>
  );
}

function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const t = useText(shellText);
  const { account, may } = useAccount();
  const { pathname } = useLocation();
  return (
    <Stack gap="md">
      {GROUPS.map((group) => {
        const entries = SCREENS.flatMap((entry) =>
          entry.nav?.group === group && may(entry.permission) ? [{ ...entry, nav: entry.nav }] : [],
        );
        if (entries.length === 0) return null;
        return (
          <div key={group}>
            <Text size="xs" fw={600} c="dimmed" px="sm" pb={4}>
              {t(group)}
            </Text>
            {entries.map(({ path, nav: { label, icon: Icon } }) => {
              const to = `/${account.id}/${path}`;
              const isHere = pathname === to || pathname.startsWith(`${to}/`);
              return (
                <Link
                  key={path}
                  to={to}
                  className={classes.place}
                  aria-current={isHere ? 'page' : undefined}
                  onClick={onNavigate}
                >
                  <Icon size={18} stroke={1.6} />
                  {t(label)}
                </Link>
              );
            })}
          </div>
        );
      })}
    </Stack>
  );
}

/** Signed in, but not invited here. */
export function NoSeat({ session, isOther = false }: { session: Session; isOther?: boolean }) {
  const t = useText(shellText);
  const { email } = session.user;
  return (
    <Center mih="100vh" p="lg" component="main">
      <Stack maw={480}>
        <Title order={1} size="h2">
          {isOther ? t('otherAccount') : t('noSeat')}
        </Title>
        <Text>{isOther ? t('otherAccountWhat', { email }) : t('noSeatWhat', { email })}</Text>
        {isOther &&
          session.accounts.map(({ id, name }) => (
            <Button key={id} component={Link} to={`/${id}`} variant="default">
              {name}
            </Button>
          ))}
      </Stack>
    </Center>
  );
}
