import { useCallback, useEffect, useRef, useState } from 'react';

/** Short enough that a moved deal is seen at once, long enough to leave the server alone. */
const POLL_MS = 1_000;

export interface Live<T> {
  readonly value: T | null;
  readonly problem: string | null;
  /** Reads now, without waiting for the next turn. */
  readonly refresh: () => void;
}

/** Reads again and again while the page is visible. Equal answers keep the old object, so nothing is drawn for nothing. */
export function useLive<T>(read: () => Promise<T>, key: string): Live<T> {
  const [value, setValue] = useState<T | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const text = useRef('');
  const reader = useRef(read);
  reader.current = read;

  const refresh = useCallback(async () => {
    try {
      const fresh = await reader.current();
      const freshText = JSON.stringify(fresh);
      setProblem(null);
      if (freshText === text.current) return;
      text.current = freshText;
      setValue(fresh);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  }, []);

  // Another key is another thing to read
  useEffect(() => {
    text.current = '';
    setValue(null);
    void refresh();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void refresh();
    }, POLL_MS);
    return () => clearInterval(timer);
  }, [refresh, key]);

  return { value, problem, refresh };
}
