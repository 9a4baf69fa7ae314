import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CrmSession } from '../../src/application/ports/crm.ts';
import type { Store } from '../../src/application/ports/store.ts';
import { createProcess } from '../../src/application/process.ts';
import { Fault } from '../../src/domain/errors.ts';
import type { ContactFacts, DealFacts } from '../../src/domain/record.ts';
import { openStore } from '../../src/store/open.ts';
import { DAY, hint, T0, tenant } from '../conformance/store-fixtures.ts';

/** A CRM of one friend, one member and the friend's deals, whose answers can be held back after they were given. */
function crmOf(a: ReturnType<typeof tenant>) {
  const won = (at: number) => ({ at, pipelineId: 'p', stageId: 'won', amount: '1000', currency: 'EUR' });
  const open = (at: number) => ({ ...won(at), stageId: 'open' });
  const deals = new Map<string, DealFacts>();
  const contacts = new Map<string, ContactFacts>([
    ['m', a.contact('m')],
    ['f', a.contact('f', { referredByIds: ['m'] })],
  ]);
  let hold: Promise<void> | null = null;
  const isOn = ({ contactIds }: DealFacts, id: string) => contactIds.includes(id);

  const pick = <F>(from: ReadonlyMap<string, F>, ids: readonly string[]): F[] =>
    ids.flatMap((id) => from.get(id) ?? []);
  const session: CrmSession = {
    stages: async () => ({
      pipelines: [
        {
          id: 'p',
          label: 'Sales',
          stages: [
            { id: 'open', label: 'Open', isClosed: false, probability: 0.5 },
            { id: 'won', label: 'Won', isClosed: true, probability: 1 },
          ],
        },
      ],
    }),
    readDeals: async (ids) => {
      const found = pick(deals, ids);
      await hold;
      return found;
    },
    readContacts: async (ids) => pick(contacts, ids),
    dealsOfContacts: async (ids) =>
      new Map(ids.map((id) => [id, [...deals.values()].flatMap((deal) => (isOn(deal, id) ? deal.ref.id : []))])),
    account: () => Promise.reject(new Error('not asked here')),
    contactsByEmail: () => Promise.reject(new Error('not asked here')),
    changedSince: () => Promise.reject(new Error('not asked here')),
    dealIds: () => Promise.reject(new Error('not asked here')),
    provision: () => Promise.reject(new Error('not asked here')),
    writeMirror: () => Promise.reject(new Error('not asked here')),
    mirrors: 'properties',
    propertyNames: () => Promise.reject(new Error('not asked here')),
  };
  return {
    session,
    contacts,
    open: (id: string, at: number) => deals.set(id, a.deal(id, { contactIds: ['f'], history: [open(at)] })),
    share: (id: string, contactIds: readonly string[]) => {
      const deal = deals.get(id);
      if (deal) deals.set(id, { ...deal, contactIds, modifiedAt: T0 });
    },
    remove: (id: string) => {
      deals.set(id, a.deal(id, { presence: 'deleted', contactIds: [], history: [] }));
    },
    win: (id: string, at: number) => {
      const deal = deals.get(id);
      if (deal) deals.set(id, { ...deal, history: [...deal.history, won(at)] });
    },
    /** Deals that are read from now on are those of now, and arrive when `release` is called. */
    holdBack(): () => void {
      let release = () => {};
      hold = new Promise((resolve) => {
        release = resolve;
      });
      return () => {
        release();
        hold = null;
      };
    },
    flow: () => {
      hold = null;
    },
  };
}

const PROGRAM = {
  programId: 'prg',
  name: 'Program',
  rules: [
    {
      key: 'member-won',
      name: 'Thanks',
      party: 'member',
      amount: { kind: 'percent', basisPoints: 1_000 },
      conditions: [],
      holdDays: 0,
      payout: 'credit',
    },
  ],
} satisfies Parameters<Store['programs']['publish']>[1];

let store: Store;
let a: ReturnType<typeof tenant>;
let crm: ReturnType<typeof crmOf>;
let processBatch: () => Promise<number>;
let now: number;
/** Happens once, between a batch's reading and its writing. */
let beforeCommit: () => Promise<void>;
/** How many records each of them settled. */
let committed: number[];

