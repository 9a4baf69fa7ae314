import { Alert, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Loaded, ProblemNote, problemIn } from '../../parts/states.tsx';
import { Differences } from './differences.tsx';
import type { ProgramDocument } from './document.ts';
import { DryRunView } from './dry-run-view.tsx';
import type { ProgramEntry } from './queries.ts';
import { programText } from './texts.ts';

/** A day of the calendar as the moment that it begins, in UTC; nothing where none is said. */
export function periodOf(from: string, to: string): { from?: string; to?: string } {
  return {
    ...(from === '' ? {} : { from: `${from}T00:00:00Z` }),
    ...(to === '' ? {} : { to: `${to}T00:00:00Z` }),
  };
}

/** Try it on history, see what changes, publish what was tried. */
export function Publish({
  entry,
  document,
  isDirty,
  isSound,
  dryRunId,
  onTried,
}: {
  entry: ProgramEntry;
  document: ProgramDocument;
  isDirty: boolean;
  isSound: boolean;
  dryRunId: string | undefined;
  onTried: (dryRunId: string) => void;
}) {
  const t = useText(programText);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const { draft, programId, name } = entry;
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const run = useQuery({
    queryKey: [account.id, 'dry-run', dryRunId],
    enabled: dryRunId !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () =>
      (await api.GET('/programs/dry-run/{dryRunId}', { params: { path: { dryRunId: dryRunId ?? '' } } })).data,
  });
  const tryOut = useMutation({
    mutationFn: async () =>
      (await api.POST('/programs/dry-run', { body: { program: document, ...periodOf(from, to) } })).data,
    onSuccess: (made) => {
      if (!made) return;
      client.setQueryData([account.id, 'dry-run', made.id], made);
      onTried(made.id);
    },
  });
  const isOnRun = !isDirty && draft !== undefined && run.data?.contentHash === draft.contentHash;
  const publish = useMutation({
    mutationFn: async () =>
      (
        await api.POST('/programs/{programId}/draft/publish', {
          params: { path: { programId } },
          body: { revision: draft?.revision ?? 0, ...(isOnRun && run.data ? { dryRunId: run.data.id } : {}) },
        })
      ).data,
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'programs'] }),
  });
  const refusal = publish.isError ? problemIn(publish.error) : null;
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed" maw={720}>
        {t('tryWhat')}
      </Text>
      {may('programs.write') && (
        <Group align="flex-end" gap="sm">
          <TextInput
            type="date"
            label={t('tryFrom')}
            value={from}
            onChange={({ currentTarget }) => setFrom(currentTarget.value)}
          />
          <TextInput
            type="date"
            label={t('tryTo')}
            value={to}
            onChange={({ currentTarget }) => setTo(currentTarget.value)}
          />
          <Button
            variant={isOnRun ? 'default' : 'filled'}
            loading={tryOut.isPending}
            disabled={!isSound}
            onClick={() => tryOut.mutate()}
          >
            {dryRunId === undefined ? t('tryNow') : t('tryAgain')}
          </Button>
        </Group>
      )}
      {tryOut.isError && <ProblemNote thrown={tryOut.error} />}
      {dryRunId !== undefined && (
        <Loaded query={run}>
          {(found) =>
            found && (
              <>
                {draft && !isOnRun && !isDirty && <Alert color="yellow">{t('tryDiffers')}</Alert>}
                <DryRunView
                  run={found}
                  csvPage={async (after) =>
                    (
                      await api.GET('/programs/dry-run/{dryRunId}/csv', {
                        params: { path: { dryRunId: found.id }, query: { after } },
                      })
                    ).data
                  }
                />
              </>
            )
          }
        </Loaded>
      )}
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('publish')}
          </Title>
          {publish.isSuccess && publish.data && !draft ? (
            <Alert color="green" role="status">
              {t('published', { version: publish.data.version })}
            </Alert>
          ) : (
            <>
              {!draft && <Text size="sm">{t('noDraft')}</Text>}
              {draft && (
                <>
                  <Title order={3} size="h6">
                    {t('changes')}
                  </Title>
                  {isSound && <Differences document={document} />}
                  <Text size="sm">
                    {isDirty ? t('publishSaveFirst') : isOnRun ? t('publishOnRun') : t('publishUnseen')}
                  </Text>
                  {refusal?.code === 'second_person' ? (
                    <Alert color="orange" role="alert">
                      {t('secondPerson', { editors: draft.editors.join(', ') })}
                    </Alert>
                  ) : (
                    refusal && <ProblemNote thrown={publish.error} />
                  )}
                  {may('programs.publish') ? (
                    !isDirty && (
                      <Group>
                        <ConfirmButton
                          label={t('publish')}
                          title={t('publishTitle', { name })}
                          color="brand"
                          variant="filled"
                          size="sm"
                          loading={publish.isPending}
                          onConfirm={() => publish.mutate()}
                        >
                          {t('publishWhat')}
                        </ConfirmButton>
                      </Group>
                    )
                  ) : (
                    <Text size="sm">{t('publishNot', { permission: 'programs.publish' })}</Text>
                  )}
                </>
              )}
            </>
          )}
        </Stack>
      </Paper>
    </Stack>
  );
}
