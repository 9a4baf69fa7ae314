import Database from 'better-sqlite3';
import type { CrmSession } from '../src/application/ports/crm.ts';
import { createProcess } from '../src/application/process.ts';
import type { StageMapping } from '../src/domain/mapping.ts';
import type { ContactFacts, DealFacts } from '../src/domain/record.ts';
import { systemClock } from '../src/platform/clock.ts';
import { createLog } from '../src/platform/log.ts';
import { openStore } from '../src/store/open.ts';
import { DEALS_FROM } from './generate.ts';
import { answerQuestions, memoryOf } from './processes.ts';
import type { Tenant } from './world.ts';

/*
 * The process hop over a generated store: open deals from all over it are won, a batch at a time. The CRM answers with what the store
 * itself remembers of the records, so that nothing grows with the store but the store.
 */

export type GrowthQuestion =
  | { readonly kind: 'open'; readonly path: string; readonly tenant: Tenant; readonly referrals: number }
  /** Wins `deals` open deals that were not won yet. */
  | { readonly kind: 'win'; readonly deals: number };

export interface GrowthReport {
  readonly records: number;
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly residentMb: number;
}

/** Of five generated friends the first has an open deal. */
const OPEN_EVERY = 5;
/** Prime, so that the deals taken one after another lie far apart and none is taken twice before all are. */
const STRIDE = 7_919;

const clock = systemClock;
const mapping: StageMapping = {
  version: 'map_generated',
  entries: (['appointmentscheduled', 'closedwon'] as const).map((stageId) => ({
    pipelineId: 'default',
    stageId,
    pipelineLabel: 'Sales Pipeline',
    stageLabel: stageId,
    stage: stageId === 'closedwon' ? 'won' : 'opportunity',
  })),
};

interface Bench {
  next(deals: number): string[];
  win(dealIds: readonly string[]): Promise<GrowthReport>;
}

let bench: Bench | null = null;

async function open({ path, tenant, referrals }: Extract<GrowthQuestion, { kind: 'open' }>): Promise<null> {
  const { accountId, connectionId } = tenant;
  const store = await openStore({ url: `sqlite:${path}` });
  await store.connections.connect(
    {
      id: connectionId,
      accountId,
      provider: 'hubspot',
      externalId: String(tenant.portalId),
      status: 'connected',
      statusReason: null,
      homeCurrency: 'EUR',
      timeZone: null,
      uiHost: null,
      scopes: [],
      connectedAt: 0,
    },
    { accessToken: 'none', refreshToken: 'none', expiresAt: 0 },
  );
  await store.connections.saveMapping(accountId, connectionId, mapping.version, mapping.entries, clock.now());
  const crm = createCrm(path, tenant);
  const processBatch = createProcess({
    store,
    clock,
    log: createLog({ level: 'silent' }),
    observe: { processed: () => {}, decision: () => {} },
    openSession: () => crm.session,
    onDecided: () => {},
  });
  const openDeals = Math.floor(referrals / OPEN_EVERY);
  let taken = 0;
  bench = {
    next: (deals) =>
      Array.from({ length: deals }, () => {
        const place = (taken * STRIDE) % openDeals;
        taken += 1;
        return String(DEALS_FROM + place * OPEN_EVERY + 1);
      }),
    async win(dealIds) {
      crm.win(dealIds);
      const at = clock.now();
      await store.work.ask(
        accountId,
        dealIds.map((id) => ({ record: { connectionId, object: 'deal', id }, at })),
      );
      const startedAt = performance.now();
      const before = process.cpuUsage();
      let records = 0;
      for (;;) {
        const claimed = await processBatch({ accountId, connectionId });
        if (claimed === 0) break;
        records += claimed;
      }
      const { user, system } = process.cpuUsage(before);
      return {
        records,
        seconds: (performance.now() - startedAt) / 1_000,
        processorSeconds: (user + system) / 1e6,
        residentMb: memoryOf(process.pid)?.residentMb ?? Number.NaN,
      };
    },
  };
  return null;
}

function createCrm(path: string, { accountId, connectionId }: Tenant) {
  const reader = new Database(path, { readonly: true });
  const record = reader.prepare(
    'select facts from records where account_id = ? and connection_id = ? and object = ? and record_id = ?',
  );
  const linked = reader
    .prepare('select deal_id from record_links where account_id = ? and connection_id = ? and contact_id = ?')
    .pluck();
  const won = new Map<string, DealFacts>();
  const factsOf = <F>(object: 'deal' | 'contact', id: string): F[] => {
    const row = record.get(accountId, connectionId, object, id) as { facts: string } | undefined;
    return row ? [JSON.parse(row.facts) as F] : [];
  };
  const unused = () => Promise.reject(new Error('the bench asks for nothing else'));
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
    readDeals: async (ids) =>
      ids.flatMap((id) => {
        const changed = won.get(id);
        return changed ? [changed] : factsOf<DealFacts>('deal', id);
      }),
    readContacts: async (ids) => ids.flatMap((id) => factsOf<ContactFacts>('contact', id)),
    dealsOfContacts: async (ids) => new Map(ids.map((id) => [id, linked.all(accountId, connectionId, id) as string[]])),
  };
  return {
    session,
    win(ids: readonly string[]) {
      const at = clock.now();
      won.clear();
      for (const deal of ids.flatMap((id) => factsOf<DealFacts>('deal', id))) {
        const last = deal.history.at(-1);
        if (!last || last.stageId === 'closedwon') throw new Error(`deal ${deal.ref.id} of the store is not open`);
        won.set(deal.ref.id, {
          ...deal,
          history: [...deal.history, { ...last, at, stageId: 'closedwon' }],
          modifiedAt: at,
        });
      }
    },
  };
}

answerQuestions<GrowthQuestion>((question) => {
  if (question.kind === 'open') return open(question);
  if (!bench) throw new Error('no store is open');
  return bench.win(bench.next(question.deals));
});

// So that a profile is written.
process.on('SIGTERM', () => process.exit(0));
