import { List, Stack, Table, Text } from '@mantine/core';
import { useText } from '../../i18n/text.ts';
import { workText } from './texts.ts';
import { type Decision, fieldWords } from './words.ts';

/** Each condition with what was asked for and what was found, and how the amount came about. */
export function DecisionDetails({ decision }: { decision: Decision }) {
  const t = useText(workText);
  const word = useText(fieldWords);
  const { conditions, calculation, ruleKey, program } = decision;
  return (
    <Stack gap="xs">
      <Text size="sm">{t('byVersion', { rule: ruleKey, program: program.id, version: program.version })}</Text>
      {conditions.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('noConditions')}
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={420} type="native">
          <Table aria-label={t('condition')} verticalSpacing={4} fz="sm">
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('condition')}</Table.Th>
                <Table.Th>{t('expected')}</Table.Th>
                <Table.Th>{t('actual')}</Table.Th>
                <Table.Th>{t('verdict')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {conditions.map(({ condition, expected, actual, verdict }) => (
                <Table.Tr key={`${condition} ${expected}`}>
                  <Table.Td>{condition}</Table.Td>
                  <Table.Td>{expected}</Table.Td>
                  <Table.Td>{actual}</Table.Td>
                  <Table.Td fw={verdict === 'met' ? undefined : 600}>{word(verdict)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
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
