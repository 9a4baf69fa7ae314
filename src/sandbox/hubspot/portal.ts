import type { TimelineEvent } from './app-events.ts';
import type { CustomTypeId, ObjectTypeId } from './object-types.ts';
import { OBJECT_TYPES } from './object-types.ts';
import { defaultGroups, defaultProperties, type PropertyDefinition, type PropertyGroup } from './property-catalog.ts';

/** Who changed something: the words of a webhook's `changeSource`/`sourceId` and of a revision's `sourceType`/`sourceId`. */
export interface Actor {
  changeSource: string;
  sourceId?: string;
  userId?: number;
}

export interface Revision {
  value: string;
  at: number;
  sourceType: string;
  sourceId?: string;
  updatedByUserId?: number;
}

export interface IndexedVersion {
  at: number;
  properties: ReadonlyMap<string, string>;
  archived: boolean;
}

export interface RecordState {
  id: string;
  typeId: ObjectTypeId;
  properties: Map<string, string>;
  /** Newest first, at most the type's `historyLimit`. */
  history: Map<string, Revision[]>;
  createdAt: number;
  updatedAt: number;
  archived: boolean;
  archivedAt?: number;
  /** What the search index may show, oldest first; kept only while the index lags. */
  indexed: IndexedVersion[];
}

export interface PipelineStage {
  id: string;
  label: string;
  displayOrder: number;
  metadata: Record<string, string>;
  createdAt: number;
  updatedAt: number;
  archived: boolean;
}

export interface Pipeline {
  id: string;
  label: string;
  displayOrder: number;
  stages: PipelineStage[];
  createdAt: number;
  updatedAt: number;
  archived: boolean;
}

export interface AuditEntry {
  identifier: string;
  action: 'CREATE' | 'UPDATE' | 'DELETE';
  at: number;
  message: string;
  fromUserId?: number;
  rawObject: unknown;
}

export type AssociationCategory = 'HUBSPOT_DEFINED' | 'USER_DEFINED' | 'INTEGRATOR_DEFINED' | 'WORK';

export interface AssociationDefinition {
  typeId: number;
  category: AssociationCategory;
  from: ObjectTypeId;
  to: ObjectTypeId;
  /** null: the unlabeled default. */
  label: string | null;
  name: string;
  /** The same link seen from the other record. */
  inverseTypeId: number;
  /** An admin's cap on how many records one record may have under this type. */
  maxToObjectIds?: number;
}

export interface Owner {
  id: string;
  email: string;
  firstName: string;
  lastName: string;
  userId: number;
  createdAt: number;
  archived: boolean;
}

/** A list that people fill by hand. */
export interface ListState {
  id: string;
  name: string;
  objectTypeId: ObjectTypeId;
  /** When each record joined, by its id of then. */
  joined: Map<string, number>;
  createdAt: number;
  updatedAt: number;
  deletedAt?: number;
}

/** A connected app in one portal; null scopes mean that the app is not there. */
export interface Installation {
  scopes: string[];
  userId: number;
  installedAt: number;
}

export interface StageSeed {
  stageId?: string;
  label: string;
  /** "0.0" to "1.0"; 0.0 and 1.0 with isClosed are lost and won. */
  probability: string;
  isClosed?: boolean;
}

export interface PipelineSeed {
  pipelineId: string;
  label: string;
  stages: StageSeed[];
}

export interface PortalSeed {
  portalId: number;
  name?: string;
  timeZone?: string;
  companyCurrency?: string;
  additionalCurrencies?: string[];
  uiDomain?: string;
  dataHostingLocation?: string;
  accountType?: 'STANDARD' | 'DEVELOPER_TEST' | 'SANDBOX' | 'APP_DEVELOPER';
  /** People who can log in; each is an owner too. The first is the super admin. */
  users?: Array<{ userId: number; email: string; firstName?: string; lastName?: string }>;
  /** Deal pipelines; without it the one default pipeline. */
  pipelines?: PipelineSeed[];
  /** Scopes that this account's subscription does not have: required ones block the install, optional ones are left out. */
  unavailableScopes?: string[];
  /** How many objects of its own this account's subscription lets it define; 10 unless given, 0 below Enterprise. */
  customObjectLimit?: number;
  /** First record id of every object type. Ids of different types collide, as they may in HubSpot. */
  firstRecordId?: number;
}

/** An object that a portal has defined itself (`ObjectSchema`). */
export interface SchemaState {
  typeId: CustomTypeId;
  name: string;
  labels: { singular: string; plural: string };
  description: string;
  primaryDisplayProperty: string;
  secondaryDisplayProperties: string[];
  requiredProperties: string[];
  searchableProperties: string[];
  allowsSensitiveProperties: boolean;
  createdAt: number;
  updatedAt: number;
}

