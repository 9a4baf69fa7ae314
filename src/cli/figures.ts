import type { Account, Store } from '../application/ports/store.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** While the service goes on, something may change between making the sums current and comparing them. */
const ATTEMPTS_MAX = 5;

/** Makes all sums anew from what is stored, and compares them with it. */
export function rebuildFigures(terminal: Terminal, account: string | undefined): Promise<Result> {
  return compared(terminal, account, async (store, id, now) => {
    await store.figures.forget(id, now());
  });
}

/** Takes in what waits, and compares every sum with what it is of, added up anew. Ends with 1 when one is wrong. */
export function verifyFigures(terminal: Terminal, account: string | undefined): Promise<Result> {
  return compared(terminal, account, async () => {});
}

function compared(
  terminal: Terminal,
  account: string | undefined,
  first: (store: Store, accountId: string, now: () => number) => Promise<void>,
): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { store, now } = services;
    const accounts: Account[] =
      account === undefined ? await store.accounts.list() : [await accountOf(services, account)];
    const found: Array<{ accountId: string; name: string; difference: string | null }> = [];
    for (const { id, name } of accounts) {
      await first(store, id, now);
      found.push({ accountId: id, name, difference: await differenceOf(store, id, now) });
    }
    const isRight = found.every(({ difference }) => difference === null);
    return {
      json: { ok: isRight, accounts: found },
      lines: found.map(({ name, difference }) =>
        difference === null ? `${name}: every figure agrees.` : `${name}: WRONG ${difference}`,
      ),
      exitCode: isRight ? EXIT.ok : EXIT.failed,
    };
  });
}

async function differenceOf(store: Store, accountId: string, now: () => number): Promise<string | null> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    while ((await store.figures.fold(accountId, now())) > 0);
    const result = await store.figures.verify(accountId);
    if (result.kind !== 'changing') return result.kind === 'equal' ? null : result.difference;
  }
  throw new CliError(
    'The account changes faster than its figures can be compared.',
    'Try again when less happens, or on a copy of the database.',
  );
}
