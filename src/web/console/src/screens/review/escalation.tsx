import { Alert, Anchor, Button, Group, List, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { FormEvent } from 'react';
import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { NumberInput } from '../../parts/later.tsx';
import { Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { RemoveLine, useLines } from '../money/lines.tsx';
import { ROLES } from '../settings/role-select.tsx';
import { useWords } from './desk-words.ts';
import { escalationText } from './escalation-texts.ts';

type Step = components['schemas']['CaseChain']['chain'][number];

/** As long as the usual steps: over a weekend. */
const HOURS_FIRST = 48;
/** As many as the service takes. */
const STEPS_MAX = 10;

/** Who has a case, one after the other. Whoever works on cases sees it; who sets up the account changes it. */
export default function Escalation() {
  const t = useText(escalationText);
  const { api, account, may } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'case-chain'],
    // What somebody is writing is not changed under their hands.
    refetchOnWindowFocus: false,
    queryFn: async () => (await api.GET('/case-chain')).data?.chain ?? [],
  });
  return (
    <Screen
      title={t('escalation')}
      description={t('what')}
      actions={
        may('review.decide') && (
          <Anchor component={Link} to={`/${account.id}/review` as string} size="sm">
            {t('toReview')}
          </Anchor>
        )
      }
    >
      <Loaded query={query}>
        {(chain) => (
          <Stack gap="lg" maw={720}>
            <Paper withBorder p="md" component="section" aria-label={t('holds')}>
              <Title order={2} size="h4" mb="xs">
                {t('holds')}
              </Title>
              <Sentences chain={chain} />
            </Paper>
            {may('settings.write') ? (
              <ChainForm chain={chain} />
            ) : (
              <Text size="sm">{t('mayNot', { permission: 'settings.write' })}</Text>
            )}
          </Stack>
        )}
      </Loaded>
    </Screen>
  );
}

function Sentences({ chain }: { chain: readonly Step[] }) {
  const t = useText(escalationText);
  const { owner } = useNames();
  return (
    <List size="sm" spacing={4} type="ordered">
      {chain.map(({ owner: to, hours }) => (
        <List.Item key={to}>{t('has', { who: owner(to), hours })}</List.Item>
      ))}
      <List.Item>{t('afterwards')}</List.Item>
    </List>
  );
}

/** People by their addresses, where the user may see who has a seat. */
function useNames() {
  const t = useText(escalationText);
  const { api, account, session, may } = useAccount();
  const words = useWords();
  const users = useQuery({
    queryKey: [account.id, 'users'],
    enabled: may('users.write'),
    queryFn: async () => (await api.GET('/users')).data,
  });
  const people = users.data?.users ?? [];
  return {
    people,
    owner(owner: string): string {
      if (owner === 'account_owner') return t('accountOwner');
      if (owner === `person:${session.user.id}`) return session.user.name ?? session.user.email;
      const person = people.find(({ id }) => owner === `person:${id}`);
      return person ? (person.name ?? person.email) : words.owner(owner);
    },
  };
}

interface Line {
  readonly owner: string;
  readonly hours: number | string;
}

function ChainForm({ chain }: { chain: readonly Step[] }) {
  const t = useText(escalationText);
  const word = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const { people, owner: nameOf } = useNames();
  const { lines, change, add, remove } = useLines<Line>(() => chain);
  const save = useMutation({
    mutationFn: async () => {
      // An empty field is no number, which the service says.
      const said = lines.map(({ owner, hours }) => ({ owner, hours: (hours === '' ? null : Number(hours)) as number }));
      return (await api.PUT('/case-chain', { body: { chain: said } })).data;
    },
    onSuccess: (made) => client.setQueryData([account.id, 'case-chain'], made?.chain),
  });
  const said = lines.map(({ owner, hours }) => ({ owner, hours }));
  const isDirty = JSON.stringify(said) !== JSON.stringify(chain.map(({ owner, hours }) => ({ owner, hours })));
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  const wrong = (field: string) => errors.find((one) => one.field === field)?.problem;
  const known = [
    ...ROLES.filter((role) => role !== 'owner').map((role) => `role:${role}`),
    'account_owner',
    ...people.map(({ id }) => `person:${id}`),
  ];
  const taken = lines.map(({ owner }) => owner);
  const free = known.find((owner) => !taken.includes(owner));
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('change')}
        </Title>
        {lines.map((line, at) => (
          <Group key={line.key} gap="sm" align="flex-start">
            <NativeSelect
              flex="1 1 220px"
              label={t('who', { step: at + 1 })}
              value={line.owner}
              error={wrong(`chain[${at}].owner`)}
              data={[...new Set([line.owner, ...known])]
                .filter((owner) => owner === line.owner || !taken.includes(owner))
                .map((owner) => ({ value: owner, label: nameOf(owner) }))}
              onChange={({ currentTarget }) => change(line.key, { owner: currentTarget.value })}
            />
            <NumberInput
              w={140}
              label={t('hours')}
              value={line.hours}
              error={wrong(`chain[${at}].hours`)}
              allowDecimal={false}
              hideControls
              onChange={(hours) => change(line.key, { hours })}
            />
            <Group mt={26} h={36}>
              <RemoveLine
                label={t('remove', { step: at + 1, who: nameOf(line.owner) })}
                onRemove={() => remove(line.key)}
              />
            </Group>
          </Group>
        ))}
        {wrong('chain') !== undefined && (
          <Text size="sm" c="var(--mantine-color-error)" role="alert">
            {wrong('chain')}
          </Text>
        )}
        {save.isError && errors.length === 0 && <ProblemNote thrown={save.error} />}
        {save.isSuccess && !isDirty && (
          <Alert color="green" role="status">
            {t('saved')}
          </Alert>
        )}
        <Group justify="space-between">
          <Button
            variant="subtle"
            disabled={free === undefined || lines.length >= STEPS_MAX}
            onClick={() => free !== undefined && add({ owner: free, hours: HOURS_FIRST })}
          >
            {t('add')}
          </Button>
          <Button type="submit" disabled={!isDirty} loading={save.isPending}>
            {word('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
