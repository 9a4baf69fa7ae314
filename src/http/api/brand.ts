import { z } from 'zod';
import type { AccountBrand } from '../../application/account-brand.ts';
import { ACCENT, accentUse, type Brand, LOGO_BYTES_MAX, LOGO_TYPES } from '../../domain/brand.ts';
import { HttpProblem } from '../problem.ts';
import { language } from './consent-schemas.ts';
import { email, paragraphs, sentence } from './fields.ts';
import { type Operation, operation } from './operation.ts';

const NAME_LENGTH_MAX = 60;
/** Six lines of an envelope. */
const ADDRESS_LENGTH_MAX = 300;
const URL_LENGTH_MAX = 500;
/** Three bytes are four characters, and a little room. */
const LOGO_BASE64_LENGTH_MAX = Math.ceil(LOGO_BYTES_MAX / 3) * 4 + 4;

/** A link on a page for everybody: encrypted, and nothing that a browser runs. */
const webAddress = z
  .string('must be an address or null')
  .trim()
  .max(URL_LENGTH_MAX, `must have at most ${URL_LENGTH_MAX} characters`)
  .regex(/^https:\/\/[^\s"'<>\\^`{|}]+$/, 'must be an address that begins with https://')
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { username, password, hostname } = new URL(text);
    return username === '' && password === '' && hostname.includes('.');
  }, 'must be the whole address of a page, such as https://example.com/privacy')
  .meta({ example: 'https://example.com/privacy' });

const name = sentence(NAME_LENGTH_MAX);

const accentInput = z
  .string('must be a colour such as #0a6e5c')
  .trim()
  .toLowerCase()
  .regex(ACCENT, 'must be a colour such as #0a6e5c');

export const brandFields = {
  name: name.nullable().meta({
    description: 'As members and friends know the company; null: nothing is said of the account.',
    example: 'Acme',
  }),
  accent: accentInput.nullable().meta({
    description:
      'A colour of six hexadecimal digits. Where text in it could not be read (WCAG 2.2, 4.5 to 1), the nearest one that can is used in its place.',
    example: '#0a6e5c',
  }),
  senderName: name
    .nullable()
    .meta({ description: 'Who letters are from, beside the address that the service sends from.' }),
  replyTo: email.nullable().meta({ description: 'Where answers to letters go.' }),
  postalAddress: paragraphs(ADDRESS_LENGTH_MAX).nullable().meta({ description: 'At the end of letters.' }),
  privacyUrl: webAddress.nullable(),
  termsUrl: webAddress.nullable(),
  language: language.meta({ description: 'What members and friends are written to in.' }),
};

const colour = z.string().regex(ACCENT);

const coloursSchema = z
  .strictObject({
    onLight: colour.meta({ description: 'For text and lines on a light ground.' }),
    onDark: colour.meta({ description: 'For text and lines on a dark ground.' }),
    textOn: colour.meta({ description: 'For text on the colour itself.' }),
    contrast: z
      .strictObject({ onLight: z.number(), onDark: z.number(), textOn: z.number() })
      .meta({ description: 'Of the colour as it was asked for, from 1 to 21.' }),
  })
  .meta({ id: 'Colours', description: 'A colour as pages use it.' });

const brandSchema = z
  .strictObject({
    version: z.int().min(0).meta({ description: '0: nobody has set anything yet.' }),
    ...brandFields,
    // As it was given: what is an address is looked at when it is set, and by words that JSON Schema does not have.
    replyTo: z.string().nullable(),
    logo: z.strictObject({ url: z.string().meta({ description: 'Below the service’s own address.' }) }).nullable(),
    colours: coloursSchema.nullable().meta({ description: 'As the accent is used; null where none is set.' }),
  })
  .meta({ id: 'Brand', description: 'How the account shows itself to members and friends.' });

export interface BrandDeps {
  readonly accountBrand: Pick<AccountBrand, 'of' | 'save' | 'setLogo' | 'removeLogo' | 'shown'>;
}

export function logoPath(hash: string): string {
  return `/logos/${hash}`;
}

function coloursOf(accent: string) {
  const { onLight, onDark, textOn, contrast } = accentUse(accent);
  return { onLight, onDark, textOn, contrast: { ...contrast } };
}

