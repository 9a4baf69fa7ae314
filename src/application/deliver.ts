import { createHash, randomUUID } from 'node:crypto';
import { orderedMinor } from '../domain/decision.ts';
import { Fault } from '../domain/errors.ts';
import { createDraft, type OrderKind, stateWith } from '../domain/plan.ts';
import { openProgramIn } from '../domain/program-choice.ts';
import { type DealNames, reasonText } from '../domain/reason.ts';
import { isToRecall, settleRecall } from '../domain/recall.ts';
import { type RecordRef, recordKey } from '../domain/record.ts';
import { settlePayout } from '../domain/reward.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { composeMirror, isNothing, markedAsTest } from './compose-mirror.ts';
import { composeOwnRows, composeRows } from './compose-rows.ts';
import { readDealNames } from './deal-names.ts';
import { readDealOutlooks } from './deal-outlooks.ts';
import { ownObjects, worseOutcome } from './own-objects.ts';
import type { PayoutNewsDesk } from './payout-news.ts';
import type { PayoutOrders } from './payout-orders.ts';
import type { CrmSession, MirrorOutcome, MirrorRow, RecordOwnRows } from './ports/crm.ts';
import type { Observe } from './ports/observe.ts';
import type { IssueResult } from './ports/payout.ts';
import type {
  ClaimedMirror,
  ClaimedPayout,
  Connection,
  GivenPayout,
  MirrorSource,
  Shard,
  Store,
} from './ports/store.ts';
import { provision } from './provision.ts';
import { deferralFor } from './retry.ts';
import { shownInTest } from './shown-in-test.ts';
import type { SyncPulse } from './sync-pulse.ts';

/**
 * HubSpot: as one call writes. Salesforce: a call writes five collections of 200 rows, of which a record needs one to four; the rows of a member
 * and a referral stand in several records' sets, and of more records claimed together more are written once (300: 37 calls for 1,000 deals won, 600: 26).
 */
const MIRROR_CLAIM_MAX: Readonly<Record<CrmSession['mirrors'], number>> = { properties: 100, rows: 600 };
const PAYOUT_CLAIM_MAX = 50;
/** Orders of one account under way at the same time: a provider that takes a second for each pays ten in it, and none is flooded. */
const PAYOUTS_AT_ONCE = 10;
/** Longer than the longest call with its retries, so that a slow answer is not overtaken by a second worker. */
const LEASE_MS = 60_000;

/** A write that got no answer may still be on its way; as long as this, the time that one is waited for. */
const LATE_WRITE_MS = 30_000;

export interface DeliverDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly observe: Pick<Observe, 'payout' | 'mirrorWrites'>;
  readonly publicUrl: string;
  readonly payoutOrders: PayoutOrders;
  readonly payoutNews: Pick<PayoutNewsDesk, 'applyWaiting'>;
  readonly openSession: (connection: Connection) => CrmSession;
  /** Called when records were asked to be looked at again. */
  readonly onAsked: () => void;
  readonly pulse?: Pick<SyncPulse, 'lag' | 'failure'> | undefined;
}

/** Each returns how many rows were claimed; 0 means that nothing is due. */
export interface Deliver {
  payouts(shard: Shard, signal?: AbortSignal): Promise<number>;
  mirror(shard: Shard, signal?: AbortSignal): Promise<number>;
}

/** Third hop: carry out what was decided. Every effect has a key from its cause, so an effect that is tried again is the same one. */
export function createDeliver(deps: DeliverDeps): Deliver {
  return { payouts: createPayouts(deps), mirror: createMirror(deps) };
}

