import { beforeEach, describe, expect, test } from 'vitest';
import type { Store } from '../../src/application/ports/store.ts';
import { type ConnectionsPolicy, DEFAULT_CONNECTIONS_POLICY } from '../../src/domain/connections-policy.ts';
import type { IdentityEdge } from '../../src/domain/identity.ts';
import type { RecordRef } from '../../src/domain/record.ts';
import { T0, type Tenant } from './store-fixtures.ts';

export const edgeOf = (a: Tenant, subject: string, more: Partial<IdentityEdge> = {}): IdentityEdge => ({
  record: a.ref('contact', '77'),
  subject,
  sequence: 1,
  evidence: 'email',
  since: T0,
  until: null,
  ...more,
});

export const POLICY: ConnectionsPolicy = {
  ...DEFAULT_CONNECTIONS_POLICY,
  deals: { decidedIn: 'con_a', keys: { con_a: 'id', con_b: 'source_id' } },
};

/** Who is who across connections. Part of the store's conformance. */
export function identityStoreConformance(
  use: () => { readonly store: Store; readonly a: Tenant; readonly sql: (text: string) => Promise<unknown> },
): void {
  describe('who is who across connections', () => {
    let store: Store;
    let a: Tenant;
    let sql: (text: string) => Promise<unknown>;
    beforeEach(async () => {
      ({ store, a, sql } = use());
      await a.writePair();
      await store.connections.connect(a.connection({ id: 'con_x', externalId: 'x' }), a.tokens);
    });
    const elsewhere = (more = {}) => ({
      connectionIds: ['con_a'],
      dealKeys: [],
      contactKeys: [],
      phoneKeys: [],
      dealIdsAreKeysIn: [],
      contactIdsAreKeysIn: [],
      ...more,
    });
    const inOther = (id: string) => ({ connectionId: 'con_x', object: 'contact' as const, id });
    const keys = { accountId: 'acc_a', connectionId: 'con_x', contactIds: [], dealIds: [] };
    const none = { emails: [], codes: [], companies: [] };

    test('a policy gets the next version, the same one none, and none is ever changed', async () => {
      expect(await store.identity.newest('acc_a')).toBeNull();
      const first = await store.identity.publish('acc_a', POLICY, 'an admin', T0);
      expect(first).toMatchObject({ version: 1, policy: POLICY, publishedAt: T0, publishedBy: 'an admin' });
      expect(await store.identity.publish('acc_a', POLICY, 'another', T0 + 1)).toEqual(first);
      const second = await store.identity.publish('acc_a', DEFAULT_CONNECTIONS_POLICY, 'an admin', T0 + 2);
      expect(await store.identity.newest('acc_a')).toEqual(second);
      expect(await store.identity.versions('acc_a')).toEqual([first, second]);
      await expect(sql('delete from connections_policies')).rejects.toThrow(/append/);
    });

    test('what shows a friend who was merged away is audited beside them, though it stands under who is left', async () => {
      const read = (id: string, formerIds: string[] = []) => ({
        snapshots: [{ facts: a.contact(id, { formerIds }), readAt: T0 }],
      });
      await a.write({}, read('one'));
      const friend = (id: string) => ({ name: null, email: null, contact: a.ref('contact', id) });
      await a.write({ referrals: [a.referral('ref_9', 'mem_1', { friend: friend('one') })] });
      const shows = (id: string, of: string) => a.touch(id, { friend: a.ref('contact', of) });
      await a.write({ touches: [shows('tch_8', 'stranger'), shows('tch_9', 'two')] });
      await a.write({}, read('two', ['one']));
      const page = await store.audited(T0, (audit) => audit.page('acc_a', 'ref_1', 1));
      expect(page.referrals.map(({ id }) => id)).toEqual(['ref_9']);
      expect(page.touches.map(({ id }) => id)).toEqual(['tch_9']);
      expect(page.contacts.map(({ facts }) => facts.ref.id).sort()).toEqual(['one', 'two']);
    });

    test('an edge is read back, ended once, and tied again under the next number', async () => {
      const edge = edgeOf(a, 'ref_1', { record: inOther('77') });
      await a.write({ identity: [edge] });
      expect(await store.identity.edgesOf('acc_a', 'ref_1')).toEqual([edge]);
      expect(await store.identity.edgesOf('acc_b', 'ref_1')).toEqual([]);
      const ended = { ...edge, until: T0 + 5 };
      await a.write({ identity: [ended] });
      expect(await store.cases.commit([a.commit({ identity: [ended] })])).toEqual(['conflict']);
      expect(await store.cases.commit([a.commit({ identity: [edge] })])).toEqual(['conflict']);
      const again = { ...edge, sequence: 2, since: T0 + 9 };
      await a.write({ identity: [again] });
      expect(await store.identity.edgesOf('acc_a', 'ref_1')).toEqual([ended, again]);
    });

    test('a contact that is tied leads to the member and the referral, in the case, in reads and in the mirror', async () => {
      await a.write({ identity: ['mem_1', 'ref_1'].map((subject) => edgeOf(a, subject, { record: inOther('77') })) });
      const loaded = await store.cases.load({ ...keys, ...none, contactIds: ['77'], elsewhere: elsewhere() });
      expect(loaded.members.map(({ id }) => id)).toEqual(['mem_1']);
      expect(loaded.referrals.map(({ id }) => id)).toEqual(['ref_1']);
      expect(loaded.others?.edges.map(({ subject }) => subject).sort()).toEqual(['mem_1', 'ref_1']);
      expect((await store.reads.memberByContact('acc_a', inOther('77')))?.id).toBe('mem_1');
      const friend = { email: null, contact: inOther('77') };
      expect((await store.reads.referralByFriend('acc_a', 'prg', friend))?.id).toBe('ref_1');
      const [source] = await store.mirror.sources('acc_a', [inOther('77')]);
      expect([source?.member?.id, source?.referral?.id]).toEqual(['mem_1', 'ref_1']);
      await a.write({
        identity: ['mem_1', 'ref_1'].map((subject) => edgeOf(a, subject, { record: inOther('77'), until: T0 + 1 })),
      });
      expect(await store.reads.memberByContact('acc_a', inOther('77'))).toBeNull();
      expect(await store.reads.referralByFriend('acc_a', 'prg', friend)).toBeNull();
    });

    test('what changes for a person is shown by their contacts in every connection, as long as they are theirs', async () => {
      const home = await store.reads.member('acc_a', 'mem_1');
      const friend = await store.reads.referral('acc_a', 'ref_1');
      await a.write({
        identity: [
          edgeOf(a, 'mem_1', { record: inOther('77') }),
          edgeOf(a, 'ref_1', { record: inOther('78') }),
          edgeOf(a, 'mem_1', { record: inOther('79') }),
        ],
      });
      await a.write({ identity: [edgeOf(a, 'mem_1', { record: inOther('79'), until: T0 + 1 })] });
      const marked = async (people: readonly string[]) => {
        await sql('delete from mirror');
        await a.write({ people });
        const rows = (await sql('select connection_id, record_id from mirror order by 1, 2')) as Array<
          Record<string, unknown>
        >;
        return rows.map(({ connection_id, record_id }) => `${connection_id} ${record_id}`);
      };
      const nameOf = (contact: RecordRef | null | undefined) => `${contact?.connectionId} ${contact?.id}`;
      expect(await marked(['mem_1'])).toEqual([nameOf(home?.contact), 'con_x 77']);
      expect(await marked(['ref_1', 'ref_1'])).toEqual([nameOf(friend?.friend.contact), 'con_x 78']);
      expect(await marked([])).toEqual([]);
    });

    test('a record is found from another connection by its key, also when it is deleted', async () => {
      const deal = a.deal('7', { contactIds: ['1'] });
      await a.write({}, { snapshots: [{ facts: deal, readAt: T0, sharedKey: 'K1' }] });
      const load = (more: object) => store.cases.load({ ...keys, ...none, elsewhere: elsewhere(more) });
      expect((await load({ dealKeys: ['K1'] })).others?.deals).toEqual([{ facts: deal, sharedKey: 'K1' }]);
      expect((await load({ dealKeys: ['K2'] })).others?.deals).toEqual([]);
      expect((await load({ dealKeys: ['7'], dealIdsAreKeysIn: ['con_a'] })).others?.deals).toHaveLength(1);
      const gone = { ...deal, presence: 'deleted' as const, history: [] };
      await a.write({}, { snapshots: [{ facts: gone, readAt: T0 + 1, sharedKey: null }] });
      expect((await load({ dealKeys: ['K1'] })).others?.deals).toEqual([{ facts: gone, sharedKey: 'K1' }]);
    });

    test('nobody is referred or enrolled a second time who was met in another connection meanwhile', async () => {
      const member = a.member('mem_2', { email: 'mem_1@example.com', contact: inOther('5') });
      const referral = a.referral('ref_2', 'mem_1', {
        friend: { name: null, email: 'ref_1@friends.example', contact: inOther('6') },
      });
      for (const plan of [{ members: [member] }, { referrals: [referral] }]) {
        expect(await store.cases.commit([{ ...a.commit(plan), isOneOfSeveral: true }])).toEqual(['conflict']);
      }
      const other = { ...referral, friend: { ...referral.friend, email: 'somebody@friends.example' } };
      expect(await store.cases.commit([{ ...a.commit({ referrals: [other] }), isOneOfSeveral: true }])).toEqual([
        'committed',
      ]);
    });

    test('people who have no contact in a connection yet are told by their addresses', async () => {
      expect((await store.identity.unseenEmails('acc_a', 'con_x', 10)).sort()).toEqual([
        'mem_1@example.com',
        'ref_1@friends.example',
      ]);
      expect(await store.identity.unseenEmails('acc_a', 'con_a', 10)).toEqual([]);
      await a.write({ identity: [edgeOf(a, 'ref_1', { record: inOther('77') })] });
      expect(await store.identity.unseenEmails('acc_a', 'con_x', 10)).toEqual(['mem_1@example.com']);
      expect(await store.identity.unseenEmails('acc_b', 'con_x', 10)).toEqual([]);
    });
  });
}
