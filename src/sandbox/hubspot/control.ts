import type { AppEvents, TimelineEvent } from './app-events.ts';
import { createLabel, definitionView } from './associations.ts';
import type { Calls, PortalCalls } from './calls.ts';
import { HubSpotError, notFound, validationError } from './errors.ts';
import type { Fault, FaultInput, Faults } from './faults.ts';
import type { FetchInput, FetchOutput, FetchProxy } from './fetch-proxy.ts';
import type { Limits } from './limits.ts';
import type { Links } from './links.ts';
import { createList, deleteList, joinList, type ListInput, leaveList, listSize } from './lists.ts';
import type { AuthorizeRequest, OAuth, OAuthApp } from './oauth.ts';
import { type ObjectType, objectTypeById } from './object-types.ts';
import { recordView } from './object-views.ts';
import { requireObjectType } from './objects.ts';
import { livingPipelines, type PipelineInput, type Pipelines, pipelineView, type StageInput } from './pipelines.ts';
import {
  type Actor,
  createPortal,
  type Portal,
  type PortalSeed,
  propertiesOf,
  type RecordState,
  recordsOf,
  resolveRecord,
} from './portal.ts';
import { createProperty, type PropertyInput, propertyView } from './properties.ts';
import type { PropertyWorkflow, PropertyWorkflows } from './property-workflows.ts';
import type { Records } from './records.ts';
import type { Tokens } from './tokens.ts';
import type { Subscription } from './webhook-events.ts';
import type { Attempt, Delivery, Webhooks } from './webhooks.ts';
import type { ActionAttempt, EnrolInput, Execution, OptionsInput, Workflows } from './workflows.ts';

/** Most records that a listing for people gives at once. */
const LIST_LIMIT = 500;

/** Who acts: a person at the CRM's screen unless something else is said. */
export interface Hand {
  userId?: number | undefined;
  /** 'CRM_UI' unless given; 'IMPORT', 'AUTOMATION_PLATFORM', 'INTEGRATION', … */
  changeSource?: string | undefined;
  sourceId?: string | undefined;
  /** Milliseconds since the epoch; backdates the change, for history that was there before the install. */
  at?: number | undefined;
}

export interface LinkInput {
  toType: string;
  toId: string;
  /** Labels by their text as seen from this record; none: the unlabeled association. */
  labels?: string[] | undefined;
}

export interface InstallInput {
  /** The app's first redirect URL unless given. */
  redirectUri?: string | undefined;
  scopes?: string[] | undefined;
  optionalScopes?: string[] | undefined;
  state?: string | undefined;
  userId?: number | undefined;
}

export interface RecordDetail {
  id: string;
  objectType: string;
  properties: Record<string, string>;
  archived: boolean;
  createdAt: string;
  updatedAt: string;
  propertiesWithHistory: Record<string, unknown>;
  associations: Record<string, Array<{ id: string; labels: string[]; typeIds: number[] }>>;
}

export interface PortalSummary {
  portalId: number;
  name: string;
  timeZone: string;
  companyCurrency: string;
  additionalCurrencies: string[];
  suspended: boolean;
  installed: boolean;
  scopes: string[];
  users: Array<{ userId: number; ownerId: string; email: string; firstName: string; lastName: string }>;
  recordCounts: Record<string, number>;
}

export interface ControlDeps {
  app: OAuthApp & { webhooks: { targetUrl: string; maxConcurrentRequests: number }; permittedFetchUrls: string[] };
  clock: () => number;
  portals: Map<number, Portal>;
  seeds: readonly PortalSeed[];
  records: Records;
  links: Links;
  pipelines: Pipelines;
  oauth: OAuth;
  tokens: Tokens;
  webhooks: Webhooks;
  workflows: Workflows;
  appEvents: AppEvents;
  propertyWorkflows: PropertyWorkflows;
  faults: Faults;
  calls: Calls;
  limits: Limits;
  fetchProxy: FetchProxy;
  settings: { mergedBatchRead: 'missing' | 'resolve' };
  /** Base of the sandbox's own URL, known once it listens. */
  baseUrl(): string;
}

