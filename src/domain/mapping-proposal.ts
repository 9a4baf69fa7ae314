import {
  MAPPABLE_STAGES,
  type MappedStage,
  type SaidStage,
  type StageCatalog,
  type StageMetadata,
  stageFromMetadata,
} from './mapping.ts';
import type { OwnersProposal } from './owner-proposal.ts';
import { soundsLike } from './stage-words.ts';
import type { Instant } from './time.ts';

/*
 * What the stages of a CRM should mean, proposed from its own metadata and from what became of past deals. What wins is never guessed: only
 * the metadata, or an admin, says that a stage is won, since that is what money follows. What deals tell decides how far along an open
 * stage is, and where the metadata cannot be right. A name is weak evidence: it is told, and changes nothing.
 */

/** Fewer decided deals than this say nothing about a stage: of ten, three more or less would be another answer. */
export const DECIDED_MIN = 10;
/** From the first open stage on of which so many in a hundred are won, a deal is an opportunity; before it, it is qualified. */
export const OPPORTUNITY_PERCENT = 33;
/** What is closed is closed: when more than this share of the deals that were there is elsewhere now, it is not. */
export const LEFT_PERCENT = 20;
/** As many deals as make a habit. */
const LEFT_MIN = 5;
/** An open deal that nobody has moved for so long rests where it is. */
export const REST_DAYS = 30;
const REST_MIN = 5;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export type Meaning = SaidStage['stage'];
export const CONFIDENCES = ['sure', 'likely', 'unsure'] as const;
export type Confidence = (typeof CONFIDENCES)[number];

/** A past deal, with the stages that it went through; the last one is where it stands. */
export interface SampledDeal {
  readonly id: string;
  readonly history: ReadonlyArray<{ readonly at: Instant; readonly pipelineId: string; readonly stageId: string }>;
}

/** The deals that a proposal is made of: all those created within a time, or some of each part of it. */
export interface DealSample {
  readonly from: Instant;
  readonly to: Instant;
  readonly deals: readonly SampledDeal[];
  /** Whether no deal of that time is missing. */
  readonly isComplete: boolean;
  /** How many there are; null when the CRM did not say. */
  readonly total: number | null;
}

export const EVIDENCE_CODES = [
  'said_by_admin',
  'metadata_won',
  'metadata_lost',
  'metadata_closed',
  'metadata_open',
  'won_share',
  'after_opportunity',
  'few_deals',
  'typical_time',
  'name_agrees',
] as const;

export interface Evidence {
  readonly code: (typeof EVIDENCE_CODES)[number];
  readonly text: string;
}

export interface StageFigures {
  /** Where it stands among the stages of its pipeline, from 1, and how many there are. */
  readonly position: number;
  readonly of: number;
  /** Sampled deals that were ever in it, and that are now. */
  readonly deals: number;
  readonly present: number;
  /** Of those that were ever in it, by where they stand now. */
  readonly won: number;
  readonly lost: number;
  /** Half of the stays that have ended were shorter; null when none has. */
  readonly medianHours: number | null;
  /** Deals that stand in it and were not moved for a month. */
  readonly resting: number;
}

export interface StageProposal {
  readonly stageId: string;
  readonly label: string;
  readonly stage: Meaning;
  readonly byMetadata: Meaning;
  readonly isSaid: boolean;
  readonly confidence: Confidence;
  readonly figures: StageFigures;
  readonly evidence: readonly Evidence[];
}

export interface Coverage {
  /** Sampled deals that stand in this pipeline. */
  readonly deals: number;
  /** Of them, those that passed at least one stage whose meaning is clear: none that the CRM has no more, none that is unsure. */
  readonly throughMapped: number;
  /** Of them, those that stand in such a stage now, so that what became of them is clear. */
  readonly clear: number;
  /** By the proposal, those that are clear. */
  readonly won: number;
  readonly lost: number;
  readonly open: number;
  /** Those that were ever in a stage that the CRM has no more. */
  readonly throughGone: number;
}

export interface PipelineProposal {
  readonly pipelineId: string;
  readonly label: string;
  readonly stages: readonly StageProposal[];
  readonly coverage: Coverage;
}

export const UNCERTAIN_CODES = [
  'no_won_stage',
  'won_never_reached',
  'maybe_won',
  'closed_by_halves',
  'often_left',
  'several_won',
  'name_disagrees',
  'stage_gone',
  'few_decided',
  'no_deals',
] as const;

