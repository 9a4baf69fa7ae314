import { Alert, Anchor, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { catalogue, useText } from '../../i18n/text.ts';
import { useHistoryTotals } from './history-parts.ts';
import { sumsOf } from './sums.ts';

const linkText = catalogue({
  en: {
    waits:
      '{count, plural, one {One reward} other {# rewards}} for what was won before the start would have come to {sums}. None is paid unless somebody releases it.',
    show: 'Show what would have been paid',
  },
  de: {
    waits:
      '{count, plural, one {Eine Prämie} other {# Prämien}} für vorher Gewonnenes wären zusammen {sums}. Keine wird gezahlt, wenn niemand sie freigibt.',
    show: 'Zeigen, was gezahlt worden wäre',
  },
});

/** What was won before the start, where somebody looks for it; nothing where there is none, or for who may not see money. */
export function HistoryLink({ programId, refetchMs }: { programId?: string; refetchMs?: number }) {
  const t = useText(linkText);
  const { account, may } = useAccount();
  const { money } = useFormat();
  const query = useHistoryTotals(programId === undefined ? {} : { programId }, {
    enabled: may('money.read'),
    ...(refetchMs === undefined ? {} : { refetchInterval: refetchMs }),
  });
  const totals = query.data ?? [];
  if (totals.length === 0) return null;
  const sums = sumsOf(totals.flatMap((one) => one.money ?? [])).map(money);
  return (
    <Alert variant="default" p="sm">
      <Text size="sm">
        {t('waits', { count: totals.reduce((sum, { count }) => sum + count, 0), sums: sums.join(', ') })}{' '}
        <Anchor
          component={Link}
          to={`/${account.id}/money` as string}
          search={{ tab: 'history', ...(programId === undefined ? {} : { program: programId }) } as never}
          size="sm"
        >
          {t('show')}
        </Anchor>
      </Text>
    </Alert>
  );
}
