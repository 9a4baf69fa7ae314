import type { PayoutEntry, PayoutProvider, PayoutSession, PayoutSettings } from '../../application/ports/payout.ts';
import type { BatchItem } from '../../application/ports/store.ts';
import { contradiction, notYet, WAIT_FOR_PEOPLE_MS } from '../faults.ts';

const LABEL = 'Paid by hand';

/**
 * Batches that a person pays: an order joins the open batch and waits there. Finance cuts the batch, exports it as CSV, pays, and
 * marks each row as paid or refused; a marked order comes up at once and is settled like any other.
 */
export function fromSettings(settings: PayoutSettings): PayoutProvider {
  return {
    name: 'manual',
    description: {
      label: LABEL,
      summary: 'Finance pays a batch by bank transfer or payroll, from a CSV, and marks each row.',
      fields: [],
      amounts: null,
      cancelling: { can: 'until_paid', how: 'An order is taken out of its batch until the batch is exported.' },
      batching: 'always',
      issued: 'final',
      keyLifeMs: null,
    },
    open: async ({ accountId }) => openSession(settings, accountId),
  };
}

function openSession({ batches, now }: PayoutSettings, accountId: string): PayoutSession {
  return {
    async issue({ key, rewardId, money }) {
      const item = await batches.join(accountId, { key, rewardId, money }, now());
      if (item.money.minor !== money.minor || item.money.currency !== money.currency)
        throw contradiction(LABEL, 'the row under this key is of another amount');
      switch (item.state) {
        case 'paid':
          return { ok: true, reference: item.batchId, voucher: null };
        case 'refused':
          return { ok: false, why: item.why ?? 'refused by finance' };
        case 'withdrawn':
          return { ok: false, why: 'taken out of its batch' };
        case 'waiting':
          throw notYet(LABEL, 'the order waits in a batch', WAIT_FOR_PEOPLE_MS);
      }
    },

    cancel: async ({ key }) =>
      (await batches.withdraw(accountId, key, now())) === 'withdrawn' ? 'cancelled' : 'too_late',

    async lookUp({ key }) {
      const item = await batches.item(accountId, key);
      return item ? entryOf(item) : null;
    },

    entries: async (from, to) => (await batches.itemsBetween(accountId, from, to)).map(entryOf),

    test: async () => ({ ok: true, detail: 'Orders are collected in batches; there is nothing to connect.' }),
  };
}

const STATES = { waiting: 'pending', paid: 'paid', refused: 'failed', withdrawn: 'cancelled' } as const;

function entryOf({ key, batchId, money, state, addedAt }: BatchItem): PayoutEntry {
  return { key, reference: batchId, money, state: STATES[state], at: addedAt };
}
