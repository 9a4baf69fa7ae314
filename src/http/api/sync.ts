import { z } from 'zod';
import type { ConnectionStore, KeptSyncReport, SweepRun } from '../../application/ports/store.ts';
import type { Reconciliation } from '../../application/reconciliation.ts';
import type { SyncDesk } from '../../application/sync-desk.ts';
import type { SyncHealth, SyncHealthOf } from '../../application/sync-health.ts';
import { type Instant, isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { idOf, listOf, nextCursorOf, pageOf, pageParameters, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { connectionId } from './schemas.ts';

const none = () => new HttpProblem('not_found', 'This account has no such connection.');

const milliseconds = z.int().min(0);

const lag = z
  .strictObject({
    count: z.int(),
    medianMs: milliseconds.nullable(),
    p95Ms: milliseconds.nullable(),
    maxMs: milliseconds,
    meanMs: milliseconds,
  })
  .meta({
    id: 'Lag',
    description: 'Over the last day. Median and 95 in a hundred are upper bounds, null for longer than a day.',
  });

const backlog = z.strictObject({
  waiting: z.int(),
  oldestMs: milliseconds.nullable().meta({ description: 'How long the one has waited that has waited longest.' }),
  parked: z.int().meta({ description: 'Left for a person.' }),
});

const sweepRun = z.strictObject({
  id: z.string(),
  beganAt: time,
  endedAt: time,
  isFull: z.boolean(),
  changed: z.int(),
  missed: z.int().meta({ description: 'Records whose change no event had told of by then.' }),
  problem: z.string().nullable().meta({ description: 'Why it did not come to its end.' }),
});

const syncCounts = z.strictObject({
  qualifying: z.int().meta({ description: 'Records of the CRM that stand where they qualify and belong to a friend.' }),
  decided: z.int(),
  explained: z.int().meta({ description: 'Not decided on, for a reason that is known.' }),
  unexplained: z.int(),
  mirrored: z.int().meta({ description: 'Records that should show something in the CRM.' }),
  different: z.int(),
  pending: z.int().meta({ description: 'Records that are to be written anyway; they are not compared.' }),
});

const syncHealthSchema = z
  .strictObject({
    connectionId,
    at: time,
    verdict: z.enum(['well', 'attention', 'broken']),
    problems: z
      .array(
        z.strictObject({
          code: z.enum([
            'disconnected',
            'no_token',
            'parked',
            'decisions_late',
            'mirror_late',
            'sweep_late',
            'sweep_failed',
            'webhooks_lost',
            'api_limit_near',
            'unexplained',
            'mirror_differs',
          ]),
          words: z.string(),
        }),
      )
      .meta({ description: 'What needs attention and what to do about it, the most pressing first.' }),
    lag: z.strictObject({
      toDecision: lag.nullable().meta({ description: 'From an event in the CRM to its decision.' }),
      toMirror: lag.nullable().meta({ description: 'From a decision until the CRM shows it.' }),
    }),
    backlog: z.strictObject({
      decisions: backlog,
      mirror: backlog,
      tasks: z
        .strictObject({ parked: z.int() })
        .meta({ description: 'Tasks of cases that the CRM refused; a retry asks for them again.' }),
      timelines: z
        .strictObject({ parked: z.int() })
        .meta({ description: 'Events of timelines that the CRM refused; a retry sends them again.' }),
    }),
    failing: z
      .array(
        z.strictObject({
          queue: z.enum(['decisions', 'mirror', 'tasks', 'timelines']),
          cause: z.string(),
          error: z.string(),
          count: z.int(),
          isParked: z.boolean(),
        }),
      )
      .meta({ description: 'What stands in the way now.' }),
    failures: z
      .array(z.strictObject({ cause: z.string(), count: z.int() }))
      .meta({ description: 'What was put back over the last day.' }),
    api: z.strictObject({
      calls: z.strictObject({
        ok: z.int(),
        limited: z.int(),
        refused: z.int(),
        failed: z.int(),
        noAnswer: z.int(),
      }),
      use: z
        .strictObject({
          used: z.int(),
          limit: z.int(),
          windowMs: milliseconds,
          of: z.enum(['everyone', 'wonward']),
        })
        .nullable(),
    }),
    lastReceivedAt: time.nullable(),
    sweep: z.strictObject({
      last: sweepRun.nullable(),
      lastTroubled: sweepRun.nullable(),
      sweptTo: z.array(z.strictObject({ object: z.enum(['contact', 'deal']), upTo: time })),
      runs: z.int(),
      failed: z.int(),
    }),
    loss: z
      .strictObject({ heard: z.int(), missed: z.int(), share: z.number().min(0).max(1).nullable() })
      .meta({ description: 'Changes of the last day that events told of, and those that the sweep alone has found.' }),
    token: z.strictObject({ state: z.enum(['valid', 'renews', 'none']), expiresAt: time.nullable() }),
    events: z.array(
      z.strictObject({
        kind: z.enum(['connected', 'reconnected', 'lost', 'disconnected', 'sweep_asked', 'full_sweep_asked']),
        detail: z.string(),
        at: time,
      }),
    ),
    lastReport: z.strictObject({ id: z.string(), madeAt: time, counts: syncCounts }).nullable(),
  })
  .meta({ id: 'SyncHealth', description: 'How a connection does, and what needs attention.' });

const syncReportId = idOf('syn', 'a comparison');

const syncReportSchema = z
  .strictObject({
    id: syncReportId,
    connectionId,
    number: z.int().min(1).meta({ description: 'Counts the comparisons of the connection.' }),
    madeAt: time,
    counts: syncCounts,
    body: z.string().meta({ description: 'The very text that was hashed and signed.' }),
    hash: z.string().meta({ description: 'SHA-256 of the body; the next one names it.' }),
    signature: z.string().meta({ description: 'Ed25519 over account, id and hash.' }),
    keyId: z.string(),
  })
  .meta({
    id: 'SyncReport',
    description: 'All that a CRM has, compared with what was decided and with what it should show. Kept and signed.',
  });

const LISTS = ['decided', 'explained', 'unexplained', 'mirrored', 'different', 'pending'] as const;

const rowsSchema = z.strictObject({
  items: z.array(
    z.strictObject({
      number: z.int(),
      object: z.enum(['contact', 'deal']),
      id: z.string().meta({ description: "The record's id in the CRM." }),
      reason: z.string(),
      detail: z.string(),
    }),
  ),
  next: z.int().nullable().meta({ description: 'Ask for what is behind this number next; null at the end.' }),
});

/** As many as fit a page; whoever wants all of them asks on. */
const ROWS_PER_PAGE = 500;

export interface SyncApiDeps {
  readonly connections: Pick<ConnectionStore, 'get'>;
  readonly reconciliation: Reconciliation;
  readonly syncHealth: SyncHealthOf;
  readonly syncDesk: SyncDesk;
}

export function sync({ connections, syncHealth, syncDesk, reconciliation }: SyncApiDeps): Operation[] {
  const known = async (accountId: string, id: string) => {
    if (!(await connections.get(accountId, id))) throw none();
  };
  return [
    operation({
      id: 'getSyncHealth',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/health',
      summary: 'Say how a connection does',
      description: 'Asks the CRM nothing, so a page may ask again and again.',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'How it does.' },
      answer: syncHealthSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const health = await syncHealth(accountId, params.connectionId);
        if (!health) throw none();
        return { status: 200, body: healthView(health) };
      },
    }),
    operation({
      id: 'retryConnection',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/retry',
      summary: 'Try again what waits for a person',
      description: 'After what stood in the way was mended: records to decide on, and records to write.',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'How many are tried again.' },
      answer: z.strictObject({ retried: z.int() }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const retried = await syncDesk.retry(accountId, params.connectionId);
        if (retried === null) throw none();
        return { status: 200, body: { retried } };
      },
    }),
    operation({
      id: 'sweepConnection',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/sweep',
      summary: 'Search the CRM for changes that no event told of',
      description: 'Begins at once and goes on by itself; the health of the connection tells what it found.',
      params: z.strictObject({ connectionId }),
      body: z.strictObject({
        full: z.boolean().optional().meta({
          description: 'Through everything that was changed since the install, instead of since the last search.',
        }),
      }),
      statuses: { 202: 'It was asked for.' },
      answer: z.strictObject({ asked: z.enum(['since_last', 'full']) }),
      problems: ['not_found', 'connection_lost'],
      async handle({ accountId, params, body }) {
        const isFull = body.full ?? false;
        const { kind } = await syncDesk.askSweep(accountId, params.connectionId, isFull);
        if (kind === 'unknown') throw none();
        if (kind === 'disconnected')
          throw new HttpProblem('connection_lost', 'The CRM is not connected. Connect it again; it is searched then.');
        return { status: 202, body: { asked: isFull ? ('full' as const) : ('since_last' as const) } };
      },
    }),
    operation({
      id: 'makeSyncReport',
      tag: 'Connections',
      method: 'post',
      path: '/connections/{connectionId}/reports',
      summary: 'Compare the CRM with the decisions and with what it should show',
      description:
        'What differs is looked at or written again. A thousand deals take a few calls to the CRM; a hundred thousand take minutes, and the report is kept also when nobody waits for it.',
      params: z.strictObject({ connectionId }),
      statuses: { 201: 'The report.' },
      answer: syncReportSchema,
      problems: ['not_found', 'connection_lost', 'crm_refused', 'try_again', 'misconfigured'],
      async handle({ accountId, actor, params }) {
        const made = await reconciliation.make(accountId, params.connectionId, actor);
        if (made.kind === 'made') return { status: 201, body: reportView(made.report) };
        if (made.kind === 'unknown') throw none();
        if (made.kind === 'disconnected')
          throw new HttpProblem('connection_lost', 'The CRM is not connected. Connect it again first.');
        throw new HttpProblem('crm_refused', 'This CRM cannot be compared.');
      },
    }),
    operation({
      id: 'listSyncReports',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/reports',
      summary: 'List comparisons, newest first',
      params: z.strictObject({ connectionId }),
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of reports.' },
      answer: listOf(syncReportSchema),
      problems: ['not_found', 'invalid_cursor'],
      async handle({ accountId, params, query }) {
        await known(accountId, params.connectionId);
        const page = pageOf('reports', query);
        const { items, next } = await reconciliation.list(accountId, params.connectionId, page);
        return {
          status: 200,
          body: { items: items.map(reportView), nextCursor: nextCursorOf('reports', next) },
        };
      },
    }),
    operation({
      id: 'verifySyncReports',
      tag: 'Connections',
      method: 'get',
      path: '/connections/{connectionId}/reports/verification',
      summary: 'Say whether the comparisons are as they were made',
      description:
        'That none was changed, taken out between two, or made by somebody without the service’s key. It says nothing of a last one that was taken away.',
      params: z.strictObject({ connectionId }),
      statuses: { 200: 'What was found.' },
      answer: z.strictObject({
        reports: z.int(),
        prunedUpTo: z.int().min(0).meta({
          description:
            'Reports up to this number were forgotten when their time was over, as the service has signed; 0: none.',
        }),
        problems: z.array(
          z.strictObject({
            reportId: z.string(),
            number: z.int(),
            problem: z.enum(['changed', 'not_signed_here', 'unknown_key', 'list_changed', 'chain_broken']),
            words: z.string(),
          }),
        ),
      }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        await known(accountId, params.connectionId);
        return { status: 200, body: await reconciliation.verify(accountId, params.connectionId) };
      },
    }),
    operation({
      id: 'getSyncReport',
      tag: 'Connections',
      method: 'get',
      path: '/sync-reports/{syncReportId}',
      summary: 'Get a comparison',
      params: z.strictObject({ syncReportId }),
      statuses: { 200: 'The report.' },
      answer: syncReportSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const report = await reconciliation.get(accountId, params.syncReportId);
        if (!report) throw new HttpProblem('not_found', 'This account has no such report.');
        return { status: 200, body: reportView(report) };
      },
    }),
    operation({
      id: 'listSyncReportRows',
      tag: 'Connections',
      method: 'get',
      path: '/sync-reports/{syncReportId}/rows',
      summary: 'List the records behind a number of a comparison',
      params: z.strictObject({ syncReportId }),
      query: z.strictObject({
        list: z.enum(LISTS).optional().meta({ description: 'Left out: the unexplained ones.' }),
        after: z
          .string('must be given once')
          .regex(/^[0-9]{1,9}$/, 'must be the number of the last row that was read')
          .transform(Number)
          .optional()
          .meta({ type: 'integer', minimum: 0, maximum: 999_999_999 }),
      }),
      statuses: { 200: 'Records in their order.' },
      answer: rowsSchema,
      problems: ['not_found'],
      async handle({ accountId, params, query }) {
        const { syncReportId: id } = params;
        if (!(await reconciliation.get(accountId, id)))
          throw new HttpProblem('not_found', 'This account has no such report.');
        const { list = 'unexplained', after = -1 } = query;
        const rows = await reconciliation.rows(accountId, id, list, after, ROWS_PER_PAGE + 1);
        const items = rows.slice(0, ROWS_PER_PAGE).map((row) => ({ ...row }));
        const next = rows.length > ROWS_PER_PAGE ? (items.at(-1)?.number ?? null) : null;
        return { status: 200, body: { items, next } };
      },
    }),
  ];
}

