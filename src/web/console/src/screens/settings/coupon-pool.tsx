import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { Wide } from '../../parts/wide.tsx';
import { AddCodes } from './coupon-add.tsx';
import { couponText } from './coupon-texts.ts';
import { MarkUsed } from './coupon-use.tsx';

/** How many codes are left of each value, and what people do with them. */
export function CouponPool({ isGenerated }: { isGenerated: boolean }) {
  const t = useText(couponText);
  const { api, account, may } = useAccount();
  const { money, number } = useFormat();
  const [open, setOpen] = useState<'add' | 'use' | null>(null);
  const query = useQuery({
    queryKey: [account.id, 'coupons'],
    queryFn: async () => (await api.GET('/coupons')).data?.items ?? [],
  });
  const mayWrite = may('money.write');
  return (
    <Stack gap="xs" component="section">
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={2} size="h4">
            {t('codes')}
          </Title>
          <Text size="sm" c="dimmed" maw={640}>
            {isGenerated ? t('generatedWhat') : t('poolWhat')}
          </Text>
        </div>
        {mayWrite && (
          <Group gap="sm">
            <Button variant="default" onClick={() => setOpen('use')}>
              {t('use')}
            </Button>
            {!isGenerated && <Button onClick={() => setOpen('add')}>{t('add')}</Button>}
          </Group>
        )}
      </Group>
      <Loaded query={query}>
        {(values) =>
          values.length === 0 ? (
            <Empty title={t('none')}>
              {!isGenerated && (
                <Text size="sm" ta="center">
                  {t('noneWhat')}
                </Text>
              )}
            </Empty>
          ) : (
            <Wide label={t('codes')}>
              <Table aria-label={t('codes')} verticalSpacing="xs" miw={520}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('value')}</Table.Th>
                    {(['free', 'given', 'redeemed', 'withdrawn'] as const).map((name) => (
                      <Table.Th key={name} ta="right">
                        {t(name)}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {values.map((one) => (
                    <Table.Tr key={`${one.currency} ${one.amount}`}>
                      <Table.Td fw={600}>{money(one)}</Table.Td>
                      <Table.Td ta="right">
                        {one.free === 0 && !isGenerated ? (
                          <Tag tone="red" isWhole>
                            {t('usedUp')}
                          </Tag>
                        ) : (
                          number(one.free)
                        )}
                      </Table.Td>
                      <Table.Td ta="right">{number(one.given)}</Table.Td>
                      <Table.Td ta="right">{number(one.redeemed)}</Table.Td>
                      <Table.Td ta="right">{number(one.withdrawn)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
      {may('referrals.read') && query.data?.some(({ redeemed }) => redeemed > 0) && (
        <Group gap="xs" justify="flex-end">
          <Text size="sm">{t('exportWhat')}</Text>
          <ExportButton
            fileName={dated('used-rewards')}
            size="xs"
            load={async (cursor) => {
              const query = { state: 'redeemed' as const, limit: 100, ...(cursor === undefined ? {} : { cursor }) };
              return (await api.GET('/rewards/csv', { params: { query } })).data;
            }}
          />
        </Group>
      )}
      <Dialog opened={open === 'add'} onClose={() => setOpen(null)} title={t('add')} size="lg">
        {open === 'add' && <AddCodes onClose={() => setOpen(null)} />}
      </Dialog>
      <Dialog opened={open === 'use'} onClose={() => setOpen(null)} title={t('use')} size="lg">
        {open === 'use' && <MarkUsed onClose={() => setOpen(null)} />}
      </Dialog>
    </Stack>
  );
}
