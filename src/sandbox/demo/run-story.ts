import type { Clock } from '../../platform/clock.ts';
import type { Finding } from './finding.ts';

/** The slowest thing that is waited for is a webhook, a decision and a write-back: well under a second. */
const DEADLINE_MS = 20_000;
const LOOK_AGAIN_MS = 50;

export interface Step<Scene> {
  readonly name: string;
  /** Where it plays; absent: in HubSpot. */
  readonly crm?: 'hubspot' | 'salesforce';
  /** What people do. */
  readonly act: (scene: Scene) => Promise<void>;
  /** One reading from outside; repeated until it is as it should be or the deadline has passed. */
  readonly look: (scene: Scene) => Promise<readonly Finding[]>;
}

export interface StepResult {
  readonly name: string;
  readonly crm: 'hubspot' | 'salesforce';
  readonly verified: boolean;
  readonly findings: readonly Finding[];
  /** Why it is not verified; empty when it is. */
  readonly problems: readonly string[];
}

export interface Audience {
  readonly onBegin: (name: string, index: number, count: number) => void;
  readonly onEnd: (result: StepResult) => void;
}

interface StoryDeps {
  readonly clock: Clock;
  readonly audience: Audience;
  readonly deadlineMs?: number;
  /** Ends the story between two looks. */
  readonly signal?: AbortSignal;
}

/** Plays the steps in order. Each stands on the one before, so after one that is not verified the others are not played. */
export async function runStory<Scene>(
  steps: readonly Step<Scene>[],
  scene: Scene,
  { clock, audience, deadlineMs = DEADLINE_MS, signal }: StoryDeps,
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const [index, step] of steps.entries()) {
    const failed = results.find(({ verified }) => !verified);
    if (failed || signal?.aborted) {
      const why = signal?.aborted ? 'the demo was stopped' : `since "${failed?.name}" was not verified`;
      results.push(unverified(step, [`not played, ${why}`]));
      continue;
    }
    audience.onBegin(step.name, index, steps.length);
    const result = await play(step, scene, { clock, deadlineMs, signal });
    audience.onEnd(result);
    results.push(result);
  }
  return results;
}

async function play<Scene>(
  step: Step<Scene>,
  scene: Scene,
  { clock, deadlineMs, signal }: { clock: Clock; deadlineMs: number; signal: AbortSignal | undefined },
): Promise<StepResult> {
  try {
    await step.act(scene);
  } catch (thrown) {
    return unverified(step, [`it could not be done: ${messageOf(thrown)}`]);
  }
  const until = clock.now() + deadlineMs;
  for (;;) {
    const result = await lookOnce(step, scene);
    if (result.verified) return result;
    if (signal?.aborted) return { ...result, problems: [...result.problems, 'stopped while it was waited for'] };
    if (clock.now() >= until) {
      return { ...result, problems: [...result.problems, `waited ${deadlineMs / 1_000} s for it`] };
    }
    await clock.sleep(LOOK_AGAIN_MS, signal);
  }
}

async function lookOnce<Scene>(step: Step<Scene>, scene: Scene): Promise<StepResult> {
  try {
    const findings = await step.look(scene);
    const problems = findings.flatMap((found) => found.problems.map((problem) => `${found.where} ${problem}`));
    // A step that looks at nothing proves nothing.
    const all = findings.length === 0 ? ['nothing was read back'] : problems;
    return { ...named(step), verified: all.length === 0, findings, problems: all };
  } catch (thrown) {
    return unverified(step, [`it could not be read back: ${messageOf(thrown)}`]);
  }
}

function named<Scene>({ name, crm = 'hubspot' }: Step<Scene>): Pick<StepResult, 'name' | 'crm'> {
  return { name, crm };
}

function unverified<Scene>(step: Step<Scene>, problems: readonly string[]): StepResult {
  return { ...named(step), verified: false, findings: [], problems };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
