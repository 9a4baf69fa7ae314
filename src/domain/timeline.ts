import { findStage, type StageMapping } from './mapping.ts';
import { TRIGGER_STAGES, type TriggerStage } from './program.ts';
import type { DealFacts, DealPoint } from './record.ts';
import type { LifecycleStage } from './referral.ts';
import { momentsOfRefunds, type RefundFact, refundsAt, refundsSince } from './refund.ts';
import type { Instant } from './time.ts';

/** A deal at one moment: where it stood, and since when it has been at each stage or beyond it without a break (null while it is not). */
export interface DealAt {
  readonly deal: DealFacts;
  readonly point: DealPoint;
  readonly stage: LifecycleStage | null;
  readonly since: Readonly<Record<TriggerStage, Instant | null>>;
  /** What counted as refunded then. */
  readonly refunds: readonly RefundFact[];
  /** When the deal last changed by then: the point's time, or that of a refund since. */
  readonly changedAt: Instant;
}

/** The moments at which anything about the deals changed, oldest first. */
export function momentsOf(deals: readonly DealFacts[]): Instant[] {
  const moments = deals.flatMap(({ history, refunds = [] }) => [
    ...history.map((point) => point.at),
    ...momentsOfRefunds(refunds),
  ]);
  return [...new Set(moments)].sort((a, b) => a - b);
}

/** Each present deal as it stood at `at`; deals that did not exist yet are left out. */
export function dealsAt(deals: readonly DealFacts[], mapping: StageMapping, at: Instant): DealAt[] {
  return deals.flatMap((deal) => {
    const dealAt = deal.presence === 'present' ? oneAt(deal, mapping, at) : undefined;
    return dealAt ? [dealAt] : [];
  });
}

function oneAt(deal: DealFacts, mapping: StageMapping, at: Instant): DealAt | undefined {
  let point: DealPoint | undefined;
  let stage: LifecycleStage | null = null;
  const since: Record<TriggerStage, Instant | null> = { qualified: null, opportunity: null, won: null };
  for (const candidate of deal.history) {
    if (candidate.at > at) break;
    point = candidate;
    stage = stageOf(mapping, candidate);
    const rank = (TRIGGER_STAGES as readonly (string | null)[]).indexOf(stage);
    TRIGGER_STAGES.forEach((trigger, index) => {
      since[trigger] = rank >= index ? (since[trigger] ?? candidate.at) : null;
    });
  }
  if (!point) return undefined;
  const refunds = refundsAt(deal.refunds ?? [], at);
  return { deal, point, stage, since, refunds, changedAt: Math.max(point.at, refundsSince(deal.refunds ?? [], at)) };
}

/** Null for a stage that the mapping does not know: it counts as nothing until the catalogue has been read again. */
function stageOf(mapping: StageMapping, { pipelineId, stageId }: DealPoint): LifecycleStage | null {
  return findStage(mapping, pipelineId, stageId)?.stage ?? null;
}
