import {
  Alert,
  Anchor,
  Badge,
  Button,
  Grid,
  Group,
  Paper,
  Progress,
  Stack,
  Text,
  TextInput,
  Title,
  UnstyledButton,
} from '@mantine/core';
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, lazy, type ReactNode, Suspense, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loading, ProblemNote, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { useUrlState } from '../../parts/url-state.ts';
import { ConnectCrm } from '../connections/connect.tsx';
import { crmName } from '../connections/queries.ts';
import { type Setup, STEPS, type Step, useSetup } from './setup.ts';
import { onboardingText, stateText } from './texts.ts';

const NewProgram = lazy(async () => ({ default: (await import('../programs/new-program.tsx')).NewProgram }));

export default function Onboarding() {
  const t = useText(onboardingText);
  const [url, setUrl] = useUrlState<'step' | 'referral'>();
  const setup = useSetup();
  const step = STEPS.find((one) => one === url.step) ?? STEPS.find((one) => !setup.done[one]) ?? 'test';
  const progress = t('progress', { done: setup.doneCount });
  return (
    <Screen title={t('title')} description={t('what')}>
      {setup.error && <ProblemNote thrown={setup.error} onRetry={setup.retry} />}
      {setup.isLoading ? (
        <Loading />
      ) : (
        <Grid gap="lg">
          <Grid.Col span={{ base: 12, md: 4 }}>
            <Stack gap="xs" component="nav" aria-label={t('checklist')}>
              <Progress value={(setup.doneCount / STEPS.length) * 100} aria-label={progress} />
              <Text size="sm" c="dimmed">
                {setup.doneCount === STEPS.length ? t('allDone') : progress}
              </Text>
              {STEPS.map((one, at) => (
                <UnstyledButton
                  key={one}
                  p="xs"
                  aria-current={one === step ? 'step' : undefined}
                  bg={one === step ? 'var(--mantine-color-brand-light)' : undefined}
                  style={{ borderRadius: 8 }}
                  onClick={() => setUrl({ step: one })}
                >
                  <Group gap="sm" wrap="nowrap">
                    {setup.done[one] ? (
                      <IconCircleCheckFilled size={20} color="var(--mantine-color-brand-filled)" aria-hidden />
                    ) : (
                      <IconCircle size={20} stroke={1.5} aria-hidden />
                    )}
                    <Text size="sm" fw={one === step ? 700 : 500}>
                      {at + 1}. {t(one)}
                    </Text>
                    <Text size="xs" c="dimmed" ml="auto">
                      {setup.done[one] ? t('stepDone') : t('stepOpen')}
                    </Text>
                  </Group>
                </UnstyledButton>
              ))}
            </Stack>
          </Grid.Col>
          <Grid.Col span={{ base: 12, md: 8 }}>
            <Paper withBorder p="lg" component="section" aria-label={t(step)}>
              <Stack gap="md">
                <Group justify="space-between">
                  <Title order={2} size="h4">
                    {t(step)}
                  </Title>
                  {setup.done[step] && (
                    <Badge color="green" variant="light" tt="none">
                      {t('stepDone')}
                    </Badge>
                  )}
                </Group>
                <StepBody
                  step={step}
                  setup={setup}
                  referralId={url.referral}
                  onReferral={(referral) => setUrl({ step: 'test', referral })}
                />
              </Stack>
            </Paper>
          </Grid.Col>
        </Grid>
      )}
    </Screen>
  );
}

function StepBody({
  step,
  setup,
  referralId,
  onReferral,
}: {
  step: Step;
  setup: Setup;
  referralId: string | undefined;
  onReferral: (referralId: string) => void;
}) {
  switch (step) {
    case 'connect':
      return <Connect setup={setup} />;
    case 'map':
      return <MapStages setup={setup} />;
    case 'program':
      return <Choose setup={setup} />;
    case 'brand':
      return <Brand />;
    case 'live':
      return <GoLive setup={setup} />;
    case 'test':
      return <FirstReferral setup={setup} referralId={referralId} onReferral={onReferral} />;
  }
}

