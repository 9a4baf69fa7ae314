import type Database from 'better-sqlite3';
import type { SendWebhook } from '../../src/application/ports/webhook.ts';
import { WEBHOOK_EVENT_TYPES } from '../../src/domain/webhook.ts';
import type { Random } from '../crash/random.ts';
import type { Counters, Weather } from './faults.ts';
import { createInsist } from './insist.ts';
import type { Network, NodeLife } from './network.ts';
import type { SimNode } from './node.ts';
import type { Scheduler } from './scheduler.ts';
import type { Calm } from './setup.ts';

/*
 * Other systems that asked to be told: one that always answers, one that answers as it likes, one that is switched off and on, one that never
 * takes anything. They write down what reaches them, whatever becomes of their answer.
 */

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
/** Longer than everything is tried again, and longer than one that fails is borne. */
const TRIED_FOR_MS = 4 * DAY;

type Temper = 'steady' | 'moody' | 'switched' | 'failing' | 'redirecting' | 'gone';

/** What one that never takes anything says; a redirect would lead into the service's own network. */
const REFUSALS: Readonly<Partial<Record<Temper, number>>> = { failing: 503, redirecting: 302, gone: 410 };
/** Those that fail tell whoever set them up within three days. */
const isHopeless = (temper: Temper) => temper in REFUSALS;

interface Endpoint {
  readonly accountId: string;
  readonly temper: Temper;
  readonly url: string;
  readonly id: string;
  readonly secret: string;
}

interface Told {
  readonly url: string;
  readonly id: string;
  readonly body: string;
  readonly secrets: readonly string[];
  readonly isTaken: boolean;
}

interface Body {
  readonly id: string;
  readonly type: string;
  readonly accountId: string;
  readonly subject: string;
  readonly sequence: number;
}

export interface Listeners {
  send(life: NodeLife, now: () => number): SendWebhook;
  /** In peace: who wants to be told. */
  first(calm: Calm): Promise<void>;
  begin(): void;
  /** Waits for all that is tried again, and tells what is wrong. */
  settle(calm: Calm): Promise<string[]>;
}