/** What a person should look at before accepting. */
export interface Uncertainty {
  readonly code: (typeof UNCERTAIN_CODES)[number];
  readonly pipelineId: string;
  /** Null when it is about the pipeline. */
  readonly stageId: string | null;
  /** Sampled deals that it concerns. */
  readonly deals: number;
  readonly text: string;
}

export interface MappingProposal {
  readonly sample: {
    readonly from: Instant;
    readonly to: Instant;
    readonly deals: number;
    readonly total: number | null;
    readonly isComplete: boolean;
  };
  readonly coverage: Coverage;
  readonly pipelines: readonly PipelineProposal[];
  readonly uncertain: readonly Uncertainty[];
  /** Absent where the CRM does not say who owns its deals, and on proposals of before. */
  readonly owners?: OwnersProposal;
}

interface Visits {
  /** Ids of the deals that were ever in a stage. */
  readonly deals: Set<string>;
  readonly present: Set<string>;
  readonly resting: Set<string>;
  readonly staysMs: number[];
}

/** `said`: the mapping in force, of which an admin's own words stand. */
export function proposeMapping(
  catalog: StageCatalog,
  said: readonly MappedStage[],
  sample: DealSample,
): MappingProposal {
  const words = new Map(said.filter(({ byMetadata }) => byMetadata).map((one) => [keyOf(one), meaningOf(one.stage)]));
  const deals = distinct(sample.deals);
  const visits = visitsOf(deals, sample.to);
  const meantNow = new Map(
    catalog.pipelines.flatMap(({ id: pipelineId, stages }) =>
      stages.map((stage) => {
        const key = keyOf({ pipelineId, stageId: stage.id });
        return [key, words.get(key) ?? meaningOf(stageFromMetadata(stage))] as const;
      }),
    ),
  );
  const outcomes = new Map(deals.map(({ id, last }) => [id, meantNow.get(keyOf(last)) ?? null]));
  const uncertain: Uncertainty[] = [];
  const pipelines = catalog.pipelines.map(({ id: pipelineId, label, stages }): PipelineProposal => {
    const own = { pipelineId, words, visits, outcomes, uncertain };
    const proposed = proposePipeline(own, stages);
    const here = deals.filter(({ last }) => last.pipelineId === pipelineId);
    return { pipelineId, label, stages: proposed, coverage: coverageOf(here, pipelineId, proposed) };
  });
  for (const pipeline of pipelines) doubtPipeline(pipeline, deals, uncertain);
  const elsewhere = deals.filter(({ last }) => !catalog.pipelines.some(({ id }) => id === last.pipelineId));
  return {
    sample: {
      from: sample.from,
      to: sample.to,
      deals: deals.length,
      total: sample.total,
      isComplete: sample.isComplete,
    },
    coverage: sumOf([...pipelines.map(({ coverage }) => coverage), { ...NO_COVERAGE, deals: elsewhere.length }]),
    pipelines,
    uncertain: uncertain.sort(byWeight),
  };
}

/** What of a proposal has to be said, since the metadata alone would not make it so; an admin's earlier words are among it. */
export function draftOf({ pipelines }: Pick<MappingProposal, 'pipelines'>): SaidStage[] {
  return pipelines.flatMap(({ pipelineId, stages }) =>
    stages
      .filter(({ stage, byMetadata, isSaid }) => isSaid || stage !== byMetadata)
      .map(({ stageId, stage }) => ({ pipelineId, stageId, stage })),
  );
}

interface PipelineInput {
  readonly pipelineId: string;
  readonly words: ReadonlyMap<string, Meaning>;
  readonly visits: ReadonlyMap<string, Visits>;
  readonly outcomes: ReadonlyMap<string, Meaning | null>;
  readonly uncertain: Uncertainty[];
}

