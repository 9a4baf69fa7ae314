import { Alert, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { ApiProblem, PUBLISHED_MEANWHILE } from '../../api/client.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Loaded, ProblemNote, problemIn } from '../../parts/states.tsx';
import { DryRunView } from '../programs/dry-run-view.tsx';
import { type Period, TryForm } from '../programs/try-form.tsx';
import { Differences } from './differences.tsx';
import { type Policy, textOf } from './queries.ts';
import { Sentences } from './sentences.tsx';
import { attributionText } from './texts.ts';

/** Try it on history, see whose referrals and what money change, publish what was tried. */
export function Publish({
  policy,
  basis,
  isDirty,
  isSound,
  dryRunId,
  onTried,
}: {
  policy: Policy;
  /** The version that it was written on top of; 0 for none. */
  basis: number;
  isDirty: boolean;
  isSound: boolean;
  dryRunId: string | undefined;
  onTried: (dryRunId: string) => void;
}) {
  const t = useText(attributionText);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const text = textOf(policy);
  const run = useQuery({
    queryKey: [account.id, 'attribution-dry-run', dryRunId],
    enabled: dryRunId !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () =>
      (
        await api.GET('/attribution-policies/dry-run/{dryRunId}', {
          params: { path: { dryRunId: dryRunId ?? '' } },
        })
      ).data,
  });
  // By what the service makes of it: the same whatever was written around it.
  const content = useQuery({
    queryKey: [account.id, 'attribution-hash', text],
    enabled: isSound,
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async () => (await api.POST('/attribution-policies/validate', { body: policy })).data?.contentHash ?? '',
  });
  const tryOut = useMutation({
    mutationFn: async (period: Period) =>
      (await api.POST('/attribution-policies/dry-run', { body: { policy, ...period } })).data,
    onSuccess: (made) => {
      if (!made) return;
      client.setQueryData([account.id, 'attribution-dry-run', made.id], made);
      onTried(made.id);
    },
  });
  const isOnRun = run.data !== undefined && run.data.contentHash === content.data;
  const publish = useMutation({
    async mutationFn() {
      // What somebody else has published meanwhile is not undone unseen.
      const [newest] = (await api.GET('/attribution-policies')).data?.items ?? [];
      if ((newest?.version ?? 0) !== basis) throw new ApiProblem(PUBLISHED_MEANWHILE);
      const query = isOnRun && run.data ? { dryRunId: run.data.id } : {};
      return (await api.POST('/attribution-policies', { params: { query }, body: policy })).data;
    },
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'attribution-policies'] }),
  });
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
                {isDirty && content.data !== undefined && !isOnRun && (
                  <Alert color="yellow" role="status">
                    {t('tryDiffers')}
                  </Alert>
                )}
                <DryRunView run={found} />
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
          {publish.isSuccess && publish.data && !isDirty && (
            <Alert color="green" role="status">
              {t('published', { version: publish.data.version })}
            </Alert>
          )}
          {publish.isError && problemIn(publish.error).code !== PUBLISHED_MEANWHILE.code && (
            <ProblemNote thrown={publish.error} />
          )}
          {isDirty ? (
            <>
              <Title order={3} size="h6">
                {t('changes')}
              </Title>
              {isSound ? <Differences policy={policy} inForce={basis} /> : <Text size="sm">{t('notYet')}</Text>}
              <Text size="sm">{isOnRun ? t('publishOnRun') : t('publishUnseen')}</Text>
              {may('programs.publish') ? (
                isSound && (
                  <Group>
                    <ConfirmButton
                      label={t('publish')}
                      title={t('publishTitle')}
                      color="brand"
                      variant="filled"
                      size="sm"
                      loading={publish.isPending}
                      onConfirm={() => publish.mutate()}
                    >
                      <Stack gap="sm">
                        {t('publishWhat')}
                        <Sentences policy={policy} />
                      </Stack>
                    </ConfirmButton>
                  </Group>
                )
              ) : (
                <Text size="sm">{t('publishNot', { permission: 'programs.publish' })}</Text>
              )}
            </>
          ) : (
            !publish.isSuccess && <Text size="sm">{t('noDraft')}</Text>
          )}
        </Stack>
      </Paper>
    </Stack>
  );
}
