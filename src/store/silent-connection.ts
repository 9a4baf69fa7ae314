import type { ClientBase } from 'pg';

/** Beyond the server's own time-out for a statement: whoever has said nothing by then is not there. */
const GRACE_MS = 5_000;

/** What asks for more time than the time-out allows says so first, and does so until the end of its transaction or session. */
const ASKS_FOR_TIME = /^\s*set\s+(local\s+)?statement_timeout\b/i;
const ENDS_TRANSACTION = /^\s*(commit|rollback)\s*;?\s*$/i;

/**
 * Ends a connection that does not answer. A pulled cable or a firewall that has forgotten leaves a connection that takes everything and
 * says nothing; the driver waits for it until the system gives up after a quarter of an hour, and the driver's own query time-out would
 * put it back among the good ones. Ended, it fails its query, and the pool makes another.
 */
export function endWhenSilent(client: ClientBase, statementTimeoutMs: number): void {
  const query = client.query.bind(client) as (...parts: unknown[]) => unknown;
  let isPatient: 'no' | 'in transaction' | 'always' = 'no';

  function watched(...parts: unknown[]): unknown {
    const [what] = parts;
    const text = typeof what === 'string' ? what : ((what as { text?: string } | null)?.text ?? '');
    const asks = ASKS_FOR_TIME.exec(text);
    if (asks) isPatient = asks[1] ? 'in transaction' : 'always';
    else if (isPatient === 'in transaction' && ENDS_TRANSACTION.test(text)) isPatient = 'no';
    if (isPatient !== 'no') return query(...parts);
    const timer = setTimeout(end, statementTimeoutMs + GRACE_MS);
    // The pool's own query passes a callback, everybody else takes the promise.
    const callback = parts.at(-1);
    if (typeof callback !== 'function') {
      const result = query(...parts);
      if (result instanceof Promise) return result.finally(() => clearTimeout(timer));
      clearTimeout(timer);
      return result;
    }
    return query(...parts.slice(0, -1), (...answer: unknown[]) => {
      clearTimeout(timer);
      callback(...answer);
    });
  }

  function end(): void {
    const error = new Error(`Connection terminated: no answer within ${statementTimeoutMs + GRACE_MS} ms`);
    (client as unknown as { connection: { stream: { destroy(error: Error): void } } }).connection.stream.destroy(error);
  }
  client.query = watched as ClientBase['query'];
}
