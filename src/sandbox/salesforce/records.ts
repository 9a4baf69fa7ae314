import { RowError } from './errors.ts';
import { indexKey, type Org, putRow, type Row, rowsPointingAt, tableOf, type Value } from './org.ts';
import type { Random } from './random.ts';
import { afterSave, beforeSave } from './sales.ts';
import { childRelationships, type Field, type ObjectType } from './schema.ts';

/**
 * A record's life: insert, update, delete and undelete in a transaction, with what the platform does by itself. No HTTP. A transaction
 * tells what it changed when it commits, one change a record however often it was written.
 */

export type ChangeType = 'CREATE' | 'UPDATE' | 'DELETE' | 'UNDELETE';

export interface RecordChange {
  object: ObjectType;
  id: string;
  type: ChangeType;
  /** The record as it stands after the transaction. */
  row: Row;
  /** Names of the fields that have another value than before. */
  changed: string[];
}

export interface Commit {
  transactionKey: string;
  /** When, in milliseconds: finer than what the records keep. */
  at: number;
  userId: string;
  /** `com/salesforce/api/rest/66.0;client=…`: who asked. */
  origin: string;
  changes: RecordChange[];
}

export interface Actor {
  userId: string;
  origin: string;
  /** `Sforce-Duplicate-Rule-Header: allowSave=true`. */
  allowDuplicates?: boolean;
  /** Backdates, in milliseconds; for tests that need a past. */
  at?: number;
}

export interface Tx {
  org: Org;
  actor: Actor;
  /** Whole seconds, as the database keeps them. */
  at: number;
  row(object: ObjectType, id: string): Row | undefined;
  object(name: string): ObjectType;
  /** @throws {RowError} */
  insert(object: ObjectType, values: Readonly<Record<string, Value>>): string;
  update(object: ObjectType, id: string, values: Readonly<Record<string, Value>>): void;
  remove(object: ObjectType, id: string): void;
  undelete(object: ObjectType, id: string): void;
  /**
   * Writes without rules, history and event, as the platform does when it re-parents or clears a lookup. Only SystemModstamp tells.
   */
  patch(object: ObjectType, id: string, values: Readonly<Record<string, Value>>): void;
  /** The change event of this record has no LastModifiedDate; so it is with a converted lead. */
  hideLastModified(id: string): void;
  /** What `work` did is undone when it throws; the transaction goes on. */
  savepoint<T>(work: () => T): T;
}

export interface Records {
  transaction<T>(org: Org, actor: Actor, work: (tx: Tx) => T): T;
}

export interface RecordsDeps {
  clock: () => number;
  random: Random;
  tell: (org: Org, commit: Commit) => void;
}

interface Undo {
  object: ObjectType;
  id: string;
  row: Row | undefined;
}

interface Touched {
  object: ObjectType;
  before: Row | undefined;
  /** false: only patched. */
  isTold: boolean;
}

const SECOND_MS = 1_000;
/** Told by the event's header, or not at all. */
const UNTOLD = new Set(['Id', 'IsDeleted', 'SystemModstamp']);

function autoNumber(org: Org, object: ObjectType, field: Field): string {
  const key = `${object.name}.${field.name}`;
  const next = (org.counters.get(key) ?? 0) + 1;
  org.counters.set(key, next);
  return (field.autoNumber ?? '').replace(/\{(0+)\}/, (_all, zeros: string) =>
    String(next).padStart(zeros.length, '0'),
  );
}

function defaultOf(tx: Tx, field: Field): Value {
  if (field.defaultValue === 'USER') return tx.actor.userId;
  if (field.defaultValue === 'LEAD STATUS') {
    const statuses = [...tableOf(tx.org, 'LeadStatus').rows.values()];
    return statuses.find((row) => row.IsDefault === true)?.ApiName ?? null;
  }
  return field.defaultValue;
}

function requireFields(object: ObjectType, row: Row): void {
  const missing = [...object.fields.values()].filter(
    (field) => !field.nillable && field.createable && (row[field.name] ?? null) === null,
  );
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  throw new RowError('REQUIRED_FIELD_MISSING', `Required fields are missing: [${names.join(', ')}]`, names);
}

function requireUnique(org: Org, object: ObjectType, row: Row): void {
  const table = tableOf(org, object.name);
  for (const [name, ids] of table.index) {
    const field = object.fields.get(name);
    const value = row[name];
    if (!field?.unique || value === undefined || value === null) continue;
    const other = [...(ids.get(indexKey(field, value)) ?? [])].find((id) => id !== row.Id);
    // A record in the recycle bin still has its unique values.
    if (other === undefined) continue;
    throw new RowError(
      'DUPLICATE_VALUE',
      `duplicate value found: ${name} duplicates value on record with id: ${other.slice(0, 15)}`,
    );
  }
}

