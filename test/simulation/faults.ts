import type { Random } from '../crash/random.ts';

/** Every way in which a history is made hard. Each has to strike often: `main.ts` counts them. */
export const FAULT_CLASSES = [
  'hint duplicated',
  'hint reordered',
  'hint lost',
  'hint late by a minute or more',
  'hint late by an hour or more',
  'acknowledgement lost',
  'call answered late',
  'call given up, and done later',
  'call answered in part',
  'answer lost after the effect',
  'call timed out',
  '429',
  '5xx',
  'token refused',
  'authorisation revoked',
  'node crashed between two steps',
  'node crashed inside a transaction',
  'node crashed after a commit, before it knew',
  'node paused',
  'node stopped in the middle of its work',
  'clock jumped',
  'clocks apart',
  'disconnected by an admin',
  'reconnected',
  'program published',
  'pipeline changed',
  'property deleted by a customer',
  'member created by API',
  'referral created by API',
  'deal lost or re-opened after a win',
  'amount or currency changed',
  'deal detached',
  'deal attached',
  'record merged',
  'record deleted',
  'record restored',
  'payout answered late',
  'payout answer lost',
  'payout unknown',
  'payout refused',
  'payout asked twice',
  'budget filled',
  'reward reviewed',
  'referral moved',
  'case decided',
  'payout told of later',
  'deal copied into another CRM',
  'action called again',
  'action’s answer lost',
  'click repeated',
  'said twice by an admin',
  'history released',
  'stage changed in the CRM',
  'order paid by hand',
  'batch approved',
  'task made',
  'webhook sent twice',
  'webhook refused',
  'webhook switched off or on',
  'test begun',
  'test ended',
] as const;

/** Those of a CRM that calls nobody and shows rows of our objects: they strike where a history is about one, and nowhere else. */
export const ORG_FAULT_CLASSES = [
  'stream ended',
  'stream shut for a while',
  'place in the stream forgotten',
  'event came twice',
  'event late by a minute or more',
  'event lost',
  'changes told without records',
  'listening moved to another node',
  'node died with a batch in its hands',
  'row refused for now',
  'rows written in part',
  'row named a record that was gone',
  'lead converted',
  'lead converted into a contact that was there',
  'person merged',
  'person erased',
] as const;

export type FaultClass = (typeof FAULT_CLASSES)[number] | (typeof ORG_FAULT_CLASSES)[number];

export type Counters = Record<FaultClass, number>;

export function createCounters(): Counters {
  return Object.fromEntries([...FAULT_CLASSES, ...ORG_FAULT_CLASSES].map((name) => [name, 0])) as Counters;
}

/**
 * What most of a history's trouble is about. Some mistakes show only when rare things come together: a history that is about them makes them
 * come together often.
 */
export const THEMES = [
  'mixed',
  'reversals',
  'debts',
  'merges',
  'deletions',
  'overtaking',
  'stalls',
  'tokens',
  'disputes',
  'tiers',
  'risk',
  'news',
] as const;

/** Themes of what was built later. They are drawn apart: a seed that draws none of them lives as it did before there were any. */
export const LATER_THEMES = ['crms', 'credit', 'workflows', 'setup', 'console'] as const;

export type LaterTheme = (typeof LATER_THEMES)[number];

/**
 * Other systems want to be told. Drawn apart from those: what happens otherwise is what happens in any history, and referrals are submitted
 * and programs published as in the first ones.
 */
export const LISTENED_THEME = 'webhooks';

/** An admin tries programs out beside real life. Drawn apart from all of those, for the same reason. */
export const TRIED_THEME = 'trial';

/** The CRM is one that calls nobody: it is listened to, and shows rows of our objects. No seed draws it: it is asked for by name. */
export const ORG_THEME = 'org';

export const ALL_THEMES = [...THEMES, ...LATER_THEMES, LISTENED_THEME, TRIED_THEME, ORG_THEME] as const;

export type Theme = (typeof ALL_THEMES)[number];

