import { randomUUID } from 'node:crypto';
import type { Connection, KeptSyncReport } from '../application/ports/store.ts';
import { createReconciliation } from '../application/reconciliation.ts';
import { createSyncDesk } from '../application/sync-desk.ts';
import { createSyncHealth, type SyncHealth } from '../application/sync-health.ts';
import { isoOf } from '../domain/time.ts';
import { createLog } from '../platform/log.ts';
import { createSigner } from '../platform/sign.ts';
import { CliError, EXIT, type Result, type Terminal, table } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Who is said to have made a report without a name. */
const COMMAND_LINE = 'command line';

/** As many as a person reads; the API has them all. */
const REPORTS_SHOWN = 24;
const ROWS_SHOWN = 20;

interface Subject extends Services {
  readonly connection: Connection;
}

function withConnection(
  terminal: Terminal,
  account: string,
  id: string,
  work: (subject: Subject) => Promise<Result>,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id: accountId, name } = await accountOf(services, account);
    const connection = await services.store.connections.get(accountId, id);
    if (!connection) throw new CliError(`${name} has no connection "${id}".`, '"state" lists those there are.');
    return work({ ...services, connection });
  });
}

function reconciliationOf({ config, store, connect, now }: Services) {
  return createReconciliation({
    store,
    clock: { now },
    log: createLog({ level: 'silent' }),
    signer: createSigner(config.encryptionKeys),
    publicUrl: config.publicUrl,
    newId: randomUUID,
    openSession: connect.openSession,
    // The service looks at what is due by itself.
    onAsked: () => {},
  });
}

/** Ends with 1 when something is unexplained or differs. */
export function makeReport(terminal: Terminal, account: string, id: string): Promise<Result> {
  return withConnection(terminal, account, id, async (subject) => {
    const { accountId } = subject.connection;
    const reconciliation = reconciliationOf(subject);
    const made = await reconciliation.make(accountId, id, COMMAND_LINE);
    if (made.kind !== 'made')
      throw new CliError(
        'The CRM cannot be compared now.',
        'Connect it again, if it is disconnected; "state" says so.',
      );
    const { report } = made;
    const rows = [
      ...(await reconciliation.rows(accountId, report.id, 'unexplained', -1, ROWS_SHOWN)),
      ...(await reconciliation.rows(accountId, report.id, 'different', -1, ROWS_SHOWN)),
    ];
    const { unexplained, different } = report.counts;
    return {
      json: { ...report, rows },
      lines: [
        countsText(report),
        ...rows.map(({ object, id: recordId, reason, detail }) => `  ${object} ${recordId}: ${reason}; ${detail}`),
        ...(unexplained + different > rows.length
          ? [`  and ${unexplained + different - rows.length} more; the API lists them`]
          : []),
        ...(unexplained + different > 0
          ? ['  They are looked at and written again now; compare once more later.']
          : []),
        `  kept as ${report.id}, number ${report.number}`,
      ],
      exitCode: unexplained + different > 0 ? EXIT.failed : EXIT.ok,
    };
  });
}

export function listReports(terminal: Terminal, account: string, id: string): Promise<Result> {
  return withConnection(terminal, account, id, async ({ store, connection }) => {
    const { items } = await store.syncReports.list(connection.accountId, id, { limit: REPORTS_SHOWN, cursor: null });
    return {
      json: items,
      lines:
        items.length === 0
          ? ['No comparison was made yet.']
          : items.map((report) => `${isoOf(report.madeAt)} ${report.id} ${countsText(report)}`),
    };
  });
}

