import { Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A part of a page under a heading of its own. */
export function Part({ title, what, children }: { title: string; what?: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section">
      <Stack gap="sm">
        <div>
          <Title order={2} size="h5">
            {title}
          </Title>
          {what && (
            <Text size="sm" c="dimmed">
              {what}
            </Text>
          )}
        </div>
        {children}
      </Stack>
    </Paper>
  );
}