function createPayouts({ store, clock, log, observe, payoutOrders, payoutNews }: DeliverDeps) {
  async function issue(payout: ClaimedPayout): Promise<void> {
    const { intent, reward, referral, accountId } = payout;
    try {
      if (intent.kind !== undefined && intent.kind !== 'issue') return await recall(payout, intent.kind);
      const money = { minor: orderedMinor(reward), currency: reward.money.currency };
      const admitted = await payoutOrders.admit(payout, money);
      if (admitted === 'held') {
        log.info({ reward: reward.id, provider: intent.provider }, 'payout waits in its batch');
        return;
      }
      if (admitted === 'taken_back')
        return await settle(payout, { ok: false, why: 'taken back before it was sent' }, undefined);
      const order = {
        key: intent.id,
        accountId,
        rewardId: reward.id,
        referralId: reward.referralId,
        beneficiary: await beneficiaryOf(payout),
        money,
        reason: reasonText(reward.reason, await readDealNames(store.reads, accountId, [reward.deal])),
      };
      const { result, given } = await payoutOrders.carryOut(intent, order, { isTakenBack: reward.reversalPending });
      await settle(payout, result, given);
      observe.payout(intent.provider, result.ok ? 'issued' : 'refused');
      log.info(
        { reward: reward.id, provider: intent.provider, ok: result.ok, attempts: payout.attempts },
        'payout settled',
      );
    } catch (fault) {
      log.warn(
        { err: fault, reward: reward.id, provider: intent.provider, attempts: payout.attempts },
        'payout put back',
      );
      observe.payout(intent.provider, 'deferred');
      await store.payouts.defer(payout, deferralFor(fault, payout.attempts, clock.now(), clock.random));
    }

    async function beneficiaryOf({ reward: { party, beneficiaryId } }: ClaimedPayout) {
      if (party === 'friend')
        return { party, id: beneficiaryId, name: referral.friend.name, email: referral.friend.email };
      const member = await store.reads.member(accountId, beneficiaryId);
      return { party, id: beneficiaryId, name: member?.name ?? null, email: member?.email ?? null };
    }
  }

  /** Undoes what was given. Everything may have happened to the reward since: what there is nothing to undo of is done. */
  async function recall(payout: ClaimedPayout, kind: OrderKind): Promise<void> {
    const { accountId, reward, intent, attempts } = payout;
    const isAsked = isToRecall(reward, kind, clock.now());
    const { outcome, given } = isAsked
      ? await payoutOrders.recall(payout)
      : { outcome: 'too_late' as const, given: undefined };
    for (let tries = 0; tries < SETTLE_TRIES; tries += 1) {
      const { connectionId, id } = reward.deal;
      const keys = { accountId, connectionId, contactIds: [], dealIds: [id], emails: [], codes: [], companies: [] };
      const loaded = await store.cases.load(keys);
      const current = loaded.rewards.find((one) => one.id === reward.id) ?? reward;
      const draft = createDraft(stateWith(accountId, loaded));
      settleRecall(draft, accountId, { reward: current, kind, isUndone: outcome === 'cancelled' }, clock.now());
      if (!(await store.payouts.settle(payout, draft.plan(), given))) continue;
      log.info({ reward: reward.id, provider: intent.provider, kind, isAsked, outcome, attempts }, 'payout recalled');
      return;
    }
  }

  /** False from the store means that the reward changed while the provider was called, as by a reversal: settle what it is now. */
  async function settle(payout: ClaimedPayout, result: IssueResult, given: GivenPayout | undefined): Promise<void> {
    const { accountId, reward, referral } = payout;
    let current = reward;
    for (let tries = 0; tries < SETTLE_TRIES; tries += 1) {
      const draft = createDraft(stateWith(accountId, { rewards: [current] }));
      settlePayout(draft, current, result, clock.now());
      // The referral may be another member's by now: both show it.
      draft.markConcerned(current);
      draft.markMember(referral.memberId);
      if (await store.payouts.settle(payout, draft.plan(), given)) {
        // What the provider told before its answer was booked has waited for this.
        if (given) await payoutNews.applyWaiting(accountId, payout.intent, given.reference);
        return;
      }
      const latest = await store.reads.reward(accountId, reward.id);
      if (!latest || latest.version === current.version) return;
      current = latest;
    }
  }

  return async (shard: Shard, signal?: AbortSignal): Promise<number> => {
    const claimed = await store.payouts.claim({
      shard,
      now: clock.now(),
      leaseMs: LEASE_MS,
      limit: PAYOUT_CLAIM_MAX,
      claim: randomUUID(),
    });
    let endsAt = clock.now() + LEASE_MS;
    const open = new Set(claimed);
    const next = claimed.values();
    async function issueOneByOne(): Promise<void> {
      for (const payout of next) {
        // A provider that takes its time with each must not let the last ones' lease run out.
        const now = clock.now();
        if (endsAt - now < LEASE_MS / 2) {
          endsAt = now + LEASE_MS;
          await store.payouts.extend([...open], endsAt);
        }
        if (signal?.aborted)
          await store.payouts.defer(payout, { runAt: clock.now(), error: 'stopping', parked: false });
        else await issue(payout);
        open.delete(payout);
      }
    }
    await Promise.all(Array.from({ length: PAYOUTS_AT_ONCE }, issueOneByOne));
    return claimed.length;
  };
}

