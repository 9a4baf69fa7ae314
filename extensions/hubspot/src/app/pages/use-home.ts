import { useCallback, useEffect, useRef, useState } from 'react';
import { fetchHome } from './fetch-home.ts';
import type { HomeError, HomeView } from './home-view.generated.ts';

export interface Home {
  /** What was read last; null until something was. */
  readonly view: HomeView | null;
  /** Why the last reading failed. */
  readonly problem: HomeError | null;
  readonly isReading: boolean;
  readonly refresh: () => void;
}

export function useHome(api: string): Home {
  const [view, setView] = useState<HomeView | null>(null);
  const [problem, setProblem] = useState<HomeError | null>(null);
  const [isReading, setReading] = useState(true);
  // A slow answer must not overwrite a newer one.
  const newest = useRef(0);

  const refresh = useCallback(() => {
    newest.current += 1;
    const mine = newest.current;
    setReading(true);
    void fetchHome(api).then((answer) => {
      if (mine !== newest.current) return;
      setReading(false);
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setView(answer.data);
      // A portal that is connected no longer must not be shown from memory.
      else if (answer.code === 'not_connected') setView(null);
    });
  }, [api]);

  useEffect(() => {
    refresh();
    return () => {
      newest.current += 1;
    };
  }, [refresh]);

  return { view, problem, isReading, refresh };
}
