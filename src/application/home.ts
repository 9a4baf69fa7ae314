import type {
  Attention,
  Money as HomeMoney,
  Referral as HomeReferral,
  HomeResponse,
  Reward as HomeReward,
  HomeView,
  Person,
  Sync,
} from '../../contracts/hubspot-home/home-view.generated.ts';
import type { CardUser } from '../domain/card-actors.ts';
import { bySeverity, type Case, type CaseKind } from '../domain/case.ts';
import type { Reward } from '../domain/decision.ts';
import type { StageMapping } from '../domain/mapping.ts';
import { decimalOf, type Money } from '../domain/money.ts';
import { type DealNames, reasonText } from '../domain/reason.ts';
import type { RecordRef } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { isoOf } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import { pipelinesWithoutWon } from './attention.ts';
import type { ConsoleLink, ConsoleLinks } from './console-links.ts';
import { dealsNamedBy, readDealNames } from './deal-names.ts';
import type { NextAsks } from './next-asks.ts';
import type { Connection, ParkedOrder, Store } from './ports/store.ts';
import { type HealthProblemCode, PRESSING, type SyncHealth, type SyncHealthOf } from './sync-health.ts';

/** What fits on a screen; who wants all of it opens the lists. */
const LISTED = 10;
/** Orders that cannot go on are named one by one up to here. */
const ORDERS_NAMED = 5;

export interface HomeDeps {
  readonly store: Pick<Store, 'attention' | 'connections' | 'programs' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly syncHealth: SyncHealthOf;
  readonly recordUrl: (connection: Connection, record: RecordRef) => string | null;
  readonly nextAsks: Pick<NextAsks, 'of'>;
  readonly consoleLinks: ConsoleLinks;
}

/**
 * What the app's home page in a CRM tells: what somebody has to do, what has happened last, and whether all is in step. Reads only what is
 * stored, and no more rows than it shows, however many there are.
 *
 * @param connection that the signed portal names; null when it names none
 * @param user who looks, as the CRM signs it; null where it did not say
 */
export function createHome({
  store,
  clock,
  syncHealth,
  recordUrl,
  nextAsks,
  consoleLinks,
}: HomeDeps): (input: { connection: Connection | null; user: CardUser | null }) => Promise<HomeResponse> {
  return async ({ connection, user }) => {
    if (connection === null) {
      return {
        ok: false,
        code: 'not_connected',
        message: 'Wonward is not connected to this portal. An admin can connect it in Wonward.',
      };
    }
    if (connection.status !== 'connected') return { ok: true, data: disconnectedView(connection, clock.now()) };
    const { accountId, id } = connection;
    const consoleLink = consoleLinks(accountId);
    const now = clock.now();
    const newest = { limit: LISTED, cursor: null };
    const [programs, mapping, health, cases, parked, failed, referrals, rewards, asks] = await Promise.all([
      store.programs.versions(accountId),
      store.connections.mapping(accountId, id),
      syncHealth(accountId, id),
      store.attention.openCases(accountId, LISTED + 1),
      store.attention.parkedOrders(accountId, ORDERS_NAMED + 1),
      store.reads.rewards(accountId, { limit: ORDERS_NAMED, cursor: null }, { state: 'failed' }),
      store.reads.referrals(accountId, newest, {}),
      store.reads.rewards(accountId, newest, {}),
      nextAsks.of(connection, user),
    ]);
    const shown = cases.slice(0, LISTED);
    const named = await readNamed(store, accountId, {
      cases: shown,
      failed: failed.items,
      referrals: referrals.items,
      rewards: rewards.items,
    });
    const linkTo = linksOf(connection, recordUrl);
    return {
      ok: true,
      data: {
        version: 1,
        attention: [
          ...(programs.length === 0 ? [noProgram()] : []),
          ...mappingItems(mapping).map((one) => ({ ...one, ...consoleLink('mapping', id) })),
          ...syncItems(health).map((one) => ({ ...one, ...consoleLink('health', id) })),
          ...orderItems(parked, consoleLink),
          ...failed.items.map((reward) => ({
            ...failedItem(reward, named, linkTo),
            ...consoleLink('reward', reward.id),
          })),
          ...shown.map((one) => ({ ...caseItem(one, connection, named, linkTo), ...consoleLink('case', one.id) })),
        ].sort(byUrgency),
        hasMore: cases.length > LISTED,
        referrals: referrals.items.map((referral) => referralRow(referral, named, linkTo)),
        rewards: rewards.items.map((reward) => rewardRow(reward, named, linkTo)),
        ...(asks === null ? {} : { asks: [...asks] }),
        sync: syncOf(health),
        ...healthUrl(consoleLink('health', id)),
        generatedAt: isoOf(now),
      },
    };
  };
}

