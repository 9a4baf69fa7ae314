import { describe, expect, it } from 'vitest';
import { cardExample, cardExampleNames } from './card-examples.ts';
import { cardContractViolations } from './card-schema.ts';

describe('the HubSpot card contract', () => {
  it.each(cardExampleNames())('holds for the example %s', (name) => {
    expect(cardContractViolations(cardExample(name))).toEqual([]);
  });

  it('has an example for every state a rep can meet', () => {
    expect(cardExampleNames()).toEqual(
      expect.arrayContaining([
        'member',
        'friend',
        'both',
        'none',
        'waiting',
        'held',
        'reversed',
        'failed',
        'long-list',
        'not-connected',
      ]),
    );
  });

  it.each<[string, (body: ReturnType<typeof plantable>) => void]>([
    ['a field nobody declared', (body) => Object.assign(body.data, { internalId: 7 })],
    ['an amount that is a number', (body) => Object.assign(body.data.referrals[0].rewards[0].money, { amount: 100 })],
    [
      'an amount with a thousands separator',
      (body) => Object.assign(body.data.referrals[0].rewards[0].money, { amount: '1,000.00' }),
    ],
    ['a currency in lower case', (body) => Object.assign(body.data.referrals[0].rewards[0].money, { currency: 'eur' })],
    ['a time without a zone', (body) => Object.assign(body.data, { generatedAt: '2026-11-22 09:00' })],
    ['a stage outside the lifecycle', (body) => Object.assign(body.data.referrals[0], { stage: 'closedwon' })],
    ['a reward without a reason', (body) => Reflect.deleteProperty(body.data.referrals[0].rewards[0], 'reason')],
    ['a failure and data at once', (body) => Object.assign(body, { ok: false })],
  ])('refuses %s', (_, plant) => {
    const body = plantable();
    plant(body);
    expect(cardContractViolations(body)).not.toEqual([]);
  });
});

interface Plantable {
  readonly data: { readonly referrals: readonly [{ readonly rewards: readonly [{ readonly money: object }] }] };
}

/** Loosely typed on purpose: what is planted must be wrong. */
function plantable(): Plantable {
  return structuredClone(cardExample('member')) as unknown as Plantable;
}
