import { Card, Text } from '@mantine/core';

/** One figure: what it is, how much it is, and a line or two on what that means. */
export function Tile({ title, value, notes }: { title: string; value: string; notes: readonly string[] }) {
  return (
    <Card withBorder padding="sm">
      <Text size="sm" c="dimmed">
        {title}
      </Text>
      <Text fz={{ base: 20, xs: 24 }} fw={650} lh={1.3} style={{ overflowWrap: 'anywhere' }}>
        {value}
      </Text>
      {notes.map((note) => (
        <Text size="xs" c="dimmed" key={note}>
          {note}
        </Text>
      ))}
    </Card>
  );
}
