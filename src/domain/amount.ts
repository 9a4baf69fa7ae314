import { type Money, ratioOf, roundedShare, textOf } from './money.ts';
import type { FlatAmount, RewardRule, Rounding } from './program.ts';
import { type HeldTier, rankOf } from './tier-scheme.ts';

/** How an amount came about, one line for each thing that was done to it: a code that programs read, and the values of its sentence. */
export interface CalculationStep {
  readonly step:
    | 'converted'
    | 'fixed'
    | 'percent'
    | 'step_by_amount'
    | 'step_by_count'
    | 'step_by_tier'
    | 'rounded'
    | 'minimum'
    | 'maximum'
    | 'refunded'
    | 'shared'
    | 'limited';
  readonly values: Readonly<Record<string, string>>;
  /** After the step. */
  readonly result: string;
}

export interface Calculation {
  /** Null when no step of a stepped amount is reached. */
  readonly money: Money | null;
  readonly steps: readonly CalculationStep[];
}

/** What an absent rounding means. */
const UNSAID_ROUNDING: Rounding = { mode: 'half_even', toMinor: 1 };

/** Whether the amount of the deal has to be known to tell what the rule pays. */
export function needsDealAmount({ amount }: RewardRule): boolean {
  const flats = 'steps' in amount ? amount.steps.map((step) => step.amount) : [amount];
  return amount.kind === 'by_amount' || flats.some(({ kind }) => kind === 'percent');
}

/**
 * What a rule pays for a deal of this amount, the member's n-th won referral, in the tier that the member holds.
 *
 * @param base the deal's amount; null only where `needsDealAmount` is false.
 * @throws RangeError when an amount is needed and not given.
 */
export function calculate(
  rule: RewardRule,
  base: Money | null,
  wonReferrals: number,
  tier: HeldTier | null = null,
): Calculation {
  const steps: CalculationStep[] = [];
  const flat = chooseStep(rule, base, wonReferrals, tier, steps);
  if (!flat) return { money: null, steps };
  let money = applyFlat(flat, rule, base, steps);
  if (rule.minimum && rule.minimum.currency === money.currency && money.minor < rule.minimum.minor) {
    money = rule.minimum;
    steps.push({ step: 'minimum', values: {}, result: textOf(money) });
  }
  if (rule.maximum && rule.maximum.currency === money.currency && money.minor > rule.maximum.minor) {
    money = rule.maximum;
    steps.push({ step: 'maximum', values: {}, result: textOf(money) });
  }
  return { money, steps };
}

/** What is left of a reward when part of its deal was refunded: the same part of it, rounded as the rule rounds. */
export function afterRefund({ rounding }: RewardRule, money: Money, deal: Money, refunded: Money): Calculation {
  const { mode, toMinor } = rounding ?? UNSAID_ROUNDING;
  const left = ratioOf(money, deal.minor - refunded.minor, deal.minor, mode, toMinor);
  return {
    money: left,
    steps: [
      {
        step: 'refunded',
        values: { amount: textOf(deal), refunded: textOf(refunded) },
        result: textOf(left),
      },
    ],
  };
}

/** What one of two who share the credit gets: the assist their part, rounded as the rule rounds, and the member the rest. */
export function shareOf({ share, rounding }: RewardRule, money: Money): Calculation {
  if (!share) return { money, steps: [] };
  const { mode, toMinor } = rounding ?? UNSAID_ROUNDING;
  const assists = ratioOf(money, BigInt(share.percent), 100n, mode, toMinor);
  const own = share.of === 'assist' ? assists : { ...money, minor: money.minor - assists.minor };
  const percent = String(share.of === 'assist' ? share.percent : 100 - share.percent);
  return { money: own, steps: [{ step: 'shared', values: { percent, amount: textOf(money) }, result: textOf(own) }] };
}

