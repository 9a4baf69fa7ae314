import { List, Stack, Text } from '@mantine/core';
import { useText } from '../../i18n/text.ts';
import { ConditionsTable } from '../../parts/conditions-table.tsx';
import { workText } from './texts.ts';
import type { Decision } from './words.ts';

/** Each condition with what was asked for and what was found, and how the amount came about. */
export function DecisionDetails({ decision }: { decision: Decision }) {
  const t = useText(workText);
  const { conditions, calculation, ruleKey, program } = decision;
  return (
    <Stack gap="xs">
      <Text size="sm">{t('byVersion', { rule: ruleKey, program: program.id, version: program.version })}</Text>
      {conditions.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('noConditions')}
        </Text>
      ) : (
        <ConditionsTable label={t('condition')} conditions={conditions} />
      )}
      {calculation.length > 0 && (
        <div>
          <Text size="sm" fw={600}>
            {t('calculation')}
          </Text>
          <List size="sm" type="ordered">
            {calculation.map(({ step, text }) => (
              <List.Item key={`${step} ${text}`}>{text}</List.Item>
            ))}
          </List>
        </div>
      )}
    </Stack>
  );
}
