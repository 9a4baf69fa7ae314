import type { Case } from '../domain/case.ts';
import { Fault } from '../domain/errors.ts';
import { textOf } from '../domain/money.ts';
import { routeOf } from '../domain/notice.ts';
import type { RecordRef } from '../domain/record.ts';
import { addDays } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmSession, CrmTasks, NewTask } from './ports/crm.ts';
import type { CaseTask, Connection, Store, WatchedConnection } from './ports/store.ts';
import { deferralFor } from './retry.ts';

/** As many at a time as one page of a query should have. */
const PAGE = 100;
/**
 * A task that was asked for without an answer may still be made, and a search knows of it some seconds after that. So long it is neither
 * looked for nor asked for again: thirty seconds for the call, and for the index of a search twenty times what a vendor says that it takes.
 */
export const UNSURE_MS = 10 * 60_000;
/** A case that nobody has to decide by a time is to be looked at within this. */
const USUAL_DAYS = 2;

export interface CaseTasksDeps {
  readonly store: Pick<Store, 'caseTasks' | 'connections' | 'desk' | 'reads'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly openSession: (connection: Connection) => CrmSession;
}

/** Brings the tasks of all CRMs into step with the cases: makes those that are missing, completes those whose case is over. */
export type RunCaseTasks = (signal: AbortSignal) => Promise<void>;

/**
 * One task for each case and CRM, also after a crash at any point. A CRM gives tasks no id of ours, so the moment is kept before it is asked;
 * who finds that moment without an answer waits, looks for the task by its title, and asks again only when there is none.
 *
 * What this cannot exclude: a task that the CRM makes later than that, or whose title somebody has changed by then, has a second one.
 */
export function createCaseTasks({ store, clock, log, openSession }: CaseTasksDeps): RunCaseTasks {
  const { caseTasks } = store;

  /** Which cases of a connection are to be tasks; each is looked at once. */
  async function note(watched: WatchedConnection, signal: AbortSignal): Promise<void> {
    const since = Math.min(...watched.routes.map((route) => route.since));
    while (!signal.aborted) {
      const cases = await caseTasks.untold(watched, since, PAGE);
      const noted = [];
      for (const one of cases) {
        const route = routeOf(watched.routes, one);
        const place = route && (await placeOf(watched.accountId, one));
        const isHere = place === null || place === watched.connectionId;
        noted.push({ caseId: one.id, assignee: route?.to ?? null, isWanted: route !== undefined && isHere });
      }
      if (noted.length > 0) await caseTasks.want(watched, noted, clock.now());
      if (cases.length < PAGE) return;
    }
  }

  /** The connection that a case is about; null for one that is about the account. */
  async function placeOf(accountId: string, one: Case): Promise<string | null> {
    const [first] = await recordsOf(accountId, one);
    const named = one.facts.connectionId;
    return first?.connectionId ?? (typeof named === 'string' ? named : null);
  }

  /** The deal and the friend that a case is about, as far as there are. */
  async function recordsOf(accountId: string, { rewardId, referralId, facts }: Case): Promise<RecordRef[]> {
    const [reward, referral] = await Promise.all([
      rewardId === null ? null : store.reads.reward(accountId, rewardId),
      referralId === null ? null : store.reads.referral(accountId, referralId),
    ]);
    const { connectionId, dealId } = facts;
    const named: RecordRef[] =
      typeof connectionId === 'string' && typeof dealId === 'string'
        ? [{ connectionId, object: 'deal', id: dealId }]
        : [];
    const contact = referral?.friend.contact;
    return [...(reward ? [reward.deal] : named), ...(contact ? [contact] : [])];
  }

  const later = (task: CaseTask, fault: unknown): Partial<CaseTask> => {
    const { runAt, error, parked } = deferralFor(fault, task.attempts, clock.now(), clock.random);
    return { dueAt: runAt, error, isParked: parked, attempts: task.attempts + 1 };
  };

  /** What both need: the case, and whoever can make tasks there. Null when it was put off. */
  async function openFor(task: CaseTask): Promise<{ one: Case; tasks: CrmTasks } | null> {
    const [found, connection] = await Promise.all([
      store.desk.get(task.accountId, task.caseId),
      store.connections.get(task.accountId, task.connectionId),
    ]);
    const tasks = connection && openSession(connection).tasks;
    if (found && tasks) return { one: found.case, tasks };
    await caseTasks.save(task, { state: 'none', dueAt: null, error: 'This CRM has no tasks.' });
    return null;
  }

  async function make(task: CaseTask): Promise<void> {
    const open = await openFor(task);
    if (open === null) return;
    const { one, tasks } = open;
    const title = titleOf(one);
    if (task.askedAt !== null) {
      const [known] = await tasks.find(title);
      if (known !== undefined) {
        await caseTasks.save(task, { ...MADE, taskId: known, dueAt: clock.now() });
        return;
      }
    }
    if (one.state !== 'open') {
      await caseTasks.save(task, { state: 'none', dueAt: null });
      return;
    }
    const now = clock.now();
    // Null: another node has the same one.
    const asked = await caseTasks.save(task, { askedAt: now, dueAt: now + UNSURE_MS });
    if (asked === null) return;
    const records = (await recordsOf(task.accountId, one)).filter(
      ({ connectionId }) => connectionId === task.connectionId,
    );
    try {
      const taskId = await createdBy(tasks, newTask(one, title, records, task.assignee));
      await caseTasks.save(asked, { ...MADE, taskId, dueAt: clock.now() });
    } catch (fault) {
      const failed = later(asked, fault);
      // Of an answer that did not come nothing is concluded before its time.
      await caseTasks.save(
        asked,
        isSurelyNotMade(fault) ? { ...failed, askedAt: null } : { ...failed, ...unsure(now) },
      );
      throw fault;
    }
  }

  async function complete(task: CaseTask): Promise<void> {
    const open = await openFor(task);
    if (open === null) return;
    const state = await open.tasks.complete(task.taskId ?? '');
    await caseTasks.save(task, { state, dueAt: null, attempts: 0, error: null });
  }

  /** One after the other: cases are few, and each call takes its turn in the budget of its CRM. */
  async function each(
    due: () => Promise<readonly CaseTask[]>,
    run: (task: CaseTask) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    for (let page = await due(); page.length > 0 && !signal.aborted; page = page.length < PAGE ? [] : await due()) {
      for (const task of page) {
        if (signal.aborted) return;
        try {
          await run(task);
        } catch (err) {
          log.warn({ err, connection: task.connectionId, case: task.caseId }, 'task of a case put off');
          // Unless it was put off already: then another version is there.
          await caseTasks.save(task, later(task, err));
        }
      }
    }
  }

  return async (signal) => {
    for (let after: WatchedConnection | null = null; !signal.aborted; ) {
      const page: readonly WatchedConnection[] = await caseTasks.watched(after, PAGE);
      for (const watched of page) if (watched.routes.length > 0) await note(watched, signal);
      after = page.at(-1) ?? null;
      if (page.length < PAGE) break;
    }
    await each(() => caseTasks.wanted(clock.now(), PAGE), make, signal);
    await each(() => caseTasks.over(clock.now(), PAGE), complete, signal);
  };
}