function proposePipeline(own: PipelineInput, stages: readonly StageMetadata[]): StageProposal[] {
  let isOpportunity = false;
  return stages.map((stage, index): StageProposal => {
    const { pipelineId, words, visits, outcomes } = own;
    const key = keyOf({ pipelineId, stageId: stage.id });
    const figures = figuresOf(visits.get(key), outcomes, index + 1, stages.length);
    const byMetadata = meaningOf(stageFromMetadata(stage));
    const word = words.get(key);
    const judged =
      word === undefined
        ? judge(stage, byMetadata, figures, isOpportunity)
        : { stage: word, confidence: 'sure' as const, evidence: [SAID] };
    if (judged.stage === 'opportunity') isOpportunity = true;
    const isLeft = word === undefined && stage.isClosed && isOftenLeft(judged.stage, figures);
    const confidence = isLeft && judged.confidence === 'sure' ? 'likely' : judged.confidence;
    doubtStage(own, stage, { ...judged, isLeft, isSaid: word !== undefined }, figures);
    return {
      stageId: stage.id,
      label: stage.label,
      stage: judged.stage,
      byMetadata,
      isSaid: word !== undefined,
      confidence,
      figures,
      evidence: [...judged.evidence, ...timeEvidence(figures), ...nameEvidence(stage.label, judged.stage)],
    };
  });
}

const SAID: Evidence = { code: 'said_by_admin', text: 'An admin has said so.' };

function judge(
  { isClosed, probability }: StageMetadata,
  byMetadata: Meaning,
  figures: StageFigures,
  isAfterOpportunity: boolean,
): { stage: Meaning; confidence: Confidence; evidence: Evidence[] } {
  if (isClosed && probability === 1)
    return one('won', 'sure', 'metadata_won', 'The CRM says that it is closed, with a chance of 100 %.');
  if (isClosed && probability === 0)
    return one('lost', 'sure', 'metadata_lost', 'The CRM says that it is closed, with a chance of 0 %.');
  if (isClosed) {
    const chance = probability === null ? 'without a chance' : `with a chance of ${percentOf(probability)} %`;
    return one(
      byMetadata,
      'unsure',
      'metadata_closed',
      `The CRM says that it is closed, ${chance}: that wins nothing.`,
    );
  }
  const open: Evidence = { code: 'metadata_open', text: 'The CRM says that it is open.' };
  const { won, lost, position, of } = figures;
  const decided = won + lost;
  if (isAfterOpportunity) {
    const text = `It is number ${position} of ${of}, behind one at which deals are opportunities.`;
    return {
      stage: 'opportunity',
      confidence: 'likely',
      evidence: [open, { code: 'after_opportunity', text }, ...shareOf(figures)],
    };
  }
  if (decided < DECIDED_MIN) {
    const text = `Of the deals that were in it ${decided} are decided, fewer than ${DECIDED_MIN}: that says nothing about it.`;
    return { stage: 'opportunity', confidence: 'likely', evidence: [open, { code: 'few_deals', text }] };
  }
  const isQualified = won * 100 < decided * OPPORTUNITY_PERCENT;
  return {
    stage: isQualified ? 'qualified' : 'opportunity',
    confidence: 'likely',
    evidence: [open, ...shareOf(figures)],
  };
}

function one(stage: Meaning, confidence: Confidence, code: Evidence['code'], text: string) {
  return { stage, confidence, evidence: [{ code, text }] };
}

function shareOf({ won, lost }: StageFigures): Evidence[] {
  const decided = won + lost;
  if (decided < DECIDED_MIN) return [];
  const share = Math.floor((won * 100) / decided);
  const side = won * 100 < decided * OPPORTUNITY_PERCENT ? 'fewer than' : 'at least';
  const text = `Of ${decided} decided deals that were in it ${won} were won (${share} %), ${side} ${OPPORTUNITY_PERCENT} in a hundred.`;
  return [{ code: 'won_share', text }];
}

function timeEvidence({ medianHours }: StageFigures): Evidence[] {
  if (medianHours === null) return [];
  const days = Math.round(medianHours / 24);
  const text =
    days < 1 ? 'Half of the deals leave it within a day.' : `Half of the deals leave it within ${days} days.`;
  return [{ code: 'typical_time', text }];
}

function nameEvidence(label: string, stage: Meaning): Evidence[] {
  return soundsLike(label) === stage ? [{ code: 'name_agrees', text: 'Its name agrees, which is weak evidence.' }] : [];
}

/** Of a closed stage: deals that were in it and stand now where they mean something else. */
function leftOf(stage: Meaning, { deals, won, lost }: StageFigures): number {
  return deals - (stage === 'won' ? won : lost);
}

function isOftenLeft(stage: Meaning, figures: StageFigures): boolean {
  const left = leftOf(stage, figures);
  return left >= LEFT_MIN && left * 100 > figures.deals * LEFT_PERCENT;
}

