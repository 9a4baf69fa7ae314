import { Alert, Button, Code, Grid, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { type Amount, useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { useProgramName } from '../../parts/programs.ts';
import { Empty, Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { DecisionDetails } from './decision.tsx';
import { Mark, StateMark, To } from './marks.tsx';
import { Facts, Panel } from './panel.tsx';
import { nameOf, sumsOf } from './people.ts';
import { Postings } from './postings.tsx';
import { RecordPage } from './record-page.tsx';
import { awaitsPerson, type RewardRow } from './reward-table.tsx';
import { workText } from './texts.ts';
import { type Verdict, VerdictDialog } from './verdict.tsx';
import { fieldWords, type Reward } from './words.ts';

export default function RewardPage() {
  const { rewardId = '' } = useParams({ strict: false }) as { rewardId?: string };
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'reward', rewardId],
    queryFn: async () => {
      const { data } = await api.GET('/rewards/{rewardId}', { params: { path: { rewardId } } });
      if (!data) return null;
      const { referralId, beneficiaryId } = data;
      const [referral, member] = await Promise.all([
        api.GET('/referrals/{referralId}', { params: { path: { referralId } } }),
        beneficiaryId.startsWith('mem_')
          ? api.GET('/members/{memberId}', { params: { path: { memberId: beneficiaryId } } })
          : null,
      ]);
      const friend = referral.data && { id: referralId, ...referral.data.friend };
      return { ...(data as Reward), friend, beneficiary: member ? member.data : friend } satisfies RewardRow;
    },
  });
  const t = useText(workText);
  return (
    <RecordPage title={t('rewards')} query={query}>
      {(reward) => <Shown reward={reward} />}
    </RecordPage>
  );
}

const isSome = (amount: string) => /[1-9]/.test(amount);

function Shown({ reward }: { reward: RewardRow }) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { may } = useAccount();
  const { money, day, moment } = useFormat();
  const programName = useProgramName();
  const [verdict, setVerdict] = useState<Verdict | null>(null);
  const { state, reason, payout, programId, releaseAt, orderAt, expiresAt, netted, clawedBack, writtenOff } = reward;
  const { currency } = reward.money;
  const name = nameOf(reward.beneficiary, t('nameless'));
  const waits = awaitsPerson(reward);
  const [owedBack] = sumsOf([
    { amount: clawedBack, currency },
    { amount: writtenOff.startsWith('-') ? writtenOff.slice(1) : `-${writtenOff}`, currency },
  ]);
  const taken: Amount = state === 'clawed_back' && !isSome(clawedBack) ? reward.money : (owedBack ?? reward.money);
  return (
    <Screen
      title={t('rewardTitle', { amount: money(reward.money), name })}
      actions={
        <>
          <StateMark state={state} />
          {waits && may('review.decide') && (
            <>
              <Button size="xs" onClick={() => setVerdict('approve')}>
                {t('approve')}
              </Button>
              <Button size="xs" variant="default" onClick={() => setVerdict('reject')}>
                {t('reject')}
              </Button>
            </>
          )}
          {isOwedBack(reward) && may('money.write') && <WriteOff reward={reward} owed={taken} name={name} />}
        </>
      }
    >
      {waits && (
        <Alert variant="default" title={t('waitsForPerson')}>
          {reason.text}
          {!may('review.decide') && <Text size="sm">{t('noReviewRight')}</Text>}
        </Alert>
      )}
      {!waits && <Text>{reason.text}</Text>}
      {reward.reversalPending && <Alert variant="default">{t('reversal')}</Alert>}
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, md: 8 }} order={{ base: 2, md: 1 }}>
          <Stack>
            <Decisions rewardId={reward.id} />
            {may('money.read') && <Bookings rewardId={reward.id} />}
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }} order={{ base: 1, md: 2 }}>
          <Stack>
            <Panel title={t('facts')}>
              <Facts
                items={[
                  [
                    t('paidTo'),
                    reward.beneficiaryId.startsWith('mem_') ? (
                      <To key="beneficiary" path={`members/${reward.beneficiaryId}`}>
                        {name}
                      </To>
                    ) : (
                      name
                    ),
                  ],
                  [t('party'), word(`party_${reward.party}`)],
                  [
                    t('referral'),
                    <To key="referral" path={`referrals/${reward.referralId}`}>
                      {nameOf(reward.friend, t('nameless'))}
                    </To>,
                  ],
                  [t('program'), programName(programId)],
                  [t('rule'), reward.ruleKey],
                  [t('payout'), payout],
                  [t('created'), moment(reward.createdAt)],
                  [t('changed'), moment(reward.updatedAt)],
                  releaseAt === null ? null : [t('hold'), day(releaseAt)],
                  orderAt === null ? null : [t('orderAt'), day(orderAt)],
                  expiresAt === null ? null : [t('expiresAt'), day(expiresAt)],
                  isSome(netted) ? [t('netted'), money({ amount: netted, currency })] : null,
                  isSome(clawedBack) ? [t('clawedBack'), money({ amount: clawedBack, currency })] : null,
                  isSome(writtenOff) ? [t('writtenOff'), money({ amount: writtenOff, currency })] : null,
                ]}
              />
            </Panel>
            {may('money.read') && <Payout rewardId={reward.id} />}
          </Stack>
        </Grid.Col>
      </Grid>
      {verdict && <VerdictDialog verdict={verdict} rewards={[reward]} onClose={() => setVerdict(null)} />}
    </Screen>
  );
}

