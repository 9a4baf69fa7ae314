import type Database from 'better-sqlite3';
import type { MirrorOutcome, MirrorRow } from '../../src/application/ports/crm.ts';
import type { MemberRow, RecordRows, ReferralRow, RewardRow } from '../../src/domain/mirror.ts';
import type { Portal, SimContact, SimDeal } from './crm.ts';
import { type Books, contactShows } from './laws.ts';

/*
 * Rows of our own objects in a CRM that has them, by our keys, and law 5 for them. A row is written by its key: what is there already is
 * changed, and what is not named stays. It names records by look-ups, which the CRM moves along when two of them become one.
 */

export interface SimMember extends Omit<MemberRow, 'own'> {
  own?: NonNullable<MemberRow['own']>;
}

export interface SimReferral extends Omit<ReferralRow, 'friendContactId'> {
  friendContact: string | null;
  friendLead: string | null;
}

export interface SimRows {
  readonly members: Map<string, SimMember>;
  readonly referrals: Map<string, SimReferral>;
  readonly rewards: Map<string, RewardRow>;
  /** Rows that a write has made other than they were: what is there already may be written once more. */
  changes: number;
}

export interface RowsDeps {
  readonly rows: SimRows;
  readonly contacts: ReadonlyMap<string, SimContact>;
  readonly deals: ReadonlyMap<string, SimDeal>;
  /** Somebody else has the row locked. */
  readonly isLocked: () => boolean;
  /** The call breaks off before this object's rows; what was written before stays. */
  readonly breaksOff: () => boolean;
  readonly onGone: () => void;
}

interface Write {
  /** Records that it is about: of each, the worst of its rows is the outcome. */
  readonly about: Set<string>;
  /** Undefined when it was written. */
  apply(): 'gone' | 'retry' | undefined;
}

/** Members before referrals before rewards, each row by itself; every record gets one outcome. */
export function writeRows(deps: RowsDeps, given: readonly MirrorRow[]): MirrorOutcome[] | null {
  const { rows, contacts, deals } = deps;
  const isGone = (id: string | null | undefined) => {
    const record = contacts.get(id ?? '') ?? deals.get(id ?? '');
    return id !== null && id !== undefined && (!record || record.isDeleted || record.mergedInto !== null);
  };
  const put = <R extends object>(of: Map<string, R>, key: string, row: R) => {
    if (JSON.stringify(of.get(key)) !== JSON.stringify(row)) rows.changes += 1;
    of.set(key, row);
    return undefined;
  };
  const writes = [new Map<string, Write>(), new Map<string, Write>(), new Map<string, Write>()] as const;
  const add = (of: Map<string, Write>, key: string, about: string, apply: Write['apply']) => {
    const known = of.get(key);
    if (!known) of.set(key, { about: new Set([about]), apply });
    else
      of.set(key, {
        about: known.about.add(about),
        // One row, though several records tell of it: all that is known of it goes out together or not at all.
        apply: () => known.apply() ?? apply(),
      });
  };
  for (const { id, values } of given) {
    const told = values as RecordRows;
    for (const row of told.members)
      add(writes[0], row.key, id, () => {
        if (isGone(row.own?.contactId)) return 'gone';
        return put(rows.members, row.key, { ...rows.members.get(row.key), ...row });
      });
    for (const row of told.referrals)
      add(writes[1], row.key, id, () => {
        const { friendContactId, ...rest } = row;
        if (!rows.members.has(row.memberKey)) return 'retry';
        if (isGone(friendContactId) || isGone(row.dealId)) return 'gone';
        const before = rows.referrals.get(row.key) ?? { friendContact: null, friendLead: null };
        const named =
          friendContactId === null
            ? {}
            : { [contacts.get(friendContactId)?.isLead ? 'friendLead' : 'friendContact']: friendContactId };
        return put(rows.referrals, row.key, {
          ...before,
          ...rest,
          ...named,
          ...(row.isErased ? { friendContact: null, friendLead: null } : {}),
        });
      });
    for (const row of told.rewards)
      add(writes[2], row.key, id, () => {
        if (!rows.referrals.has(row.referralKey)) return 'retry';
        if (isGone(row.dealId)) return 'gone';
        return put(rows.rewards, row.key, row);
      });
  }
  const outcomes = new Map<string, MirrorOutcome>(given.map(({ id }) => [id, { id, result: 'written' }]));
  for (const of of writes) {
    if (of.size > 0 && deps.breaksOff()) return null;
    for (const { about, apply } of of.values()) {
      const result = deps.isLocked() ? 'retry' : apply();
      if (result === 'gone') deps.onGone();
      for (const id of result === undefined ? [] : about)
        if (outcomes.get(id)?.result !== 'gone')
          outcomes.set(id, result === 'gone' ? { id, result } : { id, result: 'retry', detail: 'refused for now' });
    }
  }
  return [...outcomes.values()];
}

