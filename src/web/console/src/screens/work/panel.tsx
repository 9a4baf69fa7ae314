import { Button, Collapse, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconChevronRight } from '@tabler/icons-react';
import { type ReactNode, useId } from 'react';

/** A part of a page, with its name. */
export function Panel({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section">
      <Group justify="space-between" pb="sm" gap="xs">
        <Title order={2} size="h5">
          {title}
        </Title>
        {actions}
      </Group>
      {children}
    </Paper>
  );
}

/** Shown when somebody wants to know. */
export function More({ label, children }: { label: string; children: ReactNode }) {
  const [opened, { toggle }] = useDisclosure();
  const id = useId();
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-xs"
        px={4}
        aria-expanded={opened}
        aria-controls={id}
        leftSection={opened ? <IconChevronDown size={14} /> : <IconChevronRight size={14} />}
        onClick={toggle}
      >
        {label}
      </Button>
      <Collapse expanded={opened} id={id}>
        <div style={{ paddingTop: 6 }}>{opened && children}</div>
      </Collapse>
    </div>
  );
}

/** Names and values, one below the other. */
export function Facts({ items }: { items: readonly (readonly [name: string, value: ReactNode] | null)[] }) {
  return (
    <Stack gap={8} component="dl" m={0}>
      {items.map(
        (item) =>
          item && (
            <Group key={item[0]} justify="space-between" gap="md" wrap="nowrap" align="baseline">
              <Text size="sm" c="dimmed" component="dt" style={{ flexShrink: 0 }}>
                {item[0]}
              </Text>
              <Text size="sm" component="dd" m={0} ta="right" style={{ overflowWrap: 'anywhere' }}>
                {item[1]}
              </Text>
            </Group>
          ),
      )}
    </Stack>
  );
}
