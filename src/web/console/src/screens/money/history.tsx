import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Empty, Loaded, ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { common } from '../../parts/texts.ts';
import { moneyText } from './texts.ts';

type Total = operations['sumHistory']['responses'][200]['content']['application/json']['items'][number];

/** What was won before the program or the connection began, and who lets it be paid. */
export function History() {
  const t = useText(moneyText);
  const c = useText(common);
  const { api, account, may, session } = useAccount();
  const { money, number, moment } = useFormat();
  const client = useQueryClient();
  const [shown, setShown] = useState<Total | null>(null);
  const totals = useQuery({
    queryKey: [account.id, 'history-totals'],
    queryFn: async () => (await api.GET('/history/totals')).data,
  });
  const refresh = () => {
    void client.invalidateQueries({ queryKey: [account.id, 'history-totals'] });
    void client.invalidateQueries({ queryKey: [account.id, 'history-releases'] });
  };
  const download = useMutation({
    async mutationFn() {
      const { data } = await api.GET('/history/csv');
      if (data) saveFile(`history-${new Date().toISOString().slice(0, 10)}.csv`, data.csv);
    },
  });
  const approve = useMutation({
    mutationFn: (releaseId: string) =>
      api.POST('/history/releases/{releaseId}/approve', { params: { path: { releaseId } }, body: {} }),
    onSettled: refresh,
  });
  const end = useMutation({
    mutationFn: (releaseId: string) =>
      api.POST('/history/releases/{releaseId}/cancel', { params: { path: { releaseId } }, body: {} }),
    onSettled: refresh,
  });
  const failed = download.error ?? approve.error ?? end.error;
  const mayWrite = may('money.write');
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Text size="sm" maw={720}>
          {t('historyWhat')}
        </Text>
        <Button variant="default" loading={download.isPending} onClick={() => download.mutate()}>
          {c('csv')}
        </Button>
      </Group>
      {failed && <ProblemNote thrown={failed} />}
      <Loaded query={totals}>
        {(sums) =>
          sums && sums.items.length > 0 ? (
            <Table aria-label={t('history')} verticalSpacing="xs">
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('program')}</Table.Th>
                  <Table.Th>{t('rule')}</Table.Th>
                  <Table.Th ta="right">{t('deals')}</Table.Th>
                  <Table.Th ta="right">{t('wouldPay')}</Table.Th>
                  <Table.Td />
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {sums.items.map((one) => (
                  <Table.Tr key={`${one.programId} ${one.ruleKey} ${one.money?.currency}`}>
                    <Table.Td>{one.programId}</Table.Td>
                    <Table.Td>{one.ruleKey}</Table.Td>
                    <Table.Td ta="right">{number(one.count)}</Table.Td>
                    <Table.Td ta="right">{one.money ? money(one.money) : ''}</Table.Td>
                    <Table.Td ta="right">
                      {mayWrite && (
                        <Button size="xs" variant="subtle" onClick={() => setShown(one)}>
                          {t('releaseIt')}
                        </Button>
                      )}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          ) : (
            <Empty title={t('noHistory')} />
          )
        }
      </Loaded>
      <Stack gap="sm" component="section">
        <Title order={2} size="h5">
          {t('releases')}
        </Title>
        <PagedTable
          label={t('releases')}
          queryKey={[account.id, 'history-releases']}
          refetchMs={5_000}
          load={async (cursor) => {
            const params = { query: cursor === undefined ? {} : { cursor } };
            return (await api.GET('/history/releases', { params })).data ?? { items: [], nextCursor: null };
          }}
          empty={<Empty title={t('noReleases')} />}
          columns={[
            { key: 'at', title: t('at'), cell: (one) => moment(one.askedAt) },
            { key: 'rule', title: t('rule'), cell: (one) => `${one.programId} · ${one.ruleKey}` },
            {
              key: 'state',
              title: t('state'),
              cell: (one) => <Tag tone={one.state === 'asked' ? 'orange' : 'gray'}>{t(`release_${one.state}`)}</Tag>,
            },
            {
              key: 'progress',
              title: t('deals'),
              cell: (one) => t('progress', { released: one.released, passed: one.passedOver }),
            },
            {
              key: 'who',
              title: t('whose'),
              cell: (one) => (
                <>
                  {t('askedBy', { who: one.askedBy })}
                  {one.approvedBy !== null && `, ${t('approvedBy', { who: one.approvedBy })}`}
                  <Text size="xs" c="dimmed">
                    {one.why}
                  </Text>
                </>
              ),
            },
            {
              key: 'do',
              title: t('approve'),
              isTitleHidden: true,
              cell: (one) =>
                mayWrite && (
                  <Group gap={4} wrap="nowrap">
                    {one.state === 'asked' && one.askedBy !== session.user.email && (
                      <Button
                        size="xs"
                        variant="subtle"
                        loading={approve.isPending && approve.variables === one.id}
                        onClick={() => approve.mutate(one.id)}
                      >
                        {t('approve')}
                      </Button>
                    )}
                    {(one.state === 'asked' || one.state === 'running') && (
                      <ConfirmButton
                        label={t('end')}
                        title={t('end')}
                        loading={end.isPending && end.variables === one.id}
                        onConfirm={() => end.mutate(one.id)}
                      >
                        {t('endWhat')}
                      </ConfirmButton>
                    )}
                  </Group>
                ),
            },
          ]}
        />
      </Stack>
      <Dialog
        opened={shown !== null}
        onClose={() => setShown(null)}
        title={shown ? t('releaseTitle', { count: number(shown.count), rule: shown.ruleKey }) : ''}
      >
        {shown && (
          <Release
            key={`${shown.programId} ${shown.ruleKey}`}
            of={shown}
            onDone={() => {
              setShown(null);
              refresh();
            }}
          />
        )}
      </Dialog>
    </Stack>
  );
}

function Release({ of, onDone }: { of: Total; onDone: () => void }) {
  const t = useText(moneyText);
  const c = useText(common);
  const { api } = useAccount();
  const { money } = useFormat();
  // The same word said twice, as by a double click, is one release.
  const [id] = useState(() => crypto.randomUUID());
  const [why, setWhy] = useState('');
  const [isMissing, setIsMissing] = useState(false);
  const release = useMutation({
    mutationFn: () => {
      const { programId, ruleKey } = of;
      return api.POST('/history/releases', { body: { id, programId, ruleKey, why: why.trim() } });
    },
    onSuccess: onDone,
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setIsMissing(why.trim() === '');
    if (why.trim() !== '' && !release.isPending) release.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('releaseWhat', { sum: of.money ? money(of.money) : '' })}</Text>
        <TextInput
          label={t('why')}
          description={t('whyWhat')}
          value={why}
          required
          maxLength={500}
          error={isMissing ? t('neededWhy') : undefined}
          data-autofocus
          onChange={(event) => setWhy(event.currentTarget.value)}
        />
        {release.isError && <ProblemNote thrown={release.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {c('cancel')}
          </Button>
          <Button type="submit" loading={release.isPending}>
            {t('releaseIt')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
