import { useContext, useState } from 'react';
import type { DeliveryView } from '../source.ts';
import { useAnnounce } from './alerts.tsx';
import type { PageApi } from './page-api.ts';
import { TimeZone } from './time-zone.ts';
import { useLive } from './use-live.ts';
import { timeText } from './words.ts';

interface DeliveriesPanelProps {
  readonly api: PageApi;
  readonly portalId: number;
  readonly limit: number;
}

export function DeliveriesPanel({ api, portalId, limit }: DeliveriesPanelProps) {
  const { value, problem, refresh } = useLive(() => api.deliveries(portalId), `deliveries ${portalId}`);
  const announce = useAnnounce();
  const timeZone = useContext(TimeZone);
  const [busy, setBusy] = useState<string | null>(null);

  async function sendAgain({ id }: DeliveryView): Promise<void> {
    setBusy(id);
    try {
      await api.sendAgain(portalId, id);
      announce({ type: 'success', message: 'Webhook sent again.' });
    } catch (error) {
      announce({ type: 'danger', message: `Not sent: ${error instanceof Error ? error.message : String(error)}` });
    }
    setBusy(null);
    refresh();
  }

  return (
    <section className="panel" aria-labelledby="deliveries-title">
      <h2 id="deliveries-title">Webhook deliveries</h2>
      {problem !== null && <p className="problem">{problem}</p>}
      {value?.length === 0 && <p className="quiet">Nothing was sent yet. Change a deal and look here.</p>}
      <ul className="deliveries">
        {value?.slice(0, limit).map((delivery) => (
          <li key={delivery.id}>
            <span className={`delivery-status is-${delivery.outcome}`}>{statusText(delivery)}</span>
            <span className="delivery-when">
              {timeText(delivery.at, timeZone)}
              {delivery.attempts > 1 && ` · ${delivery.attempts} attempts`}
            </span>
            <button
              type="button"
              className="small-button"
              disabled={busy === delivery.id}
              aria-label={`Send again: ${summary(delivery.events)}, ${timeText(delivery.at, timeZone)}`}
              onClick={() => void sendAgain(delivery)}
            >
              Send again
            </button>
            <span className="delivery-what">{summary(delivery.events)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function statusText({ status, outcome }: DeliveryView): string {
  if (status !== null) return String(status);
  return outcome === 'pending' ? 'Sending' : 'No answer';
}

function summary(events: readonly string[]): string {
  const [first = 'empty', ...others] = events;
  return others.length === 0 ? first : `${first} and ${others.length} more`;
}
