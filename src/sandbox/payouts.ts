import { parseArgs } from 'node:util';
import { startPayPal } from './paypal/server.ts';
import { startStripe } from './stripe/server.ts';
import { startTremendous } from './tremendous/server.ts';
import type { VendorControl } from './vendor/server.ts';

/** Beside the ports of the service (3000) and of the local HubSpot (4010). */
const FIRST_PORT = 4020;

const EXIT_USAGE = 2;

/** Credentials that the local servers take, as an admin enters them. */
const CREDENTIALS = {
  tremendous: { apiKey: 'TEST_local', campaignId: 'CAMPAIGN1', webhookKey: 'TEST_webhook_key' },
  stripe: { secretKey: 'sk_test_local', webhookSecret: 'whsec_local' },
  paypal: { clientId: 'client', clientSecret: 'secret', webhookId: 'WEBHOOK1' },
} as const;

const USAGE = `npm run sandbox:payouts -- [--port ${FIRST_PORT}] [--service http://localhost:3000 --account acc_…]
Starts local servers for Tremendous, Stripe and PayPal on three ports from --port on. With --service and --account they tell what happens
to that account's webhooks.
`;

/** The local reward providers as a process of their own; vendor/README.md says how to use them. */
async function main(): Promise<number> {
  let values: { port?: string; service?: string; account?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      options: {
        port: { type: 'string' },
        service: { type: 'string' },
        account: { type: 'string' },
        help: { type: 'boolean' },
      },
    }));
  } catch (problem) {
    process.stderr.write(`${problem instanceof Error ? problem.message : ''}\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { port = String(FIRST_PORT), service, account } = values;
  const isUsable =
    /^[1-9][0-9]{0,4}$/.test(port) &&
    Number(port) <= 65_533 &&
    (service === undefined) === (account === undefined) &&
    (service === undefined || URL.canParse(service));
  if (values.help || !isUsable) {
    (values.help ? process.stdout : process.stderr).write(USAGE);
    return values.help ? 0 : EXIT_USAGE;
  }
  const first = Number(port);
  const { tremendous, stripe, paypal } = CREDENTIALS;
  const servers = {
    tremendous: await startTremendous({ ...tremendous, port: first }),
    stripe: await startStripe({ ...stripe, port: first + 1 }),
    paypal: await startPayPal({ ...paypal, port: first + 2 }),
  };
  if (service !== undefined)
    for (const [name, { control }] of Object.entries(servers) as [string, { control: VendorControl }][])
      control.webhookUrl = new URL(`/webhooks/payouts/${name}/${account}`, service).href;
  const addresses = Object.entries(servers).map(([name, { url }]) => `${name}=${url.href}`);
  process.stdout.write(
    `${JSON.stringify({ LOCAL_PAYOUT_PROVIDERS: addresses.join(','), ALLOW_PRIVATE_DESTINATIONS: 'true', credentials: CREDENTIALS })}\n`,
  );
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  await Promise.all(Object.values(servers).map(({ stop }) => stop()));
  return 0;
}

process.exitCode = await main();
