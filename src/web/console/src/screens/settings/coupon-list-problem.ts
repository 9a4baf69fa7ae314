import { useText } from '../../i18n/text.ts';
import { CODE_LENGTH_MAX, CODES_MAX } from './coupon-codes.ts';
import { couponText } from './coupon-texts.ts';

/** What is wrong with a list of codes, in words; null where nothing is. */
export function useListProblem(): (codes: readonly string[]) => string | null {
  const t = useText(couponText);
  return (codes) => {
    if (codes.length === 0) return t('neededCodes');
    if (codes.length > CODES_MAX) return t('tooMany', { max: CODES_MAX, count: codes.length });
    const long = codes.findIndex((code) => code.length > CODE_LENGTH_MAX);
    return long === -1 ? null : t('tooLong', { line: long + 1, max: CODE_LENGTH_MAX });
  };
}