/** What members and friends see of the account. */
export function brand({ accountBrand: use }: BrandDeps): Operation[] {
  async function present(accountId: string): Promise<z.input<typeof brandSchema>> {
    const [{ version, settings }, shown] = await Promise.all([use.of(accountId), use.shown(accountId)]);
    const logo = shown?.logo ?? null;
    return {
      version,
      ...settings,
      logo: logo === null ? null : { url: logoPath(logo) },
      colours: settings.accent === null ? null : coloursOf(settings.accent),
    };
  }

  return [
    operation({
      id: 'getBrand',
      tag: 'Account',
      method: 'get',
      path: '/brand',
      summary: "Get the account's brand",
      query: z.strictObject({}),
      statuses: { 200: 'What members and friends see.' },
      answer: brandSchema,
      problems: [],
      handle: async ({ accountId }) => ({ status: 200, body: await present(accountId) }),
    }),
    operation({
      id: 'getColours',
      tag: 'Account',
      method: 'get',
      path: '/brand/colours',
      summary: 'Say how a colour would be used',
      query: z.strictObject({
        accent: accentInput.optional().meta({ description: 'Left out: the colour of the brand.', example: '#0a6e5c' }),
      }),
      statuses: { 200: 'The nearest colours that can be read in each place.' },
      answer: z.strictObject({ colours: coloursSchema.nullable() }),
      problems: [],
      async handle({ accountId, query }) {
        const accent = query.accent ?? (await use.of(accountId)).settings.accent;
        return { status: 200, body: { colours: accent === null ? null : coloursOf(accent) } };
      },
    }),
    operation({
      id: 'setBrand',
      tag: 'Account',
      method: 'put',
      path: '/brand',
      summary: "Set the account's brand",
      description: 'Saved as the next version, all of it. The logo is set by itself.',
      body: z.strictObject({
        version: z
          .int('must be the version that you have read; 0 for the first')
          .min(0)
          .meta({ description: 'The version that you have read.' }),
        ...brandFields,
      }),
      statuses: { 200: 'As it is now.' },
      answer: brandSchema,
      problems: ['settings_changed'],
      async handle({ accountId, actor, body: { version, ...settings } }) {
        const saved = await use.save(accountId, settings satisfies Brand, { basis: version, by: actor });
        if (saved) return { status: 200, body: await present(accountId) };
        throw new HttpProblem(
          'settings_changed',
          'Somebody has changed the brand since you read it. Read it again, and set yours on top of that.',
        );
      },
    }),
    operation({
      id: 'setLogo',
      tag: 'Account',
      method: 'put',
      path: '/brand/logo',
      summary: "Set the account's logo",
      description: `A PNG, JPEG or WebP picture of up to ${LOGO_BYTES_MAX / 1024} kB, judged by its bytes. No SVG: it is a document that can hold scripts, and whoever opens its address would run them under this service's name.`,
      body: z.strictObject({
        content: z
          .string('must be the bytes of the picture as Base64')
          .min(1, 'must not be empty')
          .max(LOGO_BASE64_LENGTH_MAX, `must be a picture of at most ${LOGO_BYTES_MAX / 1024} kB`)
          .regex(/^[A-Za-z0-9+/]+={0,2}$/, 'must be the bytes of the picture as Base64')
          .meta({ description: `The bytes as Base64; ${LOGO_TYPES.join(', ')}.`, example: 'iVBORw0KGgoAAAANSUhEUgAA' }),
      }),
      statuses: { 200: 'The brand as it is now.' },
      answer: brandSchema,
      problems: [],
      async handle({ accountId, body }) {
        const set = await use.setLogo(accountId, Buffer.from(body.content, 'base64'));
        if (set.kind === 'set') return { status: 200, body: await present(accountId) };
        const problem =
          set.kind === 'too_large'
            ? `must be a picture of at most ${LOGO_BYTES_MAX / 1024} kB`
            : 'must be a PNG, JPEG or WebP picture; an SVG can hold scripts and is not taken';
        throw new HttpProblem('invalid_request', 'The logo was not taken; nothing was changed.', {
          errors: [{ field: 'content', problem }],
        });
      },
    }),
    operation({
      id: 'removeLogo',
      tag: 'Account',
      method: 'delete',
      path: '/brand/logo',
      summary: "Remove the account's logo",
      statuses: { 200: 'The brand as it is now.' },
      answer: brandSchema,
      problems: [],
      async handle({ accountId }) {
        await use.removeLogo(accountId);
        return { status: 200, body: await present(accountId) };
      },
    }),
  ];
}
