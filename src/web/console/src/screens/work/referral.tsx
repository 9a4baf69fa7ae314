import { Button, Grid, Group, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { useProgramName } from '../../parts/programs.ts';
import { Loaded, Screen } from '../../parts/states.tsx';
import { CrmRecords } from './crm-records.tsx';
import { Consents, PersonData } from './later.tsx';
import { StageMark, StateMark, To } from './marks.tsx';
import { Facts, Panel } from './panel.tsx';
import { nameOf } from './people.ts';
import { RecordPage } from './record-page.tsx';
import { useListSearch } from './search.ts';
import { workText } from './texts.ts';
import { Timeline } from './timeline.tsx';
import { fieldWords, type Referral } from './words.ts';

const RefundDialog = lazy(() => import('../money/refund-dialog.tsx').then((one) => ({ default: one.RefundDialog })));

export default function ReferralPage() {
  const { referralId = '' } = useParams({ strict: false }) as { referralId?: string };
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'referral', referralId],
    queryFn: async () => (await api.GET('/referrals/{referralId}', { params: { path: { referralId } } })).data ?? null,
  });
  const t = useText(workText);
  return (
    <RecordPage title={t('referral')} query={query}>
      {(referral) => <Shown referral={referral} />}
    </RecordPage>
  );
}

function Shown({ referral }: { referral: Referral }) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const [refunds, setRefunds] = useState<'never' | 'open' | 'closed'>('never');
  const { day, money } = useFormat();
  const programName = useProgramName();
  const { values, set } = useListSearch(['show']);
  const { id, friend, memberId, programId, stage, reason, stageSince, submittedAt, source } = referral;
  const name = nameOf(friend, t('nameless'));
  const member = useQuery({
    queryKey: [account.id, 'member', memberId],
    queryFn: async () => (await api.GET('/members/{memberId}', { params: { path: { memberId } } })).data ?? null,
  });
  const rewards = useQuery({
    queryKey: [account.id, 'rewards', { referralId: id }, 'all'],
    queryFn: async () =>
      (await api.GET('/rewards', { params: { query: { referralId: id, limit: 100 } } })).data ?? null,
  });
  const records = useQuery({
    queryKey: [account.id, 'referral', id, 'records'],
    queryFn: async () =>
      (await api.GET('/referrals/{referralId}/records', { params: { path: { referralId: id } } })).data ?? null,
  });
  const deals = [
    ...new Map(
      rewards.data?.items.map(({ deal }) => [
        `${deal.connectionId} ${deal.id}`,
        { connectionId: deal.connectionId, id: deal.id },
      ]),
    ).values(),
  ];
  return (
    <Screen
      title={name}
      {...(friend.email !== null && friend.email !== name ? { description: friend.email } : {})}
      actions={
        <>
          <StageMark stage={stage} />
          {may('money.write') && deals.length > 0 && (
            <Button size="xs" variant="default" onClick={() => setRefunds('open')}>
              {t('enterRefund')}
            </Button>
          )}
        </>
      }
    >
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 8 }} order={{ base: 2, md: 1 }}>
          <Panel title={t('timeline')}>
            <Timeline referralId={id} friend={name} value={values.show} onChange={(show) => set({ show })} />
          </Panel>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }} order={{ base: 1, md: 2 }}>
          <Stack>
            <Panel title={t('standing')}>
              <Stack gap="sm">
                <Text size="sm">{reason.text}</Text>
                <Facts
                  items={[
                    [t('stageSince'), day(stageSince)],
                    [
                      t('referredBy'),
                      <To key="member" path={`members/${memberId}`}>
                        {nameOf(member.data ?? undefined, t('nameless'))}
                      </To>,
                    ],
                    [t('source'), word(`source_${source}`)],
                    [t('submitted'), day(submittedAt)],
                    [t('program'), programName(programId)],
                  ]}
                />
              </Stack>
            </Panel>
            <Panel title={t('rewards')}>
              <Loaded query={rewards}>
                {(list) =>
                  (list?.items.length ?? 0) === 0 ? (
                    <Text size="sm" c="dimmed">
                      {t('noRewards')}
                    </Text>
                  ) : (
                    <Stack gap="sm">
                      {list?.items.map((one) => (
                        <div key={one.id}>
                          <Group justify="space-between" gap="xs">
                            <To path={`rewards/${one.id}`}>{one.money && money(one.money)}</To>
                            <StateMark state={one.state} />
                          </Group>
                          <Text size="xs" c="dimmed">
                            {nameOf(
                              list.people.find((person) => person.id === one.beneficiaryId),
                              t('nameless'),
                            )}{' '}
                            · {word(`party_${one.party}`)}
                          </Text>
                        </div>
                      ))}
                    </Stack>
                  )
                }
              </Loaded>
            </Panel>
            <Consents of="referral" id={id} />
            <Panel title={t('inCrm')}>
              <Loaded query={records}>{(list) => <CrmRecords records={list?.items ?? []} />}</Loaded>
            </Panel>
            <PersonData who={{ referralId: id }} name={name} word={friend.email ?? friend.name ?? id} />
          </Stack>
        </Grid.Col>
      </Grid>
      {refunds !== 'never' && (
        <Suspense>
          <RefundDialog
            shown={refunds === 'open' ? 'new' : null}
            deals={deals}
            onClose={() => {
              setRefunds('closed');
              void client.invalidateQueries({ queryKey: [account.id] });
            }}
          />
        </Suspense>
      )}
    </Screen>
  );
}
