import { CHANNEL, OAUTH_SCOPES } from '../../../manifests/salesforce/package.ts';
import type { CrmAccess, CrmConnector, CrmSession } from '../../application/ports/crm.ts';
import { Fault } from '../../domain/errors.ts';
import { NOTHING_WANTED } from '../../domain/property.ts';
import type { CrmObject, RecordRef } from '../../domain/record.ts';
import type { CallLog } from '../answers.ts';
import { readAccount } from './account.ts';
import { createBudget, DAY_MS } from './budget.ts';
import { type CallDeps, createOrgApi, type OrgApi } from './call.ts';
import { compareMirror } from './compare.ts';
import { showConsent } from './consent.ts';
import { findContactsByEmail, readContacts } from './contacts.ts';
import { readDealIds } from './deal-ids.ts';
import { readDeals, readDealsOfContacts } from './deals.ts';
import { isOf } from './ids.ts';
import { createLists } from './lists.ts';
import { writeRows } from './mirror.ts';
import { createOAuth } from './oauth.ts';
import { createOrgShapes, type OrgShape, type OrgShapes } from './org.ts';
import { createOwners } from './owners.ts';
import { provisionReport } from './provision.ts';
import { createRequests } from './requests.ts';
import { readChanged } from './search.ts';
import { createSites } from './sites.ts';
import { readStages } from './stages.ts';
import { readStanding } from './standing.ts';
import { createStream } from './stream.ts';
import { CLIENT_NAME, createTransport } from './transport.ts';

