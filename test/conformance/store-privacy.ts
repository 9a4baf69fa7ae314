import { beforeEach, describe, expect, test } from 'vitest';
import type { Person } from '../../src/application/ports/privacy.ts';
import type { Store } from '../../src/application/ports/store.ts';
import type { IdentityEdge } from '../../src/domain/identity.ts';
import { erasedFacts } from '../../src/domain/record.ts';
import { TABLES } from '../../src/store/schema.ts';
import { newCase } from './store-desk.ts';
import { claiming, DAY, T0, type Tenant, tenant } from './store-fixtures.ts';
import { syncReportOf } from './store-sync.ts';
import { ANSWER, waiting } from './store-workflows.ts';

const NOBODY: Person = { contacts: [], memberIds: [], referralIds: [], emails: [] };
const ZED_IN_B: IdentityEdge = {
  record: { connectionId: 'con_b', object: 'contact', id: 'zed-b' },
  subject: 'mem_z',
  sequence: 1,
  evidence: 'email',
  since: T0,
  until: null,
};
const NOT_ZED_IN_B: IdentityEdge = { ...ZED_IN_B, record: { ...ZED_IN_B.record, id: 'not-zed' }, evidence: 'phone' };
const markOf = (email: string) => `k1.${[...email].reverse().join('')}`;

interface Subject {
  readonly store: Store;
  readonly a: Tenant;
  readonly sql: (text: string) => Promise<ReadonlyArray<Record<string, unknown>>>;
}