/** A portal that has taken its consent back sees that it has, and nothing of anybody. */
function disconnectedView({ statusReason }: Connection, now: number): HomeView {
  return {
    version: 1,
    attention: [
      item('disconnected', {
        kind: 'disconnected',
        severity: 'urgent',
        title: 'Wonward is disconnected from this portal',
        why: statusReason ?? 'The authorisation was given back.',
        next: 'Connect it again in the app’s settings. Everything that happens until then is found afterwards.',
      }),
    ],
    hasMore: false,
    referrals: [],
    rewards: [],
    sync: OFF,
    generatedAt: isoOf(now),
  };
}

// ── Names and links ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What rows are told with, read once for all of them. */
interface Named {
  readonly deals: DealNames;
  readonly members: ReadonlyMap<string, Member>;
  readonly referrals: ReadonlyMap<string, Referral>;
  /** That cases are about. */
  readonly rewards: ReadonlyMap<string, Reward>;
}

async function readNamed(
  { reads }: Pick<Store, 'reads'>,
  accountId: string,
  of: { cases: readonly Case[]; failed: readonly Reward[]; referrals: readonly Referral[]; rewards: readonly Reward[] },
): Promise<Named> {
  const read = async <T extends { id: string }>(ids: Iterable<string>, one: (id: string) => Promise<T | null>) => {
    const found = await Promise.all([...new Set(ids)].map(one));
    return new Map(found.flatMap((value) => (value === null ? [] : [[value.id, value] as const])));
  };
  const ofCases = await read(
    of.cases.flatMap(({ rewardId }) => rewardId ?? []),
    (id) => reads.reward(accountId, id),
  );
  const rewards = [...of.rewards, ...of.failed, ...ofCases.values()];
  const known = new Map(of.referrals.map((referral) => [referral.id, referral]));
  const others = await read(
    rewards.map(({ referralId }) => referralId).filter((id) => !known.has(id)),
    (id) => reads.referral(accountId, id),
  );
  const referrals = new Map([...known, ...others]);
  const members = await read(
    [
      ...[...referrals.values()].map(({ memberId }) => memberId),
      ...rewards.filter(({ party }) => party !== 'friend').map(({ beneficiaryId }) => beneficiaryId),
    ],
    (id) => reads.member(accountId, id),
  );
  const deals = [...rewards.map(({ deal }) => deal), ...[...referrals.values()].flatMap(dealsNamedBy)];
  return { deals: await readDealNames(reads, accountId, deals), members, referrals, rewards: ofCases };
}

type LinkTo = (record: RecordRef | null | undefined) => { readonly url?: string };

/** A record of another connection has no page in this one. */
function linksOf(connection: Connection, recordUrl: HomeDeps['recordUrl']): LinkTo {
  return (record) => {
    const url = record?.connectionId === connection.id ? recordUrl(connection, record) : null;
    return url === null ? {} : { url };
  };
}

function nameOf(member: Member | undefined): string {
  return member?.name ?? member?.email ?? member?.code ?? 'A member';
}

function friendOf(referral: Referral | undefined): string {
  return referral?.friend.name ?? referral?.friend.email ?? 'A friend';
}

function moneyOf(money: Money): HomeMoney {
  return { amount: decimalOf(money), currency: money.currency };
}

// ── What somebody has to do ─────────────────────────────────────────────────────────────────────────────────────────

function item(
  key: string,
  told: Pick<Attention, 'kind' | 'severity' | 'title' | 'why' | 'next'> & Partial<Attention>,
): Attention {
  return { key, dueAt: null, isOverdue: false, value: null, ...told };
}

function noProgram(): Attention {
  return item('program', {
    kind: 'program',
    severity: 'high',
    title: 'No program is published yet',
    why: 'Without a program nobody is rewarded: it says who gets what when a deal is won.',
    next: 'Publish one in Wonward. Deals that are won meanwhile are not lost.',
  });
}

