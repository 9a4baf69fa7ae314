import { Button, Flex, LoadingButton, SearchInput, Text } from '@hubspot/ui-extensions';
import { useEffect, useRef, useState } from 'react';
import type { FoundPerson } from './card-view.generated.ts';
import { fetchPeople } from './fetch-card.ts';
import { count } from './words.ts';

interface PersonSearchProps {
  readonly api: string;
  readonly label: string;
  readonly chosen: FoundPerson | null;
  readonly onChoose: (person: FoundPerson | null) => void;
}

/** Finds a contact of the portal by name or address. Asked for by a click and not by each letter: HubSpot allows five searches a second. */
export function PersonSearch({ api, label, chosen, onChoose }: PersonSearchProps) {
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  const [said, setSaid] = useState('');
  const [people, setPeople] = useState<readonly FoundPerson[]>([]);
  const newest = useRef(0);

  useEffect(
    () => () => {
      newest.current += 1;
    },
    [],
  );

  async function search(): Promise<void> {
    const wanted = text.trim();
    if (wanted === '') return;
    newest.current += 1;
    const mine = newest.current;
    setBusy(true);
    const answer = await fetchPeople(api, wanted);
    if (mine !== newest.current) return;
    setBusy(false);
    setPeople(answer.ok ? answer.people : []);
    setSaid(
      answer.ok ? `${count(answer.people.length, 'contact', 'contacts')} found for “${wanted}”.` : answer.message,
    );
  }

  if (chosen !== null) {
    return (
      <Flex direction="row" gap="sm" align="center" wrap="wrap">
        <Text>
          <Text inline={true} format={{ fontWeight: 'demibold' }}>
            {label}:
          </Text>{' '}
          {nameOf(chosen)}
        </Text>
        <Button size="xs" onClick={() => onChoose(null)}>
          Choose somebody else
        </Button>
      </Flex>
    );
  }
  return (
    <Flex direction="column" gap="xs">
      <Flex direction="row" gap="sm" align="end" wrap="wrap">
        <SearchInput
          name="person"
          label={label}
          placeholder="Name or e-mail address"
          value={text}
          onInput={setText}
          onChange={setText}
        />
        <LoadingButton size="sm" loading={busy} onClick={() => void search()}>
          Search
        </LoadingButton>
      </Flex>
      {said !== '' && <Text variant="microcopy">{said}</Text>}
      {people.map((person) => (
        <Button key={person.contactId} size="xs" variant="transparent" onClick={() => onChoose(person)}>
          {nameOf(person)}
        </Button>
      ))}
    </Flex>
  );
}

function nameOf({ name, email }: FoundPerson): string {
  return email === null || email === name ? name : `${name} (${email})`;
}
