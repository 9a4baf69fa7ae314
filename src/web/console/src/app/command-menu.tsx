import { Group, ScrollArea, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { useText } from '../i18n/text.ts';
import DialogWindow from '../parts/dialog-window.tsx';
import { SCREENS } from './screens.tsx';
import { useAccount } from './session.tsx';
import { shellText } from './texts.ts';

/** People of each kind that are shown; whoever looks for more opens the list. */
const FOUND_MAX = 5;
/** One letter names half of everybody. */
const SEARCH_LENGTH_MIN = 2;
/** What a person who types quickly needs between two letters. */
const TYPING_MS = 200;

interface Place {
  readonly key: string;
  readonly label: string;
  readonly kind: string;
  readonly path: string;
}

/** Every screen and everybody, by some letters of their names and without the mouse. */
export default function CommandMenu({ onClose }: { onClose: () => void }) {
  const t = useText(shellText);
  const { account } = useAccount();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const places = [...usePlaces(text), ...usePeople(text)];
  const chosen = Math.min(at, places.length - 1);
  const listId = useId();
  const shown = useRef<HTMLDivElement>(null);

  useEffect(() => {
    shown.current?.querySelector(`[data-at="${chosen}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  function open(place: Place | undefined): void {
    if (!place) return;
    onClose();
    void navigate({ to: `/${account.id}/${place.path}` as string });
  }

  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && places.length > 0) {
      event.preventDefault();
      setAt((chosen + step + places.length) % places.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      open(places[chosen]);
    }
  }

  return (
    <DialogWindow opened onClose={onClose} title={t('goTo')} size="lg">
      <Stack gap="sm">
        <TextInput
          data-autofocus
          role="combobox"
          aria-label={t('goTo')}
          aria-expanded
          aria-controls={listId}
          aria-activedescendant={places.length === 0 ? undefined : `${listId}-${chosen}`}
          aria-autocomplete="list"
          autoComplete="off"
          placeholder={t('goToWhat')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={({ currentTarget }) => {
            setText(currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
        <ScrollArea.Autosize mah={360} viewportProps={{ tabIndex: -1 }}>
          <div ref={shown} id={listId} role="listbox" aria-label={t('goTo')}>
            {places.map((place, index) => (
              <UnstyledButton
                key={place.key}
                id={`${listId}-${index}`}
                data-at={index}
                role="option"
                aria-selected={index === chosen}
                tabIndex={-1}
                w="100%"
                px="sm"
                py={8}
                bdrs="sm"
                bg={index === chosen ? 'var(--mantine-color-brand-light)' : undefined}
                onMouseMove={() => setAt(index)}
                onClick={() => open(place)}
              >
                <Group justify="space-between" wrap="nowrap">
                  <Text size="sm" truncate>
                    {place.label}
                  </Text>
                  <Text size="xs" style={{ flexShrink: 0 }}>
                    {place.kind}
                  </Text>
                </Group>
              </UnstyledButton>
            ))}
          </div>
        </ScrollArea.Autosize>
        <Text size="sm" c="dimmed" role="status">
          {places.length === 0 ? t('goToNothing') : ''}
        </Text>
      </Stack>
    </DialogWindow>
  );
}

function usePlaces(text: string): readonly Place[] {
  const t = useText(shellText);
  const { may } = useAccount();
  const wanted = text.trim().toLocaleLowerCase();
  return SCREENS.flatMap(({ path, permission, nav }) => {
    if (!nav || !may(permission)) return [];
    const label = t(nav.label);
    return label.toLocaleLowerCase().includes(wanted) ? [{ key: path, label, kind: t(nav.group), path }] : [];
  });
}

function usePeople(text: string): readonly Place[] {
  const t = useText(shellText);
  const { api, account, may } = useAccount();
  const [wanted] = useDebouncedValue(text.trim(), TYPING_MS);
  const isAsked = wanted.length >= SEARCH_LENGTH_MIN && may('referrals.read');
  const query = useQuery({
    queryKey: [account.id, 'go-to', wanted],
    enabled: isAsked,
    placeholderData: keepPreviousData,
    async queryFn() {
      const limit = FOUND_MAX;
      const [members, referrals] = await Promise.all([
        api.GET('/members', { params: { query: { limit, search: wanted } } }),
        api.GET('/referrals', { params: { query: { limit, friend: wanted } } }),
      ]);
      return { members: members.data?.items ?? [], referrals: referrals.data?.items ?? [] };
    },
  });
  if (!isAsked || query.data === undefined) return [];
  return [
    ...query.data.members.map(({ id, name, email, code }) => ({
      key: id,
      label: name ?? email ?? code,
      kind: t('member'),
      path: `members/${id}`,
    })),
    ...query.data.referrals.map(({ id, friend }) => ({
      key: id,
      label: friend.name ?? friend.email ?? id,
      kind: t('referral'),
      path: `referrals/${id}`,
    })),
  ];
}
