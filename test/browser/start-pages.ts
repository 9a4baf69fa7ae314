import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { hubspotManifest } from '../../manifests/hubspot/app.ts';
import { buildCardBundles, buildPageBundle } from '../../src/sandbox/web/card-bundle.ts';
import { buildSandboxClient } from '../../src/sandbox/web/sandbox-client.ts';
import { createSandboxPages } from '../../src/sandbox/web/sandbox-pages.ts';
import type { SandboxSource } from '../../src/sandbox/web/source.ts';

export interface RunningPages {
  readonly url: string;
  close(): Promise<void>;
}

/** The pages over any source, on a free port of the loopback. */
export async function startPages(source: SandboxSource, apiUrl = 'https://wonward.test'): Promise<RunningPages> {
  const [cards, sidebars, page, settings, client] = await Promise.all([
    buildCardBundles('crm.record.tab'),
    buildCardBundles('crm.record.sidebar'),
    buildPageBundle(hubspotManifest.pages),
    buildPageBundle(hubspotManifest.settings),
    buildSandboxClient(),
  ]);
  const app = express().use(
    createSandboxPages({ source, cards, sidebars, apps: { app: page, settings }, client, apiUrl, appId: 50_780_459 }),
  );
  const server = await new Promise<Server>((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening));
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
