import type { Tell } from './changes.ts';
import { validationError } from './errors.ts';
import type { ObjectTypeId } from './object-types.ts';
import { objectTypeById } from './object-types.ts';
import type { Actor, AssociationDefinition, Portal, RecordState } from './portal.ts';
import { recordsOf } from './portal.ts';
import type { Records } from './records.ts';

export type Links = ReturnType<typeof createLinks>;

export interface LinksDeps {
  tell: Tell;
  records: Records;
}

function linkKey(typeId: ObjectTypeId, id: string, to: ObjectTypeId): string {
  return `${typeId}:${id}>${to}`;
}

/** Associations between records: both directions are kept, so reading either side is one look-up. */
export function createLinks({ tell, records }: LinksDeps) {
  function definitionsBetween(portal: Portal, from: ObjectTypeId, to: ObjectTypeId): AssociationDefinition[] {
    return [...portal.definitions.values()].filter((definition) => definition.from === from && definition.to === to);
  }

  function unlabeled(portal: Portal, from: ObjectTypeId, to: ObjectTypeId): AssociationDefinition {
    const found = definitionsBetween(portal, from, to).find((definition) => definition.label === null);
    if (!found) {
      throw validationError(`No association is defined between ${from} and ${to}`, {
        subCategory: 'crm.associations.INVALID_OBJECT_PAIRING',
        context: { fromObjectTypeId: [from], toObjectTypeId: [to] },
      });
    }
    return found;
  }

  function isPrimary(definition: AssociationDefinition): boolean {
    return definition.category === 'HUBSPOT_DEFINED' && definition.label === 'Primary';
  }

  /** Linked record ids with their association types, in the order in which they were linked. */
  function linksOf(
    portal: Portal,
    record: { typeId: ObjectTypeId; id: string },
    to: ObjectTypeId,
  ): Map<string, Set<number>> {
    return portal.links.get(linkKey(record.typeId, record.id, to)) ?? new Map();
  }

  function definition(portal: Portal, typeId: number): AssociationDefinition {
    const found = portal.definitions.get(typeId);
    if (!found) throw validationError(`Association type ${typeId} does not exist`);
    return found;
  }

  function put(portal: Portal, from: RecordState, to: RecordState, typeId: number): boolean {
    const key = linkKey(from.typeId, from.id, to.typeId);
    const links = portal.links.get(key) ?? new Map<string, Set<number>>();
    portal.links.set(key, links);
    const types = links.get(to.id) ?? new Set<number>();
    links.set(to.id, types);
    if (types.has(typeId)) return false;
    types.add(typeId);
    return true;
  }

  function drop(portal: Portal, from: RecordState, to: RecordState, typeId: number): boolean {
    const links = portal.links.get(linkKey(from.typeId, from.id, to.typeId));
    const types = links?.get(to.id);
    if (!links || !types?.delete(typeId)) return false;
    if (types.size === 0) links.delete(to.id);
    return true;
  }

  function announce(
    portal: Portal,
    from: RecordState,
    to: RecordState,
    defined: AssociationDefinition,
    removed: boolean,
    actor: Actor,
    at: number,
  ): void {
    tell(portal, {
      kind: 'associationChange',
      typeId: from.typeId,
      objectId: from.id,
      toTypeId: to.typeId,
      toObjectId: to.id,
      associationTypeId: defined.typeId,
      associationCategory: defined.category,
      removed,
      primary: isPrimary(defined),
      actor,
      at,
    });
  }

  function count(portal: Portal, record: RecordState, to: ObjectTypeId): number {
    return linksOf(portal, record, to).size;
  }

  function primaryCompanyOf(portal: Portal, contact: RecordState): string | undefined {
    const primary = definitionsBetween(portal, contact.typeId, '0-2').find(isPrimary)?.typeId;
    return [...linksOf(portal, contact, '0-2')].find(([, types]) => primary !== undefined && types.has(primary))?.[0];
  }

  function recount(portal: Portal, record: RecordState, at: number): void {
    if (record.typeId === '0-27' || record.typeId.startsWith('2-')) return;
    if (record.typeId !== '0-1') {
      records.setCalculated(record, 'num_associated_contacts', String(count(portal, record, '0-1')), at);
    }
    if (record.typeId !== '0-3') {
      records.setCalculated(record, 'num_associated_deals', String(count(portal, record, '0-3')), at);
    }
    if (record.typeId === '0-1') {
      records.setCalculated(record, 'associatedcompanyid', primaryCompanyOf(portal, record) ?? '', at);
    }
  }

  function add(portal: Portal, from: RecordState, to: RecordState, typeId: number, actor: Actor, at: number): void {
    const defined = definition(portal, typeId);
    const inverse = definition(portal, defined.inverseTypeId);
    if (!put(portal, from, to, typeId)) return;
    put(portal, to, from, inverse.typeId);
    announce(portal, from, to, defined, false, actor, at);
    announce(portal, to, from, inverse, false, actor, at);
  }

  function remove(portal: Portal, from: RecordState, to: RecordState, typeId: number, actor: Actor, at: number): void {
    const defined = definition(portal, typeId);
    const inverse = definition(portal, defined.inverseTypeId);
    if (!drop(portal, from, to, typeId)) return;
    drop(portal, to, from, inverse.typeId);
    announce(portal, from, to, defined, true, actor, at);
    announce(portal, to, from, inverse, true, actor, at);
  }

  function settle(portal: Portal, touched: RecordState[], at: number): void {
    for (const record of touched) {
      recount(portal, record, at);
      records.touch(record, at);
    }
  }

  /** Refuses types that do not lead from the one object to the other, and caps set by an admin. */
  function checkTypes(
    portal: Portal,
    from: RecordState,
    to: RecordState,
    types: ReadonlyArray<{ associationCategory: string; associationTypeId: number }>,
  ): number[] {
    if (from.typeId === to.typeId && from.id === to.id) {
      throw validationError('A record cannot be associated with itself', { context: { id: [from.id] } });
    }
    const ids = types.map(({ associationCategory, associationTypeId }) => {
      const found = portal.definitions.get(associationTypeId);
      if (!found || found.from !== from.typeId || found.to !== to.typeId || found.category !== associationCategory) {
        throw validationError(
          `One or more associations are not valid: type id ${associationTypeId} (${associationCategory}) doesn't exist between ${from.typeId} and ${to.typeId}`,
          {
            subCategory: 'crm.associations.INVALID_ASSOCIATION_TYPE',
            context: {
              type: [String(associationTypeId)],
              fromObjectTypeId: [from.typeId],
              toObjectTypeId: [to.typeId],
            },
          },
        );
      }
      return associationTypeId;
    });
    const wanted = new Set([...ids, unlabeled(portal, from.typeId, to.typeId).typeId]);
    for (const typeId of wanted) {
      checkCap(portal, from, to, typeId);
      checkCap(portal, to, from, definition(portal, typeId).inverseTypeId);
    }
    return ids;
  }

  function checkCap(portal: Portal, from: RecordState, to: RecordState, typeId: number): void {
    const { maxToObjectIds, label } = definition(portal, typeId);
    if (maxToObjectIds === undefined) return;
    const links = linksOf(portal, from, to.typeId);
    if (links.get(to.id)?.has(typeId)) return;
    const used = [...links.values()].filter((types) => types.has(typeId)).length;
    if (used < maxToObjectIds) return;
    throw validationError(
      `${objectTypeById(from.typeId).singular} ${from.id} would exceed the limit of ${maxToObjectIds} associations${label ? ` labeled ${label}` : ''}`,
      {
        subCategory: 'crm.associations.ASSOCIATION_LIMIT_EXCEEDED',
        context: { fromObjectId: [from.id], typeId: [String(typeId)], limit: [String(maxToObjectIds)] },
      },
    );
  }

  /** A record has one primary company: a new one takes over, the first company becomes it by itself. */
  function settlePrimary(
    portal: Portal,
    from: RecordState,
    to: RecordState,
    ids: number[],
    actor: Actor,
    at: number,
  ): void {
    const primary = definitionsBetween(portal, from.typeId, to.typeId).find(isPrimary);
    if (!primary) return;
    const [member, company, typeId] =
      to.typeId === '0-2' ? [from, to, primary.typeId] : [to, from, primary.inverseTypeId];
    const present = [...linksOf(portal, member, '0-2')].find(([, types]) => types.has(typeId))?.[0];
    const asked = ids.includes(primary.typeId);
    if (present === company.id || (present !== undefined && !asked)) return;
    const former = present === undefined ? undefined : recordsOf(portal, '0-2').get(present);
    if (former) {
      remove(portal, member, former, typeId, actor, at);
      settle(portal, [former], at);
    }
    add(portal, member, company, typeId, actor, at);
  }

  /** Adds the unlabeled association and nothing else. */
  function linkDefault(
    portal: Portal,
    from: RecordState,
    to: RecordState,
    actor: Actor,
    at: number,
  ): AssociationDefinition {
    const plain = unlabeled(portal, from.typeId, to.typeId);
    checkTypes(portal, from, to, []);
    const known = linksOf(portal, from, to.typeId).get(to.id)?.has(plain.typeId) ?? false;
    add(portal, from, to, plain.typeId, actor, at);
    settlePrimary(portal, from, to, [], actor, at);
    if (!known) settle(portal, [from, to], at);
    return plain;
  }

  /**
   * Sets the labels between two records. Custom labels that are not named are taken away ("to replace the existing
   * label, only include the new label"); the unlabeled association and a primary one stay.
   */
  function linkLabeled(
    portal: Portal,
    from: RecordState,
    to: RecordState,
    ids: number[],
    actor: Actor,
    at: number,
  ): string[] {
    const plain = unlabeled(portal, from.typeId, to.typeId);
    const before = [...(linksOf(portal, from, to.typeId).get(to.id) ?? [])].sort().join();
    for (const typeId of linksOf(portal, from, to.typeId).get(to.id) ?? []) {
      const defined = definition(portal, typeId);
      const isLabel = defined.category === 'USER_DEFINED' && defined.label !== null;
      if (isLabel && !ids.includes(typeId)) remove(portal, from, to, typeId, actor, at);
    }
    add(portal, from, to, plain.typeId, actor, at);
    for (const typeId of ids) {
      if (!isPrimary(definition(portal, typeId))) add(portal, from, to, typeId, actor, at);
    }
    settlePrimary(portal, from, to, ids, actor, at);
    const after = [...(linksOf(portal, from, to.typeId).get(to.id) ?? [])].sort().join();
    if (before !== after) settle(portal, [from, to], at);
    return ids.flatMap((typeId) => definition(portal, typeId).label ?? []);
  }

  /** Takes labels away; taking the unlabeled type takes everything ("this will remove all other associations"). */
  function unlinkTypes(
    portal: Portal,
    from: RecordState,
    to: RecordState,
    ids: number[],
    actor: Actor,
    at: number,
  ): void {
    const present = [...(linksOf(portal, from, to.typeId).get(to.id) ?? [])];
    const all = ids.includes(unlabeled(portal, from.typeId, to.typeId).typeId);
    const gone = all ? present : present.filter((typeId) => ids.includes(typeId));
    for (const typeId of gone) remove(portal, from, to, typeId, actor, at);
    if (gone.length > 0) settle(portal, [from, to], at);
  }

  function unlink(portal: Portal, from: RecordState, to: RecordState, actor: Actor, at: number): void {
    const present = [...(linksOf(portal, from, to.typeId).get(to.id) ?? [])];
    for (const typeId of present) remove(portal, from, to, typeId, actor, at);
    if (present.length > 0) settle(portal, [from, to], at);
  }

  /** Merge: links of the old records become the new one's, without events. */
  function move(portal: Portal, target: RecordState, sources: RecordState[]): void {
    for (const source of sources) {
      for (const toType of portal.records.keys()) {
        const key = linkKey(source.typeId, source.id, toType);
        for (const [otherId, types] of portal.links.get(key) ?? []) {
          const other = recordsOf(portal, toType).get(otherId);
          portal.links.get(linkKey(toType, otherId, source.typeId))?.delete(source.id);
          if (!other || sources.some((one) => one.typeId === toType && one.id === otherId)) continue;
          for (const typeId of types) {
            const defined = definition(portal, typeId);
            const second = isPrimary(defined) && source !== sources[0] && hasPrimary(portal, target, toType, typeId);
            if (second) continue;
            put(portal, target, other, typeId);
            put(portal, other, target, defined.inverseTypeId);
          }
        }
        portal.links.delete(key);
      }
    }
  }

  function hasPrimary(portal: Portal, record: RecordState, to: ObjectTypeId, typeId: number): boolean {
    return [...linksOf(portal, record, to).values()].some((types) => types.has(typeId));
  }

  /** A deleted record's links are hidden while it is gone: readers only see living records. */
  function livingLinks(portal: Portal, record: RecordState, to: ObjectTypeId): Array<[string, number[]]> {
    const targets = recordsOf(portal, to);
    return [...linksOf(portal, record, to)]
      .filter(([id]) => targets.get(id)?.archived === false)
      .map(([id, types]) => [id, [...types]]);
  }

  return {
    checkTypes,
    definitionsBetween,
    isPrimary,
    linkDefault,
    linkLabeled,
    livingLinks,
    move,
    unlabeled,
    unlink,
    unlinkTypes,
  };
}
