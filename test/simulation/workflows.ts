import type Database from 'better-sqlite3';
import type { CallbackWord, WorkflowAnswer } from '../../src/application/ports/crm.ts';
import type { Connection } from '../../src/application/ports/store.ts';
import type { Random } from '../crash/random.ts';
import { type Portal, PROVIDER } from './crm.ts';
import type { Counters, Weather } from './faults.ts';
import type { Books } from './laws.ts';
import type { SimNode } from './node.ts';
import type { Submitted } from './oracle.ts';
import type { Scheduler } from './scheduler.ts';

const MINUTE = 60_000;

/** A workflow gives us so long, and comes again, later each time. */
const PATIENCE_MS = 20_000;
const AGAIN_MS = [20_000, MINUTE, 5 * MINUTE, 10 * MINUTE, 10 * MINUTE] as const;
/** A card comes again sooner: somebody sits before it. */
const CLICKED_AGAIN_MS = 13_000;

/** Longer than any history. */
const WAIT_DAYS = '60';

const RULES = ['friend-won', 'member-won'] as const;

interface Call {
  readonly callbackId: string;
  readonly action: string;
  readonly contactId: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** Every answer that any node has given, whether or not it has arrived. */
  readonly answers: WorkflowAnswer[];
  /** What the CRM knows of it: it has no answer, it goes on without us, or it waits for us. */
  state: 'asked' | 'over' | 'waits' | 'told';
  told: WorkflowAnswer | null;
}

interface Click {
  readonly key: string;
  readonly answers: Array<{ readonly ok: boolean; readonly text: string }>;
  isAnswered: boolean;
}

export interface Workflows {
  begin(): void;
  /** What the CRM does when it is told that some of its workflows can go on. */
  complete(words: readonly CallbackWord[]): { readonly unknown: ReadonlySet<string> };
  problems(books: Books, db: Database.Database): string[];
}

export interface WorkflowsInput {
  readonly portal: Portal;
  readonly connection: () => Connection;
  readonly submitted: Submitted[];
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly weather: Weather;
  readonly counters: Counters;
  readonly nodes: () => readonly SimNode[];
}