/** Two people became one: what named the one who is gone names the other. */
export function moveLookups({ members, referrals }: SimRows, from: string, to: string): void {
  for (const member of members.values())
    if (member.own?.contactId === from) member.own = { ...member.own, contactId: to };
  for (const referral of referrals.values()) {
    if (referral.friendContact === from) referral.friendContact = to;
    if (referral.friendLead === from) referral.friendLead = to;
  }
}

/** Law 5 for rows: each is what the books say, none is there twice, none is missing, and none names somebody who was forgotten. */
export function rowsAreRight(books: Books, db: Database.Database): string[] {
  const { portal } = books;
  const rows = portal.rows as SimRows;
  return [
    ...membersAreRight(books, rows),
    ...referralsAreRight(books, rows),
    ...rewardsAreRight(books, rows),
    ...nobodyIsRemembered(books, rows, db),
  ];
}

function livingOf({ contacts }: Portal, id: string | null): SimContact | undefined {
  let record = contacts.get(id ?? '');
  while (record?.mergedInto) record = contacts.get(record.mergedInto);
  return record?.isDeleted ? undefined : record;
}

function membersAreRight(books: Books, rows: SimRows): string[] {
  const { portal, members, referrals } = books;
  const problems: string[] = [];
  for (const key of rows.members.keys())
    if (!members.some(({ id }) => id === key)) problems.push(`law 5: a row is of member ${key}, whom nobody knows`);
  for (const member of members) {
    const contact = livingOf(portal, member.contact_id);
    if (!contact) continue;
    const row = rows.members.get(member.id);
    if (!row) {
      problems.push(`law 5: member ${member.id}, contact ${contact.id}, has no row`);
      continue;
    }
    if (row.code !== member.code) problems.push(`law 5: the row of member ${member.id} shows code ${row.code}`);
    if (row.own?.contactId !== contact.id)
      problems.push(
        `law 5: the row of member ${member.id} names contact ${row.own?.contactId}, should be ${contact.id}`,
      );
    const shown = { ...contact, mirror: { memberId: row.key, code: row.code, ...row.own } as never };
    const asFriend = referrals.filter(({ contact_id }) => livingOf(portal, contact_id)?.id === contact.id);
    problems.push(...contactShows(books, shown, member, asFriend));
  }
  return problems;
}

function referralsAreRight({ portal, referrals }: Books, rows: SimRows): string[] {
  const problems: string[] = [];
  for (const key of rows.referrals.keys())
    if (!referrals.some(({ id }) => id === key))
      problems.push(`law 5: a row is of referral ${key}, which nobody knows`);
  for (const referral of referrals) {
    const contact = livingOf(portal, referral.contact_id);
    if (!contact || referral.friend_erased_at !== null) continue;
    const row = rows.referrals.get(referral.id);
    const name = `the row of referral ${referral.id}`;
    if (!row) {
      problems.push(`law 5: referral ${referral.id}, contact ${contact.id}, has no row`);
      continue;
    }
    if (row.memberKey !== referral.member_id)
      problems.push(`law 5: ${name} is member ${row.memberKey}'s, should be ${referral.member_id}'s`);
    if (row.stage !== referral.stage) problems.push(`law 5: ${name} shows ${row.stage}, should be ${referral.stage}`);
    const shown = contact.isLead ? row.friendLead : row.friendContact;
    if (shown !== contact.id)
      problems.push(`law 5: ${name} names ${contact.isLead ? 'lead' : 'contact'} ${shown}, should be ${contact.id}`);
  }
  return problems;
}