/** A person who asks what is kept of them, or to be forgotten. Part of the store's conformance. */
export function privacyStoreConformance(use: () => Subject): void {
  describe('a person', () => {
    let store: Store;
    let a: Tenant;
    let b: Tenant;
    let sql: Subject['sql'];
    const email = 'zed@example.com';

    beforeEach(async () => {
      ({ store, a, sql } = use());
      b = tenant(store, 'acc_a', 'con_b');
      await store.connections.connect(b.connection(), b.tokens);
    });

    const erase = (known: Partial<Person>, id = 'era_1', at = T0 + DAY) =>
      store.privacy.erase('acc_a', { ...NOBODY, ...known }, { id, source: 'api', by: 'key', at }, markOf);

    /** Zed is a member, was somebody's friend before, is tied to a contact of another CRM and waits under the address alone. */
    async function writeZed(): Promise<void> {
      await a.writePair();
      const contact = a.ref('contact', 'zed');
      const name = 'Zed Person';
      await a.write(
        {
          members: [a.member('mem_z', { name, email, contact })],
          referrals: [
            a.referral('ref_z', 'mem_1', { friend: { name, email: null, contact: a.ref('contact', 'zed-before') } }),
            a.referral('ref_w', 'mem_1', { friend: { name, email, contact: null }, stage: 'submitted' }),
          ],
          ...a.granted(
            a.reward('rwd_z', 'ref_1', {
              beneficiaryId: 'mem_z',
              reason: { code: 'payout_returned', values: { why: `no ${email}` } },
            }),
          ),
          touches: [a.touch('tch_z', { memberId: 'mem_z' })],
          identity: [ZED_IN_B, NOT_ZED_IN_B],
        },
        {
          snapshots: [
            { facts: a.contact('zed', { name, email: 'Zed@Example.com', formerIds: ['zed-before'] }), readAt: T0 },
            { facts: a.contact('twin', { name: 'Another', email }), readAt: T0 },
          ],
        },
      );
      await a.write({ identity: [{ ...NOT_ZED_IN_B, until: T0 + 1 }] });
      await b.write({}, { snapshots: [{ facts: b.contact('zed-b', { name, email: 'zed@b.example' }), readAt: T0 }] });
      await store.desk.open('acc_a', newCase('cas_z', { rewardId: 'rwd_z', summary: `${name} asks`, dedupeKey: 'z' }));
      await store.desk.comment('acc_a', 'cas_z', 'role:reviewer', `zed PERSON (${email}) has written`, T0 + 1);
    }

    const ids = (person: Person) => ({
      contacts: person.contacts.map(({ connectionId, id }) => `${connectionId} ${id}`).sort(),
      memberIds: [...person.memberIds].sort(),
      referralIds: [...person.referralIds].sort(),
    });
    const ZED = {
      contacts: ['con_a zed', 'con_a zed-before', 'con_b zed-b'],
      memberIds: ['mem_z'],
      referralIds: ['ref_w', 'ref_z'],
    };

    test('is found whole, by whatever they are asked for; another contact with their address only by the address', async () => {
      await writeZed();
      const found = async (known: Partial<Person>) => ids(await store.privacy.person('acc_a', { ...NOBODY, ...known }));
      expect(await found({ contacts: [a.ref('contact', 'zed')] })).toEqual(ZED);
      expect(await found({ contacts: [b.ref('contact', 'zed-b')] })).toEqual(ZED);
      expect(await found({ memberIds: ['mem_z'] })).toEqual(ZED);
      // By the referral the contact before the merge is known; what it was merged into says who they are.
      expect(await found({ emails: [email] })).toEqual({ ...ZED, contacts: ['con_a twin', ...ZED.contacts] });
      expect(await found({ emails: ['nobody@example.com'] })).toEqual({ contacts: [], memberIds: [], referralIds: [] });
      expect(ids(await store.privacy.person('acc_b', { ...NOBODY, memberIds: ['mem_z'] }))).toMatchObject({
        contacts: [],
        referralIds: [],
      });
    });

    test('is forgotten wherever they stand, and what concerns money stays under ids', async () => {
      await writeZed();
      const balances = await store.reads.balances('acc_a');
      const person = await store.privacy.person('acc_a', { ...NOBODY, memberIds: ['mem_z'] });
      const [intent] = await sql("select id from intents where reward_id = 'rwd_z'");
      await sql(`insert into payout_references (account_id, intent_id, reward_id, provider, first_tried_at, reference,
        voucher, state, updated_at) values ('acc_a', '${intent?.id}', 'rwd_z', 'coupon', 1, 'theirs', 'sealed', 'issued', 1)`);
      const before = await store.privacy.held('acc_a', person, 10);
      expect(before.orders).toMatchObject([{ reference: 'theirs', hasVoucher: true }]);
      expect(before.contacts.map(({ name }) => name).sort()).toEqual(['Zed Person', 'Zed Person']);
      expect(before.cases[0]?.events.map(({ words }) => words).join()).toContain(email);
      const done = await erase({ memberIds: ['mem_z'] });
      expect(done).toMatchObject({
        isNew: true,
        erasure: {
          id: 'era_1',
          counts: { contacts: 3, members: 1, referrals: 2, importRows: 0, vouchers: 1, words: 4 },
        },
      });
      for (const table of Object.keys(TABLES)) {
        const text = JSON.stringify(await sql(`select * from ${table}`)).toLowerCase();
        // The other contact with the same address is another person.
        const told = table === 'records' ? text.replace(/"name[^}]*another[^}]*/, '') : text;
        const naming = [email, 'zed person', 'zed@b'].filter((secret) => told.includes(secret));
        expect([table, naming]).toEqual([table, []]);
      }
      expect(await store.reads.member('acc_a', 'mem_z')).toMatchObject({ name: null, erasedAt: T0 + DAY, version: 2 });
      expect(await store.reads.referral('acc_a', 'ref_w')).toMatchObject({ friendErasedAt: T0 + DAY, version: 2 });
      const [known] = await store.cases.knownContacts('acc_a', 'con_a', ['zed']);
      expect(known?.facts).toEqual(erasedFacts(a.ref('contact', 'zed'), ['zed-before']));
      const found = await store.desk.get('acc_a', 'cas_z');
      expect(found?.case.summary).toBe('(erased) asks');
      expect(found?.events.map(({ words }) => words)).toContain('(erased) ((erased)) has written');
      expect(await store.reads.balances('acc_a')).toEqual(balances);
      const after = await store.privacy.held('acc_a', person, 10);
      expect(after).toMatchObject({
        rewards: [{ id: 'rwd_z', beneficiaryId: 'mem_z' }],
        touches: [{ id: 'tch_z' }],
        orders: [{ reference: 'theirs', hasVoucher: false }],
        asMember: [],
        cut: [],
      });
      expect(after.journals).toEqual(before.journals);
      expect(after.decisions).toEqual(before.decisions);
    });

    test('is forgotten once; who asks again hears of the first time, and what has come since is forgotten as well', async () => {
      await writeZed();
      await erase({ emails: [email] });
      const again = await erase({ memberIds: ['mem_z'] }, 'era_2', T0 + 2 * DAY);
      expect(again).toMatchObject({ isNew: false, erasure: { id: 'era_1', at: T0 + DAY } });
      expect(await erase({ emails: [email] }, 'era_3')).toBeNull();
      const of = (known: Partial<Person>, marks: string[] = []) =>
        store.privacy.erasureOf('acc_a', { ...NOBODY, ...known }, marks);
      expect(await of({}, ['k0.other', markOf(email)])).toMatchObject({ id: 'era_1', by: 'key' });
      expect(await of({ referralIds: ['ref_w'] })).toMatchObject({ id: 'era_1' });
      expect(await of({ contacts: [a.ref('contact', 'twin')] })).toMatchObject({ id: 'era_1' });
      expect(await of({ contacts: [b.ref('contact', 'twin')] })).toBeNull();
      expect(await store.privacy.erasureOf('acc_b', { ...NOBODY, memberIds: ['mem_z'] }, [markOf(email)])).toBeNull();
      // The same address once more is a new member.
      await a.write({ members: [a.member('mem_y', { name: 'Zed Person', email, contact: null })] });
      expect(await erase({ emails: [email] }, 'era_4', T0 + 3 * DAY)).toMatchObject({
        isNew: true,
        erasure: { id: 'era_4', counts: { members: 1, contacts: 0 } },
      });
      const first = await store.privacy.erasures('acc_a', { limit: 1, cursor: null });
      expect(first.items.map(({ id }) => id)).toEqual(['era_4']);
      const rest = await store.privacy.erasures('acc_a', { limit: 5, cursor: first.next });
      expect(rest.items.map(({ id }) => id)).toEqual(['era_1']);
      expect((await store.privacy.erasures('acc_b', { limit: 5, cursor: null })).items).toEqual([]);
      expect(await store.privacy.erasedMembers('acc_a', ['mem_y', 'mem_z', 'mem_1'])).toEqual(
        new Set(['mem_y', 'mem_z']),
      );
      expect(await store.privacy.erasedMembers('acc_b', ['mem_z'])).toEqual(new Set());
    });

    test('who was never read here is told apart from now on, and whoever read them at this moment comes too late', async () => {
      const contact = a.ref('contact', 'unread');
      const late = { facts: a.contact('unread', { name: 'Zed', email }), readAt: T0, basis: 0 };
      expect(await erase({ contacts: [contact] })).toMatchObject({ isNew: true, erasure: { counts: { contacts: 1 } } });
      expect(await store.cases.commit([a.commit({}, { snapshots: [late] })])).toEqual(['outdated']);
      expect(await store.privacy.erasedAmong('acc_a', 'con_a', ['unread', 'other'])).toEqual(new Set(['unread']));
      expect(await store.privacy.erasedAmong('acc_a', 'con_b', ['unread'])).toEqual(new Set());
      expect(await store.privacy.erasedAmong('acc_b', 'con_a', ['unread'])).toEqual(new Set());
    });

    test('whose record has become one with another’s takes that along, and is written in the CRM once', async () => {
      await a.writePair();
      const facts = erasedFacts(a.ref('contact', 'merged'), ['contact-mem_1']);
      const erased = () => a.write({}, { erase: [facts.ref], snapshots: [{ facts, readAt: T0 }] });
      await erased();
      expect(await store.reads.member('acc_a', 'mem_1')).toMatchObject({ name: null, erasedAt: T0 });
      const marked = async () =>
        (await store.mirror.claim(claiming('m', T0 + DAY))).map(({ record }) => record.id).sort();
      expect(await marked()).toEqual(['contact-mem_1', 'friend-ref_1', 'merged']);
      await erased();
      expect((await sql('select * from erasures')).length).toBe(1);
      expect((await store.cases.knownContacts('acc_a', 'con_a', ['merged']))[0]?.facts).toEqual(facts);
    });

    test('of whom an import has not got to yet is not imported', async () => {
      const one = {
        accountId: 'acc_a',
        id: 'imp_1',
        contentHash: 'x',
        state: 'running' as const,
        list: null,
        rows: 2,
        startedBy: 'me',
        startedAt: T0,
        updatedAt: T0,
      };
      const row = (line: number, of: string) => ({
        line,
        content: { name: 'Somebody', email: of, contact: null },
        outcome: 'open' as const,
        problem: null,
        memberId: null,
      });
      await store.memberImports.start(one, [row(1, email), row(2, 'other@example.com')]);
      await a.write({ members: [a.member('mem_z', { email, contact: null })] });
      expect(await erase({ emails: [email] })).toMatchObject({ erasure: { counts: { importRows: 1 } } });
      const rows = await store.memberImports.rows('acc_a', 'imp_1', { after: 0, limit: 5 });
      expect(rows.map(({ outcome, content }) => [outcome, content?.email ?? null])).toEqual([
        ['refused', null],
        ['open', 'other@example.com'],
      ]);
    });

    test('is told of in no more rows than were asked for, and which lists were cut is said', async () => {
      await a.writePair();
      await a.write({ referrals: ['2', '3', '4'].map((id) => a.referral(`ref_${id}`, 'mem_1')) });
      const person = await store.privacy.person('acc_a', { ...NOBODY, memberIds: ['mem_1'] });
      const held = await store.privacy.held('acc_a', person, 3);
      expect([held.asMember.length, held.cut]).toEqual([3, ['asMember']]);
      expect((await store.privacy.held('acc_a', person, 4)).cut).toEqual([]);
      expect((await store.privacy.held('acc_b', person, 4)).asMember).toEqual([]);
    });

    test('the words of a case change in this one way only, and that somebody was erased never', async () => {
      await writeZed();
      await erase({ memberIds: ['mem_z'] });
      const refused = (text: string) => expect(sql(text)).rejects.toThrow(/append_only/);
      await refused("update desk_events set words = 'Nothing was said.'");
      await refused("update desk_events set words = '(erased)', by_whom = 'nobody'");
      await refused('delete from desk_events');
      await refused("update erasures set asked_by = 'nobody'");
      await refused('delete from erased_people');
    });
  });

  describe('what has had its time', () => {
    let store: Store;
    let a: Tenant;
    let sql: Subject['sql'];
    beforeEach(() => {
      ({ store, a, sql } = use());
    });

    test('calls of workflows are forgotten with their waits, but for those whose workflow still waits', async () => {
      await a.writePair();
      const answered = async (id: string, now: number) => {
        const call = { ...a.callKey(id), action: 'enrol_member', inputHash: 'in', now, leasedUntil: now + 1 };
        await store.workflowCalls.begin(call);
        await store.workflowCalls.answer(a.callKey(id), ANSWER, null, now);
        return call;
      };
      const old = await answered('ap-old', T0);
      const young = await answered('ap-young', T0 + DAY);
      await waiting(store, a, 'ap-waits', 'ref_1');
      await waiting(store, a, 'ap-waited', 'ref_1');
      const [wait] = (await store.callbacks.claim(claiming('c', T0 + 1))).filter(
        ({ callbackId }) => callbackId === 'ap-waited',
      );
      if (!wait) throw new Error('nothing was claimed');
      await store.callbacks.end([{ wait, outcome: 'rewarded' }], 'completed');
      expect(await store.workflowCalls.prune('acc_b', 'con_a', T0 + DAY, 9)).toBe(0);
      expect(await store.workflowCalls.prune('acc_a', 'con_a', T0 + DAY, 1)).toBe(1);
      expect(await store.workflowCalls.prune('acc_a', 'con_a', T0 + DAY, 9)).toBe(1);
      expect(await store.workflowCalls.prune('acc_a', 'con_a', T0 + DAY, 9)).toBe(0);
      expect((await store.workflowCalls.begin({ ...young, now: T0 + 9 })).kind).toBe('answered');
      expect((await store.workflowCalls.begin({ ...old, now: T0 + 9 })).kind).toBe('begun');
      const left = (await sql('select callback_id from workflow_waits')).map(({ callback_id }) => callback_id);
      expect(left).toEqual(['ap-waits']);
    });

    test('a report goes only behind an anchor that is kept for it, its rows before; the newest never', async () => {
      const reports = store.syncReports;
      for (const [index, id] of ['syn_1', 'syn_2', 'syn_3'].entries())
        await reports.keep('acc_a', syncReportOf(id, index + 1, T0 + index * DAY));
      const rows = ['1', '2', '3'].map((id) => ({ object: 'deal' as const, id, reason: 'decided', detail: 'x' }));
      for (const id of ['syn_1', 'syn_3']) await reports.addRows('acc_a', id, 'decided', 0, rows);
      expect(await reports.pruneRows('acc_b', 'con_a', T0 + DAY, 2)).toBe(0);
      expect([
        await reports.pruneRows('acc_a', 'con_a', T0 + DAY, 2),
        await reports.pruneRows('acc_a', 'con_a', T0 + DAY, 2),
        await reports.pruneRows('acc_a', 'con_a', T0 + DAY, 2),
      ]).toEqual([2, 1, 0]);
      expect(await reports.rows('acc_a', 'syn_3', 'decided', -1, 9)).toHaveLength(3);

      await expect(sql("delete from sync_reports where id = 'syn_1'")).rejects.toThrow(/append_only/);
      expect((await reports.newestBefore('acc_a', 'con_a', T0 + 9 * DAY))?.id).toBe('syn_2');
      expect((await reports.newestBefore('acc_a', 'con_a', T0 + 1))?.id).toBe('syn_1');
      expect(await reports.newestBefore('acc_a', 'con_a', T0)).toBeNull();
      expect(await reports.newestBefore('acc_b', 'con_a', T0 + 9 * DAY)).toBeNull();
      const anchor = { connectionId: 'con_a', number: 2, hash: 'h', signature: 's', keyId: 'k1', prunedAt: T0 };
      await reports.pruneTo('acc_a', anchor);
      expect((await reports.list('acc_a', 'con_a', { limit: 9, cursor: null })).items.map(({ id }) => id)).toEqual([
        'syn_3',
      ]);
      expect(await reports.anchor('acc_a', 'con_a')).toEqual(anchor);
      expect(await reports.anchor('acc_b', 'con_a')).toBeNull();
      // One that comes late does not move it back.
      await reports.pruneTo('acc_a', { ...anchor, number: 1, hash: 'older' });
      expect(await reports.anchor('acc_a', 'con_a')).toEqual(anchor);
      await expect(sql("delete from sync_reports where id = 'syn_3'")).rejects.toThrow(/append_only/);
      await expect(sql("update sync_reports set body = 'x'")).rejects.toThrow(/append_only/);
    });
  });
}
