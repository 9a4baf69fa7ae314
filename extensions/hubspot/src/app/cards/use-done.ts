import { useCallback } from 'react';
import type { CardProps } from './connected.tsx';

/** Says what came of an action, and shows it. */
export function useDone(actions: CardProps['actions'], refresh: () => void): (message: string) => void {
  return useCallback(
    (message: string) => {
      actions.addAlert({ type: 'success', message });
      refresh();
    },
    [actions, refresh],
  );
}