beforeEach(async () => {
  now = T0 + DAY;
  store = await openStore({ url: 'sqlite::memory:' });
  a = tenant(store);
  await a.create();
  crm = crmOf(a);
  await store.programs.publish(a.accountId, PROGRAM, T0);
  beforeCommit = async () => {};
  committed = [];
  const commit: Store['cases']['commit'] = async (commits) => {
    const before = beforeCommit;
    beforeCommit = async () => {};
    await before();
    committed.push(commits.flatMap(({ settles }) => settles).length);
    return store.cases.commit(commits);
  };
  const batch = createProcess({
    store: { ...store, cases: { ...store.cases, commit } },
    clock: {
      now: () => now,
      random: () => 0.5,
      sleep: () => Promise.resolve(),
    },
    log: pino({ level: 'silent' }),
    observe: { processed: () => {}, decision: () => {} },
    openSession: () => crm.session,
    onDecided: () => {},
  });
  processBatch = () => batch({ accountId: a.accountId, connectionId: a.connectionId });
});
afterEach(() => store.close());

const told = (object: 'deal' | 'contact', ...ids: string[]) =>
  store.inbox.append(a.of, [hint(`${object} ${ids} ${now}`, [], { records: ids.map((id) => ({ object, id })) })], now);

async function drain(): Promise<void> {
  while ((await processBatch()) > 0) now += 1;
}

/** Of the one referral that there is. */
async function stage(): Promise<string | undefined> {
  const { items } = await store.reads.referrals(a.accountId, { limit: 5, cursor: null }, {});
  return items[0]?.stage;
}

async function standing(): Promise<string[]> {
  const { items } = await store.reads.rewards(a.accountId, { limit: 50, cursor: null }, {});
  return items
    .filter(({ state }) => state !== 'voided' && state !== 'clawed_back')
    .map(({ deal, money }) => `${deal.id} ${money.minor}`)
    .sort();
}

describe('two batches that concern the same friend', () => {
  test('one that read a deal before it was won, and commits after another one has paid it, takes nothing back', async () => {
    crm.open('1', T0 + 1);
    await told('deal', '1');
    await drain();

    // The slow batch reads the deal while it is open …
    await told('contact', 'f');
    const release = crm.holdBack();
    const slow = processBatch();
    await new Promise((resolve) => setImmediate(resolve));
    // … the fast one when it is won.
    crm.win('1', T0 + 2);
    crm.flow();
    now += 1;
    await told('deal', '1');
    expect(await processBatch()).toBe(1);
    expect(await standing()).toEqual(['1 10000']);

    release();
    await slow;
    expect(await standing()).toEqual(['1 10000']);
    await drain();
    expect(await standing()).toEqual(['1 10000']);
    const { items } = await store.reads.decisions(a.accountId, { limit: 50, cursor: null }, {});
    expect(items.map(({ outcome }) => outcome)).toEqual(['rewarded']);
  });

  test('one that listed the friend’s deals before the next one was won, and commits after that was paid, moves the referral back by nothing', async () => {
    crm.open('1', T0 + 1);
    await told('deal', '1');
    await drain();

    // The slow batch asks for the friend's deals while there is one …
    await told('contact', 'f');
    const release = crm.holdBack();
    const slow = processBatch();
    await new Promise((resolve) => setImmediate(resolve));
    // … the fast one meets the second, which is won.
    crm.open('2', T0 + 2);
    crm.win('2', T0 + 3);
    crm.flow();
    now += 1;
    await told('deal', '2');
    expect(await processBatch()).toBe(1);
    expect([await stage(), await standing()]).toEqual(['won', ['2 10000']]);

    release();
    await slow;
    expect([await stage(), await standing()]).toEqual(['won', ['2 10000']]);
    await drain();
    expect([await stage(), await standing()]).toEqual(['won', ['2 10000']]);
  });

  test('one that began before the referral did, and reads on while another one pays the friend’s next deal, moves it back by nothing', async () => {
    crm.contacts.set('x', a.contact('x'));
    crm.open('1', T0 + 1);
    crm.share('1', ['f', 'x']);
    await told('contact', 'f');
    const release = crm.holdBack();
    const slow = processBatch();
    await new Promise((resolve) => setImmediate(resolve));
    crm.open('2', T0 + 2);
    crm.win('2', T0 + 3);
    crm.flow();
    now += 1;
    await told('deal', '2');
    expect(await processBatch()).toBe(1);
    expect([await stage(), await standing()]).toEqual(['won', ['2 10000']]);
    release();
    await slow;
    expect([await stage(), await standing()]).toEqual(['won', ['2 10000']]);
    await drain();
    expect([await stage(), await standing()]).toEqual(['won', ['2 10000']]);
  });

  test('one that took a person for a stranger, and commits after the person was referred, decides again', async () => {
    crm.contacts.set('f', a.contact('f'));
    crm.open('1', T0 + 1);
    await told('deal', '1');
    await drain();

    // The slow batch reads the won deal, of a contact that nobody has referred. Just before it commits …
    crm.win('1', T0 + 2);
    await told('deal', '1');
    beforeCommit = async () => {
      // … a fast one hears that somebody has, and is told by a lagging replica that the deal is open.
      const { readDeals } = crm.session;
      const lagging = async (ids: readonly string[]) =>
        (await readDeals(ids)).map((deal) => ({ ...deal, history: deal.history.slice(0, 1) }));
      crm.contacts.set('f', a.contact('f', { referredByIds: ['m'] }));
      now += 1;
      await told('contact', 'f');
      Object.assign(crm.session, { readDeals: lagging });
      expect(await processBatch()).toBe(1);
      Object.assign(crm.session, { readDeals });
    };
    expect(await processBatch()).toBe(1);
    await drain();
    expect(await standing()).toEqual(['1 10000']);
  });
});