/** Something was taken back after it had been paid, and not all of it is written off. */
function isOwedBack({ state, money, clawedBack, writtenOff }: Reward): boolean {
  const taken = state === 'clawed_back' && !isSome(clawedBack) ? money.amount : clawedBack;
  return isSome(taken) && taken !== writtenOff;
}

/** Its rule on its deal was decided on a few times; more than this nobody reads here. */
const DECISIONS_SHOWN_MAX = 50;

function Decisions({ rewardId }: { rewardId: string }) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { api, account } = useAccount();
  const { moment, money } = useFormat();
  const query = useQuery({
    queryKey: [account.id, 'reward', rewardId, 'decisions'],
    queryFn: async () => {
      const params = { path: { rewardId }, query: { limit: DECISIONS_SHOWN_MAX } };
      return (await api.GET('/rewards/{rewardId}/decisions', { params })).data?.items ?? [];
    },
  });
  return (
    <Panel title={t('decisions')}>
      <Loaded query={query}>
        {(decisions) => (
          <Stack gap="lg">
            {decisions.map((decision) => (
              <Stack gap={6} key={decision.id}>
                <Text size="sm" fw={600}>
                  {decision.reason.text}
                </Text>
                <Group gap="xs">
                  <Mark color="gray">{word(`outcome_${decision.outcome}`)}</Mark>
                  <Text size="xs" c="dimmed">
                    {moment(decision.recordedAt)}
                    {decision.money && ` · ${money(decision.money)}`}
                  </Text>
                </Group>
                <DecisionDetails decision={decision} />
              </Stack>
            ))}
          </Stack>
        )}
      </Loaded>
    </Panel>
  );
}

function Bookings({ rewardId }: { rewardId: string }) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  return (
    <Panel title={t('journals')}>
      <PagedTable
        label={t('journals')}
        queryKey={[account.id, 'reward', rewardId, 'journals']}
        load={async (cursor) => {
          const query = { rewardId, ...(cursor === undefined ? {} : { cursor }) };
          const { data } = await api.GET('/journals', { params: { query } });
          return data ?? { items: [], nextCursor: null };
        }}
        empty={<Empty title={t('noJournals')} />}
        columns={[
          { key: 'at', title: t('changed'), cell: ({ recordedAt }) => moment(recordedAt) },
          { key: 'kind', title: t('state'), cell: ({ kind }) => word(`journal_${kind}`) },
          { key: 'postings', title: t('postings'), cell: (journal) => <Postings journal={journal} /> },
        ]}
      />
    </Panel>
  );
}

function Payout({ rewardId }: { rewardId: string }) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const query = useQuery({
    queryKey: [account.id, 'reward', rewardId, 'payout'],
    queryFn: async () => {
      try {
        return (await api.GET('/rewards/{rewardId}/payout', { params: { path: { rewardId } } })).data ?? null;
      } catch (thrown) {
        // Nothing was given for it yet.
        if (problemIn(thrown).status === 404) return null;
        throw thrown;
      }
    },
  });
  return (
    <Panel title={t('providerSaid')}>
      <Loaded query={query}>
        {(payout) =>
          payout === null ? (
            <Text size="sm" c="dimmed">
              {t('nothingGiven')}
            </Text>
          ) : (
            <Facts
              items={[
                [t('payout'), payout.provider],
                [t('state'), payout.state],
                [t('changed'), moment(payout.updatedAt)],
                payout.reference === null ? null : [t('providerRef'), <Code key="reference">{payout.reference}</Code>],
              ]}
            />
          )
        }
      </Loaded>
    </Panel>
  );
}

function WriteOff({ reward, owed, name }: { reward: RewardRow; owed: Amount; name: string }) {
  const t = useText(workText);
  const word = useText(common);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const [authorisedBy, setAuthorisedBy] = useState('');
  const [why, setWhy] = useState('');
  const [wrong, setWrong] = useState(false);
  const writeOff = useMutation({
    mutationFn: () =>
      api.POST('/rewards/{rewardId}/write-off', {
        params: { path: { rewardId: reward.id } },
        body: { authorisedBy: authorisedBy.trim(), why: why.trim() },
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [account.id] });
      close();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const isWhole = authorisedBy.trim() !== '' && why.trim() !== '';
    setWrong(!isWhole);
    if (isWhole && !writeOff.isPending) writeOff.mutate();
  }
  return (
    <>
      <Button size="xs" variant="default" onClick={open}>
        {t('writeOff')}
      </Button>
      <Dialog opened={opened} onClose={close} title={t('writeOffTitle')}>
        <form onSubmit={submit} noValidate>
          <Stack>
            <Text size="sm">{t('writeOffEffect', { amount: money(owed), name })}</Text>
            <TextInput
              label={t('authorisedBy')}
              value={authorisedBy}
              maxLength={100}
              required
              data-autofocus
              error={wrong && authorisedBy.trim() === '' && t('authorisedByNeeded')}
              onChange={(event) => setAuthorisedBy(event.currentTarget.value)}
            />
            <TextInput
              label={t('why')}
              description={t('whyWhat')}
              value={why}
              maxLength={300}
              required
              error={wrong && why.trim() === '' && t('whyNeeded')}
              onChange={(event) => setWhy(event.currentTarget.value)}
            />
            {writeOff.isError && <ProblemNote thrown={writeOff.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {word('cancel')}
              </Button>
              <Button type="submit" color="red.9" loading={writeOff.isPending}>
                {t('writeOff')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
