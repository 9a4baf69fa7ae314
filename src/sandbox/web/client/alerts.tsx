import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import type { Alert } from './card-protocol.ts';

type Announce = (alert: Alert) => void;

const AnnounceContext = createContext<Announce>(() => undefined);
const MAX_SHOWN = 3;

export function useAnnounce(): Announce {
  return useContext(AnnounceContext);
}

/** Short news in the corner. They stay until closed: one that goes by itself is missed by whoever reads slowly. */
export function Alerts({ children }: { readonly children: ReactNode }) {
  const [alerts, setAlerts] = useState<readonly (Alert & { readonly id: number })[]>([]);
  const announce = useCallback<Announce>((alert) => {
    setAlerts((before) => [...before.slice(1 - MAX_SHOWN), { ...alert, id: (before.at(-1)?.id ?? 0) + 1 }]);
  }, []);
  const list = useMemo(
    () =>
      alerts.map((alert) => (
        <li key={alert.id} className={`toast is-${alert.type ?? 'info'}`}>
          <span>
            {alert.title !== undefined && <strong>{alert.title} </strong>}
            {alert.message}
          </span>
          <button
            type="button"
            aria-label="Close this message"
            onClick={() => setAlerts((before) => before.filter(({ id }) => id !== alert.id))}
          >
            ×
          </button>
        </li>
      )),
    [alerts],
  );
  return (
    <AnnounceContext.Provider value={announce}>
      {children}
      <ul className="toasts" aria-live="polite" aria-label="Messages">
        {list}
      </ul>
    </AnnounceContext.Provider>
  );
}
