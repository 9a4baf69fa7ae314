import { expect, test } from 'vitest';
import { createDraft, stateWith } from '../../src/domain/plan.ts';
import { reason } from '../../src/domain/reason.ts';
import type { LifecycleStage, Referral } from '../../src/domain/referral.ts';
import { placeByPerson, placedBy } from '../../src/domain/stage-by-person.ts';

const REFERRAL: Referral = {
  id: 'ref_1',
  programId: 'prg',
  memberId: 'mem_1',
  friend: { name: null, email: null, contact: { connectionId: 'con_1', object: 'contact', id: '7' } },
  source: 'label',
  stage: 'accepted',
  reason: reason('attributed_label'),
  stageSince: 1,
  submittedAt: 1,
  version: 3,
};

function place(stage: LifecycleStage, more: Partial<Referral> = {}, at = 50) {
  const referral = { ...REFERRAL, ...more };
  const draft = createDraft(stateWith('acc_1', { referrals: [referral] }));
  return { result: placeByPerson(draft, referral, { stage, by: 'role', why: 'Said so.', at }), plan: draft.plan() };
}

test.each(['qualified', 'declined', 'expired'] as const)('a referral without a deal is %s by a word', (stage) => {
  const { result, plan } = place(stage);
  expect(result).toMatchObject({ kind: 'set', referral: { stage, stageSince: 50, version: 4 } });
  expect(plan.referrals).toMatchObject([
    { reason: { code: 'stage_by_person', values: { by: 'role', why: 'Said so.' } } },
  ]);
  expect([plan.decisions, plan.rewards, plan.journals]).toEqual([[], [], []]);
});

test('the same word again is nothing', () => {
  expect(place('accepted')).toMatchObject({ result: { kind: 'existing' }, plan: { referrals: [] } });
});

test.each([
  ['won by a word', 'won', {}, 'follows_the_deal'],
  ['an opportunity by a word', 'opportunity', {}, 'follows_the_deal'],
  [
    'moved from its deal',
    'expired',
    { stage: 'opportunity', reason: reason('deal_open', { deal: '9' }) },
    'follows_the_deal',
  ],
  ['moved from deals that are lost', 'accepted', { stage: 'lost', reason: reason('deals_lost') }, 'follows_the_deal'],
  [
    'moved before its friend has a record',
    'expired',
    { stage: 'submitted', friend: { ...REFERRAL.friend, contact: null } },
    'follows_the_deal',
  ],
  [
    'freed of what speaks against it',
    'accepted',
    { stage: 'declined', reason: reason('self_referral') },
    'declined_by_policy',
  ],
] as const)('no referral is %s', (_, stage, more, code) => {
  const { result, plan } = place(stage, more);
  expect(result).toEqual({ kind: 'refused', code });
  expect(plan.referrals).toEqual([]);
});

test('what is said later holds later, whatever the clock of the node says; what was said of another member holds no more', () => {
  const word = { stage: 'declined', by: 'role', why: 'No.', at: 90 } as const;
  const { result } = place(
    'accepted',
    { stage: 'declined', reason: reason('stage_by_person'), stageWords: [word] },
    50,
  );
  if (result.kind !== 'set') throw new Error('not set');
  expect(placedBy(result.referral)).toMatchObject({ stage: 'accepted', at: 91 });
  expect(placedBy({ stageWords: [word], movedAt: 91 })).toBeNull();
});
