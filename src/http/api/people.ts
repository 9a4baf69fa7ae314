import { z } from 'zod';
import { dealsNamedBy, readDealNames } from '../../application/deal-names.ts';
import type { Erasure, Held } from '../../application/ports/privacy.ts';
import type { ReadStore, Store } from '../../application/ports/store.ts';
import { HELD_MAX, KEPT, type KeptKind, type Privacy, type Who } from '../../application/privacy.ts';
import type { DealNames } from '../../domain/reason.ts';
import type { ContactFacts } from '../../domain/record.ts';
import { TOUCH_KINDS } from '../../domain/referral.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { attributionDecisionSchema, attributionDecisionView } from './attribution.ts';
import { caseEventSchema, caseSchema } from './case-schemas.ts';
import { caseEventView, caseView } from './cases.ts';
import { shownConsentSchema, shownConsentView } from './consent-schemas.ts';
import { type ConnectionLookup, contactInput, contactOf } from './contact-input.ts';
import { email, idOf, listOf, nextCursorOf, pageOf, pageParameters, recordId, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import {
  connectionId,
  decisionSchema,
  journalSchema,
  memberId,
  memberSchema,
  referralId,
  referralSchema,
  rewardId,
  rewardSchema,
} from './schemas.ts';
import { tierChangeSchema, tierChangeView } from './tiers.ts';
import { decisionView, journalView, memberView, referralView, rewardView } from './views.ts';

export interface PeopleDeps {
  readonly publicUrl: string;
  readonly privacy: Privacy;
  readonly storedPrivacy: Pick<Store['privacy'], 'erasures'>;
  readonly reads: Pick<ReadStore, 'deals' | 'member' | 'referral'>;
  readonly connections: ConnectionLookup;
}

const WAYS = ['contact', 'memberId', 'referralId', 'email'] as const;

const whoSchema = z
  .strictObject({
    contact: contactInput.optional().meta({ description: 'A contact of one of the connections.' }),
    memberId: memberId.optional(),
    referralId: referralId.optional().meta({ description: 'Means the friend whom the referral brought.' }),
    email: email.optional().meta({
      description: 'Everybody who is known by this address, also in CRMs that are connected.',
    }),
  })
  .refine((given) => WAYS.filter((way) => given[way] !== undefined).length === 1, {
    path: ['contact'],
    error: 'give exactly one of contact, memberId, referralId and email',
  });

const count = z.int().min(0);

const erasureSchema = z
  .strictObject({
    id: idOf('era', 'an erasure'),
    source: z.enum(['api', 'cli', 'crm']).meta({ description: '`crm`: it was asked for in the CRM.' }),
    by: z.string().meta({ description: 'Label of the API key, or who asked at the command line.' }),
    counts: z
      .strictObject({
        contacts: count,
        members: count,
        referrals: count,
        importRows: count,
        vouchers: count,
        words: count,
      })
      .meta({ description: 'Rows that named the person and do not any more.' }),
    at: time,
  })
  .meta({ id: 'Erasure', description: 'That a person was forgotten, without who it was. Never changed.' });

const erasedSchema = z
  .strictObject({
    outcome: z.enum(['erased', 'already_erased', 'not_held']).meta({
      description:
        '`already_erased`: earlier, and nothing has come since. `not_held`: nothing is kept about such a person, and nothing was done.',
    }),
    erasure: erasureSchema.nullable(),
    kept: z
      .array(
        z.strictObject({
          what: z.enum(Object.keys(KEPT) as [KeptKind, ...KeptKind[]]),
          rows: count,
          why: z.string(),
        }),
      )
      .meta({ description: `What stays under ids that name nobody; up to ${HELD_MAX} of each are counted.` }),
    running: z
      .strictObject({ rewards: count, orders: count, cases: count })
      .meta({ description: 'Goes on under the pseudonym; nothing that is owed is taken away.' }),
    searched: z
      .array(z.strictObject({ connectionId, problem: z.string().nullable() }))
      .meta({ description: 'Where contacts with the address were looked for, and why that was not possible.' }),
  })
  .meta({ id: 'ErasedPerson' });

const contactSchema = z
  .strictObject({
    connectionId,
    id: recordId,
    name: z.string().nullable(),
    email: z.string().nullable(),
    usedCode: z.string().nullable(),
    referredByIds: z.array(z.string()),
    formerIds: z.array(z.string()),
    isDeleted: z.boolean(),
    isErased: z.boolean(),
    isStaff: z.boolean().nullable(),
    phones: z.array(z.string()),
    address: z.string().nullable(),
    mailProvider: z.string().nullable(),
    customerSince: time.nullable(),
    properties: z.record(z.string(), z.string().nullable()),
    companyId: z.string().nullable(),
  })
  .meta({ id: 'HeldContact', description: 'A contact as it was last read from the CRM.' });

const personSchema = z
  .strictObject({
    exportedAt: time,
    contacts: z.array(contactSchema),
    members: z.array(memberSchema),
    asFriend: z.array(referralSchema).meta({ description: 'Referrals that brought the person.' }),
    asMember: z
      .array(referralSchema)
      .meta({ description: 'Referrals that the person made; their friends are left out.' }),
    touches: z.array(
      z.strictObject({
        id: z.string(),
        kind: z.enum(TOUCH_KINDS),
        memberId,
        evidence: z.string(),
        ipPrefix: z.string().nullable(),
        device: z.string().nullable(),
        at: time,
      }),
    ),
    attributions: z.array(attributionDecisionSchema),
    decisions: z.array(decisionSchema),
    rewards: z.array(rewardSchema),
    journals: z.array(journalSchema),
    orders: z
      .array(
        z.strictObject({
          id: z.string(),
          rewardId,
          provider: z.string(),
          kind: z.string(),
          state: z.string(),
          reference: z.string().nullable(),
          given: z.string().nullable(),
          firstTriedAt: time.nullable(),
          hasVoucher: z.boolean(),
          told: z.array(z.string()),
          news: z.array(z.strictObject({ kind: z.string(), at: time })),
        }),
      )
      .meta({ description: 'Orders to reward providers, what they were told, and what they told.' }),
    tierChanges: z.array(tierChangeSchema),
    ties: z.array(
      z.strictObject({
        connectionId,
        contactId: z.string(),
        subject: z.string(),
        evidence: z.string(),
        since: time,
        until: time.nullable(),
      }),
    ),
    cases: z.array(z.strictObject({ case: caseSchema, events: z.array(caseEventSchema) })),
    importRows: z.array(z.strictObject({ importId: z.string(), line: z.int(), outcome: z.string() })),
    consents: z
      .array(shownConsentSchema)
      .meta({ description: 'Which words the person was shown when they were entered.' }),
    erasure: erasureSchema.nullable(),
    cut: z
      .array(z.string())
      .meta({ description: `Lists that have more than ${HELD_MAX} rows; the first of them are here.` }),
  })
  .meta({
    id: 'PersonExport',
    description:
      'Everything that is kept about a person. Others are named by ids alone; read the words of cases before you hand it on, since people wrote them.',
  });

/** What an order tells its provider. A name and an address are read when it is sent and are not kept with it. */
const TOLD = ['name', 'e-mail address', 'amount and currency', 'key of the order', 'reason'];

function erasureView({ id, source, by, counts, at }: Erasure): z.input<typeof erasureSchema> {
  return { id, source, by, counts: { ...counts }, at: isoOf(at) };
}

function contactView({ ref, traits, company, properties, ...facts }: ContactFacts): z.input<typeof contactSchema> {
  return {
    connectionId: ref.connectionId,
    id: ref.id,
    name: facts.name,
    email: facts.email,
    usedCode: facts.usedCode,
    referredByIds: [...facts.referredByIds],
    formerIds: [...facts.formerIds],
    isDeleted: facts.presence === 'deleted',
    isErased: facts.isErased ?? false,
    isStaff: facts.isStaff ?? null,
    phones: [...(traits?.phones ?? [])],
    address: traits?.address ?? null,
    mailProvider: traits?.mail ?? null,
    customerSince: traits?.customerSince === undefined ? null : isoOf(traits.customerSince),
    properties: { ...properties },
    companyId: company?.id ?? null,
  };
}

/** The document without when it was made. */
export function personView(
  held: Held,
  publicUrl: string,
  names: DealNames,
): Omit<z.input<typeof personSchema>, 'exportedAt' | 'erasure'> {
  return {
    contacts: held.contacts.map(contactView),
    members: held.members.map((member) => memberView(member, publicUrl)),
    asFriend: held.asFriend.map((referral) => referralView(referral, names)),
    asMember: held.asMember.map((referral) =>
      referralView({ ...referral, friend: { name: null, email: null, contact: null } }, names),
    ),
    touches: held.touches.map(({ id, kind, memberId: member, evidence, origin, at }) => ({
      id,
      kind,
      memberId: member,
      evidence,
      ipPrefix: origin?.ipPrefix ?? null,
      device: origin?.device ?? null,
      at: isoOf(at),
    })),
    attributions: held.attributions.map(attributionDecisionView),
    decisions: held.decisions.map((decision) => decisionView(decision, names)),
    rewards: held.rewards.map((reward) => rewardView(reward, names)),
    journals: held.journals.map(journalView),
    orders: held.orders.map(({ news, firstTriedAt, ...order }) => ({
      ...order,
      firstTriedAt: firstTriedAt === null ? null : isoOf(firstTriedAt),
      told: firstTriedAt === null && order.state === 'pending' ? [] : TOLD,
      news: news.map((one) => ({ kind: one.kind, at: isoOf(one.at) })),
    })),
    tierChanges: held.tierChanges.map(tierChangeView),
    ties: held.ties.map(({ record, subject, evidence, since, until }) => ({
      connectionId: record.connectionId,
      contactId: record.id,
      subject,
      evidence,
      since: isoOf(since),
      until: until === null ? null : isoOf(until),
    })),
    cases: held.cases.map((one) => ({ case: caseView(one.case), events: one.events.map(caseEventView) })),
    importRows: held.importRows.map((row) => ({ ...row })),
    consents: held.consents.map(shownConsentView),
    cut: [...held.cut],
  };
}

/** What a person may ask of whoever keeps something about them. */
export function people({ publicUrl, privacy, storedPrivacy, reads, connections }: PeopleDeps): Operation[] {
  async function whoOf(accountId: string, body: z.output<typeof whoSchema>): Promise<Who> {
    const contact = await contactOf(connections, accountId, body.contact ?? null, 'contact');
    if (contact) return { by: 'contact', contact };
    if (body.memberId !== undefined) {
      if (await reads.member(accountId, body.memberId)) return { by: 'member', id: body.memberId };
      throw new HttpProblem('no_such_member', 'This account has no such member.', {
        errors: [{ field: 'memberId', problem: 'must be the id of one of your members' }],
      });
    }
    if (body.referralId !== undefined) {
      if (await reads.referral(accountId, body.referralId)) return { by: 'referral', id: body.referralId };
      throw new HttpProblem('no_such_referral', 'This account has no such referral.', {
        errors: [{ field: 'referralId', problem: 'must be the id of one of your referrals' }],
      });
    }
    return { by: 'email', email: body.email ?? '' };
  }

  return [
    operation({
      id: 'exportPerson',
      tag: 'People',
      method: 'post',
      path: '/people/export',
      summary: 'Export everything that is kept about a person',
      description:
        'Changes nothing. By POST, so that an address stands in no log of addresses that were called. What the CRM itself has of the person is not in it.',
      body: whoSchema,
      statuses: { 200: 'One document with everything.' },
      answer: personSchema,
      problems: ['not_found', 'no_such_connection', 'no_such_member', 'no_such_referral'],
      async handle({ accountId, body }) {
        const found = await privacy.export(accountId, await whoOf(accountId, body));
        if (found.kind === 'not_held')
          throw new HttpProblem(
            'not_found',
            found.erasure
              ? `Nothing is kept about this person. They were erased on ${isoOf(found.erasure.at)} (${found.erasure.id}).`
              : 'Nothing is kept about such a person.',
          );
        const { held, erasure, at } = found;
        const deals = [...held.decisions, ...held.rewards].map(({ deal }) => deal);
        const named = [...held.asFriend, ...held.asMember].flatMap(dealsNamedBy);
        const names = await readDealNames(reads, accountId, [...deals, ...named]);
        return {
          status: 200,
          body: {
            exportedAt: isoOf(at),
            ...personView(held, publicUrl, names),
            erasure: erasure && erasureView(erasure),
          },
        };
      },
    }),
    operation({
      id: 'erasePerson',
      tag: 'People',
      method: 'post',
      path: '/people/erase',
      summary: 'Erase a person',
      description:
        'Forgets name, address and everything that names the person, in all connections of the account, and clears what Wonward shows of them in the CRMs. The ledger stays, under ids. It cannot be undone, and can be repeated safely. The contact in the CRM is not deleted: do that there. As long as it is there it is not read again; another contact, also with the same address, is another person.',
      body: whoSchema,
      statuses: { 200: 'What was forgotten, what stays and why.' },
      answer: erasedSchema,
      problems: ['no_such_connection', 'no_such_member', 'no_such_referral'],
      async handle({ accountId, actor, body }) {
        const who = await whoOf(accountId, body);
        const { kind, erasure, kept, running, searched } = await privacy.erase(accountId, who, {
          source: 'api',
          by: actor,
        });
        return {
          status: 200,
          body: {
            outcome: kind,
            erasure: erasure && erasureView(erasure),
            kept: (Object.keys(KEPT) as KeptKind[]).map((what) => ({ what, rows: kept[what], why: KEPT[what] })),
            running: { ...running },
            searched: searched.map((one) => ({ ...one })),
          },
        };
      },
    }),
    operation({
      id: 'listErasures',
      tag: 'People',
      method: 'get',
      path: '/people/erasures',
      summary: 'List erasures, newest first',
      description: 'Who asked when, and how many rows it concerned. Whom it concerned is nowhere any more.',
      query: z.strictObject(pageParameters),
      statuses: { 200: 'A page of erasures.' },
      answer: listOf(erasureSchema),
      problems: ['invalid_cursor'],
      async handle({ accountId, query }) {
        const { items, next } = await storedPrivacy.erasures(accountId, pageOf('erasures', query));
        return {
          status: 200,
          body: { items: items.map(erasureView), nextCursor: nextCursorOf('erasures', next) },
        };
      },
    }),
  ];
}