function mappingItems(mapping: StageMapping | null): Attention[] {
  if (mapping === null || mapping.entries.length === 0) {
    return [
      item('mapping', {
        kind: 'mapping',
        severity: 'normal',
        title: 'The deal stages were not read yet',
        why: 'Wonward does not know what your pipelines’ stages mean.',
        next: 'They are read by the next sweep, within minutes. You need not do anything.',
      }),
    ];
  }
  return pipelinesWithoutWon(mapping.entries).map(({ id, label }) =>
    item(`mapping ${id}`, {
      kind: 'mapping',
      severity: 'normal',
      title: `No stage of “${label}” means won`,
      why: 'No deal of this pipeline can be rewarded for being won.',
      next: 'Say in the app’s settings which stage means won, if deals are won there.',
    }),
  );
}

const SYNC_TITLES: Readonly<Record<HealthProblemCode, string>> = {
  disconnected: 'Wonward is disconnected from this portal',
  no_token: 'HubSpot does not let Wonward in any more',
  parked: 'Some records could not be finished',
  decisions_late: 'Decisions are late',
  mirror_late: 'HubSpot shows old values',
  sweep_late: 'The search for lost changes is late',
  sweep_failed: 'The search for lost changes did not end',
  webhooks_lost: 'HubSpot’s messages do not all arrive',
  api_limit_near: 'HubSpot’s limit of calls is nearly used up',
  unexplained: 'A comparison found what no decision explains',
  mirror_differs: 'A comparison found old values',
};

function syncItems(health: SyncHealth | null): Attention[] {
  return (health?.problems ?? []).map(({ code, words }) =>
    item(`sync ${code}`, {
      kind: 'sync',
      severity: PRESSING.includes(code) ? 'high' : 'normal',
      title: SYNC_TITLES[code],
      why: words,
      next: 'The figures are under “Health of the sync”; the reason of each record is in Wonward.',
    }),
  );
}

function orderItems(parked: readonly ParkedOrder[], consoleLink: ConsoleLink): Attention[] {
  const [first] = parked;
  if (!first) return [];
  const many = parked.length > ORDERS_NAMED ? `More than ${ORDERS_NAMED}` : String(parked.length);
  return [
    item('payout parked', {
      kind: 'payout',
      severity: 'high',
      title: parked.length === 1 ? 'A reward could not be paid out' : `${many} rewards could not be paid out`,
      why: first.error || 'The reason is in the log.',
      next: 'Mend what the reason says, then ask Wonward to try again. Nothing is paid twice.',
      ...consoleLink('reward', first.rewardId),
    }),
  ];
}

function failedItem(reward: Reward, named: Named, linkTo: LinkTo): Attention {
  return item(`payout ${reward.id}`, {
    kind: 'payout',
    severity: 'high',
    title: `The provider refused to pay ${beneficiaryOf(reward, named)}`,
    why: reasonText(reward.reason, named.deals),
    next: 'Correct what the provider names, then ask for the payout again in Wonward.',
    value: moneyOf(reward.money),
    ...linkTo(reward.deal),
  });
}

const CASE_TITLES: Readonly<Record<CaseKind, string>> = {
  review: 'A reward waits for a decision',
  dispute: 'A dispute waits for an answer',
  alert: 'Something unusual needs a look',
};

const CASE_NEXT: Readonly<Record<CaseKind, string>> = {
  review: 'Approve or reject it in Wonward; nothing is paid before that.',
  dispute: 'Decide it in Wonward; whoever opened it is waiting.',
  alert: 'Look at it in Wonward and say what you found.',
};

function caseItem(one: Case, connection: Connection, named: Named, linkTo: LinkTo): Attention {
  const reward = one.rewardId === null ? undefined : named.rewards.get(one.rewardId);
  const { dealId, connectionId } = one.facts;
  const told: RecordRef | null =
    typeof dealId === 'string' && connectionId === connection.id ? { connectionId, object: 'deal', id: dealId } : null;
  return item(one.id, {
    kind: one.kind,
    severity: one.isOverdue ? 'urgent' : one.severity,
    title: one.topic === 'risk_blocked' ? 'A reward was refused as too risky' : CASE_TITLES[one.kind],
    why: reward && one.kind === 'review' ? reasonText(reward.reason, named.deals) : one.summary,
    next: `${CASE_NEXT[one.kind]} It is with ${ownerWords(one.owner)}, as ${one.id}.`,
    dueAt: one.dueAt === null ? null : isoOf(one.dueAt),
    isOverdue: one.isOverdue,
    value: one.value && moneyOf(one.value),
    ...linkTo(reward?.deal ?? told),
  });
}

