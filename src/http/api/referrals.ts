import { z } from 'zod';
import type { Act } from '../../application/act.ts';
import { dealsNamedBy, readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import { HttpProblem } from '../problem.ts';
import { type ConnectionLookup, contactInput, contactOf, personErased } from './contact-input.ts';
import { email, given, listOf, nextCursorOf, pageOf, pageParameters, personName } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { lifecycleStage, memberId, referralId, referralSchema } from './schemas.ts';
import { referralView } from './views.ts';

export interface ReferralsDeps {
  readonly act: Pick<Act, 'createReferral'>;
  readonly reads: Pick<ReadStore, 'referrals' | 'referral' | 'deals'>;
  readonly connections: ConnectionLookup;
}

/** Why a referral is refused, as the caller should hear it. */
const REFUSALS = {
  no_such_member: () =>
    new HttpProblem('no_such_member', 'This account has no such member.', {
      errors: [{ field: 'memberId', problem: 'must be the id of one of your members' }],
    }),
  no_program: () => new HttpProblem('no_program', 'Publish a program first: POST /api/v1/programs.'),
  email_or_contact_required: () =>
    new HttpProblem('invalid_request', 'A friend is known by an e-mail address or by a contact.', {
      errors: [{ field: 'friend.email', problem: 'must be given when there is no contact' }],
    }),
  person_erased: () => personErased('friend.contact'),
  self_referral: () =>
    new HttpProblem('self_referral', 'Nobody can refer themselves.', {
      errors: [{ field: 'friend', problem: 'must be another person than the member' }],
    }),
  referred_by_another: () =>
    new HttpProblem('referred_by_another', 'The friend stays with the member who referred first.'),
} as const;

export function referrals({ act, reads, connections }: ReferralsDeps): Operation[] {
  return [
    operation({
      id: 'listReferrals',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals',
      summary: 'List referrals, newest first',
      query: z.strictObject({ ...pageParameters, memberId: memberId.optional(), stage: lifecycleStage.optional() }),
      statuses: { 200: 'A page of referrals.' },
      answer: listOf(referralSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query: { memberId: member, stage, ...page } }) {
        const filter = given({ memberId: member, stage });
        const { items, next } = await reads.referrals(accountId, pageOf('referrals', page), filter);
        const names = await readDealNames(reads, accountId, items.flatMap(dealsNamedBy));
        return {
          status: 200,
          body: { items: items.map((item) => referralView(item, names)), nextCursor: nextCursorOf('referrals', next) },
        };
      },
    }),
    operation({
      id: 'getReferral',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals/{referralId}',
      summary: 'Get a referral',
      params: z.strictObject({ referralId }),
      statuses: { 200: 'The referral.' },
      answer: referralSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const referral = await reads.referral(accountId, params.referralId);
        if (!referral) throw new HttpProblem('not_found', 'This account has no such referral.');
        return {
          status: 200,
          body: referralView(referral, await readDealNames(reads, accountId, dealsNamedBy(referral))),
        };
      },
    }),
    operation({
      id: 'createReferral',
      tag: 'Referrals',
      method: 'post',
      path: '/referrals',
      summary: 'Submit a referral',
      description:
        "A friend is referred once into a program: the same member's referral of the same friend is returned with 200. A request can therefore be repeated safely, and no Idempotency-Key is needed or read. Nothing is paid by this call: the friend's deals are judged as always.",
      body: z.strictObject({
        memberId,
        friend: z.strictObject(
          {
            name: personName.nullish(),
            email: email.nullish(),
            contact: contactInput.nullish().meta({ description: 'Needed when there is no e-mail address.' }),
          },
          'must be {"name", "email", "contact"}',
        ),
      }),
      statuses: { 201: 'The referral was submitted.', 200: 'This referral was there already.' },
      answer: referralSchema,
      problems: [
        'no_such_connection',
        'no_such_member',
        'person_erased',
        'self_referral',
        'no_program',
        'referred_by_another',
      ],
      async handle({ accountId, body: { memberId: member, friend } }) {
        const contact = await contactOf(connections, accountId, friend.contact ?? null, 'friend.contact');
        const result = await act.createReferral(accountId, {
          memberId: member,
          friend: { name: friend.name ?? null, email: friend.email ?? null, contact },
        });
        if (result.kind === 'refused') throw REFUSALS[result.code]();
        return {
          status: result.kind === 'created' ? 201 : 200,
          body: referralView(result.referral, await readDealNames(reads, accountId, dealsNamedBy(result.referral))),
        };
      },
    }),
  ];
}
