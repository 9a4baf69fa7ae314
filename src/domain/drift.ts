import { type NewCase, type Severity, SYSTEM } from './case.ts';
import { derivedId } from './ids.ts';
import {
  findStage,
  MAPPABLE_STAGES,
  type SaidStage,
  type StageCatalog,
  type StageMapping,
  stageFromMetadata,
} from './mapping.ts';
import { policyHash } from './policy.ts';
import { type ProgramVersion, type TriggerStage, triggerOf } from './program.ts';
import { wantedProperties } from './property.ts';
import type { CrmObject } from './record.ts';
import type { Instant } from './time.ts';

/*
 * What has become of a CRM since an admin last looked at it: the difference between what was seen then and what is there now. Each kind of
 * difference is one alert with what happens meanwhile and a way to mend it. What was not read is not judged: it opens nothing and ends nothing.
 */

export const DRIFT_KINDS = [
  'pipeline_new',
  'pipeline_renamed',
  'pipeline_gone',
  'stage_new',
  'stage_renamed',
  'stage_gone',
  'stage_meaning',
  'property_gone',
  'property_conflict',
  'rule_property_gone',
  'rule_property_type',
  'rule_dead',
  'scope_lost',
  'access_refused',
  'connection_lost',
  'hints_dead',
] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/**
 * What one call does about it. `accept`: take it as it is now · `map`: say what the stage means · `provision`: make our fields again
 * · `reconnect`: a link by which an admin grants everything anew · `look_again`: read it now and not with the next sweep
 */
export const DRIFT_FIXES = ['accept', 'map', 'provision', 'reconnect', 'look_again'] as const;
export type DriftFix = (typeof DRIFT_FIXES)[number];

const FIXES: Readonly<Record<DriftKind, readonly DriftFix[]>> = {
  pipeline_new: ['accept'],
  pipeline_renamed: ['accept'],
  pipeline_gone: ['accept'],
  stage_new: ['accept', 'map'],
  stage_renamed: ['accept'],
  stage_gone: ['accept', 'map'],
  stage_meaning: ['accept', 'map'],
  property_gone: ['accept'],
  property_conflict: ['provision'],
  rule_property_gone: ['look_again'],
  rule_property_type: ['accept'],
  rule_dead: ['map'],
  scope_lost: ['reconnect'],
  access_refused: ['look_again', 'reconnect'],
  connection_lost: ['reconnect'],
  hints_dead: ['look_again', 'reconnect'],
};

type Meaning = SaidStage['stage'];

/** A stage as an admin has last seen it. */
export interface SeenStage {
  readonly pipelineId: string;
  readonly pipelineLabel: string;
  readonly stageId: string;
  readonly stageLabel: string;
  readonly byMetadata: Meaning;
}

/** A property that a rule asks about, as it was first seen. */
export interface SeenProperty {
  readonly object: CrmObject;
  readonly name: string;
  readonly type: string;
}

/** What differences are told against. */
export interface Baseline {
  readonly stages: readonly SeenStage[];
  readonly properties: readonly SeenProperty[];
}

/** What a look at a CRM has brought. Null or missing: not read. */
export interface Observed {
  readonly catalog: StageCatalog | null;
  /** What stages mean now. */
  readonly mapping: StageMapping;
  readonly provisioned: {
    readonly created: readonly string[];
    readonly conflicts: ReadonlyArray<{ readonly name: string; readonly problem: string }>;
  } | null;
  /** Types of properties by name, of the objects that were read. */
  readonly properties: ReadonlyMap<CrmObject, ReadonlyMap<string, string>>;
  /** Programs as they are in force. */
  readonly programs: readonly ProgramVersion[];
  readonly scopes: { readonly granted: readonly string[]; readonly required: readonly string[] };
  readonly hints: LostHints | null;
  readonly fault: { readonly kind: 'access_refused' | 'connection_lost'; readonly text: string } | null;
}

/** Changes of which no event told, and that events would have told of. */
export interface LostHints {
  readonly dealIds: readonly string[];
  /** When the first of them happened. */
  readonly since: Instant;
  /** When any event last came; null for never. */
  readonly lastAt: Instant | null;
}

