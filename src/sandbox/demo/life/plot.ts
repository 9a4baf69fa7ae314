import { type Chance, createChance } from './chance.ts';
import { createPeople, type Disguise, type Person, REGIONS } from './people.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Who works when: weekends are quiet. From Sunday on. */
const WEEK = [0.35, 1, 1.1, 1.1, 1.05, 0.9, 0.4];
/** August and the days around Christmas are slow, spring and autumn are busy. From January on. */
const YEAR = [0.85, 0.95, 1.15, 1.15, 1.1, 1, 0.8, 0.65, 1.15, 1.25, 1.2, 0.75];
/** How many refer at the beginning for one who refers at the end. */
const FIRST_DAYS = 0.35;

/** The stages of HubSpot's own pipeline, and how long a deal stays in each on average. */
const WAY = [
  ['appointmentscheduled', 4],
  ['qualifiedtobuy', 6],
  ['presentationscheduled', 6],
  ['decisionmakerboughtin', 5],
  ['contractsent', 7],
] as const;
export const FIRST_STAGE = WAY[0][0];
export const WON_STAGE = 'closedwon';
const LAST_STAGE = WAY[4][0];
const LOST = 'closedlost';
/** How much later than a deal takes on average its rep says that it will close, how far such a word is off, and how many reps give none. */
const CAUTION = 1.4;
const ESTIMATE_SPREAD = 0.35;
const NO_CLOSE_DATE = 0.03;
const [SUNDAY, SATURDAY] = [0, 6];

/** How a friend is tied to the member: by the rep's label, by the code that the friend gave, or by what the website submits. */
export type Channel = 'label' | 'code' | 'submission';

export interface Member extends Person {
  readonly joinedAt: number;
  /** Enrolled by the website, with a code from the first day; others become members by the first friend who names them. */
  readonly isEnrolled: boolean;
}

export interface Friend extends Person {
  readonly member: number;
  readonly channel: Channel;
}

export interface Deal {
  readonly friend: number;
  readonly name: string;
  readonly amount: string;
  readonly currency: string;
}

export type Claim = 'wrong_member' | 'not_rewarded' | 'wrong_amount';

/** Something that people do, and when. Members, friends and deals are named by their place in the plot's lists. */
export type Scene = { readonly at: number } & (
  | { readonly kind: 'join'; readonly member: number }
  | { readonly kind: 'refer'; readonly friend: number }
  /** `closesAt`: when its rep then says that it will close; null when they say nothing. */
  | { readonly kind: 'open'; readonly deal: number; readonly closesAt: number | null }
  | { readonly kind: 'move'; readonly deal: number; readonly stage: string; readonly closesAt: number | null }
  | { readonly kind: 'amend'; readonly deal: number; readonly amount: string }
  | { readonly kind: 'delete'; readonly deal: number }
  | { readonly kind: 'refund'; readonly deal: number; readonly amount: string }
  | { readonly kind: 'dispute'; readonly friend: number; readonly claim: Claim; readonly instead: number }
);

export interface Plot {
  readonly from: number;
  readonly until: number;
  readonly members: readonly Member[];
  readonly friends: readonly Friend[];
  readonly deals: readonly Deal[];
  /** In the order of the times. */
  readonly scenes: readonly Scene[];
}

export interface PlotOptions {
  readonly seed: number;
  readonly members: number;
  readonly referrals: number;
  readonly from: number;
  readonly until: number;
}

