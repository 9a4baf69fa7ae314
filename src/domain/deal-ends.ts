import { findStage, type StageMapping } from './mapping.ts';
import type { DealFacts } from './record.ts';
import type { LifecycleStage } from './referral.ts';
import type { Instant } from './time.ts';

/** When deals last came to the stage in which they still are, of those that are in it; null when none is. */
export function lastCameTo(
  stage: LifecycleStage,
  deals: readonly DealFacts[],
  mappingOf: (deal: DealFacts) => StageMapping,
): Instant | null {
  const times = deals
    .filter(({ presence }) => presence === 'present')
    .flatMap((deal) => {
      const mapping = mappingOf(deal);
      const isThere = deal.history.map(
        ({ pipelineId, stageId }) => findStage(mapping, pipelineId, stageId)?.stage === stage,
      );
      const begun = isThere.lastIndexOf(false) + 1;
      const point = deal.history[begun];
      return point === undefined ? [] : [point.at];
    });
  return times.length === 0 ? null : Math.max(...times);
}
