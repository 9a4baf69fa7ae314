import { Alert, Button, Group, List, Paper, Stack, Tabs, Text, Title } from '@mantine/core';
import { lazy, Suspense, useEffect, useMemo, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { copyAt, keepCopy } from '../../parts/kept-copy.ts';
import { Loaded, Loading, ProblemNote, Screen } from '../../parts/states.tsx';
import { Tag } from '../../parts/tag.tsx';
import { useUrlState } from '../../parts/url-state.ts';
import { useValidity } from '../../parts/validity.ts';
import { PolicyForm } from './policy-form.tsx';
import { type Policy, type PolicyVersion, policyOf, textOf, usePolicies, WITHOUT } from './queries.ts';
import { Sentences } from './sentences.tsx';
import { attributionText } from './texts.ts';

const Publish = lazy(() => import('./publish.tsx').then((one) => ({ default: one.Publish })));
const Versions = lazy(() => import('./versions.tsx').then((one) => ({ default: one.Versions })));

const TABS = ['policy', 'try', 'versions'] as const;

export default function Attribution() {
  const query = usePolicies();
  return <Loaded query={query}>{(versions) => <Desk versions={versions} />}</Loaded>;
}

/** What somebody had written and not published when the page was left, and on top of which version. */
interface Copy {
  readonly basis: number;
  readonly policy: Policy;
}

function copyIn(key: string): Copy | null {
  const copy = copyAt(key) as Copy | null;
  return typeof copy?.basis === 'number' && Array.isArray(copy.policy?.sources) ? copy : null;
}

function Desk({ versions }: { versions: readonly PolicyVersion[] }) {
  const t = useText(attributionText);
  const { api, account, may } = useAccount();
  const { day } = useFormat();
  const [url, setUrl] = useUrlState<'tab' | 'dryRun'>();
  const copyKey = `wonward.attribution.${account.id}`;
  const [kept] = useState(() => copyIn(copyKey));
  const [inForce] = versions;
  const newest = inForce?.version ?? 0;
  const held = useMemo(() => (inForce ? policyOf(inForce) : WITHOUT), [inForce]);
  const [basis, setBasis] = useState(kept?.basis ?? newest);
  const [policy, setPolicy] = useState<Policy>(kept?.policy ?? held);
  const canWrite = may('programs.write');
  const text = textOf(policy);
  const isDirty = text !== textOf(held);
  const isOther = newest !== basis;

  function adopt() {
    setBasis(newest);
    setPolicy(held);
  }
  // Somebody else has published, and nothing was written here on top of what was there: theirs is shown.
  const [shown, setShown] = useState(textOf(held));
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at when another version is in force
  useEffect(() => {
    if (isOther && (text === shown || !isDirty)) adopt();
    setShown(textOf(held));
  }, [newest]);
  useEffect(() => {
    keepCopy(copyKey, isDirty ? ({ basis, policy } satisfies Copy) : null);
  }, [isDirty, basis, policy, copyKey]);

  const validity = useValidity(text, {
    queryKey: [account.id, 'attribution-valid'],
    enabled: canWrite,
    check: (looked) => api.POST('/attribution-policies/validate', { body: JSON.parse(looked) as Policy }),
  });
  const { problems, isSound } = validity;
  const tab = TABS.find((one) => one === url.tab) ?? 'policy';
  return (
    <Screen title={t('attribution')} description={t('attributionWhat')}>
      <Group gap="sm">
        <Tag tone={inForce ? 'green' : 'gray'}>
          {inForce ? t('versionOf', { version: inForce.version }) : t('noVersion')}
        </Tag>
        {inForce && (
          <Text size="sm" c="dimmed">
            {t('publishedOn', { day: day(inForce.publishedAt), who: inForce.publishedBy })}
          </Text>
        )}
        {isDirty && <Tag tone="yellow">{t('draft')}</Tag>}
      </Group>
      {!canWrite && <Alert color="gray">{t('readOnly', { permission: 'programs.write' })}</Alert>}
      {isOther && isDirty && (
        <Alert color="orange" title={t('othersPublished', { version: newest })} role="alert">
          <Stack gap="sm" align="flex-start">
            <Text size="sm">{t('othersPublishedWhat')}</Text>
            <Sentences policy={held} />
            <Group gap="xs">
              <Button size="xs" variant="default" onClick={adopt}>
                {t('takeTheirs')}
              </Button>
              <Button size="xs" variant="default" onClick={() => setBasis(newest)}>
                {t('keepMine')}
              </Button>
            </Group>
          </Stack>
        </Alert>
      )}
      {canWrite && validity.query.isError && <ProblemNote thrown={validity.query.error} />}
      {canWrite && problems.length > 0 && (
        <Alert color="orange" title={t('mend', { count: problems.length })} role="status">
          <List size="sm">
            {problems.map(({ field, problem }) => (
              <List.Item key={`${field} ${problem}`}>
                <b>{field}</b> {problem}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      <Tabs value={tab} onChange={(next) => setUrl({ tab: next ?? undefined })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="policy">{t('tabPolicy')}</Tabs.Tab>
          <Tabs.Tab value="try">{t('tabTry')}</Tabs.Tab>
          <Tabs.Tab value="versions">{t('tabVersions')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="policy">
          <Stack gap="lg">
            <Paper withBorder p="md">
              <Title order={2} size="h4" mb="xs">
                {isDirty ? t('inDraft') : t('holds')}
              </Title>
              {isSound || !canWrite ? <Sentences policy={policy} /> : <Text size="sm">{t('notYet')}</Text>}
            </Paper>
            {canWrite && (
              <Stack gap="md">
                <Title order={2} size="h4">
                  {t('change')}
                </Title>
                <PolicyForm policy={policy} problems={problems} onChange={setPolicy} />
                <Group gap="sm">
                  <Button disabled={!isDirty || !isSound} onClick={() => setUrl({ tab: 'try' })}>
                    {t('goOn')}
                  </Button>
                  {isDirty && (
                    <Button variant="default" onClick={adopt}>
                      {t('discard')}
                    </Button>
                  )}
                </Group>
              </Stack>
            )}
          </Stack>
        </Tabs.Panel>
        <Tabs.Panel value="try">
          <Suspense fallback={<Loading />}>
            <Publish
              policy={policy}
              basis={basis}
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
              onTakeOver={
                canWrite
                  ? (version) => {
                      setBasis(newest);
                      setPolicy(policyOf(version));
                      setUrl({ tab: 'policy' });
                    }
                  : undefined
              }
            />
          </Suspense>
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}
