import { describe, expect, test } from 'vitest';
import { type DealWarningInput, warningsOf } from '../../src/domain/deal-warning.ts';
import { mapCatalog } from '../../src/domain/mapping.ts';
import type { RewardRule } from '../../src/domain/program.ts';
import { ratesOf } from '../../src/domain/rates.ts';
import type { DealPoint } from '../../src/domain/record.ts';
import { CATALOG, DAY, dealOf, FRIEND_RULE, MEMBER_RULE, pointOf, T0 } from './world.ts';

const NOW = T0 + 10 * DAY;
const NO_CONTACT = {
  code: 'no_contact',
  text: 'No contact is associated with this deal, so it can be nobody’s referral.',
  remedy: 'Associate the contact who was referred with the deal.',
};
const NOT_CHOSEN = {
  code: 'program_not_chosen',
  text: 'The program of this referral does not apply here, so nothing is decided on the deal.',
  remedy: 'An admin can choose it for this CRM in the settings of Wonward. It then applies to new referrals.',
};
const UNMAPPED = {
  code: 'stage_unmapped',
  text: 'Wonward does not know yet what the stage of this deal means; until then nothing is decided on it.',
  remedy: 'Ask an admin to look at the stage mapping in Wonward.',
};
const noCurrency = (text: string) => ({ code: 'currency_missing', text, remedy: 'Choose a currency on the deal.' });
const NO_CURRENCY = noCurrency('The deal has no currency.');
const NO_AMOUNT = {
  code: 'amount_missing',
  text: 'The deal has no amount, and rewards depend on it.',
  remedy: 'Enter an amount on the deal.',
};
const unreadable = (raw: string) => ({
  code: 'amount_unreadable',
  text: `The deal’s amount "${raw}" cannot be paid on as it is.`,
  remedy: 'Correct the amount on the deal.',
});
const noRate = (currency: string) => ({
  code: 'rate_missing',
  text: `There is no exchange rate of ${currency} for yesterday, and a reward for this deal is paid in another currency.`,
  remedy: 'Ask an admin to enter the exchange rates in Wonward.',
});

const rate = (currency: string, perBase: string) => ({
  currency,
  base: 'EUR',
  day: '2026-01-14',
  until: '2026-01-14',
  perBase,
  source: 'a bank',
});
const over = (more: Partial<RewardRule>): RewardRule => ({ ...FRIEND_RULE, ...more });
const AMOUNT = { fact: 'deal.amount', op: 'at_least', money: { minor: 100n, currency: 'EUR' } } as const;
const PIPELINE = { fact: 'deal.pipeline', op: 'in', pipelineIds: ['sales'] } as const;
const PAID_IN_DOLLARS = { ...MEMBER_RULE, payIn: 'USD' };

type Row = Partial<DealWarningInput> & { readonly at?: Partial<Omit<DealPoint, 'at'>> };

describe('what keeps a deal from being paid for, while a person can put it right', () => {
  test.each<[string, Row, unknown[]]>([
    ['nothing of a deal without a flaw', {}, []],
    ['nothing of one that was not read yet', { deal: dealOf('1', [], []) }, []],
    ['nothing of one that is deleted', { deal: dealOf('1', [], [pointOf(T0)], { presence: 'deleted' }) }, []],
    ['that it is nobody’s', { deal: dealOf('1', [], [pointOf(T0)]) }, [NO_CONTACT]],
    ['that the program does not apply here', { isChosen: false }, [NOT_CHOSEN]],
    ['that its stage means nothing yet', { at: { stageId: 'new' } }, [UNMAPPED]],
    ['that its pipeline means nothing yet', { at: { pipelineId: 'new' } }, [UNMAPPED]],
    [
      'where it stands now',
      { deal: dealOf('1', ['2'], [pointOf(T0, { amount: null, stageId: 'new' }), pointOf(T0 + 1)]) },
      [],
    ],
    [
      'everything at once, in the order in which it is put right',
      { deal: dealOf('1', [], [pointOf(T0, { stageId: 'new', amount: '' })]), isChosen: false },
      [NO_CONTACT, NOT_CHOSEN, UNMAPPED, NO_AMOUNT],
    ],
    ['that it has no amount', { at: { amount: null } }, [NO_AMOUNT]],
    ['that it has no currency', { at: { currency: null } }, [NO_CURRENCY]],
    ['that its currency is empty', { at: { currency: ' ' } }, [NO_CURRENCY]],
    ['that it has no currency, before its amount', { at: { currency: null, amount: null } }, [NO_CURRENCY]],
    ['that its currency is none', { at: { currency: 'xxq' } }, [noCurrency('The deal’s currency "XXQ" is none.')]],
    ['that its amount is no number', { at: { amount: '1,000' } }, [unreadable('1,000')]],
    ['that its amount is below zero', { at: { amount: '-1' } }, [unreadable('-1')]],
    ['a currency counts in any spelling', { at: { currency: ' eur ' } }, []],
    ['nothing of an amount that no rule asks about', { rules: [FRIEND_RULE], at: { amount: null } }, []],
    ['nothing where no rule pays', { rules: [], at: { amount: null } }, []],
    [
      'an amount that one of the rules asks about',
      { rules: [FRIEND_RULE, MEMBER_RULE], at: { amount: null } },
      [NO_AMOUNT],
    ],
    [
      'an amount that a condition asks about',
      { rules: [over({ conditions: [PIPELINE, AMOUNT] })], at: { amount: null } },
      [NO_AMOUNT],
    ],
    [
      'an amount that a condition inside others asks about',
      { rules: [over({ conditions: [{ any: [PIPELINE, { not: AMOUNT }] }] })], at: { amount: null } },
      [NO_AMOUNT],
    ],
    [
      'nothing of an amount where conditions ask about other things',
      { rules: [over({ conditions: [PIPELINE] })], at: { amount: null } },
      [],
    ],
    ['that there is no rate to be paid by', { rules: [PAID_IN_DOLLARS], rates: ratesOf([]) }, [noRate('EUR')]],
    ['that there is none where none were read', { rules: [PAID_IN_DOLLARS] }, [noRate('EUR')]],
    [
      'that there is none of the other currency',
      { rules: [PAID_IN_DOLLARS], rates: ratesOf([rate('CHF', '0.93')]) },
      [noRate('USD')],
    ],
    ['nothing where there is one', { rules: [PAID_IN_DOLLARS], rates: ratesOf([rate('USD', '1.1')]) }, []],
    [
      'that there is none for yesterday',
      { rules: [PAID_IN_DOLLARS], rates: ratesOf([rate('USD', '1.1')]), now: NOW + DAY },
      [noRate('USD')],
    ],
    ['nothing where it is paid in the deal’s own', { rules: [{ ...MEMBER_RULE, payIn: 'EUR' }] }, []],
    [
      'each currency once',
      {
        rules: [PAID_IN_DOLLARS, { ...MEMBER_RULE, payIn: 'GBP' }, PAID_IN_DOLLARS, MEMBER_RULE],
        rates: ratesOf([rate('CHF', '0.93')]),
      },
      [noRate('USD'), noRate('GBP')],
    ],
  ])('%s', (_, { at, ...more }, expected) => {
    const input: DealWarningInput = {
      deal: dealOf('1', ['2'], [pointOf(T0, at)]),
      mapping: { version: 'map_1', entries: mapCatalog(CATALOG, []) },
      rules: [MEMBER_RULE],
      rates: undefined,
      now: NOW,
      isChosen: true,
      ...more,
    };
    expect(warningsOf(input)).toEqual(expected);
  });
});
