import { createContext, type FormEvent, useId, useState } from 'react';

/** A new e-mail as a card has HubSpot open it (SDK 0.17.0: ActivityCreatorActionArgs). */
export interface Draft {
  readonly subject: string;
  readonly text: string;
}

/** Opens the composer; or why it cannot be opened, in HubSpot's place. */
export const OpenComposer = createContext<(draft: Draft) => string | null>(() => 'No e-mail can be written here.');

interface ComposerProps {
  readonly to: string;
  readonly draft: Draft;
  /** `wasSent`: somebody has clicked on Send. Nothing leaves this machine. */
  readonly onClose: (wasSent: boolean) => void;
}

/** Our drawing of HubSpot's one-to-one e-mail. */
export function Composer({ to, draft, onClose }: ComposerProps) {
  const [subject, setSubject] = useState(draft.subject);
  const [text, setText] = useState(draft.text);
  const title = useId();

  function send(event: FormEvent): void {
    event.preventDefault();
    onClose(true);
  }

  return (
    <div className="composer" role="dialog" aria-labelledby={title}>
      <h3 id={title}>New e-mail</h3>
      <p className="quiet">To: {to}</p>
      <form onSubmit={send}>
        <div className="c-field">
          <label htmlFor={`${title} subject`}>Subject</label>
          <input id={`${title} subject`} value={subject} onChange={({ target }) => setSubject(target.value)} />
        </div>
        <div className="c-field">
          <label htmlFor={`${title} text`}>Text</label>
          <textarea id={`${title} text`} rows={7} value={text} onChange={({ target }) => setText(target.value)} />
        </div>
        <p className="quiet">HubSpot would open its own e-mail here. This one sends nothing.</p>
        <div className="c-button-row">
          <button type="submit" className="c-button is-primary is-sm">
            Send
          </button>
          <button type="button" className="c-button is-secondary is-sm" onClick={() => onClose(false)}>
            Discard
          </button>
        </div>
      </form>
    </div>
  );
}
