import { createAccounts } from '../src/application/accounts.ts';
import type { CrmSession } from '../src/application/ports/crm.ts';
import { createProcess } from '../src/application/process.ts';
import { parseProgram } from '../src/application/program-document.ts';
import type { StageMapping } from '../src/domain/mapping.ts';
import type { ContactFacts, DealFacts, DealPoint, RecordRef } from '../src/domain/record.ts';
import { PER_SHARD_MAX } from '../src/jobs/dispatch.ts';
import { systemClock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { openStore } from '../src/store/open.ts';
import { answerQuestions } from './processes.ts';
import { PROGRAM } from './world.ts';

/*
 * The process hop alone: the real claim, gather, decide and commit over a real database, with a CRM whose answers lie in memory. What
 * is measured is what the engine itself costs, without HTTP and without the local HubSpot's own work.
 */

export type ProcessQuestion =
  /** Makes an account with so many open deals, each on a friend that a member referred, all of them processed. */
  | {
      readonly kind: 'prepare';
      readonly databaseUrl: string;
      readonly deals: number;
      readonly friendsPerMember: number;
    }
  /** Every `wonEvery`th deal is won and the others change their amount; all are asked to be looked at. */
  | { readonly kind: 'change'; readonly wonEvery: number }
  /** Processes until nothing is due. */
  | { readonly kind: 'run' };

export interface ProcessReport {
  readonly records: number;
  readonly seconds: number;
  /** Of the processor: what is left of a comparison when others use the machine as well. */
  readonly processorSeconds: number;
}

const CONNECTION = 'con_bench';
const clock = systemClock;
const log = createLog({ level: 'silent' });
const mapping: StageMapping = {
  version: 'map_bench',
  entries: (['appointmentscheduled', 'closedwon'] as const).map((stageId) => ({
    pipelineId: 'default',
    stageId,
    pipelineLabel: 'Sales Pipeline',
    stageLabel: stageId,
    stage: stageId === 'closedwon' ? 'won' : 'opportunity',
  })),
};

const deals = new Map<string, DealFacts>();
const contacts = new Map<string, ContactFacts>();
const dealsOf = new Map<string, readonly string[]>();
let accountId = '';
let processBatch: ReturnType<typeof createProcess> | null = null;
let store: Awaited<ReturnType<typeof openStore>> | null = null;

const unused = () => Promise.reject(new Error('the bench asks for nothing else'));
const found = <T>(map: ReadonlyMap<string, T>, ids: readonly string[]) => ids.flatMap((id) => map.get(id) ?? []);
const session: CrmSession = {
  mirrors: 'properties',
  account: unused,
  stages: unused,
  provision: unused,
  writeMirror: unused,
  propertyNames: unused,
  contactsByEmail: unused,
  changedSince: unused,
  dealIds: unused,
  readDeals: async (ids) => found(deals, ids),
  readContacts: async (ids) => found(contacts, ids),
  dealsOfContacts: async (ids) => new Map(ids.map((id) => [id, dealsOf.get(id) ?? []])),
};

function refOf(object: 'contact' | 'deal', id: number): RecordRef {
  return { connectionId: CONNECTION, object, id: String(id) };
}

function pointAt(at: number, stageId: string, amount: string): DealPoint {
  return { at, pipelineId: 'default', stageId, amount, currency: 'EUR' };
}

function fillCrm(count: number, friendsPerMember: number): void {
  const at = clock.now();
  let member = refOf('contact', 0);
  for (let index = 0; index < count; index += 1) {
    const friend = refOf('contact', 20_000_000_000 + index);
    const deal = refOf('deal', 30_000_000_000 + index);
    if (index % friendsPerMember === 0) {
      member = refOf('contact', 10_000_000_000 + index);
      contacts.set(member.id, contactOf(member, `Grace Hopper ${index}`, `grace-${index}@members.example`, []));
    }
    contacts.set(friend.id, contactOf(friend, `Ada Lovelace ${index}`, `ada-${index}@friends.example`, [member.id]));
    dealsOf.set(friend.id, [deal.id]);
    deals.set(deal.id, {
      ref: deal,
      presence: 'present',
      name: `Engine ${index}`,
      history: [pointAt(at, 'appointmentscheduled', '1200.50')],
      contactIds: [friend.id],
      formerIds: [],
      modifiedAt: at,
    });
  }
}

function contactOf(ref: RecordRef, name: string, email: string, referredByIds: string[]): ContactFacts {
  return { ref, presence: 'present', name, email, usedCode: null, referredByIds, formerIds: [], modifiedAt: 1 };
}

async function prepare(input: Extract<ProcessQuestion, { kind: 'prepare' }>): Promise<string> {
  store = await openStore({ url: input.databaseUrl });
  const account = await createAccounts({ store, clock }).create('Acme');
  accountId = account.id;
  const program = parseProgram(PROGRAM);
  if (!program.ok) throw new Error(program.problems.join('\n'));
  await store.programs.publish(accountId, program.program, clock.now());
  await store.connections.connect(
    {
      id: CONNECTION,
      accountId,
      provider: 'hubspot',
      externalId: accountId,
      status: 'connected',
      statusReason: null,
      homeCurrency: 'EUR',
      timeZone: null,
      uiHost: null,
      scopes: [],
      connectedAt: clock.now(),
    },
    { accessToken: 'none', refreshToken: 'none', expiresAt: 0 },
  );
  await store.connections.saveMapping(accountId, CONNECTION, mapping.version, mapping.entries, clock.now());
  processBatch = createProcess({
    store,
    clock,
    log,
    observe: { processed: () => {}, decision: () => {} },
    openSession: () => session,
    onDecided: () => {},
  });
  fillCrm(input.deals, input.friendsPerMember);
  // Twice: the contacts of members are remembered from the second look on, and a service that has run for a while knows them.
  for (let looks = 0; looks < 2; looks += 1) {
    await askForAll();
    await run();
  }
  return accountId;
}

async function askForAll(): Promise<void> {
  const at = clock.now();
  await store?.work.ask(
    accountId,
    [...deals.values()].map(({ ref }) => ({ record: ref, at })),
  );
}

async function change(wonEvery: number): Promise<void> {
  const at = clock.now();
  let index = 0;
  for (const [id, deal] of deals) {
    const point =
      index % wonEvery === 0 ? pointAt(at, 'closedwon', '1200.50') : pointAt(at, 'appointmentscheduled', '1300.00');
    deals.set(id, { ...deal, history: [...deal.history, point], modifiedAt: at });
    index += 1;
  }
  await askForAll();
}

async function run(): Promise<ProcessReport> {
  let records = 0;
  const drain = async (): Promise<void> => {
    for (;;) {
      const claimed = (await processBatch?.({ accountId, connectionId: CONNECTION })) ?? 0;
      if (claimed === 0) break;
      records += claimed;
    }
  };
  const startedAt = performance.now();
  const usedBefore = process.cpuUsage();
  // As many at a time as a node has of one connection.
  await Promise.all(Array.from({ length: PER_SHARD_MAX }, drain));
  const { user, system } = process.cpuUsage(usedBefore);
  return {
    records,
    seconds: (performance.now() - startedAt) / 1_000,
    processorSeconds: (user + system) / 1e6,
  };
}

answerQuestions<ProcessQuestion>((question) => {
  switch (question.kind) {
    case 'prepare':
      return prepare(question);
    case 'change':
      return change(question.wonEvery);
    case 'run':
      return run();
  }
});

// So that a profile is written.
process.on('SIGTERM', () => process.exit(0));
