import { Anchor, Badge, Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ExportButton } from '../../parts/export-button.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import type { DryRun } from './document.ts';
import { trialText } from './trial-texts.ts';

/** Fifty thousand differences, which is all that are kept. */
const EXPORT_PAGES_MAX = 50;
const EXPORT_PAGE_ROWS = 1_000;
/** What the service lists of a dry run; the file has all. */
const LISTED_MAX = 1_000;

const KIND_COLOURS = { new: 'green', lost: 'red', changed: 'yellow' } as const;

type Difference = DryRun['differences'][number] & {
  /** Whose it is and whose it would be, where that is what was tried. */
  readonly memberBefore?: string | null;
  readonly memberAfter?: string | null;
};
type Shown = Omit<DryRun, 'programId' | 'differences'> & { readonly differences: readonly Difference[] };

/** What a draft would have paid over all of history, against what stands: money first, then referral by referral. */
export function DryRunView({
  run,
  csvPage,
}: {
  run: Shown;
  /** Absent: there is no file of it. */
  csvPage?: (after: number) => Promise<{ csv: string; next: number | null } | undefined>;
}) {
  const t = useText(trialText);
  const { account } = useAccount();
  const { moment, money, number } = useFormat();
  const KINDS = { new: t('new'), lost: t('lostReward'), changed: t('changed') } as const;
  const { counts, totals, differences } = run;
  const isOfMembers = differences.some(({ memberBefore, memberAfter }) => memberBefore ?? memberAfter);
  const isSame = counts.new + counts.lost + counts.changed === 0;
  return (
    <Stack gap="md">
      <Text size="sm">
        {t('triedBy', { moment: moment(run.madeAt), who: run.madeBy, referrals: run.referrals })}{' '}
        {run.unknown > 0 && t('unknown', { count: run.unknown })}
      </Text>
      {totals.length > 0 && (
        <Wide label={t('difference')}>
          <Table aria-label={t('difference')} maw={640} verticalSpacing="xs">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('stands')}</Table.Th>
                <Table.Th>{t('wouldBe')}</Table.Th>
                <Table.Th>{t('difference')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {totals.map(({ currency, before, after, difference }) => (
                <Table.Tr key={currency}>
                  <Table.Td>{money({ amount: before, currency })}</Table.Td>
                  <Table.Td>{money({ amount: after, currency })}</Table.Td>
                  <Table.Td fw={700}>
                    {/^-|^0(\.0+)?$/.test(difference) ? '' : '+'}
                    {money({ amount: difference, currency })}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
      <SimpleGrid cols={{ base: 2, sm: 3, md: 6 }} spacing="xs">
        <Figure label={t('same')} value={number(counts.same)} />
        <Figure label={t('new')} value={number(counts.new)} />
        <Figure label={t('lostReward')} value={number(counts.lost)} />
        <Figure label={t('changed')} value={number(counts.changed)} />
        <Figure label={t('toReview')} value={number(run.toReview)} />
        <Figure label={t('limited')} value={number(run.limited)} />
      </SimpleGrid>
      {run.budget.length > 0 && (
        <Text size="sm">
          {t('askedOfBudget')}: <b>{run.budget.map((one) => one && money(one)).join(', ')}</b>
        </Text>
      )}
      {isSame ? (
        <Text size="sm">{t('noDifference')}</Text>
      ) : (
        <>
          <Group justify="space-between">
            <Text size="sm" c="dimmed">
              {differences.length >= LISTED_MAX ? t(csvPage ? 'firstThousand' : 'firstThousandOnly') : ''}
            </Text>
            {csvPage && (
              <ExportButton
                fileName={run.id}
                size="xs"
                pagesMax={EXPORT_PAGES_MAX}
                rowsPerPage={EXPORT_PAGE_ROWS}
                load={async (cursor) => {
                  const page = await csvPage(Number(cursor ?? 0));
                  return page && { csv: page.csv, nextCursor: page.next === null ? null : String(page.next) };
                }}
              />
            )}
          </Group>
          <Wide label={t('whatChanges')} maxHeight={480}>
            <Table aria-label={t('whatChanges')} verticalSpacing="xs" miw={760} stickyHeader>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('kind')}</Table.Th>
                  <Table.Th>{t('referral')}</Table.Th>
                  {isOfMembers && <Table.Th>{t('whoseIs')}</Table.Th>}
                  {isOfMembers && <Table.Th>{t('whoseWouldBe')}</Table.Th>}
                  <Table.Th>{t('rule')}</Table.Th>
                  <Table.Th ta="right">{t('before')}</Table.Th>
                  <Table.Th ta="right">{t('afterMoney')}</Table.Th>
                  <Table.Th>{t('why')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {differences.map((one) => (
                  <Table.Tr key={`${one.referralId} ${one.deal.id} ${one.ruleKey} ${one.party} ${one.kind}`}>
                    <Table.Td>
                      <Badge color={KIND_COLOURS[one.kind]} variant="light" tt="none" miw="max-content">
                        {KINDS[one.kind]}
                      </Badge>
                    </Table.Td>
                    <Table.Td>
                      <Anchor component={Link} to={`/${account.id}/referrals/${one.referralId}` as string} size="sm">
                        …{one.referralId.slice(-8)}
                      </Anchor>
                      <Text size="xs" c="dimmed">
                        {t('deal')} {one.deal.id}
                      </Text>
                    </Table.Td>
                    {isOfMembers && (
                      <>
                        <Table.Td>
                          <MemberLink memberId={one.memberBefore ?? null} />
                        </Table.Td>
                        <Table.Td>
                          <MemberLink memberId={one.memberAfter ?? null} />
                        </Table.Td>
                      </>
                    )}
                    <Table.Td>
                      {one.ruleKey}
                      <Text size="xs" c="dimmed">
                        {t(one.party)}
                      </Text>
                    </Table.Td>
                    <Table.Td ta="right">{one.before === null ? '–' : money(one.before)}</Table.Td>
                    <Table.Td ta="right">{one.after === null ? '–' : money(one.after)}</Table.Td>
                    <Table.Td>{one.why}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        </>
      )}
    </Stack>
  );
}

function MemberLink({ memberId }: { memberId: string | null }) {
  const { account } = useAccount();
  if (memberId === null) return '–';
  return (
    <Anchor component={Link} to={`/${account.id}/members/${memberId}` as string} size="sm">
      …{memberId.slice(-8)}
    </Anchor>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <Paper withBorder p="xs">
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text fw={650} size="lg">
        {value}
      </Text>
    </Paper>
  );
}
