import { Anchor, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Empty } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { Differences } from './differences.tsx';
import { type PolicyVersion, policyOf } from './queries.ts';
import { Sentences } from './sentences.tsx';
import { attributionText } from './texts.ts';

/** What was published, newest first; an older one can be taken over as a draft. */
export function Versions({
  versions,
  onTakeOver,
}: {
  versions: readonly PolicyVersion[];
  onTakeOver: ((version: PolicyVersion) => void) | undefined;
}) {
  const t = useText(attributionText);
  const { account } = useAccount();
  const { moment } = useFormat();
  const [compared, setCompared] = useState<number | null>(null);
  const [newest] = versions;
  if (!newest)
    return (
      <Empty title={t('neverPublished')}>
        <Text size="sm">{t('neverPublishedWhat')}</Text>
      </Empty>
    );
  return (
    <Stack gap="sm">
      {versions.map((version) => (
        <Paper
          withBorder
          p="md"
          key={version.version}
          component="section"
          aria-label={t('versionOf', { version: version.version })}
        >
          <Stack gap="xs">
            <Group justify="space-between" align="flex-start">
              <div>
                <Group gap="xs">
                  <Title order={2} size="h5">
                    {t('versionOf', { version: version.version })}
                  </Title>
                  {version === newest && <Tag tone="green">{t('current')}</Tag>}
                </Group>
                <Text size="sm" c="dimmed">
                  {t('publishedOn', { day: moment(version.publishedAt), who: version.publishedBy })} ·{' '}
                  {version.dryRunId === null ? (
                    t('notTried')
                  ) : (
                    <Anchor
                      underline="always"
                      component={Link}
                      to={`/${account.id}/attribution` as string}
                      search={{ tab: 'try', dryRun: version.dryRunId } as never}
                    >
                      {t('triedRun')}
                    </Anchor>
                  )}
                </Text>
              </div>
              {version !== newest && (
                <Group gap="xs">
                  <Button
                    size="xs"
                    variant="default"
                    aria-expanded={compared === version.version}
                    onClick={() => setCompared(compared === version.version ? null : version.version)}
                  >
                    {t('whatChanges')}
                  </Button>
                  {onTakeOver && (
                    <Button size="xs" variant="default" onClick={() => onTakeOver(version)}>
                      {t('takeOver')}
                    </Button>
                  )}
                </Group>
              )}
            </Group>
            {compared === version.version ? (
              <Differences policy={policyOf(version)} inForce={newest.version} />
            ) : (
              <Sentences policy={policyOf(version)} />
            )}
          </Stack>
        </Paper>
      ))}
    </Stack>
  );
}
