import type {
  CallbackWord,
  ChangedPage,
  CrmAccess,
  CrmConnector,
  CrmGrant,
  CrmSession,
  Hint,
  MirrorComparison,
  MirrorOutcome,
  MirrorRow,
  NewTask,
  ProvisionReport,
  StageRef,
  StandingPage,
} from '../../src/application/ports/crm.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { StageMetadata } from '../../src/domain/mapping.ts';
import type { MirrorValues } from '../../src/domain/mirror.ts';
import type { ContactFacts, ContactTraits, DealFacts, DealPoint } from '../../src/domain/record.ts';
import type { Random } from '../crash/random.ts';
import { areClocksTrue, type Counters, type FaultClass, isOfPeople, type Weather } from './faults.ts';
import type { Network, NodeLife } from './network.ts';
import { moveLookups, type SimRows, writeRows } from './rows.ts';
import type { Scheduler } from './scheduler.ts';
import type { Streams } from './stream.ts';

/** The search index of the CRM knows of a change this much later at most. Shorter than what a sweep looks back. */
const INDEX_LAG_MAX_MS = 20_000;
/** Small pages, so that a sweep of a small portal has several. */
const SEARCH_PAGE = 4;
/** Rows of one read that a cut answer leaves out are asked for one by one, as the connector for HubSpot does. */
const LEFT_OUT = 0.4;

export const DEAL_PROPERTIES = ['pipeline', 'stage', 'amount', 'currency'] as const;
export type DealProperty = (typeof DEAL_PROPERTIES)[number];
export type DealValues = Readonly<Record<DealProperty, string | null>>;

export interface Revision {
  readonly at: number;
  readonly value: string | null;
}

interface SimRecord {
  readonly id: string;
  isDeleted: boolean;
  mergedInto: string | null;
  formerIds: string[];
  modifiedAt: number;
  indexedAt: number;
  mirror: MirrorValues | null;
  mirrorWrites: number;
  /** Of those that it was before, the ones that the CRM tells of with it for ever: leads, and no contact that was merged away. */
  leadIds: string[];
}

export interface SimContact extends SimRecord {
  name: string;
  email: string | null;
  usedCode: string | null;
  /** What risk is judged by, where a program asks for it; it never changes. */
  readonly traits: ContactTraits | undefined;
  readonly referrers: Set<string>;
  /** Whom they work for, where anybody asks. */
  readonly company: string | null;
  /** Nobody's customer yet: it has no deals, and becomes a contact with another id. */
  readonly isLead: boolean;
}

export interface SimDeal extends SimRecord {
  readonly name: string;
  /** Oldest first. */
  readonly history: Readonly<Record<DealProperty, Revision[]>>;
  readonly contactIds: Set<string>;
  /** Of a copy that a sync tool has made: the property that says so, and the id of its source. */
  readonly key: Readonly<Record<string, string>> | null;
}

export interface SimPipeline {
  readonly id: string;
  readonly stages: StageMetadata[];
}

/** Something to do that people of the portal see. */
export interface SimTask {
  readonly id: string;
  readonly title: string;
  readonly madeAt: number;
  readonly indexedAt: number;
  isDone: boolean;
}

interface Grant {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: number;
  readonly parent: string | null;
}

/** One portal: its records with the histories that a CRM keeps of them, its tokens, and the news it sends. */
export interface Portal {
  readonly externalId: string;
  readonly contacts: ReadonlyMap<string, SimContact>;
  readonly deals: ReadonlyMap<string, SimDeal>;
  readonly pipelines: SimPipeline[];
  readonly tasks: ReadonlyMap<string, SimTask>;
  /** Of our own objects; null in a CRM that shows properties. */
  readonly rows: SimRows | null;
  /** Contacts whom an admin was asked to forget here. */
  readonly erased: Set<string>;
  reads: number;
  createContact(input: {
    name: string;
    email: string | null;
    usedCode: string | null;
    referrers: readonly string[];
    traits?: ContactTraits | undefined;
    company?: string | null;
    isLead?: boolean;
  }): SimContact;
  createDeal(values: DealValues, contactIds: readonly string[], key?: SimDeal['key']): SimDeal;
  editContact(id: string, change: Partial<Pick<SimContact, 'name' | 'email' | 'usedCode'>>): void;
  label(id: string, referrerId: string): void;
  editDeal(id: string, change: Partial<DealValues>): void;
  associate(dealId: string, contactId: string, isOn: boolean): void;
  remove(object: 'contact' | 'deal', id: string): void;
  restore(object: 'contact' | 'deal', id: string): void;
  /** The id under which the two go on. */
  merge(object: 'contact' | 'deal', primaryId: string, otherId: string): string;
  /** A lead becomes a contact, whose id is returned. */
  convert(leadId: string): string;
  addStage(pipelineId: string, stage: StageMetadata): void;
  /** Null takes it away. */
  changeStage(pipelineId: string, stageId: string, change: Partial<StageMetadata> | null): void;
  /** A workflow of the customer's writes into a field of ours. */
  overwrite(object: 'contact' | 'deal', id: string): void;
  /** What happens while it is run tells nobody. */
  unheard(run: () => void): void;
  removeProperty(): void;
  /** An admin of the portal takes the authorisation away. */
  revoke(): void;
  /** What an admin's browser brings back from the consent page. */
  consent(): string;
  echo(object: 'contact' | 'deal', id: string): void;
}

