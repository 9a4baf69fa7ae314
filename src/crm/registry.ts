import { readdir } from 'node:fs/promises';
import type { CrmConnector } from '../application/ports/crm.ts';
import type { CallLog } from './answers.ts';

/** What every connector is given beside its own settings. */
export interface CommonDeps {
  readonly clock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly log?: CallLog;
  /** Told of every request to a CRM; `externalId` is the portal or org, where one was asked. */
  readonly onCall?: (
    provider: string,
    method: string,
    status: number | 'no_answer',
    externalId: string | undefined,
  ) => void;
}

/** What a folder under src/crm/ exports from connector.ts and settings.ts. */
interface ConnectorFolder {
  readSettings(env: Readonly<Record<string, string | undefined>>): object | null;
  createConnector(deps: object): CrmConnector;
}

/** The names of the folders beside this file: a CRM is added by adding one. */
export async function connectorFolders(): Promise<string[]> {
  const entries = await readdir(new URL('.', import.meta.url), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** Every connector that `env` configures, by provider. @throws Error when one is configured in part. */
export async function loadConnectors(
  env: Readonly<Record<string, string | undefined>>,
  deps: CommonDeps,
): Promise<ReadonlyMap<string, CrmConnector>> {
  const connectors = new Map<string, CrmConnector>();
  for (const folder of await connectorFolders()) {
    const { readSettings }: Pick<ConnectorFolder, 'readSettings'> = await import(`./${folder}/settings.ts`);
    const settings = readSettings(env);
    if (settings === null) continue;
    // Only now: what one vendor's API needs, such as gRPC, is not loaded where nobody asks for it.
    const { createConnector }: Pick<ConnectorFolder, 'createConnector'> = await import(`./${folder}/connector.ts`);
    const onCall = (method: string, status: number | 'no_answer', externalId?: string) =>
      deps.onCall?.(folder, method, status, externalId);
    const connector = createConnector({ ...deps, ...settings, onCall });
    if (connector.provider !== folder) throw new Error(`src/crm/${folder} calls itself ${connector.provider}`);
    connectors.set(connector.provider, connector);
  }
  return connectors;
}
