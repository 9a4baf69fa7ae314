import { z } from 'zod';
import type { StepResult } from './run-story.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screen.ts';
import type { World } from './world.ts';

interface Shown {
  readonly world: World;
  readonly scene: Scene;
  readonly isVerified: boolean;
}

/** As wide as the longest place, and a gap. */
const PLACE_WIDTH = 'Brightwater'.length + 2;

/** What a person can open and try while everything stays up. */
export function showWhatToOpen(screen: Screen, { world, scene, isVerified }: Shown): void {
  const { crmUrl, orgPagesUrl, orgId, serviceUrl, apiKey, consoleLink, portalId, lived } = world;
  const { org, deal, ada, bob, opportunity, grace, ken } = scene;
  const portal = `${crmUrl}/portals/${portalId}`;
  // A story that broke off may not have come to all records.
  const inHubSpot = (kind: string, id: string) => (id === '' ? '' : `${portal}/${kind}/${id}`);
  const inSalesforce = (id: string) => (id === '' ? '' : org.recordPage(id));
  const places: Readonly<Record<string, readonly (readonly [name: string, address: string])[]>> = {
    ...(lived && {
      [lived.name]: [
        ['The console, with two years in it', lived.consoleLink],
        ['Its portal', `${crmUrl}/portals/${lived.portalId}`],
      ],
    }),
    HubSpot: [
      ['The deal', inHubSpot('deals', deal)],
      ['Ada, who referred', inHubSpot('contacts', ada)],
      ['Bob, who was referred', inHubSpot('contacts', bob)],
      ['The portal', portal],
      ['All portals', `${crmUrl}/`],
    ],
    Salesforce: [
      ['The opportunity', inSalesforce(opportunity)],
      ['Grace, who referred', inSalesforce(grace)],
      ['Ken, who was referred', inSalesforce(ken)],
      ['The org', `${orgPagesUrl}/orgs/${orgId}`],
    ],
    Wonward: [
      ['The console, as its owner', consoleLink],
      ['API documentation', `${serviceUrl}/api/v1/openapi.json`],
      ['API key', apiKey],
    ],
  };
  screen.line();
  screen.heading(
    isVerified
      ? 'Now try it yourself. Open the deal or the opportunity, click Closed Won, and watch what the record shows:'
      : 'Everything stays up for you to look at:',
  );
  screen.table(
    Object.entries(places).flatMap(([place, links]) =>
      links
        .filter(([, address]) => address !== '')
        .map(([name, address]) => [place.padEnd(PLACE_WIDTH) + name, address]),
    ),
  );
  screen.line();
  screen.line(`  curl -H "Authorization: Bearer ${apiKey}" ${serviceUrl}/api/v1/rewards`);
  screen.line();
  screen.line('Ctrl-C stops everything and removes its data.');
}

export function showWhatWentWrong(screen: Screen, results: readonly StepResult[], warnings: readonly string[]): void {
  const verified = results.filter((result) => result.verified).length;
  screen.bad(`${verified} of ${results.length} steps verified.`);
  if (warnings.length === 0) return;
  screen.line('The service warned of:');
  for (const [warning, times] of counted(warnings.map(sentenceOf)))
    screen.line(`  ${warning}${times > 1 ? ` (${times} times)` : ''}`);
}

const warningSchema = z.object({
  msg: z.string(),
  err: z.object({ message: z.string(), stack: z.string() }).optional(),
});

/** A log line for people: what happened, and where in the code. */
function sentenceOf(line: string): string {
  const parsed = warningSchema.safeParse(JSON.parse(line));
  if (!parsed.success) return line;
  const { msg, err } = parsed.data;
  return err === undefined
    ? `${msg}: ${line}`
    : `${msg}: ${err.message} (${err.stack.split('\n')[1]?.trim() ?? 'no stack'})`;
}

function counted(sentences: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const sentence of sentences) times.set(sentence, (times.get(sentence) ?? 0) + 1);
  return times;
}
