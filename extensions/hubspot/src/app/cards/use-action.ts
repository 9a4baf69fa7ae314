import { useCallback, useRef, useState } from 'react';
import type { ActionOk, ActionRefused } from './card-view.generated.ts';
import { sendAction } from './fetch-card.ts';
import { newKey } from './new-key.ts';

export interface Action {
  readonly busy: boolean;
  /** Why the last one was refused; null after one that was done. */
  readonly refusal: ActionRefused | null;
  /** Does nothing while one is under way: a second click is the same click. */
  readonly run: (body: Readonly<Record<string, unknown>>) => void;
}

/** One thing that a reader can do on the card; `onDone` hears of what came of it. */
export function useAction(api: string, action: string, onDone: (answer: ActionOk) => void): Action {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<ActionRefused | null>(null);
  const running = useRef(false);
  // What nobody answered goes on under its key when the reader tries again with the same words.
  const open = useRef<{ readonly text: string; readonly key: string } | null>(null);

  const run = useCallback(
    (body: Readonly<Record<string, unknown>>) => {
      if (running.current) return;
      running.current = true;
      setBusy(true);
      setRefusal(null);
      const text = JSON.stringify(body);
      const key = open.current?.text === text ? open.current.key : newKey();
      open.current = { text, key };
      void sendAction(api, action, { ...body, key }).then((answer) => {
        running.current = false;
        setBusy(false);
        if (!answer.ok && answer.code === 'unavailable') return setRefusal(answer);
        open.current = null;
        if (answer.ok) onDone(answer);
        else setRefusal(answer);
      });
    },
    [api, action, onDone],
  );
  return { busy, refusal, run };
}
