import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text.ts';
import { Dialog } from './dialog.tsx';
import { common } from './texts.ts';

/** A button that says what it will do before it does it, for what cannot be undone. */
export function ConfirmButton({
  label,
  title,
  children,
  onConfirm,
  loading,
  color = 'red',
  size = 'xs',
  variant = 'subtle',
}: {
  label: string;
  title: string;
  children: ReactNode;
  onConfirm: () => void;
  loading?: boolean;
  color?: string;
  size?: string;
  /** Filled where it is what the page is for. */
  variant?: 'subtle' | 'filled';
}) {
  const t = useText(common);
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button size={size} variant={variant} color={color} onClick={open} loading={loading}>
        {label}
      </Button>
      <Dialog opened={opened} onClose={close} title={title}>
        <Stack>
          <Text size="sm" component="div">
            {children}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" onClick={close} data-autofocus>
              {t('cancel')}
            </Button>
            <Button
              color={color}
              onClick={() => {
                close();
                onConfirm();
              }}
            >
              {label}
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
