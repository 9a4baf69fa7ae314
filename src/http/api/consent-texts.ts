import { z } from 'zod';
import type { ConsentOnRecord, ConsentTexts } from '../../application/consent-texts.ts';
import type { ReadStore } from '../../application/ports/store.ts';
import { LANGUAGES } from '../../domain/brand.ts';
import type { ConsentText } from '../../domain/consent.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { consentOnRecordSchema, consentPurpose, shownConsentView } from './consent-schemas.ts';
import { paragraphs, time } from './fields.ts';
import { type Operation, operation } from './operation.ts';
import { memberId, referralId } from './schemas.ts';

/** A page of a book: what is longer nobody has read who says yes to it. */
const TEXT_LENGTH_MAX = 4_000;

const words = paragraphs(TEXT_LENGTH_MAX);

/** By language; at least one. */
export const consentWords = z
  .strictObject(
    Object.fromEntries(LANGUAGES.map((one) => [one, words.optional()])) as Record<
      (typeof LANGUAGES)[number],
      z.ZodOptional<typeof words>
    >,
    `must be {${LANGUAGES.map((one) => `"${one}"`).join(', ')}}`,
  )
  .refine(
    (texts) => Object.values(texts).some((text) => text !== undefined),
    'must have words in one language at least',
  )
  .meta({ description: 'By language.' });

const consentTextSchema = z
  .strictObject({
    purpose: consentPurpose,
    version: z.int(),
    texts: z.record(z.enum(LANGUAGES), z.string().optional()),
    savedBy: z.string(),
    savedAt: time,
  })
  .meta({ id: 'ConsentText', description: 'What people are told and agree to. A version is never changed.' });

export interface ConsentTextsApiDeps {
  readonly consentTexts: ConsentTexts;
  readonly reads: Pick<ReadStore, 'member' | 'referral'>;
}

function textView({ texts, savedAt, ...one }: ConsentText): z.input<typeof consentTextSchema> {
  return { ...one, texts: { ...texts }, savedAt: isoOf(savedAt) };
}

function recordView(one: ConsentOnRecord): z.input<typeof consentOnRecordSchema> {
  return { ...shownConsentView(one), text: one.text };
}

/** Texts without those that say nothing, in one order, so that the same words are the same version. */
export function wordsOf(texts: z.output<typeof consentWords>): ConsentText['texts'] {
  return Object.fromEntries(LANGUAGES.flatMap((one) => (texts[one] === undefined ? [] : [[one, texts[one]]])));
}

/** What people are told when they are entered, and who was told what. */
export function consentTexts({ consentTexts: use, reads }: ConsentTextsApiDeps): Operation[] {
  return [
    operation({
      id: 'listConsentTexts',
      tag: 'Account',
      method: 'get',
      path: '/consent-texts',
      summary: 'List the consent texts, the newest version of each purpose first',
      description:
        'The newest version of a purpose is in force. Show it where you enter people, and say with them which version it was.',
      query: z.strictObject({}),
      statuses: { 200: 'All versions.' },
      answer: z.strictObject({ items: z.array(consentTextSchema) }),
      problems: [],
      handle: async ({ accountId }) => ({
        status: 200,
        body: { items: (await use.list(accountId)).map(textView) },
      }),
    }),
    operation({
      id: 'saveConsentText',
      tag: 'Account',
      method: 'post',
      path: '/consent-texts',
      summary: 'Save the next version of a consent text',
      description:
        'In force from now on. Versions before stay as they are, since people were shown them. The same words again are the same version.',
      body: z.strictObject({
        purpose: consentPurpose,
        version: z.int('must be the version that you have read; 0 for the first').min(0).meta({
          description: 'The newest version that you have read; 0 where there is none.',
        }),
        texts: consentWords,
      }),
      statuses: { 200: 'The version in force.' },
      answer: consentTextSchema,
      problems: ['settings_changed'],
      async handle({ accountId, actor, body: { purpose, version, texts } }) {
        const saved = await use.save(accountId, purpose, wordsOf(texts), { basis: version, by: actor });
        if (saved) return { status: 200, body: textView(saved) };
        throw new HttpProblem(
          'settings_changed',
          'Somebody has saved another version since you read it. Read it, and write yours on top of that.',
        );
      },
    }),
    operation({
      id: 'listReferralConsents',
      tag: 'Referrals',
      method: 'get',
      path: '/referrals/{referralId}/consents',
      summary: "List which words a referral's friend was shown",
      params: z.strictObject({ referralId }),
      statuses: { 200: 'The texts, in the words that were shown; none where nobody said so.' },
      answer: z.strictObject({ items: z.array(consentOnRecordSchema) }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        if (!(await reads.referral(accountId, params.referralId)))
          throw new HttpProblem('not_found', 'This account has no such referral.');
        return { status: 200, body: { items: (await use.shownTo(accountId, params.referralId)).map(recordView) } };
      },
    }),
    operation({
      id: 'listMemberConsents',
      tag: 'Members',
      method: 'get',
      path: '/members/{memberId}/consents',
      summary: 'List which words a member was shown',
      params: z.strictObject({ memberId }),
      statuses: { 200: 'The texts, in the words that were shown; none where nobody said so.' },
      answer: z.strictObject({ items: z.array(consentOnRecordSchema) }),
      problems: ['not_found'],
      async handle({ accountId, params }) {
        if (!(await reads.member(accountId, params.memberId)))
          throw new HttpProblem('not_found', 'This account has no such member.');
        return { status: 200, body: { items: (await use.shownTo(accountId, params.memberId)).map(recordView) } };
      },
    }),
  ];
}
