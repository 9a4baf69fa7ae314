import { Group, Modal } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useText } from '../i18n/text.ts';
import { common } from './texts.ts';

/** Its head is no landmark of the page, as a `header` in it would be. */
export default function DialogWindow({
  opened,
  onClose,
  title,
  size = 'md',
  closeOnClickOutside = true,
  children,
}: {
  opened: boolean;
  onClose: () => void;
  title: string;
  size?: string;
  closeOnClickOutside?: boolean;
  children: ReactNode;
}) {
  const t = useText(common);
  // While it fades out it is called what it was: whoever opened it has nothing to name any more.
  const [name, setName] = useState(title);
  if (opened && title !== name) setName(title);
  return (
    <Modal.Root opened={opened} onClose={onClose} size={size} closeOnClickOutside={closeOnClickOutside}>
      <Modal.Overlay />
      <Modal.Content>
        <Group justify="space-between" wrap="nowrap" p="md" pb={0}>
          <Modal.Title fw={600}>{name}</Modal.Title>
          <Modal.CloseButton aria-label={t('close')} />
        </Group>
        <Modal.Body pt="md">{children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
