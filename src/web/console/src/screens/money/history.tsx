import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { PagedTable } from '../../parts/paged-table.tsx';
import { useProgramName } from '../../parts/programs.ts';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { Wide } from '../../parts/wide.tsx';
import { HistoryOfRule, SaveHistory } from './history-of-rule.tsx';
import { type Asked, byRule, type Rule, TONES, type Total, useHistoryTotals } from './history-parts.ts';
import { AskRelease, ReleaseDetail } from './history-release.tsx';
import { historyText } from './history-texts.ts';
import { sumsOf } from './sums.ts';

/** While one is under way. */
const REFETCH_MS = 5_000;

/** What was won before the program or the connection began, and who lets it be paid. */
export function History() {
  const [url, setUrl] = useUrlState<'program' | 'rule' | 'release'>();
  const { program, rule, release } = url;
  if (release !== undefined)
    return (
      <ReleaseDetail
        releaseId={release}
        onBack={() => setUrl({ release: undefined })}
        onShow={(of) => setUrl({ release: undefined, program: of.programId, rule: of.ruleKey })}
      />
    );
  if (program !== undefined && rule !== undefined)
    return (
      <HistoryOfRule
        key={`${program} ${rule}`}
        of={{ programId: program, ruleKey: rule }}
        onBack={() => setUrl({ rule: undefined, program: undefined })}
        onReleased={(id) => setUrl({ release: id })}
      />
    );
  return (
    <Overview
      programId={program}
      onAll={() => setUrl({ program: undefined })}
      onShow={(of) => setUrl({ program: of.programId, rule: of.ruleKey })}
      onRelease={(id) => setUrl({ release: id })}
    />
  );
}

function Overview({
  programId,
  onAll,
  onShow,
  onRelease,
}: {
  programId: string | undefined;
  onAll: () => void;
  onShow: (of: Rule) => void;
  onRelease: (id: string) => void;
}) {
  const t = useText(historyText);
  const nameOf = useProgramName();
  const of = programId === undefined ? {} : { programId };
  const totals = useHistoryTotals(of);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <div>
          <Text size="sm" maw={720}>
            {t('what')}
          </Text>
          {programId !== undefined && (
            <Text size="sm">
              {t('onlyProgram', { program: nameOf(programId) })}{' '}
              <Anchor component="button" type="button" size="sm" onClick={onAll}>
                {t('allPrograms')}
              </Anchor>
            </Text>
          )}
        </div>
        <SaveHistory of={of} />
      </Group>
      <Loaded query={totals}>
        {(sums) =>
          sums.length === 0 ? (
            <Empty title={t('none')}>
              <Text size="sm" ta="center">
                {t('noneWhat')}
              </Text>
            </Empty>
          ) : (
            <Rules totals={sums} nameOf={nameOf} onShow={onShow} onReleased={onRelease} />
          )
        }
      </Loaded>
      <Releases nameOf={nameOf} onShow={onRelease} />
    </Stack>
  );
}

/** One below the other: currencies are never added up. */
function Sums({ children }: { children: readonly ReactNode[] }) {
  return children.map((sum, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: they never move
    <div key={index} style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
      {sum}
    </div>
  ));
}

function Rules({
  totals,
  nameOf,
  onShow,
  onReleased,
}: {
  totals: readonly Total[];
  nameOf: (programId: string) => string;
  onShow: (of: Rule) => void;
  onReleased: (id: string) => void;
}) {
  const t = useText(historyText);
  const { may } = useAccount();
  const { money, number } = useFormat();
  const [asked, setAsked] = useState<Asked | null>(null);
  const rules = byRule(totals);
  const together = sumsOf(totals.flatMap((one) => one.money ?? []));
  return (
    <>
      <Wide label={t('rules')}>
        <Table aria-label={t('rules')} verticalSpacing="xs" miw={560} highlightOnHover>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('rule')}</Table.Th>
              <Table.Th>{t('program')}</Table.Th>
              <Table.Th ta="right">{t('rewards')}</Table.Th>
              <Table.Th ta="right">{t('wouldPay')}</Table.Th>
              <Table.Td />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {rules.map((one) => (
              <Table.Tr key={`${one.programId} ${one.ruleKey}`}>
                <Table.Td>
                  <Anchor
                    component="button"
                    type="button"
                    size="sm"
                    fw={600}
                    ta="left"
                    aria-label={t('showOf', { rule: one.ruleKey })}
                    onClick={() => onShow(one)}
                  >
                    {one.ruleKey}
                  </Anchor>
                </Table.Td>
                <Table.Td>{nameOf(one.programId)}</Table.Td>
                <Table.Td ta="right">{number(one.count)}</Table.Td>
                <Table.Td ta="right">
                  <Sums>{one.sums.map(({ money: sum }) => money(sum))}</Sums>
                </Table.Td>
                <Table.Td ta="right">
                  {may('money.write') && (
                    <Button
                      size="xs"
                      variant="subtle"
                      aria-label={t('releaseOf', { rule: one.ruleKey })}
                      onClick={() => setAsked({ programId: one.programId, ruleKey: one.ruleKey, picked: null })}
                    >
                      {t('release')}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
          {rules.length > 1 && (
            <Table.Tfoot>
              <Table.Tr>
                <Table.Th colSpan={2}>{t('together')}</Table.Th>
                <Table.Th ta="right">{number(rules.reduce((sum, { count }) => sum + count, 0))}</Table.Th>
                <Table.Th ta="right">
                  <Sums>{together.map(money)}</Sums>
                </Table.Th>
                <Table.Td />
              </Table.Tr>
            </Table.Tfoot>
          )}
        </Table>
      </Wide>
      <AskRelease asked={asked} onClose={() => setAsked(null)} onReleased={onReleased} />
    </>
  );
}

function Releases({ nameOf, onShow }: { nameOf: (programId: string) => string; onShow: (id: string) => void }) {
  const t = useText(historyText);
  const { api, account } = useAccount();
  const { money, moment } = useFormat();
  return (
    <Stack gap="sm" component="section">
      <Title order={2} size="h5">
        {t('releases')}
      </Title>
      <PagedTable
        label={t('releases')}
        queryKey={[account.id, 'history', 'releases']}
        refetchMs={REFETCH_MS}
        load={async (cursor) => {
          const params = { query: cursor === undefined ? {} : { cursor } };
          return (await api.GET('/history/releases', { params })).data ?? { items: [], nextCursor: null };
        }}
        empty={
          <Text size="sm" c="dimmed">
            {t('noReleases')}
          </Text>
        }
        columns={[
          {
            key: 'at',
            title: t('askedAt'),
            cell: (one) => (
              <Anchor
                component="button"
                type="button"
                size="sm"
                ta="left"
                aria-label={t('openRelease', { moment: moment(one.askedAt) })}
                onClick={() => onShow(one.id)}
              >
                {moment(one.askedAt)}
              </Anchor>
            ),
          },
          { key: 'rule', title: t('rule'), cell: (one) => `${one.ruleKey} · ${nameOf(one.programId)}` },
          {
            key: 'state',
            title: t('state'),
            cell: (one) => (
              <Tag tone={TONES[one.state]} isWhole>
                {t(`state_${one.state}`)}
              </Tag>
            ),
          },
          {
            key: 'sum',
            title: t('wouldPay'),
            align: 'right',
            cell: (one) => <Sums>{one.askedFor.flatMap(({ money: sum }) => (sum ? money(sum) : []))}</Sums>,
          },
          {
            key: 'progress',
            title: t('rewards'),
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
        ]}
      />
    </Stack>
  );
}
