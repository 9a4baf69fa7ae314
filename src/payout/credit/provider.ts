import type { PayoutProvider } from '../../application/ports/payout.ts';

/**
 * Account credit. The ledger is the credit: once the order is settled, the journal `issue` moves the amount to the beneficiary's
 * credit account, so there is nobody else to call and nothing that can fail.
 */
export function fromSettings(): PayoutProvider {
  return {
    name: 'credit',
    description: {
      label: 'Account credit',
      summary: 'The amount is credited to the beneficiary in the ledger.',
      fields: [],
      amounts: null,
      cancelling: { can: 'never', how: 'A reversal is taken from the credit itself.' },
      issued: 'final',
      keyLifeMs: null,
    },
    open: async () => ({
      issue: async () => ({ ok: true, reference: null, voucher: null }),
      test: async () => ({ ok: true, detail: 'The ledger keeps the credit; there is nothing to connect.' }),
    }),
  };
}