test('a program that does not apply in the connection takes nobody up there, and pays for nothing', async () => {
  const chosen = (basis: number, programs: string[] | null) =>
    store.appSettings.save(
      a.accountId,
      a.connectionId,
      { managers: [], programs, notifications: [], objects: 'off' },
      { basis, by: 'key', now },
    );
  await chosen(0, []);
  crm.open('1', now);
  crm.win('1', now + 1);
  await told('deal', '1');
  await drain();
  const referrals = async () => (await store.reads.referrals(a.accountId, { limit: 10, cursor: null }, {})).items;
  expect([await standing(), await referrals()]).toEqual([[], []]);
  now += DAY;
  // Nobody tells of the friend again: who was met while none applied is looked for.
  await chosen(1, null);
  await drain();
  expect([await standing(), (await referrals()).length]).toEqual([['1 10000'], 1]);
});

describe('a friend who is met while no program is open', () => {
  const referrals = async () =>
    (await store.reads.referrals(a.accountId, { limit: 10, cursor: null }, {})).items.length;
  beforeEach(async () => void (await store.programs.publish(a.accountId, { ...PROGRAM, isRetired: true }, now)));

  test('belongs to nobody, and is taken up when one is published though nobody tells of them again', async () => {
    await told('contact', 'f');
    await drain();
    expect(await referrals()).toBe(0);
    now += DAY;
    await store.programs.publish(a.accountId, PROGRAM, now);
    await drain();
    expect(await referrals()).toBe(1);
  });

  test('is read again when one is published at that very moment', async () => {
    beforeCommit = async () => void (await store.programs.publish(a.accountId, PROGRAM, now));
    await told('contact', 'f');
    await drain();
    expect(await referrals()).toBe(1);
  });

  test('is looked at when a choice that another node has made already holds here too', async () => {
    const choose = (basis: number, programs: string[] | null, at: number) =>
      store.appSettings.save(
        a.accountId,
        a.connectionId,
        { managers: [], programs, notifications: [], objects: 'off' },
        { basis, by: 'key', now: at },
      );
    await choose(0, [], now);
    await store.programs.publish(a.accountId, PROGRAM, now);
    await choose(1, null, now + 2_000);
    await told('contact', 'f');
    await drain();
    expect(await referrals()).toBe(0);
    now += 2_000;
    await drain();
    expect(await referrals()).toBe(1);
  });
});

test('a deal that was read for one friend is not taken as seen for another one who is on it', async () => {
  crm.contacts.set('g', a.contact('g', { referredByIds: ['m'] }));
  crm.open('1', now);
  crm.share('1', ['f', 'g']);
  await told('contact', 'f');
  await drain();
  const seen = async () => (await store.reads.readTimes(a.accountId, a.connectionId, 'deal', ['1'])).get('1');
  expect(await seen()).toMatchObject({ at: 0, modifiedAt: null });
  await told('deal', '1');
  await drain();
  expect((await seen())?.at).toBeGreaterThan(T0);
});

test('a contact who was read because a friend names them is not taken as seen', async () => {
  crm.open('1', now);
  await told('deal', '1');
  await drain();
  const seen = async (id: string) =>
    (await store.reads.readTimes(a.accountId, a.connectionId, 'contact', [id])).get(id)?.at ?? 0;
  expect(await seen('f')).toBeGreaterThan(T0);
  expect(await seen('m')).toBe(0);
  await told('contact', 'm');
  await drain();
  expect(await seen('m')).toBeGreaterThan(T0);
});

