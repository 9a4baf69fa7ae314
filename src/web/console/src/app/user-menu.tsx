import { Menu, useMantineColorScheme } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type ReactElement, useContext } from 'react';
import { sessionCall } from '../api/client.ts';
import { LOCALES, LocaleContext, rememberLocale, useText } from '../i18n/text.ts';
import type { Session } from './session.tsx';
import { shellText } from './texts.ts';

const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;

export default function UserMenu({ session, button }: { session: Session; button: ReactElement }) {
  const t = useText(shellText);
  const client = useQueryClient();
  const { locale, setLocale } = useContext(LocaleContext);
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  async function signOut() {
    await sessionCall('', { method: 'DELETE' });
    client.clear();
    client.setQueryData(['session'], null);
  }
  return (
    <Menu position="bottom-end" width={260} defaultOpened>
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{session.user.name ?? session.user.email}</Menu.Label>
        <Menu.Divider />
        <Menu.Label>{t('language')}</Menu.Label>
        {LOCALES.map((one) => (
          <Menu.Item
            key={one}
            aria-current={one === locale}
            fw={one === locale ? 700 : undefined}
            onClick={() => {
              rememberLocale(one);
              setLocale(one);
            }}
          >
            {LANGUAGES[one]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{t('colours')}</Menu.Label>
        {(['auto', 'light', 'dark'] as const).map((one) => (
          <Menu.Item
            key={one}
            aria-current={one === colorScheme}
            fw={one === colorScheme ? 700 : undefined}
            onClick={() => setColorScheme(one)}
          >
            {t(one)}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void signOut()}>{t('signOut')}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
