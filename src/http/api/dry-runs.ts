import type { DryRunRefusal } from '../../application/keep-dry-run.ts';
import type { DryRunStore, KeptDryRun, Tried } from '../../application/ports/store.ts';
import { HttpProblem } from '../problem.ts';
import { dryRunId } from './schemas.ts';

type OfKind<K extends Tried['kind']> = KeptDryRun<Extract<Tried, { kind: K }>>;

export const dryRunParams = { dryRunId };

/** The parameter of what publishes a draft. */
export const seenDryRun = {
  dryRunId: dryRunId.optional().meta({ description: 'Publishes only the very draft that this dry run was of.' }),
};

/** One of what is tried at this address; of anything else it is found at its own. */
export async function dryRunOf<K extends Tried['kind']>(
  dryRuns: Pick<DryRunStore, 'get'>,
  accountId: string,
  id: string,
  kind: K,
): Promise<OfKind<K>> {
  const run = await dryRuns.get(accountId, id);
  if (run && isOf(run, kind)) return run;
  throw noSuchDryRun();
}

function isOf<K extends Tried['kind']>(run: KeptDryRun, kind: K): run is OfKind<K> {
  return run.of.kind === kind;
}

export function noSuchDryRun(): HttpProblem {
  return new HttpProblem('not_found', 'This account has no such dry run.');
}

/** Why the draft does not come into force. `tryAt`: where one of its kind is tried. */
export function dryRunRefused({ code }: Pick<DryRunRefusal, 'code'>, tryAt: string): HttpProblem {
  const remedy = `try it with ${tryAt}, and name the id that it answers`;
  switch (code) {
    case 'no_such_dry_run':
      return new HttpProblem(code, `Nothing was changed: ${remedy}.`, {
        errors: [{ field: 'dryRunId', problem: `must be the id of a dry run of this draft: ${remedy}` }],
      });
    case 'other_draft':
      return new HttpProblem(code, `Nothing was changed, for this is not the draft that was tried: ${remedy}.`, {
        errors: [{ field: 'dryRunId', problem: `must be of this very draft: ${remedy}` }],
      });
  }
}
