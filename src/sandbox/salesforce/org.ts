import { SandboxError } from './errors.ts';
import { createIds, type Ids } from './ids.ts';
import { readPackage } from './package-objects.ts';
import { type Field, findField, type ObjectType, type Schema } from './schema.ts';
import { currencyField, type OrgFeatures, standardObjects } from './standard-objects.ts';

/** The state of one org. No HTTP, no rules: those stand in records.ts and sales.ts. */

/** Dates are `YYYY-MM-DD`, moments milliseconds since the epoch. */
export type Value = string | number | boolean | null;
/** Never changed in place: a write replaces it, so that a transaction can be taken back. */
export type Row = Readonly<Record<string, Value>>;

export interface Table {
  rows: Map<string, Row>;
  /** Ids by the value of each unique, external id or look-up field, deleted records too. */
  index: Map<string, Map<string, Set<string>>>;
}

export interface StageSeed {
  name: string;
  label?: string;
  isClosed?: boolean;
  isWon?: boolean;
  isActive?: boolean;
  probability: number;
  forecastCategory?: string;
}

export interface RecordTypeSeed {
  developerName: string;
  name?: string;
  sobjectType: string;
  /** Values of StageName that its sales process offers; all unless given. */
  stages?: string[];
}

export interface UserSeed {
  username: string;
  email?: string;
  firstName?: string;
  lastName: string;
  isActive?: boolean;
}

/** A rule that refuses a record: the local org reads no formulas, so a rule is one comparison. */
export interface ValidationRule {
  object: string;
  message: string;
  /** Where the message is shown; the page unless given. */
  field?: string;
  when: { field: string; is: 'blank' | 'present' | 'equal'; value?: Value };
}

export interface DuplicateRule {
  object: string;
  /** Records with the same values, without case, are duplicates. */
  fields: string[];
  /** 'alert' lets a caller save all the same when it says so, 'block' never does. */
  action: 'alert' | 'block';
}

/** What the integration user may do with an object or a field. */
export type Access = 'none' | 'read' | 'edit';

export interface OrgSeed {
  name?: string;
  /** Three characters that tell this org's ids apart. */
  pod?: string;
  organizationType?: 'Developer Edition' | 'Enterprise Edition' | 'Unlimited Edition';
  isSandbox?: boolean;
  features?: Partial<OrgFeatures>;
  /** The first is the corporate one. */
  currencies?: string[];
  users?: UserSeed[];
  stages?: StageSeed[];
  recordTypes?: RecordTypeSeed[];
  /** `package: null` is an org into which the package was never installed. */
  package?: { root: string; namespace?: string } | null;
  /** Objects selected for change data capture, without those of the package's channels. */
  changeEvents?: string[];
  /** Fields whose history is kept on opportunities. */
  trackedFields?: string[];
  validationRules?: ValidationRule[];
  duplicateRules?: DuplicateRule[];
  /** Requests in 24 hours; 15,000 as a Developer Edition has. */
  dailyRequests?: number;
}

export interface Org {
  /** 18 characters. */
  id: string;
  name: string;
  seed: OrgSeed;
  features: OrgFeatures;
  currencies: string[];
  namespace: string;
  schema: Schema;
  tables: Map<string, Table>;
  ids: Ids;
  /** Of automatic numbers, by object and field. */
  counters: Map<string, number>;
  /** By `Object` or `Object.Field`; what is not listed may be edited. */
  access: Map<string, Access>;
  validationRules: ValidationRule[];
  duplicateRules: DuplicateRule[];
  /** Names of the objects that are selected in Setup. */
  captured: Set<string>;
  /** Channels of the package, with their events. */
  channels: Map<string, string[]>;
  /** Fields that the package puts on standard objects, by object. */
  packageFields: Map<string, string[]>;
  trackedFields: Set<string>;
  /** Stages that a record type offers, by the record type's id. */
  recordTypeStages: Map<string, string[]>;
  settings: {
    /** false: API_DISABLED_FOR_ORG. */
    apiEnabled: boolean;
    /** true: no record more. */
    storageFull: boolean;
    /** false: the app was removed, nobody gets a token. */
    appInstalled: boolean;
    dailyRequests: number;
  };
  /** When and which record was deleted; kept when the recycle bin is emptied. */
  deleteLog: Array<{ object: string; id: string; at: number }>;
}

