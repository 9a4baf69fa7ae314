import type { RowError } from './errors.ts';
import type { Answer } from './http.ts';

function frame(at: number): { status: 'COMPLETE'; startedAt: string; completedAt: string } {
  const stamp = new Date(at).toISOString();
  return { status: 'COMPLETE', startedAt: stamp, completedAt: stamp };
}

/** A batch's answer: `okStatus` when every row was done, 207 with `errors` and `numErrors` when some were not. */
export function batchAnswer(okStatus: number, results: unknown[], errors: RowError[], at: number): Answer {
  if (errors.length === 0) return { status: okStatus, body: { ...frame(at), results } };
  return { status: 207, body: { ...frame(at), results, numErrors: errors.length, errors } };
}

/** Missing records of a batch, in one row as HubSpot groups them. */
export function missingRows(upperName: string, ids: string[]): RowError[] {
  if (ids.length === 0) return [];
  return [
    {
      status: 'error',
      category: 'OBJECT_NOT_FOUND',
      message: `Could not get some ${upperName} objects, they may be deleted or not exist. Check that ids are valid.`,
      context: { ids },
      errors: [],
      links: {},
    },
  ];
}

/** A row that a fault refused. */
export function struckRow(category: string, context: Record<string, string[]>): RowError {
  return {
    status: 'error',
    category,
    message: 'There was a problem with this input; nothing was written for it.',
    context,
    errors: [],
    links: {},
  };
}
