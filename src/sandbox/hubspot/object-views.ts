import { type ObjectType, objectTypeById } from './object-types.ts';
import { findProperty, type Portal, type RecordState } from './portal.ts';

/** How a record looks on the wire (`SimplePublicObject`). */
export interface RecordView {
  id: string;
  properties: Record<string, string | null>;
  propertiesWithHistory?: Record<string, RevisionView[]>;
  createdAt: string;
  updatedAt: string;
  archived: boolean;
  archivedAt?: string;
  url: string;
}

interface RevisionView {
  value: string;
  timestamp: string;
  sourceType: string;
  sourceId?: string;
  updatedByUserId?: number;
}

export interface Wanted {
  properties: readonly string[];
  propertiesWithHistory: readonly string[];
}

function revisions(record: RecordState, name: string): RevisionView[] {
  return (record.history.get(name) ?? []).map((revision) => ({
    value: revision.value,
    timestamp: new Date(revision.at).toISOString(),
    sourceType: revision.sourceType,
    ...(revision.sourceId === undefined ? {} : { sourceId: revision.sourceId }),
    ...(revision.updatedByUserId === undefined ? {} : { updatedByUserId: revision.updatedByUserId }),
  }));
}

/** Names that every answer has whatever was asked for. */
function always(type: ObjectType): string[] {
  return [type.createdProperty ?? 'createdate', type.modifiedProperty, 'hs_object_id'];
}

export function valuesView(
  portal: Portal,
  type: ObjectType,
  values: ReadonlyMap<string, string>,
  names: readonly string[],
): Record<string, string | null> {
  const view: Record<string, string | null> = {};
  const wanted = names.length === 0 ? type.defaultProperties : [...names, ...always(type)];
  for (const name of [...new Set(wanted)].sort()) {
    // Contacts guide: undefined properties are left out, defined ones without a value are null.
    if (findProperty(portal, type.typeId, name)) view[name] = values.get(name) ?? null;
  }
  return view;
}

function frame(portal: Portal, record: RecordState): Omit<RecordView, 'properties' | 'propertiesWithHistory'> {
  return {
    id: record.id,
    createdAt: new Date(record.createdAt).toISOString(),
    updatedAt: new Date(record.updatedAt).toISOString(),
    archived: record.archived,
    ...(record.archivedAt === undefined ? {} : { archivedAt: new Date(record.archivedAt).toISOString() }),
    url: `https://${portal.uiDomain}/contacts/${portal.id}/record/${record.typeId}/${record.id}`,
  };
}

export function recordView(portal: Portal, record: RecordState, wanted: Wanted): RecordView {
  const type = objectTypeById(record.typeId);
  const view: RecordView = {
    ...frame(portal, record),
    properties: valuesView(portal, type, record.properties, [...wanted.properties, ...wanted.propertiesWithHistory]),
  };
  if (wanted.propertiesWithHistory.length > 0) {
    view.propertiesWithHistory = Object.fromEntries(
      wanted.propertiesWithHistory
        .filter((name) => findProperty(portal, record.typeId, name))
        .map((name) => [name, revisions(record, name)]),
    );
  }
  return view;
}

/** After a write: everything that has a value. */
export function writtenView(portal: Portal, record: RecordState): RecordView {
  return {
    ...frame(portal, record),
    properties: Object.fromEntries([...record.properties].sort(([left], [right]) => (left < right ? -1 : 1))),
  };
}
