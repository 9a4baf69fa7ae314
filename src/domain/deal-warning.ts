import { needsDealAmount } from './amount.ts';
import { findStage, type StageMapping } from './mapping.ts';
import { parseAmount } from './money.ts';
import { conditionsWithin, type RewardRule } from './program.ts';
import { convert, type Rates } from './rates.ts';
import type { DealFacts } from './record.ts';
import type { Instant } from './time.ts';

/** Something about a deal that keeps rewards from being paid for it, and what a person can do about it. */
export interface DealWarning {
  readonly code:
    | 'no_contact'
    | 'program_not_chosen'
    | 'stage_unmapped'
    | 'amount_missing'
    | 'amount_unreadable'
    | 'currency_missing'
    | 'rate_missing';
  readonly text: string;
  readonly remedy: string;
}

export interface DealWarningInput {
  readonly deal: DealFacts;
  readonly mapping: StageMapping;
  /** Those that may pay for the deal. */
  readonly rules: readonly RewardRule[];
  /** Absent where no rule pays in another currency than the deal's. */
  readonly rates: Rates | undefined;
  readonly now: Instant;
  /** Whether the program of the deal's referral applies in the deal's connection. */
  readonly isChosen: boolean;
}

/** Before anything is decided: what a person can put right while the deal is still open. A deal without a flaw has none. */
export function warningsOf({ deal, mapping, rules, rates, now, isChosen }: DealWarningInput): DealWarning[] {
  const point = deal.history.at(-1);
  if (!point || deal.presence === 'deleted') return [];
  const warnings: DealWarning[] = [];
  if (deal.contactIds.length === 0)
    warnings.push({
      code: 'no_contact',
      text: 'No contact is associated with this deal, so it can be nobody’s referral.',
      remedy: 'Associate the contact who was referred with the deal.',
    });
  if (!isChosen)
    warnings.push({
      code: 'program_not_chosen',
      text: 'The program of this referral does not apply here, so nothing is decided on the deal.',
      remedy: 'An admin can choose it for this CRM in the settings of Wonward. It then applies to new referrals.',
    });
  if (!findStage(mapping, point.pipelineId, point.stageId))
    warnings.push({
      code: 'stage_unmapped',
      text: 'Wonward does not know yet what the stage of this deal means; until then nothing is decided on it.',
      remedy: 'Ask an admin to look at the stage mapping in Wonward.',
    });
  return [...warnings, ...amountWarnings(point, rules, rates, now)];
}

function amountWarnings(
  { amount: raw, currency: named }: DealFacts['history'][number],
  rules: readonly RewardRule[],
  rates: Rates | undefined,
  now: Instant,
): DealWarning[] {
  // A deal whose amount nobody asks about may go without.
  if (!rules.some(asksForAmount)) return [];
  const currency = named?.trim().toUpperCase() ?? '';
  const amount = parseAmount(raw, currency);
  if (!amount.ok) {
    if (amount.problem === 'unknown_currency')
      return [
        {
          code: 'currency_missing',
          text: currency === '' ? 'The deal has no currency.' : `The deal’s currency "${currency}" is none.`,
          remedy: 'Choose a currency on the deal.',
        },
      ];
    if (amount.problem === 'empty')
      return [
        {
          code: 'amount_missing',
          text: 'The deal has no amount, and rewards depend on it.',
          remedy: 'Enter an amount on the deal.',
        },
      ];
    return [
      {
        code: 'amount_unreadable',
        text: `The deal’s amount "${raw}" cannot be paid on as it is.`,
        remedy: 'Correct the amount on the deal.',
      },
    ];
  }
  const missing = new Set(
    rules.flatMap(({ payIn }) => {
      if (payIn === undefined || payIn === currency) return [];
      const converted = convert(amount.money, payIn, now, rates ?? new Map());
      return converted.ok ? [] : [converted.missing];
    }),
  );
  return [...missing].map((one) => ({
    code: 'rate_missing',
    text: `There is no exchange rate of ${one} for yesterday, and a reward for this deal is paid in another currency.`,
    remedy: 'Ask an admin to enter the exchange rates in Wonward.',
  }));
}

function asksForAmount(rule: RewardRule): boolean {
  return needsDealAmount(rule) || conditionsWithin(rule.conditions).some(({ fact }) => fact === 'deal.amount');
}
