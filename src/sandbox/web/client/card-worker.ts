import { retain } from '@remote-ui/core';
import * as RemoteUI from '@remote-ui/react';
import { createEndpoint, type MessageEndpoint } from '@remote-ui/rpc';
import * as React from 'react';
import type { CardContext, CardFetchRequest, CardHost, CardWorker } from './card-protocol.ts';

/**
 * The worker that a card runs in. It puts the same names on the global as HubSpot's does (read off @hubspot/ui-extensions
 * 0.17.0), then loads the production bundle unchanged.
 */

type Render = (api: {
  context: CardContext;
  actions: Omit<CardHost, 'fetch'>;
  runServerlessFunction: () => never;
}) => React.ReactElement;

interface CardFetchOptions {
  readonly method?: string;
  readonly timeout?: number;
  readonly body?: unknown;
  readonly headers?: Headers | Record<string, string>;
}

/** Limits of hubspot.fetch, held here too, so that what works locally works there. */
const MAX_BYTES = 1_000_000;
const MAX_TIMEOUT_MS = 15_000;
const ALLOWED_HEADERS = ['authorization'];

const scope = globalThis as unknown as Record<string, unknown> & { importScripts(url: string): void };

const worker: CardWorker = {
  async start(channel, scriptUrl, context, host) {
    retain(channel);
    retain(host);
    const root = RemoteUI.createRemoteRoot(channel);
    const api = { context, actions: actionsOf(host), runServerlessFunction: refuse };
    Object.assign(scope, {
      __HUBSPOT_EXTENSION_WORKER__: true,
      React,
      RemoteUI,
      logger: console,
      hsFetch: (url: string | URL, options?: CardFetchOptions) => hsFetch(host, url, options),
      hsWorkerAPI: {
        useExtensionContext: () => api.context,
        useExtensionActions: () => api.actions,
        useExtensionApi: () => api,
        // The app has one page so far.
        useAppPageLocation: () => ({ path: '/', params: {} }),
      },
      extend_V2: (render: Render) => {
        RemoteUI.createRoot(root).render(render(api));
        root.mount();
      },
    });
    scope.importScripts(scriptUrl);
  },
};

createEndpoint(scope as unknown as MessageEndpoint).expose({ ...worker });

async function hsFetch(host: CardHost, url: string | URL, options: CardFetchOptions = {}): Promise<Response> {
  const headers = Object.fromEntries(new Headers(options.headers));
  const foreign = Object.keys(headers).filter((name) => !ALLOWED_HEADERS.includes(name));
  if (foreign.length > 0) throw new Error(`hubspot.fetch sends no header but Authorization, not ${foreign.join()}`);
  const body = options.body === undefined ? null : JSON.stringify(options.body);
  if (body !== null && body.length > MAX_BYTES) throw new Error('hubspot.fetch sends no more than 1 MB');
  const request: CardFetchRequest = {
    url: String(url),
    method: options.method ?? 'GET',
    headers,
    body,
    timeoutMs: Math.min(options.timeout ?? MAX_TIMEOUT_MS, MAX_TIMEOUT_MS),
  };
  const answer = await host.fetch(request);
  if (answer.body.length > MAX_BYTES) throw new Error('hubspot.fetch takes no more than 1 MB');
  return new Response(answer.body, { status: answer.status, headers: { 'content-type': answer.contentType } });
}

function actionsOf({ fetch: _, ...actions }: CardHost): Omit<CardHost, 'fetch'> {
  return actions;
}

function refuse(): never {
  throw new Error('Marketplace apps have no serverless functions.');
}