export interface Portal {
  id: number;
  name: string;
  timeZone: string;
  companyCurrency: string;
  additionalCurrencies: string[];
  uiDomain: string;
  dataHostingLocation: string;
  accountType: string;
  unavailableScopes: string[];
  /** True: refreshes are answered with BAD_HUB, calls with 401. */
  suspended: boolean;
  installation: Installation | null;
  records: Map<ObjectTypeId, Map<string, RecordState>>;
  nextRecordId: Map<ObjectTypeId, number>;
  /** `${typeId}:${oldId}` to the record that it was merged into. */
  aliases: Map<string, string>;
  /** `${typeId}:${property}:${lower-case value}` to the record that has it. */
  uniqueValues: Map<string, string>;
  /** E-mail addresses that a privacy deletion bans. */
  blockedEmails: Set<string>;
  properties: Map<ObjectTypeId, Map<string, PropertyDefinition>>;
  groups: Map<ObjectTypeId, Map<string, PropertyGroup>>;
  pipelines: Map<ObjectTypeId, Map<string, Pipeline>>;
  audits: AuditEntry[];
  definitions: Map<number, AssociationDefinition>;
  nextAssociationTypeId: number;
  /** `${fromType}:${fromId}>${toType}` to the linked records and their association types. */
  links: Map<string, Map<string, Set<number>>>;
  owners: Owner[];
  /** What apps have told timelines, by event type and id. */
  timeline: Map<string, TimelineEvent>;
  lists: Map<string, ListState>;
  nextListId: number;
  schemas: Map<ObjectTypeId, SchemaState>;
  /** Deleted and not yet "hard deleted": their names are still taken. */
  archivedSchemas: Map<string, SchemaState>;
  /** How many objects of its own the subscription lets a portal define; 0 below Enterprise. */
  customObjectLimit: number;
}

/** "10 custom objects" of an Enterprise subscription (products and services catalog). */
const CUSTOM_OBJECT_LIMIT = 10;
/** Beyond 32 bits, as real record ids are (541935488729). */
const FIRST_RECORD_ID = 30_000_000_001;
/** Custom association types start well above HubSpot's own (the largest documented is 1357). */
const FIRST_CUSTOM_ASSOCIATION_TYPE = 5001;

const DEFAULT_PIPELINE: PipelineSeed = {
  pipelineId: 'default',
  label: 'Sales Pipeline',
  stages: [
    { stageId: 'appointmentscheduled', label: 'Appointment Scheduled', probability: '0.2' },
    { stageId: 'qualifiedtobuy', label: 'Qualified To Buy', probability: '0.4' },
    { stageId: 'presentationscheduled', label: 'Presentation Scheduled', probability: '0.6' },
    { stageId: 'decisionmakerboughtin', label: 'Decision Maker Bought-In', probability: '0.8' },
    { stageId: 'contractsent', label: 'Contract Sent', probability: '0.9' },
    { stageId: 'closedwon', label: 'Closed Won', probability: '1.0', isClosed: true },
    { stageId: 'closedlost', label: 'Closed Lost', probability: '0.0', isClosed: true },
  ],
};

/** [id, category label, from, to, inverse]: "Association type ID values" of the associations guide. */
const ASSOCIATION_TYPES: Array<[number, string | null, ObjectTypeId, ObjectTypeId, number]> = [
  [449, null, '0-1', '0-1', 449],
  [279, null, '0-1', '0-2', 280],
  [1, 'Primary', '0-1', '0-2', 2],
  [4, null, '0-1', '0-3', 3],
  [280, null, '0-2', '0-1', 279],
  [2, 'Primary', '0-2', '0-1', 1],
  [450, null, '0-2', '0-2', 450],
  [14, 'Parent Company', '0-2', '0-2', 13],
  [13, 'Child Company', '0-2', '0-2', 14],
  [342, null, '0-2', '0-3', 341],
  [6, 'Primary', '0-2', '0-3', 5],
  [3, null, '0-3', '0-1', 4],
  [341, null, '0-3', '0-2', 342],
  [5, 'Primary', '0-3', '0-2', 6],
  [451, null, '0-3', '0-3', 451],
  [203, null, '0-1', '0-27', 204],
  [204, null, '0-27', '0-1', 203],
  [191, null, '0-2', '0-27', 192],
  [192, null, '0-27', '0-2', 191],
  [215, null, '0-3', '0-27', 216],
  [216, null, '0-27', '0-3', 215],
];

export function pipelineFromSeed(seed: PipelineSeed, displayOrder: number, at: number): Pipeline {
  return {
    id: seed.pipelineId,
    label: seed.label,
    displayOrder,
    createdAt: at,
    updatedAt: at,
    archived: false,
    stages: seed.stages.map((stage, index) => ({
      id: stage.stageId ?? `${seed.pipelineId}_${index}`,
      label: stage.label,
      displayOrder: index,
      metadata: { isClosed: String(stage.isClosed ?? false), probability: stage.probability },
      createdAt: at,
      updatedAt: at,
      archived: false,
    })),
  };
}

