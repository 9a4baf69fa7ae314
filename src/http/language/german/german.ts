import { STEP_SENTENCES } from '../../../domain/amount.ts';
import { REASON_SENTENCES } from '../../../domain/reason.ts';
import { PROBLEM_CODES, titleOf } from '../../problem-codes.ts';
import { createPhrasebook, type Phrases } from '../phrasebook.ts';
import { ALERTS } from './alerts.ts';
import { CONDITIONS, WORDS } from './conditions.ts';
import { FIELDS } from './fields.ts';
import { MAPPING } from './mapping.ts';
import { MONEY } from './money.ts';
import { PROBLEMS, TITLES } from './problems.ts';
import { PROVIDERS } from './providers.ts';
import { REASONS, STEPS } from './reasons.ts';
import { RISK } from './risk.ts';
import { SYNC } from './sync.ts';
import { TOLD } from './told.ts';

/** The English sentence to each code, and the German one. */
function byCode<C extends string>(english: Readonly<Record<C, string>>, german: Readonly<Record<C, string>>): Phrases {
  return Object.fromEntries(Object.keys(english).map((code) => [english[code as C], german[code as C]]));
}

const TITLES_IN_ENGLISH = Object.fromEntries(PROBLEM_CODES.map((code) => [code, titleOf(code)])) as typeof TITLES;

/** Everything that the service says in German. */
export const GERMAN_PHRASES: Phrases = {
  ...TOLD,
  ...CONDITIONS,
  ...WORDS,
  ...RISK,
  ...ALERTS,
  ...MAPPING,
  ...SYNC,
  ...MONEY,
  ...PROVIDERS,
  ...FIELDS,
  ...PROBLEMS,
  ...byCode(TITLES_IN_ENGLISH, TITLES),
  ...byCode(STEP_SENTENCES, STEPS),
  ...byCode(REASON_SENTENCES, REASONS),
};

const MONEY_TEXT = /^(-?\d+(?:\.\d+)?) ([A-Z]{3})$/;
const DAY_TEXT = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME_TEXT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z)$/;
const DECIMAL_TEXT = /^-?\d+\.\d+$/;

const MOMENT = new Intl.DateTimeFormat('de', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });

/** Amounts are handed over as text: none ever becomes a floating-point number. */
function valueInGerman(text: string): string | null {
  const [, amount, currency] = MONEY_TEXT.exec(text) ?? [];
  if (amount !== undefined && currency !== undefined)
    return new Intl.NumberFormat('de', { style: 'currency', currency }).format(amount as Intl.StringNumericLiteral);
  const [, year, month, day] = DAY_TEXT.exec(text) ?? [];
  if (year !== undefined) return `${day}.${month}.${year}`;
  if (TIME_TEXT.test(text)) return `${MOMENT.format(new Date(text))} UTC`;
  return DECIMAL_TEXT.test(text) ? text.replace('.', ',') : null;
}

export const GERMAN = createPhrasebook(GERMAN_PHRASES, valueInGerman);
