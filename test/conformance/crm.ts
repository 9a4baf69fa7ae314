import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type {
  ChangedPage,
  CrmAccess,
  CrmConnector,
  CrmSession,
  DealIdsPage,
  Hint,
  MirrorRow,
  RawRequest,
} from '../../src/application/ports/crm.ts';
import { stageFromMetadata } from '../../src/domain/mapping.ts';
import type { ContactMirror, DealMirror, RecordRows } from '../../src/domain/mirror.ts';
import { NOTHING_WANTED } from '../../src/domain/property.ts';
import type { ContactFacts, CrmObject, DealFacts } from '../../src/domain/record.ts';
import type { Instant } from '../../src/domain/time.ts';

/** What the words of src/application/ports/crm.ts promise, for any CRM: give it a way to start one and to act as its user. */
export interface CrmUnderTest {
  readonly connector: CrmConnector;
  /** Of an installed connection; renews its token by the connector's own `oauth.refresh`. */
  readonly access: CrmAccess;
  readonly user: CrmUser;
  /** Where `connector` believes it is now. */
  now(): Instant;
  /** Lets time pass for both. */
  pass(ms: number): void;
  close(): Promise<void>;
}

type StageName = 'open' | 'won' | 'lost';

/** What people do in the CRM, and what befalls it. */
export interface CrmUser {
  readonly stages: Readonly<Record<StageName, { readonly pipelineId: string; readonly stageId: string }>>;
  createContact(input: { name?: string; email?: string; usedCode?: string }): string;
  /** A company that the contact belongs to first of all. */
  createCompany(contactId: string): string;
  /** People whom the customer puts together; the CRM's own id of the list. */
  createList(name: string, contactIds: readonly string[]): string;
  /** Makes a property of the customer's own, for text, and returns the CRM's name of it. */
  addProperty(object: CrmObject): string;
  setProperty(object: CrmObject, id: string, input: { name: string; value: string; at?: Instant }): void;
  createDeal(input: {
    name?: string;
    stage: StageName;
    amount?: string;
    currency?: string;
    contactIds?: readonly string[];
    at?: Instant;
  }): string;
  changeDeal(id: string, input: { stage?: StageName; amount?: string; at?: Instant }): void;
  remove(object: 'contact' | 'deal', id: string): void;
  restore(object: 'contact' | 'deal', id: string): void;
  /** The id under which the two live on. Not called for what the CRM cannot merge. */
  merge(object: 'contact' | 'deal', primaryId: string, otherId: string): string;
  linkDeal(dealId: string, contactId: string): void;
  /** Puts our label on the two: `friendId` was referred by `memberId`. */
  sayReferredBy(friendId: string, memberId: string): void;
  /** Another relation between two contacts, which is none of ours. */
  linkContacts(oneId: string, otherId: string): void;
  /** By the neutral names of the mirror; null where nothing stands. */
  mirrorOf(object: 'contact' | 'deal', id: string): Readonly<Record<string, string | null>>;
  /** From now on the CRM refuses to show `memberId` on any other record, by a rule of the customer's or of its own. */
  refuseMember(memberId: string): void;
  /** Deletes the property that shows a deal's stage, and our label if it can be had. Not called where nothing is provisioned. */
  deleteProvisioned(): Promise<void>;
  /** While ours is not there: makes a property of the customer's own where the deal's stage would be shown. Likewise. */
  squat(): void;
  /** What the next calls of our app meet. `lost_answer`: the change is made, the answer never comes. */
  disturb(kind: Disturbance, times: number): void;
  expireToken(): void;
  uninstall(): Promise<void>;
  /** How many calls the CRM has refused because there were too many. */
  rateRefusals(): number;
  /** Everything the CRM has sent to us since the last call, as it arrived. */
  deliveries(): Promise<RawRequest[]>;
}

export type Disturbance =
  | 'outage'
  | 'reset'
  | 'half_answer'
  | 'lost_answer'
  | 'rate_limit'
  | 'long_rate_limit'
  | 'locked';

/** In what CRMs differ by their nature, and what therefore is not asked of some. */
export interface CrmTraits {
  /** The grain of the CRM's time stamps, in milliseconds. */
  readonly tickMs: number;
  readonly merges: ReadonlyArray<'contact' | 'deal'>;
  /** Whether the connector makes the places that it writes to; else an admin installs them. */
  readonly isProvisionedByUs: boolean;
  /** Whether the CRM calls us. */
  readonly hasWebhooks: boolean;
  readonly mirrors: CrmSession['mirrors'];
}

