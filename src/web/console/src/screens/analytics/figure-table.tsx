import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { type Amount, useFormat } from '../../i18n/format.ts';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';

export interface Column<T> {
  readonly key: string;
  readonly title: string;
  readonly cell: (row: T) => ReactNode;
  /** Numbers stand at the right, so that they can be compared. */
  readonly isNumber?: boolean;
}

/** All rows at once: figures are few. The first column names its row. */
export function FigureTable<T>({
  label,
  columns,
  rows,
  rowKey,
}: {
  label: string;
  columns: ReadonlyArray<Column<T>>;
  rows: readonly T[];
  rowKey: (row: T) => string;
}) {
  return (
    <Wide label={label}>
      <Table aria-label={label} verticalSpacing={6} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ key, title, isNumber }) => (
              <Table.Th key={key} ta={isNumber ? 'right' : 'left'}>
                {title}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={rowKey(row)}>
              {columns.map(({ key, cell, isNumber }, index) =>
                index === 0 ? (
                  <Table.Th key={key} scope="row" fw={400}>
                    {cell(row)}
                  </Table.Th>
                ) : (
                  <Table.Td key={key} ta={isNumber ? 'right' : 'left'} style={{ fontVariantNumeric: 'tabular-nums' }}>
                    {cell(row)}
                  </Table.Td>
                ),
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Wide>
  );
}

/** One below the other: amounts in two currencies are never added up. */
export function Amounts({ of }: { of: readonly Amount[] }) {
  const { money } = useFormat();
  if (of.length === 0) return '–';
  return of.map((amount) => (
    <Text size="sm" key={amount.currency}>
      {money(amount)}
    </Text>
  ));
}
