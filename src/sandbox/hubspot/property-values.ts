import type { PropertyProblem } from './errors.ts';
import type { ObjectType } from './object-types.ts';
import { findProperty, type Pipeline, type Portal, pipelinesOf, type RecordState } from './portal.ts';
import { LIFECYCLE_STAGES, type PropertyDefinition } from './property-catalog.ts';

/** "A plain text string, limited to 65,536 characters" (properties guide). */
const MAX_STRING_LENGTH = 65_536;

/** "digits and at most one decimal", or scientific notation (properties guide, field type `number`). */
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const EPOCH = /^-?\d{1,15}$/;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const DATETIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;
const EMAIL = /^[^\s@<>,;"]+@[^\s@<>,;"]+\.[^\s@<>,;".]{2,}$/;

type Checked = { value: string } | { problem: PropertyProblem };

function problem(name: string, message: string, error: string): Checked {
  return { problem: { name, message, error } };
}

function parseDate(raw: string): number | undefined {
  if (DATE.test(raw)) {
    const at = Date.parse(`${raw}T00:00:00.000Z`);
    return Number.isNaN(at) || new Date(at).toISOString().slice(0, 10) !== raw ? undefined : at;
  }
  if (EPOCH.test(raw) && Number(raw) % 86_400_000 === 0) return Number(raw);
  return undefined;
}

function parseDatetime(raw: string): number | undefined {
  if (EPOCH.test(raw)) return Number(raw);
  if (DATE.test(raw)) return parseDate(raw);
  if (!DATETIME.test(raw)) return undefined;
  const at = Date.parse(raw);
  return Number.isNaN(at) ? undefined : at;
}

/** Milliseconds of a date or datetime in either of HubSpot's two formats; undefined when it is neither. */
export function parseInstant(raw: string): number | undefined {
  return parseDatetime(raw);
}

function optionsOf(portal: Portal, property: PropertyDefinition): string[] {
  if (property.hubspotDefined && property.name === 'hubspot_owner_id') {
    return portal.owners.filter((owner) => !owner.archived).map((owner) => owner.id);
  }
  if (property.hubspotDefined && property.name === 'deal_currency_code') {
    return [portal.companyCurrency, ...portal.additionalCurrencies];
  }
  return property.options.map((option) => option.value);
}

function checkEnumeration(portal: Portal, property: PropertyDefinition, raw: string, current: string): Checked {
  const allowed = optionsOf(portal, property);
  const multiple = property.fieldType === 'checkbox';
  const chosen = multiple ? raw.split(';').filter((value) => value !== '') : [raw];
  const wrong = chosen.find((value) => !allowed.includes(value));
  if (wrong !== undefined) {
    return problem(
      property.name,
      `${wrong} was not one of the allowed options: [${allowed.join(', ')}]`,
      'INVALID_OPTION',
    );
  }
  // A leading semicolon appends to the present values (properties guide).
  if (!multiple) return { value: raw };
  const kept = raw.startsWith(';') ? current.split(';').filter((value) => value !== '') : [];
  return { value: [...new Set([...kept, ...chosen])].join(';') };
}

/** Checks one value and brings it to the form in which HubSpot keeps it. An empty string clears. */
function checkValue(portal: Portal, property: PropertyDefinition, raw: string, current: string): Checked {
  if (raw === '') return { value: '' };
  switch (property.type) {
    case 'number':
      return NUMBER.test(raw)
        ? { value: raw }
        : problem(property.name, `${raw} was not a valid number.`, 'INVALID_INTEGER');
    case 'date': {
      const at = parseDate(raw);
      return at === undefined
        ? problem(property.name, `${raw} was not a valid date.`, 'INVALID_DATE')
        : { value: new Date(at).toISOString().slice(0, 10) };
    }
    case 'datetime': {
      const at = parseDatetime(raw);
      return at === undefined
        ? problem(property.name, `${raw} was not a valid long.`, 'INVALID_LONG')
        : { value: new Date(at).toISOString() };
    }
    case 'bool':
      return raw === 'true' || raw === 'false'
        ? { value: raw }
        : problem(property.name, `${raw} was not one of the allowed options: [true, false]`, 'INVALID_OPTION');
    case 'enumeration':
      return checkEnumeration(portal, property, raw, current);
    default:
      return raw.length > MAX_STRING_LENGTH
        ? problem(property.name, `Value is longer than ${MAX_STRING_LENGTH} characters.`, 'VALUE_TOO_LONG')
        : { value: raw };
  }
}

export function findStage(portal: Portal, pipelineId: string, stageId: string): Pipeline['stages'][number] | undefined {
  const pipeline = pipelinesOf(portal, '0-3').get(pipelineId);
  if (!pipeline || pipeline.archived) return undefined;
  return pipeline.stages.find((stage) => stage.id === stageId && !stage.archived);
}

/** A deal's stage must be one of its pipeline's; a pipeline that exists is required. */
function checkDealStage(portal: Portal, values: Map<string, string>, record?: RecordState): PropertyProblem[] {
  if (record && !values.has('dealstage') && !values.has('pipeline')) return [];
  const pipelines = [...pipelinesOf(portal, '0-3').values()].filter((pipeline) => !pipeline.archived);
  const pipelineId = values.get('pipeline') ?? record?.properties.get('pipeline') ?? '';
  if (!pipelines.some((pipeline) => pipeline.id === pipelineId)) {
    const ids = pipelines.map((pipeline) => pipeline.id).join(', ');
    return [
      {
        name: 'pipeline',
        message: `${pipelineId} was not one of the allowed options: [${ids}]`,
        error: 'INVALID_OPTION',
      },
    ];
  }
  const stageId = values.get('dealstage') ?? record?.properties.get('dealstage') ?? '';
  if (findStage(portal, pipelineId, stageId)) return [];
  const stages = pipelines.find((pipeline) => pipeline.id === pipelineId)?.stages ?? [];
  return [
    {
      name: 'dealstage',
      message: `${stageId} was not one of the allowed options of pipeline ${pipelineId}: [${stages.map((stage) => stage.id).join(', ')}]`,
      error: 'INVALID_OPTION',
    },
  ];
}

function isBackwards(current: string, wanted: string): boolean {
  const order = LIFECYCLE_STAGES.map(([value]) => value);
  const [from, to] = [order.indexOf(current), order.indexOf(wanted)];
  return from >= 0 && to >= 0 && to < from;
}

export interface CheckedProperties {
  values: Map<string, string>;
  problems: PropertyProblem[];
}

/**
 * Checks a write's properties as HubSpot does: unknown and read-only ones are refused, values are checked by type.
 * `record` is the present state for an update. A lifecycle stage is never moved backwards: HubSpot ignores such a value.
 */
export function checkProperties(
  portal: Portal,
  type: ObjectType,
  input: Readonly<Record<string, string>>,
  record?: RecordState,
): CheckedProperties {
  const values = new Map<string, string>();
  const problems: PropertyProblem[] = [];
  for (const [name, raw] of Object.entries(input)) {
    const property = findProperty(portal, type.typeId, name);
    if (!property) {
      problems.push({ name, message: `Property "${name}" does not exist`, error: 'PROPERTY_DOESNT_EXIST' });
      continue;
    }
    if (property.readOnlyValue) {
      problems.push({
        name,
        message: `"${name}" is a read only property; its value cannot be set.`,
        error: 'READ_ONLY_VALUE',
      });
      continue;
    }
    if (type.typeId === '0-3' && (name === 'dealstage' || name === 'pipeline')) {
      values.set(name, raw);
      continue;
    }
    const checked = checkValue(portal, property, raw, record?.properties.get(name) ?? '');
    if ('problem' in checked) {
      problems.push(checked.problem);
    } else if (type.typeId === '0-1' && name === 'email' && raw !== '') {
      if (EMAIL.test(raw)) values.set(name, raw.toLowerCase());
      else problems.push({ name, message: `Email address ${raw} is invalid`, error: 'INVALID_EMAIL' });
    } else if (name === 'lifecyclestage' && isBackwards(record?.properties.get(name) ?? '', checked.value)) {
      // Contacts guide: "you can only set the value forward in the stage order".
    } else {
      values.set(name, checked.value);
    }
  }
  if (type.typeId === '0-3') problems.push(...checkDealStage(portal, values, record));
  return { values, problems };
}
