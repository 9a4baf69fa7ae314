import type { MirrorOutcome } from './crm.ts';
import type { StreamNews } from './crm-stream.ts';

/** What the hops tell about themselves, for metrics. */
export interface Observe {
  /** One drained batch of the process hop. */
  processed(records: number, seconds: number): void;
  decision(outcome: string): void;
  payout(provider: string, result: 'issued' | 'refused' | 'deferred'): void;
  mirrorWrites(result: MirrorOutcome['result'] | 'same', count: number): void;
}

/** What becomes of the attempts to tell other systems. */
export interface ObserveWebhooks {
  webhookSent(result: 'delivered' | 'retried' | 'failed' | 'switched_off'): void;
}

/** What the streams of changes tell about themselves, for those CRMs that have one. */
export interface ObserveStream {
  hints(provider: string, kind: 'accepted' | 'duplicate' | 'ignored' | 'echo', count: number): void;
  /** How many this node listens to now. */
  streamsOpen(provider: string, count: number): void;
  streamBroke(provider: string, reason: StreamBreak): void;
  streamUndecodable(provider: string, events: number): void;
  /** From a change in the CRM until it was kept. */
  streamLag(provider: string, seconds: number): void;
}

export type StreamBreak =
  | Extract<StreamNews, { kind: 'reconnecting' }>['reason']
  | 'position_lost'
  | 'unavailable_here'
  /** It cannot go on, or what it brought could not be kept. */
  | 'failed';
