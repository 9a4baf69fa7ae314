import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

export function installLink(terminal: Terminal, account: string, provider: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const begun = await services.connect.begin(id, provider);
    if (!begun) {
      const known = services.providers.join(', ');
      throw new CliError(
        `No CRM "${provider}" is configured.`,
        known === '' ? 'Set HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and HUBSPOT_APP_ID.' : `Configured are: ${known}.`,
        { exitCode: EXIT.usage },
      );
    }
    return {
      json: begun,
      lines: [
        `Open this as an admin of the CRM to connect it to "${name}". It works once, for a quarter of an hour:`,
        '',
        `  ${begun.url}`,
        '',
        `The service has to be running at ${services.config.publicUrl}.`,
      ],
    };
  });
}
