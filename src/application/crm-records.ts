import type { RecordRef } from '../domain/record.ts';
import { recordKey } from '../domain/record.ts';
import type { Instant } from '../domain/time.ts';
import type { Connection, MirrorState, Store } from './ports/store.ts';

/** Of each contact, newest first; who is on more deals is told of these. */
const DEALS_PER_CONTACT_MAX = 50;

/** A record of a connected CRM that a referral or a member is known by, and how far it shows what it should. */
export interface CrmRecord {
  readonly record: RecordRef;
  readonly provider: string;
  readonly name: string | null;
  /** Where a person opens it; null when that is not known. */
  readonly url: string | null;
  /** Null when it was never read. */
  readonly readAt: Instant | null;
  readonly isDeleted: boolean;
  /** Null where nothing of ours is to be shown. */
  readonly mirror: MirrorState | null;
}

export interface CrmRecordsDeps {
  readonly store: Pick<Store, 'reads' | 'timeline' | 'identity' | 'connections'>;
  readonly recordUrl: (connection: Connection, record: RecordRef) => string | null;
}

/** Null when the account has no such referral, or no such member. */
export type CrmRecords = (
  accountId: string,
  of: { readonly referralId: string } | { readonly memberId: string },
) => Promise<CrmRecord[] | null>;

/** Where a person finds a referral's friend and deals, or a member, in the CRMs. */
export function createCrmRecords({ store, recordUrl }: CrmRecordsDeps): CrmRecords {
  const { reads, timeline, identity, connections } = store;
  return async (accountId, of) => {
    const isReferral = 'referralId' in of;
    const subject = isReferral
      ? await reads.referral(accountId, of.referralId)
      : await reads.member(accountId, of.memberId);
    if (!subject) return null;
    const home = 'friend' in subject ? subject.friend : subject;
    const edges = await identity.edgesOf(accountId, subject.id);
    const tied = edges.filter(({ until }) => until === null).map(({ record }) => record);
    const contacts = distinct([...(home.contact ? [home.contact] : []), ...tied]);
    // A member's own deals have nothing to do with what they refer.
    const deals = isReferral
      ? [...(await reads.dealsOfContacts(accountId, contacts, DEALS_PER_CONTACT_MAX)).values()].flat()
      : [];
    const names = new Map(deals.map(({ ref, name }) => [recordKey(ref), name]));
    const records = [...contacts, ...distinct(deals.map(({ ref }) => ref))];
    const known = new Map((await connections.list(accountId)).map((connection) => [connection.id, connection]));
    const groups = Map.groupBy(records, ({ connectionId, object }) => `${connectionId} ${object}`);
    const told = await Promise.all(
      [...groups.values()].map(async (group): Promise<CrmRecord[]> => {
        const [first] = group;
        const connection = first && known.get(first.connectionId);
        if (!first || !connection) return [];
        const ids = group.map(({ id }) => id);
        const [times, states] = await Promise.all([
          reads.readTimes(accountId, connection.id, first.object, ids),
          timeline.mirrorStates(accountId, connection.id, first.object, ids),
        ]);
        return group.map((record) => ({
          record,
          provider: connection.provider,
          name: record.object === 'contact' ? home.name : (names.get(recordKey(record)) ?? null),
          url: recordUrl(connection, record),
          readAt: times.get(record.id)?.at ?? null,
          isDeleted: times.get(record.id)?.isDeleted ?? false,
          mirror: states.get(record.id) ?? null,
        }));
      }),
    );
    return told.flat();
  };
}

function distinct(records: readonly RecordRef[]): RecordRef[] {
  return [...new Map(records.map((record) => [recordKey(record), record])).values()];
}
