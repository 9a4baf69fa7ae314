import { join } from 'node:path';
import { openReader } from './ledger.ts';
import { freePort, startChild, until } from './processes.ts';
import type { Context } from './row.ts';
import { APP } from './world.ts';

/** Who receives webhooks: where, and how many events it has kept. */
export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly portalId: number;
  readonly pid: number;
  kept(): Promise<number>;
}

/** baselines/bare-ingest.ts as a process of its own. */
export async function startBare(context: Context): Promise<Receiver> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/webhooks/hubspot`;
  const database = join(await context.directory(), 'bare.db');
  const child = await startChild(context, 'bench/baselines/bare-ingest.ts', {
    env: { BARE_PORT: String(port), BARE_URL: url, BARE_SECRET: APP.clientSecret, BARE_DATABASE: database },
  });
  await until('the bare program listens', () => answers(url), { child });
  return {
    port,
    url,
    portalId: 1,
    pid: child.pid,
    async kept() {
      const reader = openReader(database);
      const { n } = reader.prepare('select count(*) as n from inbox').get() as { n: number };
      reader.close();
      return n;
    },
  };
}

export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { method: 'POST', body: '' }).catch(() => null);
  await response?.arrayBuffer();
  return response !== null;
}
