import { randomUUID } from 'node:crypto';
import { Fault } from '../domain/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { CrmActions } from './crm-actions.ts';
import type { CrmAnswer, CrmRequest, CrmSession } from './ports/crm.ts';
import type { Connection, Store } from './ports/store.ts';

/** As one call of a CRM takes back. */
const REQUESTS_AT_ONCE = 200;

/** A flow over every contact of an org asks for tens of thousands; the next sweep goes on. */
const ROUNDS_MAX = 50;

/** Longer than a round of answers takes; a node that died is followed after it. */
const LEASE_MS = 60_000;
const LEASE_POLL_MS = 200;

export interface CrmRequestsDeps {
  readonly store: Pick<Store, 'leases'>;
  readonly clock: Clock;
  readonly actions: Pick<CrmActions, 'carryOut'>;
  readonly log: Log;
  readonly openSession: (connection: Connection) => CrmSession;
}

/**
 * Answers what people and flows wrote down in a CRM; returns how many were answered. Each is carried out by the same use case that the API
 * has, and is the same when it comes again: what was done and not yet answered is found done.
 */
export type AnswerRequests = (connection: Connection) => Promise<number>;

export function createAnswerRequests(deps: CrmRequestsDeps): AnswerRequests {
  const { store, clock, actions, log, openSession } = deps;
  const owner = randomUUID();

  async function answerOne(
    connection: Connection,
    session: CrmSession,
    request: CrmRequest,
  ): Promise<CrmAnswer | null> {
    try {
      return {
        id: request.id,
        ...(await actions.carryOut({ connection, session, request, by: `flow ${request.id}` })),
      };
    } catch (fault) {
      if (fault instanceof Fault && fault.retry.kind !== 'never') {
        log.warn({ err: fault, connection: connection.id, type: request.type }, 'request of the CRM put off');
        return null;
      }
      log.error({ err: fault, connection: connection.id, type: request.type }, 'request of the CRM failed');
      const words =
        fault instanceof Fault
          ? fault.publicText
          : 'Something went wrong in Wonward. Its operator has the details in the log.';
      return { id: request.id, status: 'failed', code: 'failed', words, result: {} };
    }
  }

  async function answerAll(connection: Connection): Promise<number> {
    const session = openSession(connection);
    if (!session.requests) return 0;
    let answered = 0;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const open = await session.requests.open(REQUESTS_AT_ONCE);
      const answers: CrmAnswer[] = [];
      for (const request of open) {
        const answer = await answerOne(connection, session, request);
        if (answer) answers.push(answer);
      }
      if (answers.length === 0) break;
      const refused = await session.requests.answer(answers);
      answered += answers.length - refused.length;
      // What stays open would come again at once.
      if (refused.length > 0 || open.length < REQUESTS_AT_ONCE) break;
    }
    if (answered > 0) log.info({ connection: connection.id, answered }, 'requests of the CRM answered');
    return answered;
  }

  /** One at a time, here and on the other nodes: two would answer each request twice, and the second finds the first one's work done. */
  async function alone(connection: Connection): Promise<number> {
    const lease = `requests ${connection.id}`;
    const until = clock.now() + LEASE_MS;
    while (!(await store.leases.acquire(lease, owner, clock.now(), clock.now() + LEASE_MS))) {
      if (clock.now() > until) return 0;
      await clock.sleep(LEASE_POLL_MS);
    }
    try {
      return await answerAll(connection);
    } finally {
      await store.leases.release(lease, owner);
    }
  }

  /** By connection: the last one that was asked for, and whether it has begun. */
  const asked = new Map<string, { readonly run: Promise<number>; begun: boolean }>();
  return (connection) => {
    const last = asked.get(connection.id);
    // One that has not begun sees all that was written down until now.
    if (last && !last.begun) return last.run;
    const next = { begun: false } as { run: Promise<number>; begun: boolean };
    next.run = (last?.run ?? Promise.resolve(0))
      .catch(() => 0)
      .then(() => {
        next.begun = true;
        return alone(connection);
      })
      .finally(() => {
        if (asked.get(connection.id) === next) asked.delete(connection.id);
      });
    asked.set(connection.id, next);
    return next.run;
  };
}
