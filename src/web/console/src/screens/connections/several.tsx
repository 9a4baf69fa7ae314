import {
  Alert,
  Anchor,
  Button,
  Checkbox,
  Group,
  List,
  NativeSelect,
  Paper,
  Stack,
  Text,
  TextInput,
  Title,
} from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { ApiProblem, PUBLISHED_MEANWHILE } from '../../api/client.ts';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { NumberInput } from '../../parts/later.tsx';
import { Empty, Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { type Connection, crmName, useConnections } from './queries.ts';
import { severalText } from './several-texts.ts';

type Version = operations['listConnectionsPolicies']['responses'][200]['content']['application/json']['items'][number];
type Policy = Version['policy'];
type Source = NonNullable<Policy['deals']>;

const OBJECTS = ['deals', 'contacts'] as const;
/** Stands for the record's own id. */
const OWN_ID = 'id';
/** What holds where none was published. */
const WITHOUT: Policy = { deals: null, contacts: null, twinDays: 7 };

const nameOf = (connection: Connection) => `${crmName(connection)} ${connection.externalId}`;

/** Which CRM decides on deals and on contacts that stand in several of them, and by what they are told to be one. */
export default function SeveralConnections() {
  const t = useText(severalText);
  const { api, account } = useAccount();
  const connections = useConnections();
  const versions = useQuery({
    queryKey: [account.id, 'connections-policies'],
    // What somebody is writing is not changed under their hands.
    refetchOnWindowFocus: false,
    queryFn: async () => (await api.GET('/connections-policies')).data?.items ?? [],
  });
  return (
    <Screen
      title={t('several')}
      description={t('what')}
      actions={
        <Anchor component={Link} to={`/${account.id}/connections` as string} size="sm">
          {t('back')}
        </Anchor>
      }
    >
      <Loaded query={connections}>
        {(found) => (
          <Loaded query={versions}>{(published) => <Desk connections={found} versions={published} />}</Loaded>
        )}
      </Loaded>
    </Screen>
  );
}

function Desk({ connections, versions }: { connections: readonly Connection[]; versions: readonly Version[] }) {
  const t = useText(severalText);
  const { may } = useAccount();
  const { moment } = useFormat();
  const [newest] = versions;
  const name = (id: string) => {
    const found = connections.find((one) => one.id === id);
    return found ? nameOf(found) : id;
  };
  return (
    <Stack gap="lg">
      <Paper withBorder p="md" component="section" aria-label={t('holds')} maw={860}>
        <Group gap="sm" mb="xs">
          <Title order={2} size="h4">
            {t('holds')}
          </Title>
          <Tag tone={newest ? 'green' : 'gray'}>
            {newest ? t('versionOf', { version: newest.version }) : t('noVersion')}
          </Tag>
        </Group>
        <Sentences policy={newest?.policy ?? WITHOUT} name={name} />
      </Paper>
      {connections.length < 2 ? (
        <Empty title={t('one')}>
          <Text size="sm">{t('oneWhat')}</Text>
        </Empty>
      ) : may('connections.write') ? (
        <PolicyForm connections={connections} newest={newest} name={name} />
      ) : (
        <Text size="sm">{t('mayNot', { permission: 'connections.write' })}</Text>
      )}
      {versions.length > 1 && (
        <Stack gap="sm" maw={860}>
          <Title order={2} size="h4">
            {t('earlier')}
          </Title>
          {versions.slice(1).map(({ version, publishedAt, publishedBy, policy }) => (
            <Paper withBorder p="md" key={version}>
              <Text fw={600} size="sm">
                {t('versionOf', { version })} · {t('publishedOn', { day: moment(publishedAt), who: publishedBy })}
              </Text>
              <Sentences policy={policy} name={name} />
            </Paper>
          ))}
        </Stack>
      )}
    </Stack>
  );
}

function Sentences({ policy, name }: { policy: Policy; name: (id: string) => string }) {
  const t = useText(severalText);
  const keyText = (keys: Source['keys']) =>
    Object.entries(keys)
      .map(([id, property]) => `${name(id)}: ${property === OWN_ID ? t('ownId') : property}`)
      .join(', ');
  return (
    <List size="sm" spacing={4}>
      {OBJECTS.map((object) => {
        const source = policy[object];
        return (
          <List.Item key={object}>
            {source === null
              ? t(`says_${object}_none`)
              : t(`says_${object}`, { crm: name(source.decidedIn), keys: keyText(source.keys) })}
          </List.Item>
        );
      })}
      <List.Item>{t('saysTwins', { days: policy.twinDays })}</List.Item>
    </List>
  );
}

/** What somebody writes of one kind of record. */
interface Written {
  readonly isOn: boolean;
  readonly decidedIn: string;
  /** By connection; empty for one that has no copies. */
  readonly keys: Readonly<Record<string, string>>;
}

function writtenOf(source: Policy['deals'], connections: readonly Connection[]): Written {
  const decidedIn = source?.decidedIn ?? connections[0]?.id ?? '';
  return { isOn: source !== null, decidedIn, keys: source?.keys ?? { [decidedIn]: OWN_ID } };
}

function sourceOf({ isOn, decidedIn, keys }: Written): Source | null {
  if (!isOn) return null;
  const named = Object.entries(keys).filter(([, property]) => property.trim() !== '');
  return { decidedIn, keys: Object.fromEntries(named.map(([id, property]) => [id, property.trim()])) };
}

function PolicyForm({
  connections,
  newest,
  name,
}: {
  connections: readonly Connection[];
  newest: Version | undefined;
  name: (id: string) => string;
}) {
  const t = useText(severalText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const held = newest?.policy ?? WITHOUT;
  const [written, setWritten] = useState(() => ({
    deals: writtenOf(held.deals, connections),
    contacts: writtenOf(held.contacts, connections),
  }));
  const [twinDays, setTwinDays] = useState<number | string>(held.twinDays);
  const queryKey = [account.id, 'connections-policies'];
  const publish = useMutation({
    async mutationFn() {
      // What somebody else has published meanwhile is not undone unseen.
      const [now] = (await api.GET('/connections-policies')).data?.items ?? [];
      if ((now?.version ?? 0) !== (newest?.version ?? 0)) throw new ApiProblem(PUBLISHED_MEANWHILE);
      const body = {
        deals: sourceOf(written.deals),
        contacts: sourceOf(written.contacts),
        // An empty field is no number, which the service says.
        twinDays: (twinDays === '' ? null : Number(twinDays)) as number,
      };
      return (await api.POST('/connections-policies', { body })).data;
    },
    // Also when it was refused: what others have published is shown, and what is written here stays.
    onSettled: () => client.invalidateQueries({ queryKey }),
  });
  const isChanged = publish.isError && problemIn(publish.error).code === PUBLISHED_MEANWHILE.code;
  const errors = publish.isError ? (problemIn(publish.error).errors ?? []) : [];
  const wrong = (field: string) => errors.find((one) => one.field === field)?.problem;
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!publish.isPending) publish.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md" maw={860}>
        <Title order={2} size="h4">
          {t('change')}
        </Title>
        {OBJECTS.map((object) => {
          const one = written[object];
          const set = (part: Partial<Written>) => setWritten({ ...written, [object]: { ...one, ...part } });
          return (
            <Paper withBorder p="md" key={object} component="fieldset" style={{ minWidth: 0 }}>
              <Stack gap="sm">
                <Checkbox
                  label={t(`copied_${object}`)}
                  description={t(`copiedWhat_${object}`)}
                  checked={one.isOn}
                  onChange={({ currentTarget }) => set({ isOn: currentTarget.checked })}
                />
                {one.isOn && (
                  <>
                    <NativeSelect
                      label={t(`decides_${object}`)}
                      value={one.decidedIn}
                      error={wrong(`${object}.decidedIn`)}
                      data={connections.map((connection) => ({ value: connection.id, label: nameOf(connection) }))}
                      onChange={({ currentTarget }) => set({ decidedIn: currentTarget.value })}
                    />
                    <Text size="sm" fw={600}>
                      {t('keys')}
                    </Text>
                    <Text size="sm" c="dimmed">
                      {t('keysWhat')}
                    </Text>
                    {connections.map(({ id }) => (
                      <TextInput
                        key={id}
                        label={t('keyIn', { crm: name(id) })}
                        placeholder={t('noCopies')}
                        value={one.keys[id] ?? ''}
                        maxLength={200}
                        error={wrong(`${object}.keys.${id}`)}
                        onChange={({ currentTarget }) => set({ keys: { ...one.keys, [id]: currentTarget.value } })}
                      />
                    ))}
                    {wrong(`${object}.keys`) !== undefined && (
                      <Text size="sm" c="var(--mantine-color-error)" role="alert">
                        {wrong(`${object}.keys`)}
                      </Text>
                    )}
                  </>
                )}
              </Stack>
            </Paper>
          );
        })}
        <NumberInput
          label={t('twinDays')}
          description={t('twinDaysWhat')}
          value={twinDays}
          maw={360}
          allowDecimal={false}
          hideControls
          suffix={t('daysSuffix')}
          error={wrong('twinDays')}
          onChange={setTwinDays}
        />
        {publish.isError && errors.length === 0 && !isChanged && <ProblemNote thrown={publish.error} />}
        {isChanged && (
          <Alert color="orange" role="alert">
            {t('othersPublished')}
          </Alert>
        )}
        {publish.data && (
          <Alert color="green" role="status">
            {t('published', { version: publish.data.version })}
          </Alert>
        )}
        <Text size="sm" c="dimmed">
          {t('publishWhat')}
        </Text>
        <Group>
          <Button type="submit" loading={publish.isPending}>
            {t('publish')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
