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
  Title,
  UnstyledButton,
} from '@mantine/core';
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loading, ProblemNote, Screen } from '../../parts/states.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { ConnectCrm } from '../connections/connect.tsx';
import { crmName } from '../connections/queries.ts';
import { type Setup, STEPS, type Step, useSetup } from './setup.ts';
import { onboardingText } from './texts.ts';

const BrandFields = lazy(async () => ({ default: (await import('../settings/brand.tsx')).BrandFields }));
const TestRunStep = lazy(async () => ({ default: (await import('./test-run.tsx')).TestRunStep }));
const NewProgram = lazy(async () => ({ default: (await import('../programs/new-program.tsx')).NewProgram }));

export default function Onboarding() {
  const t = useText(onboardingText);
  const [url, setUrl] = useUrlState<'step' | 'run'>();
  const setup = useSetup();
  const step = STEPS.find((one) => one === url.step) ?? STEPS.find((one) => !setup.done[one]) ?? 'live';
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
                <StepBody step={step} setup={setup} runId={url.run} onRun={(run) => setUrl({ step: 'test', run })} />
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
  runId,
  onRun,
}: {
  step: Step;
  setup: Setup;
  runId: string | undefined;
  onRun: (runId: string | undefined) => void;
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
      return (
        <Suspense fallback={<Loading />}>
          <TestRunStep setup={setup} runId={runId} onRun={onRun} />
        </Suspense>
      );
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

function Brand() {
  const t = useText(onboardingText);
  return (
    <>
      <Text>{t('brandWhat')}</Text>
      <Needs permission="content.write">
        <Suspense fallback={<Loading />}>
          <BrandFields />
        </Suspense>
      </Needs>
    </>
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
