import { ActionIcon, Button, Group } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { common } from '../../parts/texts.ts';

/** Lines of a form that are written, added and taken away; each keeps its key, so that what is typed stays where it is. */
export function useLines<T extends object>(initial: () => readonly T[]) {
  const [lines, setLines] = useState<ReadonlyArray<T & { readonly key: number }>>(() =>
    initial().map((line, key) => ({ ...line, key })),
  );
  return {
    lines,
    change: (key: number, part: Partial<T>) =>
      setLines(lines.map((line) => (line.key === key ? { ...line, ...part } : line))),
    add: (line: T) => setLines([...lines, { ...line, key: Math.max(-1, ...lines.map(({ key }) => key)) + 1 }]),
    remove: (key: number) => setLines(lines.filter((line) => line.key !== key)),
  };
}

export function RemoveLine({ label, onRemove }: { label: string; onRemove: () => void }) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={label} onClick={onRemove}>
      <IconTrash size={16} />
    </ActionIcon>
  );
}

/** Below the lines: one more, away with it, or save. */
export function LinesEnd({
  addText,
  saveText,
  isPending,
  onAdd,
  onCancel,
}: {
  addText: string;
  saveText: string;
  isPending: boolean;
  onAdd: () => void;
  onCancel: () => void;
}) {
  const c = useText(common);
  return (
    <Group justify="space-between">
      <Button variant="subtle" onClick={onAdd}>
        {addText}
      </Button>
      <Group gap="sm">
        <Button variant="default" onClick={onCancel}>
          {c('cancel')}
        </Button>
        <Button type="submit" loading={isPending}>
          {saveText}
        </Button>
      </Group>
    </Group>
  );
}
