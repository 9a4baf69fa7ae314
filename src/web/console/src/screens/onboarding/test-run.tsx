import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  List,
  Radio,
  Select,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Loaded, ProblemNote, problemIn } from '../../parts/states.tsx';
import { crmName } from '../connections/queries.ts';
import { Mark } from '../work/marks.tsx';
import type { Setup } from './setup.ts';
import { runText } from './test-texts.ts';
import { stateText } from './texts.ts';

type Run = operations['getTestRun']['responses'][200]['content']['application/json'];
type Started = operations['listTestRuns']['responses'][200]['content']['application/json']['items'][number];

/** Somebody moves a deal in another window and looks here what happens. */
const WATCH_MS = 2_000;

/** The program tried out by a deal that somebody moves in the CRM. */
export function TestRunStep({
  setup,
  runId,
  onRun,
}: {
  setup: Setup;
  runId: string | undefined;
  onRun: (runId: string | undefined) => void;
}) {
  const t = useText(runText);
  const { may } = useAccount();
  const { connected, programs, tests } = setup;
  const open = tests.find(({ state }) => state !== 'ended');
  const shown = runId ?? open?.id;
  if (shown !== undefined) return <RunView key={shown} runId={shown} onAgain={() => onRun(undefined)} />;
  if (connected.length === 0) return <Text>{t('connectFirst')}</Text>;
  if (programs.length === 0) return <Text>{t('programFirst')}</Text>;
  return (
    <>
      <Text>{t('what')}</Text>
      {may('programs.publish') ? (
        <StartForm setup={setup} onRun={onRun} />
      ) : (
        <Alert color="gray">{t('needs', { permission: 'programs.publish' })}</Alert>
      )}
      <Earlier tests={tests} onRun={onRun} />
    </>
  );
}

const MEMBERS = ['self', 'test', 'member'] as const;
type MemberKind = (typeof MEMBERS)[number];

/** Which of what is typed a refusal is about. */
const FIELD_OF: Readonly<Record<string, string>> = {
  no_such_friend: 'friendEmail',
  self_referral: 'friendEmail',
  no_such_member: 'memberEmail',
};
const FIELDS: Readonly<Record<string, 'friend' | 'member'>> = {
  friendContactId: 'friend',
  friendEmail: 'friend',
  memberEmail: 'member',
};

