import { isJson, readBody } from './bodies.ts';
import type { CallCount, Calls } from './calls.ts';
import { ApiError } from './errors.ts';
import type { EventBus } from './event-bus.ts';
import type { Fault, FaultInput, Faults } from './faults.ts';
import { normaliseId } from './ids.ts';
import { type Conversion, type Converted, convertLead, merge } from './joining.ts';
import type { Limits } from './limits.ts';
import type { AuthorizeRequest, ExternalClientApp, OAuth } from './oauth.ts';
import {
  type Access,
  createTable,
  type DuplicateRule,
  type Org,
  type OrgSeed,
  putRow,
  type RecordTypeSeed,
  type Row,
  type StageSeed,
  stageValues,
  tableOf,
  type ValidationRule,
  type Value,
} from './org.ts';
import type { PubSub } from './pubsub.ts';
import { recordUrl, showField } from './query.ts';
import type { Actor, Records, Tx } from './records.ts';
import { type FieldType, field, findObject, type ObjectType } from './schema.ts';
import type { Tokens } from './tokens.ts';

/** What people do in an org's own pages, and what a test wants of the local Salesforce. Nothing here is a part of Salesforce's API. */

/** Who does it, and when. */
export interface Hand {
  /** The org's first user unless given. */
  userId?: string | undefined;
  /** Backdates, in milliseconds. */
  at?: number | undefined;
  /** As if an app with this name had done it, and not a person. */
  client?: string | undefined;
}

export interface OrgSummary {
  id: string;
  name: string;
  /** The My Domain host. */
  instanceUrl: string;
  namespace: string;
  users: Array<{ id: string; username: string; isActive: boolean }>;
  settings: Org['settings'];
  changeEvents: string[];
  /** Live records by object, without those of Setup. */
  counts: Record<string, number>;
}

export interface Shown {
  attributes: { type: string; url: string };
  [field: string]: unknown;
}

export interface ControlDeps {
  app: ExternalClientApp;
  clock: () => number;
  advance: (ms: number) => void;
  orgs: ReadonlyMap<string, Org>;
  records: Records;
  tokens: Tokens;
  oauth: OAuth;
  limits: Limits;
  faults: Faults;
  calls: Calls;
  bus: EventBus;
  pubsub: PubSub;
  forgetLocators: () => void;
  instanceUrl: (org: Org) => string;
  addOrg: (seed: OrgSeed) => Promise<Org>;
  giveHost: (org: Org) => Promise<void>;
  reset: () => Promise<void>;
}

export type Body = Readonly<Record<string, unknown>>;

export interface FieldInput {
  name: string;
  type: FieldType;
  length?: number | undefined;
  label?: string | undefined;
  externalId?: boolean | undefined;
}

export interface Control {
  app(): { clientId: string; redirectUrls: string[]; scopes: string[] };
  orgs(): OrgSummary[];
  org(orgId: string): OrgSummary;
  createOrg(seed: OrgSeed): Promise<OrgSummary>;
  /** Its My Domain changes: it is found at another address, and at the one before there are only logins. */
  moveOrg(orgId: string): Promise<OrgSummary>;
  /** A user's yes, without the page. */
  install(
    orgId: string,
    request?: Partial<AuthorizeRequest> & { userId?: string | undefined },
  ): { redirectUrl: string; code: string };
  /** The package is removed: its objects with their records, the app, every token. */
  uninstall(orgId: string): void;
  revokeTokens(orgId: string): void;
  expireSessions(orgId: string): void;
  list(orgId: string, object: string, options?: { deleted?: boolean; limit?: number }): Shown[];
  read(orgId: string, id: string): Shown | null;
  create(orgId: string, object: string, body: Body, hand?: Hand): string;
  edit(orgId: string, id: string, body: Body, hand?: Hand): void;
  /** Several in one transaction, as a mass edit or an import does. */
  editAll(orgId: string, ids: readonly string[], body: Body, hand?: Hand): void;
  remove(orgId: string, id: string, hand?: Hand): void;
  undelete(orgId: string, id: string, hand?: Hand): void;
  /** Empties the recycle bin: gone for queryAll too, and nothing is told. */
  purge(orgId: string): number;
  merge(orgId: string, masterId: string, otherIds: readonly string[], hand?: Hand): void;
  convert(orgId: string, leadId: string, conversion?: Conversion, hand?: Hand): Converted;
  stages(orgId: string): Shown[];
  addStage(orgId: string, stage: StageSeed): Shown[];
  /** Nothing is told of it, and no record looks changed: so it is when the type of a stage changes. */
  editStage(orgId: string, name: string, change: Partial<Omit<StageSeed, 'name'>>): Shown[];
  deleteStage(orgId: string, name: string): Shown[];
  addRecordType(orgId: string, type: RecordTypeSeed): string;
  setAccess(orgId: string, object: string, fieldName: string | null, access: Access): void;
  setValidationRules(orgId: string, rules: ValidationRule[]): void;
  setDuplicateRules(orgId: string, rules: DuplicateRule[]): void;
  setSettings(orgId: string, settings: Partial<Org['settings']>): void;
  setChangeEvents(orgId: string, objects: string[]): void;
  setUserActive(orgId: string, userId: string, isActive: boolean): void;
  addField(orgId: string, object: string, input: FieldInput): void;
  deleteField(orgId: string, object: string, name: string): void;
  useRequests(orgId: string, requests: number): void;
  breakStreams(orgId: string): void;
  streams(): number;
  forgetLocators(): void;
  addFault(input: FaultInput): Fault;
  listFaults(): Fault[];
  removeFault(id: number): boolean;
  clearFaults(): void;
  calls(): CallCount[];
  clearCalls(): void;
  /** The local org's clock goes on by this. */
  advance(ms: number): void;
  now(): number;
  /** No change is on its way to the stream. */
  idle(): Promise<void>;
  reset(): Promise<void>;
}