/** The share of histories that are about one of the later themes. */
const LATER_SHARE = 0.35;
/** Of the others. */
const LISTENED_SHARE = 0.1;
/** Of those that are left. */
const TRIED_SHARE = 0.08;

export function drawLaterTheme(
  random: Random,
  listened: Random,
  tried: Random,
): LaterTheme | typeof LISTENED_THEME | typeof TRIED_THEME | null {
  if (random.chance(LATER_SHARE)) return random.pick(LATER_THEMES);
  if (listened.chance(LISTENED_SHARE)) return LISTENED_THEME;
  return tried.chance(TRIED_SHARE) ? TRIED_THEME : null;
}

export function isTheme(name: string): name is Theme {
  return ALL_THEMES.some((theme) => theme === name);
}

export function isLater(theme: Theme): theme is LaterTheme {
  return LATER_THEMES.some((later) => later === theme);
}

/** About what people do who set it up and who work at the console: what runs by the minute is a part of it. */
export function isOfPeople(theme: Theme): boolean {
  return theme === 'setup' || theme === 'console';
}

/** Schedules that run by the minute, where a history is about what they do. */
export function strokesIn(theme: Theme): ReadonlySet<string> {
  if (isOfPeople(theme)) return OF_PEOPLE;
  return theme === TRIED_THEME ? OF_TESTS : NONE;
}

const OF_PEOPLE: ReadonlySet<string> = new Set(['backfills', 'releases', 'case tasks', 'batches']);
const OF_TESTS: ReadonlySet<string> = new Set(['tests']);
const NONE: ReadonlySet<string> = new Set();

/** A risk policy is asked, and people decide what it leaves to them. */
export function isReviewed(theme: Theme): boolean {
  return theme === 'risk' || theme === 'console';
}

/** What may go wrong in one history, and how often. Each history has some of it, so that one fault does not hide another. */
export interface Weather {
  readonly theme: Theme;
  readonly spanMs: number;
  /** Most of what happens happens in a few seconds, on several deals of one friend, while nodes read and decide. */
  readonly isBusy: boolean;
  readonly nodes: number;
  /** Sweeps are off in most of the histories: there nothing makes up for a hint that was acknowledged and forgotten. */
  readonly sweeps: boolean;
  readonly sweepEveryMs: number;
  readonly duplicates: number;
  readonly losses: number;
  readonly delays: 'short' | 'minutes' | 'hours';
  readonly ackLosses: number;
  readonly crashes: number;
  readonly pauses: number;
  /** The share of claims in whose work the node is stopped, for longer than the claim lasts. */
  readonly stalls: number;
  readonly slowness: number;
  /** The share of the first node's calls that are slow: what it reads is old when it commits, and others have gone on. */
  readonly slowNode: number;
  /** The share of transactions that take up to seconds to begin: what other nodes do meanwhile comes between two of them. */
  readonly slowDatabase: number;
  readonly verySlow: number;
  readonly unavailable: number;
  readonly limited: number;
  readonly answersLost: number;
  readonly timeouts: number;
  readonly partial: number;
  readonly storms: number;
  readonly tokenLifetimeMs: number;
  readonly tokensRefused: number;
  readonly clockJumps: number;
  readonly skewMs: number;
  readonly revocation: boolean;
  readonly disconnect: boolean;
  readonly payoutTrouble: number;
  readonly payoutRefusals: number;
  /** The share of payout trouble that is an answer which takes up to minutes. */
  readonly payoutLate: number;
  /** The share of deleted records that somebody gets back, beside those that are got back by chance. */
  readonly restored: number;
  /** Of a CRM that is listened to; absent for one that calls. */
  readonly stream?: StreamWeather;
}

