import { Fault } from '../domain/errors.ts';
import type { Engine } from './dialect.ts';

/*
 * What a driver throws when the database could not do its part, as the fault it is: the same thing works again once there is room, the
 * server is back or the file is repaired. What a statement itself did wrong stays as it was thrown; that is our own mistake.
 */

/** What an operator reads; `%` is where the database lies. */
interface Trouble {
  readonly code: 'storage' | 'busy';
  readonly advice: string;
  /** Nothing may be written any more: what is broken would be built upon. */
  readonly isDamage?: true;
}

const FULL: Trouble = {
  code: 'storage',
  advice: 'the disk of % is full. Make room; nothing has to be restarted, and nothing that was acknowledged is lost.',
};
const UNWRITABLE: Trouble = {
  code: 'storage',
  advice: '% cannot be written. Let the user of this process write to the file and to its directory.',
};
const FAILING: Trouble = {
  code: 'storage',
  advice: '% could not be read or written. Look at the disk and at its limits.',
};
const AWAY: Trouble = { code: 'storage', advice: '% does not answer or has ended the connection.' };
const BUSY: Trouble = { code: 'busy', advice: 'others held % for too long.' };
const DAMAGED: Trouble = {
  code: 'storage',
  isDamage: true,
  advice:
    '% is damaged, so nothing is written to it any more. Stop the service, keep the damaged files, restore the newest backup and start ' +
    'again: the CRM sends again what was refused, and the sweep finds the rest.',
};

/** By the beginning of the code; the longer ones first. sqlite.org/rescode.html */
const SQLITE: ReadonlyArray<readonly [string, Trouble]> = [
  ['SQLITE_FULL', FULL],
  ['SQLITE_READONLY', UNWRITABLE],
  ['SQLITE_PERM', UNWRITABLE],
  ['SQLITE_CANTOPEN', UNWRITABLE],
  ['SQLITE_IOERR_CORRUPTFS', DAMAGED],
  ['SQLITE_IOERR', FAILING],
  ['SQLITE_CORRUPT', DAMAGED],
  ['SQLITE_NOTADB', DAMAGED],
  ['SQLITE_BUSY', BUSY],
  ['SQLITE_LOCKED', BUSY],
];

/** By the beginning of the code; the longer ones first. postgresql.org/docs/current/errcodes-appendix.html */
const POSTGRES: ReadonlyArray<readonly [string, Trouble]> = [
  ['53100', FULL],
  // A server that has become a standby reads and does not write.
  ['25006', UNWRITABLE],
  ['25P03', AWAY],
  ['40', BUSY],
  ['55P03', BUSY],
  ['57014', BUSY],
  ['08', AWAY],
  ['53', AWAY],
  ['57P', AWAY],
  ['58', FAILING],
  ['XX001', DAMAGED],
  ['XX002', DAMAGED],
];

/** What Node says of a connection: ECONNREFUSED, EPIPE, ENOTFOUND and the like. */
const NETWORK = /^E[A-Z_]+$/;
/** The other side has closed the connection, in the driver's words. It says so at once; what took its time-out to find out begins otherwise. */
const ENDED = /^(Connection terminated unexpectedly$|Client has encountered a connection error)/;
/** What else the driver says in words alone, since the server has said nothing. */
const SILENT = /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/;
/** The server ends its connections because it is stopped or has crashed; the network has closed one. */
const ENDED_CODES = ['57P01', '57P02', 'ECONNRESET', 'EPIPE'];

/** `place` is the file or the server, without a password. Null: the error is not of that kind. */
export function storageFaultOf(error: unknown, place: string): Fault | null {
  const trouble = troubleOf(error);
  return trouble && faultOf(trouble, place, error instanceof Error ? error.message : String(error), error);
}

function faultOf({ code, advice }: Trouble, place: string, detail: string, cause?: unknown): Fault {
  return new Fault(code, { kind: 'retry' }, 'The database could not keep this just now. Send it again.', {
    message: `${advice.replace('%', place)} (${detail})`,
    cause,
  });
}

function troubleOf(error: unknown): Trouble | null {
  if (!(error instanceof Error) || error instanceof Fault) return null;
  const code = 'code' in error ? String(error.code) : '';
  const found = [...SQLITE, ...POSTGRES].find(([start]) => code.startsWith(start))?.[1];
  if (found) return found;
  return NETWORK.test(code) || ENDED.test(error.message) || SILENT.test(error.message) ? AWAY : null;
}

/** PostgreSQL's connection was found to be ended, without a wait: another one may do, and is there at once or refused at once. */
export function isConnectionEnded(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ENDED_CODES.includes('code' in error ? String(error.code) : '') || ENDED.test(error.message);
}

export interface GuardedEngine extends Engine {
  /** Somebody else has found the file damaged. */
  condemn(detail: string): void;
}

/** An engine whose troubles are faults, and that is not written to any more once its file has proved to be damaged. */
export function guardedEngine(engine: Engine, place: string): GuardedEngine {
  let damage: Fault | null = null;

  async function guarded<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      const fault = storageFaultOf(error, place);
      if (fault === null) throw error;
      // A server keeps its damage to the table it found it in, and other nodes go on; a file is one whole.
      if (engine.dialect.name === 'sqlite' && troubleOf(error)?.isDamage) damage = fault;
      throw fault;
    }
  }

  return {
    ...engine,
    read: (run) => guarded(() => engine.read(run)),
    snapshot: (run) => guarded(() => engine.snapshot(run)),
    write: async (run) => {
      if (damage) throw damage;
      return guarded(() => engine.write(run));
    },
    condemn(detail) {
      damage ??= faultOf(DAMAGED, place, detail);
    },
  };
}
