import { z } from 'zod';
import type { AccountBrand } from '../../application/account-brand.ts';
import type { ConsentTexts } from '../../application/consent-texts.ts';
import type { AccountStore, ProgramDraftStore, ProgramStore } from '../../application/ports/store.ts';
import { programDiff } from '../../application/program-diff.ts';
import { contentDocument, programDocument } from '../../application/program-document.ts';
import type { Publish } from '../../application/publish.ts';
import type { Retention } from '../../application/retention.ts';
import { CONSENT_PURPOSES, type ConsentPurpose, type ConsentText } from '../../domain/consent.ts';
import { policyHash } from '../../domain/policy.ts';
import type { ProgramContent, ProgramVersion, RewardRule } from '../../domain/program.ts';
import type { RetentionSettings } from '../../domain/retention.ts';
import type { Permission } from '../../domain/roles.ts';
import type { Clock } from '../../platform/clock.ts';
import { HttpProblem } from '../problem.ts';
import { brandFields } from './brand.ts';
import { consentWords, wordsOf } from './consent-texts.ts';
import { type Operation, operation } from './operation.ts';
import { documentOf } from './policies.ts';
import { publishedOf } from './programs.ts';
import { retentionWords, saidRetention } from './retention.ts';
import { moneyView } from './views.ts';

/** More than anybody runs at a time. */
const PROGRAMS_MAX = 50;
/** A program that people read has 20 kB; this is room for fifty of them. */
const BODY_BYTES_MAX = 1_048_576;

/** What an account is, apart from its people, its CRMs and its secrets: to keep beside other code, and to carry from one account to another. */
const configuration = z.strictObject({
  format: z.literal(1, { error: 'must be 1, the format that this service writes' }),
  programs: z
    .array(programDocument)
    .max(PROGRAMS_MAX, `must be at most ${PROGRAMS_MAX} programs`)
    .refine(
      (programs) => new Set(programs.map(({ programId }) => programId)).size === programs.length,
      'must name each program once',
    )
    .optional(),
  brand: z.strictObject(brandFields).optional(),
  consentTexts: z
    .strictObject(
      Object.fromEntries(CONSENT_PURPOSES.map((one) => [one, consentWords.optional()])) as Record<
        ConsentPurpose,
        z.ZodOptional<typeof consentWords>
      >,
    )
    .optional(),
  retention: retentionWords.optional(),
});

type Configuration = z.output<typeof configuration>;

const PARTS = ['program', 'brand', 'consent', 'retention'] as const;

type PartKind = (typeof PARTS)[number];

const part = {
  kind: z.enum(PARTS),
  name: z.string().meta({ description: 'Which program, or for whom a text is; empty for what there is one of.' }),
  differences: z.array(z.string()).meta({ description: 'A line for each field; none: it is like that already.' }),
};

const basis = z
  .string('must be text')
  .regex(/^[0-9a-f]{64}$/, 'must be the basis that the check has given')
  .meta({ description: 'What the account was when it was compared.' });

const OUTCOMES = ['unchanged', 'applied', 'draft', 'refused'] as const;

export interface ConfigurationDeps {
  readonly clock: Pick<Clock, 'now'>;
  readonly storedAccounts: Pick<AccountStore, 'get'>;
  readonly programs: Pick<ProgramStore, 'versions'>;
  readonly programDrafts: Pick<ProgramDraftStore, 'get' | 'save'>;
  readonly publish: Pick<Publish, 'publish'>;
  readonly accountBrand: Pick<AccountBrand, 'of' | 'save'>;
  readonly consentTexts: Pick<ConsentTexts, 'list' | 'save'>;
  readonly retention: Pick<Retention, 'of' | 'save'>;
}

interface Part {
  readonly kind: PartKind;
  readonly name: string;
  readonly differences: readonly string[];
  readonly needs: Permission;
  /** What became of it, in words. */
  apply(by: string): Promise<{ outcome: (typeof OUTCOMES)[number]; words: string }>;
}

const applied = (words: string) => ({ outcome: 'applied' as const, words });
const MEANWHILE = { outcome: 'refused' as const, words: 'Somebody has changed it meanwhile. Check again.' };