export interface Drift {
  readonly kind: DriftKind;
  readonly dedupeKey: string;
  readonly severity: Severity;
  /** What is another than it was. */
  readonly what: string;
  /** What happens until somebody mends it. */
  readonly meanwhile: string;
  readonly facts: DriftFacts;
  readonly fixes: readonly DriftFix[];
}

/** Ids, names of fields and words of the CRM's admins; nothing about people. */
export interface DriftFacts {
  readonly pipelineIds?: readonly string[];
  readonly stageId?: string;
  /** What it is now to Wonward, and what it was. */
  readonly means?: Meaning;
  readonly meant?: Meaning;
  readonly object?: CrmObject;
  readonly name?: string;
  readonly rules?: readonly string[];
  readonly scopes?: readonly string[];
  readonly dealIds?: readonly string[];
  readonly since?: Instant;
}

/** So many lost changes are no chance. */
const LOST_MIN = 3;
/** And no event for so long after the first of them: events come within seconds, and a vendor that is late catches up. */
export const SILENT_MS = 30 * 60_000;
/** As many ids as a person looks at. */
const IDS_TOLD_MAX = 20;

/** `now`: by the clock that hints are received by. */
export function driftsOf(connectionId: string, baseline: Baseline, observed: Observed, now: Instant): Drift[] {
  const make = (
    kind: DriftKind,
    subject: string,
    severity: Severity,
    what: string,
    meanwhile: string,
    facts: DriftFacts,
  ): Drift => ({
    kind,
    dedupeKey: driftKey(connectionId, kind, subject),
    severity,
    what,
    meanwhile,
    facts,
    fixes: FIXES[kind],
  });
  return [
    ...(observed.catalog ? stageDrifts(make, baseline, observed.catalog, observed.mapping) : []),
    ...(observed.catalog ? deadRules(make, observed) : []),
    ...propertyDrifts(make, observed),
    ...rulePropertyDrifts(make, baseline, observed),
    ...scopeDrifts(make, observed),
    ...faultDrifts(make, observed),
    ...hintDrifts(make, observed, now),
  ];
}

/** Whether a look could have found out that a difference is gone. */
export function wasLookedAt(kind: DriftKind, { object }: DriftFacts, observed: Observed): boolean {
  switch (kind) {
    case 'pipeline_new':
    case 'pipeline_renamed':
    case 'pipeline_gone':
    case 'stage_new':
    case 'stage_renamed':
    case 'stage_gone':
    case 'stage_meaning':
    case 'rule_dead':
      return observed.catalog !== null;
    case 'property_gone':
    case 'property_conflict':
      return observed.provisioned !== null;
    case 'rule_property_gone':
    case 'rule_property_type':
      return object === undefined ? false : observed.properties.has(object);
    case 'scope_lost':
      return observed.scopes.granted.length > 0;
    case 'access_refused':
    case 'connection_lost':
      return observed.catalog !== null || observed.fault !== null;
    case 'hints_dead':
      return observed.hints !== null;
  }
}

export function driftPrefix(connectionId: string): string {
  return `drift ${connectionId} `;
}

function driftKey(connectionId: string, kind: DriftKind, subject: string): string {
  return `${driftPrefix(connectionId)}${kind} ${subject}`.trimEnd();
}

/** The case that tells of it. `waits`: deals that stand where it is, as the CRM counts them. */
export function driftCase(
  accountId: string,
  connectionId: string,
  drift: Drift,
  waits: { readonly deals: number | null; readonly dealIds: readonly string[] } | null,
  now: Instant,
): NewCase {
  const { kind, dedupeKey, severity, what, meanwhile, facts, fixes } = drift;
  const standing = waits?.deals
    ? ` ${waits.deals} ${waits.deals === 1 ? 'deal stands' : 'deals stand'} there now.`
    : '';
  return {
    id: derivedId('cas', accountId, dedupeKey, now),
    kind: 'alert',
    topic: `drift_${kind}`,
    dedupeKey,
    severity,
    referralId: null,
    rewardId: null,
    value: null,
    summary: `${what} ${meanwhile}${standing}`,
    facts: {
      connectionId,
      drift: kind,
      meanwhile,
      fixes,
      ...facts,
      ...(waits ? { deals: waits.deals, dealIds: waits.dealIds.slice(0, IDS_TOLD_MAX) } : {}),
    },
    openedBy: SYSTEM,
    openedAt: now,
  };
}