export interface StreamWeather {
  /** The share of batches after which the connection ends. */
  readonly ends: number;
  /** The share of connections that begin with what was told before. */
  readonly repeats: number;
  /** How often in a history nothing can be heard for a while. */
  readonly shuts: number;
  /** How often the CRM forgets what it has kept, and with it every place in it. What is lost then only a sweep can find. */
  readonly forgets: number;
  /** How often it tells that something has changed, and not what. */
  readonly overflows: number;
  /** The share of batches in whose keeping the node dies. */
  readonly deaths: number;
  /** The share of rows that are refused for now, as those that somebody else has locked. */
  readonly locks: number;
}

/** Nodes' clocks differ by no more than what leases and late answers leave room for. */
export function areClocksTrue({ skewMs, clockJumps }: Weather): boolean {
  return skewMs <= 2_000 && clockJumps === 0;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

export function drawWeather(random: Random, given: Theme | null): Weather {
  const some = (probability: number, value: number) => (random.chance(probability) ? value : 0);
  const drawn = random.pick(['mixed', 'mixed', 'mixed', 'mixed', 'mixed', ...THEMES] as const);
  const theme = given ?? drawn;
  const sweeps = random.chance(0.6);
  // In a history of minutes little is repaired by and by, so that what went wrong is still to be seen at its end.
  const spanMs = random.pick(
    theme === 'mixed' || theme === 'deletions' || theme === 'disputes'
      ? [10 * MINUTE, 2 * HOUR, 30 * HOUR]
      : [10 * MINUTE],
  );
  const mixed: Weather = {
    theme,
    spanMs,
    isBusy: theme !== 'mixed' || random.chance(0.35),
    nodes: random.pick([2, 2, 2, 3, 3, 4, 5]),
    sweeps,
    sweepEveryMs: Math.max(spanMs / 4, 5 * MINUTE),
    duplicates: some(0.8, 0.3),
    // Histories without sweeps must not lose what only a sweep can find.
    losses: sweeps ? some(0.7, random.pick([0.05, 0.3])) : 0,
    delays: random.pick(['short', 'minutes', 'hours']),
    ackLosses: some(0.5, 0.1),
    crashes: some(0.6, random.integer(1, 4)),
    pauses: some(0.4, random.integer(1, 3)),
    stalls: some(0.3, 0.02),
    slowness: some(0.5, 0.1),
    slowNode: some(0.4, 0.4),
    slowDatabase: some(0.4, random.pick([0.05, 0.2])),
    verySlow: some(0.4, 0.03),
    unavailable: some(0.5, 0.05),
    limited: some(0.5, 0.05),
    answersLost: some(0.5, 0.08),
    timeouts: some(0.4, 0.03),
    partial: some(0.5, 0.15),
    storms: some(0.3, random.integer(1, 2)),
    // In a history of days every other call would need a new one.
    tokenLifetimeMs:
      spanMs > 3 * HOUR ? random.pick([HOUR, 400 * HOUR, 400 * HOUR]) : random.pick([6 * MINUTE, 30 * MINUTE]),
    tokensRefused: some(0.4, 0.03),
    clockJumps: some(0.4, random.integer(1, 3)),
    skewMs: some(0.5, random.pick([2_000, 4 * MINUTE, HOUR])),
    revocation: sweeps && random.chance(0.75),
    disconnect: sweeps && random.chance(0.75),
    payoutTrouble: some(0.7, 0.4),
    payoutRefusals: some(0.4, 0.3),
    payoutLate: 1 / 3,
    restored: 0.75,
  };
  switch (theme) {
    case 'mixed':
      return mixed;
    case 'reversals':
      return {
        ...mixed,
        ...unswept(random),
        payoutTrouble: 0.8,
        payoutLate: 0.8,
        slowDatabase: random.pick([0, 0.2, 0.5]),
        storms: 0,
      };
    // What was issued shrinks, is taken back and is kept from what is owed next, also while the provider is being asked. Little else happens.
    case 'debts':
      return {
        ...mixed,
        ...unswept(random),
        delays: 'short',
        payoutTrouble: random.pick([0, 0.7]),
        payoutLate: 0.9,
        payoutRefusals: 0,
        crashes: 0,
        pauses: 0,
        stalls: 0,
        storms: 0,
        clockJumps: 0,
        skewMs: 0,
        slowDatabase: 0,
        ackLosses: 0,
      };
    // Referrals are given to other members while deals are won and lost and their rewards are being paid.
    case 'disputes':
      return {
        ...mixed,
        ...unswept(random),
        isBusy: random.chance(0.5),
        ...noLateWord,
        payoutTrouble: random.pick([0, 0.7]),
        payoutLate: 0.8,
        storms: 0,
      };
    // Several friends of one member are won at the same time, and which of them was the second is for whoever looks first.
    case 'tiers':
      return {
        ...mixed,
        ...unswept(random),
        ...noLateWord,
        slowNode: 0.6,
        slowDatabase: random.pick([0, 0.2, 0.5]),
        storms: 0,
      };
    // Something speaks against some of the friends; people say what they make of it at any moment.
    case 'risk':
      return { ...mixed, ...unswept(random), ...noLateWord, storms: 0 };
    // What was given is used, sent back or cancelled, and told of late, twice and in another order.
    case 'news':
      return {
        ...mixed,
        ...unswept(random),
        ...noLateWord,
        payoutTrouble: 0.6,
        payoutLate: 0.8,
        payoutRefusals: 0,
        storms: 0,
      };
    case 'merges':
      return { ...mixed, ...(random.chance(0.7) ? unswept(random) : {}), revocation: false, disconnect: false };
    case 'overtaking':
      return {
        ...mixed,
        ...unswept(random),
        delays: 'short',
        nodes: 2,
        slowNode: 0.7,
        slowness: 0,
        duplicates: 0,
        ackLosses: 0,
        crashes: 0,
        pauses: 0,
        stalls: 0,
        storms: 0,
        unavailable: 0,
        limited: 0,
      };
    case 'deletions':
      return random.chance(0.3)
        ? { ...mixed, ...unswept(random) }
        : {
            ...mixed,
            isBusy: random.chance(0.3),
            sweeps: true,
            losses: random.pick([0.3, 0.8]),
            delays: 'short',
            revocation: false,
            disconnect: false,
            restored: 0.3,
          };
    case 'stalls':
      return {
        ...mixed,
        ...unswept(random),
        stalls: 0.1,
        slowDatabase: random.pick([0, 0.2]),
        slowNode: 0.4,
        crashes: 0,
        storms: 0,
      };
    // What is known of one person in two CRMs, while either of them changes. Who was not found at once is found by a sweep.
    case 'crms':
      return {
        ...mixed,
        ...noLateWord,
        sweeps: true,
        sweepEveryMs: spanMs,
        losses: random.pick([0, 0, 0, 0.1]),
        delays: random.pick(['short', 'short', 'minutes']),
        slowNode: random.pick([0.1, 0.6]),
        // Who is met in both at once is decided on by two nodes between the look of either and its commit.
        slowDatabase: random.pick([0, 0.2, 0.5]),
        storms: 0,
        revocation: false,
        disconnect: false,
      };
    case 'credit':
      return { ...mixed, ...unswept(random), ...noLateWord, slowNode: random.pick([0.1, 0.6]), storms: 0 };
    // Workflows and cards call again until they are answered, while nodes die and answers get lost. Every answer may be read twice.
    case 'workflows':
      return { ...mixed, ...unswept(random), ...noLateWord, crashes: random.pick([0, 3, 6]), storms: 0 };
    // An admin connects a CRM that has a past, chooses programs and releases history, while somebody changes the pipelines there.
    case 'setup':
      return {
        ...mixed,
        ...noLateWord,
        sweeps: true,
        sweepEveryMs: random.pick([3, 5]) * MINUTE,
        losses: random.pick([0, 0, 0.1]),
        delays: random.pick(['short', 'short', 'minutes']),
        crashes: random.pick([0, 2, 5]),
        skewMs: random.pick([0, 2_000]),
        clockJumps: 0,
        revocation: false,
        disconnect: false,
      };
    // Reviewers, finance and admins work at once, on what is won and lost meanwhile.
    case 'console':
      return {
        ...mixed,
        ...unswept(random),
        ...noLateWord,
        crashes: random.pick([0, 2, 5]),
        slowDatabase: random.pick([0, 0.2, 0.5]),
        payoutRefusals: 0,
        skewMs: random.pick([0, 0, 2_000, 4 * MINUTE]),
        clockJumps: 0,
        storms: 0,
      };
    // Nodes die between any two steps of what is committed, told and answered. Those who listen have troubles of their own.
    case 'webhooks':
      return {
        ...mixed,
        ...unswept(random),
        ...noLateWord,
        crashes: random.pick([2, 5, 8]),
        slowDatabase: random.pick([0, 0.2, 0.5]),
        skewMs: random.pick([0, 2_000]),
        clockJumps: 0,
        storms: 0,
      };
    // Nodes die between any two steps of what begins, hears of, shows and ends a test; where it is swept, its connection may get lost as well.
    case 'trial':
      return {
        ...mixed,
        ...(random.chance(0.7) ? unswept(random) : {}),
        ...noLateWord,
        crashes: random.pick([2, 5, 8]),
        slowDatabase: random.pick([0, 0.2, 0.5]),
        slowNode: random.pick([0, 0.4]),
        skewMs: random.pick([0, 2_000]),
        clockJumps: 0,
      };
    // What changed is told on a stream that ends, forgets and repeats itself; leads become contacts, people are merged and forgotten.
    case 'org': {
      const isSwept = random.chance(0.5);
      const isLong = isSwept && random.chance(0.4);
      return {
        ...mixed,
        ...noLateWord,
        ...(isSwept ? {} : unswept(random)),
        sweeps: isSwept,
        spanMs: isLong ? 90 * MINUTE : 10 * MINUTE,
        sweepEveryMs: isLong ? 10 * MINUTE : 5 * MINUTE,
        losses: isSwept ? random.pick([0, 0, 0.05, 0.3]) : 0,
        nodes: isLong ? 2 : random.pick([2, 2, 3]),
        delays: random.pick(['short', 'short', 'minutes']),
        crashes: random.pick([0, 2, 5]),
        slowDatabase: random.pick([0, 0.05, 0.2]),
        partial: some(0.6, 0.15),
        storms: 0,
        // One lease says who listens: who dies with it while its clock is ahead keeps the others waiting for as long.
        skewMs: random.pick([0, 0, 2_000, 4 * MINUTE]),
        clockJumps: 0,
        stream: {
          ends: some(0.7, random.pick([0.1, 0.4])),
          repeats: some(0.7, 0.4),
          shuts: some(0.6, random.integer(1, 2)),
          forgets: isSwept ? random.integer(0, 2) : 0,
          overflows: isSwept ? random.integer(0, 2) : 0,
          deaths: some(0.6, 0.15),
          locks: some(0.6, 0.1),
        },
      };
    }
    case 'tokens': {
      const isTimeKept = random.chance(0.5);
      return {
        ...mixed,
        ...unswept(random),
        tokenLifetimeMs: random.pick([3 * MINUTE, 6 * MINUTE]),
        tokensRefused: 0.15,
        skewMs: isTimeKept ? 0 : HOUR,
        clockJumps: isTimeKept ? 0 : mixed.clockJumps,
        stalls: isTimeKept ? 0 : 0.04,
        pauses: 0,
        storms: 0,
      };
    }
  }
}

/** Nothing is lost, and nothing looks again before the end: what was acknowledged has to suffice. */
function unswept(random: Random) {
  const delays = random.pick(['short', 'short', 'minutes'] as const);
  return { sweeps: false, losses: 0, revocation: false, disconnect: false, delays };
}

/**
 * KNOWN GAP: a node that is stopped in the middle of a write for longer than its claim lasts, goes on and dies before it can tell that it
 * came too late has had the last word in the CRM.
 */
const noLateWord = { stalls: 0, pauses: 0 } as const;
