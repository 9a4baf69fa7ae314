import { Alert, Anchor, Badge, Button, Group, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Empty, Loaded, ProblemNote, Screen } from '../../parts/states.tsx';
import { ConnectCrm } from './connect.tsx';
import { type Connection, crmName, type Health, useConnections, useHealth } from './queries.ts';
import { connectionText } from './texts.ts';

/** How often a page looks whether a CRM has been connected, and how the others do. */
const REFETCH_MS = 10_000;

export default function Connections() {
  const t = useText(connectionText);
  const { may } = useAccount();
  const query = useConnections(REFETCH_MS);
  const [isConnecting, connecting] = useDisclosure();
  const connect = may('connections.write') && <Button onClick={connecting.open}>{t('connect')}</Button>;
  return (
    <Screen title={t('connections')} description={t('connectionsWhat')} actions={connect}>
      <Loaded query={query}>
        {(connections) =>
          connections.length === 0 ? (
            <Empty title={t('none')}>{connect}</Empty>
          ) : (
            <Stack gap="sm">
              {connections.map((connection) => (
                <ConnectionCard key={connection.id} connection={connection} />
              ))}
              {connections.length > 1 && <Several />}
            </Stack>
          )
        }
      </Loaded>
      <Dialog opened={isConnecting} onClose={connecting.close} title={t('connect')} size="lg">
        <ConnectCrm />
      </Dialog>
    </Screen>
  );
}

/** What an account with several connections has to say: which of them counts. */
function Several() {
  const t = useText(connectionText);
  const { account } = useAccount();
  return (
    <Text size="sm">
      {t('severalWhat')}{' '}
      <Anchor component={Link} to={`/${account.id}/connections/several` as string} size="sm" underline="always">
        {t('several')}
      </Anchor>
    </Text>
  );
}

export const VERDICT_COLOURS = { well: 'green', attention: 'orange', broken: 'red' } as const;

export function Verdict({ health }: { health: Pick<Health, 'verdict'> }) {
  const t = useText(connectionText);
  return (
    <Badge variant="light" color={VERDICT_COLOURS[health.verdict]} tt="none">
      {t(health.verdict)}
    </Badge>
  );
}

function ConnectionCard({ connection }: { connection: Connection }) {
  const t = useText(connectionText);
  const { account, may, api } = useAccount();
  const { day } = useFormat();
  const client = useQueryClient();
  const health = useHealth(connection.id, REFETCH_MS);
  const path = { params: { path: { connectionId: connection.id } } };
  const refresh = () => void client.invalidateQueries({ queryKey: [account.id, 'connections'] });
  const disconnect = useMutation({
    mutationFn: () => api.POST('/connections/{connectionId}/disconnect', path),
    onSettled: refresh,
  });
  const repair = useMutation({
    mutationFn: async () => (await api.POST('/connections/{connectionId}/provision', path)).data,
    onSettled: refresh,
  });
  const name = `${crmName(connection)} ${connection.externalId}`;
  const isConnected = connection.status === 'connected';
  const base = `/${account.id}/connections/${connection.id}`;
  return (
    <Paper withBorder p="md" component="section" aria-label={name}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start">
          <div>
            <Group gap="xs">
              <Title order={2} size="h4">
                {name}
              </Title>
              {health.data && isConnected && <Verdict health={health.data} />}
              {!isConnected && (
                <Badge color="gray" variant="light" tt="none">
                  {t('disconnected')}
                </Badge>
              )}
            </Group>
            <Text size="sm" c="dimmed">
              {[
                t('since', { day: day(connection.connectedAt) }),
                connection.homeCurrency,
                connection.timeZone,
                connection.statusReason,
              ]
                .filter(Boolean)
                .join(' · ')}
            </Text>
          </div>
          <Group gap="xs">
            <Button size="xs" variant="default" component={Link} to={`${base}/mapping` as string}>
              {t('mapping')}
            </Button>
            <Button size="xs" variant="default" component={Link} to={`${base}/health` as string}>
              {t('health')}
            </Button>
            <Button size="xs" variant="default" component={Link} to={`${base}/settings` as string}>
              {t('appSettings')}
            </Button>
            {may('connections.write') && isConnected && (
              <>
                <Button size="xs" variant="subtle" loading={repair.isPending} onClick={() => repair.mutate()}>
                  {t('repair')}
                </Button>
                <ConfirmButton
                  label={t('disconnect')}
                  title={name}
                  loading={disconnect.isPending}
                  onConfirm={() => disconnect.mutate()}
                >
                  {t('disconnectWhat')}
                </ConfirmButton>
              </>
            )}
          </Group>
        </Group>
        {health.data && health.data.problems.length > 0 && (
          <List size="sm">
            {health.data.problems.map(({ code, words }) => (
              <List.Item key={code}>{words}</List.Item>
            ))}
          </List>
        )}
        {repair.data && (
          <Alert color="green" role="status">
            {t('repairWhat', {
              created: repair.data.created.length,
              existing: repair.data.existing.length,
              conflicts: repair.data.conflicts.length,
            })}{' '}
            {repair.data.conflicts.map(({ name: field, problem }) => `${field}: ${problem}`).join(' ')}
          </Alert>
        )}
        {(repair.isError || disconnect.isError) && <ProblemNote thrown={repair.error ?? disconnect.error} />}
      </Stack>
    </Paper>
  );
}
