import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { trialText } from './trial-texts.ts';

/** Moments as the service takes them; open where nothing is said. */
export interface Period {
  readonly from?: string;
  readonly to?: string;
}

/** A day of the calendar as the moment that it begins, in UTC; nothing where none is said. */
function periodOf(from: string, to: string): Period {
  return {
    ...(from === '' ? {} : { from: `${from}T00:00:00Z` }),
    ...(to === '' ? {} : { to: `${to}T00:00:00Z` }),
  };
}

/** Over which time a draft is tried. */
export function TryForm({
  label,
  isTried,
  isSound,
  isPending,
  onTry,
}: {
  label: string;
  /** What is written now was tried already. */
  isTried: boolean;
  isSound: boolean;
  isPending: boolean;
  onTry: (period: Period) => void;
}) {
  const t = useText(trialText);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  return (
    <Group align="flex-end" gap="sm">
      <TextInput
        type="date"
        label={t('tryFrom')}
        value={from}
        onChange={({ currentTarget }) => setFrom(currentTarget.value)}
      />
      <TextInput
        type="date"
        label={t('tryTo')}
        value={to}
        onChange={({ currentTarget }) => setTo(currentTarget.value)}
      />
      <Button
        variant={isTried ? 'default' : 'filled'}
        loading={isPending}
        disabled={!isSound}
        onClick={() => onTry(periodOf(from, to))}
      >
        {label}
      </Button>
    </Group>
  );
}
