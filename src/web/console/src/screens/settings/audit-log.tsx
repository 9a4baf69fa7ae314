import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { settingsText } from './texts.ts';

type Entry = operations['listAuditEntries']['responses'][200]['content']['application/json']['items'][number];

export default function AuditLog() {
  const t = useText(settingsText);
  const word = useText(common);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const [actorText, setActor] = useState('');
  const [subjectText, setSubject] = useState('');
  const [actor] = useDebouncedValue(actorText.trim(), 300);
  const [subject] = useDebouncedValue(subjectText.trim(), 300);
  const [shown, setShown] = useState<Entry | null>(null);
  const filters = { ...(actor === '' ? {} : { actor }), ...(subject === '' ? {} : { subject }) };
  const outcomeOf = ({ status }: Entry) =>
    status === null ? t('interrupted') : status < 400 ? t('done') : t('refused', { status });
  return (
    <Screen
      title={t('audit')}
      description={t('auditWhat')}
      actions={
        <ExportButton
          fileName={dated('audit-log')}
          load={async (cursor) => {
            const query = { ...filters, limit: 100, ...(cursor === undefined ? {} : { cursor }) };
            return (await api.GET('/audit-log/csv', { params: { query } })).data;
          }}
        />
      }
    >
      <Group grow maw={620}>
        <TextInput
          label={t('filterActor')}
          value={actorText}
          onChange={(event) => setActor(event.currentTarget.value)}
        />
        <TextInput
          label={t('filterSubject')}
          value={subjectText}
          onChange={(event) => setSubject(event.currentTarget.value)}
        />
      </Group>
      <PagedTable
        label={t('audit')}
        queryKey={[account.id, 'audit-log', filters]}
        load={async (cursor) => {
          const query = { ...filters, ...(cursor === undefined ? {} : { cursor }) };
          const { data } = await api.GET('/audit-log', { params: { query } });
          return data ?? { items: [], nextCursor: null };
        }}
        empty={<Empty title={t('noEntries')} />}
        columns={[
          { key: 'at', title: t('at'), cell: ({ at }) => moment(at) },
          { key: 'actor', title: t('actor'), cell: (entry) => entry.actor },
          { key: 'via', title: t('via'), cell: ({ via }) => t(via) },
          { key: 'operation', title: t('operation'), cell: ({ operation }) => <Code>{operation}</Code> },
          { key: 'subject', title: t('subject'), cell: (entry) => entry.subject ?? '' },
          { key: 'outcome', title: t('outcome'), cell: outcomeOf },
          {
            key: 'details',
            title: t('details'),
            isTitleHidden: true,
            cell: (entry) => (
              <Button size="xs" variant="subtle" onClick={() => setShown(entry)}>
                {t('details')}
              </Button>
            ),
          },
        ]}
      />
      <Dialog opened={shown !== null} onClose={() => setShown(null)} title={shown?.operation ?? ''} size="xl">
        {shown && (
          <Stack>
            <Text size="sm">
              {moment(shown.at)} · {shown.actor} · {outcomeOf(shown)} · {word('reference', { ref: shown.ref })}
            </Text>
            <Value title={t('input')} value={shown.input} />
            <Value title={t('before')} value={shown.before} />
            <Value title={t('after')} value={shown.after} />
          </Stack>
        )}
      </Dialog>
    </Screen>
  );
}

function Value({ title, value }: { title: string; value: unknown }) {
  const t = useText(settingsText);
  return (
    <div>
      <Text fw={600} size="sm">
        {title}
      </Text>
      {value === null || value === undefined ? (
        <Text size="sm" c="dimmed">
          {t('nothingToShow')}
        </Text>
      ) : (
        <Code block tabIndex={0}>
          {JSON.stringify(value, null, 2)}
        </Code>
      )}
    </div>
  );
}
