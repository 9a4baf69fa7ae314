import { Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { useWords } from './desk-words.ts';
import { reviewText } from './texts.ts';

/** What a person looks through at a glance; the member's own page has them all. */
const OTHERS_SHOWN = 5;

export function useReferral(referralId: string) {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'referral', referralId],
    queryFn: async () => (await api.GET('/referrals/{referralId}', { params: { path: { referralId } } })).data,
  });
}

export function useMember(memberId: string | undefined) {
  const { api, account } = useAccount();
  return useQuery({
    enabled: memberId !== undefined,
    queryKey: [account.id, 'member', memberId],
    queryFn: async () =>
      (await api.GET('/members/{memberId}', { params: { path: { memberId: memberId ?? '' } } })).data,
  });
}

/** Who referred and who was referred, beside one another. */
export function People({ referralId }: { referralId: string }) {
  const t = useText(reviewText);
  const { word } = useWords();
  const { api, account } = useAccount();
  const { day, moment } = useFormat();
  const referral = useReferral(referralId);
  const memberId = referral.data?.memberId;
  const member = useMember(memberId);
  const others = useQuery({
    enabled: memberId !== undefined,
    queryKey: [account.id, 'referrals', { memberId }],
    queryFn: async () => {
      const query = { memberId: memberId ?? '', limit: OTHERS_SHOWN + 1 };
      return (await api.GET('/referrals', { params: { query } })).data;
    },
  });
  const rest = others.data?.items.filter(({ id }) => id !== referralId).slice(0, OTHERS_SHOWN);
  return (
    <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="md">
      <Person title={t('member')}>
        <Loaded query={member}>
          {(one) =>
            one && (
              <>
                <Text fw={600}>{one.name ?? t('nobody')}</Text>
                {one.isRecruiter && <Tag tone="brand">{t('recruiter')}</Tag>}
                <Line label={t('email')}>{one.email ?? '–'}</Line>
                <Line label={t('code')}>{one.code}</Line>
                <Line label={t('since')}>{day(one.createdAt)}</Line>
                <Line label={t('inCrm')}>{one.contact?.id ?? '–'}</Line>
                <Line label={t('otherReferrals')}>
                  {rest === undefined || rest.length === 0
                    ? t('none')
                    : rest
                        .map(({ friend, stage }) => `${friend.name ?? friend.email ?? t('nobody')} (${word(stage)})`)
                        .join(', ')}
                </Line>
              </>
            )
          }
        </Loaded>
      </Person>
      <Person title={t('friend')}>
        <Loaded query={referral}>
          {(one) =>
            one && (
              <>
                <Text fw={600}>{one.friend.name ?? t('nobody')}</Text>
                <Line label={t('email')}>{one.friend.email ?? '–'}</Line>
                <Line label={t('source')}>{word(one.source)}</Line>
                <Line label={t('submitted')}>{moment(one.submittedAt)}</Line>
                <Line label={t('inCrm')}>{one.friend.contact?.id ?? '–'}</Line>
                <Line label={t('stage')}>
                  {word(one.stage)}: {one.reason.text}
                </Line>
              </>
            )
          }
        </Loaded>
      </Person>
    </SimpleGrid>
  );
}

function Person({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section">
      <Stack gap={6}>
        <Title order={2} size="h6" c="dimmed">
          {title}
        </Title>
        {children}
      </Stack>
    </Paper>
  );
}

function Line({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Group gap="xs" wrap="nowrap" align="baseline">
      <Text size="sm" c="dimmed" w={130} flex="none">
        {label}
      </Text>
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        {children}
      </Text>
    </Group>
  );
}