test('whom an open deal has let go of stands where they stood before it, though nothing but the deal tells of it', async () => {
  crm.open('1', now);
  await told('deal', '1');
  await drain();
  expect(await stage()).toBe('opportunity');
  crm.share('1', []);
  await told('deal', '1');
  await drain();
  expect(await stage()).toBe('accepted');
});

test('a deal that is gone takes back the stage to which it had brought the friend, though nothing was decided on it', async () => {
  crm.open('1', now);
  await told('deal', '1');
  await drain();
  expect(await stage()).toBe('opportunity');
  crm.remove('1');
  await told('deal', '1');
  await drain();
  expect(await stage()).toBe('accepted');
});

test('a friend who was merged away is not taken for a new one because a deal that is gone still names them', async () => {
  crm.contacts.set('g', a.contact('g', { referredByIds: ['m'] }));
  crm.open('1', now);
  await told('deal', '1');
  await drain();
  await told('contact', 'g');
  await drain();
  crm.remove('1');
  const survivor = a.contact('h', { referredByIds: ['m'], formerIds: ['f', 'g'] });
  for (const id of ['f', 'g', 'h']) crm.contacts.set(id, survivor);
  await told('contact', 'h');
  await drain();
  await told('deal', '1');
  expect(await processBatch()).toBe(1);
  now += DAY / 2;
  expect(await processBatch(), 'what could not be written comes again').toBe(0);
});

test('a friend who is merged while a batch reads is one friend, with one referral', async () => {
  // Before the merge the friend is read by the batch, after it the deal and whoever is on it; another batch has met the survivor already.
  crm.contacts.set('h', a.contact('h', { referredByIds: ['m'], formerIds: ['f'] }));
  await told('contact', 'h');
  await drain();
  crm.open('1', now);
  crm.share('1', ['h']);
  const records = [
    { object: 'contact' as const, id: 'f' },
    { object: 'deal' as const, id: '1' },
  ];
  await store.inbox.append(a.of, [hint('merge', [], { records })], now);
  await drain();
  const { items } = await store.reads.referrals(a.accountId, { limit: 5, cursor: null }, {});
  expect(items.map(({ friend }) => friend.contact?.id)).toEqual(['h']);
});

test('a deal that is won after it was read, and before the friend’s next deal is, is still the first that was won', async () => {
  crm.open('1', now);
  crm.open('2', now);
  await told('deal', '1', '2');
  await drain();
  await told('deal', '1');
  const { dealsOfContacts } = crm.session;
  const whileReading: CrmSession['dealsOfContacts'] = async (ids) => {
    crm.win('1', now + 1);
    crm.win('2', now + 2);
    return dealsOfContacts(ids);
  };
  Object.assign(crm.session, { dealsOfContacts: whileReading });
  expect(await processBatch()).toBe(1);
  Object.assign(crm.session, { dealsOfContacts });
  expect(await standing()).toEqual(['1 10000']);
});

describe('a batch of many people', () => {
  const MANY = 150;

  beforeEach(async () => {
    for (let index = 0; index < MANY; index += 1) {
      crm.contacts.set(`m${index}`, a.contact(`m${index}`));
      crm.contacts.set(`f${index}`, a.contact(`f${index}`, { referredByIds: [`m${index}`] }));
      crm.open(`d${index}`, T0 + 1);
      crm.share(`d${index}`, [`f${index}`]);
      crm.win(`d${index}`, T0 + 2);
    }
    await told('deal', ...Array.from({ length: MANY }, (_, index) => `d${index}`));
  });

  async function paid(): Promise<number> {
    const { items } = await store.reads.rewards(a.accountId, { limit: 2 * MANY, cursor: null }, {});
    return items.length;
  }

  test('is written in parts where the database holds the thread, and whoever waits has a turn in between', async () => {
    let turns = 0;
    let immediate = setImmediate(function count() {
      turns += 1;
      immediate = setImmediate(count);
    });
    expect(await processBatch()).toBe(MANY);
    clearImmediate(immediate);
    expect(committed).toEqual([64, 64, 22]);
    expect(turns).toBeGreaterThanOrEqual(committed.length - 1);
    expect(await paid()).toBe(MANY);
  });

  test('keeps the parts that were written when the next one fails, and pays the others later, once', async () => {
    beforeCommit = async () => {
      beforeCommit = async () => {
        throw new Fault('storage', { kind: 'retry' }, 'The database cannot do it just now.');
      };
    };
    expect(await processBatch()).toBe(MANY);
    expect(await paid()).toBe(64);
    now += DAY;
    await drain();
    expect(await paid()).toBe(MANY);
  });
});
