import { resolve } from 'node:path';
import { systemClock } from '../platform/clock.ts';
import { createCrm } from './demo/crm.ts';
import { DemoError } from './demo/demo-error.ts';
import { readOptions } from './demo/options.ts';
import { createOrg } from './demo/org.ts';
import { writeReport } from './demo/report.ts';
import { runStory } from './demo/run-story.ts';
import { createScene } from './demo/scene.ts';
import { createScreen } from './demo/screen.ts';
import { stopRequest } from './demo/stop-request.ts';
import { theStory } from './demo/story.ts';
import { showWhatToOpen, showWhatWentWrong } from './demo/text.ts';
import { createWonward } from './demo/wonward.ts';
import { startWorld } from './demo/world.ts';
import { buildLightningBundle } from './web/salesforce/lightning-bundle.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  });
  if (typeof options === 'number') return options;
  const screen = createScreen({
    write: (text) => void process.stdout.write(text),
    colours: process.stdout.isTTY && !process.env.NO_COLOR,
    columns: process.stdout.columns,
    moving: process.stdout.isTTY,
  });
  const stopped = stopRequest();
  const begunAt = performance.now();
  const file = options.json === undefined ? null : resolve(options.json);
  // A run that dies must not leave the report of an earlier one behind.
  if (file !== null) await writeReport(file, []);

  screen.heading('Wonward: a deal is won, the right people are rewarded exactly once.');
  screen.line(
    'A local HubSpot, a local Salesforce and the real service on this machine; no account, nothing leaves it.',
  );
  screen.line();
  const { life } = options;
  if (life)
    screen.line(
      `First two years of ${life.members} members and ${life.referrals} referrals are lived through the real service.`,
    );
  const world = await startWorld({
    ...options,
    signal: stopped,
    onLife: (done, all) => screen.progress('Two years', done, all),
  }).catch((thrown: unknown) => {
    if (!stopped.aborted) throw thrown;
    screen.line('\nStopping.');
    return null;
  });
  if (world === null) return EXIT_FAILED;
  try {
    if (world.lived) {
      screen.good(`The console, as the owner of ${world.lived.name}: ${world.lived.consoleLink}`);
      screen.line('It is open already; the story plays beside it, in another account.');
      screen.line();
    }
    const scene = createScene(
      createCrm(world.crmUrl, world.portalId),
      createOrg(world.orgUrl, world.orgId, world.orgPagesUrl),
      createWonward(world.serviceUrl, world.apiKey),
    );
    const results = await runStory(theStory(), scene, {
      clock: systemClock,
      audience: screen.audience,
      signal: stopped,
    });
    if (file !== null) await writeReport(file, results);
    const seconds = ((performance.now() - begunAt) / 1_000).toFixed(1);
    const isVerified = results.every(({ verified }) => verified);
    if (isVerified) screen.good(`All ${results.length} steps verified by reading them back, in ${seconds} s.`);
    else showWhatWentWrong(screen, results, world.warnings());
    if (file !== null) screen.line(`Written: ${file}`);
    if (!options.exit && !stopped.aborted) {
      showWhatToOpen(screen, { world, scene, isVerified });
      // Ready before somebody opens a record in Salesforce, or nearly; a failure is told where the page asks for it.
      buildLightningBundle().catch(() => undefined);
      await new Promise<void>((resolved) => stopped.addEventListener('abort', () => resolved(), { once: true }));
    }
    return isVerified ? EXIT_OK : EXIT_FAILED;
  } finally {
    if (stopped.aborted) screen.line('\nStopping.');
    await world.close();
  }
}

try {
  process.exitCode = await main();
} catch (thrown) {
  if (thrown instanceof DemoError) console.error(thrown.message);
  else console.error('The demo cannot go on:', thrown);
  process.exitCode = EXIT_FAILED;
}
