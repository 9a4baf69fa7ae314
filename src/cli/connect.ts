import { CliError, EXIT, type Result, type Terminal } from './output.ts';
import { accountOf, withServices } from './services.ts';

export function installLink(terminal: Terminal, account: string, provider: string, site?: string): Promise<Result> {
  return withServices(terminal, async (services) => {
    const { id, name } = await accountOf(services, account);
    const begun = await services.connect.begin(id, provider, site);
    if (begun?.url === null)
      throw new CliError(
        `Nobody logs in to ${provider} at ${site}.`,
        'Give an address such as https://test.salesforce.com or https://acme.my.salesforce.com, or leave --site out.',
        { exitCode: EXIT.usage },
      );
    if (!begun) {
      const known = services.providers.join(', ');
      throw new CliError(
        `No CRM "${provider}" is configured.`,
        known === ''
          ? 'Set HUBSPOT_CLIENT_ID, HUBSPOT_CLIENT_SECRET and HUBSPOT_APP_ID, or SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET.'
          : `Configured are: ${known}.`,
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
