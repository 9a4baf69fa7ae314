import type { IncomingHttpHeaders, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import type { CardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';
import { hubspotManifest } from '../../manifests/hubspot/app.ts';

export interface SeenRequest {
  readonly method: string;
  /** As the vendor called it, query included. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface StubService {
  readonly url: string;
  readonly cardRequests: readonly SeenRequest[];
  readonly webhooks: readonly SeenRequest[];
  answerCardWith(answer: CardResponse): void;
  close(): Promise<void>;
}

const NOT_SET = { ok: false, code: 'unavailable', message: 'No answer was set.' } as const;

/** Stands where Wonward's service will: takes webhooks, answers the card. Decides nothing. */
export async function startStubService(): Promise<StubService> {
  const cardRequests: SeenRequest[] = [];
  const webhooks: SeenRequest[] = [];
  let answer: CardResponse = NOT_SET;
  const app = express().use(express.text({ type: () => true, limit: '2mb' }));
  const seen = ({ method, originalUrl, headers, body }: express.Request): SeenRequest => ({
    method,
    url: originalUrl,
    headers,
    body: typeof body === 'string' ? body : '',
  });
  for (const { apiPath, objectTypes } of hubspotManifest.cards) {
    app.get(apiPath, (request, response) => {
      cardRequests.push(seen(request));
      // Cards of other records read answers of their own.
      response.json(objectTypes.includes('contacts') ? answer : NOT_SET);
    });
  }
  app.post(hubspotManifest.webhooks.path, (request, response) => {
    webhooks.push(seen(request));
    response.json({});
  });
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cardRequests,
    webhooks,
    answerCardWith(next) {
      answer = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