function StartForm({ setup: { connected, programs }, onRun }: { setup: Setup; onRun: (runId: string) => void }) {
  const t = useText(runText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [connectionId, setConnection] = useState(connected[0]?.id ?? '');
  const [programId, setProgram] = useState(programs[0]?.programId ?? '');
  const [friend, setFriend] = useState('');
  const [member, setMember] = useState<MemberKind>('self');
  const [memberEmail, setMemberEmail] = useState('');
  const [skipsWaits, setSkips] = useState(true);
  const start = useMutation({
    mutationFn: async () => {
      const named = friend.trim();
      const who = named.includes('@') ? { friendEmail: named } : { friendContactId: named };
      const referrer = member === 'member' ? { member, memberEmail: memberEmail.trim() } : { member };
      return (await api.POST('/test-runs', { body: { connectionId, programId, ...who, ...referrer, skipsWaits } }))
        .data;
    },
    onSuccess: (run) => {
      void client.invalidateQueries({ queryKey: [account.id, 'test-runs'] });
      if (run) onRun(run.id);
    },
  });
  const problem = start.isError ? problemIn(start.error) : null;
  const field = problem && (FIELD_OF[problem.code] ?? problem.errors?.find((error) => error.field in FIELDS)?.field);
  const wrong = (name: keyof typeof FIELDS) =>
    field !== null && field !== undefined && FIELDS[field] === FIELDS[name]
      ? (problem?.errors?.find((error) => error.field === field)?.problem ?? problem?.detail)
      : undefined;
  const isReady = friend.trim() !== '' && (member !== 'member' || memberEmail.trim() !== '');
  function submit(event: FormEvent) {
    event.preventDefault();
    if (isReady && !start.isPending) start.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" align="flex-start">
        {connected.length > 1 && (
          <Select
            label={t('connection')}
            data={connected.map((one) => ({ value: one.id, label: `${crmName(one)} ${one.externalId}` }))}
            value={connectionId}
            allowDeselect={false}
            onChange={(value) => value && setConnection(value)}
          />
        )}
        {programs.length > 1 && (
          <Select
            label={t('program')}
            data={programs.map((one) => ({ value: one.programId, label: one.name }))}
            value={programId}
            allowDeselect={false}
            onChange={(value) => value && setProgram(value)}
          />
        )}
        <TextInput
          label={t('friend')}
          description={t('friendWhat')}
          w="100%"
          maw={420}
          value={friend}
          error={wrong('friendEmail')}
          onChange={({ currentTarget }) => setFriend(currentTarget.value)}
        />
        <Radio.Group label={t('member')} value={member} onChange={(value) => setMember(value as MemberKind)}>
          <Stack gap={6} pt={6}>
            {MEMBERS.map((kind) => (
              <Radio key={kind} value={kind} label={t(`member_${kind}`)} />
            ))}
          </Stack>
        </Radio.Group>
        {member === 'member' && (
          <TextInput
            type="email"
            label={t('memberEmail')}
            w="100%"
            maw={420}
            value={memberEmail}
            error={wrong('memberEmail')}
            onChange={({ currentTarget }) => setMemberEmail(currentTarget.value)}
          />
        )}
        <Checkbox
          label={t('skips')}
          description={t('skipsWhat')}
          checked={skipsWaits}
          onChange={({ currentTarget }) => setSkips(currentTarget.checked)}
        />
        {start.isError && !field && <ProblemNote thrown={start.error} />}
        <Button type="submit" loading={start.isPending} disabled={!isReady}>
          {t('start')}
        </Button>
      </Stack>
    </form>
  );
}

function Earlier({ tests, onRun }: { tests: readonly Started[]; onRun: (runId: string) => void }) {
  const t = useText(runText);
  const { moment } = useFormat();
  if (tests.length === 0) return null;
  return (
    <Stack gap={4}>
      <Title order={3} size="h6">
        {t('earlier')}
      </Title>
      {tests.map(({ id, programName, startedAt, startedBy }) => (
        <Anchor component="button" type="button" size="sm" ta="start" key={id} onClick={() => onRun(id)}>
          {t('earlierOne', { program: programName, at: moment(startedAt), by: startedBy })}
        </Anchor>
      ))}
    </Stack>
  );
}

function RunView({ runId, onAgain }: { runId: string; onAgain: () => void }) {
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'test-runs', runId],
    refetchInterval: ({ state }) => (state.data?.state === 'ended' ? false : WATCH_MS),
    queryFn: async () =>
      (await api.GET('/test-runs/{testRunId}', { params: { path: { testRunId: runId } } })).data ?? null,
  });
  return <Loaded query={query}>{(run) => run && <Watched run={run} onAgain={onAgain} />}</Loaded>;
}

