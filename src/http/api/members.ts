import { z } from 'zod';
import type { Act } from '../../application/act.ts';
import type { ConsentTexts } from '../../application/consent-texts.ts';
import { csvOf } from '../../application/csv.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import { HttpProblem } from '../problem.ts';
import { checkedConsent, saidConsent } from './consent-schemas.ts';
import { type ConnectionLookup, contactInput, contactOf, personErased } from './contact-input.ts';
import {
  csvPage,
  email,
  given,
  listOf,
  nextCursorOf,
  pageOf,
  pageParameters,
  personName,
  searchWord,
} from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, memberSchema } from './schemas.ts';
import { memberView } from './views.ts';

export interface MembersDeps {
  readonly publicUrl: string;
  readonly act: Pick<Act, 'createMember'>;
  readonly reads: Pick<ReadStore, 'members' | 'member'>;
  readonly connections: ConnectionLookup;
  readonly consentTexts: Pick<ConsentTexts, 'has'>;
}

const filters = {
  search: searchWord(
    'What a name or an e-mail address begins with, or a whole code. Of more than a thousand such people the first of the alphabet are found.',
  ),
  recruiter: z
    .literal('true', { error: 'must be "true"; leave it out for everybody' })
    .transform(() => true as const)
    .optional()
    .meta({ type: 'string', enum: ['true'], description: "Only the account's own people." }),
};

function filterOf({ search, recruiter }: { search?: string | undefined; recruiter?: true | undefined }) {
  return given({ search, isStaff: recruiter });
}

export function members({ publicUrl, act, reads, connections, consentTexts }: MembersDeps): Operation[] {
  return [
    operation({
      id: 'listMembers',
      tag: 'Members',
      method: 'get',
      path: '/members',
      summary: 'List members, newest first',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'A page of members.' },
      answer: listOf(memberSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await reads.members(accountId, pageOf('members', query), filterOf(query));
        const nextCursor = nextCursorOf('members', next);
        return { status: 200, body: { items: items.map((item) => memberView(item, publicUrl)), nextCursor } };
      },
    }),
    operation({
      id: 'exportMembers',
      tag: 'Members',
      method: 'get',
      path: '/members/csv',
      summary: 'A page of members as CSV',
      query: z.strictObject({ ...pageParameters, ...filters }),
      statuses: { 200: 'The page, with a first line that names the columns.' },
      answer: csvPage,
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await reads.members(accountId, pageOf('members', query), filterOf(query));
        const rows = items
          .map((item) => memberView(item, publicUrl))
          .map((one) => [
            one.id,
            one.name ?? '',
            one.email ?? '',
            one.code,
            one.shareLink,
            one.isRecruiter ? 'yes' : 'no',
            one.createdAt,
          ]);
        const columns = ['id', 'name', 'email', 'code', 'shareLink', 'isRecruiter', 'createdAt'];
        return { status: 200, body: { csv: csvOf(columns, rows), nextCursor: nextCursorOf('members', next) } };
      },
    }),
    operation({
      id: 'getMember',
      tag: 'Members',
      method: 'get',
      path: '/members/{memberId}',
      summary: 'Get a member',
      params: z.strictObject({ memberId }),
      statuses: { 200: 'The member.' },
      answer: memberSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        const member = await reads.member(accountId, params.memberId);
        if (!member) throw new HttpProblem('not_found', 'This account has no such member.');
        return { status: 200, body: memberView(member, publicUrl) };
      },
    }),
    operation({
      id: 'createMember',
      tag: 'Members',
      method: 'post',
      path: '/members',
      summary: 'Enrol a member',
      description:
        'A person is one member of an account: when the contact or the e-mail address is known, the member that exists is returned with 200. A request can therefore be repeated safely, and no Idempotency-Key is needed or read.',
      body: z.strictObject({
        name: personName.nullish(),
        email: email.nullish(),
        contact: contactInput.nullish().meta({ description: 'Needed when there is no e-mail address.' }),
        consent: saidConsent.optional(),
      }),
      statuses: { 201: 'The member was enrolled.', 200: 'The person was a member already.' },
      answer: memberSchema,
      problems: ['no_such_connection', 'person_erased'],
      async handle({ accountId, body }) {
        const shown = await checkedConsent(consentTexts, accountId, 'member', body.consent, 'api');
        const contact = await contactOf(connections, accountId, body.contact ?? null, 'contact');
        const result = await act.createMember(accountId, {
          name: body.name ?? null,
          email: body.email ?? null,
          contact,
          ...shown,
        });
        if (result.kind === 'refused' && result.code === 'person_erased') throw personErased('contact');
        if (result.kind === 'refused') {
          throw new HttpProblem('invalid_request', 'A member is known by an e-mail address or by a contact.', {
            errors: [{ field: 'email', problem: 'must be given when there is no contact' }],
          });
        }
        return { status: result.kind === 'created' ? 201 : 200, body: memberView(result.member, publicUrl) };
      },
    }),
  ];
}
