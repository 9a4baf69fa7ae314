import type { StepResult } from './run-story.ts';
import type { Scene } from './scene.ts';
import type { Screen } from './screen.ts';
import type { World } from './world.ts';

/** What a person can open and try while everything stays up. */
export function showWhatToOpen(screen: Screen, { crmUrl, serviceUrl, apiKey, portalId }: World, scene: Scene): void {
  const portal = `${crmUrl}/portals/${portalId}`;
  screen.line();
  screen.heading('Now try it yourself. Open the deal, click Closed Won, and watch Ada’s card:');
  screen.table([
    ['The deal', `${portal}/deals/${scene.deal}`],
    ['Ada, who referred', `${portal}/contacts/${scene.ada}`],
    ['Bob, who was referred', `${portal}/contacts/${scene.bob}`],
    ['The portal', portal],
    ['All portals', `${crmUrl}/`],
    ['API documentation', `${serviceUrl}/api/v1/openapi.json`],
    ['API key', apiKey],
  ]);
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
  for (const warning of warnings) screen.line(`  ${warning}`);
}