/** What an admin has seen with this look. Of properties the first type that was seen is remembered, those that nobody asks about are not. */
export function baselineOf(observed: Observed, earlier: Baseline | null): Baseline {
  return {
    stages: observed.catalog ? seenIn(observed.catalog) : (earlier?.stages ?? []),
    properties: withNewProperties(earlier?.properties ?? [], observed),
  };
}

/** The baseline with what rules have begun to ask about since. */
export function withNewProperties(known: readonly SeenProperty[], { programs, properties }: Observed): SeenProperty[] {
  const asked = askedProperties(programs);
  const still = known.filter(({ object, name }) => asked.some((one) => one.object === object && one.name === name));
  const fresh = asked.flatMap(({ object, name }): SeenProperty[] => {
    const type = properties.get(object)?.get(name);
    if (type === undefined || still.some((one) => one.object === object && one.name === name)) return [];
    return [{ object, name, type }];
  });
  return [...still, ...fresh];
}

/** The baseline after an admin has taken one difference as it is. */
export function accepted(baseline: Baseline, drift: Pick<Drift, 'kind' | 'facts'>, observed: Observed): Baseline {
  const { pipelineIds = [], stageId, object, name } = drift.facts;
  if (object !== undefined && name !== undefined) {
    const type = observed.properties.get(object)?.get(name);
    return {
      ...baseline,
      properties: baseline.properties.flatMap((one) => {
        if (one.object !== object || one.name !== name) return [one];
        return type === undefined ? [] : [{ object, name, type }];
      }),
    };
  }
  if (!observed.catalog) return baseline;
  const isMeant = (one: SeenStage) =>
    pipelineIds.includes(one.pipelineId) && (stageId === undefined || one.stageId === stageId);
  const present = seenIn(observed.catalog);
  if (drift.kind === 'pipeline_renamed') {
    const labels = new Map(present.map((one) => [one.pipelineId, one.pipelineLabel]));
    return {
      ...baseline,
      stages: baseline.stages.map((one) =>
        isMeant(one) ? { ...one, pipelineLabel: labels.get(one.pipelineId) ?? one.pipelineLabel } : one,
      ),
    };
  }
  // Of a stage that was renamed and means something else, both are seen with one look.
  return { ...baseline, stages: [...baseline.stages.filter((one) => !isMeant(one)), ...present.filter(isMeant)] };
}

function seenIn(catalog: StageCatalog): SeenStage[] {
  return catalog.pipelines.flatMap(({ id: pipelineId, label: pipelineLabel, stages }) =>
    stages.map(
      (stage): SeenStage => ({
        pipelineId,
        pipelineLabel,
        stageId: stage.id,
        stageLabel: stage.label,
        byMetadata: meaningOf(stageFromMetadata(stage)),
      }),
    ),
  );
}

type Make = (
  kind: DriftKind,
  subject: string,
  severity: Severity,
  what: string,
  meanwhile: string,
  facts: DriftFacts,
) => Drift;

// ── Pipelines and stages ────────────────────────────────────────────────────────────────────────────────────────────

