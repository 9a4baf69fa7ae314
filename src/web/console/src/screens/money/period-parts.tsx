import { Anchor, Group, Paper, Stack, Text } from '@mantine/core';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useLocale, useText } from '../../i18n/text.ts';
import { periodText } from './period-texts.ts';

export type OpenPeriod = NonNullable<
  operations['getNextPeriod']['responses'][200]['content']['application/json']['period']
>;

/** "October 2026". */
export function useMonth(): (month: string) => string {
  const locale = useLocale();
  const format = new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' });
  return (month) => format.format(new Date(`${month}-01T00:00:00.000Z`));
}

/** Where each of them is looked after. */
const PLACES: Readonly<
  Record<OpenPeriod['warnings'][number]['code'], { to: string; tab?: string; permission?: string }>
> = {
  batches_unsettled: { to: 'money', tab: 'batches' },
  provider_differences: { to: 'money', tab: 'reconciliation' },
  orders_parked: { to: 'rewards', permission: 'referrals.read' },
  cases_open: { to: 'review', permission: 'review.decide' },
  receivables: { to: 'money', tab: 'receivables' },
};

export function Checklist({ warnings }: { warnings: OpenPeriod['warnings'] }) {
  const t = useText(periodText);
  const { account, may } = useAccount();
  if (warnings.length === 0) return <Text size="sm">{t('nothingToLookAt')}</Text>;
  return (
    <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }} aria-label={t('lookFirst')}>
      {warnings.map(({ code, count, remedy }) => {
        const { to, tab, permission } = PLACES[code];
        const what = t(code, { count });
        return (
          <Paper key={code} component="li" p="xs" withBorder>
            <Group justify="space-between" wrap="nowrap" gap="sm">
              <div>
                <Text size="sm" fw={600}>
                  {what}
                </Text>
                <Text size="xs" c="dimmed">
                  {remedy}
                </Text>
              </div>
              {/* Whoever may not look there is told what it is about all the same. */}
              {(permission === undefined || may(permission)) && (
                <Anchor
                  size="sm"
                  href={`/console/${account.id}/${to}${tab === undefined ? '' : `?tab=${tab}`}`}
                  aria-label={t('goTo', { what })}
                >
                  {t('goThere')}
                </Anchor>
              )}
            </Group>
          </Paper>
        );
      })}
    </Stack>
  );
}