function requireValid(org: Org, object: ObjectType, row: Row): void {
  for (const rule of org.validationRules) {
    if (rule.object !== object.name) continue;
    const value = row[rule.when.field] ?? null;
    const isBroken =
      rule.when.is === 'blank'
        ? value === null
        : rule.when.is === 'present'
          ? value !== null
          : value === rule.when.value;
    if (isBroken) throw new RowError('FIELD_CUSTOM_VALIDATION_EXCEPTION', rule.message, rule.field ? [rule.field] : []);
  }
}

function requireNoDuplicate(tx: Tx, object: ObjectType, row: Row): void {
  const rules = tx.org.duplicateRules.filter(
    (rule) => rule.object === object.name && !(rule.action === 'alert' && tx.actor.allowDuplicates),
  );
  for (const rule of rules) {
    const key = (one: Row): string => JSON.stringify(rule.fields.map((name) => String(one[name] ?? '').toLowerCase()));
    if (rule.fields.every((name) => (row[name] ?? null) === null)) continue;
    const wanted = key(row);
    const found = [...tableOf(tx.org, object.name).rows.values()].filter(
      (one) => one.Id !== row.Id && one.IsDeleted !== true && key(one) === wanted,
    );
    if (found.length === 0) continue;
    throw new RowError('DUPLICATES_DETECTED', 'Use one of these records?', [], 400, {
      allowSave: rule.action === 'alert',
      duplicateRule: `${object.name}_Rule`,
      duplicateRuleEntityType: object.name,
      errorMessage: 'Use one of these records?',
      matchResults: [
        {
          entityType: object.name,
          matchRecords: found.map((one) => ({ record: { attributes: { type: object.name }, Id: one.Id } })),
        },
      ],
    });
  }
}