/** Ends with 1 when a report is not as it was made. */
export function verifyReports(terminal: Terminal, account: string, id: string): Promise<Result> {
  return withConnection(terminal, account, id, async (subject) => {
    const result = await reconciliationOf(subject).verify(subject.connection.accountId, id);
    return {
      json: result,
      lines:
        result.problems.length === 0
          ? [
              `${result.reports} reports are as they were made, with their lists, and none is missing between two.`,
              ...(result.prunedUpTo > 0
                ? [`Those up to number ${result.prunedUpTo} had their time and are forgotten.`]
                : []),
              'That says nothing of whether the CRM told the truth, nor of a last one that was taken away.',
            ]
          : result.problems.map(
              ({ number, reportId, problem, words }) => `WRONG number ${number}, ${reportId}: ${problem}. ${words}`,
            ),
      exitCode: result.problems.length === 0 ? EXIT.ok : EXIT.failed,
    };
  });
}

function countsText({ counts }: KeptSyncReport): string {
  const { qualifying, decided, explained, unexplained, mirrored, different, pending } = counts;
  return `${qualifying} qualifying, ${decided} decided, ${explained} explained, ${unexplained} unexplained; ${mirrored} mirrored, ${different} different, ${pending} to be written`;
}

/** Ends with 1 when the connection is broken. */
export function showHealth(terminal: Terminal, account: string, id: string): Promise<Result> {
  return withConnection(terminal, account, id, async ({ store, now, connect, connection }) => {
    const healthOf = createSyncHealth({ store, clock: { now }, openSession: connect.openSession });
    const health = await healthOf(connection.accountId, id);
    if (!health) throw new CliError(`There is no connection "${id}".`, '"state" lists those there are.');
    return { json: health, lines: healthLines(health), exitCode: health.verdict === 'broken' ? EXIT.failed : EXIT.ok };
  });
}

function healthLines({
  verdict,
  problems,
  lag,
  backlog,
  failing,
  api,
  loss,
  sweep,
  lastReceivedAt,
}: SyncHealth): string[] {
  const time = (at: number | null | undefined) => (at == null ? 'never' : isoOf(at));
  const ms = (value: number | null | undefined) => (value === null ? 'over a day' : `${value} ms`);
  const lagText = (one: SyncHealth['lag']['toDecision']) =>
    one
      ? `median ${ms(one.medianMs)}, 95 % ${ms(one.p95Ms)}, longest ${ms(one.maxMs)}, of ${one.count}`
      : 'nothing in a day';
  return [
    `${verdict}`,
    ...problems.map(({ code, words }) => `  ${code}: ${words}`),
    `  event to decision: ${lagText(lag.toDecision)}`,
    `  decision to CRM: ${lagText(lag.toMirror)}`,
    `  last event ${time(lastReceivedAt)}, last sweep ${time(sweep.last?.beganAt)}`,
    `  of ${loss.heard + loss.missed} changes of a day the sweep alone has found ${loss.missed}`,
    `  calls of a day: ${api.calls.ok} answered, ${api.calls.limited} told to slow down, ${api.calls.refused} refused, ${api.calls.failed + api.calls.noAnswer} failed`,
    ...table([
      ['queue', 'waiting', 'parked'],
      ['decisions', String(backlog.decisions.waiting), String(backlog.decisions.parked)],
      ['mirror', String(backlog.mirror.waiting), String(backlog.mirror.parked)],
      ['tasks of cases', '', String(backlog.tasks.parked)],
    ]),
    ...failing.map(({ queue, count, error }) => `  ${queue}: ${count} times ${error}`),
  ];
}

export function askForSweep(terminal: Terminal, account: string, id: string, isFull: boolean): Promise<Result> {
  return withConnection(terminal, account, id, async ({ store, now, connection }) => {
    const desk = createSyncDesk({
      store,
      clock: { now },
      newId: randomUUID,
      onAsked: () => {},
      onSweepAsked: () => {},
    });
    const { kind } = await desk.askSweep(connection.accountId, id, isFull);
    if (kind !== 'asked') throw new CliError('The CRM is not connected.', 'Connect it again; it is searched then.');
    return {
      json: { connection: id, isFull },
      lines: [
        `The service searches ${isFull ? 'everything since the install' : 'what changed since the last search'} within a minute, if it searches every hour at least.`,
      ],
    };
  });
}