export interface SimCrm {
  readonly portals: readonly Portal[];
  /** What no CRM should be asked, in sentences. */
  readonly problems: readonly string[];
  connector(life: NodeLife, clock: () => number): CrmConnector;
}

export interface CrmDeps {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly externalIds: readonly string[];
  /** Told of every change; the network brings it, or not. */
  readonly onHint: (hint: Hint) => void;
  /** What the portal's workflows make of being told that they can go on. */
  readonly onComplete: (
    externalId: string,
    words: readonly CallbackWord[],
  ) => { readonly unknown: ReadonlySet<string> };
  /** Told when deals were just shown to a node. */
  readonly onRead: (externalId: string) => void;
  /** How the CRM is listened to; null for one that calls. */
  readonly streams: Pick<Streams, 'open' | 'searchLagMs'> | null;
}

export const PROVIDER = 'simulated';

export function createCrm(deps: CrmDeps): SimCrm {
  const portals = deps.externalIds.map((externalId) => createPortal(deps, externalId));
  const portalOf = (externalId: string) => {
    const portal = portals.find((candidate) => candidate.externalId === externalId);
    if (!portal) throw new Error(`no portal ${externalId}`);
    return portal;
  };
  const problems: string[] = [];
  const renewals = new Set<{ readonly portalId: string; readonly life: NodeLife }>();
  return {
    portals,
    problems,
    connector: (life, clock) => ({
      provider: PROVIDER,
      oauth: {
        authorizeUrl: ({ state }) => `https://crm.test/authorize?state=${state}`,
        exchangeCode: ({ code }) =>
          deps.network
            .ask(life, 'exchange code', () => portalOf(code.split(' ')[0] ?? '').exchange(code))
            .then(grantOf),
        refresh: async ({ refreshToken }) => {
          const askedAt = clock();
          const portal = portalOf(refreshToken.split(' ')[0] ?? '');
          const end = beginRenewal(portal.externalId, life);
          try {
            const grant = await deps.network.ask(life, 'refresh token', () => portal.refresh(refreshToken));
            return { ...grantOf(grant), expiresAt: askedAt + deps.weather.tokenLifetimeMs };
          } finally {
            end();
          }
        },
        revoke: ({ refreshToken }) =>
          deps.network.ask(life, 'give token back', () => portalOf(refreshToken.split(' ')[0] ?? '').revokeToken()),
      },
      inbound: deps.streams
        ? null
        : {
            verify: () => ({ ok: true }),
            parseHints: (body) => ({ ok: true, hints: JSON.parse(new TextDecoder().decode(body)) as Hint[] }),
          },
      ...(deps.streams
        ? { stream: deps.streams.open(life, ({ externalId }, token) => portalOf(externalId).accepts(token)) }
        : {}),
      open: (access) => openSession(deps, portalOf(access.externalId), life, access),
      recordUrl: () => null,
      requiredScopes: [],
      ...(isOfPeople(deps.weather.theme) ? { hasTasks: true as const } : {}),
    }),
  };

  /** Where clocks are true and no node is stopped in the middle, a lease lets one at a time renew: a CRM may let the newest live alone. */
  function beginRenewal(portalId: string, life: NodeLife): () => void {
    const { pauses, stalls } = deps.weather;
    const renewal = { portalId, life };
    const isSure = areClocksTrue(deps.weather) && pauses === 0 && stalls === 0;
    if (isSure && [...renewals].some((other) => other.portalId === portalId && other.life.isAlive))
      problems.push(`law 8: the authorisation of portal ${portalId} is renewed twice at the same time`);
    renewals.add(renewal);
    return () => void renewals.delete(renewal);
  }

  function grantOf(grant: Grant & { externalId: string }): CrmGrant {
    return {
      externalId: grant.externalId,
      accessToken: grant.accessToken,
      refreshToken: grant.refreshToken,
      expiresAt: grant.expiresAt,
      scopes: [],
    };
  }
}

type InnerPortal = ReturnType<typeof createPortal>;

