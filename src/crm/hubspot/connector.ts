import { hubspotManifest, manifestWithAppEvents, OBJECT_SCOPES } from '../../../manifests/hubspot/app.ts';
import { TIMELINE_SCOPE } from '../../../manifests/hubspot/app-events.ts';
import type { CrmAccess, CrmConnector, CrmOwnObjects, CrmSession } from '../../application/ports/crm.ts';
import { NOTHING_WANTED } from '../../domain/property.ts';
import type { CrmObject, RecordRef } from '../../domain/record.ts';
import type { CallLog } from '../answers.ts';
import { readAccount } from './account.ts';
import { appEventsOf } from './app-events.ts';
import { createBudget, VENDOR_LIMIT } from './budget.ts';
import { type CallDeps, createPortalApi, type PortalApi } from './call.ts';
import { compareMirror } from './compare.ts';
import { findContactsByEmail, readContacts } from './contacts.ts';
import { type ObjectStates, objectObstacle, provisionObjects, readObjectStates } from './custom-objects.ts';
import { readDealIds } from './deal-ids.ts';
import { readDeals, readDealsOfContacts } from './deals.ts';
import type { MirroredObject } from './fields.ts';
import { parseHints } from './hints.ts';
import { listsOf } from './lists.ts';
import { writeMirror } from './mirror.ts';
import { createOAuth } from './oauth.ts';
import { ownersOf } from './owners.ts';
import { createPeople } from './people.ts';
import { type PropertyState, provision, readPropertyNames, readPropertyState } from './provision.ts';
import { compareRows, removeRows, writeRows } from './rows.ts';
import { readChanged } from './search.ts';
import { verifySignature } from './signature.ts';
import { readStages } from './stages.ts';
import { readStanding } from './standing.ts';
import { createTasks } from './tasks.ts';
import { createTransport } from './transport.ts';
import { callbacksOf, createWorkflows } from './workflows.ts';

export interface HubSpotDeps {
  /** https://api.hubapi.com, or the local sandbox. */
  readonly apiUrl: string;
  /** https://app.hubspot.com/oauth/authorize, or the local sandbox's page. */
  readonly authorizeUrl: string;
  readonly clientId: string;
  /** The first one is current; the others are accepted on inbound requests while the secret is rotated. */
  readonly clientSecrets: readonly string[];
  readonly appId: number;
  /** HubSpot has approved the app for app events, and it was uploaded with them. Absent: it is not. */
  readonly hasAppEvents?: boolean;
  readonly clock: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<unknown>;
  readonly log?: CallLog;
  /** Told of every request that left, retries included. */
  readonly onCall?: (method: string, status: number | 'no_answer', externalId?: string) => void;
  /** For tests. */
  readonly requestTimeoutMs?: number;
}

/** How long the knowledge which of our properties a portal has is trusted. A refusal ends it earlier. */
export const PROPERTY_STATE_TTL_MS = 600_000;

export function createConnector(deps: HubSpotDeps): CrmConnector {
  const { apiUrl, authorizeUrl, clientId, clientSecrets, appId, clock, random, log, onCall, requestTimeoutMs } = deps;
  const hasAppEvents = deps.hasAppEvents === true;
  const [clientSecret] = clientSecrets;
  if (clientSecret === undefined) throw new Error('HubSpot: no client secret');
  const sleep = (ms: number) => deps.sleep(ms);
  const callDeps: CallDeps = {
    transport: createTransport({
      apiUrl,
      clock,
      ...(requestTimeoutMs === undefined ? {} : { timeoutMs: requestTimeoutMs }),
    }),
    budget: createBudget({ clock, sleep }),
    clock,
    random,
    sleep,
    log,
    onCall,
  };
  const propertyStates = createPropertyStates(clock);
  const objectStates = createObjectStates(clock);
  const { requiredScopes, optionalScopes, scopes } = (hasAppEvents ? manifestWithAppEvents : hubspotManifest).oauth;
  const permissions = scopes.map(({ scope, reason, isOptional }) => ({ name: scope, reason, isOptional }));
  return {
    provider: 'hubspot',
    oauth: createOAuth(callDeps, { authorizeUrl, clientId, clientSecret, requiredScopes, optionalScopes, permissions }),
    inbound: {
      verify: (request, now) => verifySignature(request, now, clientSecrets),
      parseHints: (body) => parseHints(body, appId),
    },
    workflows: createWorkflows(clientSecrets),
    recordUrl,
    // A portal that was connected before the app was approved misses nothing until somebody chooses events.
    requiredScopes: hubspotManifest.oauth.requiredScopes,
    hasTasks: true,
    objectScopes: OBJECT_SCOPES,
    ...(hasAppEvents ? { appEventScopes: [TIMELINE_SCOPE] } : {}),
    open: (access) => ({
      ...createSession(createPortalApi(callDeps, access), access, propertyStates, objectStates, hasAppEvents),
      apiUse() {
        const used = callDeps.budget.used(access.externalId);
        if (used === null) return null;
        return { used, limit: VENDOR_LIMIT.calls, windowMs: VENDOR_LIMIT.windowMs, of: 'wonward' };
      },
    }),
  };
}

const OBJECT_TYPE_IDS: Readonly<Record<CrmObject, string>> = { contact: '0-1', company: '0-2', deal: '0-3' };