const DEAL_MIRROR: DealMirror = {
  kind: 'deal',
  referralId: 'ref_1',
  stage: 'won',
  rewardState: 'held',
  rewardReason: 'held until 2026-12-22',
};
const CONTACT_MIRROR: ContactMirror = {
  kind: 'contact',
  memberId: 'mem_1',
  shareLink: 'https://wonward.test/r/K7QF-93MX-P2RA',
  code: 'K7QF-93MX-P2RA',
  referrals: 3,
  wonReferrals: 1,
  rewardsHeld: '100.00 EUR',
  rewardsApproved: null,
  rewardsIssued: null,
  rewardsReversed: null,
  lastReward: '100.00 EUR held',
  lastRewardAt: '2026-11-22T00:00:00.000Z',
  lastRewardReason: 'Deal “Café №1” was won',
  tier: 'Gold',
  referredBy: null,
};

/** The same as rows of our own objects. */
function rowsOf(id: string, values: ContactMirror | DealMirror): RecordRows {
  if (values.kind === 'contact') {
    const { kind: _, memberId, shareLink, code, referredBy: _by, ...own } = values;
    const member = {
      key: memberId ?? '',
      name: 'Ada',
      program: 'Partners',
      shareLink: shareLink ?? '',
      code: code ?? '',
      own: { ...own, contactId: id },
    };
    return { kind: 'rows', members: memberId === null ? [] : [member], referrals: [], rewards: [] };
  }
  const at = '2026-11-22T00:00:00.000Z';
  const member = { key: 'mem_of_deals', name: 'Ada', program: null, shareLink: 'https://wonward.test/r/A', code: 'A' };
  return {
    kind: 'rows',
    members: [member],
    referrals: [
      {
        key: values.referralId ?? '',
        memberKey: member.key,
        friendContactId: null,
        dealId: id,
        program: 'Partners',
        stage: values.stage ?? 'won',
        source: 'label',
        submittedAt: at,
        stageSince: at,
        nextStep: null,
      },
    ],
    rewards: [
      {
        key: `row_${values.referralId}`,
        referralKey: values.referralId ?? '',
        dealId: id,
        party: 'member',
        rule: 'Member reward',
        state: 'held',
        money: { amount: '100.00', currency: 'EUR' },
        reasonCode: 'held',
        reason: values.rewardReason ?? '',
        nextStep: null,
        decidedAt: at,
        releaseAt: at,
        issuedAt: null,
      },
    ],
  };
}

/** Enough to need several pages of one millisecond. */
const SAME_MOMENT_RECORDS = 450;

