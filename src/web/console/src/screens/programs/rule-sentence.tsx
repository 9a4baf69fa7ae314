import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { isAmount, isCurrency } from '../../parts/money-text.ts';
import { isStepped, listAt, type Path, textAt, valueAt } from './document.ts';
import { programText, ruleText } from './texts.ts';

const BASIS_POINTS_WHOLE = 10_000;

/** A rule as one sentence to be read. */
export function useRuleSentence(): (rule: unknown) => string {
  const t = useText(programText);
  const word = useText(ruleText);
  const { percent, money } = useFormat();
  const PAYOUTS: Readonly<Record<string, string>> = {
    credit: t('credit'),
    coupon: t('coupon'),
    manual: t('manual'),
    webhook: t('webhook'),
  };

  function flat(amount: unknown): string {
    if (textAt(amount, ['kind']) === 'percent') {
      const points = valueAt(amount, ['basisPoints']);
      return word('percentPart', {
        percent: percent(typeof points === 'number' ? points / BASIS_POINTS_WHOLE : 0),
      });
    }
    return moneyAt(amount, ['money']);
  }

  function moneyAt(document: unknown, path: Path): string {
    const amount = textAt(document, [...path, 'amount']);
    const currency = textAt(document, [...path, 'currency']);
    return isAmount(amount) && isCurrency(currency) ? money({ amount, currency }) : '…';
  }

  function amountOf(amount: unknown): string {
    if (!isStepped(textAt(amount, ['kind']))) return flat(amount);
    const steps = listAt(amount, ['steps']);
    const at = (index: number) => flat(valueAt(steps.at(index), ['amount']));
    return word('steppedPart', { count: steps.length, from: at(0), to: at(-1) });
  }

  return (rule) => {
    const trigger = textAt(rule, ['trigger']) || 'won';
    const party = textAt(rule, ['party']);
    const days = valueAt(rule, ['holdDays']);
    const payout = textAt(rule, ['payout']);
    const values = {
      trigger: trigger === 'qualified' ? t('qualified') : trigger === 'opportunity' ? t('opportunity') : t('won'),
      tier: textAt(rule, ['tier']) || '…',
      party: party === 'friend' || party === 'recruiter' ? t(party) : t('member'),
      amount: amountOf(valueAt(rule, ['amount'])),
      hold: typeof days === 'number' && days > 0 ? word('holdPart', { days }) : '',
      payout: PAYOUTS[payout] ?? payout,
    };
    const sentence = word(trigger === 'tier_reached' ? 'sentenceTier' : 'sentence', values);
    return `${sentence} ${word('someConditions', { count: listAt(rule, ['conditions']).length })}`.trim();
  };
}