/** A reversal can come in between once or twice; more often than this the lease has run out and another worker has the order. */
const SETTLE_TRIES = 5;

/** What a record is to show. */
interface Shown {
  readonly item: ClaimedMirror;
  readonly values: MirrorRow['values'];
  /** Rows of our own objects, beside the record's properties. */
  readonly own: RecordOwnRows['rows'] | null;
  readonly hash: string;
  /** It does already, or what it shows is not this account's. */
  readonly isSame: boolean;
}

function createMirror({ store, clock, log, observe, publicUrl, openSession, onAsked, pulse }: DeliverDeps) {
  /** Rows of our own objects name programs, and tell what the rules would make of an open deal. */
  async function rowComposer(connection: Connection, sources: readonly MirrorSource[], deals: DealNames) {
    const { accountId, id } = connection;
    const now = clock.now();
    const programs = await store.programs.versions(accountId);
    const choices = await store.appSettings.choices(accountId);
    const outlooksOn = await readDealOutlooks(store, connection, sources, now);
    const names = { deals, programs, openProgramId: openProgramIn(programs, choices, id, now) };
    return {
      all: (source: MirrorSource) => composeRows(source, publicUrl, names, outlooksOn(source.record)),
      own: (source: MirrorSource) => composeOwnRows(source, publicUrl, names, outlooksOn(source.record)),
    };
  }

  async function write(connection: Connection, items: readonly ClaimedMirror[]): Promise<void> {
    const { accountId, testOf } = connection;
    const session = openSession(connection);
    // Rows of our own objects are none of a test: reports count them.
    const objects = testOf === undefined ? await ownObjects(store, session, connection) : null;
    const rows =
      testOf === undefined
        ? await shownInLife(connection, session, objects !== null, items)
        : await shownOfTest(accountId, testOf, session, items);
    const same = rows.filter(({ isSame }) => isSame);
    const changed = rows.filter(({ isSame }) => !isSame);
    await store.mirror.acknowledge(same, clock.now());
    observe.mirrorWrites('same', same.length);
    const [first] = changed;
    if (!first) return;
    const object = first.item.record.object === 'deal' ? 'deal' : 'contact';
    const begunAt = clock.now();
    const outcomes = new Map(
      (
        await session.writeMirror(
          object,
          changed.map(({ item, values }) => ({ id: item.record.id, values })),
        )
      ).map((outcome) => [outcome.id, outcome]),
    );
    if (objects) {
      // What is written of a record is acknowledged when both are: a process that dies between the two writes both again.
      const open = changed.filter(({ item }) => outcomes.get(item.record.id)?.result === 'written');
      const ownRows = open.flatMap(({ item, own }) => (own ? [{ id: item.record.id, rows: own }] : []));
      for (const outcome of await objects.write(object, ownRows)) {
        const before = outcomes.get(outcome.id);
        if (before) outcomes.set(outcome.id, worseOutcome(before, outcome));
      }
    }
    const written = changed.filter(({ item }) => outcomes.get(item.record.id)?.result === 'written');
    const writtenAt = clock.now();
    await store.mirror.acknowledge(written, writtenAt, begunAt);
    const of = { accountId, connectionId: connection.id };
    for (const { item } of written)
      if (typeof item.markedAt === 'number') pulse?.lag(of, 'mirror_lag', writtenAt - item.markedAt);
    for (const { item } of changed) observe.mirrorWrites(outcomes.get(item.record.id)?.result ?? 'retry', 1);
    const unwritten = changed.filter(({ item }) => outcomes.get(item.record.id)?.result !== 'written');
    if (unwritten.some(({ item }) => outcomes.get(item.record.id)?.result === 'unprovisioned'))
      await provision({ store, clock }, session, connection);
    for (const { item } of unwritten) await settleUnwritten(item, outcomes.get(item.record.id));
    log.info(
      {
        connection: connection.id,
        object,
        written: changed.length - unwritten.length,
        unwritten: unwritten.length,
        same: same.length,
      },
      'mirrored',
    );
  }

  async function shownInLife(
    connection: Connection,
    session: CrmSession,
    hasObjects: boolean,
    items: readonly ClaimedMirror[],
  ): Promise<Shown[]> {
    const { accountId } = connection;
    const records = items.map(({ record }) => record);
    const sources = await store.mirror.sources(accountId, records);
    const names = await readDealNames(store.reads, accountId, sources.flatMap(dealsNamedIn));
    const composer = hasObjects || session.mirrors === 'rows' ? await rowComposer(connection, sources, names) : null;
    const compose =
      composer && session.mirrors === 'rows'
        ? composer.all
        : (source: MirrorSource) => composeMirror(source, publicUrl, names);
    const tested = await shownInTest(store, connection, sources);
    return items.flatMap((item) => {
      const source = sources.find(({ record }) => record.id === item.record.id);
      if (!source) return [];
      const values = compose(source);
      const own = hasObjects && composer ? composer.own(source) : null;
      const hash = hashOf(own ? { values, own } : values);
      // The end of a test has it written, whatever was acknowledged.
      return [{ item, values, own, hash, isSame: item.ackedHash === hash || tested.has(recordKey(item.record)) }];
    });
  }

  /**
   * A record that shows something of real life goes on showing that. When the test is over its records are written anew by the account whose
   * test it is.
   */
  async function shownOfTest(
    accountId: string,
    testOf: string,
    session: CrmSession,
    items: readonly ClaimedMirror[],
  ): Promise<Shown[]> {
    const records = items.map(({ record }) => record);
    const [sources, real] = await Promise.all([
      store.mirror.sources(accountId, records),
      store.mirror.sources(testOf, records),
    ]);
    const isFree = (id: string) => real.some((source) => source.record.id === id && isNothing(source));
    const names = await readDealNames(store.reads, accountId, sources.flatMap(dealsNamedIn));
    return items.flatMap((item) => {
      const source = sources.find(({ record }) => record.id === item.record.id);
      if (!source) return [];
      const values = markedAsTest(composeMirror(source, publicUrl, names));
      const isHidden = session.mirrors === 'rows' || !isFree(item.record.id);
      const hash = isHidden ? '' : hashOf(values);
      return [{ item, values, own: null, hash, isSame: isHidden || item.ackedHash === hash }];
    });
  }

  async function settleUnwritten(item: ClaimedMirror, outcome: MirrorOutcome | undefined): Promise<void> {
    const now = clock.now();
    if (outcome?.result === 'gone') {
      // Deleted or merged away. Reading the record again finds out, and marks the one it was merged into.
      await store.mirror.drop(item);
      await store.work.ask(item.accountId, [{ record: item.record, at: now }]);
      onAsked();
      return;
    }
    const detail = outcome && 'detail' in outcome ? outcome.detail : 'the CRM did not answer for this record';
    const kind = outcome?.result === 'rejected' ? 'never' : 'retry';
    const fault = new Fault('crm_rejected', { kind }, detail);
    pulse?.failure({ accountId: item.accountId, connectionId: item.record.connectionId }, 'crm_rejected:');
    await store.mirror.defer(item, deferralFor(fault, item.attempts, now, clock.random));
  }

  return async (shard: Shard, signal?: AbortSignal): Promise<number> => {
    const known = shard.connectionId === null ? null : await store.connections.get(shard.accountId, shard.connectionId);
    const items = await store.mirror.claim({
      shard,
      now: clock.now(),
      leaseMs: LEASE_MS,
      limit: MIRROR_CLAIM_MAX[known ? openSession(known).mirrors : 'properties'],
      claim: randomUUID(),
    });
    const [first] = items;
    if (!first) return 0;
    const connection =
      known?.id === first.record.connectionId
        ? known
        : await store.connections.get(first.accountId, first.record.connectionId);
    try {
      if (signal?.aborted || !connection) throw new Fault('crm_unavailable', { kind: 'retry' }, 'Stopping.');
      await write(connection, items);
    } catch (fault) {
      log.warn({ err: fault, connection: first.record.connectionId, records: items.length }, 'mirror put back');
      const now = clock.now();
      const isUnsure = fault instanceof Fault && fault.code === 'crm_unavailable' && !signal?.aborted;
      for (const item of items) {
        const deferral = deferralFor(fault, item.attempts, now, clock.random);
        pulse?.failure({ accountId: item.accountId, connectionId: item.record.connectionId }, deferral.error);
        await store.mirror.defer(item, {
          ...deferral,
          unsureUntil: isUnsure ? now + LATE_WRITE_MS : undefined,
        });
      }
    }
    return items.length;
  };
}

/** The deals that the sentences on a record may mention. */
function dealsNamedIn({ lastReward, decisions, rewards }: MirrorSource): RecordRef[] {
  return [...(lastReward ? [lastReward] : []), ...decisions, ...rewards].map(({ deal }) => deal);
}

function hashOf(values: object): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url');
}
