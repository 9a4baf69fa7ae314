import { Button, Group, Text, VisuallyHidden } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { useText } from '../i18n/text.ts';
import { Empty, Loaded } from './states.tsx';
import { Table } from './table.tsx';
import { common } from './texts.ts';
import { Wide } from './wide.tsx';

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface Column<T> {
  readonly key: string;
  readonly title: string;
  /** Where what stands in the cells says enough to whoever sees them. */
  readonly isTitleHidden?: true;
  readonly align?: 'right';
  /** In place of the title, where the head acts on the rows of the page. */
  head?(items: readonly T[]): ReactNode;
  cell(item: T): ReactNode;
}

/**
 * A list of the API, a page at a time, by its cursor: as fast with a million rows as with ten. `queryKey` begins with the account and
 * holds the filters; a new one begins at the first page.
 */
export function PagedTable<T extends { readonly id: string }>({
  label,
  queryKey,
  load,
  columns,
  empty,
  refetchMs,
}: {
  label: string;
  queryKey: readonly unknown[];
  load: (cursor: string | undefined) => Promise<Page<T>>;
  columns: readonly Column<T>[];
  empty?: ReactNode;
  refetchMs?: number;
}) {
  const t = useText(common);
  const name = JSON.stringify(queryKey);
  const [trail, setTrail] = useState<readonly string[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list begins at its first page
  useEffect(() => setTrail([]), [name]);
  const cursor = trail.at(-1);
  const query = useQuery({
    queryKey: [...queryKey, 'page', cursor ?? null],
    queryFn: () => load(cursor),
    placeholderData: keepPreviousData,
    ...(refetchMs === undefined ? {} : { refetchInterval: refetchMs }),
  });
  return (
    <Loaded query={query}>
      {({ items, nextCursor }) =>
        items.length === 0 && trail.length === 0 ? (
          (empty ?? <Empty />)
        ) : (
          <>
            <Wide label={label} isBusy={query.isPlaceholderData}>
              <Table verticalSpacing="xs" highlightOnHover aria-label={label} miw={640}>
                <Table.Thead>
                  <Table.Tr>
                    {columns.map(({ key, title, align, isTitleHidden, head }) => (
                      <Table.Th key={key} ta={align}>
                        {head ? head(items) : isTitleHidden ? <VisuallyHidden>{title}</VisuallyHidden> : title}
                      </Table.Th>
                    ))}
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((item) => (
                    <Table.Tr key={item.id}>
                      {columns.map(({ key, align, cell }) => (
                        <Table.Td key={key} ta={align}>
                          {cell(item)}
                        </Table.Td>
                      ))}
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
            {(trail.length > 0 || nextCursor !== null) && (
              <Group justify="flex-end" gap="sm">
                <Text size="sm" c="dimmed">
                  {t('page', { page: trail.length + 1 })}
                </Text>
                <Button
                  size="xs"
                  variant="default"
                  disabled={trail.length === 0}
                  onClick={() => setTrail(trail.slice(0, -1))}
                >
                  {t('previous')}
                </Button>
                <Button
                  size="xs"
                  variant="default"
                  disabled={nextCursor === null}
                  onClick={() => nextCursor !== null && setTrail([...trail, nextCursor])}
                >
                  {t('next')}
                </Button>
              </Group>
            )}
          </>
        )
      }
    </Loaded>
  );
}
