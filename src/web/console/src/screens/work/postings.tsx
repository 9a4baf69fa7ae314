import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { workText } from './texts.ts';
import type { Journal } from './words.ts';

/** The sentences of the double-entry books; they add up to zero in every currency. */
export function Postings({ journal }: { journal: Journal }) {
  const t = useText(workText);
  const { money } = useFormat();
  return (
    <Wide label={t('postings')} role="group">
      <Table aria-label={t('postings')} verticalSpacing={4} miw={320}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('account')}</Table.Th>
            <Table.Th ta="right">{t('amount')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {journal.postings.map(({ account, amount, currency }) => (
            <Table.Tr key={`${account} ${currency} ${amount}`}>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{account}</Table.Td>
              <Table.Td ta="right" style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>
                {money({ amount, currency })}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}
