import { Button, ButtonRow, Flex, Heading, LoadingButton, Select, TextArea, Tile } from '@hubspot/ui-extensions';
import { useCallback, useState } from 'react';
import type { ActionOk, FoundPerson } from './card-view.generated.ts';
import { PersonSearch } from './person-search.tsx';
import { RefusalAlert } from './refusal-alert.tsx';
import { useAction } from './use-action.ts';
import { CLAIM_LABELS } from './words.ts';

interface DisputeFormProps {
  readonly api: string;
  readonly referralId: string;
  readonly about: string;
  readonly onDone: (message: string) => void;
  readonly onClose: () => void;
}

const NOTE_LENGTH_MAX = 2_000;
const FIRST_CLAIM = 'not_rewarded';
/** Only this one has to say to whom the referral should belong. */
const OTHER_MEMBER = 'wrong_member';

/** Something is wrong with a referral: a reviewer gets it, with an owner and a time. */
export function DisputeForm({ api, referralId, about, onDone, onClose }: DisputeFormProps) {
  const [claim, setClaim] = useState(FIRST_CLAIM);
  const [note, setNote] = useState('');
  const [member, setMember] = useState<FoundPerson | null>(null);
  const done = useCallback((answer: ActionOk) => onDone(answer.message), [onDone]);
  const { busy, refusal, run } = useAction(api, 'dispute', done);

  function send(): void {
    const named = claim === OTHER_MEMBER && member !== null ? { memberContactId: member.contactId } : {};
    run({ referralId, claim, note: note.trim(), ...named });
  }

  return (
    <Tile compact={true}>
      <Flex direction="column" gap="sm">
        <Heading>Dispute about {about}</Heading>
        <Select
          name="claim"
          label="What is wrong?"
          value={claim}
          options={Object.entries(CLAIM_LABELS).map(([value, label]) => ({ value, label }))}
          onChange={(value) => setClaim(String(value))}
        />
        {claim === OTHER_MEMBER && <PersonSearch api={api} label="It should be" chosen={member} onChoose={setMember} />}
        <TextArea
          name="note"
          label="What should the reviewer know?"
          value={note}
          maxLength={NOTE_LENGTH_MAX}
          onInput={setNote}
          onChange={setNote}
        />
        <RefusalAlert refusal={refusal} />
        <ButtonRow>
          <LoadingButton variant="primary" size="sm" loading={busy} disabled={note.trim() === ''} onClick={send}>
            Open the dispute
          </LoadingButton>
          <Button size="sm" onClick={onClose}>
            Cancel
          </Button>
        </ButtonRow>
      </Flex>
    </Tile>
  );
}
