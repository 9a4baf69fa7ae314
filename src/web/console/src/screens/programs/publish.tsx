import { Alert, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Loaded, ProblemNote, problemIn } from '../../parts/states.tsx';
import { Differences } from './differences.tsx';
import type { ProgramDocument } from './document.ts';
import { DryRunView } from './dry-run-view.tsx';
import type { ProgramEntry } from './queries.ts';
import { trialText } from './trial-texts.ts';
import { type Period, TryForm } from './try-form.tsx';

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
  const t = useText(trialText);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const { draft, programId, name } = entry;
  const run = useQuery({
    queryKey: [account.id, 'dry-run', dryRunId],
    enabled: dryRunId !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () =>
      (await api.GET('/programs/dry-run/{dryRunId}', { params: { path: { dryRunId: dryRunId ?? '' } } })).data,
  });
  const tryOut = useMutation({
    mutationFn: async (period: Period) =>
      (await api.POST('/programs/dry-run', { body: { program: document, ...period } })).data,
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
        <TryForm
          label={dryRunId === undefined ? t('tryNow') : t('tryAgain')}
          isTried={isOnRun}
          isSound={isSound}
          isPending={tryOut.isPending}
          onTry={tryOut.mutate}
        />
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