const MADE = { state: 'created', attempts: 0, error: null, isParked: false } as const;

const unsure = (askedAt: number) => ({ dueAt: askedAt + UNSURE_MS, isParked: false });

/** Whether the CRM has said that it did not make the task; a call that broke off says nothing. */
function isSurelyNotMade(fault: unknown): boolean {
  return fault instanceof Fault && fault.code !== 'crm_unavailable' && fault.code !== 'crm_unreadable_answer';
}

/** A record that is gone, or an owner who is, keeps nobody from being told: the task is made without them. */
async function createdBy(tasks: CrmTasks, task: NewTask): Promise<string> {
  const without = [
    { ...task, about: [] },
    { ...task, about: [], assignee: null },
  ];
  for (let asked = task; ; ) {
    try {
      return await tasks.create(asked);
    } catch (fault) {
      const next = without.shift();
      if (!(fault instanceof Fault) || fault.code !== 'crm_rejected' || !next) throw fault;
      asked = next;
    }
  }
}

const WORDS: Readonly<Record<Case['kind'], string>> = {
  review: 'Review a referral reward',
  dispute: 'Settle a dispute about a referral',
  alert: 'Look at an alert of Wonward',
};

/** Unlike any other's: a task is found by it. */
function titleOf({ kind, id }: Pick<Case, 'kind' | 'id'>): string {
  return `${WORDS[kind]} (${id})`;
}

function newTask(one: Case, title: string, about: readonly RecordRef[], assignee: string | null): NewTask {
  const { severity, value, summary, id, dueAt, openedAt } = one;
  return {
    title,
    lines: [
      summary,
      ...(value ? [`Amount: ${textOf(value)}.`] : []),
      `It is decided in Wonward, as case ${id}. To complete this task decides nothing: the case stays open until somebody decides it there, and the task is completed then by itself.`,
    ],
    dueAt: dueAt ?? addDays(openedAt, USUAL_DAYS),
    priority: severity === 'urgent' || severity === 'high' ? 'high' : severity === 'normal' ? 'medium' : 'low',
    assignee,
    about,
  };
}
