import { z } from 'zod';
import type { RecordRef } from '../../../domain/record.ts';
import type { Service } from '../../../service.ts';
import type { HubSpotSandbox } from '../../hubspot/server.ts';
import { callJson } from '../call.ts';
import { createChance } from './chance.ts';
import { createOffice, type Office, STAFF, type Staff } from './office.ts';
import type { Person } from './people.ts';
import { FIRST_STAGE, type Friend, type Plot, type PlotOptions, type Scene, WON_STAGE, writePlot } from './plot.ts';
import { VERSIONS } from './programs.ts';
import type { Steps, Walk } from './walk.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const WEEK_MS = 7 * DAY;
const QUARTER_MS = 13 * WEEK_MS;
/** Of what the gifts of a quarter will come to: mostly enough, and not quite in the last one. */
const BUDGET_SHARE = 1.05;
const LAST_BUDGET_SHARE = 0.85;
const GIFT = 50;
/** How much currencies move in a week, and from where they start. */
const RATES_BEGIN = { USD: 1.1, GBP: 0.86, CHF: 0.95, JPY: 160 } as const;
const RATE_SPREAD = 0.006;
/** A sweep goes over everything that changed since the last one. */
const SWEEP_EVERY_MS = 30 * DAY;
/** As many as a batch of the service holds; a step is as long as so much takes to happen, and no longer than a week. */
const SCENES_PER_STEP = 60;
const STRIDE_MAX_DAYS = 7;
/** At the end things happen one by one. How fast the service is, is told over a day, in whole hours, and by the next morning. */
const LAST_HOURS_MS = 26 * HOUR;
/** A service writes what it counts of its own work within this. */
const FLUSH_MS = 60_000;
/** What open deals may still cost is counted each week then: how that moves is worth a look, and all years of it a minute. */
const FORECASTS_MS = 12 * WEEK_MS;
/** News, a look at it, the decision and the write-back. */
const ROUNDS_MAX = 6;
const REACTION_MS = 2_000;

export interface Life {
  readonly accountId: string;
  readonly apiKey: string;
}

export interface LiveOptions extends PlotOptions {
  readonly accountName: string;
  /** Hears after each day how many of all scenes are done. */
  readonly onProgress?: (done: number, all: number) => void;
  readonly signal?: AbortSignal;
}

export interface LiveDeps {
  readonly service: Pick<Service, 'container' | 'store'>;
  readonly serviceUrl: string;
  readonly sandbox: HubSpotSandbox;
  readonly portalId: number;
  readonly walk: Walk;
  readonly steps: Steps;
}

/**
 * Lives the plot day by day: people act in the local HubSpot and on the website, its webhooks arrive, the service's hops and schedules
 * do their work, the office looks at what waits. Nothing of ours is written but by the service itself.
 */
export async function live(deps: LiveDeps, options: LiveOptions): Promise<Life> {
  const { service, sandbox, walk, steps, serviceUrl, portalId } = deps;
  const plot = writePlot(options);
  const { from, until } = plot;
  walk.to(from);
  const { container } = service;
  const account = await container.accounts.create(options.accountName);
  const keys = {} as Record<Staff, string>;
  for (const [who, { label, roles }] of Object.entries(STAFF) as Array<[Staff, (typeof STAFF)[Staff]]>) {
    const made = await container.accounts.createApiKey(account.id, label, roles);
    if (!made) throw new Error('no key');
    keys[who] = made.key;
  }
  const office = createOffice(serviceUrl, keys, options);
  await office.open();
  await office.publish(0);
  const { url } = await callJson(z.object({ url: z.string() }), `${serviceUrl}/api/v1/connections/install`, {
    method: 'POST',
    headers: { authorization: `Bearer ${keys.architect}` },
    body: { provider: 'hubspot' },
  });
  const state = new URL(url).searchParams.get('state') ?? '';
  const back = await fetch(sandbox.control.install(portalId, { state }).redirectUrl, { redirect: 'manual' });
  if (back.status !== 200) throw new Error(`the portal could not be connected: ${await back.text()}`);
  const connection = await service.store.connections.findByExternalId('hubspot', String(portalId));
  if (!connection) throw new Error('the portal is not connected');

  const cast = createCast(deps, plot, account.id, connection.id, office);
  const doings = inOrder(
    plot.scenes.map((scene) => ({ at: scene.at, act: () => cast.play(scene) })),
    duties(office, plot, options.seed),
  );
  const stride = strideOf(plot);
  let next = 0;
  for (let end = from; end < until; ) {
    options.signal?.throwIfAborted();
    const start = end;
    end = endOfStep(start, stride, until, doings[next]?.at);
    for (; next < doings.length; next += 1) {
      const doing = doings[next];
      if (doing === undefined || doing.at >= end) break;
      walk.to(doing.at);
      await doing.act();
    }
    walk.to(end - 1);
    await settle(sandbox, steps);
    for (const schedule of ['tiers', 'cases', 'alerts', 'batches']) await steps.strike(schedule);
    const isLast = end === until;
    if (isLast || Math.floor(start / SWEEP_EVERY_MS) !== Math.floor(end / SWEEP_EVERY_MS)) await steps.strike('sweep');
    await office.pay(walk.now());
    await office.review(walk.now());
    await settle(sandbox, steps);
    await steps.strike('figures');
    const isOtherWeek = Math.floor(start / WEEK_MS) !== Math.floor(end / WEEK_MS);
    if (isLast || (isOtherWeek && end > until - FORECASTS_MS))
      for (const schedule of ['forecast', 'forecasts']) await steps.strike(schedule);
    options.onProgress?.(next, doings.length);
  }
  return { accountId: account.id, apiKey: keys.architect };
}

