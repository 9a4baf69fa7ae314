import type { Phrasebook } from './phrasebook.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Who is told to have said it where no person has. */
const SYSTEM = 'wonward';

/**
 * Which fields of an answer are sentences of the service, by their name and by what stands beside them. Whatever is not here goes out as
 * it is: names, notes, reasons that a person wrote, what a CRM calls things.
 */
const SAID: Readonly<Record<string, (beside: Fields) => boolean>> = {
  // Problems, and what is wrong with a field.
  title: (beside) => 'status' in beside && 'code' in beside,
  detail: () => true,
  problem: () => true,
  // A reason, evidence of a proposal, what it is unsure of; a step of a calculation.
  text: (beside) => 'code' in beside || 'step' in beside,
  // A difference of a dry run; why something is kept of a person who was erased.
  why: (beside) => ('ruleKey' in beside && 'before' in beside) || 'rows' in beside,
  rep: isTold,
  admin: isTold,
  finance: isTold,
  condition: isCondition,
  expected: isCondition,
  actual: isCondition,
  // What spoke against somebody, and by which record somebody came.
  evidence: (beside) => 'signal' in beside || 'memberId' in beside,
  // A case, and what has happened to it: a person's words stay.
  summary: (beside) => beside.kind !== 'dispute',
  meanwhile: () => true,
  decidedWhy: (beside) => beside.decidedBy === SYSTEM,
  words: (beside) => !('by' in beside) || beside.by === SYSTEM,
  statusReason: () => true,
  error: () => true,
  remedy: () => true,
  ours: (beside) => 'theirs' in beside,
  theirs: (beside) => 'ours' in beside,
  // What a provider says of itself.
  label: (beside) => 'help' in beside || 'summary' in beside,
  help: () => true,
  how: () => true,
  basis: (beside) => 'currency' in beside || 'liability' in beside,
  score: (beside) => 'reason' in beside,
  needed: (beside) => 'missing' in beside,
  missing: (beside) => 'needed' in beside,
};

function isTold(beside: Fields): boolean {
  return 'rep' in beside && 'admin' in beside && 'finance' in beside;
}

function isCondition(beside: Fields): boolean {
  return 'condition' in beside && 'expected' in beside && 'actual' in beside;
}

/** The values of a property are the CRM's; what is asked of them, and that there is none, is ours to say. */
const PROPERTY = /^(deal|friend's|company's) property /;
const OURS_OF_A_PROPERTY = /^(empty|not read|anything|at (least|most) .*)$/;

/** The same answer with the service's sentences as the book has them. */
export function inWords<T>(book: Phrasebook, body: T): T {
  return walked(book, body) as T;
}

function walked(book: Phrasebook, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => walked(book, one));
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  const fields = value as Fields;
  // The log of changes is evidence: what was sent and answered stands in it as it was.
  if ('operation' in fields && 'actor' in fields) return value;
  return Object.fromEntries(
    Object.entries(fields).map(([name, one]) => {
      if (typeof one !== 'string') return [name, walked(book, one)];
      return [name, SAID[name]?.(fields) ? sayField(book, name, one, fields) : one];
    }),
  );
}

function sayField(book: Phrasebook, name: string, text: string, { condition }: Fields): string {
  const isOfProperty = name !== 'condition' && typeof condition === 'string' && PROPERTY.test(condition);
  if (isOfProperty && !OURS_OF_A_PROPERTY.test(text)) return name === 'expected' ? book.sayJoints(text) : text;
  return name === 'expected' || name === 'actual' ? book.sayList(text) : book.say(text, name);
}
