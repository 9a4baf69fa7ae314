import { readConfig } from '../../../config.ts';
import { createLog } from '../../../platform/log.ts';
import { startService } from '../../../service.ts';
import type { HubSpotSandbox } from '../../hubspot/server.ts';
import { type Life, type LiveOptions, live } from './live.ts';
import { createSteps, type Walk } from './walk.ts';

const DAY = 86_400_000;

export const LIFE_DAYS = 730;

/** A portal that trades in what the plot's people pay with. */
export function lifePortal(portalId: number, name: string) {
  return {
    portalId,
    name,
    companyCurrency: 'EUR',
    additionalCurrencies: ['USD', 'GBP', 'CHF', 'JPY'],
    timeZone: 'Europe/Berlin',
  };
}

/** The moment at which a life of so many days begins that ends now: a midnight, so that months and weeks have their days. */
export function beginOfLife(until: number, days = LIFE_DAYS): number {
  return Math.floor(until / DAY) * DAY - days * DAY;
}

export interface LifeDeps {
  /** Of a service that has the database to itself. */
  readonly environment: Readonly<Record<string, string>>;
  readonly sandbox: HubSpotSandbox;
  readonly portalId: number;
  /** The clock of the local HubSpot, too. */
  readonly walk: Walk;
}

/** Fills a database with a life: starts the service in the past, lives, and stops it in the present. What comes next is the world's time. */
export async function makeLife(
  { environment, sandbox, portalId, walk }: LifeDeps,
  options: LiveOptions,
): Promise<Life> {
  const read = readConfig(environment);
  if (!read.ok) throw new Error(read.problems.map(({ variable, problem }) => `${variable} ${problem}`).join('\n'));
  const steps = createSteps();
  const service = await startService(read.config, {
    clock: walk,
    // Two years of an office's everyday trouble, such as orders that wait for their batch, are no news.
    log: createLog({ level: 'silent' }),
    jobs: steps.jobs,
    isFlushed: false,
  });
  try {
    return await live({ service, serviceUrl: read.config.publicUrl, sandbox, portalId, walk, steps }, options);
  } finally {
    await service.stop();
    walk.arrive();
  }
}