const missing = (what: string): ApiError => new ApiError(404, 'SANDBOX', `the local Salesforce has no ${what}`);
/** As the change events of an edit in the pages say. */
const PAGES_ORIGIN = 'com/salesforce/api/soap/66.0;client=SfdcInternalAPI/';
const VERSION = 'v66.0';

export function createControl(deps: ControlDeps): Control {
  const { records, tokens } = deps;

  function orgOf(orgId: string): Org {
    const org = deps.orgs.get(normaliseId(orgId) ?? orgId);
    if (!org) throw missing(`org ${orgId}`);
    return org;
  }
  function objectOf(org: Org, name: string): ObjectType {
    const object = findObject(org.schema, name);
    if (!object) throw missing(`object ${name}`);
    return object;
  }
  function recordOf(org: Org, text: string): { object: ObjectType; id: string; row: Row } {
    const id = normaliseId(text);
    for (const object of org.schema.objects.values()) {
      const row = id === null ? undefined : tableOf(org, object.name).rows.get(id);
      if (id !== null && row) return { object, id, row };
    }
    throw missing(`record ${text}`);
  }
  const firstUser = (org: Org): string => String([...tableOf(org, 'User').rows.keys()][0]);

  function actorOf(org: Org, hand: Hand): Actor {
    return {
      userId: hand.userId ?? firstUser(org),
      origin: hand.client === undefined ? PAGES_ORIGIN : `com/salesforce/api/rest/66.0;client=${hand.client}`,
      allowDuplicates: true,
      ...(hand.at === undefined ? {} : { at: hand.at }),
    };
  }
  const act = <T>(orgId: string, hand: Hand | undefined, work: (tx: Tx, org: Org) => T): T => {
    const org = orgOf(orgId);
    return records.transaction(org, actorOf(org, hand ?? {}), (tx) => work(tx, org));
  };

  function show(org: Org, object: ObjectType, row: Row): Shown {
    return {
      attributes: { type: object.name, url: recordUrl(VERSION, object, row.Id) },
      ...Object.fromEntries([...object.fields.values()].map((one) => [one.name, showField(org, object, one, row)])),
    };
  }
  const valuesOf = (org: Org, object: ObjectType, body: Body, mode: 'insert' | 'update'): Record<string, Value> => {
    if (!isJson(body)) throw new ApiError(400, 'SANDBOX', 'give the fields of the record as an object');
    return readBody(org, object, body, { mode, isAdmin: true });
  };

  function summary(org: Org): OrgSummary {
    return {
      id: org.id,
      name: org.name,
      instanceUrl: deps.instanceUrl(org),
      namespace: org.namespace,
      users: [...tableOf(org, 'User').rows.values()].map((row) => ({
        id: String(row.Id),
        username: String(row.Username),
        isActive: row.IsActive === true,
      })),
      settings: { ...org.settings },
      changeEvents: [...org.captured],
      counts: Object.fromEntries(
        [...org.schema.objects.values()]
          .filter((object) => object.createable)
          .map((object) => [
            object.name,
            [...tableOf(org, object.name).rows.values()].filter((row) => row.IsDeleted !== true).length,
          ]),
      ),
    };
  }

  const stagesOf = (org: Org): Row[] =>
    [...tableOf(org, 'OpportunityStage').rows.values()].sort(
      (one, other) => Number(one.SortOrder) - Number(other.SortOrder),
    );
  const showStages = (org: Org): Shown[] =>
    stagesOf(org).map((row) => show(org, objectOf(org, 'OpportunityStage'), row));
  function stageNamed(org: Org, name: string): Row {
    const stage = stagesOf(org).find((row) => row.ApiName === name);
    if (!stage) throw missing(`stage ${name}`);
    return stage;
  }

  return {
    app: () => ({
      clientId: deps.app.clientId,
      redirectUrls: deps.app.redirectUrls,
      scopes: deps.app.scopes,
    }),
    orgs: () => [...deps.orgs.values()].map(summary),
    org: (orgId) => summary(orgOf(orgId)),
    createOrg: async (seed) => summary(await deps.addOrg(seed)),
    async moveOrg(orgId) {
      const org = orgOf(orgId);
      await deps.giveHost(org);
      deps.pubsub.breakStreams(org.id);
      return summary(org);
    },
    install(orgId, request = {}) {
      const org = orgOf(orgId);
      const outcome = deps.oauth.allow(
        {
          clientId: deps.app.clientId,
          redirectUri: deps.app.redirectUrls[0] ?? '',
          responseType: 'code',
          ...request,
        },
        org,
        request.userId ?? firstUser(org),
      );
      if ('page' in outcome) throw new ApiError(400, 'SANDBOX', `${outcome.page.error}: ${outcome.page.description}`);
      const parameters = new URL(outcome.redirect).searchParams;
      const code = parameters.get('code');
      if (code === null)
        throw new ApiError(400, 'SANDBOX', `${parameters.get('error')}: ${parameters.get('error_description')}`);
      return { redirectUrl: outcome.redirect, code };
    },
    uninstall(orgId) {
      const org = orgOf(orgId);
      org.settings.appInstalled = false;
      tokens.revokeOrg(org.id);
      deps.pubsub.breakStreams(org.id);
      for (const object of [...org.schema.objects.values()].filter(({ custom }) => custom)) {
        org.schema.objects.delete(object.name);
        org.tables.delete(object.name);
        org.captured.delete(object.name);
      }
      for (const [name, fields] of org.packageFields) {
        for (const field of fields) org.schema.objects.get(name)?.fields.delete(field);
      }
      org.packageFields.clear();
      org.channels.clear();
    },
    revokeTokens(orgId) {
      tokens.revokeOrg(orgOf(orgId).id);
    },
    expireSessions(orgId) {
      tokens.expireSessions(orgOf(orgId).id);
    },
    list(orgId, name, { deleted = false, limit } = {}) {
      const org = orgOf(orgId);
      const object = objectOf(org, name);
      return [...tableOf(org, object.name).rows.values()]
        .filter((row) => (row.IsDeleted === true) === deleted)
        .slice(0, limit)
        .map((row) => show(org, object, row));
    },
    read(orgId, id) {
      const org = orgOf(orgId);
      try {
        const { object, row } = recordOf(org, id);
        return show(org, object, row);
      } catch (thrown) {
        if (thrown instanceof ApiError) return null;
        throw thrown;
      }
    },
    create: (orgId, name, body, hand) =>
      act(orgId, hand, (tx, org) => {
        const object = objectOf(org, name);
        return tx.insert(object, valuesOf(org, object, body, 'insert'));
      }),
    edit: (orgId, text, body, hand) =>
      act(orgId, hand, (tx, org) => {
        const { object, id } = recordOf(org, text);
        tx.update(object, id, valuesOf(org, object, body, 'update'));
      }),
    editAll: (orgId, ids, body, hand) =>
      act(orgId, hand, (tx, org) => {
        for (const text of ids) {
          const { object, id } = recordOf(org, text);
          tx.update(object, id, valuesOf(org, object, body, 'update'));
        }
      }),
    remove: (orgId, text, hand) =>
      act(orgId, hand, (tx, org) => {
        const { object, id } = recordOf(org, text);
        tx.remove(object, id);
      }),
    undelete: (orgId, text, hand) =>
      act(orgId, hand, (tx, org) => {
        const { object, id } = recordOf(org, text);
        tx.undelete(object, id);
      }),
    purge(orgId) {
      const org = orgOf(orgId);
      let purged = 0;
      for (const object of org.schema.objects.values()) {
        for (const row of [...tableOf(org, object.name).rows.values()]) {
          if (row.IsDeleted !== true) continue;
          putRow(org, object, String(row.Id), undefined);
          purged += 1;
        }
      }
      return purged;
    },
    merge: (orgId, masterText, otherTexts, hand) =>
      act(orgId, hand, (tx, org) => {
        const master = recordOf(org, masterText);
        const others = otherTexts.map((text) => recordOf(org, text).id);
        merge(tx, master.object, master.id, others);
      }),
    convert: (orgId, leadText, conversion = {}, hand) =>
      act(orgId, hand, (tx, org) => convertLead(tx, recordOf(org, leadText).id, conversion)),
    stages: (orgId) => showStages(orgOf(orgId)),
    addStage(orgId, stage) {
      const org = orgOf(orgId);
      const object = objectOf(org, 'OpportunityStage');
      const [like] = stagesOf(org);
      const id = org.ids.next(object.keyPrefix);
      const row: Row = { ...like, ...stageValues(stage, stagesOf(org).length + 1), Id: id };
      putRow(org, object, id, row);
      return showStages(org);
    },
    editStage(orgId, name, change) {
      const org = orgOf(orgId);
      const stage = stageNamed(org, name);
      const next: Row = {
        ...stage,
        ...(change.label === undefined ? {} : { MasterLabel: change.label }),
        ...(change.isActive === undefined ? {} : { IsActive: change.isActive }),
        ...(change.isClosed === undefined ? {} : { IsClosed: change.isClosed }),
        ...(change.isWon === undefined ? {} : { IsWon: change.isWon }),
        ...(change.probability === undefined ? {} : { DefaultProbability: change.probability }),
        ...(change.forecastCategory === undefined ? {} : { ForecastCategory: change.forecastCategory }),
      };
      putRow(org, objectOf(org, 'OpportunityStage'), String(stage.Id), next);
      const opportunities = objectOf(org, 'Opportunity');
      for (const row of [...tableOf(org, 'Opportunity').rows.values()]) {
        if (row.StageName !== name) continue;
        const type = { IsClosed: next.IsClosed ?? false, IsWon: next.IsWon ?? false };
        putRow(org, opportunities, String(row.Id), { ...row, ...type });
      }
      return showStages(org);
    },
    deleteStage(orgId, name) {
      const org = orgOf(orgId);
      putRow(org, objectOf(org, 'OpportunityStage'), String(stageNamed(org, name).Id), undefined);
      return showStages(org);
    },
    addRecordType(orgId, type) {
      const org = orgOf(orgId);
      const object = objectOf(org, 'RecordType');
      const id = org.ids.next(object.keyPrefix);
      putRow(org, object, id, {
        ...Object.fromEntries([...object.fields.keys()].map((name) => [name, null])),
        Id: id,
        Name: type.name ?? type.developerName,
        DeveloperName: type.developerName,
        SobjectType: type.sobjectType,
        IsActive: true,
      });
      if (type.stages) org.recordTypeStages.set(id, type.stages);
      return id;
    },
    setAccess(orgId, name, fieldName, access) {
      const org = orgOf(orgId);
      const object = objectOf(org, name);
      if (fieldName !== null && !object.fields.has(fieldName)) throw missing(`field ${name}.${fieldName}`);
      org.access.set(fieldName === null ? object.name : `${object.name}.${fieldName}`, access);
    },
    setValidationRules(orgId, rules) {
      orgOf(orgId).validationRules = rules;
    },
    setDuplicateRules(orgId, rules) {
      orgOf(orgId).duplicateRules = rules;
    },
    setSettings(orgId, settings) {
      Object.assign(orgOf(orgId).settings, settings);
    },
    setChangeEvents(orgId, objects) {
      const org = orgOf(orgId);
      for (const name of objects) objectOf(org, name);
      org.captured = new Set(objects);
    },
    setUserActive(orgId, userId, isActive) {
      const org = orgOf(orgId);
      const { object, id, row } = recordOf(org, userId);
      putRow(org, object, id, { ...row, IsActive: isActive });
    },
    addField(orgId, name, input) {
      const org = orgOf(orgId);
      const object = objectOf(org, name);
      object.fields.set(
        input.name,
        field(input.name, input.type, {
          custom: true,
          label: input.label ?? input.name,
          externalId: input.externalId ?? false,
          ...(input.length === undefined ? {} : { length: input.length }),
        }),
      );
      const table = createTable(object);
      table.rows = tableOf(org, object.name).rows;
      for (const [key, ids] of tableOf(org, object.name).index) table.index.set(key, ids);
      org.tables.set(object.name, table);
    },
    deleteField(orgId, name, fieldName) {
      const object = objectOf(orgOf(orgId), name);
      if (!object.fields.delete(fieldName)) throw missing(`field ${name}.${fieldName}`);
    },
    useRequests(orgId, requests) {
      deps.limits.use(orgOf(orgId), requests);
    },
    breakStreams(orgId) {
      deps.pubsub.breakStreams(orgOf(orgId).id);
    },
    streams: () => deps.pubsub.streams(),
    forgetLocators: () => deps.forgetLocators(),
    addFault: (input) => deps.faults.add(input),
    listFaults: () => deps.faults.list(),
    removeFault: (id) => deps.faults.remove(id),
    clearFaults: () => deps.faults.clear(),
    calls: () => deps.calls.list(),
    clearCalls: () => deps.calls.clear(),
    advance: (ms) => deps.advance(ms),
    now: () => deps.clock(),
    idle: () => deps.bus.idle(),
    reset: () => deps.reset(),
  };
}
