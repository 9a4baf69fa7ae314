import { createHash } from 'node:crypto';
import { type Checker, type CheckResult, CheckStatus } from '@stryker-mutator/api/check';
import type { Mutant } from '@stryker-mutator/api/core';
import { declareFactoryPlugin, PluginKind } from '@stryker-mutator/api/plugin';

/** One mutant in so many is tried; every one of them, unless told otherwise. */
const ONE_IN = Number(process.env.MUTATE_ONE_IN ?? 1);
/** Another seed is another sample. */
const SEED = process.env.MUTATE_SEED ?? '1';

/**
 * Draws from what Stryker has planned, for a score over all of the domain in the time that there is: what is not drawn is reported as an
 * error and counts neither as found nor as missed. Drawn by what a mutant is and where, so that the same seed tries the same ones again.
 */
function createSample(): Checker {
  return {
    init: async () => {},
    check: async (mutants) => Object.fromEntries(mutants.map((mutant) => [mutant.id, resultOf(mutant)])),
    group: async (mutants) => [mutants.map(({ id }) => id)],
  };
}

function resultOf(mutant: Mutant): CheckResult {
  return isDrawn(mutant)
    ? { status: CheckStatus.Passed }
    : { status: CheckStatus.CompileError, reason: 'not in the sample' };
}

function isDrawn({ fileName, location: { start }, mutatorName, replacement }: Mutant): boolean {
  const file = fileName.slice(fileName.lastIndexOf('/src/'));
  const text = [SEED, file, start.line, start.column, mutatorName, replacement].join('\n');
  return createHash('sha256').update(text).digest().readUInt32BE() % ONE_IN === 0;
}

export const strykerPlugins = [declareFactoryPlugin(PluginKind.Checker, 'sample', createSample)];