export function crmConformance({
  name,
  start,
  traits,
}: {
  name: string;
  start: () => Promise<CrmUnderTest>;
  traits: CrmTraits;
}): void {
  const { tickMs } = traits;

  /** What a record should show, as this CRM is told it. */
  function shown(id: string, values: ContactMirror | DealMirror): MirrorRow {
    return { id, values: traits.mirrors === 'properties' ? values : rowsOf(id, values) };
  }

  describe(`${name} as a CRM`, () => {
    let crm: CrmUnderTest;
    let session: CrmSession;
    let user: CrmUser;

    beforeEach(async () => {
      crm = await start();
      session = crm.connector.open(crm.access);
      user = crm.user;
    });
    afterEach(() => crm.close());

    async function deal(id: string): Promise<DealFacts> {
      const [found, ...more] = await session.readDeals([id]);
      expect(more).toEqual([]);
      if (!found) throw new Error(`no facts of deal ${id}`);
      return found;
    }
    async function contact(id: string): Promise<ContactFacts> {
      const [found, ...more] = await session.readContacts([id]);
      expect(more).toEqual([]);
      if (!found) throw new Error(`no facts of contact ${id}`);
      return found;
    }
    async function scan(object: 'contact' | 'deal', since: Instant) {
      const records: ChangedPage['records'][number][] = [];
      for (let cursor: string | null = null; ; ) {
        const page = await session.changedSince({ object, since, cursor });
        records.push(...page.records);
        // To the second: more a `Date` header does not say.
        expect(Math.abs(page.asOf - crm.now()), "the CRM's own time").toBeLessThanOrEqual(1_000);
        if (page.next === null) return records;
        cursor = page.next;
      }
    }

    describe('reading', () => {
      test('the account names itself as the install did, with its currency', async () => {
        const account = await session.account();
        expect(account.externalId).toBe(crm.access.externalId);
        expect(account.homeCurrency).toBe(crm.access.homeCurrency);
      });

      test('the stages say by their metadata what is open, won and lost', async () => {
        const { pipelines } = await session.stages();
        const meaning = (wanted: StageName) => {
          const { pipelineId, stageId } = user.stages[wanted];
          const stage = pipelines.find(({ id }) => id === pipelineId)?.stages.find(({ id }) => id === stageId);
          return stage && stageFromMetadata(stage);
        };
        expect([meaning('open'), meaning('won'), meaning('lost')]).toEqual(['opportunity', 'won', 'lost']);
      });

      test('deals are listed by when they were created, each once however small the pages, and counted', async () => {
        const day = 86_400_000;
        const base = crm.now() - 40 * day;
        const ids = [0, 1, 2, 3, 4].map((days) => user.createDeal({ stage: 'open', at: base + days * day }));
        crm.pass(60_000);
        const asked = { by: 'creation', from: base + day, before: base + 4 * day } as const;
        const found: string[] = [];
        const totals: (number | null)[] = [];
        for (let after: string | null = null; ; ) {
          const page: DealIdsPage = await session.dealIds({ asked, after, limit: 2 });
          found.push(...page.ids);
          totals.push(page.total);
          after = page.next;
          if (after === null) break;
        }
        expect(found.toSorted()).toEqual(ids.slice(1, 4).toSorted());
        expect(totals[0]).toBe(3);
      });

      test('deals are listed by the stage that they stand in now', async () => {
        const [first, second] = [user.createDeal({ stage: 'won' }), user.createDeal({ stage: 'open' })];
        user.changeDeal(second, { stage: 'won', at: crm.now() + traits.tickMs });
        user.createDeal({ stage: 'open' });
        crm.pass(60_000);
        const asked = { by: 'stage', ...user.stages.won } as const;
        const page = await session.dealIds({ asked, after: null, limit: 200 });
        expect([page.ids.toSorted(), page.total, page.next]).toEqual([[first, second].toSorted(), 2, null]);
        const none = await session.dealIds({ asked: { by: 'stage', ...user.stages.lost }, after: null, limit: 200 });
        expect([none.ids, none.total, none.next]).toEqual([[], 0, null]);
      });

      test('a deal comes with its name, contacts, present state and currency', async () => {
        const ada = user.createContact({ name: 'Ada' });
        const id = user.createDeal({ name: 'Café №1', stage: 'won', amount: '1250.50', contactIds: [ada] });
        const found = await deal(id);
        expect(found).toMatchObject({
          ref: { connectionId: crm.access.connectionId, object: 'deal', id },
          presence: 'present',
          name: 'Café №1',
          contactIds: [ada],
          formerIds: [],
        });
        expect(found.history.at(-1)).toMatchObject({
          ...user.stages.won,
          // A CRM that keeps numbers does not keep their last zero.
          amount: expect.stringMatching(/^1250\.50?$/),
          currency: crm.access.homeCurrency,
        });
      });

      test('a deal shows every stage and amount it went through, also what was undone between two reads', async () => {
        const at = Math.floor(crm.now() / 1_000) * 1_000 - 1_000_000;
        const id = user.createDeal({ stage: 'open', at });
        user.changeDeal(id, { amount: '100', at: at + 1_000 });
        user.changeDeal(id, { stage: 'won', at: at + 2_000 });
        user.changeDeal(id, { stage: 'open', amount: '80', at: at + 3_000 });
        const { history } = await deal(id);
        const { open, won } = user.stages;
        expect(history.map((point) => [point.at - at, point.stageId, point.amount])).toEqual([
          [0, open.stageId, null],
          [1_000, open.stageId, '100'],
          [2_000, won.stageId, '100'],
          [3_000, open.stageId, '80'],
        ]);
      });

      test("what is wanted of a deal's own properties comes with its history, and nothing that is not", async () => {
        const name = user.addProperty('deal');
        const at = Math.floor(crm.now() / 1_000) * 1_000 - 1_000_000;
        const id = user.createDeal({ stage: 'open', amount: '100', at });
        user.changeDeal(id, { stage: 'won', at: at + 1_000 });
        user.setProperty('deal', id, { name, value: 'sent', at: at + 2_000 });
        user.setProperty('deal', id, { name, value: '', at: at + 3_000 });
        user.setProperty('deal', id, { name, value: 'paid', at: at + 4_000 });
        const [found] = await session.readDeals([id], { ...NOTHING_WANTED, deal: [name] });
        const { open, won } = user.stages;
        expect(found?.history.map((point) => [point.at - at, point.stageId, point.properties])).toEqual([
          [0, open.stageId, { [name]: null }],
          [1_000, won.stageId, { [name]: null }],
          [2_000, won.stageId, { [name]: 'sent' }],
          [3_000, won.stageId, { [name]: null }],
          [4_000, won.stageId, { [name]: 'paid' }],
        ]);
        expect((await deal(id)).history.map((point) => point.properties)).toEqual([undefined, undefined]);
      });

      test('what is wanted of a contact and of its company comes, empty or not, and a contact without a company says so', async () => {
        const [ofContact, ofCompany] = [user.addProperty('contact'), user.addProperty('company')];
        const [ada, bob] = [user.createContact({ name: 'Ada' }), user.createContact({ name: 'Bob' })];
        const company = user.createCompany(ada);
        user.setProperty('contact', bob, { name: ofContact, value: 'gold' });
        user.setProperty('company', company, { name: ofCompany, value: '250' });
        const wanted = { deal: [], contact: [ofContact], company: [ofCompany], isCompanyWanted: true };
        const found = await session.readContacts([ada, bob], wanted);
        const of = (id: string) => found.find(({ ref }) => ref.id === id);
        expect(of(ada)).toMatchObject({
          properties: { [ofContact]: null },
          company: { id: company, properties: { [ofCompany]: '250' } },
        });
        expect(of(bob)).toMatchObject({ properties: { [ofContact]: 'gold' }, company: null });
        expect(await contact(ada)).not.toHaveProperty('company');
        expect(await contact(ada)).not.toHaveProperty('properties');
      });

      test('an object names its properties, the customer’s own among them', async () => {
        for (const object of ['deal', 'contact', 'company'] as const) {
          const name = user.addProperty(object);
          expect(await session.propertyNames(object)).toContain(name);
        }
      });

      test('two hundred deals come in one call, each once', async () => {
        const ids = Array.from({ length: 200 }, () => user.createDeal({ stage: 'open' }));
        const found = await session.readDeals([...ids, ...ids.slice(0, 50)]);
        expect(found.map(({ ref }) => ref.id).sort()).toEqual([...ids].sort());
      });

      test('a contact comes with name, e-mail and the code it gave', async () => {
        const id = user.createContact({ name: 'Bob', email: 'bob@example.com', usedCode: 'k7qf 93mx p2ra' });
        expect(await contact(id)).toEqual({
          ref: { connectionId: crm.access.connectionId, object: 'contact', id },
          presence: 'present',
          name: 'Bob',
          email: 'bob@example.com',
          usedCode: 'k7qf 93mx p2ra',
          referredByIds: [],
          formerIds: [],
          traits: { mail: 'company' },
          modifiedAt: expect.any(Number),
        });
      });

      test('contacts are found by e-mail address, however it is written, and nobody for one that nobody has', async () => {
        const first = user.createContact({ email: 'First@Example.com' });
        const second = user.createContact({ email: 'second@example.com' });
        const found = await session.contactsByEmail(['first@example.com', 'nobody@example.com', 'second@example.com']);
        expect([...found].sort()).toEqual([first, second].sort());
        expect(await session.contactsByEmail(['nobody@example.com'])).toEqual([]);
        expect(await session.contactsByEmail([])).toEqual([]);
      });

      test('a list is found by a part of its name and shows who is on it, each once, page after page', async () => {
        const { lists } = session;
        if (!lists) throw new Error('no lists');
        const people = Array.from({ length: 1_001 }, (_, index) => user.createContact({ name: `P ${index}` }));
        const id = user.createList('Happy_customers', people);
        const other = user.createList('Happy Xcustomers', people.slice(0, 1));
        const found = await lists.find('happy_CUSTOMERS', 10);
        expect(found.map((list) => [list.id, list.name])).toEqual([[id, 'Happy_customers']]);
        expect((await lists.find('', 10)).map((list) => list.id).sort()).toEqual([id, other].sort());
        expect(await lists.find('', 1)).toHaveLength(1);
        expect(await lists.get(id)).toEqual({ id, name: 'Happy_customers', size: people.length });
        const seen: string[] = [];
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<typeof lists.members>> = await lists.members(id, cursor);
          seen.push(...(page?.ids ?? []));
          cursor = page?.next ?? null;
        } while (cursor !== null);
        expect(seen.toSorted()).toEqual(people.toSorted());
        for (const none of ['', '0', 'abc', '../17', '701000000000000AAA']) {
          expect(await lists.get(none)).toBeNull();
          expect(await lists.members(none, null)).toBeNull();
        }
      });

      test('the label on two contacts says who referred whom, in one direction only', async () => {
        await session.provision();
        const [member, friend, stranger] = ['Ada', 'Bob', 'Eve'].map((name) => user.createContact({ name }));
        if (!member || !friend || !stranger) throw new Error('no contacts');
        user.sayReferredBy(friend, member);
        user.linkContacts(friend, stranger);
        expect((await contact(friend)).referredByIds).toEqual([member]);
        expect((await contact(member)).referredByIds).toEqual([]);
        expect((await contact(stranger)).referredByIds).toEqual([]);
      });

      test('the deals of contacts are found, and a contact without any has an empty list', async () => {
        const [ada, bob] = [user.createContact({ name: 'Ada' }), user.createContact({ name: 'Bob' })];
        const one = user.createDeal({ stage: 'open', contactIds: [ada] });
        const two = user.createDeal({ stage: 'won' });
        user.linkDeal(two, ada);
        const found = await session.dealsOfContacts([ada, bob]);
        expect([...(found.get(ada) ?? [])].sort()).toEqual([one, two].sort());
        expect(found.get(bob)).toEqual([]);
      });
    });

    describe('records that go and come back', () => {
      test('a deleted deal is deleted, and present again with its history when it is restored', async () => {
        const id = user.createDeal({ stage: 'won', amount: '10' });
        const before = await deal(id);
        user.remove('deal', id);
        expect(await deal(id)).toMatchObject({ ref: { id }, presence: 'deleted', history: [], contactIds: [] });
        user.restore('deal', id);
        const after = await deal(id);
        expect(after.presence).toBe('present');
        expect(after.history.at(-1)).toMatchObject(user.stages.won);
        expect(after.history[0]?.at).toBe(before.history[0]?.at);
      });

      test('an id that never was is deleted, without harm to the others of the call', async () => {
        const id = user.createDeal({ stage: 'open' });
        const found = await session.readDeals([id, '999999999999']);
        expect(found.map(({ ref, presence }) => [ref.id, presence]).sort()).toEqual(
          [
            [id, 'present'],
            ['999999999999', 'deleted'],
          ].sort(),
        );
      });

      test.each(traits.merges)('a merged %s comes once, under its living id, with the old ones', async (object) => {
        const make = () =>
          object === 'deal' ? user.createDeal({ stage: 'open' }) : user.createContact({ name: 'Ada' });
        const [one, two] = [make(), make()];
        const living = user.merge(object, one, two);
        const former = [one, two].filter((id) => id !== living);
        for (const asked of [[one], [two], [living], [one, two, living]]) {
          const read = object === 'deal' ? await session.readDeals(asked) : await session.readContacts(asked);
          expect(read.map(({ ref, presence }) => [ref.id, presence])).toEqual([[living, 'present']]);
          // At least what was asked for under another id; a CRM may know all of them.
          expect(read[0]?.formerIds).toEqual(expect.arrayContaining(asked.filter((id) => former.includes(id))));
        }
      });

      test('a deleted contact is deleted and no longer on its deals', async () => {
        const ada = user.createContact({ name: 'Ada', email: 'ada@example.com' });
        const id = user.createDeal({ stage: 'open', contactIds: [ada] });
        user.remove('contact', ada);
        expect(await contact(ada)).toMatchObject({ presence: 'deleted', name: null, email: null });
        expect((await deal(id)).contactIds).toEqual([]);
      });
    });

    if (traits.isProvisionedByUs)
      describe('provisioning', () => {
        test('creates what is missing once, and the second time finds everything', async () => {
          const first = await session.provision();
          expect(first.created.length).toBeGreaterThan(0);
          expect(first.conflicts).toEqual([]);
          const second = await session.provision();
          expect(second.created).toEqual([]);
          expect([...second.existing].sort()).toEqual([...first.created, ...first.existing].sort());
        });

        test('by two nodes at once ends in the same state, without a fault', async () => {
          const other = crm.connector.open(crm.access);
          const [one, two] = await Promise.all([session.provision(), other.provision()]);
          expect([...one.conflicts, ...two.conflicts]).toEqual([]);
          expect((await session.provision()).created).toEqual([]);
        });

        test('repairs what somebody deleted, and the mirror says that it has to', async () => {
          await session.provision();
          const id = user.createDeal({ stage: 'won' });
          expect(await session.writeMirror('deal', [shown(id, DEAL_MIRROR)])).toEqual([{ id, result: 'written' }]);
          await user.deleteProvisioned();
          expect(await session.writeMirror('deal', [shown(id, DEAL_MIRROR)])).toMatchObject([
            { id, result: 'unprovisioned' },
          ]);
          const repaired = await session.provision();
          expect(repaired.created.length).toBeGreaterThan(0);
          expect(await session.writeMirror('deal', [shown(id, DEAL_MIRROR)])).toEqual([{ id, result: 'written' }]);
          expect(user.mirrorOf('deal', id).stage).toBe('won');
        });

        test('never writes into what a customer put in the place of a deleted property of ours', async () => {
          await session.provision();
          const id = user.createDeal({ stage: 'won' });
          await session.writeMirror('deal', [shown(id, DEAL_MIRROR)]);
          await user.deleteProvisioned();
          expect(await session.writeMirror('deal', [shown(id, DEAL_MIRROR)])).toMatchObject([
            { result: 'unprovisioned' },
          ]);
          user.squat();
          expect(await session.writeMirror('deal', [shown(id, { ...DEAL_MIRROR, stage: 'lost' })])).toEqual([
            { id, result: 'written' },
          ]);
          expect(user.mirrorOf('deal', id).stage).not.toBe('lost');
        });

        test('knows a conflict from the moment it has reported it', async () => {
          await session.provision();
          const id = user.createDeal({ stage: 'won' });
          await session.writeMirror('deal', [shown(id, DEAL_MIRROR)]);
          await user.deleteProvisioned();
          user.squat();
          expect((await session.provision()).conflicts).toHaveLength(1);
          await session.writeMirror('deal', [shown(id, { ...DEAL_MIRROR, stage: 'lost' })]);
          expect(user.mirrorOf('deal', id).stage).not.toBe('lost');
        });

        test('leaves a thing of the customer alone that bears our name, and never writes into it', async () => {
          user.squat();
          const report = await session.provision();
          expect(report.conflicts).toHaveLength(1);
          const id = user.createDeal({ stage: 'won' });
          expect(await session.writeMirror('deal', [shown(id, DEAL_MIRROR)])).toEqual([{ id, result: 'written' }]);
          expect(user.mirrorOf('deal', id)).toMatchObject({ stage: null, referralId: 'ref_1' });
        });
      });

    describe('the mirror', () => {
      beforeEach(async () => {
        await session.provision();
      });

      test('arrives on the record, and what ended is cleared', async () => {
        const id = user.createContact({ name: 'Ada' });
        await session.writeMirror('contact', [shown(id, CONTACT_MIRROR)]);
        expect(user.mirrorOf('contact', id)).toMatchObject({
          memberId: 'mem_1',
          referrals: '3',
          rewardsHeld: '100.00 EUR',
          lastRewardReason: 'Deal “Café №1” was won',
          referredBy: null,
        });
        await session.writeMirror('contact', [shown(id, { ...CONTACT_MIRROR, rewardsHeld: null })]);
        expect(user.mirrorOf('contact', id)).toMatchObject({ memberId: 'mem_1', rewardsHeld: null });
      });

      test('never touches the code that the friend gave', async () => {
        const id = user.createContact({ name: 'Bob', usedCode: 'K7QF-93MX-P2RA' });
        await session.writeMirror('contact', [shown(id, CONTACT_MIRROR)]);
        expect((await contact(id)).usedCode).toBe('K7QF-93MX-P2RA');
      });

      test('of many records tells the outcome of each: written, gone and merged away', async () => {
        const ids = Array.from({ length: 120 }, () => user.createDeal({ stage: 'won' }));
        const [deleted = '', one = '', two = ''] = ids;
        user.remove('deal', deleted);
        const living = traits.merges.includes('deal') ? user.merge('deal', one, two) : null;
        const rows = ids.map((id) => shown(id, { ...DEAL_MIRROR, referralId: `ref_${id}` }));
        const outcomes = await session.writeMirror('deal', rows);
        expect(outcomes.map(({ id }) => id).sort()).toEqual([...ids].sort());
        const gone = living === null ? [deleted] : [deleted, one, two].filter((id) => id !== living);
        for (const { id, result } of outcomes) {
          expect([id, result]).toEqual([id, gone.includes(id) ? 'gone' : 'written']);
          if (result === 'written') expect(user.mirrorOf('deal', id).referralId).toBe(`ref_${id}`);
        }
      });

      test('that the CRM refuses for one record is rejected for that one only', async () => {
        const [one, two, three] = ['1', '2', '3'].map((name) => user.createContact({ name }));
        if (!one || !two || !three) throw new Error('no contacts');
        await session.writeMirror('contact', [shown(one, CONTACT_MIRROR)]);
        user.refuseMember('mem_1');
        const outcomes = await session.writeMirror('contact', [
          shown(two, CONTACT_MIRROR),
          shown(three, { ...CONTACT_MIRROR, memberId: 'mem_3' }),
        ]);
        expect(Object.fromEntries(outcomes.map(({ id, result }) => [id, result]))).toEqual({
          [two]: 'rejected',
          [three]: 'written',
        });
      });

      test('is written though the answer to it is lost, and writing it again changes nothing', async () => {
        const id = user.createDeal({ stage: 'won' });
        await session.writeMirror('deal', [shown(id, { ...DEAL_MIRROR, stage: 'qualified' })]);
        user.disturb('lost_answer', 1);
        expect(await session.writeMirror('deal', [shown(id, DEAL_MIRROR)])).toEqual([{ id, result: 'written' }]);
        expect(user.mirrorOf('deal', id).stage).toBe('won');
      });
    });

    describe('the scan of changes', () => {
      test('finds what changed at or after a moment, oldest first, and nothing before it', async () => {
        const start = Math.floor(crm.now() / tickMs) * tickMs - 100_000;
        const [before, at, after] = [start - tickMs, start, start + tickMs].map((moment) =>
          user.createDeal({ stage: 'open', at: moment }),
        );
        const found = await scan('deal', start);
        expect(found).toEqual([
          { id: at, modifiedAt: start },
          { id: after, modifiedAt: start + tickMs },
        ]);
        expect(found.map(({ id }) => id)).not.toContain(before);
      });

      test('finds each of many records of one millisecond exactly once, and what came after them', async () => {
        const at = Math.floor(crm.now() / tickMs) * tickMs - 100_000;
        const ids = Array.from({ length: SAME_MOMENT_RECORDS }, () => user.createDeal({ stage: 'open', at }));
        const later = user.createDeal({ stage: 'open', at: at + 5 * tickMs });
        const found = await scan('deal', at);
        expect(found.map(({ id }) => id).sort()).toEqual([...ids, later].sort());
        expect(found.at(-1)?.id).toBe(later);
      });

      test('also finds contacts, and ends when there is nothing', async () => {
        const id = user.createContact({ name: 'Ada' });
        expect((await scan('contact', crm.now() - 60_000)).map((found) => found.id)).toEqual([id]);
        expect(await scan('deal', crm.now() - 60_000)).toEqual([]);
      });
    });

    describe('what is read of a record', () => {
      test('says which state of it this is, by the clock of the scan', async () => {
        const contactId = user.createContact({ name: 'Ada' });
        const dealId = user.createDeal({ stage: 'open', contactIds: [contactId] });
        const scanned = async (object: 'contact' | 'deal', id: string) =>
          (await scan(object, crm.now() - 60_000)).find((found) => found.id === id)?.modifiedAt;
        // Within the grain of its stamps a record may change once more, and nobody claims to have seen its last state.
        crm.pass(2 * tickMs);
        const before = (await deal(dealId)).modifiedAt;
        expect(before).toBeTypeOf('number');
        expect(before).toBe(await scanned('deal', dealId));
        expect((await contact(contactId)).modifiedAt).toBe(await scanned('contact', contactId));

        const later = (before ?? 0) + 5 * tickMs;
        crm.pass(10 * tickMs);
        user.changeDeal(dealId, { amount: '12.00', at: later });
        expect((await deal(dealId)).modifiedAt).toBe(later);
        expect(await scanned('deal', dealId)).toBe(later);
      });
    });

    describe('when the CRM is in trouble', () => {
      const every: readonly Disturbance[] = ['outage', 'reset', 'half_answer', 'rate_limit', 'locked'];

      test.each(every)('a read survives one %s', async (kind) => {
        const id = user.createDeal({ stage: 'won' });
        user.disturb(kind, 1);
        expect(await deal(id)).toMatchObject({ presence: 'present' });
      });

      test.each([...every, 'long_rate_limit' as const])(
        'a lasting %s is a fault that is retried, never a deleted record',
        async (kind) => {
          const id = user.createDeal({ stage: 'won' });
          user.disturb(kind, 1_000);
          await expect(session.readDeals([id])).rejects.toMatchObject({ name: 'Fault', retry: { kind: 'retry' } });
          await expect(session.readDeals(['999999999999'])).rejects.toMatchObject({ name: 'Fault' });
        },
      );

      test('a long wait that the CRM asks for is handed to the caller', async () => {
        user.disturb('long_rate_limit', 1_000);
        await expect(session.stages()).rejects.toMatchObject({
          code: 'crm_rate_limited',
          retry: { kind: 'retry', afterMs: expect.any(Number) },
        });
      });

      test('an expired token is renewed in the middle of the work', async () => {
        const id = user.createDeal({ stage: 'won' });
        user.expireToken();
        expect(await deal(id)).toMatchObject({ presence: 'present' });
      });

      test('an uninstalled app has to be connected again, and says so instead of calling everything deleted', async () => {
        const id = user.createDeal({ stage: 'won' });
        await user.uninstall();
        await expect(session.readDeals([id])).rejects.toMatchObject({
          code: 'authorisation_revoked',
          retry: { kind: 'reconnect' },
        });
      });

      test('three hundred calls at once are all answered: the budget waits instead of failing', async () => {
        const id = user.createDeal({ stage: 'open' });
        const found = await Promise.all(Array.from({ length: 150 }, () => session.readDeals([id])));
        expect(found.every(([facts]) => facts?.presence === 'present')).toBe(true);
        expect(user.rateRefusals()).toBe(0);
      });
    });

    if (traits.hasWebhooks)
      describe('news from the CRM', () => {
        async function news(): Promise<Hint[]> {
          const hints: Hint[] = [];
          const { inbound } = crm.connector;
          if (inbound === null) throw new Error('this CRM calls nobody');
          for (const request of await user.deliveries()) {
            expect(inbound.verify(request, crm.now())).toEqual({ ok: true });
            const tampered = { ...request, body: Buffer.concat([request.body, Buffer.from(' ')]) };
            expect(inbound.verify(tampered, crm.now())).toEqual({ ok: false, problem: 'mismatch' });
            const parsed = inbound.parseHints(request.body);
            if (!parsed.ok) throw new Error(`${parsed.problem}: ${parsed.detail}`);
            hints.push(...parsed.hints);
          }
          for (const hint of hints) expect(hint.externalId).toBe(crm.access.externalId);
          return hints;
        }
        const names = (hints: readonly Hint[], kind: Hint['kind'], object: string, id: string) =>
          hints.some(
            (hint) => hint.kind === kind && hint.records.some((record) => record.object === object && record.id === id),
          );

        test('of a user’s change is signed, names the record and is no echo', async () => {
          const id = user.createDeal({ stage: 'open' });
          user.changeDeal(id, { stage: 'won' });
          const hints = await news();
          expect(names(hints, 'change', 'deal', id)).toBe(true);
          expect(hints.every(({ echo }) => !echo)).toBe(true);
          expect(new Set(hints.map(({ eventKey }) => eventKey)).size).toBe(hints.length);
        });

        test('of deletion, restoration, merge and association name every record to read again', async () => {
          const [ada, bob] = [user.createContact({ name: 'Ada' }), user.createContact({ name: 'Bob' })];
          const id = user.createDeal({ stage: 'open' });
          await news();
          user.linkDeal(id, ada);
          const linked = await news();
          expect(names(linked, 'association', 'deal', id) && names(linked, 'association', 'contact', ada)).toBe(true);
          user.remove('deal', id);
          expect(names(await news(), 'deletion', 'deal', id)).toBe(true);
          user.restore('deal', id);
          expect(names(await news(), 'change', 'deal', id)).toBe(true);
          const living = user.merge('contact', ada, bob);
          const merged = await news();
          for (const one of [ada, bob, living]) expect(names(merged, 'merge', 'contact', one)).toBe(true);
        });

        test('of our own writes is an echo, if it comes at all', async () => {
          await session.provision();
          const id = user.createDeal({ stage: 'won' });
          await news();
          await session.writeMirror('deal', [shown(id, DEAL_MIRROR)]);
          expect((await news()).filter(({ echo }) => !echo)).toEqual([]);
        });
      });
  });
}
