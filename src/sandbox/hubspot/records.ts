import type { Tell } from './changes.ts';
import { conflict, type HubSpotError, notFound, propertiesNotValid, validationError } from './errors.ts';
import { type ObjectType, objectTypeById } from './object-types.ts';
import { type Actor, type Portal, pipelinesOf, propertiesOf, type RecordState, recordsOf } from './portal.ts';
import { checkProperties, findStage } from './property-values.ts';

export interface RecordsDeps {
  tell: Tell;
  /** How long the search index lags behind, in milliseconds; 0 keeps no past versions. */
  indexLagMs: number;
}

export type Records = ReturnType<typeof createRecords>;

/** Sources that HubSpot itself writes under. */
const CALCULATED: Actor = { changeSource: 'CALCULATED' };
const MERGE: Actor = { changeSource: 'MERGE_OBJECTS' };

function uniqueKey(type: ObjectType, property: string, value: string): string {
  return `${type.typeId}:${property}:${value.toLowerCase()}`;
}

function additionalEmails(record: RecordState): string[] {
  return (record.properties.get('hs_additional_emails') ?? '').split(';').filter((email) => email !== '');
}

function numeric(id: string): boolean {
  return /^\d+$/.test(id);
}

/** The record's life: create, update, archive, restore, merge, privacy deletion. No HTTP here. */
export function createRecords({ tell, indexLagMs }: RecordsDeps) {
  function index(record: RecordState, at: number): void {
    if (indexLagMs === 0) return;
    const visible = record.indexed.findLastIndex((version) => version.at <= at - indexLagMs);
    if (visible > 0) record.indexed.splice(0, visible);
    record.indexed.push({ at, properties: new Map(record.properties), archived: record.archived });
  }

  function setValue(record: RecordState, name: string, value: string, actor: Actor, at: number): boolean {
    if ((record.properties.get(name) ?? '') === value) return false;
    if (value === '') record.properties.delete(name);
    else record.properties.set(name, value);
    const revisions = record.history.get(name) ?? [];
    revisions.unshift({
      value,
      at,
      sourceType: actor.changeSource,
      ...(actor.sourceId === undefined ? {} : { sourceId: actor.sourceId }),
      ...(actor.userId === undefined ? {} : { updatedByUserId: actor.userId }),
    });
    // Backdated seeds may come out of order; readers see newest first.
    revisions.sort((left, right) => right.at - left.at);
    revisions.length = Math.min(revisions.length, objectTypeById(record.typeId).historyLimit);
    record.history.set(name, revisions);
    return true;
  }

  function touch(record: RecordState, at: number): void {
    const moved = Math.max(at, record.updatedAt);
    record.updatedAt = moved;
    record.properties.set(objectTypeById(record.typeId).modifiedProperty, new Date(moved).toISOString());
    index(record, at);
  }

  /** The first owner of a unique value other than `self`, or undefined. */
  function holder(portal: Portal, type: ObjectType, name: string, value: string, self?: string): string | undefined {
    const id = portal.uniqueValues.get(uniqueKey(type, name, value));
    return id === undefined || id === self ? undefined : id;
  }

  function uniqueNames(portal: Portal, type: ObjectType): string[] {
    return [...propertiesOf(portal, type.typeId).values()]
      .filter((property) => property.hasUniqueValue && property.name !== 'hs_object_id' && !property.archived)
      .map((property) => property.name);
  }

  function checkUnique(
    portal: Portal,
    type: ObjectType,
    values: ReadonlyMap<string, string>,
    self?: string,
  ): HubSpotError | undefined {
    for (const name of uniqueNames(portal, type)) {
      const value = values.get(name);
      if (!value) continue;
      if (type.typeId === '0-1' && name === 'email' && portal.blockedEmails.has(value)) {
        return propertiesNotValid(portal.id, [
          { name, message: 'email has been GDPR blacklisted', error: 'GDPR_BLOCKLISTED' },
        ]);
      }
      const other = holder(portal, type, name, value, self);
      if (other === undefined) continue;
      if (type.typeId === '0-1' && name === 'email') {
        return conflict(`Contact already exists. Existing ID: ${other}`, {
          errors: [
            {
              message: `Contact already exists. Existing ID: ${other}`,
              code: 'CONTACT_EXISTS',
              context: { id: [other] },
            },
          ],
        });
      }
      return propertiesNotValid(portal.id, [
        {
          name,
          message: `Cannot set ${name} to "${value}"${self ? ` on ${self}` : ''}. ${other} already has that value.`,
          error: 'CONFLICTING_UNIQUE_VALUE',
        },
      ]);
    }
    return undefined;
  }

  /** Every unique value of a record: those of its properties and a contact's additional addresses. */
  function uniqueKeys(portal: Portal, type: ObjectType, record: RecordState): string[] {
    const own = uniqueNames(portal, type).flatMap((name) => {
      const value = record.properties.get(name);
      return value ? [uniqueKey(type, name, value)] : [];
    });
    if (type.typeId !== '0-1') return own;
    return [...own, ...additionalEmails(record).map((email) => uniqueKey(type, 'email', email))];
  }

  function release(portal: Portal, type: ObjectType, record: RecordState): void {
    for (const key of uniqueKeys(portal, type, record)) {
      if (portal.uniqueValues.get(key) === record.id) portal.uniqueValues.delete(key);
    }
  }

  function claim(portal: Portal, type: ObjectType, record: RecordState): void {
    for (const key of uniqueKeys(portal, type, record)) portal.uniqueValues.set(key, record.id);
  }

  /** Puts values in, with HubSpot's own consequences for deals, and tells each one that changed. */
  function write(
    portal: Portal,
    type: ObjectType,
    record: RecordState,
    values: ReadonlyMap<string, string>,
    actor: Actor,
    at: number,
  ): boolean {
    const changed: Array<[string, string]> = [];
    for (const [name, value] of values) {
      const before = record.properties.get(name);
      if (!setValue(record, name, value, actor, at)) continue;
      changed.push([name, value]);
      if (propertiesOf(portal, type.typeId).get(name)?.hasUniqueValue) {
        if (before) portal.uniqueValues.delete(uniqueKey(type, name, before));
        if (value) portal.uniqueValues.set(uniqueKey(type, name, value), record.id);
      }
    }
    if (changed.length === 0) return false;
    if (type.typeId === '0-3') {
      const closed = deriveDeal(portal, record, values, at);
      if (closed) changed.push(['closedate', closed]);
    }
    // HubSpot gathers the users of all owner properties; here there is only its own one.
    if (values.has('hubspot_owner_id')) {
      const owner = portal.owners.find(({ id }) => id === values.get('hubspot_owner_id'));
      setValue(record, 'hs_user_ids_of_all_owners', owner ? String(owner.userId) : '', CALCULATED, at);
    }
    touch(record, at);
    for (const [propertyName, propertyValue] of changed) {
      tell(portal, {
        kind: 'propertyChange',
        typeId: type.typeId,
        objectId: record.id,
        at,
        actor,
        propertyName,
        propertyValue,
      });
    }
    return true;
  }

  /**
   * Keeps a deal's calculated properties. Returns the close date when HubSpot set it, which it does when a deal
   * moves to a closed stage and the same write does not give one.
   */
  function deriveDeal(
    portal: Portal,
    record: RecordState,
    written: ReadonlyMap<string, string>,
    at: number,
  ): string | undefined {
    const stage = findStage(portal, record.properties.get('pipeline') ?? '', record.properties.get('dealstage') ?? '');
    const wasClosed = record.properties.get('hs_is_closed') === 'true';
    const closed = stage?.metadata.isClosed === 'true';
    const probability = stage?.metadata.probability ?? '';
    setValue(record, 'hs_is_closed', String(closed), CALCULATED, at);
    setValue(record, 'hs_is_closed_won', String(closed && Number(probability) === 1), CALCULATED, at);
    setValue(record, 'hs_is_closed_lost', String(closed && Number(probability) === 0), CALCULATED, at);
    setValue(record, 'hs_deal_stage_probability', probability, CALCULATED, at);
    const currency = record.properties.get('deal_currency_code') ?? portal.companyCurrency;
    if (currency === portal.companyCurrency) {
      setValue(record, 'amount_in_home_currency', record.properties.get('amount') ?? '', CALCULATED, at);
    }
    if (!closed || wasClosed || !written.has('dealstage') || written.get('closedate')) return undefined;
    const closedate = new Date(at).toISOString();
    return setValue(record, 'closedate', closedate, CALCULATED, at) ? closedate : undefined;
  }

  function newRecord(portal: Portal, type: ObjectType, at: number): RecordState {
    const next = portal.nextRecordId.get(type.typeId) ?? 1;
    portal.nextRecordId.set(type.typeId, next + 1);
    const record: RecordState = {
      id: String(next),
      typeId: type.typeId,
      properties: new Map([
        [type.createdProperty ?? 'createdate', new Date(at).toISOString()],
        ['hs_object_id', String(next)],
        [type.modifiedProperty, new Date(at).toISOString()],
      ]),
      history: new Map(),
      createdAt: at,
      updatedAt: at,
      archived: false,
      indexed: [],
    };
    return record;
  }

  function requireOnCreate(portal: Portal, type: ObjectType, input: Readonly<Record<string, string>>): void {
    const has = (name: string): boolean => (input[name] ?? '') !== '';
    const schema = portal.schemas.get(type.typeId);
    const missing = schema
      ? schema.requiredProperties.filter((name) => !has(name))
      : type.typeId === '0-27'
        ? ['hs_timestamp'].filter((name) => !has(name))
        : type.typeId === '0-3'
          ? ['dealname', 'dealstage'].filter((name) => !has(name))
          : type.typeId === '0-2'
            ? ['domain', 'name'].every((name) => !has(name))
              ? ['name']
              : []
            : ['email', 'firstname', 'lastname'].every((name) => !has(name))
              ? ['email']
              : [];
    if (missing.length === 0) return;
    throw validationError(`Error creating ${type.upper}. Some required properties were not set.`, {
      context: { properties: missing },
      errors: missing.map((name) => ({
        message: `Required property ${name} was not set.`,
        code: 'REQUIRED_PROPERTY_MISSING',
        context: { propertyName: [name] },
      })),
    });
  }

  function withDefaults(
    portal: Portal,
    type: ObjectType,
    input: Readonly<Record<string, string>>,
  ): Record<string, string> {
    if (type.typeId !== '0-3' || (input.pipeline ?? '') !== '') return { ...input };
    // Deals guide: "If a pipeline isn't specified, the default pipeline will be used."
    const first = [...pipelinesOf(portal, '0-3').values()]
      .filter((pipeline) => !pipeline.archived)
      .sort((left, right) => left.displayOrder - right.displayOrder)[0];
    return { ...input, pipeline: first?.id ?? 'default' };
  }

  /** Throws what HubSpot would answer; changes nothing. */
  function checkCreate(portal: Portal, type: ObjectType, input: Readonly<Record<string, string>>): Map<string, string> {
    requireOnCreate(portal, type, input);
    const { values, problems } = checkProperties(portal, type, withDefaults(portal, type, input));
    if (problems.length > 0) throw propertiesNotValid(portal.id, problems);
    const taken = checkUnique(portal, type, values);
    if (taken) throw taken;
    return values;
  }

  function checkUpdate(
    portal: Portal,
    type: ObjectType,
    record: RecordState,
    input: Readonly<Record<string, string>>,
  ): Map<string, string> {
    const { values, problems } = checkProperties(portal, type, input, record);
    if (problems.length > 0) throw propertiesNotValid(portal.id, problems);
    const taken = checkUnique(portal, type, values, record.id);
    if (taken) throw taken;
    return values;
  }

  function create(
    portal: Portal,
    type: ObjectType,
    input: Readonly<Record<string, string>>,
    actor: Actor,
    at: number,
  ): RecordState {
    const values = checkCreate(portal, type, input);
    const record = newRecord(portal, type, at);
    recordsOf(portal, type.typeId).set(record.id, record);
    record.properties.set('hs_object_source', actor.changeSource);
    if (actor.sourceId) record.properties.set('hs_object_source_id', actor.sourceId);
    tell(portal, { kind: 'creation', typeId: type.typeId, objectId: record.id, at, actor });
    if (!write(portal, type, record, values, actor, at)) touch(record, at);
    return record;
  }

  function update(
    portal: Portal,
    type: ObjectType,
    record: RecordState,
    input: Readonly<Record<string, string>>,
    actor: Actor,
    at: number,
  ): RecordState {
    write(portal, type, record, checkUpdate(portal, type, record, input), actor, at);
    return record;
  }

  function archive(portal: Portal, type: ObjectType, record: RecordState, actor: Actor, at: number): void {
    if (record.archived) return;
    record.archived = true;
    record.archivedAt = at;
    release(portal, type, record);
    touch(record, at);
    tell(portal, { kind: 'deletion', typeId: type.typeId, objectId: record.id, at, actor });
  }

  function restore(portal: Portal, type: ObjectType, record: RecordState, actor: Actor, at: number): void {
    if (!record.archived) throw validationError(`${type.upper} ${record.id} is not deleted`);
    const taken = checkUnique(portal, type, record.properties, record.id);
    if (taken) throw taken;
    record.archived = false;
    delete record.archivedAt;
    claim(portal, type, record);
    touch(record, at);
    tell(portal, { kind: 'restore', typeId: type.typeId, objectId: record.id, at, actor });
  }

  function mergeHistory(target: RecordState, sources: RecordState[]): void {
    const limit = objectTypeById(target.typeId).historyLimit;
    for (const name of new Set(sources.flatMap((source) => [...source.history.keys()]))) {
      const revisions = sources.flatMap((source) => source.history.get(name) ?? []);
      revisions.sort((left, right) => right.at - left.at);
      target.history.set(name, revisions.slice(0, limit));
    }
  }

  function mergedIds(record: RecordState): string[] {
    return (record.properties.get('hs_merged_object_ids') ?? '').split(';').filter((id) => id !== '');
  }

  /**
   * Two records become a new one: the primary's values win, gaps are filled from the other. Both old ids keep leading
   * to the new record in single reads and updates (objects guide). `moveLinks` carries the associations over.
   */
  function merge(
    portal: Portal,
    type: ObjectType,
    primary: RecordState,
    secondary: RecordState,
    actor: Actor,
    at: number,
    moveLinks: (target: RecordState, sources: RecordState[]) => void,
  ): RecordState {
    const target = newRecord(portal, type, at);
    target.createdAt = Math.min(primary.createdAt, secondary.createdAt);
    mergeHistory(target, [primary, secondary]);
    const own = new Set([
      'hs_object_id',
      'hs_merged_object_ids',
      type.modifiedProperty,
      'createdate',
      'hs_additional_emails',
    ]);
    let numberOfPropertiesMoved = 0;
    for (const name of new Set([...primary.properties.keys(), ...secondary.properties.keys()])) {
      if (own.has(name)) continue;
      const winner = primary.properties.get(name) ?? secondary.properties.get(name) ?? '';
      if (!primary.properties.has(name)) numberOfPropertiesMoved += 1;
      const newest = target.history.get(name)?.[0]?.value;
      target.properties.set(name, winner);
      if (newest !== undefined && newest !== winner) {
        target.properties.set(name, newest);
        setValue(target, name, winner, MERGE, at);
      }
    }
    target.properties.set('createdate', new Date(target.createdAt).toISOString());
    const old = [...mergedIds(primary), primary.id, ...mergedIds(secondary), secondary.id];
    setValue(target, 'hs_merged_object_ids', [...new Set(old)].join(';'), MERGE, at);
    if (type.typeId === '0-1') {
      const emails = [primary, secondary].flatMap((record) => [
        record.properties.get('email') ?? '',
        ...additionalEmails(record),
      ]);
      const others = [...new Set(emails)].filter((email) => email !== '' && email !== target.properties.get('email'));
      if (others.length > 0) setValue(target, 'hs_additional_emails', others.join(';'), MERGE, at);
    }
    const records = recordsOf(portal, type.typeId);
    for (const source of [primary, secondary]) {
      release(portal, type, source);
      records.delete(source.id);
      portal.aliases.set(`${type.typeId}:${source.id}`, target.id);
    }
    records.set(target.id, target);
    claim(portal, type, target);
    moveLinks(target, [primary, secondary]);
    touch(target, at);
    tell(portal, {
      kind: 'merge',
      typeId: type.typeId,
      objectId: target.id,
      at,
      actor,
      primaryObjectId: primary.id,
      mergedObjectIds: [secondary.id],
      numberOfPropertiesMoved,
    });
    for (const source of [primary, secondary]) {
      tell(portal, { kind: 'deletion', typeId: type.typeId, objectId: source.id, at, actor });
    }
    return target;
  }

  /** GDPR: the record is gone for good and its address may not come back. Fires a deletion and a privacy deletion. */
  function privacyDelete(portal: Portal, type: ObjectType, record: RecordState, actor: Actor, at: number): void {
    for (const email of [record.properties.get('email') ?? '', ...additionalEmails(record)]) {
      if (email !== '') portal.blockedEmails.add(email);
    }
    release(portal, type, record);
    recordsOf(portal, type.typeId).delete(record.id);
    tell(portal, { kind: 'deletion', typeId: type.typeId, objectId: record.id, at, actor });
    tell(portal, { kind: 'privacyDeletion', typeId: type.typeId, objectId: record.id, at, actor });
  }

  /** The living or archived record that has a unique value, or undefined. */
  function byUniqueValue(portal: Portal, type: ObjectType, property: string, value: string): RecordState | undefined {
    const id = portal.uniqueValues.get(uniqueKey(type, property, value));
    return id === undefined ? undefined : recordsOf(portal, type.typeId).get(id);
  }

  /** Refuses an `idProperty` that does not identify one record. */
  function requireIdProperty(portal: Portal, type: ObjectType, property: string): void {
    const definition = propertiesOf(portal, type.typeId).get(property);
    if (definition?.hasUniqueValue && !definition.archived) return;
    throw validationError(`Property '${property}' is not a unique property and cannot be used as idProperty`, {
      errors: [
        {
          message: `Property '${property}' is not a unique property`,
          code: definition ? 'PROPERTY_NOT_UNIQUE' : 'PROPERTY_DOESNT_EXIST',
          context: { propertyName: [property] },
        },
      ],
    });
  }

  function requireNumericId(type: ObjectType, id: string): void {
    if (!numeric(id))
      throw notFound({ id: [id] }, `Object not found.  objectId are usually numeric. ${type.singular} ${id}`);
  }

  return {
    archive,
    byUniqueValue,
    checkCreate,
    checkUpdate,
    create,
    merge,
    privacyDelete,
    requireIdProperty,
    requireNumericId,
    restore,
    setCalculated: (record: RecordState, name: string, value: string, at: number) =>
      setValue(record, name, value, CALCULATED, at),
    touch,
    update,
  };
}