/** What only some may do, or who may. */
function Needs({ permission, children }: { permission: string; children: ReactNode }) {
  const t = useText(onboardingText);
  const { may } = useAccount();
  return may(permission) ? children : <Alert color="gray">{t('needs', { permission })}</Alert>;
}

function Connect({ setup: { connected } }: { setup: Setup }) {
  const t = useText(onboardingText);
  const { day } = useFormat();
  return (
    <>
      {connected.map((connection) => (
        <Text key={connection.id}>
          {t('connectDone', {
            crm: `${crmName(connection)} ${connection.externalId}`,
            day: day(connection.connectedAt),
          })}
        </Text>
      ))}
      {connected.length === 0 && (
        <Needs permission="connections.write">
          <ConnectCrm />
        </Needs>
      )}
    </>
  );
}

function MapStages({ setup: { connected, mappings } }: { setup: Setup }) {
  const t = useText(onboardingText);
  const { account } = useAccount();
  if (connected.length === 0) return <Text>{t('mapFirst')}</Text>;
  return (
    <>
      <Text>{t('mapWhat')}</Text>
      {connected.map((connection) => {
        const mapping = mappings.find(({ connectionId }) => connectionId === connection.id);
        const pipelines = mapping?.pipelines ?? [];
        return (
          <Stack gap="xs" key={connection.id} align="flex-start">
            {pipelines.length === 0 && <Text size="sm">{t('mapReading')}</Text>}
            {pipelines.map((pipeline) => (
              <Text size="sm" key={pipeline.id}>
                {t('mapNow', {
                  pipeline: pipeline.label,
                  stages:
                    pipeline.stages
                      .filter(({ stage }) => stage === 'won')
                      .map(({ label }) => label)
                      .join(', ') || '–',
                })}
              </Text>
            ))}
            <Button component={Link} to={`/${account.id}/connections/${connection.id}/mapping` as string}>
              {t('mapOpen')}
            </Button>
          </Stack>
        );
      })}
    </>
  );
}

function Choose({ setup: { programs } }: { setup: Setup }) {
  const t = useText(onboardingText);
  const { account } = useAccount();
  return (
    <>
      <Text>{t('programWhat')}</Text>
      {programs.map(({ programId, name }) => (
        <Anchor key={programId} component={Link} to={`/${account.id}/programs/${programId}` as string}>
          {t('programOpen', { name })}
        </Anchor>
      ))}
      {programs.length === 0 && (
        <Needs permission="programs.write">
          <Suspense fallback={<Loading />}>
            <NewProgram taken={[]} suggested="default" />
          </Suspense>
        </Needs>
      )}
    </>
  );
}

const NAME_LENGTH_MAX = 200;

function Brand() {
  const t = useText(onboardingText);
  return (
    <>
      <Text>{t('brandWhat')}</Text>
      <Needs permission="settings.write">
        <NameForm />
      </Needs>
    </>
  );
}

function NameForm() {
  const t = useText(onboardingText);
  const word = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [name, setName] = useState(account.name);
  const save = useMutation({
    mutationFn: async () => {
      const { data } = await api.GET('/account');
      return api.PUT('/account', { body: { name: name.trim(), needsSecondPerson: data?.needsSecondPerson ?? false } });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ['session'] }),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm" align="flex-start">
        <TextInput
          label={t('name')}
          w={320}
          value={name}
          maxLength={NAME_LENGTH_MAX}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        />
        <Button type="submit" loading={save.isPending} disabled={name.trim() === ''}>
          {word('save')}
        </Button>
        {save.isSuccess && <Text role="status">{t('nameSaved')}</Text>}
        {save.isError && <ProblemNote thrown={save.error} />}
      </Stack>
    </form>
  );
}

function GoLive({ setup: { programs, live } }: { setup: Setup }) {
  const t = useText(onboardingText);
  const { account } = useAccount();
  const { day } = useFormat();
  const since = live?.versions[0]?.publishedAt;
  const drafts = programs.filter(({ draft }) => draft !== undefined);
  if (programs.length === 0) return <Text>{t('liveFirst')}</Text>;
  return (
    <>
      <Text>{t('liveWhat')}</Text>
      {live && since !== undefined && <Text>{t('liveDone', { name: live.name, day: day(since) })}</Text>}
      {drafts.map(({ programId, name }) => (
        <Group key={programId}>
          <Button
            component={Link}
            to={`/${account.id}/programs/${programId}` as string}
            search={{ tab: 'try' } as never}
          >
            {t('liveOpen', { name })}
          </Button>
        </Group>
      ))}
    </>
  );
}

