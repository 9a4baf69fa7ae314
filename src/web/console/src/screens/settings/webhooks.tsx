import { Anchor, Button, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ShownOnce } from '../../parts/once.tsx';
import { Empty, Loaded, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { type Endpoint, type EndpointValues, WebhookForm } from './webhook-form.tsx';
import { EndpointTag } from './webhook-tags.tsx';
import { webhookText } from './webhook-texts.ts';

/** What most receivers begin with. */
const USUAL: EndpointValues = {
  url: '',
  description: '',
  eventTypes: ['referral.won', 'reward.granted', 'reward.issued', 'reward.clawed_back'],
};

export default function Webhooks() {
  const t = useText(webhookText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const queryKey = [account.id, 'webhooks'];
  const query = useQuery({ queryKey, queryFn: async () => (await api.GET('/webhook-endpoints')).data });
  const [isAdding, setAdding] = useState(false);
  const make = useMutation({
    mutationFn: async (body: EndpointValues) => (await api.POST('/webhook-endpoints', { body })).data,
    onSuccess: () => {
      setAdding(false);
      void client.invalidateQueries({ queryKey });
    },
  });
  return (
    <Screen
      title={t('webhooks')}
      description={t('webhooksWhat')}
      actions={
        !isAdding && (
          <Button
            onClick={() => {
              make.reset();
              setAdding(true);
            }}
          >
            {t('add')}
          </Button>
        )
      }
    >
      {make.data && <ShownOnce secret={make.data.secret}>{t('made', { url: make.data.endpoint.url })}</ShownOnce>}
      {isAdding && (
        <Paper withBorder p="md">
          <Stack gap="sm">
            <Title order={2} size="h4">
              {t('add')}
            </Title>
            <WebhookForm
              label={t('add')}
              before={USUAL}
              isPending={make.isPending}
              thrown={make.error}
              onSubmit={(values) => make.mutate(values)}
            />
          </Stack>
        </Paper>
      )}
      <Loaded query={query}>
        {(found) =>
          found && found.items.length > 0 ? (
            <EndpointTable endpoints={found.items} />
          ) : (
            !isAdding && (
              <Empty title={t('none')}>
                <Text size="sm" c="dimmed">
                  {t('noneWhat')}
                </Text>
              </Empty>
            )
          )
        }
      </Loaded>
    </Screen>
  );
}

function EndpointTable({ endpoints }: { endpoints: readonly Endpoint[] }) {
  const t = useText(webhookText);
  const { account } = useAccount();
  const { since } = useFormat();
  return (
    <Wide label={t('webhooks')}>
      <Table aria-label={t('webhooks')} verticalSpacing="xs" miw={640}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('url')}</Table.Th>
            <Table.Th>{t('events')}</Table.Th>
            <Table.Th>{t('state')}</Table.Th>
            <Table.Th>{t('lastSuccess')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {endpoints.map((endpoint) => (
            <Table.Tr key={endpoint.id}>
              <Table.Td>
                <Anchor
                  component={Link}
                  to={`/${account.id}/settings/webhooks/${endpoint.id}` as string}
                  size="sm"
                  style={{ overflowWrap: 'anywhere' }}
                >
                  {endpoint.url}
                </Anchor>
                {endpoint.description !== '' && (
                  <Text size="xs" c="dimmed">
                    {endpoint.description}
                  </Text>
                )}
              </Table.Td>
              <Table.Td>{t('chosen', { count: endpoint.eventTypes.length })}</Table.Td>
              <Table.Td>
                <EndpointTag endpoint={endpoint} />
              </Table.Td>
              <Table.Td>{endpoint.succeededAt === null ? t('never') : since(endpoint.succeededAt)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}
