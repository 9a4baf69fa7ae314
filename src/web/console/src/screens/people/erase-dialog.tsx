import { Alert, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Loading, ProblemNote, problemIn } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { NotHeld } from './not-held.tsx';
import { peopleText } from './texts.ts';
import type { Asked, Erased, PersonExport } from './who.ts';

/** Rewards that are not paid, taken back or void yet. */
const UNDER_WAY: readonly string[] = ['held', 'in_review', 'approved', 'issuing'];

/** Erasing is done in two looks: what it means for this very person, and what became of it. */
export default function EraseDialog({
  asked,
  opened,
  onClose,
}: {
  asked: Asked;
  opened: boolean;
  onClose: () => void;
}) {
  const t = useText(peopleText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const erase = useMutation({
    mutationFn: async () => (await api.POST('/people/erase', { body: asked.who })).data,
  });
  function close() {
    // Their name stands in every list: read anew when it is known what was done.
    if (erase.data) void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === account.id });
    onClose();
  }
  return (
    <Dialog
      opened={opened}
      onClose={erase.isPending ? () => {} : close}
      title={erase.data ? t('erase') : t('eraseTitle', { name: asked.name })}
      size="lg"
    >
      {erase.data ? (
        <Done erased={erase.data} onClose={close} />
      ) : (
        <Confirm
          asked={asked}
          erase={() => erase.mutate()}
          isPending={erase.isPending}
          problem={erase.error}
          onClose={close}
        />
      )}
    </Dialog>
  );
}

function Confirm({
  asked: { who, word },
  erase,
  isPending,
  problem,
  onClose,
}: {
  asked: Asked;
  erase: () => void;
  isPending: boolean;
  problem: unknown;
  onClose: () => void;
}) {
  const t = useText(peopleText);
  const say = useText(common);
  const { api, account } = useAccount();
  const [typed, setTyped] = useState('');
  const [isWrong, setWrong] = useState(false);
  const held = useQuery({
    queryKey: [account.id, 'person-export', who],
    // Looked up anew each time, and let go of at once: it is all that is known of a person.
    gcTime: 0,
    staleTime: 0,
    refetchOnWindowFocus: false,
    queryFn: async () => (await api.POST('/people/export', { body: who })).data ?? null,
  });
  const isNowhere = held.isError && problemIn(held.error).status === 404;
  // By an address they may be in a CRM and never have been read here; everybody else there is nothing to forget of.
  const canErase = held.isSuccess || (isNowhere && who.email !== undefined);

  function submit(event: FormEvent) {
    event.preventDefault();
    if (isPending || !canErase) return;
    const isRight = typed.trim().toLowerCase() === word.trim().toLowerCase();
    setWrong(!isRight);
    if (isRight) erase();
  }

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        {held.isPending && <Loading />}
        {held.isError && <NotHeld thrown={held.error} />}
        {held.data && <WhatItMeans held={held.data} />}
        {who.email !== undefined && canErase && <Text size="sm">{t('forgetsSearched')}</Text>}
        {canErase && (
          <>
            <Part title={t('notDone')}>{t('notDoneWhat')}</Part>
            <Alert color="red">{t('never')}</Alert>
            <TextInput
              label={t('retype', { word })}
              value={typed}
              autoComplete="off"
              spellCheck={false}
              error={isWrong ? t('retypeWrong', { word }) : undefined}
              onChange={({ currentTarget }) => {
                setTyped(currentTarget.value);
                setWrong(false);
              }}
            />
          </>
        )}
        {problem !== null && <ProblemNote thrown={problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose} disabled={isPending} data-autofocus>
            {say('cancel')}
          </Button>
          {canErase && (
            <Button color="red.9" type="submit" loading={isPending}>
              {t('eraseNow')}
            </Button>
          )}
        </Group>
      </Stack>
    </form>
  );
}

function WhatItMeans({ held }: { held: PersonExport }) {
  const t = useText(peopleText);
  const { contacts, members, asFriend, asMember, rewards, journals, decisions, cases, orders } = held;
  return (
    <Stack gap="sm">
      <Part title={t('forgets')}>
        {t('forgetsWhat')}{' '}
        {t('forgetsRows', {
          contacts: contacts.length,
          members: members.length,
          friends: asFriend.length,
          made: asMember.length,
        })}
      </Part>
      <Part title={t('stays')}>
        {t('staysWhat')}{' '}
        {t('staysRows', {
          rewards: rewards.length,
          journals: journals.length,
          decisions: decisions.length,
          cases: cases.length,
        })}
      </Part>
      <Part title={t('goesOn')}>
        {t('goesOnWhat', {
          rewards: rewards.filter(({ state }) => UNDER_WAY.includes(state)).length,
          orders: orders.filter(({ state }) => state === 'pending').length,
          cases: cases.filter((one) => one.case.state === 'open').length,
        })}
      </Part>
    </Stack>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <Text size="sm">{children}</Text>
    </div>
  );
}

function Done({
  erased: { outcome, erasure, kept, running, searched },
  onClose,
}: {
  erased: Erased;
  onClose: () => void;
}) {
  const t = useText(peopleText);
  const { moment } = useFormat();
  const stays = kept.filter(({ rows }) => rows > 0);
  return (
    <Stack gap="md">
      <Alert color={outcome === 'erased' ? 'green' : 'gray'} role="status" title={t(`result_${outcome}`)}>
        {erasure && t('erasureId', { id: erasure.id, moment: moment(erasure.at) })}
      </Alert>
      {searched.map(
        ({ connectionId, problem }) =>
          problem !== null && (
            <Alert key={connectionId} color="orange">
              {t('notSearched', { problem })}
            </Alert>
          ),
      )}
      {running.rewards + running.orders + running.cases > 0 && <Text size="sm">{t('runningNow', { ...running })}</Text>}
      {stays.length > 0 && (
        <Stack gap="xs">
          <Text size="sm" fw={600}>
            {t('keptRows')}
          </Text>
          {stays.map(({ what, rows, why }) => (
            <Text key={what} size="sm">
              <b>{t(`kept_${what}`, { rows })}</b>: {why}
            </Text>
          ))}
        </Stack>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          {t('close')}
        </Button>
      </Group>
    </Stack>
  );
}
