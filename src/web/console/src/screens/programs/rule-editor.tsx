import { ActionIcon, Badge, Button, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { IconChevronDown, IconChevronUp, IconCopy, IconPlus, IconTrash } from '@tabler/icons-react';
import { lazy, Suspense, useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { Loading } from '../../parts/states.tsx';
import { freeKey, newRule, textAt } from './document.ts';
import { useEditing } from './fields.tsx';
import { useRuleSentence } from './rule-sentence.tsx';
import { programText } from './texts.ts';

/** Comes when a rule is opened. */
const RuleParts = lazy(() => import('./rule-parts.tsx').then((one) => ({ default: one.RuleParts })));

/** All rules, each as a sentence that opens into its parts. */
export function RuleList() {
  const t = useText(programText);
  const { list, set } = useEditing();
  const rules = list(['rules']);
  const [opened, setOpened] = useState<number | null>(rules.length === 1 ? 0 : null);
  const keys = rules.map((rule) => textAt(rule, ['key']));
  return (
    <Stack gap="sm">
      {rules.map((rule, at) => (
        <RuleCard
          // biome-ignore lint/suspicious/noArrayIndexKey: keys are edited here, and two may be alike for a while
          key={at}
          at={at}
          isOpen={opened === at}
          onToggle={() => setOpened(opened === at ? null : at)}
          onDuplicate={() => {
            const key = freeKey(textAt(rule, ['key']) || 'rule', keys);
            set(['rules'], [...rules.slice(0, at + 1), { ...(rule as object), key }, ...rules.slice(at + 1)]);
            setOpened(at + 1);
          }}
          onRemove={() => {
            set(['rules', at], undefined);
            setOpened(null);
          }}
        />
      ))}
      <Group>
        <Button
          variant="default"
          leftSection={<IconPlus size={16} />}
          onClick={() => {
            set(['rules', rules.length], newRule(keys));
            setOpened(rules.length);
          }}
        >
          {t('addRule')}
        </Button>
      </Group>
    </Stack>
  );
}

function RuleCard({
  at,
  isOpen,
  onToggle,
  onDuplicate,
  onRemove,
}: {
  at: number;
  isOpen: boolean;
  onToggle: () => void;
  onDuplicate: () => void;
  onRemove: () => void;
}) {
  const t = useText(programText);
  const { value, text, problemsBelow } = useEditing();
  const sentenceOf = useRuleSentence();
  const path = ['rules', at];
  const wrong = problemsBelow(path);
  const name = text([...path, 'name']) || text([...path, 'key']);
  return (
    <Paper withBorder p="md" component="section" aria-label={name}>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start">
          <div style={{ flex: '1 1 260px', minWidth: 0 }}>
            <Group gap="xs">
              <Title order={3} size="h5">
                {name}
              </Title>
              {wrong.length > 0 && (
                <Badge color="red" variant="light">
                  {wrong.length}
                </Badge>
              )}
            </Group>
            <Text size="sm">{sentenceOf(value(path))}</Text>
          </div>
          <Group gap={4} wrap="nowrap">
            <ActionIcon variant="subtle" color="gray" aria-label={`${t('duplicate')}: ${name}`} onClick={onDuplicate}>
              <IconCopy size={16} />
            </ActionIcon>
            <ActionIcon variant="subtle" color="red" aria-label={`${t('removeRule')}: ${name}`} onClick={onRemove}>
              <IconTrash size={16} />
            </ActionIcon>
            <Button
              size="xs"
              variant="default"
              aria-expanded={isOpen}
              aria-label={`${isOpen ? t('done') : t('edit')}: ${name}`}
              rightSection={isOpen ? <IconChevronUp size={14} /> : <IconChevronDown size={14} />}
              onClick={onToggle}
            >
              {isOpen ? t('done') : t('edit')}
            </Button>
          </Group>
        </Group>
        {isOpen && (
          <Suspense fallback={<Loading />}>
            <RuleParts path={path} />
          </Suspense>
        )}
      </Stack>
    </Paper>
  );
}
