import { Alert, Button, Group, NativeSelect, SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { dated } from '../../parts/export-button.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Loading, ProblemNote, Screen } from '../../parts/states.tsx';
import { Tile } from '../../parts/tile.tsx';
import { Panel } from '../work/panel.tsx';
import { useListSearch } from '../work/search.ts';
import { type ReportRow, reportOf } from './csv.ts';
import { ReportTable } from './report.tsx';
import { importText } from './texts.ts';

const FileSource = lazy(() => import('./source-file.tsx').then((file) => ({ default: file.FileSource })));
const ListSource = lazy(() => import('./source-list.tsx').then((file) => ({ default: file.ListSource })));

type FileBody = operations['tryMemberImport']['requestBody']['content']['application/json'];
type ListBody = operations['tryListImport']['requestBody']['content']['application/json'];
type Consent = NonNullable<operations['startMemberImport']['requestBody']['content']['application/json']['consent']>;

/** What is to be imported, as the service is asked. */
export type Wanted = ({ readonly of: 'file' } & FileBody) | ({ readonly of: 'list' } & ListBody);

interface Tried {
  readonly wanted: Wanted;
  /** The import has its id before it is begun: whoever presses twice, or again after no answer, begins one import. */
  readonly key: string;
  readonly counts: { readonly created: number; readonly matched: number; readonly refused: number };
  /** The report as a file, and as rows. */
  readonly csv: string;
  readonly rows: readonly ReportRow[];
  /** Null for a file. */
  readonly list: { readonly name: string; readonly isWhole: boolean } | null;
}

export default function NewImport() {
  const t = useText(importText);
  const { values, set } = useListSearch(['from', 'connection', 'list']);
  const { api } = useAccount();
  const from = values.from === 'list' ? 'list' : 'file';
  const tryIt = useMutation({
    mutationFn: async (wanted: Wanted): Promise<Tried | null> => {
      const key = crypto.randomUUID();
      if (wanted.of === 'file') {
        const { csv, mapping } = wanted;
        const { data } = await api.POST('/member-imports/dry-run', { body: { csv, mapping } });
        return data ? { ...data, wanted, key, rows: reportOf(data.csv), list: null } : null;
      }
      const { connectionId, listId } = wanted;
      const { data } = await api.POST('/member-imports/list/dry-run', { body: { connectionId, listId } });
      const list = data && { name: data.list.name, isWhole: data.isWhole };
      return list ? { ...data, wanted, key, rows: reportOf(data.csv), list } : null;
    },
  });
  // What was tried is no more what would be imported.
  const onChange = () => tryIt.reset();
  const next: (wanted: Wanted | null) => ReactNode = (wanted) => (
    <Stack gap="sm">
      {tryIt.isError && <ProblemNote thrown={tryIt.error} />}
      {!tryIt.data && (
        <Group>
          <Button disabled={wanted === null} loading={tryIt.isPending} onClick={() => wanted && tryIt.mutate(wanted)}>
            {t('try')}
          </Button>
        </Group>
      )}
    </Stack>
  );
  return (
    <Screen title={t('importMembers')} description={t('newWhat')}>
      <Panel title={t('source')}>
        <Stack gap="md" align="flex-start">
          <SegmentedControl
            aria-label={t('source')}
            value={from}
            data={[
              { value: 'file', label: t('file') },
              { value: 'list', label: t('list') },
            ]}
            onChange={(chosen) => {
              onChange();
              set({ from: chosen === 'list' ? 'list' : undefined }, { replace: true });
            }}
          />
        </Stack>
      </Panel>
      <Suspense fallback={<Loading />}>
        {from === 'file' ? (
          <FileSource onChange={onChange} next={next} />
        ) : (
          <ListSource
            connectionId={values.connection}
            listId={values.list}
            onChoose={(chosen) => {
              onChange();
              set(chosen, { replace: true });
            }}
            next={next}
          />
        )}
      </Suspense>
      {tryIt.data && <WhatWould key={tryIt.data.key} tried={tryIt.data} />}
    </Screen>
  );
}

function WhatWould({ tried }: { tried: Tried }) {
  const t = useText(importText);
  const { api, account } = useAccount();
  const { number } = useFormat();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [consent, setConsent] = useState<Consent | undefined>(undefined);
  const { wanted, key, counts, csv, rows, list } = tried;
  const start = useMutation({
    mutationFn: async () => {
      const said = consent === undefined ? {} : { consent };
      // Another consent is another import.
      const id = consent === undefined ? key : `${key}-${consent.version}-${consent.language}`;
      if (wanted.of === 'file') {
        const body = { id, csv: wanted.csv, mapping: wanted.mapping, ...said };
        return (await api.POST('/member-imports', { body })).data;
      }
      const body = { id, connectionId: wanted.connectionId, listId: wanted.listId, ...said };
      return (await api.POST('/member-imports/list', { body })).data;
    },
    onSuccess: (begun) => {
      void client.invalidateQueries({ queryKey: [account.id, 'member-imports'] });
      if (begun) void navigate({ to: `/${account.id}/members/imports/${begun.id}` as string });
    },
  });
  const people = counts.created + counts.matched;
  return (
    <>
      <Panel title={t('would')}>
        <Stack gap="md">
          <Text size="sm">
            {list &&
              `${list.isWhole ? t('wouldAll', { list: list.name }) : t('wouldFirst', { list: list.name, count: people + counts.refused })} `}
            {t('wouldWhat')}
          </Text>
          <SimpleGrid cols={{ base: 1, xs: 3 }}>
            <Tile title={t('create')} value={number(counts.created)} notes={[]} />
            <Tile title={t('match')} value={number(counts.matched)} notes={[]} />
            <Tile title={t('refuse')} value={number(counts.refused)} notes={[]} />
          </SimpleGrid>
          <ConsentChoice value={consent} onChange={setConsent} />
          {people === 0 && (
            <Alert color="orange" role="status">
              {t('nobody')}
            </Alert>
          )}
          {start.isError && <ProblemNote thrown={start.error} />}
          <Group>
            <Button
              disabled={people === 0}
              loading={start.isPending || start.isSuccess}
              onClick={() => !start.isPending && start.mutate()}
            >
              {list ? t('startList') : t('start', { count: people })}
            </Button>
          </Group>
        </Stack>
      </Panel>
      <ReportTable
        rows={rows}
        what={t(list ? 'reportWhatList' : 'reportWhat')}
        first="refused"
        actions={
          <Button size="xs" variant="default" onClick={() => saveFile(`${dated('import')}.csv`, csv)}>
            {t('saveReport')}
          </Button>
        }
      />
    </>
  );
}

/** Asked where the account has such a text. */
function ConsentChoice({
  value,
  onChange,
}: {
  value: Consent | undefined;
  onChange: (consent: Consent | undefined) => void;
}) {
  const t = useText(importText);
  const { api, account, may } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'consent-texts'],
    enabled: may('programs.read'),
    queryFn: async () => (await api.GET('/consent-texts')).data?.items ?? [],
  });
  const options = (query.data ?? [])
    .filter(({ purpose }) => purpose === 'member')
    .flatMap(({ version, texts }) =>
      (['en', 'de'] as const).flatMap((language) => (texts[language] === undefined ? [] : [{ version, language }])),
    );
  if (options.length === 0) return null;
  return (
    <NativeSelect
      label={t('consent')}
      description={t('consentWhat')}
      maw={520}
      value={value ? `${value.version} ${value.language}` : ''}
      data={[
        { value: '', label: t('consentNone') },
        ...options.map(({ version, language }) => ({
          value: `${version} ${language}`,
          label: t('consentVersion', { version, language: t(language) }),
        })),
      ]}
      onChange={({ currentTarget }) =>
        onChange(options.find(({ version, language }) => `${version} ${language}` === currentTarget.value))
      }
    />
  );
}