function stageDrifts(make: Make, baseline: Baseline, catalog: StageCatalog, mapping: StageMapping): Drift[] {
  const present = seenIn(catalog);
  const [before, after] = [baseline.stages, present].map((stages) =>
    Map.groupBy(stages, ({ pipelineId }) => pipelineId),
  );
  if (!before || !after) return [];
  const drifts: Drift[] = [];
  for (const [pipelineId, stages] of after) {
    const [{ pipelineLabel: label } = { pipelineLabel: '' }] = stages;
    const former = before.get(pipelineId)?.[0];
    const pipelineIds = [pipelineId];
    if (!former)
      drifts.push(
        make(
          'pipeline_new',
          pipelineId,
          'normal',
          `The pipeline "${label}" is new in the CRM.`,
          'Its deals count by the metadata of its stages; nobody has looked at what these mean.',
          { pipelineIds },
        ),
      );
    else if (former.pipelineLabel !== label)
      drifts.push(
        make(
          'pipeline_renamed',
          `${pipelineId} ${short(label)}`,
          'low',
          `The pipeline "${former.pipelineLabel}" is called "${label}" now.`,
          'Nothing changes: deals are judged by its id.',
          { pipelineIds },
        ),
      );
  }
  for (const [pipelineId, stages] of before) {
    if (after.has(pipelineId)) continue;
    drifts.push(
      make(
        'pipeline_gone',
        pipelineId,
        'high',
        `The pipeline "${stages[0]?.pipelineLabel ?? pipelineId}" was deleted in the CRM.`,
        'What was decided on its deals stays; stages of deals that were in it go on meaning what they meant.',
        { pipelineIds: [pipelineId] },
      ),
    );
  }
  // The record types of an org share their stages: what happened to one of them happened once.
  const changes = new Map<string, StageChange>();
  for (const stage of present) {
    if (!before.has(stage.pipelineId)) continue;
    const former = baseline.stages.find((one) => isSame(one, stage));
    const means = meaningOf(findStage(mapping, stage.pipelineId, stage.stageId)?.stage ?? stage.byMetadata);
    if (!former) note(changes, { kind: 'stage_new', stage, former: stage, means });
    else {
      if (former.stageLabel !== stage.stageLabel) note(changes, { kind: 'stage_renamed', stage, former, means });
      if (former.byMetadata !== stage.byMetadata) note(changes, { kind: 'stage_meaning', stage, former, means });
    }
  }
  for (const former of baseline.stages) {
    if (!after.has(former.pipelineId) || present.some((one) => isSame(one, former))) continue;
    const means = meaningOf(findStage(mapping, former.pipelineId, former.stageId)?.stage ?? former.byMetadata);
    note(changes, { kind: 'stage_gone', stage: former, former, means });
  }
  const isWinnable = (pipelineId: string) =>
    present.some(
      (one) => one.pipelineId === pipelineId && findStage(mapping, pipelineId, one.stageId)?.stage === 'won',
    );
  return [...drifts, ...[...changes.values()].map((change) => stageDrift(make, change, isWinnable))];
}

interface StageNews {
  readonly kind: 'stage_new' | 'stage_renamed' | 'stage_gone' | 'stage_meaning';
  readonly stage: SeenStage;
  readonly former: SeenStage;
  readonly means: Meaning;
}

interface StageChange extends StageNews {
  readonly pipelineIds: string[];
}

function note(changes: Map<string, StageChange>, news: StageNews): void {
  const { kind, stage, former, means } = news;
  const key = [kind, stage.stageId, stage.stageLabel, stage.byMetadata, former.byMetadata, means].join('\n');
  const known = changes.get(key);
  if (known) known.pipelineIds.push(stage.pipelineId);
  else changes.set(key, { ...news, pipelineIds: [stage.pipelineId] });
}