/** What the people of a company do for two years: nothing of it knows Wonward, and the same seed gives the same. */
export function writePlot(options: PlotOptions): Plot {
  const { from, until } = options;
  const chance = createChance(options.seed);
  const closing = createClosing(options.seed);
  const people = createPeople(chance);
  const days = rhythm(from, until);

  const members: Member[] = Array.from({ length: options.members }, (_, index) => ({
    ...people.person(),
    // Somebody has to be there on the first day.
    joinedAt: index === 0 ? from : from + chance.next() ** 1.6 * (until - from) * 0.97,
    isEnrolled: chance.chance(0.65),
  })).sort((a, b) => a.joinedAt - b.joinedAt);
  const popular = audience(members, chance);

  const times = Array.from({ length: options.referrals }, () => days.time(chance)).sort((a, b) => a - b);
  const friends: Friend[] = [];
  const deals: Deal[] = [];
  const scenes: Scene[] = members.map(({ joinedAt }, member) => ({ kind: 'join', at: joinedAt, member }));
  let rush: { member: number; left: number; at: number } | null = null;

  for (const time of times) {
    // Now and then somebody sells their whole address book in an afternoon.
    if (!rush && chance.chance(0.0025)) rush = { member: popular.at(time), left: 7 + chance.integer(6), at: time };
    const at: number = rush ? Math.max(time, rush.at) : time;
    const member = rush ? rush.member : popular.at(time);
    if (rush) {
      rush.left -= 1;
      if (rush.left === 0) rush = null;
      else rush.at = at + chance.between(60_000, HOUR / 2);
    }
    const friend = friends.length;
    friends.push(befriend(members[member] as Member, member));
    if (at >= until) continue;
    scenes.push({ kind: 'refer', at, friend });
    const bought = chance.chance(0.7) ? sell(friend, at + chance.between(0.3, 16) * DAY, 0.46) : null;
    if (bought !== null && chance.chance(0.14)) sell(friend, bought + chance.between(30, 200) * DAY, 0.75);
    if (bought !== null && chance.chance(0.015)) {
      const claim = chance.pick(['wrong_member', 'not_rewarded', 'wrong_amount'] as const);
      scenes.push({
        kind: 'dispute',
        at: bought + chance.between(1, 20) * DAY,
        friend,
        claim,
        instead: popular.at(time),
      });
    }
  }

  function befriend(of: Member, member: number): Friend {
    const how = chance.weighed<Disguise | null>([
      [null, 960],
      ['same_phone', 12],
      ['throw_away', 10],
      ['colleague', 12],
      ['own_mailbox', 6],
    ]);
    // Friends mostly live where the member does.
    const person = how ? people.disguised(of, how) : people.person(chance.chance(0.8) ? of.region : undefined);
    const channel = of.isEnrolled
      ? chance.weighed<Channel>([
          ['code', 50],
          ['submission', 28],
          ['label', 22],
        ])
      : 'label';
    return { ...person, member, channel };
  }

  /** Follows a deal from stage to stage. @returns when it was won; null when it was not, or not yet. */
  function sell(friend: number, openedAt: number, odds: number): number | null {
    const { company, region } = friends[friend] as Friend;
    const { currency, per } = REGIONS[region];
    const worth = chance.around(3_200, 0.85) * per;
    const amountOf = (share: number) =>
      currency === 'JPY'
        ? String(Math.round((worth * share) / 1_000) * 1_000)
        : `${Math.round((worth * share) / 10) * 10}.00`;
    const deal = deals.length;
    deals.push({
      friend,
      name: `${company}, ${chance.pick(['Starter', 'Team', 'Business', 'Enterprise'])} plan`,
      amount: amountOf(1),
      currency,
    });
    const expected = closing.ofDeal();
    scenes.push({ kind: 'open', at: openedAt, deal, closesAt: expected(openedAt, FIRST_STAGE) });
    const isWon = chance.chance(odds);
    // Some are never touched again; others end somewhere on the way.
    const steps = isWon ? WAY.length : chance.integer(WAY.length) + 1;
    const isForgotten = !isWon && chance.chance(0.05);
    let at = openedAt;
    for (const [index, [stage, days]] of WAY.slice(0, steps).entries()) {
      if (index > 0) scenes.push({ kind: 'move', at, deal, stage, closesAt: expected(at, stage) });
      at += (0.2 + chance.lasting(days)) * DAY;
    }
    if (isForgotten) return null;
    scenes.push({ kind: 'move', at, deal, stage: isWon ? WON_STAGE : LOST, closesAt: null });
    if (!isWon) return null;
    const later = at + chance.between(1, 40) * DAY;
    chance.weighed<() => void>([
      [() => undefined, 860],
      [() => reopen(deal, later, expected(later, LAST_STAGE)), 60],
      [() => scenes.push({ kind: 'amend', at: later, deal, amount: amountOf(chance.between(0.5, 0.9)) }), 35],
      [() => scenes.push({ kind: 'amend', at: later, deal, amount: amountOf(chance.between(1.1, 1.5)) }), 15],
      [() => scenes.push({ kind: 'refund', at: later, deal, amount: amountOf(chance.between(0.2, 0.8)) }), 25],
      [() => scenes.push({ kind: 'delete', at: later, deal }), 5],
    ])();
    return at;
  }

  function reopen(deal: number, at: number, closesAt: number | null): void {
    scenes.push({ kind: 'move', at, deal, stage: LAST_STAGE, closesAt });
    const end = chance.weighed([
      [LOST, 6],
      [WON_STAGE, 3],
      [null, 1],
    ]);
    if (end !== null)
      scenes.push({ kind: 'move', at: at + (0.5 + chance.lasting(6)) * DAY, deal, stage: end, closesAt: null });
  }

  const seen = scenes.map((scene) => ({ ...scene, at: Math.floor(scene.at) })).filter(({ at }) => at < until);
  return { from, until, members, friends, deals, scenes: seen.sort((a, b) => a.at - b.at) };
}

