import { Button, ButtonRow, Flex, LoadingButton } from '@hubspot/ui-extensions';
import { useCallback, useState } from 'react';
import type { ActionOk, CardView } from './card-view.generated.ts';
import { ReferForm } from './refer-form.tsx';
import { RefusalAlert } from './refusal-alert.tsx';
import { useAction } from './use-action.ts';

interface ActionsPanelProps {
  readonly view: CardView;
  readonly api: string;
  readonly onDone: (message: string) => void;
}

/** What a rep can do here, for those who may. */
export function ActionsPanel({ view, api, onDone }: ActionsPanelProps) {
  const [open, setOpen] = useState<'member' | 'friend' | null>(null);
  const { contact, member, referredBy } = view;
  const done = useCallback((answer: ActionOk) => onDone(answer.message), [onDone]);
  const link = useAction(api, 'share-link', done);
  const referred = useCallback(
    (message: string) => {
      setOpen(null);
      onDone(message);
    },
    [onDone],
  );

  if (open !== null) {
    return (
      <ReferForm
        api={api}
        contactId={contact.id}
        contactName={contact.name}
        as={open}
        consent={view.consent ?? null}
        onDone={referred}
        onClose={() => setOpen(null)}
      />
    );
  }
  return (
    <Flex direction="column" gap="xs">
      <ButtonRow>
        <Button size="sm" onClick={() => setOpen('member')}>
          Enter a referral by this contact
        </Button>
        {referredBy === null && (
          <Button size="sm" onClick={() => setOpen('friend')}>
            This contact was referred by …
          </Button>
        )}
        {member === null && (
          <LoadingButton size="sm" loading={link.busy} onClick={() => link.run({ contactId: contact.id })}>
            Make a share link
          </LoadingButton>
        )}
      </ButtonRow>
      <RefusalAlert refusal={link.refusal} />
    </Flex>
  );
}