function stageDrift(
  make: Make,
  { kind, stage, former, means, pipelineIds }: StageChange,
  isWinnable: (pipelineId: string) => boolean,
): Drift {
  const { stageId, stageLabel: label } = stage;
  const facts = { pipelineIds, stageId, means, meant: former.byMetadata };
  const where = pipelineIds.length === 1 ? `the pipeline "${stage.pipelineLabel}"` : `${pipelineIds.length} pipelines`;
  const subject = `${pipelineIds[0]} ${stageId} ${short(label, stage.byMetadata, means, ...pipelineIds)}`;
  switch (kind) {
    case 'stage_new': {
      const pays = means === 'won' ? ', and pay' : '';
      return make(
        kind,
        subject,
        means === 'won' ? 'high' : 'normal',
        `The stage "${label}" of ${where} is new in the CRM.`,
        `Deals in it count as ${means}${pays}, by its metadata, until you say otherwise.`,
        facts,
      );
    }
    case 'stage_renamed':
      return make(
        kind,
        subject,
        'low',
        `The stage "${former.stageLabel}" of ${where} is called "${label}" now.`,
        `Nothing changes: it goes on meaning ${means}, since deals are judged by its id.`,
        facts,
      );
    case 'stage_gone': {
      const isLast = means === 'won' && pipelineIds.some((pipelineId) => !isWinnable(pipelineId));
      return make(
        kind,
        subject,
        isLast ? 'urgent' : 'normal',
        `The stage "${label}" of ${where} was deleted in the CRM.`,
        isLast
          ? 'Deals that were in it go on counting as won; none there can be won any more, until another stage means it.'
          : `Deals that were in it go on counting as ${means}.`,
        facts,
      );
    }
    case 'stage_meaning': {
      const concernsMoney = former.byMetadata === 'won' || stage.byMetadata === 'won';
      const isOutweighed = means !== stage.byMetadata;
      return make(
        kind,
        subject,
        concernsMoney && !isOutweighed ? 'urgent' : 'normal',
        `The stage "${label}" of ${where} was ${former.byMetadata} by the metadata of the CRM, and is ${stage.byMetadata}.`,
        isOutweighed
          ? `An admin's word outweighs it: deals in it go on counting as ${means}.`
          : meaningText(former.byMetadata, means),
        facts,
      );
    }
  }
}

function meaningText(meant: Meaning, means: Meaning): string {
  if (meant === 'won')
    return `Deals in it count as ${means} from now on, and what was paid for them is taken back as they are looked at, unless you say that it means won.`;
  if (means === 'won') return 'Deals in it count as won from now on, and pay, unless you say otherwise.';
  return `Deals in it count as ${means} from now on.`;
}

/** How far along each stage is. A deal that is further has passed it. */
const RANK: Readonly<Record<Meaning, number>> = { lost: 0, qualified: 1, opportunity: 2, won: 3 };

/** Rules that wait for something that no stage of this CRM means. */
function deadRules(make: Make, { catalog, mapping, programs }: Observed): Drift[] {
  const stages = catalog ? seenIn(catalog) : [];
  if (stages.length === 0) return [];
  const furthest = Math.max(
    ...stages.map(({ pipelineId, stageId, byMetadata }) =>
      Math.max(0, RANK[meaningOf(findStage(mapping, pipelineId, stageId)?.stage ?? byMetadata)]),
    ),
  );
  const dead = programs.flatMap(({ programId, rules }) =>
    rules
      .filter((rule) => rankOf(triggerOf(rule)) > furthest)
      .map((rule) => ({ trigger: triggerOf(rule), rule: `${programId} ${rule.key}` })),
  );
  return [...Map.groupBy(dead, ({ trigger }) => trigger)].map(([trigger, rules]) =>
    make(
      'rule_dead',
      trigger,
      'urgent',
      `No stage of this CRM means ${trigger}.`,
      `${rules.length} ${rules.length === 1 ? 'rule waits' : 'rules wait'} for it and can never pay here, until a stage means it.`,
      { rules: rules.map(({ rule }) => rule) },
    ),
  );
}

function rankOf(trigger: TriggerStage): number {
  return RANK[meaningOf(trigger)];
}

// ── Properties ──────────────────────────────────────────────────────────────────────────────────────────────────────

function propertyDrifts(make: Make, { provisioned }: Observed): Drift[] {
  if (!provisioned) return [];
  const { created, conflicts } = provisioned;
  return [
    ...created.map((name) =>
      make(
        'property_gone',
        name,
        'low',
        `${name} was removed in the CRM, and is there again: Wonward has made it anew.`,
        'All values are written into it anew.',
        { name },
      ),
    ),
    ...conflicts.map(({ name, problem }) =>
      make(
        'property_conflict',
        `${name} ${short(problem)}`,
        'high',
        `${name} cannot be used: ${problem}.`,
        'What belongs there is not shown in the CRM. Decisions and rewards go on.',
        { name },
      ),
    ),
  ];
}

interface AskedProperty {
  readonly object: CrmObject;
  readonly name: string;
  readonly programs: readonly string[];
}