const DEFAULT_STAGES: StageSeed[] = [
  { name: 'Prospecting', probability: 10, forecastCategory: 'Pipeline' },
  { name: 'Qualification', probability: 10, forecastCategory: 'Pipeline' },
  { name: 'Proposal/Price Quote', probability: 75, forecastCategory: 'BestCase' },
  { name: 'Negotiation/Review', probability: 90, forecastCategory: 'BestCase' },
  { name: 'Closed Won', probability: 100, isClosed: true, isWon: true, forecastCategory: 'Closed' },
  { name: 'Closed Lost', probability: 0, isClosed: true, forecastCategory: 'Omitted' },
];
const LEAD_STATUSES = ['Open - Not Contacted', 'Working - Contacted', 'Closed - Converted', 'Closed - Not Converted'];
const DEFAULT_USERS: UserSeed[] = [
  { username: 'admin@acme.example', firstName: 'Ada', lastName: 'Admin' },
  { username: 'integration@acme.example', lastName: 'Integration' },
];
/** Have a currency in an org with several: all that are not set up in Setup. */
const WITHOUT_CURRENCY = new Set([
  'OpportunityFieldHistory',
  'OpportunityStage',
  'LeadStatus',
  'RecordType',
  'Organization',
  'CurrencyType',
  'Task',
]);
/** Developer Edition: "API Request Limits and Allocations". */
const DEFAULT_DAILY_REQUESTS = 15_000;
const SECOND_MS = 1_000;

/** A look-up of business: who owns or wrote a record is nobody's question by the thousand. */
const isLookup = (one: Field): boolean =>
  one.type === 'reference' && !one.referenceTo.includes('User') && !one.referenceTo.includes('RecordType');

export function createTable(object: ObjectType): Table {
  const keys = [...object.fields.values()].filter((one) => one.externalId || one.unique || isLookup(one));
  return { rows: new Map(), index: new Map(keys.map((one) => [one.name, new Map<string, Set<string>>()])) };
}

export function tableOf(org: Org, object: string): Table {
  const table = org.tables.get(object);
  if (!table) throw new Error(`the local org has no table ${object}`);
  return table;
}

/** A unique field without case takes AB and ab for the same; ids never do. */
export const indexKey = (field: Field | undefined, value: Value): string =>
  field?.caseSensitive || field?.type === 'reference' ? String(value) : String(value).toLowerCase();

/** Records whose look-up names this id, deleted ones too. */
export function rowsPointingAt(org: Org, object: ObjectType, field: Field, id: string): Row[] {
  const table = tableOf(org, object.name);
  const ids = table.index.get(field.name);
  const found = ids ? [...(ids.get(id) ?? [])] : [...table.rows.keys()];
  return found.flatMap((one) => {
    const row = table.rows.get(one);
    return row && row[field.name] === id ? [row] : [];
  });
}

/** Puts a row in its place, or takes it away, and keeps the indexes. */
export function putRow(org: Org, object: ObjectType, id: string, row: Row | undefined): void {
  const table = tableOf(org, object.name);
  const before = table.rows.get(id);
  for (const [name, ids] of table.index) {
    const field = object.fields.get(name);
    const old = before?.[name];
    if (old !== undefined && old !== null) ids.get(indexKey(field, old))?.delete(id);
    const value = row?.[name];
    if (value === undefined || value === null) continue;
    const key = indexKey(field, value);
    const found = ids.get(key) ?? new Set<string>();
    ids.set(key, found.add(id));
  }
  if (row) table.rows.set(id, row);
  else table.rows.delete(id);
}

/** The object whose records have this key prefix and of which there is such a record, or that could have one. */
export function objectOfId(org: Org, id: string): ObjectType | undefined {
  const prefix = id.slice(0, 3);
  const candidates = [...org.schema.objects.values()].filter(({ keyPrefix }) => keyPrefix === prefix);
  return candidates.find(({ name }) => tableOf(org, name).rows.has(id)) ?? candidates[0];
}