function createPortal({ scheduler, network, random, weather, counters, onHint, streams }: CrmDeps, id: string) {
  const contacts = new Map<string, SimContact>();
  const deals = new Map<string, SimDeal>();
  const grants = new Map<string, Grant>();
  const refreshTokens = new Set<string>();
  const codes = new Set<string>();
  const tasks = new Map<string, SimTask>();
  const isOrg = streams !== null;
  const rows: SimRows | null = isOrg
    ? { members: new Map(), referrals: new Map(), rewards: new Map(), changes: 0 }
    : null;
  const pipelines: SimPipeline[] = [
    {
      id: 'sales',
      stages: [
        { id: 'talk', label: 'Talk', isClosed: false, probability: 0.2 },
        { id: '71', label: 'Signed', isClosed: true, probability: 1 },
        { id: '72', label: 'Won back', isClosed: true, probability: 0 },
      ],
    },
    {
      id: 'renewals',
      stages: [
        { id: 'open', label: 'Open', isClosed: false, probability: 0.5 },
        { id: 'closedwon', label: 'Renewed', isClosed: true, probability: 1 },
      ],
    },
  ];
  let hasProperties = false;
  let isInstalled = false;
  let wasInstalled = false;
  let isHeard = true;
  let lastId = 100;
  let events = 0;
  let grantsGiven = 0;
  const nextId = () => {
    lastId += 1;
    return String(lastId);
  };
  const all = { contact: contacts as Map<string, SimRecord>, deal: deals as Map<string, SimRecord> };

  function touch(record: SimRecord): void {
    record.modifiedAt = scheduler.now();
    record.indexedAt = scheduler.now() + random.integer(0, INDEX_LAG_MAX_MS) + (streams?.searchLagMs(id) ?? 0);
  }

  function tell(kind: Hint['kind'], records: Hint['records'], echo = false): void {
    // Before anybody has installed an app the portal has nobody to tell.
    if (!wasInstalled || !isHeard) return;
    events += 1;
    // An org tells of a contact role by its opportunity alone; who somebody came by is a field of theirs.
    const deals = records.filter(({ object }) => object === 'deal');
    const named = isOrg && kind === 'association' ? (deals.length > 0 ? deals : records.slice(0, 1)) : records;
    onHint({
      eventKey: `${id} ${events}`,
      externalId: id,
      kind,
      records: named,
      occurredAt: scheduler.now(),
      echo,
      payload: { n: events },
    });
  }

  function fresh(): Omit<SimRecord, 'id'> {
    return {
      isDeleted: false,
      mergedInto: null,
      formerIds: [],
      modifiedAt: 0,
      indexedAt: 0,
      mirror: null,
      mirrorWrites: 0,
      leadIds: [],
    };
  }

  /** What the one record has been is the other now. An org keeps the one that stays under its id, and tells of the other only by itself. */
  function joinPeople(primary: SimContact, other: SimContact): void {
    const isConverted = other.isLead && !primary.isLead;
    primary.formerIds.push(other.id, ...other.formerIds);
    if (isConverted) primary.leadIds.push(other.id, ...other.leadIds);
    primary.email ??= other.email;
    primary.usedCode ??= other.usedCode;
    for (const referrer of other.referrers) primary.referrers.add(referrer);
    other.mergedInto = primary.id;
    for (const one of deals.values()) if (one.contactIds.delete(other.id)) one.contactIds.add(primary.id);
    for (const one of contacts.values()) if (one.referrers.delete(other.id)) one.referrers.add(primary.id);
    primary.referrers.delete(primary.id);
    // What names a lead goes on naming it.
    if (rows && !isConverted) moveLookups(rows, other.id, primary.id);
    touch(primary);
    touch(other);
    if (isConverted)
      tell(
        'change',
        [other.id, primary.id].map((recordId) => ({ object: 'contact', id: recordId })),
      );
    else tell('deletion', [{ object: 'contact', id: other.id }]);
    if (random.chance(0.5)) tell('change', [{ object: 'contact', id: primary.id }]);
  }

  /** The record that an id leads to, through merges. */
  function follow(object: 'contact' | 'deal', recordId: string): SimRecord | undefined {
    let record = all[object].get(recordId);
    while (record?.mergedInto) record = all[object].get(record.mergedInto);
    return record;
  }

  function contact(contactId: string): SimContact {
    const found = contacts.get(contactId);
    if (!found) throw new Error(`no contact ${contactId}`);
    return found;
  }

  function deal(dealId: string): SimDeal {
    const found = deals.get(dealId);
    if (!found) throw new Error(`no deal ${dealId}`);
    return found;
  }

  function give(parent: string | null): Grant {
    grantsGiven += 1;
    const grant = {
      accessToken: `${id} access ${grantsGiven}`,
      refreshToken: `${id} refresh ${grantsGiven}`,
      expiresAt: scheduler.now() + weather.tokenLifetimeMs,
      parent,
    };
    grants.set(grant.accessToken, grant);
    refreshTokens.add(grant.refreshToken);
    return grant;
  }

  const portal = {
    externalId: id,
    contacts,
    deals,
    pipelines,
    tasks,
    rows,
    erased: new Set<string>(),
    reads: 0,

    createContact({
      name,
      email,
      usedCode,
      referrers,
      traits,
      company = null,
      isLead = false,
    }: Parameters<Portal['createContact']>[0]): SimContact {
      const made: SimContact = {
        id: isLead ? `L${nextId()}` : nextId(),
        isLead,
        ...fresh(),
        name,
        email,
        usedCode,
        traits,
        company,
        referrers: new Set(referrers),
      };
      contacts.set(made.id, made);
      touch(made);
      tell('change', [{ object: 'contact', id: made.id }]);
      for (const referrer of random.chance(0.3) ? referrers : [])
        tell('association', [
          { object: 'contact', id: made.id },
          { object: 'contact', id: referrer },
        ]);
      return made;
    },
    createDeal(values: DealValues, contactIds: readonly string[], key: SimDeal['key'] = null): SimDeal {
      const at = scheduler.now();
      const history = Object.fromEntries(
        DEAL_PROPERTIES.map((name) => [name, [{ at, value: values[name] }]]),
      ) as unknown as SimDeal['history'];
      const dealId = nextId();
      const made: SimDeal = {
        id: dealId,
        ...fresh(),
        name: `Deal ${dealId}`,
        history,
        contactIds: new Set(contactIds),
        key,
      };
      deals.set(made.id, made);
      touch(made);
      tell('change', [{ object: 'deal', id: made.id }]);
      for (const contactId of random.chance(0.3) ? contactIds : [])
        tell('association', [
          { object: 'contact', id: contactId },
          { object: 'deal', id: made.id },
        ]);
      return made;
    },
    editContact(contactId: string, change: Parameters<Portal['editContact']>[1]): void {
      const record = contact(contactId);
      Object.assign(record, change);
      touch(record);
      tell('change', [{ object: 'contact', id: contactId }]);
    },
    label(contactId: string, referrerId: string): void {
      const record = contact(contactId);
      record.referrers.add(referrerId);
      touch(record);
      tell('association', [
        { object: 'contact', id: contactId },
        { object: 'contact', id: referrerId },
      ]);
    },
    editDeal(dealId: string, change: Partial<DealValues>): void {
      const record = deal(dealId);
      for (const name of DEAL_PROPERTIES) {
        const value = change[name];
        if (value !== undefined && value !== record.history[name].at(-1)?.value)
          record.history[name].push({ at: scheduler.now(), value });
      }
      touch(record);
      // A portal may have subscribed to one property or to all of them.
      const named = DEAL_PROPERTIES.filter((name) => change[name] !== undefined);
      for (const _ of random.chance(0.2) ? named : named.slice(0, 1)) tell('change', [{ object: 'deal', id: dealId }]);
    },
    associate(dealId: string, contactId: string, isOn: boolean): void {
      const record = deal(dealId);
      if (isOn) record.contactIds.add(contactId);
      else record.contactIds.delete(contactId);
      touch(record);
      touch(contact(contactId));
      tell('association', [
        { object: 'contact', id: contactId },
        { object: 'deal', id: dealId },
      ]);
    },
    remove(object: 'contact' | 'deal', recordId: string): void {
      const record = object === 'deal' ? deal(recordId) : contact(recordId);
      record.isDeleted = true;
      if (isOrg) touch(record);
      tell('deletion', [{ object, id: recordId }]);
    },
    restore(object: 'contact' | 'deal', recordId: string): void {
      const record = object === 'deal' ? deal(recordId) : contact(recordId);
      record.isDeleted = false;
      touch(record);
      tell('change', [{ object, id: recordId }]);
    },
    /** A record of its own: the first one's values win, and both old ids lead to it. */
    merge(object: 'contact' | 'deal', primaryId: string, otherId: string): string {
      if (isOrg) {
        if (object === 'deal') throw new Error('nobody merges opportunities');
        joinPeople(contact(primaryId), contact(otherId));
        return primaryId;
      }
      const mergedId = nextId();
      const formerIds = (of: SimRecord[]) => of.flatMap((record) => [record.id, ...record.formerIds]);
      if (object === 'deal') {
        const sources = [deal(primaryId), deal(otherId)] as const;
        const history = Object.fromEntries(
          DEAL_PROPERTIES.map((name) => {
            const revisions = sources.flatMap((source) => source.history[name]).sort((a, b) => a.at - b.at);
            const last = sources[0].history[name].at(-1) as Revision;
            return [name, [...revisions, { at: scheduler.now(), value: last.value }]];
          }),
        ) as unknown as SimDeal['history'];
        const contactIds = new Set(sources.flatMap((source) => [...source.contactIds]));
        const made: SimDeal = {
          ...fresh(),
          id: mergedId,
          name: sources[0].name,
          history,
          contactIds,
          key: sources[0].key,
          formerIds: formerIds([...sources]),
        };
        deals.set(mergedId, made);
        for (const source of sources) source.mergedInto = mergedId;
        touch(made);
      } else {
        const sources = [contact(primaryId), contact(otherId)] as const;
        const [primary, other] = sources;
        const referrers = new Set(sources.flatMap((source) => [...source.referrers]));
        const made: SimContact = {
          ...fresh(),
          id: mergedId,
          name: primary.name,
          email: primary.email ?? other.email,
          usedCode: primary.usedCode ?? other.usedCode,
          traits: primary.traits,
          company: primary.company,
          isLead: false,
          referrers,
          formerIds: formerIds([...sources]),
        };
        contacts.set(mergedId, made);
        for (const source of sources) source.mergedInto = mergedId;
        for (const one of deals.values())
          for (const source of sources) if (one.contactIds.delete(source.id)) one.contactIds.add(mergedId);
        for (const one of contacts.values())
          for (const source of sources) if (one.referrers.delete(source.id)) one.referrers.add(mergedId);
        made.referrers.delete(mergedId);
        touch(made);
      }
      tell(
        'merge',
        [mergedId, primaryId, otherId].map((recordId) => ({ object, id: recordId })),
      );
      return mergedId;
    },
    convert(leadId: string): string {
      const { name, email, usedCode, referrers, traits, company } = contact(leadId);
      const made = portal.createContact({ name, email, usedCode, referrers: [...referrers], traits, company });
      joinPeople(made, contact(leadId));
      return made.id;
    },
    addStage(pipelineId: string, stage: StageMetadata): void {
      pipelines.find((pipeline) => pipeline.id === pipelineId)?.stages.push(stage);
    },
    changeStage(pipelineId: string, stageId: string, change: Partial<StageMetadata> | null): void {
      const stages = pipelines.find((pipeline) => pipeline.id === pipelineId)?.stages ?? [];
      const at = stages.findIndex((stage) => stage.id === stageId);
      const stage = stages[at];
      if (stage) stages.splice(at, 1, ...(change ? [{ ...stage, ...change }] : []));
    },
    overwrite(object: 'contact' | 'deal', recordId: string): void {
      const record = object === 'deal' ? deal(recordId) : contact(recordId);
      record.mirror = { ...record.mirror, ...(object === 'deal' ? { stage: 'mine' } : { code: 'MINE' }) } as never;
    },
    unheard(run: () => void): void {
      isHeard = false;
      run();
      isHeard = true;
    },
    makeTask({ title }: Pick<NewTask, 'title'>): string {
      const made = { id: nextId(), title, madeAt: scheduler.now(), isDone: false };
      tasks.set(made.id, { ...made, indexedAt: scheduler.now() + random.integer(0, INDEX_LAG_MAX_MS) });
      counters['task made'] += 1;
      scheduler.note(`crm ${id}`, `task ${made.id}: ${title}`);
      return made.id;
    },
    removeProperty(): void {
      hasProperties = false;
      for (const record of [...contacts.values(), ...deals.values()]) record.mirror = null;
    },
    revoke(): void {
      isInstalled = false;
      grants.clear();
      refreshTokens.clear();
    },
    consent(): string {
      const code = `${id} code ${codes.size}`;
      codes.add(code);
      return code;
    },
    echo: (object: 'contact' | 'deal', recordId: string) => tell('change', [{ object, id: recordId }], true),

    // ── What only the connector may ask ──
    exchange(code: string) {
      if (!codes.delete(code)) throw revoked('The code was used.');
      isInstalled = true;
      wasInstalled = true;
      return { ...give(null), externalId: id };
    },
    refresh(refreshToken: string) {
      if (!isInstalled || !refreshTokens.has(refreshToken)) throw revoked('This refresh token is dead.');
      return { ...give(refreshToken), externalId: id };
    },
    revokeToken(): void {
      portal.revoke();
    },
    /** False for a token that is refused. With the first use of a new one, the refresh token that it was got by is dead. */
    accepts(token: string): boolean {
      const grant = grants.get(token);
      if (!isInstalled || !grant || grant.expiresAt <= scheduler.now()) return false;
      if (grant.parent) refreshTokens.delete(grant.parent);
      if (!network.isCalm && random.chance(weather.tokensRefused)) {
        counters['token refused'] += 1;
        grants.delete(token);
        return false;
      }
      return true;
    },
    follow,
    isFindable: (record: SimRecord) => !record.isDeleted && record.mergedInto === null,
    get hasProperties() {
      return hasProperties;
    },
    provisionNow(): ProvisionReport {
      const created = hasProperties ? [] : ['wonward'];
      hasProperties = true;
      return { created, existing: hasProperties ? ['wonward'] : [], conflicts: [] };
    },
    tellEcho: (object: 'contact' | 'deal', recordId: string) => tell('change', [{ object, id: recordId }], true),
    /** Of rows of ours, which are no records that anybody reads. */
    tellRows: () => tell('ignored', [], true),
    touch,
  };
  return portal;
}