export interface ListenersInput {
  readonly accountIds: readonly string[];
  readonly db: Database.Database;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

export function createListeners(input: ListenersInput): Listeners {
  const { accountIds, db, scheduler, network, random, weather, counters, nodes } = input;
  const insist = createInsist({ scheduler, random, counters, nodes });
  const endpoints: Endpoint[] = [];
  const told: Told[] = [];
  const problems: string[] = [];

  const rows = <T>(query: string, ...bound: unknown[]) => db.prepare(query).all(...bound) as T[];
  const stateOf = ({ accountId, id }: Endpoint) =>
    rows<{ state: string; version: number }>(
      'select state, version from webhook_endpoints where account_id = ? and id = ?',
      accountId,
      id,
    )[0];

  function take({ temper, url }: Endpoint, webhook: Omit<Told, 'url' | 'isTaken'>): number {
    const mood = temper === 'moody' && !network.isCalm ? random.pick([200, 200, 200, 400, 429, 500, 307]) : 200;
    const status = REFUSALS[temper] ?? mood;
    if (told.some((one) => one.url === url && one.id === webhook.id && one.isTaken))
      counters['webhook sent twice'] += 1;
    if (status !== 200) counters['webhook refused'] += 1;
    told.push({ ...webhook, url, isTaken: status === 200 });
    return status;
  }

  function turn(endpoint: Endpoint, isEnabled: boolean): void {
    const { accountId, url, id } = endpoint;
    insist.say('admin', `switches ${url} ${isEnabled ? 'on' : 'off'}`, async ({ webhookEndpoints }) => {
      const present = stateOf(endpoint);
      if (!present || (present.state === 'enabled') === isEnabled) return;
      const { version } = present;
      const asked = { url, description: '', eventTypes: WEBHOOK_EVENT_TYPES, isEnabled, version };
      const saved = await webhookEndpoints.change(accountId, id, asked, 'admin');
      if (saved?.kind !== 'saved') throw new Error(saved?.kind ?? 'no endpoint');
      counters['webhook switched off or on'] += 1;
    });
  }

  return {
    send:
      (life, now) =>
      async ({ url, secrets, eventId, body }) => {
        const at = now();
        const endpoint = endpoints.find((one) => one.url === url);
        if (!endpoint) {
          problems.push(`webhooks: ${url} was called, and nobody has set it up`);
          return { at, durationMs: 0, status: 200, problem: null, answer: '', pauseMs: null };
        }
        const heard = await network
          .ask(life, `tell ${url} of ${eventId}`, () => take(endpoint, { id: eventId, body, secrets }))
          .catch(() => null);
        const problem = heard === 200 ? null : 'There was no answer, or not the one that was hoped for.';
        return {
          ...{ at, durationMs: now() - at, status: heard, problem, answer: '' },
          pauseMs: heard === 429 ? random.integer(1, 10 * MINUTE) : null,
        };
      },

    async first(calm) {
      const never = random.pick(['failing', 'redirecting', 'gone'] as const);
      const wanted = accountIds.flatMap((accountId, index) =>
        (index === 0 ? (['steady', 'moody', 'switched', never] as const) : (['steady'] as const)).map(
          (temper) => [accountId, temper] as const,
        ),
      );
      for (const [accountId, temper] of wanted) {
        const url = `https://${temper}.${accountId.replace('_', '-')}.example/hook`;
        const made = await calm.ask(
          calm
            .container()
            .webhookEndpoints.create(accountId, { url, description: '', eventTypes: WEBHOOK_EVENT_TYPES }, 'admin'),
        );
        if (made?.kind !== 'created') throw new Error(`no endpoint: ${JSON.stringify(made)}`);
        endpoints.push({ accountId, temper, url, id: made.endpoint.id, secret: made.secret });
      }
    },

    begin() {
      for (const endpoint of endpoints.filter(({ temper }) => temper === 'switched')) {
        for (let turns = random.integer(1, 3); turns > 0; turns -= 1) {
          const off = random.integer(1, weather.spanMs);
          scheduler.after(off, () => turn(endpoint, false));
          scheduler.after(off + random.integer(1_000, 10 * MINUTE), () => turn(endpoint, true));
        }
      }
    },

    async settle(calm) {
      // What happened while it was off is told when somebody asks for it.
      for (const endpoint of endpoints.filter(({ temper }) => temper === 'switched')) {
        turn(endpoint, true);
        await calm.pass(10 * MINUTE);
        const { webhookEndpoints } = calm.container();
        const from = { since: 0, after: null, onlyUndelivered: true };
        const replayed = await calm.ask(webhookEndpoints.replay(endpoint.accountId, endpoint.id, from));
        if (replayed === null || replayed === undefined || replayed === 'off' || replayed.next !== null)
          throw new Error(`not replayed: ${JSON.stringify(replayed)}`);
      }
      await calm.pass(TRIED_FOR_MS);
      return [
        ...problems,
        ...insist.unanswered().map((what) => `webhooks: ${what}, and nobody has answered`),
        ...endpoints.flatMap((endpoint) => [...isToldAll(endpoint), ...isItsOwn(endpoint)]),
        ...accountIds.flatMap(tellsTheStory),
      ];
    },
  };

  /** What was committed has arrived, and was answered; of one that takes nothing its account knows. */
  function isToldAll(endpoint: Endpoint): string[] {
    const { accountId, id, url, temper } = endpoint;
    const events = rows<{ id: string; body: string }>(
      'select id, body from webhook_events where account_id = ? and endpoint_id is null',
      accountId,
    );
    if (isHopeless(temper)) {
      if (events.length === 0) return [];
      const expected = temper === 'gone' ? 'gone' : 'failing';
      const { state } = stateOf(endpoint) ?? { state: 'lost' };
      const alerts = rows(
        `select id from desk_cases where account_id = ? and topic = 'webhook_failing' and state = 'open'`,
        accountId,
      );
      return [
        ...(state === expected ? [] : [`webhooks: ${url} takes nothing for days, and is ${state}`]),
        ...(alerts.length === 1 ? [] : [`webhooks: ${url} takes nothing, and ${alerts.length} alerts say so`]),
      ];
    }
    const taken = new Set(told.filter((one) => one.url === url && one.isTaken).map((one) => one.id));
    const given = new Set(
      rows<{ event_id: string }>(
        `select event_id from webhook_deliveries where account_id = ? and endpoint_id = ? and state = 'failed'`,
        accountId,
        id,
      ).map(({ event_id }) => event_id),
    );
    return events
      .filter((event) => !taken.has(event.id))
      .map((event) =>
        given.has(event.id)
          ? `webhooks: ${url} would have taken ${event.id} for days, and it was given up`
          : `webhooks: ${url} was never told of ${event.id}: ${event.body}`,
      );
  }

  /** Nothing of somebody else's, nothing that never was, the same under the same id. */
  function isItsOwn({ accountId, url, secret }: Endpoint): string[] {
    const known = new Map(
      rows<{ id: string; body: string }>('select id, body from webhook_events where account_id = ?', accountId).map(
        (event) => [event.id, event.body],
      ),
    );
    const changes = new Map<string, string>();
    return told
      .filter((one) => one.url === url)
      .flatMap(({ id, body, secrets }) => {
        const { type, subject, sequence, ...event } = JSON.parse(body) as Body;
        const change = `${type} ${subject} ${sequence}`;
        const other = changes.get(change);
        changes.set(change, id);
        return [
          ...(event.accountId === accountId ? [] : [`webhooks: ${url} was told of ${event.accountId}`]),
          ...(event.id === id && known.get(id) === body ? [] : [`webhooks: ${url} was told of what is not: ${id}`]),
          ...(secrets.length === 1 && secrets[0] === secret ? [] : [`webhooks: ${url} is signed for with another’s`]),
          ...(other === undefined || other === id ? [] : [`webhooks: ${change} was told as ${other} and as ${id}`]),
        ];
      });
  }

  /** Who puts together what the steady one heard knows what the books say: nothing more, nothing less, and how each thing stands now. */
  function tellsTheStory(accountId: string): string[] {
    const steady = endpoints.find((one) => one.accountId === accountId && one.temper === 'steady');
    const heard = new Map<string, Body>();
    for (const one of told) if (one.url === steady?.url) heard.set(one.id, JSON.parse(one.body) as Body);
    const of = (type: string) =>
      [...heard.values()].filter((event) => event.type === type).map(({ subject }) => subject);
    const newest = (subject: string, types: ReadonlySet<string>) =>
      [...heard.values()]
        .filter((event) => event.subject === subject && types.has(event.type))
        .reduce<Body | null>((last, event) => (last && last.sequence > event.sequence ? last : event), null);
    const ids = (table: string) =>
      rows<{ id: string }>(`select id from ${table} where account_id = ?`, accountId).map(({ id }) => id);
    const same = (type: string, table: string) => {
      const [said, are] = [of(type).sort().join(' '), ids(table).sort().join(' ')];
      return said === are ? [] : [`webhooks: ${type} was told of ${said || 'nothing'}, ${table} are ${are || 'none'}`];
    };
    const stages = new Set(WEBHOOK_EVENT_TYPES.filter((type) => type.startsWith('referral.') && !/reattr/.test(type)));
    const states = new Set(
      WEBHOOK_EVENT_TYPES.filter((type) => type.startsWith('reward.') && !/granted|adjusted/.test(type)),
    );
    const stands = (table: string, column: string, prefix: string, types: ReadonlySet<string>) =>
      rows<{ id: string; now: string }>(
        `select id, ${column} as now from ${table} where account_id = ?`,
        accountId,
      ).flatMap(({ id, now }) => {
        const last = newest(id, types)?.type;
        return last === `${prefix}.${now}` ? [] : [`webhooks: ${id} is ${now}, and was last told to be ${last}`];
      });
    return [
      ...same('member.enrolled', 'members'),
      ...same('decision.made', 'decisions'),
      ...same('reward.granted', 'rewards'),
      ...stands('referrals', 'stage', 'referral', stages),
      ...stands('rewards', 'state', 'reward', states),
    ];
  }
}
