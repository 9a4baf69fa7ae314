import { Button, Code, CopyButton, Grid, Group, Stack, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Loaded, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { CrmRecords } from './crm-records.tsx';
import { Consents, PersonData } from './later.tsx';
import { Mark } from './marks.tsx';
import { Facts, Panel } from './panel.tsx';
import { nameOf } from './people.ts';
import { RecordPage } from './record-page.tsx';
import { ReferralTable } from './referral-table.tsx';
import { RewardTable } from './reward-table.tsx';
import { useListSearch } from './search.ts';
import { workText } from './texts.ts';
import type { Member } from './words.ts';

const TABS = ['referrals', 'rewards', 'tiers'] as const;
type Tab = (typeof TABS)[number];

export default function MemberPage() {
  const { memberId = '' } = useParams({ strict: false }) as { memberId?: string };
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'member', memberId],
    queryFn: async () => (await api.GET('/members/{memberId}', { params: { path: { memberId } } })).data ?? null,
  });
  const t = useText(workText);
  return (
    <RecordPage title={t('member')} query={query}>
      {(member) => <Shown member={member} />}
    </RecordPage>
  );
}

function Shown({ member }: { member: Member }) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const { values, set } = useListSearch(['tab']);
  const tab = TABS.find((one) => one === values.tab) ?? 'referrals';
  const { id, email } = member;
  const name = nameOf(member, member.code);
  const records = useQuery({
    queryKey: [account.id, 'member', id, 'records'],
    queryFn: async () =>
      (await api.GET('/members/{memberId}/records', { params: { path: { memberId: id } } })).data ?? null,
  });
  return (
    <Screen
      title={name}
      {...(email !== null && email !== name ? { description: email } : {})}
      actions={member.isRecruiter && <Mark color="blue">{t('recruiter')}</Mark>}
    >
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 8 }} order={{ base: 2, md: 1 }}>
          <Tabs
            value={tab}
            keepMounted={false}
            onChange={(next) => set({ tab: next === 'referrals' ? undefined : (next ?? undefined) })}
          >
            <Tabs.List>
              {TABS.map((one: Tab) => (
                <Tabs.Tab key={one} value={one}>
                  {t(one)}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value="referrals" pt="md">
              <ReferralTable filters={{ memberId: id }} without={['member']} />
            </Tabs.Panel>
            <Tabs.Panel value="rewards" pt="md">
              <RewardTable filters={{ memberId: id }} without={['paidTo']} />
            </Tabs.Panel>
            <Tabs.Panel value="tiers" pt="md">
              <TierChanges memberId={id} />
            </Tabs.Panel>
          </Tabs>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }} order={{ base: 1, md: 2 }}>
          <Stack>
            <Sharing member={member} />
            <Standing memberId={id} />
            <Consents of="member" id={id} />
            <Panel title={t('inCrm')}>
              <Loaded query={records}>{(list) => <CrmRecords records={list?.items ?? []} />}</Loaded>
            </Panel>
            <PersonData who={{ memberId: id }} name={name} word={email ?? name} />
          </Stack>
        </Grid.Col>
      </Grid>
    </Screen>
  );
}

function Sharing({ member }: { member: Member }) {
  const t = useText(workText);
  const word = useText(common);
  const { day } = useFormat();
  const { pathname } = new URL(member.shareLink);
  return (
    <Panel title={t('shareLink')}>
      <Stack gap="sm">
        <Group wrap="nowrap" align="flex-start">
          <img src={`${pathname}/qr.png`} alt={t('qrAlt')} width={104} height={104} style={{ borderRadius: 6 }} />
          <Stack gap="xs" align="flex-start">
            <Code style={{ overflowWrap: 'anywhere' }}>{member.shareLink}</Code>
            <CopyButton value={member.shareLink}>
              {({ copied, copy }) => (
                <Button size="xs" variant="default" onClick={copy}>
                  {copied ? word('copied') : word('copy')}
                </Button>
              )}
            </CopyButton>
          </Stack>
        </Group>
        <Facts
          items={[
            [t('code'), member.code],
            [t('enrolled'), day(member.createdAt)],
          ]}
        />
      </Stack>
    </Panel>
  );
}

function Standing({ memberId }: { memberId: string }) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const params = { params: { path: { memberId } } };
  const tier = useQuery({
    queryKey: [account.id, 'member', memberId, 'tier'],
    queryFn: async () => (await api.GET('/members/{memberId}/tier', params)).data ?? null,
  });
  const balance = useQuery({
    queryKey: [account.id, 'member', memberId, 'balance'],
    queryFn: async () => (await api.GET('/members/{memberId}/balance', params)).data ?? null,
  });
  return (
    <>
      <Panel title={t('balance')}>
        <Loaded query={balance}>
          {(found) =>
            (found?.items.length ?? 0) === 0 ? (
              <Text size="sm" c="dimmed">
                {t('noBalance')}
              </Text>
            ) : (
              <Stack gap="sm">
                {found?.items.map(({ currency, ...amounts }) => (
                  <Facts
                    key={currency}
                    items={(['held', 'owed', 'credit', 'receivable', 'overpaid'] as const)
                      // What is usual stands there also when it is nothing; what is not only when there is some.
                      .filter((one) => one === 'owed' || one === 'credit' || /[1-9]/.test(amounts[one]))
                      .map((one) => [t(one), money({ amount: amounts[one], currency })] as const)}
                  />
                ))}
              </Stack>
            )
          }
        </Loaded>
      </Panel>
      <Panel title={t('tier')}>
        <Loaded query={tier}>
          {(found) => (
            <Stack gap={4}>
              <Text size="sm" fw={600}>
                {found?.tier?.name ?? t('noTier')}
              </Text>
              {found?.score != null && <Text size="sm">{t('score', { score: found.score })}</Text>}
              {found?.next && (
                <Text size="sm" c="dimmed">
                  {t('toNext', { missing: found.next.missing, name: found.next.name })}
                </Text>
              )}
            </Stack>
          )}
        </Loaded>
      </Panel>
    </>
  );
}

function TierChanges({ memberId }: { memberId: string }) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const { day } = useFormat();
  return (
    <PagedTable
      label={t('tiers')}
      queryKey={[account.id, 'tier-changes', memberId]}
      load={async (cursor) => {
        const query = { memberId, ...(cursor === undefined ? {} : { cursor }) };
        const { data } = await api.GET('/tier-changes', { params: { query } });
        return data ?? { items: [], nextCursor: null };
      }}
      empty={<Empty title={t('noTierChanges')} />}
      columns={[
        { key: 'at', title: t('changed'), cell: ({ recordedAt }) => day(recordedAt) },
        { key: 'move', title: t('state'), cell: ({ move }) => t(`move_${move}`) },
        { key: 'tier', title: t('tier'), cell: ({ to }) => to?.name ?? t('noTier') },
        { key: 'reason', title: t('reason'), cell: ({ reason }) => reason.text },
      ]}
    />
  );
}