function doubtStage(
  { pipelineId, uncertain }: PipelineInput,
  { id: stageId, label, isClosed, probability }: StageMetadata,
  { stage, isLeft, isSaid }: { stage: Meaning; isLeft: boolean; isSaid: boolean },
  figures: StageFigures,
): void {
  const { deals } = figures;
  const tell = (code: Uncertainty['code'], concerned: number, text: string) =>
    uncertain.push({ code, pipelineId, stageId, deals: concerned, text });
  if (isSaid) return;
  if (isClosed && probability !== 1 && probability !== 0)
    tell(
      'closed_by_halves',
      deals,
      `"${label}" is closed in the CRM, and neither surely won nor surely lost. It counts as lost until you say otherwise.`,
    );
  if (isLeft)
    tell(
      'often_left',
      leftOf(stage, figures),
      `${leftOf(stage, figures)} of ${deals} deals that were in "${label}" have left it again, though the CRM calls it closed.`,
    );
  const sounds = soundsLike(label);
  if (sounds !== null && sounds !== stage)
    tell(
      'name_disagrees',
      deals,
      `"${label}" sounds like ${sounds}, and by the CRM it is ${stage}. A name decides nothing: look whether the CRM is right.`,
    );
}

function doubtPipeline(
  { pipelineId, label, stages, coverage }: PipelineProposal,
  deals: readonly Sampled[],
  uncertain: Uncertainty[],
): void {
  const tell = (code: Uncertainty['code'], stageId: string | null, concerned: number, text: string) =>
    uncertain.push({ code, pipelineId, stageId, deals: concerned, text });
  const won = stages.filter(({ stage }) => stage === 'won');
  const reached = new Set(
    deals.flatMap(({ id, history }) =>
      history.some((at) => at.pipelineId === pipelineId && won.some(({ stageId }) => stageId === at.stageId))
        ? [id]
        : [],
    ),
  );
  if (won.length === 0)
    tell(
      'no_won_stage',
      null,
      coverage.deals,
      `No stage of "${label}" is won by the CRM: no deal in it could ever pay.`,
    );
  else if (won.length > 1)
    tell('several_won', null, reached.size, `"${label}" has ${won.length} stages that are won: each of them pays.`);
  if (coverage.deals === 0) tell('no_deals', null, 0, `No deal of this time stands in "${label}".`);
  else if (reached.size === 0 && won.length > 0 && coverage.deals >= DECIDED_MIN)
    tell('won_never_reached', null, coverage.deals, `None of ${coverage.deals} deals in "${label}" was ever won.`);
  else if (won.length > 0 && coverage.won + coverage.lost < DECIDED_MIN)
    tell(
      'few_decided',
      null,
      coverage.won + coverage.lost,
      `Of the deals in "${label}" ${coverage.won + coverage.lost} are decided: too few to tell how far along its open stages are.`,
    );
  if (coverage.throughGone > 0)
    tell(
      'stage_gone',
      null,
      coverage.throughGone,
      `${coverage.throughGone} of ${coverage.deals} deals in "${label}" were in a stage that the CRM has no more, of which nobody knows what it meant.`,
    );
  // Where no deal is ever won, they may end somewhere else.
  if (reached.size > 0) return;
  const [most] = stages
    .filter(({ stage, isSaid }) => !isSaid && (stage === 'opportunity' || stage === 'qualified'))
    .toSorted((a, b) => b.figures.resting - a.figures.resting || b.figures.position - a.figures.position);
  if (!most || most.figures.resting < REST_MIN || most.figures.resting * 2 < coverage.deals - coverage.lost) return;
  tell(
    'maybe_won',
    most.stageId,
    most.figures.resting,
    `${most.figures.resting} deals have stood in "${most.label}" for more than ${REST_DAYS} days. If that is where deals are won, say so; nobody else can.`,
  );
}

/** What bears on money first. */
function byWeight(a: Uncertainty, b: Uncertainty): number {
  return (
    UNCERTAIN_CODES.indexOf(a.code) - UNCERTAIN_CODES.indexOf(b.code) ||
    b.deals - a.deals ||
    (keyOf({ pipelineId: a.pipelineId, stageId: a.stageId ?? '' }) <
    keyOf({ pipelineId: b.pipelineId, stageId: b.stageId ?? '' })
      ? -1
      : 1)
  );
}

// ── Figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Sampled extends SampledDeal {
  readonly last: SampledDeal['history'][number];
}

/** Each deal once, in an order that does not depend on how they came; one without a history says nothing. */
function distinct(deals: readonly SampledDeal[]): Sampled[] {
  const byId = new Map(deals.map((deal) => [deal.id, deal]));
  return [...byId.values()]
    .flatMap((deal) => {
      const last = deal.history.at(-1);
      return last ? [{ ...deal, last }] : [];
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function visitsOf(deals: readonly Sampled[], now: Instant): ReadonlyMap<string, Visits> {
  const visits = new Map<string, Visits>();
  const visitsIn = (at: { pipelineId: string; stageId: string }): Visits => {
    const key = keyOf(at);
    const found = visits.get(key) ?? { deals: new Set(), present: new Set(), resting: new Set(), staysMs: [] };
    visits.set(key, found);
    return found;
  };
  for (const { id, history, last } of deals) {
    let since = history[0]?.at ?? 0;
    history.forEach((point, index) => {
      const visit = visitsIn(point);
      visit.deals.add(id);
      const next = history[index + 1];
      // An amount may change while the stage does not: that is one stay.
      if (next && keyOf(next) === keyOf(point)) return;
      if (next) visit.staysMs.push(next.at - since);
      else if (now - since > REST_DAYS * DAY_MS) visit.resting.add(id);
      since = next?.at ?? since;
    });
    visitsIn(last).present.add(id);
  }
  return visits;
}

function figuresOf(
  visits: Visits | undefined,
  outcomes: ReadonlyMap<string, Meaning | null>,
  position: number,
  of: number,
): StageFigures {
  const ids = [...(visits?.deals ?? [])];
  const ended = (meaning: Meaning) => ids.filter((id) => outcomes.get(id) === meaning).length;
  return {
    position,
    of,
    deals: ids.length,
    present: visits?.present.size ?? 0,
    won: ended('won'),
    lost: ended('lost'),
    medianHours: medianHours(visits?.staysMs ?? []),
    resting: visits?.resting.size ?? 0,
  };
}

function medianHours(staysMs: readonly number[]): number | null {
  if (staysMs.length === 0) return null;
  const sorted = staysMs.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) / HOUR_MS);
}

const NO_COVERAGE: Coverage = { deals: 0, throughMapped: 0, clear: 0, won: 0, lost: 0, open: 0, throughGone: 0 };

function coverageOf(deals: readonly Sampled[], pipelineId: string, stages: readonly StageProposal[]): Coverage {
  const known = new Map(stages.map((stage) => [stage.stageId, stage]));
  const isClear = (stageId: string) => (known.get(stageId)?.confidence ?? 'unsure') !== 'unsure';
  const sum = { ...NO_COVERAGE };
  for (const { history, last } of deals) {
    const here = history.filter((point) => point.pipelineId === pipelineId).map(({ stageId }) => stageId);
    sum.deals += 1;
    if (here.some(isClear)) sum.throughMapped += 1;
    if (here.some((stageId) => !known.has(stageId))) sum.throughGone += 1;
    if (!isClear(last.stageId)) continue;
    sum.clear += 1;
    const stage = known.get(last.stageId)?.stage;
    if (stage === 'won') sum.won += 1;
    else if (stage === 'lost') sum.lost += 1;
    else sum.open += 1;
  }
  return sum;
}

type Sum = { -readonly [K in keyof Coverage]: number };

function sumOf(parts: readonly Coverage[]): Coverage {
  const sum: Sum = { ...NO_COVERAGE };
  for (const part of parts) for (const key of Object.keys(sum) as Array<keyof Sum>) sum[key] += part[key];
  return sum;
}

/** Rounded down: a hundred is only said when none is missing. Null of nothing. */
export function coveragePercent({ deals, throughMapped }: Pick<Coverage, 'deals' | 'throughMapped'>): number | null {
  return deals === 0 ? null : Math.floor((throughMapped * 100) / deals);
}

function percentOf(probability: number): number {
  return Math.round(probability * 100);
}

function meaningOf(stage: string): Meaning {
  return MAPPABLE_STAGES.find((meaning) => meaning === stage) ?? 'opportunity';
}

function keyOf({ pipelineId, stageId }: { pipelineId: string; stageId: string }): string {
  return `${pipelineId}\n${stageId}`;
}