function rewardsAreRight({ portal, decisions, rewards }: Books, rows: SimRows): string[] {
  const problems: string[] = [];
  const nameOf = (referralId: string, dealId: string | null, party: string) => `${referralId} ${dealId} ${party}`;
  const ought = new Map<string, string[]>();
  const isThere = (id: string | null) => portal.deals.get(id ?? '')?.isDeleted === false;
  const chains = Map.groupBy(decisions, (one) => `${one.referral_id} ${one.deal_id} ${one.rule_key}`);
  for (const chain of chains.values()) {
    const newest = chain.toSorted((a, b) => b.recorded_at - a.recorded_at || b.sequence - a.sequence)[0];
    if (!newest || !isThere(newest.deal_id)) continue;
    const reward = rewards.find(({ id }) => id === newest.reward_id);
    const state = reward?.state ?? (newest.outcome === 'history' ? 'skipped' : newest.outcome);
    const key = nameOf(newest.referral_id, newest.deal_id, newest.party);
    ought.set(key, [...(ought.get(key) ?? []), state]);
  }
  const present = [...rows.rewards.values()].filter(({ dealId }) => isThere(dealId));
  const shown = Map.groupBy(present, (row) => nameOf(row.referralKey, row.dealId, row.party));
  for (const key of new Set([...ought.keys(), ...shown.keys()])) {
    const told = (shown.get(key) ?? []).map(({ state }) => state).sort();
    const wanted = (ought.get(key) ?? []).sort();
    if (told.join() !== wanted.join())
      problems.push(
        `law 5: the rows of rewards of ${key} show ${told.join(', ') || 'nothing'}, should be ${wanted.join(', ') || 'nothing'}`,
      );
  }
  const doubles = Map.groupBy(present, (row) => `${nameOf(row.referralKey, row.dealId, row.party)} ${row.rule}`);
  for (const [key, several] of doubles)
    if (several.length > 1) problems.push(`law 5: ${several.length} rows tell of the reward of ${key}`);
  return problems;
}

/** Of somebody who was forgotten nothing is known here, and no row leads to them. */
function nobodyIsRemembered(
  { accountId, connectionId, referrals, portal }: Books,
  rows: SimRows,
  db: Database.Database,
): string[] {
  const problems = referrals
    .filter(({ friend_erased_at }) => friend_erased_at !== null)
    .flatMap(({ id }) => {
      const { friendContact = null, friendLead = null } = rows.referrals.get(id) ?? {};
      const named = [friendContact, friendLead].filter((one) => one !== null);
      return named.length > 0 ? [`law 5: the row of referral ${id} names ${named.join()}, who was forgotten`] : [];
    });
  const known = db
    .prepare(`select record_id, facts from records where account_id = ? and connection_id = ? and object = 'contact'`)
    .all(accountId, connectionId) as Array<{ record_id: string; facts: string }>;
  const named = db
    .prepare('select id, contact_id, friend_email from referrals where account_id = ? and friend_email is not null')
    .all(accountId) as Array<{ id: string; contact_id: string | null; friend_email: string }>;
  for (const id of portal.erased) {
    const email = portal.contacts.get(id)?.email ?? '';
    for (const { record_id, facts } of known)
      if (email !== '' && facts.includes(email))
        problems.push(`privacy: what is known of contact ${record_id} holds the address of ${id}, who was forgotten`);
    for (const one of named)
      if (one.friend_email === email)
        problems.push(`privacy: referral ${one.id} holds the address of ${id}, who was forgotten`);
  }
  return problems;
}