/** What reps say of when a deal will close: anew with each stage, on a working day. By draws of its own, so that nothing else hangs on them. */
function createClosing(seed: number) {
  const chance = createChance(seed + 2);
  return {
    /** Whose rep gives such a date at all gives one each time. */
    ofDeal() {
      const isGiven = !chance.chance(NO_CLOSE_DATE);
      return (at: number, stage: string): number | null => {
        const place = WAY.findIndex(([name]) => name === stage);
        const left = WAY.slice(place).reduce((days, [, mean]) => days + mean, 0);
        const guess = at + chance.around(left * CAUTION, ESTIMATE_SPREAD) * DAY;
        return isGiven ? workingDay(guess) : null;
      };
    },
  };
}

/** The noon of that day, or of the Monday after it. */
function workingDay(at: number): number {
  const noon = Math.floor(at / DAY) * DAY + DAY / 2;
  const day = new Date(noon).getUTCDay();
  return noon + (day === SATURDAY ? 2 : day === SUNDAY ? 1 : 0) * DAY;
}

/** Days that are as busy as their season, their weekday, and the age of the program make them. */
function rhythm(from: number, until: number) {
  const sums: number[] = [];
  let sum = 0;
  for (let at = from; at < until; at += DAY) {
    const date = new Date(at);
    const age = (at - from) / (until - from);
    sum += (WEEK[date.getUTCDay()] ?? 1) * (YEAR[date.getUTCMonth()] ?? 1) * (FIRST_DAYS + (1 - FIRST_DAYS) * age);
    sums.push(sum);
  }
  return {
    time(chance: Chance): number {
      const day = placeOf(sums, chance.next() * sum);
      // In the working day, mostly.
      const hour = chance.chance(0.85) ? chance.between(7, 19) : chance.between(0, 24);
      return Math.min(until - 1, from + day * DAY + hour * HOUR);
    },
  };
}

/** Few members bring most friends; only who has joined brings any. */
function audience(members: readonly Member[], chance: Chance) {
  const sums: number[] = [];
  let sum = 0;
  for (const _ of members) {
    sum += Math.min(40, (1 - chance.next()) ** -0.75);
    sums.push(sum);
  }
  const joined = members.map(({ joinedAt }) => joinedAt);
  return {
    at(time: number): number {
      const count = Math.max(1, placeOf(joined, time));
      return Math.min(count - 1, placeOf(sums, chance.next() * (sums[count - 1] ?? 0)));
    },
  };
}

/** The place of the first number that is more than `value`; `numbers` rise. */
function placeOf(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