function FirstReferral({
  setup: { live, newest },
  referralId,
  onReferral,
}: {
  setup: Setup;
  referralId: string | undefined;
  onReferral: (referralId: string) => void;
}) {
  const t = useText(onboardingText);
  const state = useText(stateText);
  if (referralId !== undefined) return <Watch referralId={referralId} />;
  if (!live) return <Text>{t('testFirst')}</Text>;
  return (
    <>
      {newest && (
        <Text>
          {t('anyReferral', {
            friend: newest.friend.name ?? newest.friend.email ?? newest.id,
            stage: state(newest.stage),
          })}
        </Text>
      )}
      <Text>{t('testWhat')}</Text>
      <Needs permission="referrals.write">
        <SubmitReferral onReferral={onReferral} />
      </Needs>
    </>
  );
}

function SubmitReferral({ onReferral }: { onReferral: (referralId: string) => void }) {
  const t = useText(onboardingText);
  const { api } = useAccount();
  const [member, setMember] = useState('');
  const [friend, setFriend] = useState('');
  const submitting = useMutation({
    // Both calls answer what exists when they are repeated.
    mutationFn: async () => {
      const enrolled = await api.POST('/members', { body: { email: member.trim() } });
      const memberId = enrolled.data?.id ?? '';
      return (await api.POST('/referrals', { body: { memberId, friend: { email: friend.trim() } } })).data;
    },
    onSuccess: (made) => made && onReferral(made.id),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!submitting.isPending) submitting.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm" align="flex-start">
        <Group>
          <TextInput
            type="email"
            w={280}
            label={t('member')}
            value={member}
            onChange={({ currentTarget }) => setMember(currentTarget.value)}
          />
          <TextInput
            type="email"
            w={280}
            label={t('friend')}
            value={friend}
            onChange={({ currentTarget }) => setFriend(currentTarget.value)}
          />
        </Group>
        <Button type="submit" loading={submitting.isPending} disabled={member.trim() === '' || friend.trim() === ''}>
          {t('submit')}
        </Button>
        {submitting.isError && <ProblemNote thrown={submitting.error} />}
      </Stack>
    </form>
  );
}

const WATCH_MS = 2_000;

/** What becomes of the referral, until the first reward is there. */
function Watch({ referralId }: { referralId: string }) {
  const t = useText(onboardingText);
  const state = useText(stateText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const referral = useQuery({
    queryKey: [account.id, 'referrals', referralId],
    refetchInterval: WATCH_MS,
    queryFn: async () => (await api.GET('/referrals/{referralId}', { params: { path: { referralId } } })).data,
  });
  const rewards = useQuery({
    queryKey: [account.id, 'rewards', 'of', referralId],
    refetchInterval: WATCH_MS,
    queryFn: async () =>
      (await api.GET('/rewards', { params: { query: { referralId, limit: 10 } } })).data?.items ?? [],
  });
  if (referral.isError) return <ProblemNote thrown={referral.error} />;
  if (!referral.data) return <Loading rows={2} />;
  const { friend, stage } = referral.data;
  const list = rewards.data ?? [];
  return (
    <>
      {list.length === 0 && (
        <Alert color="brand" role="status">
          {t('watching', { friend: friend.name ?? friend.email ?? referralId, stage: state(stage) })}
        </Alert>
      )}
      {list.length > 0 && (
        <Alert color="green" role="status" title={t('rewardedTitle')}>
          {list.map((reward) => (
            <Text size="sm" key={reward.id}>
              {t('rewarded', {
                amount: reward.money ? money(reward.money) : '–',
                party: t(`party.${reward.party}`),
                state: state(reward.state),
                why: reward.reason.text,
              })}
            </Text>
          ))}
        </Alert>
      )}
      <Anchor component={Link} to={`/${account.id}/referrals/${referralId}` as string}>
        {t('seeReferral')}
      </Anchor>
    </>
  );
}
