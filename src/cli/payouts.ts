import { createReconcilePayouts, type PayoutReconciliation } from '../application/reconcile-payouts.ts';
import { textOf } from '../domain/money.ts';
import { isoOf } from '../domain/time.ts';
import { dayOf } from './day.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, payoutsOf, withServices } from './services.ts';

const DAY_MS = 86_400_000;
/** A month and the days around it. */
const DAYS_DEFAULT = 35;

export interface ReconcileOptions {
  readonly provider: string;
  /** Days, as YYYY-MM-DD in UTC; the second is not included. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Compares what a provider says it gave with the ledger. Changes nothing on either side; ends with 1 when anything differs. */
export function reconcilePayouts(terminal: Terminal, account: string, options: ReconcileOptions): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { store, now } = services;
    const { id } = await accountOf(services, account);
    const to = options.to === undefined ? now() : dayOf('--to', options.to);
    const from = options.from === undefined ? to - DAYS_DEFAULT * DAY_MS : dayOf('--from', options.from);
    if (from >= to) throw new CliError('The time ends before it begins.', 'Give a --from that is before --to.');
    const { providers, accounts } = await payoutsOf(services);
    if (!providers.has(options.provider)) {
      throw new CliError(
        `There is no provider "${options.provider}".`,
        `Those that are installed: ${[...providers.keys()].join(', ')}.`,
      );
    }
    const found = await createReconcilePayouts({ store, accounts })(id, options.provider, from, to);
    return {
      json: {
        ...found,
        agreed: found.agreed.map(textOf),
        from: isoOf(from),
        to: isoOf(to),
      },
      lines: linesOf(found, from, to),
      exitCode: found.differences.some(({ kind }) => kind !== 'open' && kind !== 'not_ours') ? EXIT.failed : EXIT.ok,
    };
  });
}

function linesOf(
  { provider, orders, agree, listed, agreed, differences }: PayoutReconciliation,
  from: number,
  to: number,
) {
  const list = listed === null ? 'it has no list, each of ours was asked about' : `it lists ${listed}`;
  return [
    `${provider}, ${isoOf(from)} to ${isoOf(to)}: ${orders} orders of ours, ${agree} agree; ${list}`,
    ...agreed.map((money) => `  given, as both have it: ${textOf(money)}`),
    ...differences.map(
      ({ kind, key, reference, rewardId, ours, theirs }) =>
        `  ${kind}: reward ${rewardId ?? 'unknown'}, order ${key ?? 'unknown'}, at the provider ${reference ?? 'unknown'}; ours: ${ours}; theirs: ${theirs}`,
    ),
  ];
}
