import type { PayoutProvider } from '../../application/ports/payout.ts';

/**
 * What every rule of a test pays by: each order is answered as if it had been carried out, and nothing is given to anybody. Accounts of customers
 * are not offered it, and an order of theirs to it is refused before it comes here (`application/payout-accounts.ts`).
 */
export function fromSettings(): PayoutProvider {
  return {
    name: 'test',
    description: {
      label: 'Test',
      summary: 'Nothing is given to anybody.',
      fields: [],
      amounts: null,
      cancelling: { can: 'never', how: 'There is nothing to stop: nothing was given.' },
      issued: 'final',
      keyLifeMs: null,
    },
    open: async () => ({
      // By its own key, so that whoever meets the reference knows what it is of.
      issue: async ({ key }) => ({ ok: true, reference: `test-${key}`, voucher: null }),
      test: async () => ({ ok: true, detail: 'There is nothing to connect: nothing is given.' }),
    }),
  };
}
