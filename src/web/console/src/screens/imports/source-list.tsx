import { Group, NativeSelect, Radio, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Empty, Loaded } from '../../parts/states.tsx';
import { crmName, useConnections } from '../connections/queries.ts';
import { SearchBox } from '../work/filters.tsx';
import { Panel } from '../work/panel.tsx';
import type { Wanted } from './new.tsx';
import { importText } from './texts.ts';

/** Which of the lists that the customer keeps in the CRM. */
export function ListSource(props: {
  connectionId: string | undefined;
  listId: string | undefined;
  onChoose: (chosen: { connection?: string | undefined; list?: string | undefined }) => void;
  next: (wanted: Wanted | null) => ReactNode;
}) {
  const t = useText(importText);
  const { may } = useAccount();
  const isAllowed = may('connections.read');
  const query = useConnections(undefined, isAllowed);
  if (!isAllowed) return <Text size="sm">{t('mayNotSeeConnections')}</Text>;
  return (
    <Loaded query={query}>
      {(connections) => {
        const connected = connections.filter(({ status }) => status === 'connected');
        const chosen = connected.find(({ id }) => id === props.connectionId) ?? connected[0];
        if (!chosen)
          return (
            <Empty title={t('notConnected')}>
              <Text size="sm">{t('notConnectedWhat')}</Text>
            </Empty>
          );
        return (
          <Panel title={t('listsFound')}>
            <Stack gap="md">
              {connected.length > 1 && (
                <NativeSelect
                  label={t('connection')}
                  maw={320}
                  value={chosen.id}
                  data={connected.map((one) => ({ value: one.id, label: `${crmName(one)} ${one.externalId}` }))}
                  onChange={({ currentTarget }) => props.onChoose({ connection: currentTarget.value, list: undefined })}
                />
              )}
              <Lists key={chosen.id} {...props} connectionId={chosen.id} />
            </Stack>
          </Panel>
        );
      }}
    </Loaded>
  );
}

function Lists({
  connectionId,
  listId,
  onChoose,
  next,
}: {
  connectionId: string;
  listId: string | undefined;
  onChoose: (chosen: { list: string }) => void;
  next: (wanted: Wanted | null) => ReactNode;
}) {
  const t = useText(importText);
  const { api, account } = useAccount();
  const [search, setSearch] = useState<string | undefined>(undefined);
  const query = useQuery({
    queryKey: [account.id, 'crm-lists', connectionId, search ?? ''],
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const params = { path: { connectionId }, query: search === undefined ? {} : { search } };
      return (await api.GET('/connections/{connectionId}/lists', { params })).data?.items ?? [];
    },
  });
  return (
    <>
      <Group>
        <SearchBox label={t('findList')} value={search} onChange={setSearch} />
      </Group>
      <Loaded query={query}>
        {(lists) =>
          lists.length === 0 ? (
            <Text size="sm">{t('noLists')}</Text>
          ) : (
            <Radio.Group
              aria-label={t('listsFound')}
              value={listId ?? null}
              onChange={(chosen) => onChoose({ list: chosen })}
            >
              <Stack gap="xs" mah={320} style={{ overflowY: 'auto' }}>
                {lists.map(({ id, name, size }) => (
                  <Radio
                    key={id}
                    value={id}
                    label={name}
                    description={size === null ? undefined : t('listSize', { size })}
                  />
                ))}
              </Stack>
            </Radio.Group>
          )
        }
      </Loaded>
      {next(listId === undefined ? null : { of: 'list', connectionId, listId })}
    </>
  );
}
