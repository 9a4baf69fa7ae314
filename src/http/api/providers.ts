import { z } from 'zod';
import type { ListedProvider, PayoutAccounts } from '../../application/payout-accounts.ts';
import { decimalOf } from '../../domain/money.ts';
import { isoOf } from '../../domain/time.ts';
import { HttpProblem } from '../problem.ts';
import { time } from './fields.ts';
import { type Operation, operation } from './operation.ts';

export const providerName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be the name of a provider, such as stripe')
  .meta({ description: 'Name of a provider, as rules call it.', example: 'stripe' });

/** More than any provider has, few enough for one row. */
const FIELDS_MAX = 20;

const credentials = z
  .array(
    z.strictObject({
      field: z.string('must be text').min(1, 'must not be empty').max(40, 'must have at most 40 characters'),
      value: z.string('must be text').max(1_000, 'must have at most 1000 characters'),
    }),
  )
  .max(FIELDS_MAX, `must be at most ${FIELDS_MAX} fields`)
  .meta({
    description:
      'By the names of `fields`. An empty text takes a value back. A secret that is left out stays as it is; anything else that is left out is taken back.',
  });

const providerSchema = z
  .strictObject({
    name: providerName,
    label: z.string(),
    summary: z.string(),
    configured: z.boolean().meta({ description: 'Whether orders can be sent.' }),
    updatedAt: time.nullable(),
    fields: z.array(
      z.strictObject({
        name: z.string(),
        label: z.string(),
        help: z.string(),
        secret: z.boolean(),
        required: z.boolean(),
        choices: z.array(z.string()).nullable(),
        value: z.string().nullable().meta({ description: 'What was given; never of a secret.' }),
        given: z.boolean(),
      }),
    ),
    amounts: z
      .array(
        z.strictObject({
          currency: z.string(),
          smallest: z.string(),
          largest: z.string().nullable(),
          step: z.string(),
        }),
      )
      .nullable()
      .meta({ description: 'What one order can be; null: anything.' }),
    cancelling: z.strictObject({
      can: z.enum(['never', 'until_used', 'until_claimed', 'until_paid']),
      how: z.string(),
    }),
    issued: z.enum(['final', 'may_come_back']),
  })
  .meta({ id: 'Provider' });

const testSchema = z
  .strictObject({
    ok: z.boolean(),
    field: z
      .string()
      .nullable()
      .meta({ description: 'Which of the credentials is wrong; null when that is not known.' }),
    detail: z.string(),
  })
  .meta({ id: 'ProviderTest' });

export interface ProvidersDeps {
  readonly payoutAccounts: Pick<PayoutAccounts, 'list' | 'configure' | 'forget' | 'test'>;
}

const none = () => new HttpProblem('not_found', 'No such provider is installed.');

export function providers({ payoutAccounts }: ProvidersDeps): Operation[] {
  const viewOf = async (accountId: string, name: string) => {
    const found = (await payoutAccounts.list(accountId)).find((one) => one.name === name);
    if (!found) throw none();
    return providerView(found);
  };

  return [
    operation({
      id: 'listProviders',
      tag: 'Providers',
      method: 'get',
      path: '/providers',
      summary: 'List the ways of paying, and what each needs',
      query: z.strictObject({}),
      statuses: { 200: 'All providers that are installed.' },
      answer: z.strictObject({ items: z.array(providerSchema) }),
      problems: [],
      async handle({ accountId }) {
        return { status: 200, body: { items: (await payoutAccounts.list(accountId)).map(providerView) } };
      },
    }),
    operation({
      id: 'setProviderCredentials',
      tag: 'Providers',
      method: 'put',
      path: '/providers/{provider}/credentials',
      summary: 'Give a provider its credentials',
      description: 'They are kept encrypted and never shown again. Orders that waited for them go out.',
      params: z.strictObject({ provider: providerName }),
      body: z.strictObject({ values: credentials }),
      statuses: { 200: 'The provider.' },
      answer: providerSchema,
      problems: ['not_found'],
      async handle({ accountId, params, body }) {
        const names = body.values.map(({ field }) => field);
        const values = new Map(body.values.map(({ field, value }) => [field, value]));
        const saved = await payoutAccounts.configure(accountId, params.provider, values);
        if (!saved) throw none();
        if (!saved.ok) {
          throw new HttpProblem('invalid_request', 'These credentials cannot be used.', {
            errors: saved.problems.map(({ field, isUnknown, problem }) => ({
              field: names.includes(field)
                ? `values[${names.lastIndexOf(field)}].${isUnknown ? 'field' : 'value'}`
                : `values.${field}`,
              problem,
            })),
          });
        }
        return { status: 200, body: await viewOf(accountId, params.provider) };
      },
    }),
    operation({
      id: 'deleteProviderCredentials',
      tag: 'Providers',
      method: 'delete',
      path: '/providers/{provider}/credentials',
      summary: 'Forget a provider’s credentials',
      description: 'Orders to it wait until it is given new ones.',
      params: z.strictObject({ provider: providerName }),
      statuses: { 200: 'The provider.' },
      answer: providerSchema,
      problems: ['not_found'],
      async handle({ accountId, params }) {
        await payoutAccounts.forget(accountId, params.provider);
        return { status: 200, body: await viewOf(accountId, params.provider) };
      },
    }),
    operation({
      id: 'testProvider',
      tag: 'Providers',
      method: 'post',
      path: '/providers/{provider}/test',
      summary: 'Try a provider’s credentials',
      description: 'A call to the provider that moves no money.',
      params: z.strictObject({ provider: providerName }),
      statuses: { 200: 'Whether they work.' },
      answer: testSchema,
      problems: ['not_found', 'try_again', 'provider_refused', 'misconfigured'],
      async handle({ accountId, params }) {
        const result = await payoutAccounts.test(accountId, params.provider);
        if (!result) throw none();
        const body = result.ok
          ? { ok: true, field: null, detail: result.detail }
          : { ok: false, field: result.field, detail: result.problem };
        return { status: 200, body };
      },
    }),
  ];
}

function providerView({ name, description, configured, updatedAt, values, secrets }: ListedProvider) {
  const { label, summary, fields, amounts, cancelling, issued } = description;
  return {
    name,
    label,
    summary,
    configured,
    updatedAt: updatedAt === null ? null : isoOf(updatedAt),
    fields: fields.map((field) => ({
      name: field.name,
      label: field.label,
      help: field.help,
      secret: field.secret,
      required: field.required,
      choices: field.choices ? [...field.choices] : null,
      value: field.secret ? null : (values[field.name] ?? null),
      given: values[field.name] !== undefined || secrets.includes(field.name),
    })),
    amounts:
      amounts?.map(({ currency, minMinor, maxMinor, stepMinor }) => ({
        currency,
        smallest: decimalOf({ minor: minMinor, currency }),
        largest: maxMinor === null ? null : decimalOf({ minor: maxMinor, currency }),
        step: decimalOf({ minor: stepMinor, currency }),
      })) ?? null,
    cancelling: { can: cancelling.can, how: cancelling.how },
    issued,
  };
}