export function createRecords({ clock, random, tell }: RecordsDeps): Records {
  function begin(org: Org, actor: Actor) {
    const undo: Undo[] = [];
    const touched = new Map<string, Touched>();
    const withoutLastModified = new Set<string>();
    const now = actor.at ?? clock();
    const at = Math.floor(now / SECOND_MS) * SECOND_MS;

    function put(object: ObjectType, id: string, row: Row | undefined, isTold: boolean): void {
      const before = tableOf(org, object.name).rows.get(id);
      undo.push({ object, id, row: before });
      const known = touched.get(id);
      if (known) known.isTold ||= isTold;
      else touched.set(id, { object, before, isTold });
      putRow(org, object, id, row);
    }

    function rollBack(to: number): void {
      while (undo.length > to) {
        const step = undo.pop();
        if (step) putRow(org, step.object, step.id, step.row);
      }
    }

    function live(object: ObjectType, id: string): Row {
      const row = tx.row(object, id);
      if (!row) throw new RowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', [], 404);
      if (row.IsDeleted === true) throw new RowError('ENTITY_IS_DELETED', 'entity is deleted', [], 404);
      return row;
    }

    const stamp = () => ({ LastModifiedDate: at, LastModifiedById: actor.userId, SystemModstamp: at });

    function check(object: ObjectType, row: Row): void {
      requireFields(object, row);
      requireValid(org, object, row);
      requireNoDuplicate(tx, object, row);
      requireUnique(org, object, row);
    }

    /** Only what the object has: a history has no LastModifiedDate. */
    const known = (object: ObjectType, values: Record<string, Value>): Row =>
      Object.fromEntries(Object.entries(values).filter(([name]) => object.fields.has(name)));

    const tx: Tx = {
      org,
      actor,
      at,
      row: (object, id) => tableOf(org, object.name).rows.get(id),
      object(name) {
        const found = org.schema.objects.get(name);
        if (!found) throw new Error(`the local org has no object ${name}`);
        return found;
      },
      insert(object, values) {
        if (org.settings.storageFull) throw new RowError('STORAGE_LIMIT_EXCEEDED', 'storage limit exceeded', [], 403);
        const id = org.ids.next(object.keyPrefix);
        const next: Record<string, Value> = {};
        for (const field of object.fields.values()) {
          const given = values[field.name];
          next[field.name] = field.autoNumber
            ? autoNumber(org, object, field)
            : given === undefined
              ? (defaultOf(tx, field) ?? null)
              : given;
        }
        Object.assign(next, { Id: id, CreatedDate: at, CreatedById: actor.userId, ...stamp() });
        if (object.custom && next.Name === null) next.Name = id.slice(0, 15);
        beforeSave(tx, object, undefined, next, new Set(Object.keys(values)));
        const row = known(object, next);
        check(object, row);
        put(object, id, row, true);
        afterSave(tx, object, undefined, row);
        return id;
      },
      update(object, id, values) {
        const before = live(object, id);
        const next: Record<string, Value> = { ...before, ...values, ...stamp() };
        beforeSave(tx, object, before, next, new Set(Object.keys(values)));
        const row = known(object, next);
        check(object, row);
        put(object, id, row, true);
        afterSave(tx, object, before, row);
      },
      remove(object, id) {
        const before = live(object, id);
        for (const { child, field } of childRelationships(org.schema, object)) {
          if (child.fields.get('IsDeleted') === undefined) continue;
          const children = rowsPointingAt(org, child, field, id).filter((row) => row.IsDeleted !== true);
          if (children.length === 0) continue;
          if (field.onDelete === 'restrict') {
            throw new RowError(
              'DELETE_FAILED',
              `Your attempt to delete ${id} could not be completed because it is associated with the following ${child.labelPlural}: ${children.map((row) => row.Id).join(', ')}`,
            );
          }
          for (const row of children) {
            if (field.onDelete === 'cascade') tx.remove(child, String(row.Id));
            else tx.patch(child, String(row.Id), { [field.name]: null });
          }
        }
        put(object, id, { ...before, IsDeleted: true, SystemModstamp: at }, true);
        org.deleteLog.push({ object: object.name, id, at });
      },
      undelete(object, id) {
        const before = tx.row(object, id);
        if (before?.IsDeleted !== true)
          throw new RowError('UNDELETE_FAILED', 'Entity is not in the recycle bin', [], 400);
        const master = object.fields.has('MasterRecordId') ? { MasterRecordId: null } : {};
        put(object, id, { ...before, ...master, IsDeleted: false, SystemModstamp: at }, true);
        // Details that went with it, in the same second, come back with it.
        for (const { child, field } of childRelationships(org.schema, object)) {
          if (field.onDelete !== 'cascade') continue;
          for (const row of rowsPointingAt(org, child, field, id)) {
            const wentWithIt = row.SystemModstamp === before.SystemModstamp;
            if (wentWithIt && row.IsDeleted === true) tx.undelete(child, String(row.Id));
          }
        }
      },
      patch(object, id, values) {
        const before = tx.row(object, id);
        if (before) put(object, id, { ...before, ...values, SystemModstamp: at }, false);
      },
      hideLastModified: (id) => withoutLastModified.add(id),
      savepoint(work) {
        const mark = undo.length;
        const deleted = org.deleteLog.length;
        try {
          return work();
        } catch (thrown) {
          rollBack(mark);
          org.deleteLog.splice(deleted);
          throw thrown;
        }
      },
    };

    function changes(): RecordChange[] {
      return [...touched].flatMap(([id, { object, before, isTold }]): RecordChange[] => {
        const row = tx.row(object, id);
        if (!row || row === before || !isTold) return [];
        if (!before) return [{ object, id, type: 'CREATE', row, changed: [] }];
        if (before.IsDeleted !== row.IsDeleted) {
          return [{ object, id, type: row.IsDeleted === true ? 'DELETE' : 'UNDELETE', row, changed: [] }];
        }
        const changed = [...object.fields.keys()].filter(
          (name) => !UNTOLD.has(name) && (row[name] ?? null) !== (before[name] ?? null),
        );
        // A write of the values that are there is told too: it moved LastModifiedDate, or would have a second later.
        if (!changed.includes('LastModifiedDate')) changed.push('LastModifiedDate');
        return [
          {
            object,
            id,
            type: 'UPDATE',
            row,
            changed: withoutLastModified.has(id) ? changed.filter((name) => name !== 'LastModifiedDate') : changed,
          },
        ];
      });
    }

    return { tx, now, rollBack: () => rollBack(0), changes };
  }

  return {
    transaction(org, actor, work) {
      const { tx, now, rollBack, changes } = begin(org, actor);
      const deleted = org.deleteLog.length;
      let result: ReturnType<typeof work>;
      try {
        result = work(tx);
      } catch (thrown) {
        rollBack();
        org.deleteLog.splice(deleted);
        throw thrown;
      }
      const made = changes();
      if (made.length > 0) {
        tell(org, {
          transactionKey: random.uuid(),
          at: now,
          userId: actor.userId,
          origin: actor.origin,
          changes: made,
        });
      }
      return result;
    },
  };
}
