import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import express from 'express';
import type { ExternalClientApp, SalesforceSandbox } from '../../salesforce/server.ts';
import { createControlOrgSource } from './control-org-source.ts';
import { buildLightningBundle } from './lightning-bundle.ts';
import { createOrgPages } from './org-pages.ts';
import type { OrgSource } from './org-source.ts';

const CLIENT = fileURLToPath(new URL('../client', import.meta.url));

export interface RunningOrgPages {
  readonly url: string;
  close(): Promise<void>;
}

/** The pages of a local Salesforce, on a port of the loopback of their own: any free one unless given. */
export function startOrgPages(
  { sandbox, app }: { readonly sandbox: SalesforceSandbox; readonly app: ExternalClientApp },
  port = 0,
): Promise<RunningOrgPages> {
  return servePages(createControlOrgSource({ control: sandbox.control, app, loginUrl: sandbox.url }), port);
}

/** The pages over any source. The components are built when the first record is opened. */
export async function servePages(source: OrgSource, port = 0): Promise<RunningOrgPages> {
  const [script, style] = await Promise.all([pageScript(), readFile(`${CLIENT}/org-page.css`, 'utf8')]);
  const app = express().use(createOrgPages({ source, bundle: buildLightningBundle, script, style }));
  const server = await new Promise<Server>((resolve, reject) => {
    const listening = app.listen(port, '127.0.0.1', (error?: Error) => (error ? reject(error) : resolve(listening)));
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function pageScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${CLIENT}/org-page.ts`],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    minify: true,
    logLevel: 'silent',
  });
  const [output] = outputFiles;
  if (output === undefined) throw new Error('esbuild made nothing of the page');
  return output.text;
}
