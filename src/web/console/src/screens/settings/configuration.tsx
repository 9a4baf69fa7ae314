import { Alert, Badge, Button, FileButton, Group, List, Paper, Stack, Text, Textarea, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { parse, stringify } from 'yaml';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { configurationText } from './configuration-texts.ts';

type Document = operations['checkConfiguration']['requestBody']['content']['application/json'];
type Check = operations['checkConfiguration']['responses'][200]['content']['application/json'];
type Part = Check['parts'][number];
type Applied = operations['applyConfiguration']['responses'][200]['content']['application/json']['parts'][number];

/** Below what the service takes in one request, with room for what JSON adds. */
const TEXT_LENGTH_MAX = 700_000;
/** As deep as anybody writes, and with no references that unfold into more than was written. */
const PARSED = { maxAliasCount: 0 } as const;
const CODE = { input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } } as const;
const COLOURS = { unchanged: 'gray', applied: 'green', draft: 'blue', refused: 'red' } as const;

export default function ConfigurationSettings() {
  const t = useText(configurationText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'configuration'],
    queryFn: async () => (await api.GET('/configuration')).data ?? null,
  });
  return (
    <Screen title={t('configuration')} description={t('configurationWhat')}>
      <TakeOver />
      <Loaded query={query}>{(found) => found && <AsItIs text={stringify(found, { lineWidth: 100 })} />}</Loaded>
    </Screen>
  );
}

function AsItIs({ text }: { text: string }) {
  const t = useText(configurationText);
  const { account } = useAccount();
  return (
    <Paper withBorder p="md" component="section" aria-label={t('asItIs')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t('asItIs')}
          </Title>
          <Button
            variant="default"
            onClick={() => saveFile(`${account.id}.yaml`, text, 'application/yaml;charset=utf-8')}
          >
            {t('saveFile')}
          </Button>
        </Group>
        <Textarea
          aria-label={t('asItIs')}
          description={t('asItIsWhat')}
          value={text}
          readOnly
          rows={16}
          spellCheck={false}
          styles={CODE}
        />
      </Stack>
    </Paper>
  );
}

