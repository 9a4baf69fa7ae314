import { Flex, Heading, Text, Tile } from '@hubspot/ui-extensions';
import { AskActions } from './ask-actions.tsx';
import { AskRow } from './ask-row.tsx';
import type { CardView } from './card-view.generated.ts';
import type { ConnectedProps } from './connected.tsx';

interface AskPanelProps extends Pick<ConnectedProps, 'actions' | 'format'> {
  readonly view: CardView;
  readonly api: string;
  readonly onDone: (message: string) => void;
  readonly isShort?: boolean;
}

/** Whether to ask this contact for a referral now, and the ways to do it. */
export function AskPanel({ view, api, actions, format, onDone, isShort = false }: AskPanelProps) {
  const { ask, member } = view;
  if (ask === undefined) return null;
  const message = member?.askMessage;
  // The sidebar has room for what is to be done now.
  const mayAsk = view.mayAct === true && (!isShort || ask.verdict === 'now');
  return (
    <Tile compact={true}>
      <Flex direction="column" gap="xs">
        <Heading>Ask for a referral?</Heading>
        <AskRow ask={ask} format={format} isShort={isShort} />
        {mayAsk && message !== undefined && (
          <AskActions view={view} message={message} api={api} actions={actions} onDone={onDone} />
        )}
        {mayAsk && message === undefined && ask.verdict === 'now' && (
          <Text variant="microcopy">Make a share link first: with it the question has something to pass on.</Text>
        )}
      </Flex>
    </Tile>
  );
}
