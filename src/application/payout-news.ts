import type { Reward } from '../domain/decision.ts';
import { createDraft, type Draft, type PayoutIntent, stateWith } from '../domain/plan.ts';
import { expireUnused, hasExpired } from '../domain/recall.ts';
import type { PayoutNews } from '../domain/reward.ts';
import { payoutNews } from '../domain/reward.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { PayoutAccounts } from './payout-accounts.ts';
import type { RawRequest } from './ports/crm.ts';
import type { Store, WaitingNews } from './ports/store.ts';
import type { TakeRefund } from './refunds.ts';

/** Others change a reward once or twice meanwhile; more often than this, the next message or the sweep finds it. */
const APPLY_TRIES = 5;
/** News of one order that waited for its answer; there are seldom two. */
const WAITING_MAX = 20;
/** Of one account in one look: what a node that dies leaves behind is what it had in hand, which is fewer. */
const ANSWERED_MAX = 100;

export interface ReceivedNews {
  readonly accepted: number;
  readonly duplicates: number;
}

/** What providers tell by themselves: kept once, then applied to the reward. */
export interface PayoutNewsDesk {
  /** Null when no such provider takes news. @throws Fault `payout_news_unsigned` when nobody who may has sent it. */
  receive(provider: string, accountId: string, request: RawRequest): Promise<ReceivedNews | null>;
  /** The same from where no signature is needed: what our own API was told. */
  take(accountId: string, provider: string, news: readonly PayoutNews[]): Promise<ReceivedNews>;
  /** What was told of an order before its answer was booked. */
  applyWaiting(accountId: string, intent: PayoutIntent, reference: string | null): Promise<void>;
  /** The same of every order, for a node that died between the two; returns how many were applied. */
  applyAnswered(signal?: AbortSignal): Promise<number>;
}

export interface PayoutNewsDeps {
  readonly store: Pick<Store, 'accounts' | 'cases' | 'payoutRecords' | 'reads'>;
  readonly accounts: Pick<PayoutAccounts, 'open'>;
  readonly takeRefund: TakeRefund;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Log;
}

export function createPayoutNews({ store, accounts, takeRefund, clock, log }: PayoutNewsDeps): PayoutNewsDesk {
  const { payoutRecords: records, reads } = store;

  /** True once nothing more is to be done with it. */
  async function apply(accountId: string, news: WaitingNews): Promise<boolean> {
    for (let tries = 0; tries < APPLY_TRIES; tries += 1) {
      const record =
        news.key === null
          ? news.reference && (await records.recordByReference(accountId, news.provider, news.reference))
          : await records.record(accountId, news.key);
      // Of nothing that we gave, or not yet: it is kept, and looked at again when an answer is booked.
      if (!record || record.provider !== news.provider) return false;
      const reward = await reads.reward(accountId, record.rewardId);
      if (!reward) return false;
      const now = clock.now();
      // A voucher that is switched off after its time has expired; what follows is a decision of its chain.
      const isExpiry = news.kind === 'cancelled' && hasExpired(reward, now);
      const draft = createDraft(
        stateWith(accountId, isExpiry ? await caseOf(accountId, reward) : { rewards: [reward] }),
      );
      if (isExpiry) expireUnused(draft, accountId, reward, now);
      const effect = isExpiry ? 'applied' : payoutNews(draft, reward, news, now);
      if (effect === 'later') return false;
      if (effect === 'applied') await markConcerned(accountId, reward, draft);
      const plan = effect === 'applied' ? draft.plan() : null;
      if (await records.settleNews(accountId, news, { effect, key: record.key, plan }, now)) {
        log.info({ reward: reward.id, provider: news.provider, kind: news.kind, effect }, 'payout news');
        return true;
      }
      if (!(await isWaiting(accountId, news))) return true;
    }
    return false;
  }

  function caseOf(accountId: string, { deal }: Reward) {
    const { connectionId, id } = deal;
    return store.cases.load({
      accountId,
      connectionId,
      contactIds: [],
      dealIds: [id],
      emails: [],
      codes: [],
      companies: [],
    });
  }

  /** A payment of a friend's was given back. One whose deal nobody knows is kept; told again with it, it is placed. */
  async function applyRefund(accountId: string, news: WaitingNews): Promise<void> {
    const { refund, deal = '', minor = '', currency = '', undone = '' } = news.facts ?? {};
    const isReadable = refund !== undefined && /^[1-9][0-9]{0,14}$/.test(minor) && currency !== '';
    const taken = isReadable
      ? await takeRefund(accountId, news.provider, {
          id: refund,
          dealId: deal === '' ? null : deal,
          connectionId: null,
          money: { minor: BigInt(minor), currency },
          at: news.at,
          isUndone: undone !== '',
        })
      : null;
    const effect = taken?.deal ? 'applied' : 'unknown';
    await records.settleNews(accountId, news, { effect, key: null, plan: null }, clock.now());
    log.info({ account: accountId, provider: news.provider, refund, kept: taken?.kept, effect }, 'refund told');
  }

  async function isWaiting(accountId: string, news: WaitingNews): Promise<boolean> {
    const order = { key: news.key ?? '', reference: news.reference };
    const waiting = await records.waitingNews(accountId, news.provider, order, WAITING_MAX);
    return waiting.some(({ eventId }) => eventId === news.eventId);
  }

  /** The referral may be another member's by now: both show it. */
  async function markConcerned(accountId: string, reward: Reward, draft: Draft) {
    const referral = await reads.referral(accountId, reward.referralId);
    draft.markConcerned(reward);
    if (referral) draft.markMember(referral.memberId);
  }

  async function take(accountId: string, provider: string, news: readonly PayoutNews[]): Promise<ReceivedNews> {
    if (news.length === 0) return { accepted: 0, duplicates: 0 };
    const kept = await records.keepNews(accountId, provider, news, clock.now());
    // Also those that were kept before: a message that comes again may have been kept by a node that died before it applied it.
    for (const { key, reference } of news) {
      const order = { key: key ?? '', reference };
      for (const waiting of await records.waitingNews(accountId, provider, order, WAITING_MAX)) {
        if (waiting.kind === 'refunded') await applyRefund(accountId, waiting);
        else await apply(accountId, waiting);
      }
    }
    return kept;
  }

  return {
    async receive(name, accountId, request) {
      const { session } = await accounts.open(accountId, name);
      if (!session.readNews) return null;
      return take(accountId, name, await session.readNews(request));
    },
    take,
    async applyWaiting(accountId, { id, provider }, reference) {
      for (const news of await records.waitingNews(accountId, provider, { key: id, reference }, WAITING_MAX))
        await apply(accountId, news);
    },

    async applyAnswered(signal) {
      let applied = 0;
      for (const { id } of await store.accounts.list()) {
        if (signal?.aborted) break;
        for (const news of await records.answeredNews(id, ANSWERED_MAX)) if (await apply(id, news)) applied += 1;
      }
      return applied;
    },
  };
}
