import { rateProblemText, readRateTable } from '../application/rate-document.ts';
import { exponentOf } from '../domain/money.ts';
import { readFileText } from './input.ts';
import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** Problems that are printed; the first ones tell what is wrong with a file. */
const PROBLEMS_SHOWN_MAX = 20;

/** Enters a table of exchange rates, as the European Central Bank publishes it. What is known already, or older, is left as it is. */
export function importRates(
  terminal: Terminal,
  account: string,
  file: string,
  { base, source }: { base: string; source: string },
): Promise<Result> {
  return withServices(terminal, async (services) => {
    if (exponentOf(base) === undefined)
      throw new CliError(`"${base}" is no currency.`, 'Name an ISO 4217 code, such as EUR.', { exitCode: EXIT.usage });
    const { id, name } = await accountOf(services, account);
    const text = await readFileText(terminal, file);
    const table = readRateTable(text, base, source);
    if ('problems' in table)
      throw new CliError(`${file} is not a table of rates.`, 'Correct these lines. Nothing was entered:', {
        problems: table.problems.slice(0, PROBLEMS_SHOWN_MAX),
      });
    // A published table goes back for decades; what lies before the newest rate that is known is not news.
    const known = await services.store.rates.all(id);
    const knownUntil = new Map<string, string>();
    for (const { currency, until } of known)
      if (until > (knownUntil.get(currency) ?? '')) knownUntil.set(currency, until);
    const rates = table.rates.filter(({ currency, day }) => day > (knownUntil.get(currency) ?? ''));
    const result = await services.store.rates.enter(id, rates, 'command line', services.now());
    if (result.kind === 'refused') {
      const rate = rates[result.at];
      throw new CliError(
        `The rate of ${rate?.currency} for ${rate?.day} ${rateProblemText(result.problem, result.newest)}.`,
        'Correct it. Nothing was entered.',
      );
    }
    return {
      json: { accountId: id, read: table.rates.length, added: result.added },
      lines: [
        `${result.added} rates were added for "${name}"; ${table.rates.length - rates.length} were known already.`,
      ],
    };
  });
}
