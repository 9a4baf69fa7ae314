import { z } from 'zod';
import type { ConsentTexts, SaidConsent } from '../../application/consent-texts.ts';
import { LANGUAGES } from '../../domain/brand.ts';
import { CONSENT_PLACES, CONSENT_PURPOSES, type ConsentPurpose, type ShownConsent } from '../../domain/consent.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { time } from './fields.ts';

/** Nobody saves a text a million times. */
const VERSION_MAX = 1_000_000;

export const language = z
  .enum(LANGUAGES, { error: `must be one of ${LANGUAGES.join(', ')}` })
  .meta({ description: 'ISO 639-1.' });

export const consentPurpose = z.enum(CONSENT_PURPOSES, { error: 'must be member or friend' }).meta({
  id: 'ConsentPurpose',
  description: 'For whom: a person who becomes a member, or a friend whose name and address somebody hands on.',
});

/** What whoever enters a person says that the person was shown. */
export const saidConsent = z
  .strictObject(
    {
      version: z
        .int('must be the version of a consent text')
        .min(1, 'must be the version of a consent text')
        .max(VERSION_MAX, 'must be the version of a consent text'),
      language,
    },
    'must be {"version", "language"}',
  )
  .meta({
    id: 'SaidConsent',
    description:
      'Which consent text the person was shown or read out, as GET /consent-texts gives it. It is kept with them, and is in the export of what is kept on a person.',
  });

const shown = {
  subject: z.string().meta({ description: "A member's id, or that of the referral whose friend it was." }),
  purpose: consentPurpose,
  version: z.int(),
  language,
  place: z.enum(CONSENT_PLACES).meta({
    description:
      'api: a form that called us · card: a rep in the CRM · import: before, as whoever imported them said · workflow: before, as whoever built the workflow or flow said',
  }),
  at: time,
};

export const shownConsentSchema = z
  .strictObject(shown)
  .meta({ id: 'ShownConsent', description: 'Which words somebody was shown when they were entered.' });

export const consentOnRecordSchema = z
  .strictObject({ ...shown, text: z.string().meta({ description: 'The very words.' }) })
  .meta({ id: 'ConsentOnRecord' });

export function shownConsentView({ at, ...one }: ShownConsent): z.input<typeof shownConsentSchema> {
  return { ...one, at: isoOf(at) };
}

/** @throws HttpProblem when no such text was ever saved: nobody was shown it then. */
export async function checkedConsent<P extends 'api' | 'card'>(
  texts: Pick<ConsentTexts, 'has'>,
  accountId: string,
  purpose: ConsentPurpose,
  said: SaidConsent | undefined,
  place: P,
): Promise<{ consent?: SaidConsent & { place: P } }> {
  if (!said) return {};
  await assertText(texts, accountId, purpose, said);
  return { consent: { ...said, place } };
}

/** @throws HttpProblem as above. */
export async function assertText(
  texts: Pick<ConsentTexts, 'has'>,
  accountId: string,
  purpose: ConsentPurpose,
  said: SaidConsent,
): Promise<void> {
  if (await texts.has(accountId, purpose, said)) return;
  throw new HttpProblem('invalid_request', 'No such consent text was ever saved, so nobody was shown it.', {
    errors: [
      {
        field: 'consent.version',
        problem: `must be a version of the text for a ${purpose} that has words in "${said.language}"; see GET /consent-texts`,
      },
    ],
  });
}