export function createPortal(seed: PortalSeed, at: number): Portal {
  const users = seed.users ?? [
    { userId: 10_202_051, email: 'admin@example.com', firstName: 'Ada', lastName: 'Admin' },
    { userId: 10_202_052, email: 'rep@example.com', firstName: 'Rex', lastName: 'Rep' },
  ];
  const pipelines = new Map<ObjectTypeId, Map<string, Pipeline>>(OBJECT_TYPES.map((type) => [type.typeId, new Map()]));
  (seed.pipelines ?? [DEFAULT_PIPELINE]).forEach((pipeline, index) => {
    pipelines.get('0-3')?.set(pipeline.pipelineId, pipelineFromSeed(pipeline, index, at));
  });
  return {
    id: seed.portalId,
    name: seed.name ?? `Portal ${seed.portalId}`,
    timeZone: seed.timeZone ?? 'US/Eastern',
    companyCurrency: seed.companyCurrency ?? 'USD',
    additionalCurrencies: seed.additionalCurrencies ?? [],
    uiDomain: seed.uiDomain ?? 'app.hubspot.com',
    dataHostingLocation: seed.dataHostingLocation ?? 'na1',
    accountType: seed.accountType ?? 'STANDARD',
    unavailableScopes: seed.unavailableScopes ?? [],
    suspended: false,
    installation: null,
    records: new Map(OBJECT_TYPES.map((type) => [type.typeId, new Map()])),
    nextRecordId: new Map(OBJECT_TYPES.map((type) => [type.typeId, seed.firstRecordId ?? FIRST_RECORD_ID])),
    aliases: new Map(),
    uniqueValues: new Map(),
    blockedEmails: new Set(),
    properties: new Map(
      OBJECT_TYPES.map((type) => [
        type.typeId,
        new Map(defaultProperties(type.typeId).map((property) => [property.name, property])),
      ]),
    ),
    groups: new Map(
      OBJECT_TYPES.map((type) => [
        type.typeId,
        new Map(defaultGroups(type.typeId).map((group) => [group.name, group])),
      ]),
    ),
    pipelines,
    audits: [],
    definitions: new Map(
      ASSOCIATION_TYPES.map(([typeId, label, from, to, inverseTypeId]) => [
        typeId,
        { typeId, category: 'HUBSPOT_DEFINED', from, to, label, name: '', inverseTypeId },
      ]),
    ),
    nextAssociationTypeId: FIRST_CUSTOM_ASSOCIATION_TYPE,
    links: new Map(),
    owners: users.map((user, index) => ({
      id: String(41_629_779 + index),
      email: user.email,
      firstName: user.firstName ?? '',
      lastName: user.lastName ?? '',
      userId: user.userId,
      createdAt: at,
      archived: false,
    })),
    timeline: new Map(),
    lists: new Map(),
    nextListId: 1,
    schemas: new Map(),
    archivedSchemas: new Map(),
    customObjectLimit: seed.customObjectLimit ?? CUSTOM_OBJECT_LIMIT,
  };
}

export function recordsOf(portal: Portal, typeId: ObjectTypeId): Map<string, RecordState> {
  const records = portal.records.get(typeId);
  if (!records) throw new Error(`portal without records of ${typeId}`);
  return records;
}

export function propertiesOf(portal: Portal, typeId: ObjectTypeId): Map<string, PropertyDefinition> {
  const properties = portal.properties.get(typeId);
  if (!properties) throw new Error(`portal without properties of ${typeId}`);
  return properties;
}

export function groupsOf(portal: Portal, typeId: ObjectTypeId): Map<string, PropertyGroup> {
  const groups = portal.groups.get(typeId);
  if (!groups) throw new Error(`portal without groups of ${typeId}`);
  return groups;
}

export function pipelinesOf(portal: Portal, typeId: ObjectTypeId): Map<string, Pipeline> {
  const pipelines = portal.pipelines.get(typeId);
  if (!pipelines) throw new Error(`portal without pipelines of ${typeId}`);
  return pipelines;
}

/** By its id, or by the name that has the portal in it. */
export function findSchema(portal: Portal, word: string): SchemaState | undefined {
  return [...portal.schemas.values()].find(
    (schema) => schema.typeId === word || `p${portal.id}_${schema.name}` === word,
  );
}

/** A property as a reader sees it: not archived. */
export function findProperty(portal: Portal, typeId: ObjectTypeId, name: string): PropertyDefinition | undefined {
  const property = propertiesOf(portal, typeId).get(name);
  return property && !property.archived ? property : undefined;
}

/** Follows merges to the living record, or undefined. An archived record is returned only when asked for. */
export function resolveRecord(portal: Portal, typeId: ObjectTypeId, id: string): RecordState | undefined {
  let current = id;
  for (let next = portal.aliases.get(`${typeId}:${current}`); next; next = portal.aliases.get(`${typeId}:${current}`)) {
    current = next;
  }
  return recordsOf(portal, typeId).get(current);
}
