import { CONSENT_TEXT } from '../../../manifests/salesforce/package.ts';
import type { ConsentShown, ConsentWords, DuplicateRules } from '../../application/ports/crm.ts';
import type { OrgApi } from './call.ts';
import { remedyOf, savedAllTheSame } from './duplicates.ts';
import { describe, faultOf, type Meaning, meaningOf } from './errors.ts';
import type { OrgShape } from './org.ts';
import { type Part, partFailure, runParts, runQuery } from './query.ts';
import { literal, select } from './soql.ts';
import { errorsIn } from './transport.ts';
import { PATHS } from './version.ts';
import { rowErrors, savedSchema, text } from './wire.ts';

/** The component asks for it by this key. */
const FRIEND = 'friend';

const PASSES: ReadonlySet<Meaning> = new Set(['again', 'later']);

/**
 * What a rep reads out to a friend, as the one row in which the component finds it. It is read before it is written: what somebody changed
 * there is put right, and a sweep in which nothing has changed writes nothing.
 */
export async function showConsent(
  api: OrgApi,
  { prefix, fields }: OrgShape,
  wanted: ConsentWords | null,
  rules: DuplicateRules,
): Promise<ConsentShown> {
  const object = prefix + CONSENT_TEXT.object;
  const own = (field: string) => prefix + field;
  const known = fields.get(object);
  const values = Object.entries(CONSENT_TEXT.fields).map(([name, field]) => ({
    field: own(field),
    value: wanted === null ? null : wanted[name as keyof ConsentWords],
  }));
  const key = own(CONSENT_TEXT.key);
  // Half of it would be words that nobody can say which they were.
  const needed = [key, ...values.map(({ field }) => field)];
  if (needed.some((field) => !known?.has(field))) return { result: 'unprovisioned' };
  const unwritable = needed.filter((field) => !known?.get(field)?.isWritable);
  if (unwritable.length > 0)
    return refused(
      object,
      `the user that connected may not write ${unwritable.join(', ')}: assign it the permission set "Referral Integration"`,
    );
  const soql = select(['Id', ...values.map(({ field }) => field)], object, `WHERE ${key} = ${literal(FRIEND)}`);
  const { rows } = await runQuery(api, 'read consent text', { soql, scope: 'live' });
  const [row] = rows;
  const isSame = row ? values.every(({ field, value }) => plain(row[field]) === plain(value)) : wanted === null;
  if (isSame) return { result: 'same' };
  const part: Part = {
    method: 'PATCH',
    url: PATHS.upsert(object, key),
    body: {
      allOrNone: false,
      records: [
        {
          attributes: { type: object },
          [key]: FRIEND,
          ...Object.fromEntries(values.map(({ field, value }) => [field, value])),
        },
      ],
    },
    ...savedAllTheSame(rules),
  };
  const { answers } = await runParts(api, 'write consent text', [part]);
  const { status = 500, body } = answers[0] ?? {};
  if (status >= 400) {
    const errors = errorsIn(body);
    const [error] = errors;
    if (error === undefined || PASSES.has(meaningOf(error.code)))
      throw faultOf('write consent text', partFailure(status, body));
    return refused(object, describe(errors));
  }
  const saved = savedSchema.safeParse(body);
  const [outcome] = saved.success ? saved.data : [];
  if (outcome?.success) return { result: 'written' };
  const errors = outcome ? rowErrors(outcome) : [];
  // It was not found a moment ago: what lies in the recycle bin keeps its key.
  const inBin = errors.some(({ code }) => code === 'DUPLICATE_VALUE')
    ? ' The row was deleted: restore it from the recycle bin, or empty the bin.'
    : '';
  return refused(object, describe(errors) + remedyOf(errors, rules) + inBin);
}

/** Salesforce keeps the ends of lines its own way, and none at the end of a text. */
function plain(value: unknown): string {
  return (text(value) ?? '').replace(/\r\n?/g, '\n').trimEnd();
}

function refused(name: string, detail: string): ConsentShown {
  return { result: 'refused', name, detail };
}
