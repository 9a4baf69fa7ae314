import { Alert, Anchor, Badge, Button, Group, Paper, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Empty, ProblemNote, problemIn } from '../../parts/states.tsx';
import { Differences } from './differences.tsx';
import { documentOf, type Version } from './document.ts';
import { trialText } from './trial-texts.ts';

/** What was published, newest first; an older one can be in force again. */
export function Versions({
  versions,
  onTakeOver,
}: {
  versions: readonly Version[];
  onTakeOver: (version: Version) => void;
}) {
  const t = useText(trialText);
  const { may } = useAccount();
  const [compared, setCompared] = useState<number | null>(null);
  const [newest] = versions;
  if (!newest) return <Empty title={t('neverPublished')} />;
  return (
    <Stack gap="sm">
      {versions.map((version) => (
        <Paper withBorder p="md" key={version.version}>
          <Stack gap="xs">
            <Group justify="space-between" align="flex-start">
              <div>
                <Group gap="xs">
                  <Title order={2} size="h5">
                    {t('versionOf', { version: version.version })}
                  </Title>
                  {version === newest && (
                    <Badge variant="light" tt="none" color={version.isRetired ? 'gray' : 'brand'}>
                      {version.isRetired ? t('retired') : t('current')}
                    </Badge>
                  )}
                </Group>
                <Made version={version} />
              </div>
              {version !== newest && !version.isRetired && (
                <Group gap="xs">
                  <Button
                    size="xs"
                    variant="default"
                    aria-expanded={compared === version.version}
                    onClick={() => setCompared(compared === version.version ? null : version.version)}
                  >
                    {t('whatChanges')}
                  </Button>
                  {may('programs.write') && (
                    <Button size="xs" variant="default" onClick={() => onTakeOver(version)}>
                      {t('rollbackDraft')}
                    </Button>
                  )}
                  {may('programs.publish') && <Rollback version={version} onTakeOver={onTakeOver} />}
                </Group>
              )}
            </Group>
            {compared === version.version && <Differences document={documentOf(version)} />}
          </Stack>
        </Paper>
      ))}
      {may('programs.publish') && !newest.isRetired && <Retire version={newest} />}
    </Stack>
  );
}

function Made({ version }: { version: Version }) {
  const t = useText(trialText);
  const { account } = useAccount();
  const { moment } = useFormat();
  const at = moment(version.publishedAt);
  return (
    <>
      <Text size="sm" c="dimmed">
        {version.publishedBy === null
          ? t('publishedOn', { day: at })
          : t('publishedBy', { day: at, who: version.publishedBy })}{' '}
        ·{' '}
        {version.dryRunId === null ? (
          t('notTried')
        ) : (
          <Anchor
            underline="always"
            component={Link}
            to={`/${account.id}/programs/${version.programId}` as string}
            search={{ tab: 'try', dryRun: version.dryRunId } as never}
          >
            {t('triedRun')}
          </Anchor>
        )}
      </Text>
      {version.note !== null && <Text size="sm">{version.note}</Text>}
    </>
  );
}

function Rollback({ version, onTakeOver }: { version: Version; onTakeOver: (version: Version) => void }) {
  const t = useText(trialText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const publish = useMutation({
    mutationFn: () => api.POST('/programs', { body: documentOf(version) }),
    onSuccess: () => client.invalidateQueries({ queryKey: [account.id, 'programs'] }),
  });
  const isSecond = publish.isError && problemIn(publish.error).code === 'second_person';
  return (
    <>
      <ConfirmButton
        label={t('rollback')}
        title={t('rollbackTitle', { version: version.version })}
        color="brand"
        loading={publish.isPending}
        onConfirm={() => publish.mutate()}
      >
        <Stack gap="sm">
          {t('rollbackWhat', { version: version.version })}
          <Differences document={documentOf(version)} />
        </Stack>
      </ConfirmButton>
      {isSecond ? (
        <Alert color="orange" role="alert">
          <Text size="sm">{problemIn(publish.error).detail}</Text>
          <Button mt="xs" size="xs" variant="default" onClick={() => onTakeOver(version)}>
            {t('rollbackDraft')}
          </Button>
        </Alert>
      ) : (
        publish.isError && <ProblemNote thrown={publish.error} />
      )}
    </>
  );
}

const WHY_LENGTH_MAX = 300;

function Retire({ version: { programId } }: { version: Version }) {
  const t = useText(trialText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [why, setWhy] = useState('');
  const retire = useMutation({
    mutationFn: () =>
      api.POST('/programs/{programId}/retire', { params: { path: { programId } }, body: { why: why.trim() } }),
    onSuccess: () => client.invalidateQueries({ queryKey: [account.id, 'programs'] }),
  });
  return (
    <Paper withBorder p="md">
      <Stack gap="xs" align="flex-start">
        <Title order={2} size="h5">
          {t('retire')}
        </Title>
        <Text size="sm">{t('retireWhat')}</Text>
        <Group align="flex-end">
          <TextInput
            label={t('retireWhy')}
            value={why}
            maxLength={WHY_LENGTH_MAX}
            w={360}
            onChange={({ currentTarget }) => setWhy(currentTarget.value)}
          />
          {why.trim() !== '' && (
            <ConfirmButton
              label={t('retire')}
              title={t('retire')}
              size="sm"
              loading={retire.isPending}
              onConfirm={() => retire.mutate()}
            >
              {t('retireWhat')}
            </ConfirmButton>
          )}
        </Group>
        {retire.isError && <ProblemNote thrown={retire.error} />}
      </Stack>
    </Paper>
  );
}
