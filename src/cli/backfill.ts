import { randomUUID } from 'node:crypto';
import { BACKFILLED_OBJECTS, type BackfillProgress, createBackfills } from '../application/backfill.ts';
import { isoOf } from '../domain/time.ts';
import { systemClock } from '../platform/clock.ts';
import { createLog } from '../platform/log.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, type Services, withServices } from './services.ts';

/** Asks for what lay in a CRM before; the running service reads it, within a minute. */
export function startBackfill(
  terminal: Terminal,
  account: string,
  connectionId: string,
  { since, by }: { since: string; by: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const from = Date.parse(since);
    if (Number.isNaN(from))
      throw new CliError(`"${since}" is no day.`, 'Write it as 2024-01-31.', { exitCode: EXIT.usage });
    const backfills = backfillsOf(services);
    const started = await backfills.start(id, { connectionId, since: from, objects: BACKFILLED_OBJECTS, by });
    if (started.kind === 'started') return shown(await backfills.progress(id, started.backfill.id));
    switch (started.code) {
      case 'no_such_connection':
        throw new CliError(`There is no connection "${connectionId}".`, '"state" shows those there are.');
      case 'not_connected':
        throw new CliError('The CRM is not connected.', 'Connect it again with "connect".');
      case 'other_open':
        throw new CliError(
          `${started.backfill.id} of this connection is ${started.backfill.state}.`,
          'Let it end, or end it with "backfill cancel".',
        );
    }
  });
}

export function showBackfill(terminal: Terminal, account: string, backfillId: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    return shown(await backfillsOf(services).progress(id, backfillId));
  });
}

export function turnBackfill(
  terminal: Terminal,
  to: 'running' | 'paused' | 'cancelled',
  account: string,
  backfillId: string,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id } = await accountOf(services, account);
    const backfills = backfillsOf(services);
    const turned = await backfills.turn(id, backfillId, to);
    if (turned && !turned.turned && turned.backfill.state !== to)
      throw new CliError(`The backfill is ${turned.backfill.state}.`, 'That does not change any more.');
    return shown(await backfills.progress(id, backfillId));
  });
}

function shown(backfill: BackfillProgress | null): Result {
  if (!backfill) throw new CliError('There is no such backfill.', 'Name it by the id that "backfill start" printed.');
  const { id, state, found, read, waiting, total, perSecond, endsAt, error } = backfill;
  const about = total === null ? '' : ` of about ${total}`;
  const end = endsAt === null ? '' : `, about until ${isoOf(endsAt)}`;
  return {
    json: { id, state, found, read, waiting, total, perSecond, endsAt: endsAt === null ? null : isoOf(endsAt), error },
    lines: [
      `${id} is ${state}: ${found} found${about}, ${read} read, ${waiting} waiting${end}.`,
      ...(error === null ? [] : [`Put off: ${error}`]),
    ],
  };
}

/** The service does the work; what a person asks for is found by it. */
function backfillsOf({ store, connect }: Services) {
  const nobody = () => {};
  return createBackfills({
    store,
    clock: systemClock,
    log: createLog({ level: 'silent' }),
    openSession: connect.openSession,
    newId: randomUUID,
    onAsked: nobody,
    onStarted: nobody,
  });
}
