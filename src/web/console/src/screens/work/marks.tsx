import { Anchor, Badge } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { fieldWords, type Stage, type State } from './words.ts';

const STAGE_COLOURS: Readonly<Record<Stage, string>> = {
  submitted: 'gray',
  accepted: 'blue',
  qualified: 'blue',
  opportunity: 'indigo',
  won: 'teal',
  lost: 'red',
  declined: 'red',
  expired: 'gray',
};

const STATE_COLOURS: Readonly<Record<State, string>> = {
  held: 'yellow',
  in_review: 'orange',
  approved: 'blue',
  issuing: 'blue',
  issued: 'teal',
  redeemed: 'teal',
  failed: 'red',
  voided: 'gray',
  expired: 'gray',
  clawed_back: 'red',
};

/** A word in a quiet field of its colour; the colour says nothing that the word does not. */
export function Mark({ color, children }: { color: string; children: ReactNode }) {
  return (
    <Badge
      variant="default"
      tt="none"
      fw={500}
      radius="sm"
      // Never shortened: it is the whole of what the cell says.
      miw="max-content"
      leftSection={
        <span
          aria-hidden
          style={{
            display: 'inline-block',
            width: 8,
            height: 8,
            borderRadius: 4,
            background: `var(--mantine-color-${color}-6)`,
          }}
        />
      }
    >
      {children}
    </Badge>
  );
}

export function StageMark({ stage }: { stage: Stage }) {
  const word = useText(fieldWords);
  return <Mark color={STAGE_COLOURS[stage]}>{word(`stage_${stage}`)}</Mark>;
}

export function StateMark({ state }: { state: State }) {
  const word = useText(fieldWords);
  return <Mark color={STATE_COLOURS[state]}>{word(`state_${state}`)}</Mark>;
}

/** A day or an amount, which nobody reads in two lines. */
export function Line({ children }: { children: ReactNode }) {
  return <span style={{ whiteSpace: 'nowrap' }}>{children}</span>;
}

/** A sentence in a table: wide enough that a narrow screen does not make a tower of it. */
export function Sentence({ children }: { children: ReactNode }) {
  return <span style={{ display: 'inline-block', minWidth: 220 }}>{children}</span>;
}

/** To another page of the same account. */
export function To({ path, children }: { path: string; children: ReactNode }) {
  const { account } = useAccount();
  return (
    <Anchor component={Link} to={`/${account.id}/${path}`} size="sm" style={{ overflowWrap: 'anywhere' }}>
      {children}
    </Anchor>
  );
}