/** What the rules that are in force ask about. */
function askedProperties(programs: readonly ProgramVersion[]): AskedProperty[] {
  const asked = new Map<string, { object: CrmObject; name: string; programs: string[] }>();
  for (const program of programs) {
    const wanted = wantedProperties([program]);
    for (const object of ['deal', 'contact', 'company'] as const)
      for (const name of wanted[object]) {
        const known = asked.get(`${object} ${name}`);
        if (known) known.programs.push(program.programId);
        else asked.set(`${object} ${name}`, { object, name, programs: [program.programId] });
      }
  }
  return [...asked.values()];
}

function rulePropertyDrifts(make: Make, baseline: Baseline, { programs, properties }: Observed): Drift[] {
  return askedProperties(programs).flatMap(({ object, name, programs: of }) => {
    const present = properties.get(object);
    if (!present) return [];
    const facts = { object, name, rules: of };
    const type = present.get(name);
    if (type === undefined)
      return [
        make(
          'rule_property_gone',
          `${object} ${name}`,
          'high',
          `The property "${name}" of ${object}s, which rules of ${of.join(', ')} ask about, is not in the CRM any more.`,
          'What these rules would grant waits, since what they ask for cannot be read. Bring it back in the CRM, or publish rules without it.',
          facts,
        ),
      ];
    const seen = baseline.properties.find((one) => one.object === object && one.name === name);
    if (!seen || seen.type === type) return [];
    return [
      make(
        'rule_property_type',
        `${object} ${name} ${type}`,
        'normal',
        `The property "${name}" of ${object}s, which rules of ${of.join(', ')} ask about, was of the type ${seen.type} and is ${type}.`,
        'Rules go on comparing its values as they are written now.',
        facts,
      ),
    ];
  });
}

// ── Access and events ───────────────────────────────────────────────────────────────────────────────────────────────

function scopeDrifts(make: Make, { scopes: { granted, required } }: Observed): Drift[] {
  // Of a grant that the CRM told no scopes of nothing is known.
  if (granted.length === 0) return [];
  const missing = required.filter((scope) => !granted.includes(scope));
  if (missing.length === 0) return [];
  return [
    make(
      'scope_lost',
      missing.toSorted().join(' '),
      'high',
      `The CRM does not grant ${missing.join(', ')}.`,
      'What needs it is put off and loses nothing, until an admin of the CRM grants it.',
      { scopes: missing },
    ),
  ];
}

function faultDrifts(make: Make, { fault }: Observed): Drift[] {
  if (!fault) return [];
  return fault.kind === 'connection_lost'
    ? [
        make(
          fault.kind,
          '',
          'urgent',
          fault.text,
          'Nothing is read from the CRM or written to it. What happens there meanwhile is found afterwards.',
          {},
        ),
      ]
    : [
        make(
          fault.kind,
          short(fault.text),
          'high',
          fault.text,
          'What cannot be read is put off and loses nothing.',
          {},
        ),
      ];
}

function hintDrifts(make: Make, { hints }: Observed, now: Instant): Drift[] {
  if (!hints || hints.dealIds.length < LOST_MIN) return [];
  const { dealIds, since, lastAt } = hints;
  if ((lastAt ?? 0) >= since || now - since < SILENT_MS) return [];
  return [
    make(
      'hints_dead',
      '',
      'high',
      `The CRM tells of no changes any more: of ${dealIds.length} changes of deals no event has come${lastAt === null ? '' : ', and of nothing else either'}.`,
      'Nothing is lost: the sweep finds what changed, later than an event would have told.',
      { dealIds: dealIds.slice(0, IDS_TOLD_MAX), since },
    ),
  ];
}

function isSame(a: SeenStage, b: SeenStage): boolean {
  return a.pipelineId === b.pipelineId && a.stageId === b.stageId;
}

function meaningOf(stage: string): Meaning {
  return MAPPABLE_STAGES.find((meaning) => meaning === stage) ?? 'opportunity';
}

/** Of what is another alert when it changes once more. */
function short(...details: readonly string[]): string {
  return policyHash({ details }).slice(0, 12);
}
