import { Button } from '@hubspot/ui-extensions';
import { useState } from 'react';
import { DisputeForm } from './dispute-form.tsx';

interface DisputeButtonProps {
  readonly api: string;
  readonly referralId: string;
  readonly about: string;
  readonly onDone: (message: string) => void;
}

export function DisputeButton({ api, referralId, about, onDone }: DisputeButtonProps) {
  const [isOpen, setIsOpen] = useState(false);
  if (!isOpen) {
    return (
      <Button size="xs" variant="transparent" onClick={() => setIsOpen(true)}>
        Something is wrong with {about}
      </Button>
    );
  }
  const close = () => setIsOpen(false);
  return (
    <DisputeForm
      api={api}
      referralId={referralId}
      about={about}
      onClose={close}
      onDone={(message) => {
        close();
        onDone(message);
      }}
    />
  );
}