/** Webhooks are taken and all that is due is done, until our own writes bring no news any more: nothing is on its way when a sweep looks. */
async function settle(sandbox: HubSpotSandbox, steps: Steps): Promise<void> {
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds += 1) {
    sandbox.control.hurry();
    await sandbox.idle();
    if ((await steps.work()) === 0) return;
  }
}

/** In the last hours each thing is decided on as soon as it has happened. */
function endOfStep(start: number, stride: number, until: number, nextAt = until): number {
  const lastHours = until - LAST_HOURS_MS;
  if (start < lastHours) return Math.min(start + stride, lastHours);
  // What the service has counted until then is written before a figure of the last day looks.
  if (start === lastHours) return start + FLUSH_MS;
  return Math.min(Math.max(start, nextAt) + REACTION_MS, until);
}

/** Who does what in the CRM and on the website, and under which ids. */
function createCast(
  { service, sandbox, portalId }: LiveDeps,
  plot: Plot,
  accountId: string,
  connectionId: string,
  office: Office,
) {
  const { control } = sandbox;
  const { act } = service.container;
  const memberContacts: string[] = [];
  const memberships: Array<{ readonly id: string; readonly code: string } | null> = [];
  const friendContacts: string[] = [];
  const dealIds: string[] = [];
  const gone = new Set<number>();
  let refunds = 0;
  const contactRef = (id: string): RecordRef => ({ connectionId, object: 'contact', id });

  function contactOf(
    { first, last, email, phone, company }: Person,
    more: Record<string, string> = {},
    referrer?: string,
  ): string {
    const { id } = control.createRecord(portalId, 'contact', {
      properties: { firstname: first, lastname: last, email, phone, company, ...more },
      associations: referrer === undefined ? [] : [{ toType: 'contact', toId: referrer, labels: ['Referred by'] }],
    });
    return id;
  }

  async function join(index: number): Promise<void> {
    const member = plot.members[index];
    if (!member) return;
    const id = contactOf(member);
    memberContacts[index] = id;
    memberships[index] = null;
    if (!member.isEnrolled) return;
    const name = `${member.first} ${member.last}`;
    const joined = await act.createMember(accountId, { name, email: member.email, contact: contactRef(id) });
    if (joined.kind === 'refused') throw new Error(joined.code);
    memberships[index] = joined.member;
  }

  async function refer(index: number): Promise<void> {
    const friend = plot.friends[index] as Friend;
    const membership = memberships[friend.member];
    const contact = memberContacts[friend.member];
    if (contact === undefined) throw new Error('a member refers before joining');
    if (friend.channel === 'label' || !membership) {
      friendContacts[index] = contactOf(friend, {}, contact);
      return;
    }
    if (friend.channel === 'code') {
      friendContacts[index] = contactOf(friend, { wonward_referral_code: membership.code });
      return;
    }
    const id = contactOf(friend);
    friendContacts[index] = id;
    const { first, last, email } = friend;
    await act.createReferral(accountId, {
      memberId: membership.id,
      friend: { name: `${first} ${last}`, email, contact: contactRef(id) },
    });
  }

  const edit = (index: number, properties: Record<string, string>) => {
    const id = dealIds[index];
    if (id !== undefined && !gone.has(index)) control.editRecord(portalId, 'deal', id, { properties });
  };

  return {
    async play(scene: Scene): Promise<void> {
      switch (scene.kind) {
        case 'join':
          return join(scene.member);
        case 'refer':
          return refer(scene.friend);
        case 'open': {
          const deal = plot.deals[scene.deal];
          const contact = deal && friendContacts[deal.friend];
          if (deal === undefined || contact === undefined) return;
          const { name, amount, currency } = deal;
          dealIds[scene.deal] = control.createRecord(portalId, 'deal', {
            properties: {
              dealname: name,
              amount,
              pipeline: 'default',
              dealstage: FIRST_STAGE,
              deal_currency_code: currency,
              ...closing(scene.closesAt),
            },
            associations: [{ toType: 'contact', toId: contact }],
          }).id;
          return;
        }
        case 'move':
          return edit(scene.deal, { dealstage: scene.stage, ...closing(scene.closesAt) });
        case 'amend':
          return edit(scene.deal, { amount: scene.amount });
        case 'delete': {
          const id = dealIds[scene.deal];
          if (id === undefined) return;
          gone.add(scene.deal);
          return control.deleteRecord(portalId, 'deal', id);
        }
        case 'refund': {
          const [id, deal] = [dealIds[scene.deal], plot.deals[scene.deal]];
          if (id === undefined || deal === undefined || gone.has(scene.deal)) return;
          refunds += 1;
          const money = { amount: scene.amount, currency: deal.currency };
          await office.refund({ id: `refund-${refunds}`, dealId: id, money, at: new Date(scene.at).toISOString() });
          return;
        }
        case 'dispute': {
          const friend = plot.friends[scene.friend];
          const referral = friend ? await office.referralOf(friend.email) : null;
          if (!referral) return;
          const instead = scene.claim === 'wrong_member' ? memberships[scene.instead]?.id : undefined;
          await office.dispute({
            referralId: referral.id,
            claim: scene.claim,
            ...(instead === undefined || instead === referral.memberId ? {} : { memberId: instead }),
            words: WORDS[scene.claim],
            by: { role: 'member', id: referral.memberId },
          });
        }
      }
    },
  };
}

