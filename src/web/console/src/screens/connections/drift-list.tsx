import { Alert, Anchor, Button, Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded, ProblemNote } from '../../parts/states.tsx';
import { type Drift, MEANS, type Means, useDrift } from './queries.ts';
import { connectionText } from './texts.ts';

/** What has changed in the CRM since somebody looked, each with what mends it. */
export function DriftList({ connectionId }: { connectionId: string }) {
  const t = useText(connectionText);
  const { since } = useFormat();
  const query = useDrift(connectionId);
  return (
    <Loaded query={query}>
      {(found) =>
        found &&
        (found.items.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t('noDrift')} {found.lookedAt !== null && t('lookedAt', { since: since(found.lookedAt) })}
          </Text>
        ) : (
          <Alert color="orange" title={t('drift')}>
            <Stack gap="sm">
              {found.items.map((drift) => (
                <OneDrift key={drift.caseId} connectionId={connectionId} drift={drift} />
              ))}
            </Stack>
          </Alert>
        ))
      }
    </Loaded>
  );
}

const FIX_TEXT = {
  accept: 'fixAccept',
  provision: 'fixProvision',
  reconnect: 'fixReconnect',
  look_again: 'fixLookAgain',
} as const;

function OneDrift({ connectionId, drift }: { connectionId: string; drift: Drift }) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const [means, setMeans] = useState<Means>(drift.meant ?? drift.means ?? 'opportunity');
  const fix = useMutation({
    mutationFn: async (body: { fix: Drift['fixes'][number]; stage?: Means }) =>
      (
        await api.POST('/connections/{connectionId}/drift/{caseId}/fix', {
          params: { path: { connectionId, caseId: drift.caseId } },
          body,
        })
      ).data,
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'connections', connectionId] }),
  });
  const url = fix.data?.url;
  const word = (stage: Means) => t(stage);
  return (
    <Paper p="sm" withBorder>
      <Stack gap="xs">
        <Title order={2} size="h6">
          {drift.summary}
        </Title>
        {!drift.summary.includes(drift.meanwhile) && <Text size="sm">{drift.meanwhile}</Text>}
        {may('connections.write') && (
          <Group gap="xs" align="flex-end">
            {drift.fixes.map((one) =>
              one === 'map' ? (
                <Group gap={4} key={one} align="flex-end">
                  <NativeSelect
                    size="xs"
                    label={t('fixMap')}
                    value={means}
                    data={MEANS.map((stage) => ({ value: stage, label: word(stage) }))}
                    onChange={({ currentTarget }) => setMeans(currentTarget.value as Means)}
                  />
                  <Button
                    size="xs"
                    variant="default"
                    loading={fix.isPending}
                    onClick={() => fix.mutate({ fix: one, stage: means })}
                  >
                    {t('fixMap')} {word(means)}
                  </Button>
                </Group>
              ) : (
                <Button
                  key={one}
                  size="xs"
                  variant="default"
                  loading={fix.isPending}
                  onClick={() => fix.mutate({ fix: one })}
                >
                  {t(FIX_TEXT[one])}
                </Button>
              ),
            )}
          </Group>
        )}
        {url && (
          <Anchor href={url} target="_blank" rel="noopener noreferrer" size="sm">
            {t('openLink')}
          </Anchor>
        )}
        {fix.isError && <ProblemNote thrown={fix.error} />}
      </Stack>
    </Paper>
  );
}
