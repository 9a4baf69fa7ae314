import { Button, Group, Paper, Progress, SimpleGrid, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { Loaded, ProblemNote, Screen } from '../../parts/states.tsx';
import { Tile } from '../../parts/tile.tsx';
import { Mark, To } from '../work/marks.tsx';
import { RecordPage } from '../work/record-page.tsx';
import { reportOf } from './csv.ts';
import { ReportTable } from './report.tsx';
import { importText } from './texts.ts';
import { type Import, isMoving, STATE_COLOURS, useSource } from './words.ts';

/** While it is at work; how far it is the service knows, so closing the page loses nothing. */
const REFETCH_MS = 1_500;
/** Lines of one part of the service's report. */
const REPORT_LINES = 10_000;

export default function ImportPage() {
  const { importId = '' } = useParams({ strict: false }) as { importId?: string };
  const t = useText(importText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'member-imports', 'one', importId],
    queryFn: async () => (await api.GET('/member-imports/{importId}', { params: { path: { importId } } })).data ?? null,
    refetchInterval: ({ state: { data } }) => (data && isMoving(data) ? REFETCH_MS : false),
  });
  return (
    <RecordPage title={t('imports')} query={query}>
      {(found) => <Shown found={found} />}
    </RecordPage>
  );
}

/** Rows that are through, of how many. */
function progressOf({ state, rows, counts }: Import): { readonly done: number; readonly all: number } | null {
  if (!counts || state === 'listing') return null;
  const { open, created, removed, kept } = counts;
  if (state === 'undoing') return { done: removed + kept, all: removed + kept + created + open };
  return { done: rows - open, all: rows };
}

function Shown({ found }: { found: Import }) {
  const t = useText(importText);
  const { api, account } = useAccount();
  const { moment, number } = useFormat();
  const sourceOf = useSource();
  const client = useQueryClient();
  const { id, state, counts } = found;
  const undo = useMutation({
    mutationFn: async () =>
      (await api.POST('/member-imports/{importId}/undo', { params: { path: { importId: id } }, body: {} })).data,
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'member-imports'] }),
  });
  const moves = isMoving(found);
  const progress = progressOf(found);
  const line = progress
    ? t('progress', progress)
    : t(found.list ? 'read' : 'progress', { count: found.rows, done: 0, all: found.rows });
  return (
    <Screen
      title={t('importMembers')}
      description={`${sourceOf(found)} · ${t('startedBy', { moment: moment(found.startedAt), who: found.startedBy })}`}
      actions={
        <>
          <Mark color={STATE_COLOURS[state]}>{t(state)}</Mark>
          {state !== 'undoing' && state !== 'undone' && (
            <ConfirmButton
              label={moves ? t('stop') : t('undo')}
              title={moves ? t('stop') : t('undo')}
              loading={undo.isPending}
              onConfirm={() => undo.mutate()}
            >
              {t('undoWhat')}
            </ConfirmButton>
          )}
        </>
      }
    >
      {undo.isError && <ProblemNote thrown={undo.error} />}
      {moves && (
        <Paper withBorder p="md">
          <Stack gap="xs">
            <Progress
              value={progress && progress.all > 0 ? (progress.done / progress.all) * 100 : 0}
              aria-label={line}
              animated
            />
            <Text size="sm" role="status">
              {line}
            </Text>
            <Text size="sm" c="dimmed">
              {t('waits')}
            </Text>
          </Stack>
        </Paper>
      )}
      {counts && (
        <SimpleGrid cols={{ base: 2, sm: 4 }}>
          <Tile title={t('rows')} value={number(found.rows)} notes={[]} />
          <Tile title={t('create')} value={number(counts.created)} notes={[]} />
          <Tile title={t('match')} value={number(counts.matched)} notes={[]} />
          <Tile title={t('refuse')} value={number(counts.refused)} notes={[]} />
          {(state === 'undoing' || state === 'undone') && (
            <>
              <Tile title={t('taken')} value={number(counts.removed)} notes={[]} />
              <Tile title={t('kept')} value={number(counts.kept)} notes={[]} />
            </>
          )}
        </SimpleGrid>
      )}
      {!moves && <Report found={found} />}
      <Group>
        <To path="members/imports">{t('allImports')}</To>
      </Group>
    </Screen>
  );
}

/** In parts as the service gives it; the whole of it is a file. */
function Report({ found: { id, state, list, counts } }: { found: Import }) {
  const t = useText(importText);
  const { api, account } = useAccount();
  const [after, setAfter] = useState<number | undefined>(undefined);
  const load = async (from: number | undefined) => {
    const params = { path: { importId: id }, query: from === undefined ? {} : { after: from } };
    return (await api.GET('/member-imports/{importId}/report', { params })).data;
  };
  const query = useQuery({
    queryKey: [account.id, 'member-imports', 'report', id, state, after ?? null],
    queryFn: async () => {
      const part = await load(after);
      return part ? { rows: reportOf(part.csv), next: part.next } : null;
    },
    // Nothing of it changes any more in this state.
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Loaded query={query}>
      {(part) =>
        part && (
          <>
            <ReportTable
              rows={part.rows}
              what={t(list ? 'reportWhatList' : 'reportWhat')}
              first={state === 'undone' ? ((counts?.kept ?? 0) > 0 ? 'kept' : undefined) : 'refused'}
              actions={
                <ExportButton
                  fileName={dated('import')}
                  size="xs"
                  rowsPerPage={REPORT_LINES}
                  load={async (cursor) => {
                    const more = await load(cursor === undefined ? undefined : Number(cursor));
                    return more && { csv: more.csv, nextCursor: more.next === null ? null : String(more.next) };
                  }}
                />
              }
            />
            {(part.next !== null || after !== undefined) && (
              <Group justify="flex-end">
                {after !== undefined && (
                  <Button size="xs" variant="default" onClick={() => setAfter(undefined)}>
                    {t('firstLines')}
                  </Button>
                )}
                {part.next !== null && (
                  <Button size="xs" variant="default" onClick={() => setAfter(part.next ?? undefined)}>
                    {t('nextLines')}
                  </Button>
                )}
              </Group>
            )}
          </>
        )
      }
    </Loaded>
  );
}
