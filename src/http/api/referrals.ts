import { z } from 'zod';
import type { Act } from '../../application/act.ts';
import type { ConsentTexts } from '../../application/consent-texts.ts';
import { csvOf } from '../../application/csv.ts';
import { dealsNamedBy, readDealNames } from '../../application/deal-names.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import type { Referral } from '../../domain/referral.ts';
import { HttpProblem } from '../problem.ts';
import { checkedConsent, saidConsent } from './consent-schemas.ts';
import { type ConnectionLookup, contactInput, contactOf, personErased } from './contact-input.ts';
import {
  csvPage,
  email,
  given,
  listOf,
  moment,
  nextCursorOf,
  ownKey,
  type PageQuery,
  pageOf,
  pageParameters,
  personName,
  searchWord,
} from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { lifecycleStage, memberId, people, referralId, referralSchema } from './schemas.ts';
import { referralView } from './views.ts';

export interface ReferralsDeps {
  readonly act: Pick<Act, 'createReferral'>;
  readonly reads: Pick<ReadStore, 'referrals' | 'referral' | 'deals' | 'people'>;
  readonly connections: ConnectionLookup;
  readonly consentTexts: Pick<ConsentTexts, 'has'>;
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

const filters = {
  memberId: memberId.optional(),
  stage: lifecycleStage.optional(),
  programId: ownKey('program').optional().meta({ description: "A program's id." }),
  since: moment.optional().meta({ description: 'Submitted then or later.' }),
  friend: searchWord(
    "What the friend's name or e-mail address begins with. Of more than a thousand such people the first of the alphabet are found.",
  ),
};

type Filters = z.output<z.ZodObject<typeof filters>>;

function filterOf({ memberId: member, stage, programId, since, friend }: Filters) {
  return given({
    memberId: member,
    stage,
    programId,
    since: since === undefined ? undefined : Date.parse(since),
    friend,
  });
}

function membersNamedBy(items: readonly Referral[]): string[] {
  const ids = items.flatMap(({ memberId: member, recruiterId, assist }) => [member, recruiterId, assist?.memberId]);
  return [...new Set(ids.filter((id) => id !== undefined))];
}

const CSV_COLUMNS = [
  'id',
  'friendName',
  'friendEmail',
  'memberId',
  'memberName',
  'memberEmail',
  'programId',
  'source',
  'stage',
  'reason',
  'stageSince',
  'submittedAt',
];

export function referrals({ act, reads, connections, consentTexts }: ReferralsDeps): Operation[] {
  /** What the list shows and its file holds. */
  async function pageFor(accountId: string, query: PageQuery & Parameters<typeof filterOf>[0]) {
    const { items, next } = await reads.referrals(accountId, pageOf('referrals', query), filterOf(query));
    const [names, named] = await Promise.all([
      readDealNames(reads, accountId, items.flatMap(dealsNamedBy)),
      reads.people(accountId, membersNamedBy(items)),
    ]);
    return {
      items: items.map((item) => referralView(item, names)),
      people: named,
      nextCursor: nextCursorOf('referrals', next),
    };
  }

  return [
    operation({
      id: 'listReferrals',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals',
      summary: 'List referrals, newest first',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'A page of referrals.' },
      answer: listOf(referralSchema, { people }),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, people: named, nextCursor } = await pageFor(accountId, query);
        return {
          status: 200,
          body: {
            items,
            people: named.map((one) => ({ ...one })),
            nextCursor,
          },
        };
      },
    }),
    operation({
      id: 'exportReferrals',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals/csv',
      summary: 'A page of referrals as CSV',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: csvPage,
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, people: named, nextCursor } = await pageFor(accountId, query);
        const people = new Map(named.map((one) => [one.id, one]));
        const rows = items.map((one) => [
          one.id,
          one.friend.name ?? '',
          one.friend.email ?? '',
          one.memberId,
          people.get(one.memberId)?.name ?? '',
          people.get(one.memberId)?.email ?? '',
          one.programId,
          one.source,
          one.stage,
          one.reason.text,
          one.stageSince,
          one.submittedAt,
        ]);
        return { status: 200, body: { csv: csvOf(CSV_COLUMNS, rows), nextCursor } };
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
        consent: saidConsent.optional(),
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
      async handle({ accountId, body: { memberId: member, friend, consent } }) {
        const shown = await checkedConsent(consentTexts, accountId, 'friend', consent, 'api');
        const contact = await contactOf(connections, accountId, friend.contact ?? null, 'friend.contact');
        const result = await act.createReferral(accountId, {
          memberId: member,
          friend: { name: friend.name ?? null, email: friend.email ?? null, contact },
          ...shown,
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