function revoked(text: string): Fault {
  return new Fault('authorisation_revoked', { kind: 'reconnect' }, text);
}

function openSession(
  { network, random, weather, counters, scheduler, onRead, onComplete, streams }: CrmDeps,
  portal: InnerPortal,
  life: NodeLife,
  access: CrmAccess,
): CrmSession {
  const isOrg = streams !== null;
  const ref = <O extends 'contact' | 'deal'>(object: O, id: string) => ({
    connectionId: access.connectionId,
    object,
    id,
  });

  async function call<T>(what: string, effect: () => T): Promise<T> {
    let token = await access.accessToken();
    for (let isRenewed = false; ; isRenewed = true) {
      const answer = await network.ask(life, what, () => {
        if (!portal.accepts(token)) return { isRefused: true as const };
        return { isRefused: false as const, value: effect() };
      });
      if (!answer.isRefused) return answer.value;
      const renewed = isRenewed ? token : await access.accessToken(token);
      if (renewed === token)
        throw new Fault('crm_unavailable', { kind: 'retry', afterMs: 30_000 }, 'A fresh token was refused.');
      token = renewed;
    }
  }

  /** A batch, and one by one what the batch's answer leaves out: old ids of merged records always, others when it was cut. */
  async function readRecords<R extends SimRecord, F>(
    object: 'contact' | 'deal',
    ids: readonly string[],
    copy: (record: R) => F,
  ): Promise<Array<{ id: string; facts: F | null; goneAt?: { modifiedAt: number }; formerIds: string[] }>> {
    const asked = [...new Set(ids)];
    type Found = { id: string; facts: F | null; goneAt?: { modifiedAt: number }; formerIds: Set<string> };
    const found = new Map<string, Found>();
    const add = (askedFor: string, record: SimRecord | null, gone?: SimRecord) => {
      const id = record?.id ?? gone?.id ?? askedFor;
      // An org has what was deleted in its bin, with the time of that.
      const goneAt = gone && { goneAt: { modifiedAt: gone.modifiedAt } };
      const known = found.get(id) ?? {
        id,
        facts: record && copy(record as R),
        ...goneAt,
        formerIds: new Set<string>(),
      };
      const told = isOrg ? (record ?? gone)?.leadIds : record?.formerIds;
      for (const former of [...(told ?? []), askedFor]) if (former !== id) known.formerIds.add(former);
      found.set(id, known);
    };
    const records = (object === 'deal' ? portal.deals : portal.contacts) as ReadonlyMap<string, SimRecord>;
    const missing = await call(`read ${asked.length} ${object}s (${asked.join(' ')})`, () => {
      portal.reads += 1;
      if (object === 'deal') onRead(portal.externalId);
      const isCut = !network.isCalm && random.chance(weather.partial);
      if (isCut) counters['call answered in part'] += 1;
      return asked.filter((id) => {
        const record = records.get(id);
        if (!record || !portal.isFindable(record) || (isCut && random.chance(LEFT_OUT))) return true;
        add(id, record);
        return false;
      });
    });
    if (missing.length > 0) {
      await call(`read ${object}s singly (${missing.join(' ')})`, () => {
        for (const id of missing) {
          const record = portal.follow(object, id);
          if (record && portal.isFindable(record)) add(id, record);
          else add(id, null, isOrg ? record : undefined);
        }
      });
    }
    return [...found.values()].map(({ formerIds, ...rest }) => ({ ...rest, formerIds: [...formerIds] }));
  }

  return {
    account: () =>
      call('account', () => ({ externalId: portal.externalId, homeCurrency: 'EUR', timeZone: null, uiHost: null })),

    stages: () =>
      call('stages', () => ({
        pipelines: portal.pipelines.map(({ id, stages }) => ({
          id,
          label: id,
          stages: stages.map((stage) => ({ ...stage })),
        })),
      })),

    async readDeals(ids, wanted) {
      const found = await readRecords<SimDeal, Pick<DealFacts, 'name' | 'history' | 'modifiedAt'>>(
        'deal',
        ids,
        (deal) => ({
          name: deal.name,
          history: withKey(pointsOf(deal, access.homeCurrency), deal, wanted?.deal ?? []),
          modifiedAt: deal.modifiedAt,
        }),
      );
      const present = found.filter(({ facts }) => facts !== null).map(({ id }) => id);
      const contactIds =
        present.length === 0
          ? new Map<string, string[]>()
          : await call('contacts of deals', () => new Map(present.map((id) => [id, contactsOf(portal, id)])));
      return found.map(({ id, facts, goneAt, formerIds }) => ({
        ref: ref('deal', id),
        presence: facts ? 'present' : 'deleted',
        name: facts?.name ?? null,
        history: facts?.history ?? [],
        ...(facts ? { modifiedAt: facts.modifiedAt } : goneAt),
        contactIds: contactIds.get(id) ?? [],
        formerIds,
      }));
    },

    async readContacts(ids, wanted) {
      const found = await readRecords<
        SimContact,
        Pick<ContactFacts, 'name' | 'email' | 'usedCode' | 'modifiedAt' | 'traits' | 'company'>
      >('contact', ids, ({ name, email, usedCode, modifiedAt, traits, company }) => ({
        name,
        email,
        usedCode,
        modifiedAt,
        ...(traits ? { traits } : {}),
        ...(wanted?.isCompanyWanted ? { company: company === null ? null : { id: company, properties: {} } } : {}),
      }));
      const present = found.filter(({ facts }) => facts !== null).map(({ id }) => id);
      const labels =
        present.length === 0
          ? new Map<string, string[]>()
          : await call('labels of contacts', () => {
              const presentOnly = (id: string) => portal.contacts.get(id)?.isDeleted === false;
              return new Map(
                present.map((id) => [id, [...(portal.contacts.get(id)?.referrers ?? [])].filter(presentOnly)] as const),
              );
            });
      return found.map(({ id, facts, goneAt, formerIds }) => ({
        ref: ref('contact', id),
        presence: facts ? 'present' : 'deleted',
        name: facts?.name ?? null,
        email: facts?.email ?? null,
        usedCode: facts?.usedCode ?? null,
        ...(facts?.traits ? { traits: facts.traits } : {}),
        ...(facts?.company === undefined ? {} : { company: facts.company }),
        referredByIds: [...(labels.get(id) ?? [])],
        ...(facts ? { modifiedAt: facts.modifiedAt } : goneAt),
        formerIds,
      }));
    },

    dealsOfContacts: (ids) =>
      ids.length === 0
        ? Promise.resolve(new Map())
        : call('deals of contacts', () => new Map(ids.map((id) => [id, dealsOf(portal, id)]))),

    contactsByEmail: (emails) =>
      call('contacts by email', () =>
        [...portal.contacts.values()]
          .filter((one) => portal.isFindable(one) && one.email !== null && emails.includes(one.email.toLowerCase()))
          .map(({ id }) => id),
      ),

    changedSince: ({ object, since, cursor }) =>
      call(`search ${object}s`, (): ChangedPage => {
        const [from, afterId] = cursor === null ? [since, ''] : (JSON.parse(cursor) as [number, string]);
        const found = [...(object === 'deal' ? portal.deals : portal.contacts).values()]
          .filter((record) => (isOrg || portal.isFindable(record)) && record.indexedAt <= scheduler.now())
          // A lead that was converted tells of its contact.
          .map((record) => ({
            id: (record as Partial<SimContact>).isLead
              ? (portal.follow(object, record.id)?.id ?? record.id)
              : record.id,
            modifiedAt: record.modifiedAt,
          }))
          .filter(({ id, modifiedAt }) => modifiedAt > from || (modifiedAt === from && id > afterId))
          .sort((a, b) => a.modifiedAt - b.modifiedAt || (a.id < b.id ? -1 : 1));
        const records = found.slice(0, SEARCH_PAGE);
        const last = records.at(-1);
        const next = found.length > SEARCH_PAGE && last ? JSON.stringify([last.modifiedAt, last.id]) : null;
        return { records, ...(isOrg ? {} : { isPresentOnly: true as const }), next, asOf: scheduler.now() };
      }),

    provision: async (beforeCreating) => {
      if (!portal.hasProperties) await beforeCreating?.();
      return call('provision', portal.provisionNow);
    },

    writeMirror: async (object, rows) => {
      if (!isOrg) return call(`write ${rows.length} ${object}s`, () => rows.map((row) => write(object, row)));
      const outcomes = await call(`write rows of ${rows.length} ${object}s`, () => writeOwn(rows));
      if (outcomes === null) throw new Fault('crm_unavailable', { kind: 'retry' }, 'No answer for all of it.');
      return outcomes;
    },
    mirrors: isOrg ? 'rows' : 'properties',
    ...(isOrg ? { forgetsMerges: true as const } : {}),
    dealIds: () => call('deal ids', () => ({ ids: [], total: 0, next: null })),
    propertyNames: () => call('property names', () => new Set<string>()),
    ...(isOfPeople(weather.theme)
      ? {
          tasks: {
            create: (task) => call(`make the task "${task.title}"`, () => portal.makeTask(task)),
            find: (title) =>
              call('find a task', () =>
                [...portal.tasks.values()]
                  .filter((one) => one.title === title && one.indexedAt <= scheduler.now())
                  .map(({ id }) => id),
              ),
            complete: (id) =>
              call(`complete task ${id}`, () => {
                const task = portal.tasks.get(id);
                if (!task) return 'gone' as const;
                task.isDone = true;
                return 'completed' as const;
              }),
          },
          whole: { dealsInStages, compareMirror },
        }
      : {}),
    completeCallbacks: (words) =>
      call(`complete ${words.length} callbacks`, () => onComplete(portal.externalId, words)),
  };

  function dealsInStages({ stages, cursor }: { stages: readonly StageRef[]; cursor: string | null }) {
    return call('deals in stages', (): StandingPage => {
      const standing = [...portal.deals.values()]
        .filter((deal) => portal.isFindable(deal) && deal.indexedAt <= scheduler.now() && deal.id > (cursor ?? ''))
        .flatMap((deal) => {
          const points = pointsOf(deal, access.homeCurrency);
          const { pipelineId = '', stageId = '' } = points.at(-1) ?? {};
          const isMeant = stages.some((one) => one.pipelineId === pipelineId && one.stageId === stageId);
          const createdAt = points[0]?.at ?? null;
          return isMeant
            ? [{ id: deal.id, pipelineId, stageId, createdAt, contactIds: contactsOf(portal, deal.id) }]
            : [];
        })
        .sort((a, b) => (a.id < b.id ? -1 : 1));
      const deals = standing.slice(0, SEARCH_PAGE);
      return { deals, next: standing.length > SEARCH_PAGE ? (deals.at(-1)?.id ?? null) : null };
    });
  }

  function compareMirror(object: 'contact' | 'deal', rows: readonly MirrorRow[]) {
    return call(`compare ${rows.length} ${object}s`, () =>
      rows.map(({ id, values }): MirrorComparison => {
        const record = (object === 'deal' ? portal.deals : portal.contacts).get(id);
        if (!record || !portal.isFindable(record)) return { id, result: 'gone' };
        const shown = (record.mirror ?? {}) as unknown as Record<string, unknown>;
        const fields = Object.entries(values)
          .filter(([name, value]) => JSON.stringify(shown[name] ?? null) !== JSON.stringify(value ?? null))
          .map(([name]) => name);
        return fields.length === 0 ? { id, result: 'same' } : { id, result: 'different', fields };
      }),
    );
  }

  function writeOwn(given: readonly MirrorRow[]): MirrorOutcome[] | null {
    const { rows, contacts, deals } = portal;
    if (rows === null || !portal.hasProperties)
      return given.map(({ id }) => ({ id, result: 'unprovisioned', detail: 'wonward' }));
    const strikes = (share: number, counted: FaultClass) => {
      if (network.isCalm || !random.chance(share)) return false;
      counters[counted] += 1;
      return true;
    };
    portal.tellRows();
    return writeRows(
      {
        rows,
        contacts,
        deals,
        isLocked: () => strikes(weather.stream?.locks ?? 0, 'row refused for now'),
        breaksOff: () => strikes(weather.partial / 3, 'rows written in part'),
        onGone: () => {
          counters['row named a record that was gone'] += 1;
        },
      },
      given,
    );
  }

  function write(object: 'contact' | 'deal', { id, values }: MirrorRow): MirrorOutcome {
    const record = (object === 'deal' ? portal.deals : portal.contacts).get(id);
    if (values.kind === 'rows') throw new Error('this CRM shows properties');
    if (!record || !portal.isFindable(record)) return { id, result: 'gone' };
    if (!portal.hasProperties) return { id, result: 'unprovisioned', detail: 'wonward' };
    if (!network.isCalm && weather.partial > 0 && random.chance(weather.partial / 2)) {
      counters['call answered in part'] += 1;
      return { id, result: 'retry', detail: 'not named by the answer' };
    }
    record.mirrorWrites += 1;
    if (JSON.stringify(record.mirror) !== JSON.stringify(values)) {
      record.mirror = values;
      portal.touch(record);
      portal.tellEcho(object, id);
    }
    return { id, result: 'written' };
  }
}

