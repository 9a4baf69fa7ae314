import { Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Screen } from '../../parts/states.tsx';
import { crmName, useConnections } from '../connections/queries.ts';
import { Line } from '../work/marks.tsx';
import { Panel } from '../work/panel.tsx';
import { PersonActions } from './person-data.tsx';
import { peopleText } from './texts.ts';
import type { Asked, Who } from './who.ts';

type Erasure = NonNullable<components['schemas']['Erasure']>;

const WAYS = ['email', 'contact', 'memberId', 'referralId'] as const;
type Way = (typeof WAYS)[number];

const KINDS = ['contacts', 'members', 'referrals', 'importRows', 'vouchers', 'words'] as const;

export default function Privacy() {
  const t = useText(peopleText);
  return (
    <Screen title={t('privacy')} description={t('privacyWhat')}>
      <WhoAsks />
      <Erasures />
    </Screen>
  );
}

function WhoAsks() {
  const t = useText(peopleText);
  const { may } = useAccount();
  const connections = useConnections(undefined, may('connections.read')).data ?? [];
  const [way, setWay] = useState<Way>('email');
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState('');
  const connectionId = connections.some(({ id }) => id === chosen) ? chosen : (connections[0]?.id ?? '');
  const word = text.trim();
  const isSaid = word !== '' && (way !== 'contact' || connectionId !== '');
  const who: Who = way === 'contact' ? { contact: { connectionId, id: word } } : { [way]: word };
  const asked: Asked | null = isSaid ? { who, name: word, word } : null;
  const ways = WAYS.filter((one) => one !== 'contact' || connections.length > 0);
  return (
    <Panel title={t('whoAsks')}>
      <Stack gap="md">
        <Text size="sm" c="dimmed">
          {t('whoWhat')}
        </Text>
        <Group align="flex-end">
          <NativeSelect
            label={t('by')}
            value={way}
            data={ways.map((value) => ({ value, label: t(`by_${value}`) }))}
            onChange={({ currentTarget }) => {
              setWay(ways.find((one) => one === currentTarget.value) ?? 'email');
              setText('');
            }}
          />
          {way === 'contact' && connections.length > 1 && (
            <NativeSelect
              label={t('connection')}
              value={connectionId}
              data={connections.map((one) => ({ value: one.id, label: `${crmName(one)} ${one.externalId}` }))}
              onChange={({ currentTarget }) => setChosen(currentTarget.value)}
            />
          )}
          <TextInput
            label={way === 'contact' ? t('contactId') : t(`by_${way}`)}
            type={way === 'email' ? 'email' : 'text'}
            autoComplete="off"
            value={text}
            maxLength={254}
            miw={280}
            onChange={({ currentTarget }) => setText(currentTarget.value)}
          />
        </Group>
        {/* What was said of one person is not shown beside another's name. */}
        <PersonActions key={JSON.stringify(who)} asked={asked} />
      </Stack>
    </Panel>
  );
}

function Erasures() {
  const t = useText(peopleText);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const rowsOf = (counts: Erasure['counts']) =>
    KINDS.flatMap((kind) => (counts[kind] === 0 ? [] : [t(`rows_${kind}`, { rows: counts[kind] })])).join(', ');
  return (
    <Panel title={t('erasures')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('erasuresWhat')}
        </Text>
        <PagedTable
          label={t('erasures')}
          queryKey={[account.id, 'erasures']}
          load={async (cursor) => {
            const query = cursor === undefined ? {} : { cursor };
            const { data } = await api.GET('/people/erasures', { params: { query } });
            // The document lets one be null everywhere, as it may be beside an export.
            const items = data?.items.filter((one) => one !== null) ?? [];
            return { items, nextCursor: data?.nextCursor ?? null };
          }}
          empty={<Empty title={t('noErasures')} />}
          columns={[
            { key: 'at', title: t('at'), cell: ({ at }) => <Line>{moment(at)}</Line> },
            { key: 'source', title: t('source'), cell: ({ source }) => t(`source_${source}`) },
            { key: 'who', title: t('who'), cell: ({ by }) => by },
            { key: 'rows', title: t('rows'), cell: ({ counts }) => rowsOf(counts) },
            { key: 'id', title: t('id'), cell: ({ id }) => id },
          ]}
        />
      </Stack>
    </Panel>
  );
}