export function accessTo(org: Org, object: ObjectType, field?: Field): Access {
  const ofObject = org.access.get(object.name) ?? 'edit';
  if (!field || ofObject === 'none') return ofObject;
  const ofField = org.access.get(`${object.name}.${field.name}`) ?? 'edit';
  return ofObject === 'read' && ofField === 'edit' ? 'read' : ofField;
}

/** Fields that the user of the API sees. What field-level security hides does not exist for it. */
export function visibleFields(org: Org, object: ObjectType): Field[] {
  return [...object.fields.values()].filter((field) => accessTo(org, object, field) !== 'none');
}

export function visibleField(org: Org, object: ObjectType, name: string): Field | undefined {
  const field = findField(object, name);
  return field && accessTo(org, object, field) !== 'none' ? field : undefined;
}

function buildSchema(seed: OrgSeed, features: OrgFeatures, currencies: string[]) {
  const objects = new Map(standardObjects(features).map((object) => [object.name, object]));
  const namespace = seed.package?.namespace ?? '';
  const pack = seed.package ? readPackage(seed.package.root, namespace) : null;
  for (const object of pack?.objects ?? []) objects.set(object.name, object);
  const packageFields = new Map<string, string[]>();
  for (const [name, fields] of pack?.fields ?? []) {
    const object = objects.get(name);
    if (!object) throw new SandboxError(`the package puts fields on ${name}, which the local org does not have`);
    for (const field of fields) object.fields.set(field.name, field);
    packageFields.set(
      name,
      fields.map((field) => field.name),
    );
  }
  if (features.multiCurrency) {
    for (const object of objects.values()) {
      if (!WITHOUT_CURRENCY.has(object.name))
        object.fields.set('CurrencyIsoCode', currencyField(currencies[0] ?? 'USD', currencies));
    }
  }
  return { schema: { objects }, namespace, channels: pack?.channels ?? new Map<string, string[]>(), packageFields };
}

/** `OpportunityChangeEvent` is of Opportunity, `Referral__ChangeEvent` of Referral__c. */
export const entityOfEvent = (event: string): string =>
  event.endsWith('__ChangeEvent') ? event.replace(/__ChangeEvent$/, '__c') : event.replace(/ChangeEvent$/, '');
export const eventOfEntity = (entity: string): string =>
  entity.endsWith('__c') ? entity.replace(/__c$/, '__ChangeEvent') : `${entity}ChangeEvent`;

/** Are its changes told at all: it is selected in Setup or in some channel. */
export const isCaptured = (org: Org, entity: string): boolean =>
  org.captured.has(entity) ||
  [...org.channels.values()].some((events) => events.some((event) => entityOfEvent(event) === entity));

export function createOrg(seed: OrgSeed, at: number, index: number): Org {
  const features: OrgFeatures = {
    multiCurrency: false,
    personAccounts: false,
    nativeReferral: false,
    ...seed.features,
  };
  const currencies = seed.currencies ?? ['USD'];
  const { schema, namespace, channels, packageFields } = buildSchema(seed, features, currencies);
  const pod = seed.pod ?? `Hs${index}`;
  const ids = createIds(pod);
  const org: Org = {
    id: ids.next('00D'),
    name: seed.name ?? 'Acme',
    seed,
    features,
    currencies,
    namespace,
    schema,
    tables: new Map([...schema.objects.values()].map((object) => [object.name, createTable(object)])),
    ids,
    counters: new Map(),
    access: new Map(),
    validationRules: [...(seed.validationRules ?? [])],
    duplicateRules: [...(seed.duplicateRules ?? [])],
    captured: new Set(seed.changeEvents ?? ['Account', 'Contact', 'Lead', 'Opportunity', 'OpportunityContactRole']),
    channels,
    packageFields,
    trackedFields: new Set(seed.trackedFields ?? ['StageName', 'Amount', 'CloseDate', 'OwnerId', 'AccountId']),
    recordTypeStages: new Map(),
    settings: {
      apiEnabled: true,
      storageFull: false,
      appInstalled: seed.package !== null,
      dailyRequests: seed.dailyRequests ?? DEFAULT_DAILY_REQUESTS,
    },
    deleteLog: [],
  };
  fill(org, at);
  return org;
}

