import { type Child, startChild } from './processes.ts';
import type { Context } from './row.ts';
import { APP } from './world.ts';

/** What has changed, in the order in which it is told. */
export interface Change {
  readonly portalId: number;
  readonly dealId: string;
  /** What the event says; the service reads the record all the same. */
  readonly stage?: string;
}

export interface Deliveries {
  readonly port: number;
  /** The address that is signed. */
  readonly url: string;
  readonly changes: readonly Change[];
  readonly eventsPerDelivery: number;
  /** Beside HubSpot's; for peers, whose receivers take no signature. */
  readonly isUnsigned?: boolean;
}

export type LoadQuestion =
  | (Deliveries & { readonly kind: 'prepare'; readonly secret: string; readonly appId: number })
  /** As fast as the answers come, until all is sent or the time is over. */
  | ({ readonly kind: 'closed' } & ClosedLoop)
  /** At a rate that does not wait for answers. */
  | { readonly kind: 'open'; readonly connections: number; readonly perSecond: number; readonly seconds: number };

export interface ClosedLoop {
  readonly connections: number;
  readonly seconds: number;
  /** What is refused with 429 or 503 is sent again after a pause, as a CRM does; only then is everything told in the end. */
  readonly sendsAgain?: boolean;
}

/** Times in milliseconds since the epoch, with fractions. One place per delivery, in the order of `changes`; 0 for one not sent. */
export interface LoadReport {
  readonly sent: number;
  readonly acknowledged: number;
  /** By status; 0 for a connection that broke. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly acknowledgedAt: Float64Array;
  /**
   * Milliseconds from the moment at which a delivery was due, not from the one at which it was sent: a service that stops for a second
   * is charged for all that should have been sent meanwhile. In a closed loop both are the same.
   */
  readonly latencies: Float64Array;
}

export interface Load {
  prepare(deliveries: Deliveries): Promise<void>;
  closed(input: ClosedLoop): Promise<LoadReport>;
  open(input: { connections: number; perSecond: number; seconds: number }): Promise<LoadReport>;
  readonly child: Child;
}

/** The load generator, a process of its own. Requests are built and signed before the clock starts. */
export async function startLoad(context: Context): Promise<Load> {
  const child = await startChild(context, 'bench/load-generator.ts');
  const ask = <T>(question: LoadQuestion) => child.ask<T>(question);
  return {
    child,
    prepare: (deliveries) => ask({ kind: 'prepare', secret: APP.clientSecret, appId: APP.appId, ...deliveries }),
    closed: (input) => ask({ kind: 'closed', ...input }),
    open: (input) => ask({ kind: 'open', ...input }),
  };
}

export function perSecond({ acknowledged, startedAt, endedAt }: LoadReport): number {
  return acknowledged / ((endedAt - startedAt) / 1_000);
}
