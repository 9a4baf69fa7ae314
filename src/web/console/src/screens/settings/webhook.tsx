import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Code,
  Group,
  Paper,
  SegmentedControl,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { components } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { ShownOnce } from '../../parts/once.tsx';
import { PagedTable } from '../../parts/paged-table.tsx';
import { Empty, Loaded, ProblemNote, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { useUrlState } from '../../parts/url-state.ts';
import { type Endpoint, type EndpointValues, WebhookForm } from './webhook-form.tsx';
import { DeliveryTag, EndpointTag } from './webhook-tags.tsx';
import { webhookText } from './webhook-texts.ts';

type Delivery = components['schemas']['WebhookDelivery'];

/** What is sent now is seen a moment later. */
const REFETCH_MS = 3_000;
const STATES = ['waiting', 'delivered', 'failed'] as const;
const DAY_MS = 86_400_000;

export default function Webhook() {
  const { api, account } = useAccount();
  const { endpointId = '' } = useParams({ strict: false }) as { endpointId?: string };
  const query = useQuery({
    queryKey: [account.id, 'webhooks', endpointId],
    queryFn: async () => (await api.GET('/webhook-endpoints/{endpointId}', { params: { path: { endpointId } } })).data,
    refetchInterval: REFETCH_MS,
  });
  return <Loaded query={query}>{(found) => found && <EndpointPage endpoint={found} />}</Loaded>;
}

function EndpointPage({ endpoint }: { endpoint: Endpoint }) {
  const t = useText(webhookText);
  const word = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const navigate = useNavigate();
  const params = { path: { endpointId: endpoint.id } };
  const refresh = () => void client.invalidateQueries({ queryKey: [account.id, 'webhooks'] });
  const save = useMutation({
    mutationFn: (body: EndpointValues & { enabled: boolean }) =>
      api.PUT('/webhook-endpoints/{endpointId}', { params, body: { ...body, version: endpoint.version } }),
    onSettled: refresh,
  });
  const test = useMutation({
    mutationFn: () => api.POST('/webhook-endpoints/{endpointId}/test', { params, body: {} }),
    onSettled: refresh,
  });
  const rotate = useMutation({
    mutationFn: async () =>
      (await api.POST('/webhook-endpoints/{endpointId}/rotate-secret', { params, body: {} })).data,
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: () => api.DELETE('/webhook-endpoints/{endpointId}', { params }),
    onSuccess: () => {
      refresh();
      void navigate({ to: `/${account.id}/settings/webhooks` as string });
    },
  });
  const isOn = endpoint.state === 'enabled';
  const { url, description, eventTypes } = endpoint;
  const turn = (enabled: boolean) => save.mutate({ url, description, eventTypes, enabled });
  const failed = test.error ?? rotate.error ?? remove.error;
  return (
    <Screen
      title={description === '' ? t('notTitle') : description}
      description={url}
      actions={
        <Anchor component={Link} to={`/${account.id}/settings/webhooks` as string} size="sm">
          {t('back')}
        </Anchor>
      }
    >
      <Group gap="sm">
        <EndpointTag endpoint={endpoint} />
        {isOn ? (
          <>
            <Button size="xs" loading={test.isPending} onClick={() => test.mutate()}>
              {t('test')}
            </Button>
            <ConfirmButton label={t('switchOff')} title={url} onConfirm={() => turn(false)} loading={save.isPending}>
              {t('switchOffWhat')}
            </ConfirmButton>
          </>
        ) : (
          <Button size="xs" loading={save.isPending} onClick={() => turn(true)}>
            {t('switchOn')}
          </Button>
        )}
        <ConfirmButton
          label={t('rotate')}
          title={t('rotate')}
          color="brand"
          onConfirm={() => rotate.mutate()}
          loading={rotate.isPending}
        >
          {t('rotateWhat')}
        </ConfirmButton>
        <ConfirmButton label={t('remove')} title={url} onConfirm={() => remove.mutate()} loading={remove.isPending}>
          {t('removeWhat', { url })}
        </ConfirmButton>
      </Group>
      {!isOn && (
        <Alert color="orange" title={t('offTitle')}>
          {t('offWhat')}
        </Alert>
      )}
      {isOn && endpoint.failingSince !== null && (
        <Alert color="orange" title={t('failingTitle')}>
          {t('failingWhat')}
        </Alert>
      )}
      {failed && <ProblemNote thrown={failed} />}
      {rotate.data && <ShownOnce secret={rotate.data.secret}>{t('rotated')}</ShownOnce>}
      {test.isSuccess && (
        <Text size="sm" role="status">
          {t('testSent')}
        </Text>
      )}
      <Deliveries endpoint={endpoint} />
      {isOn && <Replay endpoint={endpoint} onAsked={refresh} />}
      <Paper withBorder p="md">
        <Stack gap="sm">
          <Title order={2} size="h4">
            {t('edit')}
          </Title>
          {save.isSuccess && (
            <Text size="sm" role="status">
              {word('saved')}
            </Text>
          )}
          <WebhookForm
            label={word('save')}
            before={{ url, description, eventTypes }}
            isPending={save.isPending}
            thrown={save.error}
            onSubmit={(values) => save.mutate({ ...values, enabled: isOn })}
          />
        </Stack>
      </Paper>
    </Screen>
  );
}

function Deliveries({ endpoint }: { endpoint: Endpoint }) {
  const t = useText(webhookText);
  const { api, account } = useAccount();
  const { moment, since } = useFormat();
  const [filter, setFilter] = useUrlState<'state' | 'event'>();
  const state = STATES.find((one) => one === filter.state);
  const answerOf = ({ status, problem, attempts }: Delivery) =>
    attempts === 0 ? '' : (problem ?? (status === null ? t('noAnswer') : String(status)));
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <Title order={2} size="h4">
          {t('deliveries')}
        </Title>
        <SegmentedControl
          size="xs"
          aria-label={t('state')}
          value={state ?? 'all'}
          onChange={(next) => setFilter({ state: next === 'all' ? undefined : next })}
          data={[{ value: 'all', label: t('all') }, ...STATES.map((value) => ({ value, label: t(value) }))]}
        />
      </Group>
      <PagedTable<Delivery>
        label={t('deliveries')}
        queryKey={[account.id, 'webhooks', endpoint.id, 'deliveries', state ?? null]}
        refetchMs={REFETCH_MS}
        load={async (cursor) => {
          const { data } = await api.GET('/webhook-endpoints/{endpointId}/deliveries', {
            params: {
              path: { endpointId: endpoint.id },
              query: { limit: 20, ...(cursor === undefined ? {} : { cursor }), ...(state ? { state } : {}) },
            },
          });
          return data ?? { items: [], nextCursor: null };
        }}
        columns={[
          { key: 'event', title: t('event'), cell: ({ type }) => <Code>{type}</Code> },
          { key: 'when', title: t('when'), cell: ({ eventAt }) => moment(eventAt) },
          {
            key: 'state',
            title: t('state'),
            cell: (one) => (
              <Group gap={6} wrap="nowrap">
                <DeliveryTag state={one.state} />
                {one.state === 'waiting' && one.attempts > 0 && one.nextAttemptAt !== null && (
                  <Text size="xs" c="dimmed">
                    {t('next', { moment: since(one.nextAttemptAt) })}
                  </Text>
                )}
              </Group>
            ),
          },
          { key: 'attempts', title: t('attempts'), align: 'right', cell: ({ attempts }) => attempts },
          { key: 'answer', title: t('answer'), cell: answerOf },
          {
            key: 'details',
            title: t('details'),
            isTitleHidden: true,
            cell: ({ id, type }) => (
              <Button
                size="compact-xs"
                variant="subtle"
                aria-label={`${t('details')}: ${type} ${id}`}
                onClick={() => setFilter({ event: id })}
              >
                {t('details')}
              </Button>
            ),
          },
        ]}
        empty={
          <Empty title={t('noDeliveries')}>
            <Text size="sm" c="dimmed">
              {t('noDeliveriesWhat')}
            </Text>
          </Empty>
        }
      />
      <Dialog
        opened={filter.event !== undefined}
        onClose={() => setFilter({ event: undefined })}
        title={t('details')}
        size="xl"
      >
        {filter.event !== undefined && <DeliveryDetail endpoint={endpoint} eventId={filter.event} />}
      </Dialog>
    </Stack>
  );
}