/** Puts what an org has from its first day: users, stages, statuses, record types, currencies, itself. */
function fill(org: Org, at: number): void {
  const moment = Math.floor(at / SECOND_MS) * SECOND_MS;
  const users = org.seed.users ?? DEFAULT_USERS;
  const userIds = users.map(() => org.ids.next('005'));
  const first = userIds[0] ?? org.ids.next('005');
  const add = (name: string, id: string, values: Record<string, Value>): void => {
    const object = org.schema.objects.get(name);
    if (!object) return;
    const empty = Object.fromEntries(
      [...object.fields.values()].map((field) => [field.name, field.type === 'boolean' ? false : null]),
    );
    const stamps = {
      CreatedDate: moment,
      CreatedById: first,
      LastModifiedDate: moment,
      LastModifiedById: first,
      SystemModstamp: moment,
    };
    putRow(org, object, id, { ...empty, ...stamps, ...values, Id: id });
  };
  users.forEach((user, index) => {
    add('User', userIds[index] as string, {
      Username: user.username,
      Email: user.email ?? user.username,
      FirstName: user.firstName ?? null,
      LastName: user.lastName,
      Name: [user.firstName, user.lastName].filter(Boolean).join(' '),
      IsActive: user.isActive ?? true,
      UserType: 'Standard',
      TimeZoneSidKey: 'America/Los_Angeles',
      LocaleSidKey: 'en_US',
      LanguageLocaleKey: 'en_US',
      ...(org.features.multiCurrency ? { CurrencyIsoCode: org.currencies[0] ?? 'USD' } : {}),
    });
  });
  (org.seed.stages ?? DEFAULT_STAGES).forEach((stage, index) => {
    add('OpportunityStage', org.ids.next('01J'), stageValues(stage, index + 1));
  });
  LEAD_STATUSES.forEach((status, index) => {
    add('LeadStatus', org.ids.next('01J'), {
      MasterLabel: status,
      ApiName: status,
      SortOrder: index + 1,
      IsDefault: index === 0,
      IsConverted: status === 'Closed - Converted',
    });
  });
  for (const type of org.seed.recordTypes ?? []) {
    const id = org.ids.next('012');
    add('RecordType', id, {
      Name: type.name ?? type.developerName,
      DeveloperName: type.developerName,
      SobjectType: type.sobjectType,
      IsActive: true,
    });
    if (type.stages) org.recordTypeStages.set(id, type.stages);
  }
  org.currencies.forEach((isoCode, index) => {
    add('CurrencyType', org.ids.next('01L'), {
      IsoCode: isoCode,
      ConversionRate: index === 0 ? 1 : 0.9,
      DecimalPlaces: isoCode === 'JPY' ? 0 : 2,
      IsActive: true,
      IsCorporate: index === 0,
    });
  });
  add('Organization', org.id, {
    Name: org.name,
    OrganizationType: org.seed.organizationType ?? 'Developer Edition',
    IsSandbox: org.seed.isSandbox ?? false,
    InstanceName: 'LOC1',
    DefaultLocaleSidKey: 'en_US',
    TimeZoneSidKey: 'America/Los_Angeles',
    LanguageLocaleKey: 'en_US',
  });
}

export function stageValues(stage: StageSeed, sortOrder: number): Record<string, Value> {
  const category = stage.forecastCategory ?? 'Pipeline';
  return {
    MasterLabel: stage.label ?? stage.name,
    ApiName: stage.name,
    IsActive: stage.isActive ?? true,
    SortOrder: sortOrder,
    IsClosed: stage.isClosed ?? false,
    IsWon: stage.isWon ?? false,
    ForecastCategory: category,
    ForecastCategoryName: category === 'BestCase' ? 'Best Case' : category === 'Forecast' ? 'Commit' : category,
    DefaultProbability: stage.probability,
    Description: null,
  };
}
