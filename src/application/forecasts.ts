import { Fault } from '../domain/errors.ts';
import { createForecastBuilder, type ForecastLine, forecastLine } from '../domain/forecast.ts';
import type { Month } from '../domain/period.ts';
import { type DealFacts, type RecordRef, recordKey } from '../domain/record.ts';
import type { Member, Referral } from '../domain/referral.ts';
import { addDays, dayNumber, type Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import { readStoryFacts } from './card-facts.ts';
import { readStoryContext } from './card-story.ts';
import { outlooksOfReferral } from './outlooks.ts';
import type { Connection, KeptForecast, Page, PageInput, Store } from './ports/store.ts';

/** Referrals that are gone through together; of most of them nothing else is read. */
const REFERRALS_PER_PAGE = 500;
/** Those with a deal that are looked at together: a dozen queries and a tally for each member, some fifteen milliseconds on one core. */
const LOOKED_AT_ONCE = 50;
/** As many as one transaction should hold the only thread that answers webhooks for. */
const LINES_PER_WRITE = 500;
const LINES_DROPPED_AT_ONCE = 2_000;
/** Between two pages, for whoever waits. */
const PAUSE_MS = 10;
/** Forecasts that are taken up at once; what is left comes with the next stroke. */
const RUNNING_MAX = 500;
/** Whoever compares a year with the one before it. */
const KEPT_DAYS = 800;

/** What rows are told with leads nowhere. */
const NO_LINKS = { recordUrl: () => null, consoleLink: () => ({}) };

/** One rule on one open deal, as somebody reads it. */
export interface ShownForecastLine extends ForecastLine {
  readonly number: number;
  readonly friendName: string | null;
  readonly dealName: string | null;
  /** Where a person opens the deal; null when that is not known. */
  readonly url: string | null;
}

/** What was expected on a day in one currency, and what was granted from then on until it was counted again. */
export interface ForecastPoint {
  readonly countedAt: Instant;
  readonly currency: string;
  readonly minor: bigint;
  readonly weightedMinor: bigint;
  readonly grantedMinor: bigint;
}

export interface Forecasts {
  /** Begins to count; one that is under way is that one. */
  start(accountId: string, by: string): Promise<KeptForecast>;
  /** Counts at once, here, and not when a schedule comes to it. Others who count the same meanwhile are told to stop, and may do so as well. */
  count(accountId: string, by: string): Promise<void>;
  newest: Store['forecasts']['newest'];
  /** Of the newest one. */
  lines(
    accountId: string,
    forecastId: string,
    of: { readonly currency: string | null; readonly month: Month | null },
    page: PageInput,
  ): Promise<Page<ShownForecastLine>>;
  /** How the sums have moved over so many days, and what was granted meanwhile; oldest first. */
  trend(accountId: string, days: number): Promise<ForecastPoint[]>;
  /** Counts what was begun. One node at a time. */
  runAll(signal?: AbortSignal): Promise<void>;
  /** Begins one for every account that was not counted today. */
  beginAll(signal?: AbortSignal): Promise<void>;
}

export interface ForecastsDeps {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
  readonly log: Log;
  readonly newId: () => string;
  readonly recordUrl: (connection: Connection, record: RecordRef) => string | null;
  readonly onStarted: () => void;
}

/** What open deals may still cost: the outlooks of all open referrals, weighted by how likely their deals are. */
export function createForecasts({ store, clock, log, newId, recordUrl, onStarted }: ForecastsDeps): Forecasts {
  const { forecasts } = store;

  async function start(accountId: string, by: string): Promise<KeptForecast> {
    const begun = await forecasts.start(accountId, { id: `fct_${newId()}`, startedAt: clock.now(), startedBy: by });
    onStarted();
    return begun;
  }

  async function make(accountId: string, forecastId: string, signal?: AbortSignal): Promise<void> {
    const attempt = await forecasts.begin(accountId, forecastId);
    if (attempt === null) return;
    const own = { forecastId, attempt };
    if (!(await clear(accountId, own, signal))) return;
    const now = clock.now();
    const linesOf = createLineReader(accountId, now);
    const builder = createForecastBuilder();
    let [looked, numbered] = [0, 0];
    for (let after: string | null = ''; after !== null; ) {
      if (signal?.aborted) return;
      const page = await forecasts.openReferrals(accountId, after, REFERRALS_PER_PAGE);
      looked += page.looked;
      const all: ForecastLine[] = [];
      for (let at = 0; at < page.items.length; at += LOOKED_AT_ONCE) {
        if (signal?.aborted) return;
        const found = await linesOf(page.items.slice(at, at + LOOKED_AT_ONCE));
        for (const lines of found) builder.add(lines);
        all.push(...found.flat());
        await clock.sleep(PAUSE_MS);
      }
      // Also of a page without any, so that whoever waits sees how far it is.
      for (let at = 0; at === 0 || at < all.length; at += LINES_PER_WRITE) {
        const some = all.slice(at, at + LINES_PER_WRITE);
        if (!(await forecasts.addLines(accountId, { ...own, looked }, numbered, some))) return;
        numbered += some.length;
      }
      after = page.next;
      await clock.sleep(PAUSE_MS);
    }
    await forecasts.finish(accountId, own, builder.result(), clock.now());
    log.info({ account: accountId, forecast: forecastId, looked, lines: numbered }, 'forecast counted');
  }

  /** What earlier ones have left, and an earlier attempt at this one; the newest that is done is read meanwhile. */
  async function clear(
    accountId: string,
    own: { readonly forecastId: string; readonly attempt: number },
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { done } = await forecasts.newest(accountId);
    await forecasts.prune(accountId, addDays(clock.now(), -KEPT_DAYS));
    for (;;) {
      if (signal?.aborted) return false;
      const dropped = await forecasts.dropLines(accountId, own, done?.id ?? null, LINES_DROPPED_AT_ONCE);
      if (dropped === null) return false;
      if (dropped === 0) return true;
      await clock.sleep(PAUSE_MS);
    }
  }

  /** Lines of each referral that has any, in pages; what is read of a connection is read once for all of them. */
  function createLineReader(accountId: string, now: Instant) {
    const known = new Map<string, ReturnType<typeof readConnection>>();
    return async (
      items: ReadonlyArray<{ readonly referral: Referral; readonly member: Member }>,
    ): Promise<ForecastLine[][]> => {
      const lines: ForecastLine[][] = [];
      for (const [connectionId, group] of Map.groupBy(items, ({ referral }) => referral.friend.contact?.connectionId)) {
        if (connectionId === undefined) continue;
        const reading = known.get(connectionId) ?? readConnection(accountId, connectionId, now);
        known.set(connectionId, reading);
        const about = await reading;
        if (about) lines.push(...(await linesHere(accountId, about, group, now)));
      }
      return lines;
    };
  }

  /** Null for one that is not connected: nothing will be decided on its deals. */
  async function readConnection(accountId: string, connectionId: string, now: Instant) {
    const connection = await store.connections.get(accountId, connectionId);
    if (connection?.status !== 'connected') return null;
    const context = await readStoryContext(store, connection, null, NO_LINKS, now);
    const chances = await forecasts.stageChances(accountId, connectionId);
    const stageChances = new Map(
      chances.map(({ pipelineId, stageId, chance }) => [`${pipelineId}\n${stageId}`, chance]),
    );
    return { context, stageChances };
  }

  async function linesHere(
    accountId: string,
    { context, stageChances }: NonNullable<Awaited<ReturnType<typeof readConnection>>>,
    group: ReadonlyArray<{ readonly referral: Referral; readonly member: Member }>,
    now: Instant,
  ): Promise<ForecastLine[][]> {
    const shown = group.map(({ referral, member }) => ({ referral, member, direction: 'made' as const }));
    const facts = await readStoryFacts(store, context, shown);
    const told = group.flatMap(({ referral, member }, index) => {
      const own = facts[index];
      if (!own) return [];
      const outlooks = outlooksOfReferral(context, { referral, member, facts: own });
      const dealId = outlooks.find((one) => one.dealId !== null)?.dealId;
      const deal = own.deals.find(({ ref }) => ref.connectionId === context.connection.id && ref.id === dealId);
      return deal ? [{ referral, rules: own.undecided, outlooks, deal }] : [];
    });
    const prospects = await forecasts.prospects(
      accountId,
      context.connection.id,
      told.map(({ deal }) => deal.ref.id),
    );
    return told.map(({ referral, rules, outlooks, deal }) =>
      outlooks.flatMap((outlook) => {
        const rule = rules.find(({ key }) => key === outlook.ruleKey);
        if (!rule) return [];
        const line = forecastLine({
          referralId: referral.id,
          outlook,
          rule,
          deal: deal.ref,
          prospect: prospects.get(deal.ref.id),
          stageChance: stageChanceOf(stageChances, deal),
          batch: context.batchings.find(({ provider }) => provider === rule.payout)?.schedule ?? null,
          now,
        });
        return line ? [line] : [];
      }),
    );
  }

  return {
    start,

    async count(accountId, by) {
      const { id } = await start(accountId, by);
      await make(accountId, id);
    },

    newest: forecasts.newest,

    async lines(accountId, forecastId, of, page) {
      const { items, next } = await forecasts.lines(accountId, forecastId, of, page);
      const [friends, deals, connections] = await Promise.all([
        forecasts.friends(accountId, [...new Set(items.map(({ referralId }) => referralId))]),
        store.reads.deals(
          accountId,
          items.map(({ deal }) => deal),
        ),
        store.connections.list(accountId),
      ]);
      const names = new Map(deals.map(({ ref, name }) => [recordKey(ref), name]));
      const connectionOf = new Map(connections.map((connection) => [connection.id, connection]));
      return {
        items: items.map((line) => {
          const connection = connectionOf.get(line.deal.connectionId);
          return {
            ...line,
            friendName: friends.get(line.referralId) ?? null,
            dealName: names.get(recordKey(line.deal)) ?? null,
            url: connection ? recordUrl(connection, line.deal) : null,
          };
        }),
        next,
      };
    },

    async trend(accountId, days) {
      const now = clock.now();
      const kept = await forecasts.since(accountId, addDays(now, -days));
      const [first] = kept;
      if (!first) return [];
      const rows = await store.figures.sums(accountId, {
        measures: ['journal'],
        from: dayOfForecast(first),
        to: dayNumber(now),
        by: ['day', 'label'],
        labels: ['accrue'],
      });
      const currencies = new Set([
        ...kept.flatMap(({ forecast }) => forecast?.totals.map(({ currency }) => currency) ?? []),
        ...rows.map(({ currency }) => currency),
      ]);
      return kept.flatMap((one, index) => {
        const from = dayOfForecast(one);
        const next = kept[index + 1];
        const to = next ? dayOfForecast(next) : dayNumber(now) + 1;
        return [...currencies].sort().map((currency): ForecastPoint => {
          const total = one.forecast?.totals.find((sum) => sum.currency === currency);
          const granted = rows.filter(
            (row) => row.currency === currency && row.day !== null && row.day >= from && row.day < to,
          );
          return {
            countedAt: one.finishedAt ?? one.startedAt,
            currency,
            minor: total?.minor ?? 0n,
            weightedMinor: total?.weightedMinor ?? 0n,
            grantedMinor: granted.reduce((sum, { minor }) => sum + minor, 0n),
          };
        });
      });
    },

    async runAll(signal) {
      for (const { accountId, id } of await forecasts.running(RUNNING_MAX)) {
        if (signal?.aborted) return;
        await make(accountId, id, signal).catch((err: unknown) => {
          log[err instanceof Fault ? 'warn' : 'error']({ account: accountId, forecast: id, err }, 'forecast put off');
        });
      }
    },

    async beginAll(signal) {
      for (const { id } of await store.accounts.list()) {
        if (signal?.aborted) return;
        const { done, running } = await forecasts.newest(id);
        const isOfToday = done?.finishedAt != null && dayNumber(done.finishedAt) === dayNumber(clock.now());
        if (!isOfToday && !running) await start(id, 'schedule');
      }
    },
  };
}

function dayOfForecast({ finishedAt, startedAt }: KeptForecast): number {
  return dayNumber(finishedAt ?? startedAt);
}

function stageChanceOf(chances: ReadonlyMap<string, number>, { history }: DealFacts): number | null {
  const point = history.at(-1);
  return point ? (chances.get(`${point.pipelineId}\n${point.stageId}`) ?? null) : null;
}