export interface SalesforceDeps {
  /** https://login.salesforce.com, or the local sandbox. */
  readonly loginUrl: string;
  /** Host and port of the Pub/Sub API. */
  readonly pubSubEndpoint: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Of an org's API calls of a day, 0 to 1. */
  readonly dailyShare: number;
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

export function createConnector(deps: SalesforceDeps): CrmConnector {
  const { loginUrl, clientId, clientSecret, dailyShare, clock, random, log, onCall, requestTimeoutMs } = deps;
  const callDeps: CallDeps = {
    transport: createTransport({ clock, ...(requestTimeoutMs === undefined ? {} : { timeoutMs: requestTimeoutMs }) }),
    budget: createBudget({ clock, dailyShare }),
    clock,
    random,
    sleep: (ms) => deps.sleep(ms),
    log,
    onCall,
  };
  const shapes = createOrgShapes(clock);
  const streamDeps = {
    endpoint: deps.pubSubEndpoint,
    clientName: CLIENT_NAME,
    clock,
    random,
    sleep: deps.sleep,
    ...(log ? { log } : {}),
  };
  return {
    provider: 'salesforce',
    hasDuplicateRules: true,
    hasDailyCalls: true,
    oauth: createOAuth(callDeps, { clientId, clientSecret, scopes: OAUTH_SCOPES, sites: createSites(loginUrl) }),
    inbound: null,
    stream: {
      // The channel bears the namespace that the package has in this org. An org may select the objects for its own channel as well.
      async listen(input) {
        const { prefix } = await shapes.get(createOrgApi(callDeps, input.access));
        const topics = [`/data/${prefix}${CHANNEL}`, '/data/ChangeEvents'];
        return createStream({ ...streamDeps, topics }).listen(input);
      },
    },
    recordUrl,
    // Whether it may go on while nobody is there shows by itself, and has two names.
    requiredScopes: ['api'],
    open(access) {
      const api = createOrgApi(callDeps, access);
      return {
        ...createSession(api, access, shapes, clock),
        apiUse() {
          const usage = callDeps.budget.usage(api.org);
          return usage && { used: usage.used, limit: usage.limit, windowMs: DAY_MS, of: 'everyone' };
        },
      };
    },
  };
}

/** The record page of Lightning Experience. A contact's id says whether it is a lead. */
function recordUrl({ uiHost }: { uiHost: string | null }, { object, id }: RecordRef): string | null {
  if (uiHost === null) return null;
  const names: Readonly<Record<CrmObject, string>> = {
    contact: isOf(id, 'lead') ? 'Lead' : 'Contact',
    company: 'Account',
    deal: 'Opportunity',
  };
  return `https://${uiHost}/lightning/r/${names[object]}/${id}/view`;
}

const OBJECT_OF: Readonly<Record<CrmObject, readonly string[]>> = {
  contact: ['Contact', 'Lead'],
  company: ['Account'],
  deal: ['Opportunity'],
};

/** A person's fields are those of contacts and of leads. */
function propertiesOf({ fields }: OrgShape): ReadonlyMap<CrmObject, ReadonlyMap<string, string>> {
  const objects = Object.entries(OBJECT_OF) as [CrmObject, readonly string[]][];
  return new Map(
    objects.flatMap(([object, names]) => {
      const own = names.flatMap((name) => [...(fields.get(name) ?? [])]);
      return own.length === 0 ? [] : [[object, new Map(own.map(([name, { type }]) => [name, type]))]];
    }),
  );
}

function createSession(api: OrgApi, access: CrmAccess, shapes: OrgShapes, clock: () => number): CrmSession {
  const { duplicateRules = 'respect' } = access;
  /** A field that was deleted or hidden since the org was looked at spoils a whole query: it is looked at anew, once. */
  async function shaped<T>(run: (shape: OrgShape) => Promise<T>): Promise<T> {
    try {
      return await run(await shapes.get(api));
    } catch (fault) {
      if (!(fault instanceof Fault && fault.code === 'crm_forbidden')) throw fault;
      shapes.forget(api.org);
      return run(await shapes.get(api));
    }
  }
  return {
    mirrors: 'rows',
    forgetsMerges: true,
    account: () => shaped((shape) => readAccount(api, shape, access)),
    stages: () => readStages(api),
    readDeals: (ids, wanted = NOTHING_WANTED) =>
      ids.length === 0 ? Promise.resolve([]) : shaped((shape) => readDeals(api, shape, access, ids, wanted.deal)),
    readContacts: (ids, wanted = NOTHING_WANTED) =>
      ids.length === 0 ? Promise.resolve([]) : shaped((shape) => readContacts(api, shape, access, ids, wanted)),
    async propertyNames(object) {
      // Asked by somebody who may have made the field just now.
      shapes.forget(api.org);
      const names = [
        ...(propertiesOf(await shapes.get(api))
          .get(object)
          ?.keys() ?? []),
      ];
      return names.length === 0 ? null : new Set(names);
    },
    dealsOfContacts: (contactIds) => shaped((shape) => readDealsOfContacts(api, shape, contactIds)),
    contactsByEmail: (emails) => shaped((shape) => findContactsByEmail(api, shape, emails)),
    changedSince: (input) => readChanged(api, input),
    dealIds: (input) => shaped((shape) => readDealIds(api, shape, input)),
    async provision() {
      shapes.forget(api.org);
      const shape = await shapes.get(api);
      return { ...provisionReport(shape), properties: propertiesOf(shape) };
    },
    lists: createLists(api),
    owners: createOwners(api),
    showConsent: (wanted) => shaped((shape) => showConsent(api, shape, wanted, duplicateRules)),
    requests: createRequests(api, () => shapes.get(api), clock, duplicateRules),
    whole: {
      dealsInStages: (input) => shaped((shape) => readStanding(api, shape, input)),
      async compareMirror(_object, rows) {
        return rows.length === 0 ? [] : shaped((shape) => compareMirror(api, shape, rows));
      },
    },
    async writeMirror(_object, rows) {
      if (rows.length === 0) return [];
      const outcomes = await writeRows(api, await shapes.get(api), rows, duplicateRules);
      if (outcomes.some(({ result }) => result === 'unprovisioned')) shapes.forget(api.org);
      return outcomes;
    },
  };
}