function DeliveryDetail({ endpoint, eventId }: { endpoint: Endpoint; eventId: string }) {
  const t = useText(webhookText);
  const { api, account } = useAccount();
  const { moment } = useFormat();
  const client = useQueryClient();
  const params = { path: { endpointId: endpoint.id, eventId } };
  const query = useQuery({
    queryKey: [account.id, 'webhooks', endpoint.id, 'delivery', eventId],
    queryFn: async () => (await api.GET('/webhook-endpoints/{endpointId}/deliveries/{eventId}', { params })).data,
    refetchInterval: REFETCH_MS,
  });
  const retry = useMutation({
    mutationFn: () => api.POST('/webhook-endpoints/{endpointId}/deliveries/{eventId}/retry', { params, body: {} }),
    onSettled: () => void client.invalidateQueries({ queryKey: [account.id, 'webhooks', endpoint.id] }),
  });
  return (
    <Loaded query={query}>
      {(found) =>
        found && (
          <Stack gap="md">
            <Group justify="space-between">
              <Group gap="sm">
                <Code>{found.type}</Code>
                <DeliveryTag state={found.state} />
              </Group>
              {endpoint.state === 'enabled' && (
                <Button size="xs" loading={retry.isPending} onClick={() => retry.mutate()}>
                  {t('retry')}
                </Button>
              )}
            </Group>
            {retry.isSuccess && (
              <Text size="sm" role="status">
                {t('retried')}
              </Text>
            )}
            {retry.isError && <ProblemNote thrown={retry.error} />}
            <Title order={3} size="h5">
              {t('log')}
            </Title>
            {found.log.length === 0 && <Text size="sm">{t('noAttempts')}</Text>}
            {found.log.map((attempt) => (
              <div key={attempt.at}>
                <Text size="sm">
                  {moment(attempt.at)} · {attempt.problem ?? attempt.status} · {t('took', { ms: attempt.durationMs })}
                </Text>
                {attempt.status !== null && (
                  <Code block tabIndex={0}>
                    {attempt.answer === '' ? t('emptyAnswer') : attempt.answer}
                  </Code>
                )}
              </div>
            ))}
            <Title order={3} size="h5">
              {t('sent')}
            </Title>
            <Code block tabIndex={0}>
              {`webhook-id: ${found.id}\n\n${JSON.stringify(JSON.parse(found.body), null, 2)}`}
            </Code>
          </Stack>
        )
      }
    </Loaded>
  );
}

