import type { Result, Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

/** After a person has mended what stood in the way: a permission, an address, a property. */
export function retryParked(terminal: Terminal, account: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const retried = await services.store.retryParked(id, services.now());
    return {
      json: { account: id, retried },
      lines: [retried === 0 ? `Nothing of ${name} is parked.` : `${retried} parked of ${name} are tried again now.`],
    };
  });
}
