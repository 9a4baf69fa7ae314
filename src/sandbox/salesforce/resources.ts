import { visibleObject } from './bodies.ts';
import { picklistValues } from './describe.ts';
import { notFound } from './errors.ts';
import type { Route } from './http.ts';
import { normaliseId } from './ids.ts';
import type { Limits } from './limits.ts';
import { type Org, tableOf, visibleField } from './org.ts';

/** The version's list of resources, the org's limits, and what a record type offers. */

/** Figures of a Developer Edition; only the requests are counted here. */
const STREAMING_EVENTS_MAX = 10_000;
const DATA_STORAGE_MB = 5;

export interface ResourcesDeps {
  limits: Limits;
  identityUrl: (org: Org, userId: string) => string;
}

export function createResourceRoutes({ limits, identityUrl }: ResourcesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: /^$/,
      handle(call) {
        const base = `/services/data/${call.version}`;
        const names = ['sobjects', 'query', 'queryAll', 'composite', 'limits', 'ui-api'];
        return {
          status: 200,
          body: {
            ...Object.fromEntries(names.map((name) => [name, `${base}/${name}`])),
            identity: identityUrl(call.org, call.session.userId),
          },
        };
      },
    },
    {
      method: 'GET',
      path: /^\/limits$/,
      handle(call) {
        const max = call.org.settings.dailyRequests;
        const of = (Max: number, Remaining = Max): object => ({ Max, Remaining });
        return {
          status: 200,
          body: {
            DailyApiRequests: of(max, Math.max(0, max - limits.used(call.org))),
            DailyStreamingApiEvents: of(STREAMING_EVENTS_MAX),
            DailyDeliveredPlatformEvents: of(STREAMING_EVENTS_MAX),
            DataStorageMB: of(DATA_STORAGE_MB, call.org.settings.storageFull ? 0 : DATA_STORAGE_MB),
          },
        };
      },
    },
    {
      method: 'GET',
      path: /^\/ui-api\/object-info\/([^/]+)\/picklist-values\/([^/]+)\/([^/]+)$/,
      handle(call, [objectName = '', recordTypeId = '', fieldName = '']) {
        const object = visibleObject(call.org, objectName);
        const field = visibleField(call.org, object, fieldName);
        const id = normaliseId(recordTypeId);
        const isMaster = recordTypeId.startsWith('012000000000000');
        const isKnown = id !== null && tableOf(call.org, 'RecordType').rows.get(id)?.SobjectType === object.name;
        if (field?.type !== 'picklist' || !(isMaster || isKnown)) throw notFound();
        return { status: 200, body: picklistValues(call.org, object, id ?? recordTypeId, field) };
      },
    },
  ];
}
