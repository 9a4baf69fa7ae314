import { Button, Checkbox, Group } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { type Column, PagedTable } from '../../parts/paged-table.tsx';
import { Screen } from '../../parts/states.tsx';
import { NothingFound, SearchBox } from './filters.tsx';
import { ColumnChoice, shownColumns, Views } from './list-tools.tsx';
import { Line, To } from './marks.tsx';
import { nameOf } from './people.ts';
import { useListSearch } from './search.ts';
import { workText } from './texts.ts';
import type { Member } from './words.ts';

const KEYS = ['search', 'recruiter', 'columns'] as const;
const USUAL = ['email', 'code', 'enrolled'];

export default function Members() {
  const t = useText(workText);
  const { api, account, may } = useAccount();
  const { day } = useFormat();
  const { values, text, set, show } = useListSearch(KEYS);
  const filters = {
    ...(values.search === undefined ? {} : { search: values.search }),
    ...(values.recruiter === 'true' ? { recruiter: 'true' as const } : {}),
  };
  const columns: readonly Column<Member>[] = [
    {
      key: 'name',
      title: t('name'),
      cell: (one) => <To path={`members/${one.id}`}>{nameOf(one, t('nameless'))}</To>,
    },
    { key: 'email', title: t('email'), cell: ({ email }) => email ?? '' },
    { key: 'code', title: t('code'), cell: ({ code }) => code },
    { key: 'recruiter', title: t('recruiter'), cell: ({ isRecruiter }) => (isRecruiter ? t('yes') : '') },
    { key: 'shareLink', title: t('shareLink'), cell: ({ shareLink }) => shareLink },
    { key: 'enrolled', title: t('enrolled'), cell: ({ createdAt }) => <Line>{day(createdAt)}</Line> },
  ];
  return (
    <Screen
      title={t('members')}
      description={t('membersWhat')}
      actions={
        <>
          <Views list="members" text={text} onShow={show} />
          <ColumnChoice
            all={columns}
            usual={USUAL}
            value={values.columns}
            onChange={(chosen) => set({ columns: chosen }, { replace: true })}
          />
          <ExportButton
            fileName={dated('members')}
            load={async (cursor) =>
              (await api.GET('/members/csv', { params: { query: { ...filters, ...after(cursor, 100) } } })).data
            }
          />
          {may('imports.write') && (
            <Button
              variant="default"
              leftSection={<IconUpload size={16} aria-hidden />}
              component={Link}
              to={`/${account.id}/members/imports` as string}
            >
              {t('importMembers')}
            </Button>
          )}
        </>
      }
    >
      <Group align="flex-end">
        <SearchBox label={t('searchMembers')} value={values.search} onChange={(search) => set({ search })} />
        <Checkbox
          label={t('onlyRecruiters')}
          checked={values.recruiter === 'true'}
          pb={8}
          onChange={(event) => set({ recruiter: event.currentTarget.checked ? 'true' : undefined })}
        />
      </Group>
      <PagedTable
        label={t('members')}
        queryKey={[account.id, 'members', filters]}
        load={async (cursor) => {
          const { data } = await api.GET('/members', { params: { query: { ...filters, ...after(cursor) } } });
          return data ?? { items: [], nextCursor: null };
        }}
        columns={shownColumns(columns, USUAL, values.columns)}
        empty={
          <NothingFound
            isFiltered={Object.keys(filters).length > 0}
            title={t('noMembers')}
            what={t('noMembersWhat')}
            onClear={() => set({ search: undefined, recruiter: undefined })}
          />
        }
      />
    </Screen>
  );
}

function after(cursor: string | undefined, limit?: number) {
  return { ...(cursor === undefined ? {} : { cursor }), ...(limit === undefined ? {} : { limit }) };
}