function TakeOver() {
  const t = useText(configurationText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const check = useMutation({
    mutationFn: async (document: Document) => {
      const answer = (await api.POST('/configuration/check', { body: document })).data;
      return answer && { ...answer, document };
    },
  });
  const apply = useMutation({
    mutationFn: async ({ basis, document }: { basis: string; document: Document }) =>
      (await api.POST('/configuration/apply', { body: { basis, configuration: document } })).data?.parts ?? [],
    onSuccess: () => {
      check.reset();
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === account.id });
      void client.invalidateQueries({ queryKey: ['session'] });
    },
  });

  /** What is written is another text than the one that was compared. */
  function take(next: string) {
    check.reset();
    apply.reset();
    if (next.length > TEXT_LENGTH_MAX) {
      setProblem(t('tooLong', { length: next.length, max: TEXT_LENGTH_MAX }));
      return;
    }
    setProblem(null);
    setText(next);
  }

  function look() {
    apply.reset();
    if (text.trim() === '') {
      setProblem(t('emptyText'));
      return;
    }
    let read: unknown;
    try {
      read = parse(text, PARSED);
    } catch (thrown) {
      setProblem(t('unreadable', { why: thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : '' }));
      return;
    }
    if (typeof read !== 'object' || read === null || !('format' in read)) {
      setProblem(t('noMapping'));
      return;
    }
    setProblem(null);
    check.mutate(read as Document);
  }

  const places = check.isError ? (problemIn(check.error).errors ?? []) : [];
  return (
    <Paper withBorder p="md" component="section" aria-label={t('takeOver')}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h4">
            {t('takeOver')}
          </Title>
          <Text size="sm" c="dimmed">
            {t('takeOverWhat')}
          </Text>
        </div>
        <Textarea
          label={t('yaml')}
          value={text}
          rows={10}
          spellCheck={false}
          styles={CODE}
          onPaste={(event) => {
            // A text of megabytes is not even shown: the page would stand still over it.
            const { length } = event.clipboardData.getData('text');
            if (length <= TEXT_LENGTH_MAX) return;
            event.preventDefault();
            setProblem(t('tooLong', { length, max: TEXT_LENGTH_MAX }));
          }}
          onChange={({ currentTarget }) => take(currentTarget.value)}
        />
        {problem !== null && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        {places.length > 0 && (
          <Alert color="red" role="alert" title={t('wrongPlaces')}>
            <List size="sm">
              {places.map(({ field, problem: why }) => (
                <List.Item key={`${field} ${why}`}>
                  <b>{field}</b> {why}
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
        {check.isError && places.length === 0 && <ProblemNote thrown={check.error} />}
        <Group>
          <Button onClick={look} loading={check.isPending}>
            {t('check')}
          </Button>
          <FileButton
            accept=".yaml,.yml,.json"
            onChange={(file) => {
              if (!file) return;
              if (file.size > TEXT_LENGTH_MAX) setProblem(t('tooLong', { length: file.size, max: TEXT_LENGTH_MAX }));
              else void file.text().then(take);
            }}
          >
            {(props) => (
              <Button variant="default" {...props}>
                {t('chooseFile')}
              </Button>
            )}
          </FileButton>
        </Group>
        {check.data && (
          <Differences
            found={check.data}
            isApplying={apply.isPending}
            onApply={() => check.data && apply.mutate(check.data)}
          />
        )}
        {apply.isError && <ProblemNote thrown={apply.error} />}
        {apply.data && <Outcomes parts={apply.data} />}
      </Stack>
    </Paper>
  );
}

function usePartName() {
  const t = useText(configurationText);
  return ({ kind, name }: Pick<Part, 'kind' | 'name'>) => t(`part_${kind}`, { name });
}

function Differences({ found, isApplying, onApply }: { found: Check; isApplying: boolean; onApply: () => void }) {
  const t = useText(configurationText);
  const partName = usePartName();
  const { parts, needsSecondPerson } = found;
  const changed = parts.filter(({ differences }) => differences.length > 0);
  if (changed.length === 0)
    return (
      <Alert color="gray" role="status">
        {t('nothingDiffers')}
      </Alert>
    );
  return (
    <Stack gap="sm" role="status">
      <Title order={3} size="h5">
        {t('whatDiffers')}
      </Title>
      {parts.map((part) => (
        <div key={`${part.kind} ${part.name}`}>
          <Text fw={600} size="sm">
            {partName(part)}
          </Text>
          {part.differences.length === 0 ? (
            <Text size="sm" c="dimmed">
              {t('noDifference')}
            </Text>
          ) : (
            <List size="sm" styles={{ item: { overflowWrap: 'anywhere' } }}>
              {part.differences.map((line) => (
                <List.Item key={line}>{line}</List.Item>
              ))}
            </List>
          )}
        </div>
      ))}
      {needsSecondPerson && changed.some(({ kind }) => kind === 'program') && (
        <Alert color="blue">{t('wouldDraft')}</Alert>
      )}
      <Group>
        <ConfirmButton
          label={t('apply')}
          title={t('takeOver')}
          size="sm"
          variant="filled"
          color="brand"
          loading={isApplying}
          onConfirm={onApply}
        >
          {changed.map((part) => partName(part)).join(', ')}
        </ConfirmButton>
      </Group>
    </Stack>
  );
}

function Outcomes({ parts }: { parts: readonly Applied[] }) {
  const t = useText(configurationText);
  const partName = usePartName();
  return (
    <Stack gap="xs" role="status">
      <Title order={3} size="h5">
        {t('applied')}
      </Title>
      {parts.map((part) => (
        <Group key={`${part.kind} ${part.name}`} gap="sm" align="baseline">
          <Badge variant="light" color={COLOURS[part.outcome]}>
            {t(`outcome_${part.outcome}`)}
          </Badge>
          <Text size="sm" fw={600}>
            {partName(part)}
          </Text>
          <Text size="sm" c="dimmed">
            {part.words}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}
