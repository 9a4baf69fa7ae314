import { policyHash } from './policy.ts';
import type { LifecycleStage } from './referral.ts';

/** The CRM's own metadata of its pipelines, as last read. */
export interface StageCatalog {
  readonly pipelines: ReadonlyArray<{
    readonly id: string;
    readonly label: string;
    readonly stages: readonly StageMetadata[];
  }>;
}

export interface StageMetadata {
  readonly id: string;
  readonly label: string;
  readonly isClosed: boolean;
  /** 0 to 1; null when the CRM gives none. */
  readonly probability: number | null;
}

export interface MappedStage {
  readonly pipelineId: string;
  readonly stageId: string;
  readonly pipelineLabel: string;
  readonly stageLabel: string;
  readonly stage: LifecycleStage;
  /** Where an admin has said what the stage means: what it would mean by the CRM's metadata. Absent: the metadata decides. */
  readonly byMetadata?: LifecycleStage;
}

/** What an admin can say that a deal's stage means. */
export const MAPPABLE_STAGES = ['qualified', 'opportunity', 'won', 'lost'] as const satisfies readonly LifecycleStage[];

/** An admin's word on one stage, which outweighs the metadata. */
export interface SaidStage {
  readonly pipelineId: string;
  readonly stageId: string;
  readonly stage: (typeof MAPPABLE_STAGES)[number];
}

/** One version of the table (pipeline, stage) → lifecycle stage of a connection. `version` is a hash of the entries. */
export interface StageMapping {
  readonly version: string;
  readonly entries: readonly MappedStage[];
}

/**
 * The lifecycle stage that a deal stage means by the CRM's metadata alone: closed with certainty is won, closed otherwise is
 * lost, everything else is an open opportunity. Labels and stage ids are never looked at: "closedwon" is only a default name.
 */
export function stageFromMetadata({ isClosed, probability }: StageMetadata): LifecycleStage {
  if (!isClosed) return 'opportunity';
  return probability === 1 ? 'won' : 'lost';
}

/**
 * The entries for a catalogue. An earlier entry survives when its stage has left the CRM, because deals still carry it in
 * their history; where the stage still exists the metadata decides anew, unless an admin has. In the CRM's own order, what has left it last.
 */
export function mapCatalog(catalog: StageCatalog, earlier: readonly MappedStage[]): MappedStage[] {
  const said = new Map(earlier.filter(({ byMetadata }) => byMetadata).map((entry) => [stageKey(entry), entry.stage]));
  const current = catalog.pipelines.flatMap((pipeline) =>
    pipeline.stages.map((stage): MappedStage => {
      const byMetadata = stageFromMetadata(stage);
      const word = said.get(stageKey({ pipelineId: pipeline.id, stageId: stage.id }));
      return {
        pipelineId: pipeline.id,
        stageId: stage.id,
        pipelineLabel: pipeline.label,
        stageLabel: stage.label,
        stage: word ?? byMetadata,
        ...(word === undefined ? {} : { byMetadata }),
      };
    }),
  );
  const known = new Set(current.map(stageKey));
  const gone = earlier.filter((entry) => !known.has(stageKey(entry)));
  return [...current, ...gone.sort((a, b) => (stageKey(a) < stageKey(b) ? -1 : 1))];
}

/** The entries with an admin's words on some of the stages; on those that are not among them the metadata decides again. */
export function withSaid(entries: readonly MappedStage[], said: readonly SaidStage[]): MappedStage[] {
  const words = new Map(said.map((one) => [stageKey(one), one.stage]));
  return entries.map(({ byMetadata, ...entry }) => {
    const meant = byMetadata ?? entry.stage;
    const word = words.get(stageKey(entry));
    return word === undefined ? { ...entry, stage: meant } : { ...entry, stage: word, byMetadata: meant };
  });
}

/** Equal for two that say the same of the stages of one connection, in whatever order. */
export function saidHash(connectionId: string, said: readonly SaidStage[]): string {
  const stages = said.toSorted((a, b) => (stageKey(a) < stageKey(b) ? -1 : 1));
  return policyHash({ connectionId, stages });
}

/** Undefined when the stage is not in the mapping; callers re-read the catalogue then, they do not guess. */
export function findStage(mapping: StageMapping, pipelineId: string, stageId: string): MappedStage | undefined {
  return mapping.entries.find((entry) => entry.pipelineId === pipelineId && entry.stageId === stageId);
}

function stageKey({ pipelineId, stageId }: { pipelineId: string; stageId: string }): string {
  return `${pipelineId}\n${stageId}`;
}
