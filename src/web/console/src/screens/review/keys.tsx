import { Kbd, Stack, Switch } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Table } from '../../parts/table.tsx';
import { reviewText } from './texts.ts';

const KEYS = [
  ['J', 'key_next'],
  ['K', 'key_previous'],
  ['Enter', 'key_open'],
  ['X', 'key_select'],
  ['A', 'key_approve'],
  ['H', 'key_hold'],
  ['D', 'key_deny'],
  ['U', 'key_back'],
  ['?', 'key_help'],
] as const;

const STORED = 'wonward.keys';

/** Whoever dictates, or strays over the keyboard, can do without single letters that decide (WCAG 2.1.4). */
export function useKeysChoice(): [boolean, (isOn: boolean) => void] {
  const [isOn, setIsOn] = useState(() => localStorage.getItem(STORED) !== 'off');
  return [
    isOn,
    (next) => {
      localStorage.setItem(STORED, next ? 'on' : 'off');
      setIsOn(next);
    },
  ];
}

export function KeysDialog({
  opened,
  onClose,
  isOn,
  onChange,
}: {
  opened: boolean;
  onClose: () => void;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}) {
  const t = useText(reviewText);
  return (
    <Dialog opened={opened} onClose={onClose} title={t('keysTitle')}>
      <Stack>
        <Switch label={t('keysOn')} checked={isOn} onChange={(event) => onChange(event.currentTarget.checked)} />
        <Table aria-label={t('keysTitle')}>
          <Table.Tbody>
            {KEYS.map(([key, what]) => (
              <Table.Tr key={key}>
                <Table.Td w={90}>
                  <Kbd>{key}</Kbd>
                </Table.Td>
                <Table.Td>{t(what)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Stack>
    </Dialog>
  );
}

const WRITES_IN = 'input, textarea, select, [contenteditable="true"], [role="dialog"]';

/** Single letters, as long as nobody is writing and no dialog is open; a key with Ctrl, Alt or Cmd is the browser's. */
export function useKeys(handlers: Readonly<Record<string, () => void>>, isOn: boolean): void {
  useEffect(() => {
    if (!isOn) return;
    function pressed(event: KeyboardEvent) {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || event.repeat) return;
      if (event.target instanceof Element && event.target.closest(WRITES_IN)) {
        if (!(event.target instanceof HTMLInputElement && event.target.type === 'checkbox')) return;
      }
      const handle = handlers[event.key.toLowerCase()];
      if (!handle) return;
      event.preventDefault();
      handle();
    }
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, [handlers, isOn]);
}