/** Workflows and people at cards: each calls again until it has an answer, to any node, also while another one is still at it. */
export function createWorkflows(input: WorkflowsInput): Workflows {
  const { portal, connection, submitted, scheduler, random, weather, counters, nodes } = input;
  const calls: Call[] = [];
  const clicks: Click[] = [];
  const nodeUp = () => {
    const up = nodes().filter(({ life }) => life !== null);
    return up.length === 0 ? null : random.pick(up);
  };
  const contacts = () => [...portal.contacts.values()].filter(({ isDeleted, mergedInto }) => !isDeleted && !mergedInto);
  const friends = () => contacts().filter(({ referrers }) => referrers.size > 0);
  const members = () => contacts().filter(({ referrers, usedCode }) => referrers.size === 0 && usedCode === null);

  function call(action: string, contactId: string, inputs: Call['inputs']): void {
    const made: Call = {
      callbackId: `ap-${calls.length + 1}`,
      action,
      contactId,
      inputs,
      answers: [],
      state: 'asked',
      told: null,
    };
    calls.push(made);
    scheduler.note('workflow', `${made.callbackId} asks to ${action} ${contactId} ${JSON.stringify(inputs)}`);
    ask(made, 0);
  }

  function ask(of: Call, attempt: number): void {
    if (of.state !== 'asked') return;
    if (attempt > 0) counters['action called again'] += 1;
    const times = random.chance(0.3) ? 2 : 1;
    for (let count = times; count > 0; count -= 1) askNode(of);
    const pauseMs = AGAIN_MS[Math.min(attempt, AGAIN_MS.length - 1)] as number;
    scheduler.after(PATIENCE_MS + pauseMs, () => ask(of, attempt + 1));
  }

  function askNode(of: Call): void {
    const node = nodeUp();
    if (!node?.container) return;
    const { callbackId, action, contactId, inputs } = of;
    const record = { object: 'contact' as const, id: contactId };
    node.container
      .runWorkflowAction({
        provider: PROVIDER,
        externalId: portal.externalId,
        action,
        callbackId,
        askedBy: 'workflow 1',
        record,
        seen: undefined,
        inputs,
      })
      .then(
        ({ accountId: _, ...answer }) => {
          of.answers.push(answer);
          const isLost = !nodeIsCalm() && random.chance(0.3);
          if (isLost) counters['action’s answer lost'] += 1;
          scheduler.note(
            'workflow',
            `${callbackId} is told ${answer.state} ${answer.code}${isLost ? ', and it is lost' : ''}`,
          );
          if (isLost || of.state !== 'asked') return;
          of.state = answer.state === 'waits' ? 'waits' : 'over';
          if (of.state === 'over') of.told = answer;
        },
        (error: unknown) => scheduler.note('workflow', `${callbackId} is not answered: ${String(error)}`),
      );
  }

  const endsAt = scheduler.now() + weather.spanMs;
  const nodeIsCalm = () => scheduler.now() > endsAt + 5 * MINUTE;

  function click(action: Parameters<NonNullable<SimNode['container']>['cardActions']['run']>[0]['action']): void {
    const made: Click = { key: `click-${clicks.length + 1}-0123456789abcdef`, answers: [], isAnswered: false };
    clicks.push(made);
    scheduler.note('rep', `clicks ${made.key}: ${JSON.stringify(action)}`);
    const say = (isFirst: boolean) => {
      if (made.isAnswered) return;
      if (!isFirst) counters['click repeated'] += 1;
      for (let times = random.chance(0.4) ? 2 : 1; times > 0; times -= 1) {
        const node = nodeUp();
        node?.container?.cardActions
          .run({ connection: connection(), user: { id: '7', email: 'rep@example.com' }, key: made.key, action })
          .then(
            (answer) => {
              made.answers.push({ ok: answer.ok, text: JSON.stringify(answer) });
              if (answer.ok && (nodeIsCalm() || random.chance(0.7))) made.isAnswered = true;
            },
            (error: unknown) => scheduler.note('rep', `${made.key} is not answered: ${String(error)}`),
          );
      }
      scheduler.after(CLICKED_AGAIN_MS, () => say(false));
    };
    say(true);
  }

  /** Somebody whom nobody has referred yet, and who refers them. */
  function newcomer(): { readonly friendId: string; readonly memberId: string } | null {
    const among = members();
    if (among.length === 0) return null;
    const { id: memberId } = random.pick(among);
    const { id: friendId } = portal.createContact({
      name: 'Newcomer',
      email: `newcomer${scheduler.now()}@example.com`,
      usedCode: null,
      // A value that nobody has: who comes by a form is not taken for a member here.
      referrers: [],
    });
    submitted.push({ contactId: friendId, memberContactId: memberId, submittedAt: scheduler.now() });
    taken.add(friendId);
    scheduler.after(2 * random.integer(500, 60_000) + 1, () => {
      if (portal.contacts.get(friendId)?.mergedInto !== null) return;
      const values = { pipeline: 'sales', stage: '71', amount: '500.00', currency: 'EUR' };
      portal.createDeal(values, [friendId]);
    });
    return { friendId, memberId };
  }
  const taken = new Set<string>();

  const acts: ReadonlyArray<() => void> = [
    () => {
      const among = friends();
      if (among.length === 0) return;
      const rule = random.pick(RULES);
      call('wait_until_rewarded', random.pick(among).id, { rule, days: WAIT_DAYS });
    },
    () => {
      const found = newcomer();
      if (found) call('submit_referral', found.friendId, { referrer_contact: found.memberId });
    },
    () => {
      const found = newcomer();
      if (found)
        click({ kind: 'refer', contactId: found.friendId, as: 'friend', other: { contactId: found.memberId } });
    },
    () => {
      const among = members().filter(({ id }) => !taken.has(id));
      if (among.length === 0) return;
      const { id } = random.pick(among);
      if (random.chance(0.5)) click({ kind: 'share_link', contactId: id });
      else call(random.pick(['enrol_member', 'get_share_link']), id, {});
    },
  ];

  return {
    begin() {
      for (let count = random.integer(4, 8); count > 0; count -= 1) {
        const act = random.pick([acts[0], acts[0], ...acts] as Array<() => void>);
        scheduler.after(2 * random.integer(500, weather.spanMs / 2) + 1, act);
      }
    },

    complete(words) {
      const unknown = new Set<string>();
      for (const { callbackId, answer } of words) {
        const of = calls.find((one) => one.callbackId === callbackId);
        if (of?.state !== 'waits') {
          unknown.add(callbackId);
          continue;
        }
        of.state = 'told';
        of.told = answer;
        scheduler.note('workflow', `${callbackId} goes on: ${answer.code}`);
      }
      return { unknown };
    },

    problems(books, db) {
      const problems: string[] = [];
      for (const { callbackId, action, answers, state, told, contactId, inputs } of calls) {
        const name = `workflow call ${callbackId} (${action} ${contactId})`;
        const [first] = answers;
        if (state === 'asked') problems.push(`law 8: ${name} has no answer`);
        for (const other of answers)
          if (!isSame(first as WorkflowAnswer, other))
            problems.push(`law 4: ${name} was answered ${JSON.stringify(first)} and ${JSON.stringify(other)}`);
        if (action !== 'wait_until_rewarded') continue;
        // Two whose contacts were merged have a referral each, and it was one of them that was waited for.
        const own = books.referrals.filter(({ contact_id }) => follow(contact_id) === follow(contactId));
        const rewards = books.rewards.filter(
          ({ referral_id, rule_key }) => own.some(({ id }) => id === referral_id) && rule_key === inputs.rule,
        );
        const isPaid = rewards.some(({ state: at }) => at === 'issued' || at === 'redeemed');
        if (state === 'waits' && isPaid && own.length === 1)
          problems.push(`law 8: ${name} still waits, and the reward was issued`);
        const wasPaid = rewards.some(({ state: at }) => ['issued', 'redeemed', 'clawed_back'].includes(at));
        if (told?.code === 'rewarded' && !wasPaid)
          problems.push(`law 2: ${name} was told of a reward, and none was issued`);
      }
      for (const { key, answers, isAnswered } of clicks) {
        const done = answers.filter(({ ok }) => ok);
        if (!isAnswered) problems.push(`law 8: ${key} has no answer: ${answers.at(-1)?.text}`);
        if (new Set(done.map(({ text }) => text)).size > 1)
          problems.push(`law 4: ${key} was answered ${done.map(({ text }) => text).join(' and ')}`);
      }
      const parked = db
        .prepare('select callback_id, error from workflow_waits where parked = 1 or claim is not null')
        .all() as Array<{ callback_id: string; error: string }>;
      for (const { callback_id, error } of parked) problems.push(`law 8: wait ${callback_id} is left: ${error}`);
      return problems;
    },
  };

  function follow(id: string | null): string | undefined {
    let record = portal.contacts.get(id ?? '');
    while (record?.mergedInto) record = portal.contacts.get(record.mergedInto);
    return record?.id;
  }
}

/** The words may be others by then; what a workflow goes by is not. */
function isSame(a: WorkflowAnswer, b: WorkflowAnswer): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
