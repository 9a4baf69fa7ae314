import { Button, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, ProblemNote } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { RefundDialog } from './refund-dialog.tsx';
import { type Currency, OWN_SOURCE, type Refund } from './refund-parts.ts';
import { refundText } from './refund-texts.ts';

/** What was given back to friends, whoever has told it. */
export function Refunds() {
  const t = useText(refundText);
  const { api, account, may } = useAccount();
  const { money, day } = useFormat();
  const client = useQueryClient();
  const [shown, setShown] = useState<Refund | 'new' | null>(null);
  const undo = useMutation({
    mutationFn: ({ id, deal, amount, currency, at }: Refund) =>
      api.POST('/refunds', {
        body: {
          id,
          dealId: deal?.id ?? '',
          connectionId: deal?.connectionId ?? null,
          money: { amount, currency: currency as Currency },
          at,
          isUndone: true,
        },
      }),
    onSuccess: (_, refund) => setShown({ ...refund, isUndone: true }),
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'refunds'] }),
  });
  const mayWrite = may('money.write');
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-start">
        <Text size="sm" maw={720}>
          {t('what')}
        </Text>
        {mayWrite && <Button onClick={() => setShown('new')}>{t('enter')}</Button>}
      </Group>
      {undo.isError && <ProblemNote thrown={undo.error} />}
      <PagedTable
        label={t('refunds')}
        queryKey={[account.id, 'refunds']}
        load={async (cursor) => {
          const { data } = await api.GET('/refunds', { params: { query: cursor === undefined ? {} : { cursor } } });
          // A number is one of its source alone.
          const items = (data?.items ?? []).map((refund) => ({ id: `${refund.source} ${refund.id}`, refund }));
          return { items, nextCursor: data?.nextCursor ?? null };
        }}
        empty={
          <Empty title={t('none')}>
            <Text size="sm" ta="center">
              {t('noneWhat')}
            </Text>
          </Empty>
        }
        columns={[
          { key: 'at', title: t('at'), cell: ({ refund }) => day(refund.at) },
          {
            key: 'number',
            title: t('number'),
            cell: ({ refund }) => <span style={{ overflowWrap: 'anywhere' }}>{refund.id}</span>,
          },
          {
            key: 'deal',
            title: t('deal'),
            cell: ({ refund: { deal } }) => (deal === null ? '–' : t('dealId', { id: deal.id })),
          },
          {
            key: 'source',
            title: t('source'),
            cell: ({ refund: { source } }) => (source === OWN_SOURCE ? t('source_api') : source),
          },
          {
            key: 'state',
            title: t('state'),
            cell: ({ refund: { deal, isUndone } }) =>
              isUndone ? (
                <Tag isWhole>{t('undone')}</Tag>
              ) : deal === null ? (
                <Tag tone="orange" isWhole>
                  {t('noDeal')}
                </Tag>
              ) : (
                <Tag tone="green" isWhole>
                  {t('counts')}
                </Tag>
              ),
          },
          {
            key: 'amount',
            title: t('amount'),
            align: 'right',
            cell: ({ refund }) => <span style={{ whiteSpace: 'nowrap' }}>{money(refund)}</span>,
          },
          {
            key: 'do',
            title: t('takesBack'),
            isTitleHidden: true,
            align: 'right',
            cell: ({ refund }) =>
              refund.deal !== null && (
                <Group gap={4} wrap="nowrap" justify="flex-end">
                  <Button
                    size="xs"
                    variant="subtle"
                    aria-label={t('takesBackOf', { number: refund.id })}
                    onClick={() => setShown(refund)}
                  >
                    {t('takesBack')}
                  </Button>
                  {mayWrite && refund.source === OWN_SOURCE && !refund.isUndone && (
                    <ConfirmButton
                      label={t('undo')}
                      title={t('undoOf', { number: refund.id })}
                      loading={undo.isPending && undo.variables.id === refund.id}
                      onConfirm={() => undo.mutate(refund)}
                    >
                      {t('undoWhat')}
                    </ConfirmButton>
                  )}
                </Group>
              ),
          },
        ]}
      />
      <RefundDialog shown={shown} deals={null} onClose={() => setShown(null)} />
    </Stack>
  );
}