/** An account as a document, and a document into an account. */
export function configurationFile(deps: ConfigurationDeps): Operation[] {
  async function current(accountId: string) {
    const [versions, brand, texts, kept] = await Promise.all([
      deps.programs.versions(accountId),
      deps.accountBrand.of(accountId),
      deps.consentTexts.list(accountId),
      deps.retention.of(accountId),
    ]);
    const newest = new Map(versions.map((version) => [version.programId, version]));
    return { newest, brand, texts: newestTexts(texts), kept };
  }

  type Current = Awaited<ReturnType<typeof current>>;

  function documentFor({ newest, brand, texts, kept }: Current) {
    return {
      format: 1 as const,
      programs: [...newest.values()].filter(({ isRetired }) => !isRetired).map(publishable),
      brand: { ...brand.settings },
      consentTexts: Object.fromEntries([...texts].map(([purpose, one]) => [purpose, { ...one.texts }])),
      retention: Object.fromEntries(kept.items.map(({ item, days }) => [item, days])),
    };
  }

  function partsOf(accountId: string, now: Current, given: Configuration): Part[] {
    return [
      ...(given.programs ?? []).map((program): Part => programPart(accountId, now, program)),
      ...(given.brand ? [brandPart(accountId, now, given.brand)] : []),
      ...CONSENT_PURPOSES.flatMap((purpose) => {
        const texts = given.consentTexts?.[purpose];
        return texts ? [consentPart(accountId, now, purpose, wordsOf(texts))] : [];
      }),
      ...(given.retention ? [retentionPart(accountId, now, saidRetention(given.retention))] : []),
    ];
  }

  function programPart(accountId: string, { newest }: Current, program: ProgramContent): Part {
    const { programId } = program;
    const inForce = newest.get(programId);
    return {
      kind: 'program',
      name: programId,
      differences: programDiff(inForce ? documentOf(inForce) : {}, documentOf(program)),
      needs: 'programs.publish',
      async apply(by) {
        const account = await deps.storedAccounts.get(accountId);
        if (account?.needsSecondPerson) {
          const revision = (await deps.programDrafts.get(accountId, programId))?.revision ?? 0;
          const saved = await deps.programDrafts.save(accountId, program, { revision, by, now: deps.clock.now() });
          if (saved.kind === 'changed') return MEANWHILE;
          return {
            outcome: 'draft',
            words: 'Kept as a draft: this account asks for two people, so somebody else publishes it.',
          };
        }
        const { version } = publishedOf(await deps.publish.publish(accountId, program, { by, dryRunId: null }));
        return applied(`Version ${version} is in force.`);
      },
    };
  }

  function brandPart(accountId: string, { brand }: Current, given: NonNullable<Configuration['brand']>): Part {
    return {
      kind: 'brand',
      name: '',
      differences: programDiff(brand.settings, given),
      needs: 'content.write',
      async apply(by) {
        const saved = await deps.accountBrand.save(accountId, given, { basis: brand.version, by });
        return saved ? applied('Pages show it from now on.') : MEANWHILE;
      },
    };
  }

  function consentPart(
    accountId: string,
    { texts }: Current,
    purpose: ConsentPurpose,
    given: ConsentText['texts'],
  ): Part {
    const newest = texts.get(purpose);
    return {
      kind: 'consent',
      name: purpose,
      differences: programDiff(newest?.texts ?? {}, given),
      needs: 'content.write',
      async apply(by) {
        const saved = await deps.consentTexts.save(accountId, purpose, given, { basis: newest?.version ?? 0, by });
        return saved ? applied(`Version ${saved.version} is in force.`) : MEANWHILE;
      },
    };
  }

  function retentionPart(accountId: string, { kept }: Current, given: RetentionSettings): Part {
    const holds = new Map<string, number | null>(kept.items.map(({ item, days }) => [item, days]));
    const named = Object.fromEntries(Object.keys(given).map((item) => [item, holds.get(item) ?? null]));
    return {
      kind: 'retention',
      name: '',
      differences: programDiff(named, given),
      needs: 'settings.write',
      async apply(by) {
        const saved = await deps.retention.save(accountId, given, { basis: kept.version, by });
        return saved ? applied('What is older is forgotten within the hour.') : MEANWHILE;
      },
    };
  }

  return [
    operation({
      id: 'getConfiguration',
      tag: 'Account',
      method: 'get',
      path: '/configuration',
      summary: 'Export what the account is as a document',
      description:
        'Programs in force, brand, consent texts in force and retention: what can be kept beside other code and applied to another account. No people, no CRMs, no secrets, no logo.',
      query: z.strictObject({}),
      statuses: { 200: 'The document; as YAML it is a file that people can read.' },
      answer: z
        .strictObject({
          format: z.literal(1),
          programs: z.array(z.record(z.string(), z.unknown())),
          brand: z.record(z.string(), z.unknown()),
          consentTexts: z.record(z.string(), z.unknown()),
          retention: z.record(z.string(), z.int().nullable()),
        })
        .meta({ id: 'Configuration' }),
      problems: [],
      handle: async ({ accountId }) => ({ status: 200, body: documentFor(await current(accountId)) }),
    }),
    operation({
      id: 'checkConfiguration',
      tag: 'Account',
      method: 'post',
      path: '/configuration/check',
      summary: 'Say what applying a document would change',
      description: 'Changes nothing. What is wrong is told by its place. A part that is left out stays as it is.',
      body: configuration,
      bodyBytesMax: BODY_BYTES_MAX,
      statuses: { 200: 'What differs, part by part.' },
      answer: z
        .strictObject({
          basis,
          needsSecondPerson: z.boolean().meta({ description: 'Whether programs would be kept as drafts.' }),
          parts: z.array(z.strictObject(part)),
        })
        .meta({ id: 'ConfigurationCheck' }),
      problems: [],
      async handle({ accountId, body }) {
        const now = await current(accountId);
        const account = await deps.storedAccounts.get(accountId);
        const parts = partsOf(accountId, now, body);
        return {
          status: 200,
          body: {
            basis: policyHash(documentFor(now)),
            needsSecondPerson: account?.needsSecondPerson ?? false,
            parts: parts.map(({ kind, name, differences }) => ({ kind, name, differences: [...differences] })),
          },
        };
      },
    }),
    operation({
      id: 'applyConfiguration',
      tag: 'Account',
      method: 'post',
      path: '/configuration/apply',
      summary: 'Apply a document',
      description:
        'Part by part, each as if it had been set by itself: one that is refused does not stop the others, and the answer says what became of each. A program takes effect at once, or is kept as a draft where the account asks for two people. Refused as a whole when the account is another by now than it was when it was compared.',
      body: z.strictObject({ basis, configuration }),
      bodyBytesMax: BODY_BYTES_MAX,
      statuses: { 200: 'What became of each part.' },
      answer: z
        .strictObject({
          parts: z.array(z.strictObject({ ...part, outcome: z.enum(OUTCOMES), words: z.string() })),
        })
        .meta({ id: 'ConfigurationApplied' }),
      problems: ['settings_changed'],
      async handle({ accountId, actor, may, body }) {
        const now = await current(accountId);
        if (policyHash(documentFor(now)) !== body.basis)
          throw new HttpProblem(
            'settings_changed',
            'The account has changed since the document was compared with it. Check it again before you apply it.',
          );
        const done = [];
        for (const one of partsOf(accountId, now, body.configuration)) {
          const { kind, name, differences } = one;
          done.push({ kind, name, differences: [...differences], ...(await outcomeOf(one, may, actor)) });
        }
        return { status: 200, body: { parts: done } };
      },
    }),
  ];
}

