import type { Money, RewardState, RewardTotal } from './card-view.generated.ts';

/** Adds what the given states hold, per currency, without floats. */
export function sumOfStates(totals: readonly RewardTotal[], states: readonly RewardState[]): Money[] {
  const sums = new Map<string, Decimal>();
  for (const { state, totals: amounts } of totals) {
    if (!states.includes(state)) continue;
    for (const { amount, currency } of amounts) {
      const before = sums.get(currency);
      sums.set(currency, before === undefined ? parse(amount) : add(before, parse(amount)));
    }
  }
  return [...sums].map(([currency, sum]) => ({ amount: write(sum), currency }));
}

interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

function parse(text: string): Decimal {
  const [whole = '0', fraction = ''] = text.split('.');
  return { units: BigInt(whole + fraction), scale: fraction.length };
}

function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const raise = ({ units, scale: from }: Decimal) => units * 10n ** BigInt(scale - from);
  return { units: raise(a) + raise(b), scale };
}

function write({ units, scale }: Decimal): string {
  const sign = units < 0n ? '-' : '';
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return scale === 0 ? sign + whole : `${sign}${whole}.${digits.slice(-scale)}`;
}
