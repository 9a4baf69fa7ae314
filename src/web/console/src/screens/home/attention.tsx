import { Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { homeText } from './texts.ts';

type Item = operations['getAttention']['responses'][200]['content']['application/json']['items'][number];

/** What waits changes while somebody works it off. */
const REFETCH_MS = 60_000;

const TONES = { urgent: 'red', high: 'orange', normal: 'blue', low: 'gray' } as const;

const CRM_NAMES: Readonly<Record<string, string>> = { hubspot: 'HubSpot', salesforce: 'Salesforce' };

/** Everything that waits for whoever looks, each with the place where it is done. */
export function Attention() {
  const t = useText(homeText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'attention'],
    refetchInterval: REFETCH_MS,
    queryFn: async () => (await api.GET('/attention')).data?.items ?? [],
  });
  return (
    <Stack gap="sm" component="section" aria-labelledby="attention">
      <Title order={2} size="h4" id="attention">
        {t('attention')}
      </Title>
      <Loaded query={query}>
        {(items) =>
          items.length === 0 ? (
            <Card withBorder padding="md">
              <Text fw={600}>{t('nothing')}</Text>
              <Text size="sm" c="dimmed">
                {t('nothingWhat')}
              </Text>
            </Card>
          ) : (
            <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }}>
              {items.map((item) => (
                <Waiting
                  key={`${item.code} ${item.connection?.id} ${item.pipeline} ${item.program?.programId} ${item.left?.currency} ${item.detail}`}
                  item={item}
                />
              ))}
            </Stack>
          )
        }
      </Loaded>
    </Stack>
  );
}

function Waiting({ item }: { item: Item }) {
  const t = useText(homeText);
  const { account, may } = useAccount();
  const { money, since } = useFormat();
  const { code, severity, count, isMore, overdue, nextDueAt, connection, program, left, pipeline, detail } = item;
  const values = {
    count: count ?? 0,
    more: isMore ? '+' : '',
    connection: connection ? `${CRM_NAMES[connection.provider] ?? connection.provider} ${connection.externalId}` : '',
    program: program?.name ?? '',
    pipeline: pipeline ?? '',
    left: left ? money(left) : '',
    currency: left?.currency ?? '',
  };
  const times = [
    ...(overdue > 0 ? [t('overdue', { count: overdue })] : []),
    ...(nextDueAt === null ? [] : [t('due', { when: since(nextDueAt) })]),
  ];
  const { path, search } = placeOf(item, may('money.read'));
  return (
    <Card component="li" withBorder padding="sm">
      <Group justify="space-between" wrap="nowrap" align="center" gap="md">
        <Stack gap={2} style={{ minWidth: 0 }}>
          <Group gap="xs">
            <Tag tone={TONES[severity]}>{t(severity)}</Tag>
            <Text fw={600}>{t(code, values)}</Text>
          </Group>
          {(times.length > 0 || detail !== null) && (
            <Text size="sm" c="dimmed">
              {times.length > 0 ? times.join(' · ') : detail}
            </Text>
          )}
        </Stack>
        <Button
          component={Link}
          to={`/${account.id}/${path}` as string}
          search={search as never}
          size="xs"
          variant="default"
          style={{ flexShrink: 0 }}
        >
          {t(`${code}Do`)}
        </Button>
      </Group>
    </Card>
  );
}

/** Where something is done about it. */
function placeOf(
  { code, connection, program }: Item,
  seesMoney: boolean,
): { path: string; search?: Record<string, string> } {
  switch (code) {
    case 'no_connection':
    case 'disconnected':
    case 'drift':
      return { path: 'connections' };
    case 'no_program':
      return { path: 'programs' };
    case 'mapping_unread':
    case 'no_won_stage':
      return { path: `connections/${connection?.id}/mapping` };
    case 'sync':
      return { path: `connections/${connection?.id}/health` };
    case 'reviews':
      return { path: 'review', search: { kind: 'review' } };
    case 'disputes':
      return { path: 'review', search: { kind: 'dispute' } };
    case 'alerts':
      return { path: 'review', search: { kind: 'alert' } };
    case 'payouts_parked':
      return { path: 'rewards', search: { state: 'issuing' } };
    case 'payouts_failed':
      return { path: 'rewards', search: { state: 'failed' } };
    case 'batches':
      return { path: 'money', search: { tab: 'batches' } };
    case 'budget_low':
    case 'budget_spent':
      return seesMoney ? { path: 'money', search: { tab: 'budgets' } } : { path: `programs/${program?.programId}` };
  }
}
