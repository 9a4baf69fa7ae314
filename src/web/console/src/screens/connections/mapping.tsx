import {
  Alert,
  Anchor,
  Badge,
  Button,
  Grid,
  Group,
  List,
  NativeSelect,
  Paper,
  Progress,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { Wide } from '../../parts/wide.tsx';
import { DryRunView } from '../programs/dry-run-view.tsx';
import { DriftList } from './drift-list.tsx';
import { OwnersPanel } from './owners.tsx';
import {
  crmName,
  type Mapping,
  MEANS,
  type Means,
  type Proposal,
  useConnection,
  useMapping,
  useProposal,
} from './queries.ts';
import { connectionText } from './texts.ts';

const MappingPicture = lazy(() => import('./mapping-picture.tsx'));

const CONFIDENCE_COLOURS = { sure: 'green', likely: 'brand', unsure: 'orange' } as const;
const POSTPONED_DAYS = 7;
const DAY_MS = 86_400_000;

export default function MappingScreen() {
  const t = useText(connectionText);
  const { account } = useAccount();
  const { connectionId = '' } = useParams({ strict: false }) as { connectionId?: string };
  const connection = useConnection(connectionId);
  const mapping = useMapping(connectionId);
  const proposal = useProposal(connectionId);
  const name = connection.data ? `${crmName(connection.data)} ${connection.data.externalId}` : '…';
  return (
    <Screen
      title={t('mappingTitle', { crm: name })}
      description={t('mappingWhat')}
      actions={
        <Anchor component={Link} to={`/${account.id}/connections` as string} size="sm">
          {t('back')}
        </Anchor>
      }
    >
      <Loaded query={mapping}>
        {(found) =>
          found && (
            <>
              <DriftList connectionId={connectionId} />
              <Loaded query={proposal}>
                {(newest) => <Editor key={connectionId} mapping={found} proposal={newest} />}
              </Loaded>
            </>
          )
        }
      </Loaded>
    </Screen>
  );
}

type Said = Readonly<Record<string, Means>>;
interface SaidStage {
  readonly pipelineId: string;
  readonly stageId: string;
  readonly stage: Means;
}

const placeOf = (pipelineId: string, stageId: string) => JSON.stringify([pipelineId, stageId]);

function saidIn({ pipelines }: Mapping): Said {
  return Object.fromEntries(
    pipelines.flatMap(({ id, stages }) =>
      stages.flatMap((stage) => (stage.isSaid ? [[placeOf(id, stage.id), stage.stage] as const] : [])),
    ),
  );
}

function stagesOf(said: Said): SaidStage[] {
  return Object.entries(said).map(([place, stage]) => {
    const [pipelineId, stageId] = JSON.parse(place) as [string, string];
    return { pipelineId, stageId, stage };
  });
}

/** The list is the truth; the picture beside it only shows it. */
function Editor({ mapping, proposal }: { mapping: Mapping; proposal: Proposal | null }) {
  const t = useText(connectionText);
  const word = useText(common);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const { connectionId } = mapping;
  const inForce = saidIn(mapping);
  const [changed, setChanged] = useState<Readonly<Record<string, Means | null>>>({});
  const said: Said = Object.fromEntries(
    Object.entries({ ...inForce, ...changed }).filter((entry): entry is [string, Means] => entry[1] !== null),
  );
  const places = new Set([...Object.keys(said), ...Object.keys(inForce)]);
  const differing = [...places].filter((place) => said[place] !== inForce[place]).length;
  const canWrite = may('connections.write');
  const path = { path: { connectionId } };
  const key = [account.id, 'connections', connectionId];
  const refresh = () => client.invalidateQueries({ queryKey: key });
  const isAnswering = proposal !== null && proposal.state !== 'accepted';
  const tryOut = useMutation({
    async mutationFn(stages: SaidStage[]) {
      // An open proposal is answered by what is tried, as it is or changed.
      if (isAnswering) {
        const { data } = await api.POST('/connections/{connectionId}/mapping/proposal/accept', {
          params: path,
          body: { stages },
        });
        return data?.dryRun;
      }
      return (await api.POST('/connections/{connectionId}/mapping/dry-run', { params: path, body: { stages } })).data;
    },
    onSuccess: () => client.invalidateQueries({ queryKey: [...key, 'proposal'] }),
  });
  const force = useMutation({
    mutationFn: async ({ stages, dryRunId }: { stages: SaidStage[]; dryRunId: string }) =>
      (
        await api.PUT('/connections/{connectionId}/mapping', {
          params: path,
          body: { stages, dryRunId, version: mapping.version },
        })
      ).data,
    onSuccess: (made) => {
      if (made) client.setQueryData([...key, 'mapping'], made);
      setChanged({});
      tryOut.reset();
      void refresh();
    },
  });
  const stages = stagesOf(said);
  const isTried = tryOut.data !== undefined && JSON.stringify(tryOut.variables) === JSON.stringify(stages);
  const isChanged = force.isError && problemIn(force.error).code === 'mapping_changed';
  if (mapping.pipelines.length === 0) return <Alert color="gray">{t('notRead')}</Alert>;
  return (
    <Stack gap="md">
      {!canWrite && <Alert color="gray">{t('readOnly', { permission: 'connections.write' })}</Alert>}
      <ProposalPanel
        connectionId={connectionId}
        proposal={proposal}
        onUse={(draft) =>
          setChanged(
            Object.fromEntries([
              ...Object.keys(inForce).map((place) => [place, null] as const),
              ...draft.map(({ pipelineId, stageId, stage }) => [placeOf(pipelineId, stageId), stage] as const),
            ]),
          )
        }
      />
      {proposal?.owners && proposal.owners.deals > 0 && <OwnersPanel owners={proposal.owners} />}
      {mapping.pipelines.map((pipeline) => (
        <Pipeline
          key={pipeline.id}
          pipeline={pipeline}
          proposed={proposal?.pipelines.find(({ id }) => id === pipeline.id)}
          said={said}
          inForce={inForce}
          canWrite={canWrite}
          isOneOfSeveral={mapping.pipelines.length > 1}
          onSay={(stageId, stage) => {
            force.reset();
            setChanged({ ...changed, [placeOf(pipeline.id, stageId)]: stage });
          }}
        />
      ))}
      {force.isSuccess && differing === 0 && (
        <Alert color="green" role="status">
          {t('inForceNow')}
        </Alert>
      )}
      {tryOut.isError && <ProblemNote thrown={tryOut.error} />}
      {isChanged ? (
        <Alert color="orange" role="alert" title={word('changedMeanwhile')}>
          <Button
            size="xs"
            onClick={() => {
              force.reset();
              tryOut.reset();
              void refresh();
            }}
          >
            {t('loadAgain')}
          </Button>
        </Alert>
      ) : (
        force.isError && <ProblemNote thrown={force.error} />
      )}
      {canWrite && (
        <Paper withBorder p="md" component="section" aria-label={t('tryMapping')}>
          <Stack gap="sm">
            <Text size="sm">
              {t('tryWhat')} {differing > 0 && t('unsaved', { count: differing })}
            </Text>
            <Group>
              <Button
                variant={isTried ? 'default' : 'filled'}
                loading={tryOut.isPending}
                disabled={differing === 0 && !isAnswering}
                onClick={() => tryOut.mutate(stages)}
              >
                {t('tryMapping')}
              </Button>
              <Button
                disabled={!isTried}
                loading={force.isPending}
                onClick={() => tryOut.data && force.mutate({ stages, dryRunId: tryOut.data.id })}
              >
                {t('bringIntoForce')}
              </Button>
              {differing > 0 && (
                <Button variant="subtle" onClick={() => setChanged({})}>
                  {t('undo')}
                </Button>
              )}
            </Group>
            <Text size="sm" c="dimmed">
              {isTried ? t('forceWhat') : tryOut.data ? t('changedSince') : t('tryFirst')}
            </Text>
            {tryOut.data && (
              <DryRunView
                run={tryOut.data}
                csvPage={async (after) =>
                  (
                    await api.GET('/connections/{connectionId}/mapping/dry-run/{dryRunId}/csv', {
                      params: { path: { connectionId, dryRunId: tryOut.data?.id ?? '' }, query: { after } },
                    })
                  ).data
                }
              />
            )}
          </Stack>
        </Paper>
      )}
    </Stack>
  );
}

function ProposalPanel({
  connectionId,
  proposal,
  onUse,
}: {
  connectionId: string;
  proposal: Proposal | null;
  onUse: (draft: Proposal['draft']) => void;
}) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const { day } = useFormat();
  const client = useQueryClient();
  const path = { params: { path: { connectionId } } };
  const keep = (made: Proposal | undefined) =>
    made && client.setQueryData([account.id, 'connections', connectionId, 'proposal'], made);
  const propose = useMutation({
    mutationFn: async () => (await api.POST('/connections/{connectionId}/mapping/proposal', path)).data,
    onSuccess: keep,
  });
  const postpone = useMutation({
    mutationFn: async () => {
      const postponeUntil = new Date(Date.now() + POSTPONED_DAYS * DAY_MS).toISOString();
      return (
        await api.POST('/connections/{connectionId}/mapping/proposal/postpone', { ...path, body: { postponeUntil } })
      ).data;
    },
    onSuccess: keep,
  });
  const { deals, percent } = proposal?.coverage ?? { deals: 0, percent: null };
  const canWrite = may('connections.write');
  return (
    <Paper withBorder p="md" component="section" aria-label={t('propose')}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start">
          <div>
            <Group gap="xs">
              <Title order={2} size="h5">
                {proposal ? t('proposal', { day: day(proposal.madeAt) }) : t('propose')}
              </Title>
              {proposal?.inForce && (
                <Badge color="green" variant="light" tt="none">
                  {t('proposalAccepted')}
                </Badge>
              )}
              {proposal?.state === 'postponed' && proposal.postponedUntil !== null && (
                <Badge variant="default" tt="none">
                  {t('proposalPostponed', { day: day(proposal.postponedUntil) })}
                </Badge>
              )}
            </Group>
            <Text size="sm" c="dimmed" maw={640}>
              {proposal === null
                ? t('proposeWhat')
                : percent === null
                  ? t('noCoverage')
                  : t('coverage', { percent, deals })}
            </Text>
          </div>
          {canWrite && (
            <Group gap="xs">
              {proposal !== null && !proposal.inForce && (
                <>
                  <Button size="xs" onClick={() => onUse(proposal.draft)}>
                    {t('useProposal')}
                  </Button>
                  {proposal.state === 'open' && (
                    <Button size="xs" variant="default" loading={postpone.isPending} onClick={() => postpone.mutate()}>
                      {t('postpone')}
                    </Button>
                  )}
                </>
              )}
              <Button
                size="xs"
                variant={proposal === null ? 'filled' : 'default'}
                loading={propose.isPending}
                onClick={() => propose.mutate()}
              >
                {proposal === null ? t('propose') : t('proposeAgain')}
              </Button>
            </Group>
          )}
        </Group>
        {percent !== null && proposal && (
          <Progress value={percent} aria-label={t('coverage', { percent, deals })} maw={640} />
        )}
        {proposal && proposal.uncertain.length > 0 && (
          <Alert color="orange" title={t('doubts')}>
            <List size="sm">
              {proposal.uncertain.map(({ code, pipelineId, stageId, text }) => (
                <List.Item key={`${code} ${pipelineId} ${stageId}`}>{text}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        {(propose.isError || postpone.isError) && <ProblemNote thrown={propose.error ?? postpone.error} />}
      </Stack>
    </Paper>
  );
}

function Pipeline({
  pipeline,
  proposed,
  said,
  inForce,
  canWrite,
  isOneOfSeveral,
  onSay,
}: {
  pipeline: Mapping['pipelines'][number];
  proposed: Proposal['pipelines'][number] | undefined;
  said: Said;
  inForce: Said;
  canWrite: boolean;
  isOneOfSeveral: boolean;
  onSay: (stageId: string, stage: Means | null) => void;
}) {
  const t = useText(connectionText);
  const { number } = useFormat();
  const meansOf = (stage: (typeof pipeline.stages)[number]) => said[placeOf(pipeline.id, stage.id)] ?? stage.byMetadata;
  const { deals = 0, percent = null } = proposed?.coverage ?? {};
  return (
    <Paper withBorder p="md">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">
          {pipeline.label}
        </Title>
        {percent !== null && isOneOfSeveral && (
          <Text size="sm" c="dimmed">
            {t('coverage', { percent, deals })}
          </Text>
        )}
      </Group>
      <Grid gap="md">
        <Grid.Col span={{ base: 12, lg: 8 }}>
          <Wide label={pipeline.label}>
            <Table aria-label={pipeline.label} verticalSpacing="xs" miw={560}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('stage')}</Table.Th>
                  <Table.Th>{t('means')}</Table.Th>
                  {proposed && (
                    <Table.Th ta="right" miw={84}>
                      {t('deals')}
                    </Table.Th>
                  )}
                  {proposed && <Table.Th miw={220}>{t('evidence')}</Table.Th>}
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {pipeline.stages.map((stage) => {
                  const place = placeOf(pipeline.id, stage.id);
                  const why = proposed?.stages.find(({ id }) => id === stage.id);
                  const isOther = said[place] !== inForce[place];
                  return (
                    <Table.Tr key={stage.id} bg={isOther ? 'var(--mantine-color-brand-light)' : undefined}>
                      <Table.Td fw={600}>{stage.label}</Table.Td>
                      <Table.Td>
                        <NativeSelect
                          size="xs"
                          w={190}
                          aria-label={`${stage.label}: ${t('means')}`}
                          disabled={!canWrite}
                          value={said[place] ?? ''}
                          data={[
                            { value: '', label: t('byCrm', { stage: t(stage.byMetadata) }) },
                            ...MEANS.map((one) => ({ value: one, label: t(one) })),
                          ]}
                          onChange={({ currentTarget }) =>
                            onSay(stage.id, currentTarget.value === '' ? null : (currentTarget.value as Means))
                          }
                        />
                      </Table.Td>
                      {proposed && (
                        <Table.Td ta="right">
                          {why && (
                            <>
                              <Text size="sm">{number(why.figures.present)}</Text>
                              <Text size="xs" c="dimmed">
                                {t('ever')} {number(why.figures.deals)}
                              </Text>
                            </>
                          )}
                        </Table.Td>
                      )}
                      {proposed && (
                        <Table.Td>
                          {why && (
                            <>
                              <Group gap={6}>
                                <Badge size="sm" variant="light" tt="none" color={CONFIDENCE_COLOURS[why.confidence]}>
                                  {t(why.stage)}, {t(why.confidence)}
                                </Badge>
                              </Group>
                              <Text size="xs" c="dimmed">
                                {why.evidence.map(({ text }) => text).join(' ')}
                              </Text>
                            </>
                          )}
                        </Table.Td>
                      )}
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          </Wide>
        </Grid.Col>
        <Grid.Col span={4} visibleFrom="lg">
          <Suspense fallback={null}>
            <MappingPicture
              stages={pipeline.stages.map((stage) => ({ id: stage.id, label: stage.label, stage: meansOf(stage) }))}
              means={MEANS.map((one) => ({ id: one, label: t(one) }))}
            />
          </Suspense>
        </Grid.Col>
      </Grid>
    </Paper>
  );
}