/** The record page of HubSpot's own interface. */
function recordUrl({ externalId, uiHost }: { externalId: string; uiHost: string | null }, { object, id }: RecordRef) {
  return uiHost === null ? null : `https://${uiHost}/contacts/${externalId}/record/${OBJECT_TYPE_IDS[object]}/${id}`;
}

function createSession(
  api: PortalApi,
  access: CrmAccess,
  propertyStates: PropertyStates,
  objectStates: StateCache<ObjectStates>,
  hasAppEvents: boolean,
): CrmSession {
  const portal = access.externalId;
  const completeCallbacks = callbacksOf(api, access.scopes);
  const lists = listsOf(api, access.scopes);
  const owners = ownersOf(api, access.scopes);
  const appEvents = appEventsOf(api, hasAppEvents, access.scopes);
  return {
    mirrors: 'properties',
    people: createPeople(api),
    tasks: createTasks(api),
    showsCompanies: true,
    account: () => readAccount(api),
    stages: () => readStages(api),
    readDeals: (ids, wanted = NOTHING_WANTED) => readDeals(api, access, ids, wanted),
    readContacts: (ids, wanted = NOTHING_WANTED) => readContacts(api, access, ids, wanted),
    propertyNames: (object) => readPropertyNames(api, access, object),
    dealsOfContacts: (contactIds) => readDealsOfContacts(api, contactIds),
    contactsByEmail: (emails) => findContactsByEmail(api, emails),
    changedSince: (input) => readChanged(api, input),
    dealIds: (input) => readDealIds(api, input),
    async provision(beforeCreating) {
      propertyStates.forget(portal);
      const { report, states } = await provision(api, beforeCreating);
      for (const [object, state] of states) propertyStates.set(portal, object, state);
      return report;
    },
    whole: {
      dealsInStages: (input) => readStanding(api, input),
      async compareMirror(object, rows) {
        if (rows.length === 0) return [];
        return compareMirror(api, object, await propertyStates.get(api, portal, object), rows);
      },
    },
    async writeMirror(object, rows) {
      if (rows.length === 0) return [];
      const state = await propertyStates.get(api, portal, object);
      const outcomes = await writeMirror(api, object, state, rows);
      if (outcomes.some(({ result }) => result === 'unprovisioned')) propertyStates.forget(portal);
      return outcomes;
    },
    // A subscription without objects of its own leaves what they ask for out of the grant.
    ...(OBJECT_SCOPES.every((scope) => access.scopes.includes(scope))
      ? { objects: objectsOf(api, portal, objectStates) }
      : {}),
    ...(completeCallbacks ? { completeCallbacks } : {}),
    ...(lists ? { lists } : {}),
    ...(owners ? { owners } : {}),
    ...(appEvents ? { appEvents } : {}),
  };
}

function objectsOf(api: PortalApi, portal: string, objectStates: StateCache<ObjectStates>): CrmOwnObjects {
  const states = () => objectStates.get(portal, () => readObjectStates(api));
  return {
    obstacle: () => objectObstacle(api),
    async provision(beforeCreating) {
      objectStates.forget(portal);
      const { report, states: after } = await provisionObjects(api, beforeCreating);
      objectStates.set(portal, after);
      return report;
    },
    async write(object, rows) {
      if (rows.length === 0) return [];
      const outcomes = await writeRows(api, await states(), object, rows);
      if (outcomes.some(({ result }) => result === 'unprovisioned')) objectStates.forget(portal);
      return outcomes;
    },
    async compare(object, rows) {
      return rows.length === 0 ? [] : compareRows(api, await states(), object, rows);
    },
    async remove(max) {
      objectStates.forget(portal);
      return removeRows(api, await states(), max);
    },
  };
}

interface PropertyStates {
  /** Several who ask at once share one call. */
  get(api: PortalApi, portal: string, object: MirroredObject): Promise<PropertyState>;
  set(portal: string, object: MirroredObject, state: PropertyState): void;
  forget(portal: string): void;
}

function createPropertyStates(clock: () => number): PropertyStates {
  const states = createStateCache<PropertyState>(clock);
  const keyOf = (portal: string, object: MirroredObject) => `${object} ${portal}`;
  return {
    get: (api, portal, object) => states.get(keyOf(portal, object), () => readPropertyState(api, object)),
    set: (portal, object, state) => states.set(keyOf(portal, object), state),
    forget(portal) {
      states.forget(keyOf(portal, 'contact'));
      states.forget(keyOf(portal, 'deal'));
    },
  };
}

const createObjectStates = (clock: () => number) => createStateCache<ObjectStates>(clock);

interface StateCache<T> {
  /** Several who ask at once share one call. */
  get(key: string, read: () => Promise<T>): Promise<T>;
  set(key: string, state: T): void;
  forget(key: string): void;
}

function createStateCache<T>(clock: () => number): StateCache<T> {
  const known = new Map<string, { readonly state: Promise<T>; readonly until: number }>();

  function remember(key: string, state: Promise<T>): Promise<T> {
    const entry = { state, until: clock() + PROPERTY_STATE_TTL_MS };
    known.set(key, entry);
    // A call that failed says nothing about the portal.
    state.catch(() => {
      if (known.get(key) === entry) known.delete(key);
    });
    return state;
  }

  return {
    async get(key, read) {
      const entry = known.get(key);
      if (entry && clock() < entry.until) return entry.state;
      return remember(key, read());
    },
    set: (key, state) => void remember(key, Promise.resolve(state)),
    forget: (key) => void known.delete(key),
  };
}
