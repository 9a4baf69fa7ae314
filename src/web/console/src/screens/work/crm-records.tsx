import { Anchor, Group, Stack, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Mark } from './marks.tsx';
import { workText } from './texts.ts';
import { type CrmRecord, fieldWords } from './words.ts';

const CRM_NAMES: Readonly<Record<string, string>> = { hubspot: 'HubSpot', salesforce: 'Salesforce' };
const MIRROR_COLOURS = { written: 'teal', waiting: 'yellow', parked: 'red' } as const;

/** Where the records stand in the CRM, and whether they show what they should. */
export function CrmRecords({ records }: { records: readonly CrmRecord[] }) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { since } = useFormat();
  if (records.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {t('noRecords')}
      </Text>
    );
  return (
    <Stack gap="sm">
      {records.map(({ object, id, connectionId, name, provider, url, readAt, isDeleted, mirror }) => (
        <div key={`${connectionId} ${object} ${id}`}>
          <Group justify="space-between" gap="xs" wrap="nowrap" align="flex-start">
            <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
              {name ?? id}
              <Text span size="xs" c="dimmed" display="block">
                {CRM_NAMES[provider] ?? provider} · {word(`object_${object}`)}
                {readAt !== null && ` · ${t('readAt', { since: since(readAt) })}`}
              </Text>
            </Text>
            {url !== null && !isDeleted && (
              <Anchor href={url} target="_blank" rel="noreferrer" aria-label={t('openRecord', { name: name ?? id })}>
                <IconExternalLink size={16} />
              </Anchor>
            )}
          </Group>
          {isDeleted && <Mark color="red">{t('deleted')}</Mark>}
          {mirror && !isDeleted && <Mark color={MIRROR_COLOURS[mirror.state]}>{word(`mirror_${mirror.state}`)}</Mark>}
          {mirror?.error && (
            <Text size="xs" c="dimmed" pt={2}>
              {mirror.error}
            </Text>
          )}
        </div>
      ))}
    </Stack>
  );
}
