import { Button, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Screen } from '../../parts/states.tsx';
import { Line, Mark, To } from '../work/marks.tsx';
import { importText } from './texts.ts';
import { type Import, STATE_COLOURS, useSource } from './words.ts';

/** How often the list looks how far its imports have come. */
const REFETCH_MS = 5_000;

export default function Imports() {
  const t = useText(importText);
  const { api, account } = useAccount();
  const { moment, number } = useFormat();
  const sourceOf = useSource();
  const begin = (
    <Button component={Link} to={`/${account.id}/members/imports/new` as string}>
      {t('importMembers')}
    </Button>
  );
  return (
    <Screen title={t('imports')} description={t('importsWhat')} actions={begin}>
      <PagedTable<Import>
        label={t('imports')}
        queryKey={[account.id, 'member-imports']}
        refetchMs={REFETCH_MS}
        load={async (cursor) => {
          const query = cursor === undefined ? {} : { cursor };
          const { data } = await api.GET('/member-imports', { params: { query } });
          return data ?? { items: [], nextCursor: null };
        }}
        empty={
          <Empty title={t('none')}>
            <Text size="sm" ta="center">
              {t('noneWhat')}
            </Text>
          </Empty>
        }
        columns={[
          {
            key: 'begun',
            title: t('begun'),
            cell: ({ id, startedAt }) => (
              <Line>
                <To path={`members/imports/${id}`}>{moment(startedAt)}</To>
              </Line>
            ),
          },
          { key: 'from', title: t('from'), cell: sourceOf },
          { key: 'rows', title: t('rows'), align: 'right', cell: ({ rows }) => number(rows) },
          {
            key: 'state',
            title: t('state'),
            cell: ({ state }) => <Mark color={STATE_COLOURS[state]}>{t(state)}</Mark>,
          },
          { key: 'by', title: t('by'), cell: ({ startedBy }) => startedBy },
        ]}
      />
    </Screen>
  );
}
