import { expect, test } from 'vitest';
import type { RewardRule } from '../../../src/domain/program.ts';
import { MEMBER_RULE, T0 } from '../world.ts';
import { createProduct } from './product.ts';

const RULE: RewardRule = { ...MEMBER_RULE, key: 'share', amountChanges: 'follow', payout: 'webhook' };

test('the auditor finds nothing wrong with a reward that was cut, came back whole, and was granted anew when its deal had grown', () => {
  const product = createProduct([RULE], [['20', '10']]);
  const won = { meaning: 'won', pipelineId: 'sales', currency: 'EUR' } as const;
  product.change('100', '20', { ...won, amount: '1000.00' }, T0 + 1);
  product.ask('100/share#1');
  product.answer('100/share#1', true, T0 + 2);
  product.change('100', '20', { ...won, amount: '400.00' }, T0 + 3);
  product.tell('100/share#1', 'returned', T0 + 4);
  product.change('100', '20', { ...won, amount: '1000.00' }, T0 + 5);
  expect(product.standings()).toEqual([
    '100/share#1 voided 10000 EUR kept 0 back 0 none null',
    '100/share#4 approved 10000 EUR kept 0 back 0 none null',
  ]);
  expect(product.problems()).toEqual([]);
});
