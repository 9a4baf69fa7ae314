import type { ConditionResult } from './decision.ts';
import { scaledDecimal } from './money.ts';
import { conditionsWithin, type ProgramVersion, type PropertyFact, type RewardRule } from './program.ts';
import type { ContactFacts, DealPoint, Properties } from './record.ts';
import { riskProperties } from './risk.ts';

/** Names of the CRM's properties that rules ask about, by object. What no rule asks about is never read. */
export interface WantedProperties {
  readonly deal: readonly string[];
  readonly contact: readonly string[];
  readonly company: readonly string[];
  /** Whether the friend's company has to be known at all. */
  readonly isCompanyWanted: boolean;
}

export const NOTHING_WANTED: WantedProperties = { deal: [], contact: [], company: [], isCompanyWanted: false };

export function propertyFactsOf({ conditions, holdUntil }: RewardRule): PropertyFact[] {
  return conditionsWithin([...conditions, ...(holdUntil ? [holdUntil.met] : [])]).filter(
    (condition) => 'property' in condition,
  );
}

/** All versions count: what was decided by an older one is judged by it again. */
export function wantedProperties(versions: ReadonlyArray<Pick<ProgramVersion, 'rules' | 'risk'>>): WantedProperties {
  const rules = versions.flatMap((version) => version.rules);
  const facts = rules.flatMap(propertyFactsOf);
  const named = (of: PropertyFact['fact']) =>
    [...new Set(facts.flatMap(({ fact, property }) => (fact === of ? [property] : [])))].sort();
  const company = named('company.property');
  return {
    deal: [
      ...new Set([
        ...named('deal.property'),
        ...rules.flatMap((rule) => rule.refundedProperty ?? []),
        ...riskProperties(versions.map(({ risk }) => risk)),
      ]),
    ].sort(),
    contact: named('friend.property'),
    company,
    isCompanyWanted: company.length > 0 || rules.some(({ limits = [] }) => limits.some(({ per }) => per === 'company')),
  };
}

/** With one more property of contacts, which no rule asks about. */
export function alsoOfContacts(wanted: WantedProperties, name: string | null): WantedProperties {
  if (name === null || wanted.contact.includes(name)) return wanted;
  return { ...wanted, contact: [...wanted.contact, name].sort() };
}

/** Whether what is remembered of a contact answers everything that rules ask about. */
export function knowsProperties(
  { properties, company }: ContactFacts,
  { contact, company: ofCompany, isCompanyWanted }: WantedProperties,
): boolean {
  if (isCompanyWanted && company === undefined) return false;
  if (company && ofCompany.some((name) => company.properties[name] === undefined)) return false;
  return contact.every((name) => properties?.[name] !== undefined);
}

/** What the three objects say at the moment that a rule is judged for. */
export interface PropertyValues {
  readonly deal: DealPoint['properties'];
  readonly friend: Properties | undefined;
  /** Undefined: not read; null: the friend has none. */
  readonly company: Properties | null | undefined;
}

/** Of an empty property everything is known: it is none of these, and less than any number. */
export function checkProperty(fact: PropertyFact, values: PropertyValues): ConditionResult {
  const condition = `${SUBJECT[fact.fact]} property ${fact.property}`;
  const expected = expectedOf(fact);
  const value = propertyOf(fact, values);
  if (value === undefined) return { condition, expected, actual: 'not read', verdict: 'unknown' };
  const isMet = value === null ? fact.op === 'not_in' : holds(fact, value);
  return { condition, expected, actual: value ?? 'empty', verdict: isMet ? 'met' : 'unmet' };
}

const SUBJECT: Readonly<Record<PropertyFact['fact'], string>> = {
  'deal.property': 'deal',
  'friend.property': "friend's",
  'company.property': "company's",
};

function propertyOf({ fact, property }: PropertyFact, { deal, friend, company }: PropertyValues) {
  if (fact === 'deal.property') return deal?.[property];
  if (fact === 'friend.property') return friend?.[property];
  return company === null ? null : company?.[property];
}

function expectedOf(fact: PropertyFact): string {
  switch (fact.op) {
    case 'known':
      return 'anything';
    case 'in':
      return fact.values.join(' or ');
    case 'not_in':
      return `not ${fact.values.join(' or ')}`;
    case 'at_least':
      return `at least ${fact.number}`;
    case 'at_most':
      return `at most ${fact.number}`;
  }
}

function holds(fact: PropertyFact, value: string): boolean {
  switch (fact.op) {
    case 'known':
      return true;
    case 'in':
      return fact.values.includes(value);
    case 'not_in':
      return !fact.values.includes(value);
    case 'at_least':
    case 'at_most': {
      const order = compareDecimals(value, fact.number);
      return order !== null && (fact.op === 'at_least' ? order >= 0 : order <= 0);
    }
  }
}

/** Any number that a CRM's field holds, and any that a rule may name. Exponents are no way to write a number of seats. */
export const DECIMAL = /^-?\d{1,30}(\.\d{1,30})?$/;

/** As `DECIMAL` allows. */
const FRACTION_DIGITS_MAX = 30;

/** Negative, zero or positive; null when one is not a decimal. Digit by digit: a float would take two ids or amounts for one. */
export function compareDecimals(a: string, b: string): number | null {
  if (!DECIMAL.test(a.trim()) || !DECIMAL.test(b.trim())) return null;
  const left = scaledDecimal(a.trim(), FRACTION_DIGITS_MAX);
  const right = scaledDecimal(b.trim(), FRACTION_DIGITS_MAX);
  return left === right ? 0 : left < right ? -1 : 1;
}
