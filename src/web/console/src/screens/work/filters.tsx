import { Button, CloseButton, Group, NativeSelect, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Empty } from '../../parts/states.tsx';
import { nameOf } from './people.ts';
import { workText } from './texts.ts';

/** Long enough that a name is typed to its end, short enough to feel at once. */
const TYPING_MS = 300;

/** What is typed becomes the filter when somebody pauses; what comes from the address is shown. */
export function SearchBox({
  label,
  description,
  value,
  onChange,
}: {
  label: string;
  description?: string;
  value: string | undefined;
  onChange: (value: string | undefined) => void;
}) {
  const [text, setText] = useState(value ?? '');
  const sent = useRef(value ?? '');
  useEffect(() => {
    // Back, a link or a view: the address has changed by something else than typing.
    if ((value ?? '') !== sent.current) {
      sent.current = value ?? '';
      setText(value ?? '');
    }
  }, [value]);
  useEffect(() => {
    const word = text.trim();
    if (word === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = word;
      onChange(word === '' ? undefined : word);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, onChange]);
  return (
    <TextInput
      type="search"
      label={label}
      description={description}
      inputWrapperOrder={['label', 'input', 'description']}
      leftSection={<IconSearch size={16} />}
      value={text}
      maxLength={200}
      miw={260}
      onChange={(event) => setText(event.currentTarget.value)}
    />
  );
}

export function Choice({
  label,
  any,
  options,
  value,
  onChange,
  width = 170,
}: {
  label: string;
  any: string;
  options: readonly { readonly value: string; readonly label: string }[];
  value: string | undefined;
  onChange: (value: string | undefined) => void;
  width?: number;
}) {
  return (
    <NativeSelect
      label={label}
      data={[{ value: '', label: any }, ...options]}
      value={value ?? ''}
      w={width}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
    />
  );
}

/** A list of one member's says whose, and lets go of it. */
export function OfMember({ memberId, onRemove }: { memberId: string; onRemove: () => void }) {
  const t = useText(workText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'member', memberId],
    queryFn: async () => (await api.GET('/members/{memberId}', { params: { path: { memberId } } })).data,
  });
  return (
    <Group gap={4} pb={6}>
      <Text size="sm">{t('ofMember', { name: nameOf(query.data, query.data?.code ?? memberId) })}</Text>
      <CloseButton size="sm" aria-label={t('remove')} onClick={onRemove} />
    </Group>
  );
}

/** There is nothing: either nothing at all, or nothing that the filters let through. */
export function NothingFound({
  isFiltered,
  title,
  what,
  onClear,
}: {
  isFiltered: boolean;
  title: string;
  what: string;
  onClear: () => void;
}) {
  const t = useText(workText);
  if (!isFiltered)
    return (
      <Empty title={title}>
        <Text size="sm" ta="center">
          {what}
        </Text>
      </Empty>
    );
  return (
    <Empty title={t('noMatch')}>
      <Button variant="default" size="xs" onClick={onClear}>
        {t('clear')}
      </Button>
    </Empty>
  );
}