/** Nothing where nobody says anything; HubSpot sets the date itself when a deal is closed. */
function closing(at: number | null): Record<string, string> {
  return at === null ? {} : { closedate: new Date(at).toISOString() };
}

const WORDS = {
  wrong_member: 'The friend says that somebody else had told them first.',
  not_rewarded: 'The customer has bought and nothing has come.',
  wrong_amount: 'The deal was larger than what the reward was counted by.',
} as const;

/** A walk for each currency, a step a week. */
function createRates(seed: number) {
  const chance = createChance(seed + 1);
  const now: Record<string, number> = { ...RATES_BEGIN };
  return {
    /** For the week that begins the day before: events are judged by the rate of the day before them. */
    week(start: number): object[] {
      const day = (at: number) => new Date(at).toISOString().slice(0, 10);
      return Object.keys(now).map((currency) => {
        now[currency] = chance.around(now[currency] ?? 1, RATE_SPREAD);
        const perBase = (now[currency] ?? 1).toPrecision(5);
        return { currency, base: 'EUR', day: day(start - DAY), until: day(start + 5 * DAY), perBase, source: 'ECB' };
      });
    },
  };
}

interface Doing {
  readonly at: number;
  act(): Promise<unknown>;
}

/** What the office does at fixed times: new versions of the program, the quarter's money for gifts, the week's exchange rates. */
function duties(office: Office, plot: Plot, seed: number): Doing[] {
  const { from, until } = plot;
  const rates = createRates(seed);
  const gifts = giftsByQuarter(plot);
  const all: Doing[] = [];
  for (const [version, { after }] of VERSIONS.entries())
    if (version > 0) all.push({ at: from + Math.floor(after * (until - from)), act: () => office.publish(version) });
  for (const [quarter, wins] of gifts.entries()) {
    const share = quarter === gifts.length - 1 ? LAST_BUDGET_SHARE : BUDGET_SHARE;
    const amount = `${Math.ceil(wins * share + 1) * GIFT}.00`;
    all.push({ at: from + quarter * QUARTER_MS, act: () => office.fillBudget(`quarter-${quarter + 1}`, amount) });
  }
  for (let at = from; at < until; at += WEEK_MS) all.push({ at, act: () => office.enterRates(rates.week(at)) });
  return all;
}

/** Both in the order of the times; what the office does at a moment comes before what happens then. */
function inOrder(scenes: readonly Doing[], own: readonly Doing[]): Doing[] {
  return [...own, ...scenes].sort((a, b) => a.at - b.at);
}

/** Whole days at a time. Where little happens on one day, several are lived at once: a step costs the service the same however little there is. */
function strideOf({ from, until, scenes }: Plot): number {
  const days = (until - from) / DAY;
  return Math.max(1, Math.min(STRIDE_MAX_DAYS, Math.round((days * SCENES_PER_STEP) / scenes.length))) * DAY;
}

/** How many wins there will be in each quarter: what the gifts cost at most. */
function giftsByQuarter({ from, until, scenes }: Plot): number[] {
  const quarters = Array.from({ length: Math.ceil((until - from) / QUARTER_MS) }, () => 0);
  for (const scene of scenes) {
    if (scene.kind !== 'move' || scene.stage !== WON_STAGE) continue;
    const quarter = Math.floor((scene.at - from) / QUARTER_MS);
    quarters[quarter] = (quarters[quarter] ?? 0) + 1;
  }
  return quarters;
}
