import type { z } from 'zod';
import { closestIssues } from '../../application/program-document.ts';
import { type FieldError, HttpProblem } from '../problem.ts';

/** @throws HttpProblem `invalid_request` that names every field that is wrong and what it should be. */
export function parseInput<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input, { error: explain });
  if (parsed.success) return parsed.data;
  throw new HttpProblem('invalid_request', 'Correct the fields that are named.', {
    errors: parsed.error.issues.flatMap(closestIssues).flatMap(fieldErrors),
  });
}

type RawIssue = Parameters<z.core.$ZodErrorMap>[0];

/** Words for what a schema has none of its own for. */
function explain(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing: it must be ${article(issue.expected)}`
        : `must be ${article(issue.expected)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`;
    case 'too_big':
      return `must be at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'too_small':
      return `must be at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'unrecognized_keys':
      return 'is not a known field; leave it out';
    case 'invalid_union':
      return issue.discriminator
        ? 'must be one of the kinds that the documentation names'
        : 'has a form that is not known';
    default:
      return issue.message ?? 'is not as it should be';
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a JSON object',
  array: 'a list',
};

function article(expected: string): string {
  return TYPES[expected] ?? expected;
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters long';
  return origin === 'array' ? ' entries long' : '';
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ field: fieldOf([...issue.path, key]), problem: issue.message }));
  }
  return [{ field: fieldOf(issue.path), problem: issue.message }];
}

/** "rules[0].amount.money"; "body" for the whole. */
function fieldOf(path: readonly PropertyKey[]): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('');
  return text.replace(/^\./, '') || 'body';
}
