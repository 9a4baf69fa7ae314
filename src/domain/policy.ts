import { createHash } from 'node:crypto';
import { canonical } from './program-hash.ts';
import type { Instant } from './time.ts';

/** A policy of an account as it was published. Versions count from 1 and never change; the newest is in force. */
export interface PolicyVersion<P> {
  readonly version: number;
  readonly policy: P;
  readonly contentHash: string;
  readonly publishedAt: Instant;
  readonly publishedBy: string;
  /** What the publisher had seen it do to all of history. */
  readonly dryRunId?: string;
}

/** Equal for two policies that say the same. */
export function policyHash(policy: object): string {
  return createHash('sha256').update(canonical(policy)).digest('hex');
}
