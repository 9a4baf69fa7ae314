import { Code, List, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { Loaded } from './states.tsx';

/** What would change, a line for each field; `none` where nothing would. */
export function DifferenceList({
  query,
  none,
}: {
  query: UseQueryResult<{ readonly differences: readonly string[] }>;
  none: string;
}) {
  return (
    <Loaded query={query}>
      {({ differences }) =>
        differences.length === 0 ? (
          <Text size="sm">{none}</Text>
        ) : (
          <List size="sm" spacing={4}>
            {differences.map((line) => (
              <List.Item key={line}>
                <Code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{line}</Code>
              </List.Item>
            ))}
          </List>
        )
      }
    </Loaded>
  );
}