function reportView({ madeAt, ...report }: KeptSyncReport): z.input<typeof syncReportSchema> {
  return { ...report, madeAt: isoOf(madeAt) };
}

function timeOrNull(at: Instant | null): string | null {
  return at === null ? null : isoOf(at);
}

function runView(run: SweepRun | null): z.input<typeof sweepRun> | null {
  return run && { ...run, beganAt: isoOf(run.beganAt), endedAt: isoOf(run.endedAt) };
}

function healthView(health: SyncHealth): z.input<typeof syncHealthSchema> {
  const { sweep, loss, token, events, lastReport, problems, failing, failures, api, lag: lags } = health;
  return {
    connectionId: health.connectionId,
    at: isoOf(health.at),
    verdict: health.verdict,
    problems: [...problems],
    lag: lags,
    backlog: health.backlog,
    failing: [...failing],
    failures: [...failures],
    api,
    lastReceivedAt: timeOrNull(health.lastReceivedAt),
    sweep: {
      last: runView(sweep.last),
      lastTroubled: runView(sweep.lastTroubled),
      sweptTo: sweep.sweptTo.map(({ object, upTo }) => ({ object, upTo: isoOf(upTo) })),
      runs: sweep.runs,
      failed: sweep.failed,
    },
    loss,
    token: { state: token.state, expiresAt: timeOrNull(token.expiresAt) },
    events: events.map(({ kind, detail, at }) => ({ kind, detail, at: isoOf(at) })),
    lastReport: lastReport && {
      id: lastReport.id,
      madeAt: isoOf(lastReport.madeAt),
      counts: lastReport.counts,
    },
  };
}
