import { catalogue, useText } from '../i18n/text.ts';
import { Table } from './table.tsx';
import { Wide } from './wide.tsx';

const conditionText = catalogue({
  en: {
    condition: 'Condition',
    expected: 'Asked for',
    actual: 'Found',
    verdict: 'Verdict',
    met: 'Met',
    unmet: 'Not met',
    unknown: 'Not known',
  },
  de: {
    condition: 'Bedingung',
    expected: 'Verlangt',
    actual: 'Gefunden',
    verdict: 'Ergebnis',
    met: 'Erfüllt',
    unmet: 'Nicht erfüllt',
    unknown: 'Nicht bekannt',
  },
});

export interface JudgedCondition {
  readonly condition: string;
  readonly expected: string;
  readonly actual: string;
  readonly verdict: 'met' | 'unmet' | 'unknown';
}

/** What a decision asked for and what it found; what was not met stands out. */
export function ConditionsTable({ label, conditions }: { label: string; conditions: readonly JudgedCondition[] }) {
  const t = useText(conditionText);
  return (
    <Wide label={label} role="group">
      <Table aria-label={label} verticalSpacing={4} miw={420}>
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
              <Table.Td fw={verdict === 'met' ? undefined : 600}>{t(verdict)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}