function chooseStep(
  { amount }: RewardRule,
  base: Money | null,
  wonReferrals: number,
  tier: HeldTier | null,
  steps: CalculationStep[],
): FlatAmount | null {
  if (amount.kind === 'fixed' || amount.kind === 'percent') return amount;
  if (amount.kind === 'by_count') {
    const reached = amount.steps.findLast(({ from }) => wonReferrals >= from);
    const values = { count: String(wonReferrals), from: String(reached?.from ?? '') };
    steps.push({ step: 'step_by_count', values, result: reached ? `from ${reached.from}` : 'none' });
    return reached?.amount ?? null;
  }
  if (amount.kind === 'per_tier') {
    const held = tier ? rankOf(tier, tier.held) : -1;
    const reached = tier && amount.steps.findLast(({ from }) => rankOf(tier, from) >= 0 && rankOf(tier, from) <= held);
    const values = { tier: tier?.held ?? '', name: tier?.levels[held]?.name ?? 'none', from: reached?.from ?? '' };
    steps.push({ step: 'step_by_tier', values, result: reached ? `from ${reached.from}` : 'none' });
    return reached?.amount ?? null;
  }
  if (!base) throw new RangeError('steps by amount were asked of an amount that is not known');
  const reached = amount.steps.findLast(({ from }) => from.currency === base.currency && base.minor >= from.minor);
  const values = { amount: textOf(base), from: reached ? textOf(reached.from) : '' };
  steps.push({ step: 'step_by_amount', values, result: reached ? `from ${textOf(reached.from)}` : 'none' });
  return reached?.amount ?? null;
}

function applyFlat(flat: FlatAmount, rule: RewardRule, base: Money | null, steps: CalculationStep[]): Money {
  if (flat.kind === 'fixed') {
    steps.push({ step: 'fixed', values: {}, result: textOf(flat.money) });
    return flat.money;
  }
  if (!base) throw new RangeError('a percentage was asked of an amount that is not known');
  const rounding = rule.rounding ?? UNSAID_ROUNDING;
  const { money, isExact } = roundedShare(base, flat.basisPoints, rounding.mode, rounding.toMinor);
  steps.push({
    step: 'percent',
    values: { percent: percentText(flat.basisPoints), amount: textOf(base) },
    result: textOf(money),
  });
  if (!isExact)
    steps.push({
      step: 'rounded',
      values: {
        mode: rounding.mode.replace('_', ' '),
        to: textOf({ minor: BigInt(rounding.toMinor), currency: base.currency }),
      },
      result: textOf(money),
    });
  return money;
}

/** 1250 as "12.5". */
export function percentText(basisPoints: number): string {
  const whole = Math.floor(basisPoints / 100);
  const rest = String(basisPoints % 100)
    .padStart(2, '0')
    .replace(/0+$/, '');
  return rest === '' ? String(whole) : `${whole}.${rest}`;
}

export const STEP_SENTENCES: Readonly<Record<CalculationStep['step'], string>> = {
  converted: '{amount} is {result}, at {rate} for one {base} on {day} ({source}).',
  fixed: 'A fixed {result}.',
  percent: '{percent} % of {amount} is {result}.',
  step_by_amount: 'A deal of {amount} reaches the step {result}.',
  step_by_count: 'Won referral number {count} reaches the step {result}.',
  step_by_tier: 'The tier of the member, {name}, reaches the step {result}.',
  rounded: 'Rounded {mode}, to multiples of {to}.',
  minimum: 'Raised to the least amount, {result}.',
  maximum: 'Cut to the greatest amount, {result}.',
  refunded: 'Of {amount} that the deal was worth, {refunded} were refunded; the rest of the reward is {result}.',
  shared: 'The credit is shared by two members: {percent} % of {amount} is {result}.',
  limited: 'Cut to what the limit leaves, {result}.',
};

/** The line as a person reads it. */
export function stepText({ step, values, result }: CalculationStep): string {
  return STEP_SENTENCES[step].replace(/\{(\w+)\}/g, (_, key: string) =>
    key === 'result' ? result : (values[key] ?? ''),
  );
}
