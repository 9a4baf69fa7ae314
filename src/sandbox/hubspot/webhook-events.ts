import type { Change } from './changes.ts';
import { objectTypeById } from './object-types.ts';
import type { Random } from './random.ts';

/** A subscription as the app declares it, with the id that HubSpot gives it. */
export interface Subscription {
  subscriptionId: number;
  subscriptionType: string;
  /** 'contact', 'company', 'deal'; empty for hub events. */
  objectType: string;
  propertyName?: string;
  active: boolean;
}

/** One event of a POST; the keys depend on the type (webhooks guide, real captures). */
export interface WebhookEvent {
  eventId: number;
  subscriptionId: number;
  portalId: number;
  appId: number;
  /** Milliseconds since the epoch. */
  occurredAt: number;
  subscriptionType: string;
  attemptNumber: number;
  objectId: number;
  [key: string]: unknown;
}

const TYPES: Record<Change['kind'], string> = {
  creation: 'object.creation',
  deletion: 'object.deletion',
  restore: 'object.restore',
  propertyChange: 'object.propertyChange',
  merge: 'object.merge',
  associationChange: 'object.associationChange',
  privacyDeletion: 'contact.privacyDeletion',
};

/** What HubSpot never sends although it changes. */
const NOT_SUBSCRIBABLE = new Set(['hs_lastmodifieddate', 'lastmodifieddate', 'num_unique_conversion_events']);

function matches(subscription: Subscription, change: Change): boolean {
  if (!subscription.active || subscription.subscriptionType !== TYPES[change.kind]) return false;
  if (change.kind === 'privacyDeletion') return true;
  const type = objectTypeById(change.typeId);
  if (subscription.objectType !== type.singular) return false;
  if (change.kind !== 'propertyChange') return true;
  return subscription.propertyName === change.propertyName && !NOT_SUBSCRIBABLE.has(change.propertyName);
}

function details(change: Change): Record<string, unknown> {
  switch (change.kind) {
    case 'creation':
      return { changeFlag: 'CREATED' };
    case 'deletion':
      return { changeFlag: 'DELETED' };
    case 'restore':
      return { changeFlag: 'RESTORED' };
    case 'propertyChange':
      return { propertyName: change.propertyName, propertyValue: change.propertyValue, isSensitive: false };
    case 'merge':
      return {
        primaryObjectId: Number(change.primaryObjectId),
        mergedObjectIds: change.mergedObjectIds.map(Number),
        newObjectId: Number(change.objectId),
        numberOfPropertiesMoved: change.numberOfPropertiesMoved,
      };
    case 'associationChange':
      return {
        associationType: `${objectTypeById(change.typeId).upper}_TO_${objectTypeById(change.toTypeId).upper}`,
        associationTypeId: change.associationTypeId,
        associationCategory: change.associationCategory,
        fromObjectId: Number(change.objectId),
        fromObjectTypeId: change.typeId,
        toObjectId: Number(change.toObjectId),
        toObjectTypeId: change.toTypeId,
        associationRemoved: change.removed,
        isPrimaryAssociation: change.primary,
      };
    case 'privacyDeletion':
      return {};
  }
}

/** The events that a change makes: one for every subscription that asks for it. */
export function eventsOf(
  change: Change,
  subscriptions: readonly Subscription[],
  portalId: number,
  appId: number,
  random: Random,
): WebhookEvent[] {
  return subscriptions
    .filter((subscription) => matches(subscription, change))
    .map((subscription) => ({
      eventId: 1 + random.integer(2 ** 31 - 1),
      subscriptionId: subscription.subscriptionId,
      portalId,
      appId,
      occurredAt: change.at,
      subscriptionType: subscription.subscriptionType,
      attemptNumber: 0,
      objectId: Number(change.objectId),
      objectTypeId: change.typeId,
      changeSource: change.actor.changeSource,
      ...(change.actor.sourceId === undefined ? {} : { sourceId: change.actor.sourceId }),
      ...details(change),
    }));
}
