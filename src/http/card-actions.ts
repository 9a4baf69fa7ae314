import { type RequestHandler, Router } from 'express';
import { z } from 'zod';
import type { CardAction, CardActions } from '../application/card-actions.ts';
import { CLAIMS } from '../application/desk.ts';
import { ASK_WAYS } from '../application/ports/store.ts';
import type { Log } from '../platform/log.ts';
import { saidConsent } from './api/consent-schemas.ts';
import {
  answerPerson,
  askedBy,
  expectSigned,
  failedWith,
  jsonOf,
  only,
  RECORD_ID,
  refusePerson,
  type SignedDeps,
} from './hubspot-signed.ts';
import { onlyMethods } from './problem.ts';
import { readRawJson } from './raw-body.ts';

/** A form of a card has a few hundred bytes; a note may be long. */
const BODY_BYTES_MAX = 32 * 1024;
const NOTE_LENGTH_MAX = 2_000;
const NAME_LENGTH_MAX = 200;
const EMAIL_LENGTH_MAX = 320;
/** What somebody types to find a contact; HubSpot takes 3,000 characters for the whole question. */
const SEARCH_LENGTH_MAX = 100;

export interface CardActionDeps extends SignedDeps {
  readonly log: Log;
  readonly cardActions: CardActions;
}

const key = z
  .string()
  .regex(/^[A-Za-z0-9_-]{16,64}$/, 'must be 16 to 64 letters, digits, "-" or "_", made anew for each click');
const recordId = z.string().regex(RECORD_ID, 'must be the number of a record in HubSpot');
const ourId = (prefix: string) => z.string().regex(new RegExp(`^${prefix}_[A-Za-z0-9_-]{1,80}$`), 'is not one of ours');
const words = (max: number) =>
  z
    .string()
    .trim()
    .max(max, `must have at most ${max} characters`)
    .nullish()
    .transform((value) => value || null);

const newPerson = z
  .strictObject({
    firstName: words(NAME_LENGTH_MAX),
    lastName: words(NAME_LENGTH_MAX),
    email: z
      .email('must be an e-mail address, or be left out')
      .max(EMAIL_LENGTH_MAX)
      .nullish()
      .transform((value) => value?.toLowerCase() || null),
  })
  .refine(({ firstName, lastName, email }) => firstName ?? lastName ?? email, 'needs a name or an e-mail address');

const referSchema = z.strictObject({
  key,
  contactId: recordId,
  as: z.enum(['member', 'friend']),
  other: z.union([z.strictObject({ contactId: recordId }), newPerson], 'must be a contact, or a name or an address'),
  /** Which text the rep says the friend was told; absent or null where nothing was said. */
  consent: saidConsent.nullish().transform((value) => value ?? null),
});
const disputeSchema = z.strictObject({
  key,
  referralId: ourId('ref'),
  rewardId: ourId('rwd')
    .nullish()
    .transform((value) => value ?? null),
  claim: z.enum(CLAIMS),
  memberContactId: recordId.nullish().transform((value) => value ?? null),
  note: z.string().trim().min(1, 'must say what is wrong').max(NOTE_LENGTH_MAX),
});
const shareLinkSchema = z.strictObject({ key, contactId: recordId });
const askedSchema = z.strictObject({ key, contactId: recordId, way: z.enum(ASK_WAYS) });

type Parsed = CardAction & { readonly key: string };

const ACTIONS: Readonly<Record<string, (body: unknown) => z.ZodSafeParseResult<Parsed>>> = {
  refer: (body) => referSchema.transform((input): Parsed => ({ kind: 'refer', ...input })).safeParse(body),
  dispute: (body) => disputeSchema.transform((input): Parsed => ({ kind: 'dispute', ...input })).safeParse(body),
  'share-link': (body) =>
    shareLinkSchema.transform((input): Parsed => ({ kind: 'share_link', ...input })).safeParse(body),
  asked: (body) => askedSchema.transform((input): Parsed => ({ kind: 'asked', ...input })).safeParse(body),
};

/**
 * What people do on the cards in HubSpot's records. Who they are is what HubSpot has signed into the query; the body is what anybody may send,
 * so whatever it names is looked up in the signed portal alone.
 */
export function cardActions(deps: CardActionDeps): Router {
  const { log, cardActions: act } = deps;

  const perform =
    (parse: (body: unknown) => z.ZodSafeParseResult<Parsed>): RequestHandler =>
    async (request, response) => {
      const bytes = await readRawJson(request, BODY_BYTES_MAX);
      await expectSigned(deps, request, response, bytes);
      const { portalId, connection, user } = await askedBy(deps, request, response);
      if (portalId === null) return refusePerson(response, 'HubSpot did not say which portal this is.');
      const parsed = parse(jsonOf(bytes));
      if (!parsed.success) return refusePerson(response, problemText(parsed.error));
      const { key, ...action } = parsed.data;
      answerPerson(response, await act.run({ connection, user, key, action: action as CardAction }));
    };

  const people: RequestHandler = async (request, response) => {
    await expectSigned(deps, request, response, new Uint8Array());
    const { query, portalId, connection, user } = await askedBy(deps, request, response);
    if (portalId === null) return refusePerson(response, 'HubSpot did not say which portal this is.');
    const text = only(query, 'q')?.trim() ?? '';
    if (text === '' || text.length > SEARCH_LENGTH_MAX)
      return refusePerson(response, `q: must be a name or an address of at most ${SEARCH_LENGTH_MAX} characters`);
    answerPerson(response, await act.people({ connection, user, text }));
  };

  const failed = failedWith(log, 'Wonward could not do this just now. Try again.');
  const router = Router();
  for (const [name, parse] of Object.entries(ACTIONS))
    router.route(`/hubspot/cards/actions/${name}`).post(perform(parse), failed).all(onlyMethods('POST'));
  router.route('/hubspot/cards/people').get(people, failed).all(onlyMethods('GET'));
  return router;
}

/** The first thing that is wrong, with the field's name: a form shows one sentence. */
function problemText(error: z.ZodError): string {
  const [issue] = error.issues;
  const field = issue?.path.join('.') || 'body';
  return `${field}: ${issue?.message ?? 'is not as it should be'}`;
}
