import { retain } from '@remote-ui/core';
import { createRemoteReceiver, RemoteRenderer } from '@remote-ui/react/host';
import { createEndpoint, fromWebWorker } from '@remote-ui/rpc';
import { useEffect, useMemo, useRef, useState } from 'react';
import type { Alert, CardContext, CardHost, CardWorker, PropertiesCallback } from './card-protocol.ts';
import { Composer, type Draft, OpenComposer } from './composer.tsx';
import { createDrawing } from './host-components.tsx';
import type { PageApi } from './page-api.ts';

interface CardFrameProps {
  readonly context: CardContext;
  readonly properties: Readonly<Record<string, string>>;
  readonly api: PageApi;
  readonly workerUrl: string;
  readonly scriptUrl: string;
  readonly onAlert: (alert: Alert) => void;
}

/** Runs a card's production bundle in a Web Worker and draws the component tree that it sends. */
export function CardFrame({ context, properties, api, workerUrl, scriptUrl, onAlert }: CardFrameProps) {
  const receiver = useMemo(() => createRemoteReceiver(), []);
  const controller = useMemo(createDrawing, []);
  const [crash, setCrash] = useState<string | null>(null);
  const [draft, setDraft] = useState<Draft | null>(null);
  const listeners = useRef(new Set<{ names: readonly string[] | '*'; callback: PropertiesCallback }>());
  const latest = useRef(properties);

  useEffect(() => {
    const before = latest.current;
    latest.current = properties;
    const changed = Object.keys({ ...before, ...properties }).filter((name) => before[name] !== properties[name]);
    if (changed.length === 0) return;
    for (const { names, callback } of listeners.current) {
      const concerned = names === '*' ? changed : changed.filter((name) => names.includes(name));
      if (concerned.length > 0) callback(Object.fromEntries(concerned.map((name) => [name, properties[name] ?? ''])));
    }
  }, [properties]);

  const objectId = context.crm?.objectId;
  const portalId = context.portal.id;
  // A worker lives as long as its record is open, not as long as a render
  useEffect(() => {
    const worker = new Worker(workerUrl);
    const heard = listeners.current;
    const host: CardHost = {
      fetch: (request) => api.fetchAsCard(portalId, request),
      addAlert: onAlert,
      copyTextToClipboard: (text) => navigator.clipboard.writeText(text),
      reloadPage: () => location.reload(),
      refreshObjectProperties: () => undefined,
      fetchCrmObjectProperties: async (names) =>
        names === '*' ? latest.current : Object.fromEntries(names.map((name) => [name, latest.current[name] ?? ''])),
      onCrmPropertiesUpdate(names, callback) {
        retain(callback);
        heard.add({ names, callback });
      },
    };
    worker.addEventListener('error', (event) => setCrash(event.message || 'The card stopped.'));
    const endpoint = createEndpoint<CardWorker>(fromWebWorker(worker), { callable: ['start'] });
    endpoint.call
      .start(receiver.receive, new URL(scriptUrl, location.href).href, context, host)
      .catch((error: unknown) => setCrash(String(error)));
    return () => {
      heard.clear();
      endpoint.terminate();
      worker.terminate();
    };
  }, [objectId, portalId]);

  if (crash !== null) return <p role="alert">The card crashed: {crash}</p>;
  const to = properties.email ?? '';
  return (
    <OpenComposer.Provider
      value={(next) => {
        if (to === '') return 'The contact has no e-mail address.';
        setDraft(next);
        return null;
      }}
    >
      <RemoteRenderer receiver={receiver} controller={controller} />
      {draft !== null && (
        <Composer
          to={to}
          draft={draft}
          onClose={(wasSent) => {
            setDraft(null);
            if (wasSent) onAlert({ type: 'success', message: `Sent to ${to}, if this were HubSpot.` });
          }}
        />
      )}
    </OpenComposer.Provider>
  );
}