function Replay({ endpoint, onAsked }: { endpoint: Endpoint; onAsked: () => void }) {
  const t = useText(webhookText);
  const { api } = useAccount();
  // As a field for a date and a time writes it, in the user's own time.
  const [since, setSince] = useState(() => {
    const at = new Date(Date.now() - DAY_MS);
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  });
  const [onlyUndelivered, setOnly] = useState(true);
  const replay = useMutation({
    async mutationFn() {
      let asked = 0;
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const { data } = await api.POST('/webhook-endpoints/{endpointId}/replay', {
          params: { path: { endpointId: endpoint.id } },
          body: {
            since: new Date(since).toISOString(),
            onlyUndelivered,
            ...(cursor === undefined ? {} : { cursor }),
          },
        });
        asked += data?.asked ?? 0;
        cursor = data?.nextCursor ?? null;
      }
      return asked;
    },
    onSettled: onAsked,
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!replay.isPending && !Number.isNaN(Date.parse(since))) replay.mutate();
  }
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} aria-label={t('replay')}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('replay')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('replayWhat')}
        </Text>
        <Group align="flex-end">
          <TextInput
            type="datetime-local"
            label={t('since')}
            value={since}
            onChange={(event) => setSince(event.currentTarget.value)}
          />
          <Checkbox
            pb={8}
            label={t('onlyUndelivered')}
            checked={onlyUndelivered}
            onChange={(event) => setOnly(event.currentTarget.checked)}
          />
          <Button type="submit" variant="default" loading={replay.isPending}>
            {t('replay')}
          </Button>
        </Group>
        {replay.data !== undefined && (
          <Text size="sm" role="status">
            {t('replayed', { count: replay.data })}
          </Text>
        )}
        {replay.isError && <ProblemNote thrown={replay.error} />}
      </Stack>
    </Paper>
  );
}
