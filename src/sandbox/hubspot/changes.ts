import type { ObjectTypeId } from './object-types.ts';
import type { Actor, AssociationCategory, Portal } from './portal.ts';

interface Base {
  typeId: ObjectTypeId;
  objectId: string;
  at: number;
  actor: Actor;
}

/** What happened to a record, as webhooks see it. State changes first, then the change is told. */
export type Change =
  | (Base & { kind: 'creation' | 'deletion' | 'restore' | 'privacyDeletion' })
  | (Base & { kind: 'propertyChange'; propertyName: string; propertyValue: string })
  | (Base & { kind: 'merge'; primaryObjectId: string; mergedObjectIds: string[]; numberOfPropertiesMoved: number })
  | (Base & {
      kind: 'associationChange';
      toTypeId: ObjectTypeId;
      toObjectId: string;
      associationTypeId: number;
      associationCategory: AssociationCategory;
      removed: boolean;
      primary: boolean;
    });

export type Tell = (portal: Portal, change: Change) => void;