function ownerWords(owner: string): string {
  if (owner === 'account_owner') return 'the account’s owner';
  const [kind, name = ''] = owner.split(':');
  return kind === 'role' ? `the ${name}s` : name || owner;
}

/** The most urgent first, of equal ones what is due soonest; otherwise as they were found. */
function byUrgency(a: Attention, b: Attention): number {
  const severity = bySeverity(a.severity, b.severity);
  if (severity !== 0) return severity;
  if (a.dueAt === b.dueAt) return 0;
  if (a.dueAt === null || b.dueAt === null) return a.dueAt === null ? -1 : 1;
  return a.dueAt < b.dueAt ? -1 : 1;
}

// ── What has happened last ──────────────────────────────────────────────────────────────────────────────────────────

function referralRow(referral: Referral, { members, deals }: Named, linkTo: LinkTo): HomeReferral {
  const member = members.get(referral.memberId);
  return {
    referralId: referral.id,
    friend: { name: friendOf(referral), ...linkTo(referral.friend.contact) },
    member: { name: nameOf(member), ...linkTo(member?.contact) },
    stage: referral.stage,
    stageReason: reasonText(referral.reason, deals),
    since: isoOf(referral.stageSince),
  };
}

function beneficiaryOf(reward: Reward, { members, referrals }: Named): string {
  return reward.party === 'friend'
    ? friendOf(referrals.get(reward.referralId))
    : nameOf(members.get(reward.beneficiaryId));
}

function rewardRow(reward: Reward, named: Named, linkTo: LinkTo): HomeReward {
  const deal: Person = { name: named.deals.get(reward.deal.id) ?? `Deal ${reward.deal.id}`, ...linkTo(reward.deal) };
  return {
    rewardId: reward.id,
    beneficiary: beneficiaryOf(reward, named),
    money: moneyOf(reward.money),
    state: reward.state,
    reason: reasonText(reward.reason, named.deals),
    deal,
    at: isoOf(reward.updatedAt),
  };
}

// ── Whether all is in step ──────────────────────────────────────────────────────────────────────────────────────────

function syncOf(health: SyncHealth | null): Sync {
  if (health === null) return OFF;
  const { backlog, sweep, lag } = health;
  const waiting = backlog.decisions.waiting + backlog.mirror.waiting;
  const stuck = backlog.decisions.parked + backlog.mirror.parked + backlog.tasks.parked;
  const state = health.verdict !== 'well' ? 'trouble' : waiting > 0 ? 'working' : 'ok';
  const compared = sweep.sweptTo.map(({ upTo }) => upTo);
  return {
    state,
    words: SYNC_WORDS[state],
    lastReceivedAt: health.lastReceivedAt === null ? null : isoOf(health.lastReceivedAt),
    comparedTo: compared.length === 0 ? null : isoOf(Math.min(...compared)),
    toDecisionMs: lag.toDecision?.p95Ms ?? null,
    toMirrorMs: lag.toMirror?.p95Ms ?? null,
    waiting,
    stuck,
  };
}

const SYNC_WORDS: Readonly<Record<'ok' | 'working' | 'trouble', string>> = {
  ok: 'Everything that HubSpot told of is done, and HubSpot shows it.',
  working: 'Changes are being worked through.',
  trouble: 'Something needs a look, as told above; everything else goes on.',
};

function healthUrl({ consoleUrl }: ReturnType<ConsoleLink>): { readonly healthUrl?: string } {
  return consoleUrl === undefined ? {} : { healthUrl: consoleUrl };
}

const OFF: Sync = {
  state: 'off',
  words: 'Nothing is read and nothing is written while Wonward is disconnected.',
  lastReceivedAt: null,
  comparedTo: null,
  toDecisionMs: null,
  toMirrorMs: null,
  waiting: 0,
  stuck: 0,
};
