import type { Change } from './changes.ts';
import { validationError } from './errors.ts';
import { objectTypeById } from './object-types.ts';
import { requireObjectType } from './objects.ts';
import { type Portal, resolveRecord } from './portal.ts';
import type { Records } from './records.ts';

/** A workflow that a customer has built: whenever a property of a record is changed, properties of the same record are set. */
export interface PropertyWorkflow {
  id: string;
  objectType: string;
  /** The property whose change enrols the record. */
  propertyName: string;
  /** What the "Edit record" action sets; an empty text clears. */
  set: Record<string, string>;
}

/** The one who writes, in webhooks and histories: "AUTOMATION_PLATFORM" (webhooks guide, change sources). */
const ACTOR = { changeSource: 'AUTOMATION_PLATFORM' } as const;

/** So that one which enrols the record anew by what it sets itself shows, and does not run for ever. */
const RUNS_MAX = 1_000;

export interface PropertyWorkflowsDeps {
  records: Records;
  clock: () => number;
}

export function createPropertyWorkflows({ records, clock }: PropertyWorkflowsDeps) {
  const byPortal = new Map<number, PropertyWorkflow[]>();
  const running = new Set<Promise<void>>();
  let runs = 0;
  let nextId = 1;

  function enrol(portal: Portal, workflow: PropertyWorkflow, objectId: string): void {
    const type = requireObjectType(workflow.objectType);
    const record = resolveRecord(portal, type.typeId, objectId);
    if (!record || record.archived || runs >= RUNS_MAX) return;
    runs += 1;
    records.update(portal, type, record, workflow.set, ACTOR, clock());
  }

  return {
    /** Told of each change; what follows comes after it, as in HubSpot, and never within it. */
    tell(portal: Portal, change: Change): void {
      if (change.kind !== 'propertyChange') return;
      const singular = objectTypeById(change.typeId).singular;
      for (const workflow of byPortal.get(portal.id) ?? []) {
        if (workflow.objectType !== singular || workflow.propertyName !== change.propertyName) continue;
        // A workflow is not enrolled again by its own edit.
        if (change.actor.changeSource === ACTOR.changeSource) continue;
        const run = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
          enrol(portal, workflow, change.objectId);
          running.delete(run);
        });
        running.add(run);
      }
    },
    add(portal: Portal, input: Omit<PropertyWorkflow, 'id'>): PropertyWorkflow {
      const objectType = requireObjectType(input.objectType).singular;
      if (Object.keys(input.set).length === 0) throw validationError('a workflow without an action');
      const workflow = { ...input, objectType, id: String(nextId) };
      nextId += 1;
      byPortal.set(portal.id, [...(byPortal.get(portal.id) ?? []), workflow]);
      return workflow;
    },
    remove(portal: Portal, id: string): void {
      byPortal.set(
        portal.id,
        (byPortal.get(portal.id) ?? []).filter((workflow) => workflow.id !== id),
      );
    },
    runs: () => runs,
    async idle(): Promise<void> {
      while (running.size > 0) await Promise.all(running);
    },
    reset(): void {
      byPortal.clear();
      runs = 0;
    },
  };
}

export type PropertyWorkflows = ReturnType<typeof createPropertyWorkflows>;
