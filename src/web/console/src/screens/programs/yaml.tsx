import { Alert, Button, FileButton, Group, Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import { parse, stringify } from 'yaml';
import { useText } from '../../i18n/text.ts';
import { saveFile } from '../../parts/save-file.ts';
import { textAt, valueAt } from './document.ts';
import { trialText } from './trial-texts.ts';

/** Below what the service takes in one request; the longest program that people read has a tenth of it. */
const YAML_LENGTH_MAX = 200_000;

/** As deep as anybody writes, and with no references that unfold into more than was written. */
const PARSED = { maxAliasCount: 0 } as const;

/** The program as text: to read, to change, to keep with other configuration. */
export function AsYaml({
  document,
  programId,
  canWrite,
  onApply,
}: {
  document: unknown;
  programId: string;
  canWrite: boolean;
  onApply: (document: unknown) => void;
}) {
  const t = useText(trialText);
  const [typed, setTyped] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const text = typed ?? stringify(document, { lineWidth: 120 });

  function take(next: string) {
    if (next.length > YAML_LENGTH_MAX) {
      setProblem(t('tooLong', { length: next.length, max: YAML_LENGTH_MAX }));
      return;
    }
    setProblem(null);
    setTyped(next);
  }

  function apply() {
    let read: unknown;
    try {
      read = parse(text, PARSED);
    } catch (thrown) {
      setProblem(t('yamlWrong', { why: thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : '' }));
      return;
    }
    const other = textAt(read, ['programId']);
    if (!Array.isArray(valueAt(read, ['rules'])) || other === '') setProblem(t('yamlNoProgram'));
    else if (other !== programId) setProblem(t('yamlOther', { other, own: programId }));
    else {
      onApply(read);
      setTyped(null);
      setProblem(null);
    }
  }

  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">
        {t('yamlWhat')}
      </Text>
      {problem !== null && (
        <Alert color="red" role="alert">
          {problem}
        </Alert>
      )}
      <Textarea
        label={t('yaml')}
        value={text}
        readOnly={!canWrite}
        rows={24}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
        onPaste={(event) => {
          // A text of megabytes is not even shown: the page would stand still over it.
          const { length } = event.clipboardData.getData('text');
          if (length <= YAML_LENGTH_MAX) return;
          event.preventDefault();
          setProblem(t('tooLong', { length, max: YAML_LENGTH_MAX }));
        }}
        onChange={({ currentTarget }) => take(currentTarget.value)}
      />
      <Group>
        {canWrite && (
          <>
            <Button disabled={typed === null} onClick={apply}>
              {t('yamlApply')}
            </Button>
            <Button
              variant="default"
              disabled={typed === null}
              onClick={() => {
                setTyped(null);
                setProblem(null);
              }}
            >
              {t('yamlReset')}
            </Button>
            <FileButton
              accept=".yaml,.yml,.json"
              onChange={(file) => {
                if (!file) return;
                if (file.size > YAML_LENGTH_MAX) setProblem(t('tooLong', { length: file.size, max: YAML_LENGTH_MAX }));
                else void file.text().then(take);
              }}
            >
              {(props) => (
                <Button variant="default" {...props}>
                  {t('yamlFile')}
                </Button>
              )}
            </FileButton>
          </>
        )}
        <Button variant="default" onClick={() => saveFile(`${programId}.yaml`, text, 'application/yaml;charset=utf-8')}>
          {t('yamlSave')}
        </Button>
      </Group>
    </Stack>
  );
}