async function outcomeOf(one: Part, may: ReadonlySet<Permission>, by: string) {
  if (one.differences.length === 0) return { outcome: 'unchanged' as const, words: 'It was like that already.' };
  if (!may.has(one.needs))
    return { outcome: 'refused' as const, words: `It takes the permission "${one.needs}", which you do not have.` };
  try {
    return await one.apply(by);
  } catch (thrown) {
    // What is refused of a part is for who applies it; everything else is no answer to it.
    if (!(thrown instanceof HttpProblem) || thrown.status >= 500) throw thrown;
    const why = (thrown.errors ?? []).map(({ field, problem }) => `${field} ${problem}`);
    return { outcome: 'refused' as const, words: [thrown.message, ...why].join(' ') };
  }
}

function newestTexts(texts: readonly ConsentText[]): ReadonlyMap<ConsentPurpose, ConsentText> {
  // The newest comes first.
  return new Map([...texts].reverse().map((text) => [text.purpose, text]));
}

/** The whole of a deal, in hundredths of a percent. */
const WHOLE_BASIS_POINTS = 10_000;

/** A version as a document that can be published again: what was published above the whole deal was meant so. */
function publishable({ programId, name, rules, tiers, openReferrals, risk }: ProgramVersion) {
  const document = contentDocument({ programId, name, rules, tiers, openReferrals, risk }, moneyView);
  const written = document.rules as readonly object[];
  return {
    ...document,
    rules: written.map((rule, index) => (paysOverWhole(rules[index]) ? { ...rule, allowOverWhole: true } : rule)),
  };
}

function paysOverWhole(rule: RewardRule | undefined): boolean {
  if (!rule) return false;
  const flats = 'steps' in rule.amount ? rule.amount.steps.map(({ amount }) => amount) : [rule.amount];
  return flats.some((flat) => flat.kind === 'percent' && flat.basisPoints > WHOLE_BASIS_POINTS);
}
