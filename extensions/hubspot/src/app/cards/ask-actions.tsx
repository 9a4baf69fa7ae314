import { Button, ButtonRow, type ExtensionPointApiActions, Flex, LoadingButton, Text } from '@hubspot/ui-extensions';
import { CrmActionButton } from '@hubspot/ui-extensions/crm';
import { useCallback } from 'react';
import type { ActionOk, AskMessage, CardView } from './card-view.generated.ts';
import { copyText } from './copy-text.ts';
import { RefusalAlert } from './refusal-alert.tsx';
import { useAction } from './use-action.ts';

const CONTACT_TYPE = '0-1';

interface AskActionsProps {
  readonly view: CardView;
  readonly message: AskMessage;
  readonly api: string;
  readonly actions: Pick<ExtensionPointApiActions<'crm.record.tab'>, 'addAlert' | 'copyTextToClipboard'>;
  readonly onDone: (message: string) => void;
}

/**
 * Asking itself: HubSpot's own composer opens with the question in it, and the question lies in the clipboard too, should the composer not
 * take it over. Every way is noted, so that nobody is asked again too soon.
 */
export function AskActions({ view, message, api, actions, onDone }: AskActionsProps) {
  const done = useCallback((answer: ActionOk) => onDone(answer.message), [onDone]);
  const { busy, refusal, run } = useAction(api, 'asked', done);
  const contactId = view.contact.id;
  const isUnsubscribed = view.ask?.verdict === 'no';

  async function copy(): Promise<void> {
    if (await copyText(actions, message.text, 'Question with the link')) run({ contactId, way: 'copied' });
  }

  function write(): void {
    // Without a word: the composer is in front of the card now.
    actions.copyTextToClipboard(message.text).catch(() => undefined);
    run({ contactId, way: 'email' });
  }

  return (
    <Flex direction="column" gap="xs">
      <ButtonRow>
        {!isUnsubscribed && (
          <CrmActionButton
            actionType="SEND_EMAIL"
            actionContext={{
              objectTypeId: CONTACT_TYPE,
              objectId: Number(contactId),
              initialEmailSubject: message.subject,
              initialEmailBody: message.text,
            }}
            size="sm"
            onClick={write}
            onError={(errors) => actions.addAlert({ type: 'danger', message: composerProblem(errors) })}
          >
            Ask by e-mail
          </CrmActionButton>
        )}
        <Button size="sm" onClick={() => void copy()}>
          Copy the question
        </Button>
        <LoadingButton size="sm" loading={busy} onClick={() => run({ contactId, way: 'spoken' })}>
          I have asked
        </LoadingButton>
      </ButtonRow>
      {!isUnsubscribed && (
        <Text variant="microcopy">
          “Ask by e-mail” opens HubSpot’s e-mail with the question and the share link; they are in your clipboard, too.
        </Text>
      )}
      <RefusalAlert refusal={refusal} />
    </Flex>
  );
}

function composerProblem(errors: readonly string[]): string {
  const why = errors.length === 0 ? '' : ` It says: ${errors.join(' ')}`;
  return `HubSpot did not open its e-mail.${why} The question is in your clipboard.`;
}