function Watched({ run, onAgain }: { run: Run; onAgain: () => void }) {
  const t = useText(runText);
  const { may } = useAccount();
  const { moment } = useFormat();
  const { referral, member, state } = run;
  const friend = referral?.friend.name ?? referral?.friend.email ?? run.friendContactId;
  const isPaid = run.rewards.length > 0;
  return (
    <Stack gap="md">
      <Group gap="xs">
        <Mark color="grape">{t('mark')}</Mark>
        <Text size="sm" c="dimmed">
          {t('of', {
            program: run.programName,
            friend,
            member: member?.name ?? member?.email ?? '–',
            at: moment(run.startedAt),
          })}
        </Text>
      </Group>
      {state === 'running' && !isPaid && (
        <Alert color="brand" role="status" title={t('yourTurn')}>
          {t('yourTurnWhat', { friend })}
        </Alert>
      )}
      {state === 'running' && isPaid && (
        <Alert color="green" role="status" title={t('works')}>
          {t('worksWhat')}
        </Alert>
      )}
      {state !== 'running' && (
        <Alert color="gray" role="status" title={t(`end_${run.endReason ?? 'person'}`)}>
          {t(state === 'ended' ? 'endedWhat' : 'endingWhat')}
        </Alert>
      )}
      <Steps run={run} />
      <Outcome run={run} />
      <Where run={run} />
      {state === 'running' && may('programs.publish') && <End run={run} />}
      {state === 'running' && (
        <Text size="sm" c="dimmed">
          {t('endsAt', { at: moment(run.endsAt) })}
        </Text>
      )}
      {state === 'ended' && (
        <Group>
          <Button variant="default" onClick={onAgain}>
            {t('again')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

/** Each as it happens; what is still ahead stays in sight. */
function Steps({ run: { steps } }: { run: Run }) {
  const t = useText(runText);
  const { moment } = useFormat();
  return (
    <Stack component="ol" gap={6} m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('steps')}>
      {steps.map(({ step, at }) => (
        <Group component="li" gap="sm" wrap="nowrap" key={step} align="flex-start">
          {at === null ? (
            <IconCircle size={18} stroke={1.5} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
          ) : (
            <IconCircleCheckFilled
              size={18}
              color="var(--mantine-color-brand-filled)"
              aria-hidden
              style={{ flexShrink: 0, marginTop: 2 }}
            />
          )}
          <div>
            <Text size="sm" fw={at === null ? 400 : 600} c={at === null ? 'dimmed' : undefined}>
              {t(`step_${step}`)}
            </Text>
            <Text size="xs" c="dimmed">
              {at === null ? t('notYet') : moment(at)}
            </Text>
          </div>
        </Group>
      ))}
    </Stack>
  );
}

/** What each rule came to: who would get what from whom, or why nobody would. */
function Outcome({ run: { rewards, decisions } }: { run: Run }) {
  const t = useText(runText);
  const state = useText(stateText);
  const { money } = useFormat();
  const unpaid = decisions.filter(({ rewardId }) => rewardId === null);
  if (rewards.length + unpaid.length === 0) return null;
  return (
    <Stack gap={6}>
      <Title order={3} size="h6">
        {t('outcome')}
      </Title>
      <List size="sm" spacing={6}>
        {rewards.map(({ reward, wouldOrderFrom }) => (
          <List.Item key={reward.id}>
            {t('rewarded', {
              amount: reward.money ? money(reward.money) : '–',
              party: t(`party_${reward.party}`),
              state: state(reward.state),
            })}{' '}
            {wouldOrderFrom !== null && t('wouldOrder', { provider: wouldOrderFrom })}
            <Text size="xs" c="dimmed">
              {reward.reason.text}
            </Text>
          </List.Item>
        ))}
        {unpaid.map((decision) => (
          <List.Item key={decision.id}>
            {t('notRewarded', { party: t(`party_${decision.party}`), rule: decision.ruleKey })}
            <Text size="xs" c="dimmed">
              {decision.reason.text}
            </Text>
          </List.Item>
        ))}
      </List>
    </Stack>
  );
}

function Where({ run: { records } }: { run: Run }) {
  const t = useText(runText);
  const linked = records.filter(({ url }) => url !== null);
  if (linked.length === 0) return null;
  return (
    <Group gap="md">
      {linked.map(({ object, id, name, url }) => (
        <Anchor size="sm" key={`${object} ${id}`} href={url ?? ''} target="_blank" rel="noopener noreferrer">
          {t(object === 'deal' ? 'openDeal' : 'openContact', { name: name ?? id })}
        </Anchor>
      ))}
    </Group>
  );
}

function End({ run: { id } }: { run: Run }) {
  const t = useText(runText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const end = useMutation({
    mutationFn: () => api.POST('/test-runs/{testRunId}/end', { params: { path: { testRunId: id } }, body: {} }),
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'test-runs'] }),
  });
  return (
    <Stack gap="xs" align="flex-start">
      <ConfirmButton
        label={t('end')}
        title={t('endTitle')}
        size="sm"
        variant="filled"
        color="brand"
        loading={end.isPending}
        onConfirm={() => end.mutate()}
      >
        {t('endWhat')}
      </ConfirmButton>
      {end.isError && <ProblemNote thrown={end.error} />}
    </Stack>
  );
}
