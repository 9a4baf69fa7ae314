import { Fault } from '../domain/errors.ts';
import { createDraft, type Plan, stateWith } from '../domain/plan.ts';
import { type Move, moveReferral } from '../domain/re-attribute.ts';
import type { Reason } from '../domain/reason.ts';
import type { Referral } from '../domain/referral.ts';
import type { Clock } from '../platform/clock.ts';
import type { Store } from './ports/store.ts';

/** The CRM may bring news of the same referral at the same moment; then it is looked at again. */
const TRIES = 5;

export interface ReattributeDeps {
  readonly store: Pick<Store, 'cases' | 'reads' | 'programs' | 'attribution' | 'connections'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Called when the friend's deals are to be looked at again. */
  readonly onAsked: () => void;
}

export type ReattributeResult =
  | { readonly kind: 'moved' | 'existing'; readonly referral: Referral }
  | { readonly kind: 'refused'; readonly code: 'no_such_referral' | 'no_such_member' }
  | { readonly kind: 'refused'; readonly code: 'not_possible'; readonly reason: Reason };

/** A person's word on whose a referral is. The same again finds it done. */
export type Reattribute = (
  accountId: string,
  referralId: string,
  move: Pick<Move, 'memberId' | 'by' | 'why'>,
  /** Cases that end with it, in the same transaction. */
  cases?: Plan['cases'],
) => Promise<ReattributeResult>;

export function createReattribute({ store, clock, onAsked }: ReattributeDeps): Reattribute {
  return async (accountId, referralId, move, cases = []) => {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const [referral, next] = await Promise.all([
        store.reads.referral(accountId, referralId),
        store.reads.member(accountId, move.memberId),
      ]);
      if (!referral) return { kind: 'refused', code: 'no_such_referral' };
      if (!next) return { kind: 'refused', code: 'no_such_member' };
      const before = await store.reads.member(accountId, referral.memberId);
      const { contact, email } = referral.friend;
      const loaded = await store.cases.load({
        accountId,
        connectionId: contact?.connectionId ?? '',
        contactIds: contact ? [contact.id] : [],
        dealIds: [],
        companies: [],
        emails: email === null ? [] : [email],
        codes: [next.code, ...(before ? [before.code] : [])],
      });
      const programs = await store.programs.versions(accountId);
      const attribution = (await store.attribution.newest(accountId)) ?? undefined;
      const mapping = contact && (await store.connections.mapping(accountId, contact.connectionId));
      const state = stateWith(accountId, { ...loaded, programs, attribution, ...(mapping ? { mapping } : {}) });
      const draft = createDraft(state);
      if (!draft.referral(referralId) || !draft.member(move.memberId)) continue;
      const result = moveReferral(draft, state, { ...move, referralId, at: clock.now() });
      if (result.kind === 'existing' && cases.length === 0) return result;
      if (result.kind === 'refused') return { kind: 'refused', code: 'not_possible', reason: result.reason };
      const [written] = await store.cases.commit([
        { accountId, plan: { ...draft.plan(), cases }, snapshots: [], restsOn: [], settles: [], erase: [] },
      ]);
      if (written !== 'committed') continue;
      onAsked();
      return result;
    }
    throw new Fault(
      'busy',
      { kind: 'retry' },
      'Others changed the same referral at the same time. Nothing was written.',
    );
  };
}
