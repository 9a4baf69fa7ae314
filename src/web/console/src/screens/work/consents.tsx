import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import { consentText } from '../settings/consent-texts.ts';
import { More, Panel } from './panel.tsx';

/** Which words a member, or the friend of a referral, was shown when they were entered. */
export function Consents({ of, id }: { of: 'referral' | 'member'; id: string }) {
  const t = useText(consentText);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const query = useQuery({
    queryKey: [account.id, of, id, 'consents'],
    queryFn: async () =>
      (of === 'referral'
        ? (await api.GET('/referrals/{referralId}/consents', { params: { path: { referralId: id } } })).data
        : (await api.GET('/members/{memberId}/consents', { params: { path: { memberId: id } } })).data
      )?.items ?? [],
  });
  return (
    <Panel title={t('told')}>
      <Loaded query={query}>
        {(items) =>
          items.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t('toldNothing')}
            </Text>
          ) : (
            <Stack gap="xs">
              {items.map(({ purpose, version, place, at, text, language }) => (
                <More key={`${purpose} ${version}`} label={t('toldWhen', { version, place: t(`place_${place}`) })}>
                  <Text size="xs" c="dimmed" pb={4}>
                    {moment(at)}
                  </Text>
                  <Text size="sm" lang={language} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                    {text}
                  </Text>
                </More>
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Panel>
  );
}
