import { Alert, Badge, Button, Group, List, Stack, Tabs, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { ApiProblem } from '../../api/client.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { copyAt, keepCopy } from '../../parts/kept-copy.ts';
import { Loaded, Loading, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { useUrlState } from '../../parts/url-state.ts';
import { useValidity } from '../../parts/validity.ts';
import { HistoryLink } from '../money/history-link.tsx';
import { documentOf, documentOfDraft, type ProgramDocument, textAt, valueAt, withValue } from './document.ts';
import { ChoiceAt, EditingProvider, TEXT_LENGTH_MAX, TextAt } from './fields.tsx';
import { ProgramState } from './program-state.tsx';
import { type ProgramEntry, usePrograms } from './queries.ts';
import { RuleList } from './rule-editor.tsx';
import { programText } from './texts.ts';

const AsYaml = lazy(() => import('./yaml.tsx').then((one) => ({ default: one.AsYaml })));
const Budget = lazy(() => import('./budget.tsx').then((one) => ({ default: one.Budget })));
const Risk = lazy(() => import('./program-parts.tsx').then((one) => ({ default: one.Risk })));
const Tiers = lazy(() => import('./program-parts.tsx').then((one) => ({ default: one.Tiers })));
const Differences = lazy(() => import('./differences.tsx').then((one) => ({ default: one.Differences })));
const Publish = lazy(() => import('./publish.tsx').then((one) => ({ default: one.Publish })));
const Versions = lazy(() => import('./versions.tsx').then((one) => ({ default: one.Versions })));

const TABS = ['rules', 'yaml', 'try', 'versions', 'budget'] as const;
type Tab = (typeof TABS)[number];

export default function Program() {
  const { programId = '' } = useParams({ strict: false }) as { programId?: string };
  const query = usePrograms();
  return (
    <Loaded query={query}>
      {({ programs }) => {
        const entry = programs.find((one) => one.programId === programId);
        if (!entry) return <ProblemNote thrown={new ApiProblem(NOT_FOUND)} />;
        return <Desk key={programId} entry={entry} />;
      }}
    </Loaded>
  );
}

const NOT_FOUND = { code: 'not_found', status: 404, title: '', detail: '', ref: '' };

/** What somebody had written and not saved when the page was left. */
interface Copy {
  readonly basis: number;
  readonly document: unknown;
}

function copyIn(key: string): Copy | null {
  const copy = copyAt(key);
  const basis = valueAt(copy, ['basis']);
  return typeof basis === 'number' ? { basis, document: valueAt(copy, ['document']) } : null;
}

function savedIn({ draft, versions }: ProgramEntry): ProgramDocument | null {
  if (draft) return documentOfDraft(draft);
  const rules = versions.find(({ isRetired }) => !isRetired);
  return rules ? documentOf(rules) : null;
}

function Desk({ entry }: { entry: ProgramEntry }) {
  const t = useText(programText);
  const { api, account, may } = useAccount();
  const { since, day } = useFormat();
  const client = useQueryClient();
  const [url, setUrl] = useUrlState<'tab' | 'dryRun'>();
  const { programId, draft, versions } = entry;
  const copyKey = `wonward.draft.${account.id}.${programId}`;
  const [kept] = useState(() => copyIn(copyKey));
  const saved = useMemo(() => savedIn(entry), [entry]);
  const [basis, setBasis] = useState(kept?.basis ?? draft?.revision ?? 0);
  const [document, setDocument] = useState<unknown>(kept?.document ?? saved);
  const [savedText, setSavedText] = useState(() => JSON.stringify(saved));
  const [isKept, setKept] = useState(kept !== null);
  const [refused, setRefused] = useState<number | null>(null);
  const text = JSON.stringify(document);
  const isDirty = text !== savedText;
  const revision = draft?.revision ?? 0;
  const isOther = revision !== basis;
  const canWrite = may('programs.write');

  function adopt() {
    setBasis(revision);
    setDocument(saved);
    setSavedText(JSON.stringify(saved));
    setKept(false);
  }
  // Somebody else has saved, and nothing was written here: theirs is shown.
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at when what is saved is another one
  useEffect(() => {
    if (isOther && !isDirty) adopt();
  }, [revision]);
  useEffect(() => {
    keepCopy(copyKey, isDirty ? ({ basis, document } satisfies Copy) : null);
  }, [isDirty, basis, document, copyKey]);

  const validity = useValidity(text, {
    queryKey: [account.id, 'program-valid'],
    enabled: canWrite,
    check: (looked) => api.POST('/programs/validate', { body: JSON.parse(looked) as ProgramDocument }),
  });
  const { problems, isSound } = validity;

  const save = useMutation({
    mutationFn: async ({ over }: { over: number }) =>
      (
        await api.PUT('/programs/{programId}/draft', {
          params: { path: { programId } },
          body: { revision: over, program: document as ProgramDocument },
        })
      ).data,
    onSuccess: (made) => {
      if (!made) return;
      setBasis(made.revision);
      setSavedText(text);
      setKept(false);
      client.setQueryData([account.id, 'programs'], (all: { programs: ProgramEntry[] } | undefined) => ({
        programs: (all?.programs ?? []).map((one) => (one.programId === programId ? { ...one, draft: made } : one)),
      }));
    },
    onError: () => void client.invalidateQueries({ queryKey: [account.id, 'programs'] }),
  });
  const discard = useMutation({
    mutationFn: () =>
      api.POST('/programs/{programId}/draft/discard', {
        params: { path: { programId } },
        body: { revision },
      }),
    onSuccess: () => {
      const published = savedIn({ ...entry, draft: undefined });
      setBasis(0);
      setDocument(published);
      setSavedText(JSON.stringify(published));
      void client.invalidateQueries({ queryKey: [account.id, 'programs'] });
    },
  });

  const editing = useMemo(
    () => ({
      document,
      problems,
      change: (next: unknown) => {
        setRefused(null);
        setDocument(next);
      },
      refuse: setRefused,
    }),
    [document, problems],
  );
  const inForce = versions[0];
  const tab: Tab = TABS.find((one) => one === url.tab) ?? 'rules';
  const problem = save.isError ? problemIn(save.error) : null;
  return (
    <Screen
      title={textAt(document, ['name']) || entry.name}
      actions={
        canWrite && (
          <>
            {draft && (
              <ConfirmButton
                label={t('discardDraft')}
                title={entry.name}
                size="sm"
                loading={discard.isPending}
                onConfirm={() => discard.mutate()}
              >
                {t('discardDraftWhat')}
              </ConfirmButton>
            )}
            <Button
              disabled={!isDirty || !isSound || isOther}
              loading={save.isPending}
              onClick={() => save.mutate({ over: basis })}
            >
              {t('save')}
            </Button>
          </>
        )
      }
    >
      <Group gap="sm">
        <ProgramState inForce={inForce} />
        {inForce && (
          <Text size="sm" c="dimmed">
            {t('versionOf', { version: inForce.version })} · {t('publishedOn', { day: day(inForce.publishedAt) })}
          </Text>
        )}
        {draft && (
          <Badge variant="default" tt="none">
            {t('draftBy', { who: draft.changedBy, since: since(draft.changedAt) })}
          </Badge>
        )}
        {isDirty && (
          <Badge color="yellow" variant="light" tt="none">
            {t('unsaved')}
          </Badge>
        )}
      </Group>
      {inForce && <HistoryLink programId={programId} />}
      {!canWrite && <Alert color="gray">{t('readOnly', { permission: 'programs.write' })}</Alert>}
      {isKept && isDirty && !isOther && (
        <Alert color="brand" role="status">
          <Group justify="space-between">
            <Text size="sm">{t('keptCopy')}</Text>
            <Button size="xs" variant="default" onClick={adopt}>
              {t('discardCopy')}
            </Button>
          </Group>
        </Alert>
      )}
      {isOther && isDirty && (
        <Conflict
          entry={entry}
          basis={basis}
          mine={document as ProgramDocument}
          isSound={isSound}
          isSaving={save.isPending}
          onTakeTheirs={adopt}
          onPutMine={() => save.mutate({ over: revision })}
        />
      )}
      {refused !== null && <TooLong length={refused} max={TEXT_LENGTH_MAX} />}
      {problem && problem.code !== 'draft_changed' && <ProblemNote thrown={save.error} />}
      {discard.isError && <ProblemNote thrown={discard.error} />}
      {save.isSuccess && !isDirty && save.data && (
        <Alert color="green" role="status">
          {t('savedDraft', { revision: save.data.revision })}
        </Alert>
      )}
      {canWrite && isDirty && validity.query.isError && <ProblemNote thrown={validity.query.error} />}
      {canWrite && problems.length > 0 && <ToMend problems={problems} document={document} />}
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next ?? undefined })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="rules">{t('tabRules')}</Tabs.Tab>
          <Tabs.Tab value="yaml">{t('tabYaml')}</Tabs.Tab>
          <Tabs.Tab value="try">{t('tabTry')}</Tabs.Tab>
          <Tabs.Tab value="versions">{t('tabVersions')}</Tabs.Tab>
          {inForce && <Tabs.Tab value="budget">{t('tabBudget')}</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="rules">
          <fieldset disabled={!canWrite} style={{ border: 0, padding: 0, margin: 0, minWidth: 0 }}>
            <EditingProvider value={editing}>
              <Stack gap="md">
                <Group align="flex-start">
                  <TextAt path={['name']} label={t('name')} isRequired width={320} />
                  <ChoiceAt
                    path={['openReferrals']}
                    label={t('openReferrals')}
                    width={320}
                    fallback="move"
                    options={(['move', 'keep'] as const).map((value) => ({ value, label: t(value) }))}
                  />
                </Group>
                <Title order={2} size="h4">
                  {t('rules')}
                </Title>
                <RuleList />
                <Suspense fallback={<Loading />}>
                  <Tiers />
                  <Risk />
                </Suspense>
              </Stack>
            </EditingProvider>
          </fieldset>
        </Tabs.Panel>
        <Tabs.Panel value="yaml">
          <Suspense fallback={<Loading />}>
            <AsYaml
              document={document}
              programId={programId}
              canWrite={canWrite}
              onApply={(next) => {
                setRefused(null);
                setDocument(next);
              }}
            />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="try">
          <Suspense fallback={<Loading />}>
            <Publish
              entry={entry}
              document={document as ProgramDocument}
              isDirty={isDirty}
              isSound={!canWrite || isSound}
              dryRunId={url.dryRun}
              onTried={(dryRun) => setUrl({ dryRun })}
            />
          </Suspense>
        </Tabs.Panel>
        <Tabs.Panel value="versions">
          <Suspense fallback={<Loading />}>
            <Versions
              versions={versions}
              onTakeOver={(version) => {
                setDocument(withValue(documentOf(version), ['programId'], programId));
                setUrl({ tab: 'rules' });
              }}
            />
          </Suspense>
        </Tabs.Panel>
        {inForce && (
          <Tabs.Panel value="budget">
            <Suspense fallback={<Loading />}>
              <Budget programId={programId} />
            </Suspense>
          </Tabs.Panel>
        )}
      </Tabs>
    </Screen>
  );
}

export function TooLong({ length, max }: { length: number; max: number }) {
  const t = useText(programText);
  return (
    <Alert color="red" role="alert">
      {t('tooLong', { length, max })}
    </Alert>
  );
}

/** As many as a person mends before looking again. */
const PROBLEMS_SHOWN_MAX = 12;

function ToMend({
  problems,
  document,
}: {
  problems: readonly { field: string; problem: string }[];
  document: unknown;
}) {
  const t = useText(programText);
  const whereOf = (field: string) => {
    const [, index, rest = ''] = /^rules\[([0-9]+)\]\.?(.*)$/.exec(field) ?? [];
    if (index === undefined) return field;
    const rule = valueAt(document, ['rules', Number(index)]);
    return `${textAt(rule, ['name']) || textAt(rule, ['key']) || index} › ${rest}`;
  };
  return (
    <Alert color="orange" title={t('mend', { count: problems.length })} role="status">
      <List size="sm">
        {problems.slice(0, PROBLEMS_SHOWN_MAX).map(({ field, problem }) => (
          <List.Item key={`${field} ${problem}`}>
            <b>{whereOf(field)}</b> {problem}
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

/** Two people have written the same draft: both are shown against what is in force, and one of them chooses. */
function Conflict({
  entry: { draft },
  basis,
  mine,
  isSound,
  isSaving,
  onTakeTheirs,
  onPutMine,
}: {
  entry: ProgramEntry;
  basis: number;
  mine: ProgramDocument;
  isSound: boolean;
  isSaving: boolean;
  onTakeTheirs: () => void;
  onPutMine: () => void;
}) {
  const t = useText(programText);
  const { since } = useFormat();
  const word = useText(common);
  return (
    <Alert color="orange" title={word('changedMeanwhile')} role="alert">
      <Stack gap="sm">
        <Text size="sm">
          {draft
            ? t('conflict', {
                who: draft.changedBy,
                revision: draft.revision,
                since: since(draft.changedAt),
                mine: basis,
              })
            : t('conflictGone')}{' '}
          {t('conflictKept')}
        </Text>
        <Suspense fallback={<Loading />}>
          <Group align="flex-start" grow>
            {draft && (
              <div>
                <Title order={2} size="h6">
                  {t('theirs')}
                </Title>
                <Differences document={documentOfDraft(draft)} />
              </div>
            )}
            <div>
              <Title order={2} size="h6">
                {t('yours')}
              </Title>
              {isSound && <Differences document={mine} />}
            </div>
          </Group>
        </Suspense>
        <Group>
          <Button size="xs" loading={isSaving} disabled={!isSound} onClick={onPutMine}>
            {t('putMine')}
          </Button>
          <ConfirmButton label={t('takeTheirs')} title={t('takeTheirs')} onConfirm={onTakeTheirs}>
            {t('takeTheirsWhat')}
          </ConfirmButton>
        </Group>
      </Stack>
    </Alert>
  );
}
