import { Accordion, Alert, Badge, Button, Group, Paper, Stack, Text, Textarea, Title } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { consentText } from './consent-texts.ts';

type ConsentText = operations['listConsentTexts']['responses'][200]['content']['application/json']['items'][number];
type Purpose = ConsentText['purpose'];

const LANGUAGES = ['en', 'de'] as const;

export default function ConsentSettings() {
  const t = useText(consentText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'consent-texts'],
    queryFn: async () => (await api.GET('/consent-texts')).data?.items ?? [],
  });
  return (
    <Screen title={t('consent')} description={t('consentWhat')}>
      <Loaded query={query}>
        {(items) => (
          <Stack gap="lg">
            {(['friend', 'member'] as const).map((purpose) => (
              <OfPurpose key={purpose} purpose={purpose} versions={items.filter((one) => one.purpose === purpose)} />
            ))}
          </Stack>
        )}
      </Loaded>
    </Screen>
  );
}

function OfPurpose({ purpose, versions }: { purpose: Purpose; versions: readonly ConsentText[] }) {
  const t = useText(consentText);
  const [newest, ...earlier] = versions;
  const [isWriting, setIsWriting] = useState(false);
  const [told, setTold] = useState<number | null>(null);
  return (
    <Paper withBorder p="md" component="section" aria-label={t(purpose)}>
      <Stack gap="sm">
        <Group justify="space-between">
          <Title order={2} size="h4">
            {t(purpose)}
          </Title>
          {newest && <Badge variant="light">{t('inForce', { version: newest.version })}</Badge>}
        </Group>
        <Text size="sm" c="dimmed" maw={720}>
          {t(`${purpose}What`)}
        </Text>
        {newest ? (
          <Words text={newest} />
        ) : (
          <Text size="sm">
            <b>{t('none')}.</b> {t('noneWhat')}
          </Text>
        )}
        {told !== null && (
          <Alert color="green" role="status">
            {t('nowInForce', { version: told })}
          </Alert>
        )}
        {isWriting ? (
          <NextVersion
            purpose={purpose}
            newest={newest}
            onDone={(version) => {
              setIsWriting(false);
              setTold(version);
            }}
            onCancel={() => setIsWriting(false)}
          />
        ) : (
          <Group>
            <Button
              variant="default"
              onClick={() => {
                setTold(null);
                setIsWriting(true);
              }}
            >
              {t(newest ? 'newVersion' : 'firstVersion')}
            </Button>
          </Group>
        )}
        {earlier.length > 0 && (
          <Accordion variant="contained">
            <Accordion.Item value="earlier">
              <Accordion.Control>
                {t('earlier')} ({earlier.length})
              </Accordion.Control>
              <Accordion.Panel>
                <Stack>
                  {earlier.map((one) => (
                    <div key={one.version}>
                      <Text fw={600} size="sm">
                        {t('version', { version: one.version })}
                      </Text>
                      <Words text={one} />
                    </div>
                  ))}
                </Stack>
              </Accordion.Panel>
            </Accordion.Item>
          </Accordion>
        )}
      </Stack>
    </Paper>
  );
}

function Words({ text }: { text: ConsentText }) {
  const t = useText(consentText);
  const { moment } = useFormat();
  return (
    <Stack gap="xs">
      {LANGUAGES.map((language) => {
        const words = text.texts[language];
        return words === undefined ? null : (
          <div key={language} lang={language}>
            <Text size="xs" c="dimmed">
              {t(language)}
            </Text>
            <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
              {words}
            </Text>
          </div>
        );
      })}
      <Text size="xs" c="dimmed">
        {t('savedBy', { who: text.savedBy, when: moment(text.savedAt) })}
      </Text>
    </Stack>
  );
}

function NextVersion({
  purpose,
  newest,
  onDone,
  onCancel,
}: {
  purpose: Purpose;
  newest: ConsentText | undefined;
  onDone: (version: number) => void;
  onCancel: () => void;
}) {
  const t = useText(consentText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  // As it was when somebody began to write: what another person saved since is told, not written over.
  const [basis] = useState(newest?.version ?? 0);
  const [words, setWords] = useState<Record<(typeof LANGUAGES)[number], string>>({
    en: newest?.texts.en ?? '',
    de: newest?.texts.de ?? '',
  });
  const [problem, setProblem] = useState<string | null>(null);
  const save = useMutation({
    mutationFn: async () => {
      const texts = Object.fromEntries(Object.entries(words).filter(([, text]) => text.trim() !== ''));
      return (await api.POST('/consent-texts', { body: { purpose, version: basis, texts } })).data;
    },
    onSuccess: async (saved) => {
      await client.invalidateQueries({ queryKey: [account.id, 'consent-texts'] });
      if (saved) onDone(saved.version);
    },
  });
  const errors = save.isError ? (problemIn(save.error).errors ?? []) : [];
  const isSame = newest !== undefined && LANGUAGES.every((one) => words[one].trim() === (newest.texts[one] ?? ''));

  function submit(event: FormEvent) {
    event.preventDefault();
    const isEmpty = Object.values(words).every((text) => text.trim() === '');
    setProblem(isEmpty ? t('noWords') : isSame ? t('unchanged') : null);
    if (!isEmpty && !isSame && !save.isPending) save.mutate();
  }

  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="sm">
        {LANGUAGES.map((language) => (
          <Textarea
            key={language}
            label={t('wordsIn', { language: t(language) })}
            lang={language}
            value={words[language]}
            rows={4}
            error={errors.find(({ field }) => field === `texts.${language}`)?.problem}
            onChange={(event) => {
              const text = event.currentTarget.value;
              setWords((before) => ({ ...before, [language]: text }));
            }}
          />
        ))}
        <Text size="xs" c="dimmed">
          {t('versionWhat')}
        </Text>
        {problem !== null && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        {save.isError && errors.length === 0 && <ProblemNote thrown={save.error} />}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {t('publish', { version: basis + 1 })}
          </Button>
          <Cancel onClick={onCancel} />
        </Group>
      </Stack>
    </form>
  );
}

function Cancel({ onClick }: { onClick: () => void }) {
  const word = useText(common);
  return (
    <Button variant="default" onClick={onClick}>
      {word('cancel')}
    </Button>
  );
}
