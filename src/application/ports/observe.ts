import type { MirrorOutcome } from './crm.ts';

/** What the hops tell about themselves, for metrics. */
export interface Observe {
  /** One drained batch of the process hop. */
  processed(records: number, seconds: number): void;
  decision(outcome: string): void;
  payout(provider: string, result: 'issued' | 'refused' | 'deferred'): void;
  mirrorWrites(result: MirrorOutcome['result'] | 'same', count: number): void;
}