function contactsOf(portal: InnerPortal, dealId: string): string[] {
  const deal = portal.follow('deal', dealId) as SimDeal | undefined;
  if (!deal || deal.id !== dealId) return [];
  return [...deal.contactIds].filter((id) => portal.contacts.get(id)?.isDeleted === false);
}

function dealsOf(portal: InnerPortal, contactId: string): string[] {
  return [...portal.deals.values()]
    .filter((deal) => portal.isFindable(deal) && deal.contactIds.has(contactId))
    .map(({ id }) => id);
}

/** The property is read where it was asked for; it is empty on a deal that is no copy. */
function withKey(points: readonly DealPoint[], { key }: SimDeal, wanted: readonly string[]): DealPoint[] {
  if (wanted.length === 0) return [...points];
  const properties = Object.fromEntries(wanted.map((name) => [name, key?.[name] ?? null]));
  return points.map((point) => ({ ...point, properties }));
}

/** The deal at each moment at which one of its values changed. */
export function pointsOf({ history }: SimDeal, homeCurrency: string | null): DealPoint[] {
  const moments = [...new Set(DEAL_PROPERTIES.flatMap((name) => history[name].map(({ at }) => at)))].sort(
    (a, b) => a - b,
  );
  const valueAt = (name: DealProperty, at: number) =>
    history[name].findLast((revision) => revision.at <= at)?.value ?? null;
  return moments.map((at) => ({
    at,
    pipelineId: valueAt('pipeline', at) ?? '',
    stageId: valueAt('stage', at) ?? '',
    amount: valueAt('amount', at),
    currency: valueAt('currency', at) ?? homeCurrency,
  }));
}