export type Control = ReturnType<typeof createControl>;

/** What people and tests do to the CRM from outside of HubSpot's protocol. */
export function createControl(deps: ControlDeps) {
  const { records, links, pipelines, webhooks, clock } = deps;

  function portalOf(id: number): Portal {
    const portal = deps.portals.get(id);
    if (!portal) throw notFound({ portalId: [String(id)] }, `No portal ${id}`);
    return portal;
  }

  function actorOf(portal: Portal, hand: Hand): Actor {
    const userId = hand.userId ?? portal.owners[0]?.userId;
    const changeSource = hand.changeSource ?? 'CRM_UI';
    if (changeSource !== 'CRM_UI') return { changeSource, ...(hand.sourceId ? { sourceId: hand.sourceId } : {}) };
    return { changeSource, sourceId: `userId:${userId}`, ...(userId === undefined ? {} : { userId }) };
  }

  function timeOf(hand: Hand): number {
    return hand.at ?? clock();
  }

  function recordOf(portal: Portal, type: ObjectType, id: string): RecordState {
    const record = resolveRecord(portal, type.typeId, id);
    if (!record) throw notFound({ id: [id] }, `No ${type.singular} ${id}`);
    return record;
  }

  function detail(portal: Portal, record: RecordState): RecordDetail {
    const type = objectTypeById(record.typeId);
    const names = [...propertiesOf(portal, record.typeId).keys()];
    const view = recordView(portal, record, { properties: [], propertiesWithHistory: names });
    const history = Object.entries(view.propertiesWithHistory ?? {}).filter(([, revisions]) => revisions.length > 0);
    const associations: RecordDetail['associations'] = {};
    for (const to of portal.records.keys()) {
      associations[objectTypeById(to).plural] = links.livingLinks(portal, record, to).map(([id, typeIds]) => ({
        id,
        typeIds,
        labels: typeIds.flatMap((typeId) => portal.definitions.get(typeId)?.label ?? []),
      }));
    }
    return {
      id: record.id,
      objectType: type.singular,
      properties: Object.fromEntries([...record.properties].sort(([left], [right]) => (left < right ? -1 : 1))),
      archived: record.archived,
      createdAt: view.createdAt,
      updatedAt: view.updatedAt,
      propertiesWithHistory: Object.fromEntries(history),
      associations,
    };
  }

  function typeIdsOf(
    portal: Portal,
    from: RecordState,
    to: ObjectType,
    labels: readonly string[],
  ): Array<{ associationCategory: string; associationTypeId: number }> {
    const known = links.definitionsBetween(portal, from.typeId, to.typeId);
    return labels.map((label) => {
      const definition = known.find((one) => one.label === label);
      if (!definition) throw validationError(`No association label ${label} to ${to.plural}`);
      return { associationCategory: definition.category, associationTypeId: definition.typeId };
    });
  }

  function link(portal: Portal, from: RecordState, input: LinkInput, actor: Actor, at: number): void {
    const to = requireObjectType(input.toType);
    const target = recordOf(portal, to, input.toId);
    const labels = input.labels ?? [];
    if (labels.length === 0) {
      links.linkDefault(portal, from, target, actor, at);
      return;
    }
    const ids = links.checkTypes(portal, from, target, typeIdsOf(portal, from, to, labels));
    links.linkLabeled(portal, from, target, ids, actor, at);
  }

  function summary(portal: Portal): PortalSummary {
    return {
      portalId: portal.id,
      name: portal.name,
      timeZone: portal.timeZone,
      companyCurrency: portal.companyCurrency,
      additionalCurrencies: portal.additionalCurrencies,
      suspended: portal.suspended,
      installed: portal.installation !== null,
      scopes: portal.installation?.scopes ?? [],
      users: portal.owners.map(({ userId, id, email, firstName, lastName }) => ({
        userId,
        ownerId: id,
        email,
        firstName,
        lastName,
      })),
      recordCounts: Object.fromEntries(
        [...portal.records].map(([typeId, all]) => [objectTypeById(typeId).plural, all.size]),
      ),
    };
  }

  function uninstall(portal: Portal): void {
    portal.installation = null;
    deps.tokens.dropPortal(portal.id);
  }

  return {
    portals: (): PortalSummary[] => [...deps.portals.values()].map(summary),
    portal: (id: number): PortalSummary => summary(portalOf(id)),
    createPortal(seed: PortalSeed): PortalSummary {
      if (deps.portals.has(seed.portalId)) throw validationError(`Portal ${seed.portalId} is there already`);
      const portal = createPortal(seed, clock());
      deps.portals.set(portal.id, portal);
      return summary(portal);
    },
    /** What the account's subscription does not have from now on. */
    setUnavailableScopes(id: number, scopes: string[]): void {
      portalOf(id).unavailableScopes = scopes;
    },
    /** What apps have told the timeline of a record, newest first. */
    timeline(id: number, objectType: string, recordId: string): TimelineEvent[] {
      const portal = portalOf(id);
      const type = requireObjectType(objectType, portal);
      return deps.appEvents.of(portal, type.singular, recordOf(portal, type, recordId).id);
    },
    /** HubSpot approves the app for app events, or takes that back. */
    approveAppEvents: (isApproved: boolean): void => deps.appEvents.setApproved(isApproved),
    /** A suspended portal: refreshes get BAD_HUB, calls 401, no webhooks. */
    suspend(id: number, suspended: boolean): void {
      portalOf(id).suspended = suspended;
    },

    /** A workflow that a customer builds: whenever a property is changed, it sets others on the same record. */
    addPropertyWorkflow: (id: number, input: Omit<PropertyWorkflow, 'id'>): PropertyWorkflow =>
      deps.propertyWorkflows.add(portalOf(id), input),
    removePropertyWorkflow: (id: number, workflowId: string): void =>
      deps.propertyWorkflows.remove(portalOf(id), workflowId),
    /** How often such workflows have run. */
    propertyWorkflowRuns: (): number => deps.propertyWorkflows.runs(),
    lists: (id: number): Array<{ id: string; name: string; size: number }> => {
      const portal = portalOf(id);
      return [...portal.lists.values()]
        .filter(({ deletedAt }) => deletedAt === undefined)
        .map((list) => ({ id: list.id, name: list.name, size: listSize(portal, list) }));
    },
    createList: (id: number, input: ListInput): { id: string } => {
      const { id: listId } = createList(portalOf(id), input, clock());
      return { id: listId };
    },
    joinList: (id: number, listId: string, recordId: string): void => joinList(portalOf(id), listId, recordId, clock()),
    leaveList: (id: number, listId: string, recordId: string): void =>
      leaveList(portalOf(id), listId, recordId, clock()),
    deleteList: (id: number, listId: string): void => deleteList(portalOf(id), listId, clock()),

    listRecords(
      id: number,
      objectType: string,
      { archived = false, limit = LIST_LIMIT, query = '' }: { archived?: boolean; limit?: number; query?: string } = {},
    ): {
      total: number;
      results: Array<{ id: string; properties: Record<string, string>; archived: boolean; updatedAt: string }>;
    } {
      const type = requireObjectType(objectType, portalOf(id));
      const wanted = query.toLowerCase();
      const found = [...recordsOf(portalOf(id), type.typeId).values()]
        .filter((record) => record.archived === archived)
        .filter(
          (record) =>
            wanted === '' || [...record.properties.values()].some((value) => value.toLowerCase().includes(wanted)),
        );
      return {
        total: found.length,
        results: found
          .sort((left, right) => right.updatedAt - left.updatedAt)
          .slice(0, Math.min(limit, LIST_LIMIT))
          .map((record) => ({
            id: record.id,
            properties: Object.fromEntries(record.properties),
            archived: record.archived,
            updatedAt: new Date(record.updatedAt).toISOString(),
          })),
      };
    },
    getRecord(id: number, objectType: string, recordId: string): RecordDetail {
      const portal = portalOf(id);
      return detail(portal, recordOf(portal, requireObjectType(objectType, portal), recordId));
    },
    createRecord(
      id: number,
      objectType: string,
      input: { properties: Record<string, string>; associations?: LinkInput[] | undefined } & Hand,
    ): RecordDetail {
      const portal = portalOf(id);
      const [actor, at] = [actorOf(portal, input), timeOf(input)];
      const record = records.create(portal, requireObjectType(objectType, portal), input.properties, actor, at);
      for (const association of input.associations ?? []) link(portal, record, association, actor, at);
      return detail(portal, record);
    },
    editRecord(
      id: number,
      objectType: string,
      recordId: string,
      input: { properties: Record<string, string> } & Hand,
    ): RecordDetail {
      const portal = portalOf(id);
      const type = requireObjectType(objectType, portal);
      const record = recordOf(portal, type, recordId);
      if (record.archived) throw notFound({ id: [recordId] });
      records.update(portal, type, record, input.properties, actorOf(portal, input), timeOf(input));
      return detail(portal, record);
    },
    deleteRecord(id: number, objectType: string, recordId: string, hand: Hand = {}): void {
      const portal = portalOf(id);
      const type = requireObjectType(objectType, portal);
      records.archive(portal, type, recordOf(portal, type, recordId), actorOf(portal, hand), timeOf(hand));
    },
    restoreRecord(id: number, objectType: string, recordId: string, hand: Hand = {}): RecordDetail {
      const portal = portalOf(id);
      const type = requireObjectType(objectType, portal);
      const record = recordOf(portal, type, recordId);
      records.restore(portal, type, record, actorOf(portal, hand), timeOf(hand));
      return detail(portal, record);
    },
    mergeRecords(
      id: number,
      objectType: string,
      input: { primaryObjectId: string; objectIdToMerge: string } & Hand,
    ): RecordDetail {
      const portal = portalOf(id);
      const type = requireObjectType(objectType, portal);
      const primary = recordOf(portal, type, input.primaryObjectId);
      const secondary = recordOf(portal, type, input.objectIdToMerge);
      if (primary === secondary) throw validationError('A record cannot be merged with itself');
      const actor = actorOf(portal, input);
      const target = records.merge(portal, type, primary, secondary, actor, timeOf(input), (into, sources) =>
        links.move(portal, into, sources),
      );
      return detail(portal, target);
    },
    privacyDelete(id: number, objectType: string, recordId: string, hand: Hand = {}): void {
      const portal = portalOf(id);
      const type = requireObjectType(objectType, portal);
      records.privacyDelete(portal, type, recordOf(portal, type, recordId), actorOf(portal, hand), timeOf(hand));
    },

    associate(id: number, input: { fromType: string; fromId: string } & LinkInput & Hand): RecordDetail {
      const portal = portalOf(id);
      const from = recordOf(portal, requireObjectType(input.fromType), input.fromId);
      link(portal, from, input, actorOf(portal, input), timeOf(input));
      return detail(portal, from);
    },
    /** Without labels everything between the two records goes, with labels only those. */
    dissociate(id: number, input: { fromType: string; fromId: string } & LinkInput & Hand): RecordDetail {
      const portal = portalOf(id);
      const from = recordOf(portal, requireObjectType(input.fromType), input.fromId);
      const to = requireObjectType(input.toType);
      const target = recordOf(portal, to, input.toId);
      const [actor, at] = [actorOf(portal, input), timeOf(input)];
      const ids = typeIdsOf(portal, from, to, input.labels ?? []).map((type) => type.associationTypeId);
      if (ids.length === 0) links.unlink(portal, from, target, actor, at);
      else links.unlinkTypes(portal, from, target, ids, actor, at);
      return detail(portal, from);
    },
    labels(id: number, fromType: string, toType: string): object[] {
      const [from, to] = [requireObjectType(fromType), requireObjectType(toType)];
      return links.definitionsBetween(portalOf(id), from.typeId, to.typeId).map(definitionView);
    },
    createLabel(
      id: number,
      fromType: string,
      toType: string,
      input: { label: string; name: string; inverseLabel?: string | undefined },
    ): object[] {
      const [from, to] = [requireObjectType(fromType), requireObjectType(toType)];
      return createLabel(portalOf(id), links, from, to, input).map(definitionView);
    },
    /** An admin's cap on associations of one type; null takes it away. */
    capAssociations(id: number, typeId: number, maxToObjectIds: number | null): void {
      const definition = portalOf(id).definitions.get(typeId);
      if (!definition) throw notFound({ typeId: [String(typeId)] });
      if (maxToObjectIds === null) delete definition.maxToObjectIds;
      else definition.maxToObjectIds = maxToObjectIds;
    },

    pipelines: (id: number, objectType: string): object[] =>
      livingPipelines(portalOf(id), requireObjectType(objectType)).map(pipelineView),
    createPipeline: (id: number, objectType: string, input: PipelineInput): object =>
      pipelineView(pipelines.create(portalOf(id), requireObjectType(objectType), input, clock())),
    deletePipeline(id: number, objectType: string, pipelineId: string): void {
      const portal = portalOf(id);
      pipelines.remove(portal, pipelines.require(portal, requireObjectType(objectType), pipelineId), true, clock());
    },
    addStage(id: number, objectType: string, pipelineId: string, input: StageInput): object {
      const [portal, type] = [portalOf(id), requireObjectType(objectType)];
      const pipeline = pipelines.require(portal, type, pipelineId);
      pipelines.addStage(portal, type, pipeline, input, clock());
      return pipelineView(pipeline);
    },
    editStage(
      id: number,
      objectType: string,
      pipelineId: string,
      stageId: string,
      input: {
        label?: string | undefined;
        displayOrder?: number | undefined;
        metadata?: Record<string, string> | undefined;
      },
    ): object {
      const [portal, type] = [portalOf(id), requireObjectType(objectType)];
      const pipeline = pipelines.require(portal, type, pipelineId);
      const stage = pipelines.requireStage(pipeline, stageId);
      pipelines.changeStage(portal, type, pipeline, stage, { ...input, metadata: input.metadata ?? {} }, clock());
      return pipelineView(pipeline);
    },
    deleteStage(id: number, objectType: string, pipelineId: string, stageId: string): object {
      const portal = portalOf(id);
      const pipeline = pipelines.require(portal, requireObjectType(objectType), pipelineId);
      pipelines.removeStage(portal, pipeline, pipelines.requireStage(pipeline, stageId), clock());
      return pipelineView(pipeline);
    },

    properties(id: number, objectType: string): object[] {
      const [portal, type] = [portalOf(id), requireObjectType(objectType)];
      return [...propertiesOf(portal, type.typeId).values()]
        .filter((property) => !property.archived)
        .map((property) => propertyView(portal, type, property));
    },
    createProperty(id: number, objectType: string, input: PropertyInput): object {
      const [portal, type] = [portalOf(id), requireObjectType(objectType)];
      return propertyView(portal, type, createProperty(portal, type, input, clock()));
    },

    /** The user's consent without the page: the same check and grant as `POST /oauth/authorize`. */
    install(id: number, input: InstallInput = {}): { redirectUrl: string; code: string; state: string | null } {
      const portal = portalOf(id);
      const request: AuthorizeRequest = {
        clientId: deps.app.clientId,
        redirectUri: input.redirectUri ?? deps.app.redirectUrls[0] ?? '',
        scope: (input.scopes ?? deps.app.requiredScopes).join(' '),
        optionalScope: (input.optionalScopes ?? deps.app.optionalScopes).join(' '),
        state: input.state,
      };
      const granted = deps.oauth.grant(request, id, input.userId ?? portal.owners[0]?.userId ?? 0);
      if ('title' in granted)
        throw new HubSpotError(400, {
          message: `${granted.title}: ${granted.explanation}`,
          category: 'VALIDATION_ERROR',
        });
      return { ...granted, state: input.state ?? null };
    },
    uninstall: (id: number): void => uninstall(portalOf(id)),
    /** Every access token of the portal is now over its time; refresh tokens stay good. */
    expireAccessTokens: (id: number): void => deps.tokens.expireAccess(portalOf(id).id),

    deliveries: (portalId?: number): Delivery[] => webhooks.deliveries(portalId),
    redeliver: (deliveryId: number): Promise<Attempt> => webhooks.redeliver(deliveryId),
    webhookSettings: (): { targetUrl: string; maxConcurrentRequests: number; subscriptions: Subscription[] } => ({
      targetUrl: webhooks.target.url,
      maxConcurrentRequests: deps.app.webhooks.maxConcurrentRequests,
      subscriptions: webhooks.subscriptions,
    }),
    /** Where webhooks go: for a service that takes its port after the sandbox is up. */
    setTargetUrl(url: string): void {
      webhooks.target.url = new URL(url).toString();
    },
    setSubscriptionActive(subscriptionId: number, active: boolean): Subscription {
      const subscription = webhooks.subscriptions.find((one) => one.subscriptionId === subscriptionId);
      if (!subscription) throw notFound({ subscriptionId: [String(subscriptionId)] });
      subscription.active = active;
      return subscription;
    },
    /** Webhooks that gather leave now: for whoever has no time to wait. */
    hurry: (): void => webhooks.hurry(),
    async idle(): Promise<void> {
      await deps.propertyWorkflows.idle();
      await Promise.all([webhooks.idle(), deps.workflows.idle()]);
    },

    /** Takes a record into a workflow that has this one action. */
    enrolInAction: (id: number, input: EnrolInput): Execution => deps.workflows.enrol(portalOf(id), input),
    /** Makes the same call once more, whatever became of it. */
    repeatAction: (callbackId: string): Promise<ActionAttempt> => deps.workflows.repeat(callbackId),
    executions: (portalId?: number): Execution[] => deps.workflows.executions(portalId),
    execution(callbackId: string): Execution {
      const found = deps.workflows.executions().find((one) => one.callbackId === callbackId);
      if (!found) throw notFound({ callbackId: [callbackId] });
      return found;
    },
    /** What an admin who builds a workflow is shown for an input. */
    actionOptions: (id: number, input: OptionsInput): Promise<{ status: number; body: unknown }> =>
      deps.workflows.options(portalOf(id), input),
    /** Which signatures the calls of actions carry. */
    setActionSignatures(signatures: Workflows['settings']['signatures']): void {
      deps.workflows.settings.signatures = signatures;
    },

    addFault: (fault: FaultInput): Fault => deps.faults.add(fault),
    listFaults: (): Fault[] => deps.faults.list(),
    removeFault: (id: number): boolean => deps.faults.remove(id),
    clearFaults: (): void => deps.faults.clear(),

    calls: (): PortalCalls[] => deps.calls.list(),
    clearCalls: (): void => deps.calls.clear(),

    fetch: (id: number, input: FetchInput): Promise<FetchOutput> => deps.fetchProxy(portalOf(id), input),

    settings: (): { mergedBatchRead: 'missing' | 'resolve' } => deps.settings,
    setMergedBatchRead(mode: 'missing' | 'resolve'): void {
      deps.settings.mergedBatchRead = mode;
    },
    /** The app as the sandbox knows it, without its secret. */
    app: () => ({
      appId: deps.app.appId,
      clientId: deps.app.clientId,
      redirectUrls: deps.app.redirectUrls,
      requiredScopes: deps.app.requiredScopes,
      optionalScopes: deps.app.optionalScopes,
      permittedFetchUrls: deps.app.permittedFetchUrls,
      authorizeUrl: `${deps.baseUrl()}/oauth/authorize`,
    }),
    /** Back to the seeds: records, installs, tokens, faults, counters and the delivery log are gone. */
    reset(): void {
      for (const id of deps.portals.keys()) deps.tokens.dropPortal(id);
      deps.portals.clear();
      for (const seed of deps.seeds) deps.portals.set(seed.portalId, createPortal(seed, clock()));
      webhooks.reset();
      deps.workflows.reset();
      deps.propertyWorkflows.reset();
      deps.faults.clear();
      deps.calls.clear();
      deps.limits.reset();
    },
  };
}
