import type Database from 'better-sqlite3';
import type { Random } from '../crash/random.ts';
import type { Counters, Weather } from './faults.ts';
import type { NodeLife } from './network.ts';
import type { SimNode } from './node.ts';
import type { Moved } from './oracle.ts';
import type { Scheduler } from './scheduler.ts';

const MINUTE = 60_000;

/** Nobody waits longer for an answer before asking again. */
const PATIENCE_MS = 4 * MINUTE;

/** How often somebody may hear of what is being paid, and for how long: most of what happens happens in the first minutes. */
const LOOKS_EVERY_MS = 15_000;
const LOOKS_UNTIL_MS = 10 * MINUTE;
const HEARS_OF = 0.3;

export interface Disputes {
  begin(): void;
  /** In the order in which they were answered. */
  readonly moved: readonly Moved[];
  /** Whether somebody still waits for an answer. */
  readonly isOpen: boolean;
}

interface Word {
  readonly referralId: string;
  readonly contactId: string;
  readonly memberId: string;
  readonly memberContactId: string;
  readonly askedAt: number;
  /** What nodes were told that have not answered yet. */
  readonly unanswered: Set<{ readonly life: NodeLife }>;
  isAnswered: boolean;
}

/**
 * An admin who gives referrals to other members, now and then twice and to two nodes, and again until there is an answer. Of one referral one
 * word is said at a time: of two at once nobody could tell which was the last.
 */
export function createDisputes(
  {
    accountId,
    db,
    scheduler,
    random,
    weather,
    counters,
  }: {
    accountId: string;
    db: Database.Database;
    scheduler: Scheduler;
    random: Random;
    weather: Weather;
    counters: Counters;
  },
  nodes: () => readonly SimNode[],
): Disputes {
  const moved: Moved[] = [];
  const open = new Map<string, Word>();

  /** About what is being paid right now, as people do who hear of it. */
  function disputeWhatIsPaid(): void {
    const paid = db
      .prepare(
        `select distinct referral_id from rewards where account_id = ? and party = 'member' and state = 'issuing' order by 1`,
      )
      .pluck()
      .all(accountId) as string[];
    if (paid.length > 0 && random.chance(HEARS_OF)) dispute(paid);
  }

  function dispute(among?: readonly string[]): void {
    const referrals = db
      .prepare(
        'select id, member_id, contact_id from referrals where account_id = ? and contact_id is not null order by id',
      )
      .all(accountId) as Array<{ id: string; member_id: string; contact_id: string }>;
    const free = referrals.filter(({ id }) => !open.has(id) && (among?.includes(id) ?? true));
    if (free.length === 0) return;
    const { id, member_id, contact_id } = random.pick(free);
    const others = db
      .prepare(
        'select id, contact_id from members where account_id = ? and id <> ? and contact_id is not null and contact_id <> ? order by id',
      )
      .all(accountId, member_id, contact_id) as Array<{ id: string; contact_id: string }>;
    if (others.length === 0) return;
    const next = random.pick(others);
    const word: Word = {
      referralId: id,
      contactId: contact_id,
      memberId: next.id,
      memberContactId: next.contact_id,
      askedAt: scheduler.now(),
      unanswered: new Set(),
      isAnswered: false,
    };
    open.set(id, word);
    scheduler.note('support', `gives the referral of contact ${contact_id} to contact ${next.contact_id}`);
    say(word);
  }

  function say(word: Word): void {
    const up = nodes().filter(({ life }) => life !== null);
    for (let times = random.chance(0.4) ? 2 : 1; times > 0 && up.length > 0; times -= 1) sayTo(word, random.pick(up));
    scheduler.after(PATIENCE_MS, () => lookAgain(word));
  }

  function sayTo(word: Word, { container, life }: SimNode): void {
    if (!container || !life) return;
    const said = { life };
    word.unanswered.add(said);
    container
      .reattribute(accountId, word.referralId, { memberId: word.memberId, by: 'support', why: 'they met first' })
      .then(
        (result) => {
          if (word.isAnswered) return;
          word.isAnswered = true;
          if (result.kind === 'refused') scheduler.note('support', `is refused: ${result.code}`);
          else take(word);
        },
        (error: unknown) => scheduler.note('support', `is not heard: ${String(error)}`),
      )
      .finally(() => word.unanswered.delete(said));
  }

  function take({ contactId, memberContactId, askedAt }: Word): void {
    counters['referral moved'] += 1;
    moved.push({ contactId, memberContactId, askedAt, answeredAt: scheduler.now() });
  }

  /** What a node that has stopped was told it may still do when it goes on; what one that has died was told it never will. */
  function lookAgain(word: Word): void {
    if ([...word.unanswered].some(({ life }) => life.isAlive)) scheduler.after(PATIENCE_MS, () => lookAgain(word));
    else if (word.isAnswered) open.delete(word.referralId);
    else say(word);
  }

  return {
    moved,
    get isOpen() {
      return [...open.values()].some(({ isAnswered }) => !isAnswered);
    },
    begin() {
      const isAbout = weather.theme === 'disputes';
      if (!isAbout && !(weather.theme === 'tiers' && random.chance(0.4))) return;
      for (let count = isAbout ? random.integer(2, 6) : random.integer(1, 2); count > 0; count -= 1)
        scheduler.after(random.integer(1, weather.spanMs), () => dispute());
      if (isAbout)
        for (let at = LOOKS_EVERY_MS; at < LOOKS_UNTIL_MS; at += LOOKS_EVERY_MS) scheduler.after(at, disputeWhatIsPaid);
    },
  };
}
