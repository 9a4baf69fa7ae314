import { Button, ButtonRow, Checkbox, Flex, Heading, Input, LoadingButton, Text, Tile } from '@hubspot/ui-extensions';
import { useCallback, useState } from 'react';
import type { ActionOk, ConsentText, FoundPerson } from './card-view.generated.ts';
import { PersonSearch } from './person-search.tsx';
import { RefusalAlert } from './refusal-alert.tsx';
import { useAction } from './use-action.ts';

interface ReferFormProps {
  readonly api: string;
  readonly contactId: string;
  readonly contactName: string;
  /** The side that the record's contact is on. */
  readonly as: 'member' | 'friend';
  /** What the friend is to be told; null where the account has written nothing. */
  readonly consent: ConsentText | null;
  readonly onDone: (message: string) => void;
  readonly onClose: () => void;
}

/** A referral that somebody told the rep of: who, and nothing else. The other side is a contact, or becomes one. */
export function ReferForm({ api, contactId, contactName, as, consent, onDone, onClose }: ReferFormProps) {
  const [chosen, setChosen] = useState<FoundPerson | null>(null);
  const [isNew, setIsNew] = useState(false);
  const [firstName, setFirstName] = useState('');
  const [lastName, setLastName] = useState('');
  const [email, setEmail] = useState('');
  const [isTold, setIsTold] = useState(false);
  const done = useCallback((answer: ActionOk) => onDone(answer.message), [onDone]);
  const { busy, refusal, run } = useAction(api, 'refer', done);
  const isFilled = chosen !== null || (isNew && [firstName, lastName, email].some((text) => text.trim() !== ''));

  function send(): void {
    const person = { firstName: textOf(firstName), lastName: textOf(lastName), email: textOf(email) };
    const told = consent !== null && isTold ? { version: consent.version, language: consent.language } : null;
    run({ contactId, as, other: chosen === null ? person : { contactId: chosen.contactId }, consent: told });
  }

  return (
    <Tile compact={true}>
      <Flex direction="column" gap="sm">
        <Heading>{as === 'member' ? `${contactName} referred a friend` : `Who referred ${contactName}?`}</Heading>
        {!isNew && (
          <PersonSearch
            api={api}
            label={as === 'member' ? 'Friend' : 'Referred by'}
            chosen={chosen}
            onChoose={setChosen}
          />
        )}
        {isNew && (
          <Flex direction="column" gap="xs">
            <Text>A contact is created in HubSpot, unless one has this e-mail address.</Text>
            <Input
              name="firstName"
              label="First name"
              value={firstName}
              onInput={setFirstName}
              onChange={setFirstName}
            />
            <Input name="lastName" label="Last name" value={lastName} onInput={setLastName} onChange={setLastName} />
            <Input name="email" label="E-mail address" value={email} onInput={setEmail} onChange={setEmail} />
          </Flex>
        )}
        {chosen === null && (
          <Button size="xs" variant="transparent" onClick={() => setIsNew(!isNew)}>
            {isNew ? 'Search for a contact instead' : 'Not a contact yet? Create one'}
          </Button>
        )}
        {consent !== null && (
          <Flex direction="column" gap="xs">
            <Text format={{ fontWeight: 'demibold' }}>Tell the friend before you record it:</Text>
            <Text>{consent.text}</Text>
            <Checkbox name="told" checked={isTold} onChange={setIsTold}>
              The friend was told this and agrees
            </Checkbox>
          </Flex>
        )}
        <RefusalAlert refusal={refusal} />
        <ButtonRow>
          <LoadingButton variant="primary" size="sm" loading={busy} disabled={!isFilled} onClick={send}>
            Record the referral
          </LoadingButton>
          <Button size="sm" onClick={onClose}>
            Cancel
          </Button>
        </ButtonRow>
      </Flex>
    </Tile>
  );
}

function textOf(text: string): string | null {
  return text.trim() === '' ? null : text.trim();
}
