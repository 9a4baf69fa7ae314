import { useCallback, useEffect, useRef, useState } from 'react';
import { type Change, callSettings } from './call-settings.ts';
import type { SettingsError, SettingsView } from './settings-view.generated.ts';

export interface Settings {
  /** What holds, as far as was read last; null until something was. */
  readonly view: SettingsView | null;
  /** Why the last reading or change failed. */
  readonly problem: SettingsError | null;
  /** What is under way. */
  readonly busy: Change | 'read' | null;
  readonly read: () => void;
  /** True when it holds now. */
  readonly change: (change: Change, body?: Readonly<Record<string, unknown>>) => Promise<boolean>;
}

export function useSettings(api: string): Settings {
  const [view, setView] = useState<SettingsView | null>(null);
  const [problem, setProblem] = useState<SettingsError | null>(null);
  const [busy, setBusy] = useState<Settings['busy']>('read');
  // A slow answer must not overwrite a newer one.
  const newest = useRef(0);

  const ask = useCallback(
    async (change?: Change, body?: Readonly<Record<string, unknown>>): Promise<boolean> => {
      newest.current += 1;
      const mine = newest.current;
      setBusy(change ?? 'read');
      const answer = await callSettings(api, change, body);
      if (mine !== newest.current) return answer.ok;
      setBusy(null);
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setView(answer.data);
      return answer.ok;
    },
    [api],
  );

  useEffect(() => {
    void ask();
    return () => {
      newest.current += 1;
    };
  }, [ask]);

  return { view, problem, busy, read: useCallback(() => void ask(), [ask]), change: ask };
}
