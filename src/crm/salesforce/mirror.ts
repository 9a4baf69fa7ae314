import { MEMBER, REFERRAL, REWARD } from '../../../manifests/salesforce/package.ts';
import type { DuplicateRules, MirrorOutcome, MirrorRow } from '../../application/ports/crm.ts';
import type { MemberRow, ReferralRow, RewardRow } from '../../domain/mirror.ts';
import type { OrgApi } from './call.ts';
import { remedyOf, savedAllTheSame } from './duplicates.ts';
import { describe, faultOf, type Meaning, meaningOf } from './errors.ts';
import { isOf, longId } from './ids.ts';
import type { OrgShape } from './org.ts';
import { type Part, partFailure, runParts, runQueries } from './query.ts';
import { chunksOf, IDS_PER_QUERY, idList, select } from './soql.ts';
import { errorsIn } from './transport.ts';
import { PATHS } from './version.ts';
import { rowErrors, type SalesforceError, savedSchema } from './wire.ts';

/** "Up to 200 records" of a collection. */
const ROWS_MAX = 200;

type Value = string | number | boolean | null | { readonly [field: string]: string };

/** One row of one of our objects, and whose records it is about. */
export interface Write {
  readonly object: string;
  readonly key: string;
  readonly values: Readonly<Record<string, Value>>;
  /** Rows of one parent go beside each other: two calls that lock it at the same time would refuse each other. */
  readonly parent: string;
  readonly about: Set<string>;
}

interface Refusal {
  readonly meaning: Meaning;
  readonly detail: string;
}

/**
 * Writes what records should show as rows of our objects, by our own keys: what was written already is written once more with the same
 * values. Members before referrals before rewards, since each names the one before. Every record gets exactly one outcome.
 */
export async function writeRows(
  api: OrgApi,
  shape: OrgShape,
  rows: readonly MirrorRow[],
  rules: DuplicateRules,
): Promise<MirrorOutcome[]> {
  if (!shape.fields.has(shape.prefix + MEMBER.object)) {
    const detail = 'the Wonward package is not installed in this org, or not allowed to the user that connected';
    return rows.map(({ id }) => ({ id, result: 'unprovisioned', detail }));
  }
  const accounts = await accountsOf(api, rows);
  const writes = writesOf(shape, rows, accounts);
  const refusals = new Map<string, Refusal>();
  const parts = [MEMBER, REFERRAL, REWARD].flatMap(({ object, key }) =>
    chunksOf(
      writes
        .filter((write) => write.object === object)
        .toSorted((a, b) => (a.parent + a.key < b.parent + b.key ? -1 : 1)),
      ROWS_MAX,
    ).map((chunk) => ({ chunk, part: { ...partOf(shape, object, key, chunk), ...savedAllTheSame(rules) } })),
  );
  if (parts.length > 0) {
    const { answers } = await runParts(
      api,
      'write rows',
      parts.map(({ part }) => part),
    );
    for (const [index, { chunk }] of parts.entries()) {
      const { status = 500, body } = answers[index] ?? {};
      noteRefusals(chunk, status, body, refusals, rules);
    }
  }
  const ids = new Set(rows.map(({ id }) => id));
  return [...ids].map((id) => outcomeOf(id, refusals.get(id)));
}

function outcomeOf(id: string, refusal: Refusal | undefined): MirrorOutcome {
  if (!refusal) return { id, result: 'written' };
  const { meaning, detail } = refusal;
  if (meaning === 'gone') return { id, result: 'gone' };
  if (meaning === 'unprovisioned') return { id, result: 'unprovisioned', detail };
  return { id, result: meaning === 'again' || meaning === 'later' ? 'retry' : 'rejected', detail };
}

/** The worst of a record's rows is its outcome; what a person has to look at comes before what passes by itself. */
const ORDER: readonly Meaning[] = ['again', 'later', 'unprovisioned', 'forbidden', 'refused', 'gone'];

function note(refusals: Map<string, Refusal>, { about }: Write, refusal: Refusal): void {
  for (const id of about) {
    const before = refusals.get(id);
    if (!before || ORDER.indexOf(refusal.meaning) > ORDER.indexOf(before.meaning)) refusals.set(id, refusal);
  }
}

function noteRefusals(
  chunk: readonly Write[],
  status: number,
  body: unknown,
  refusals: Map<string, Refusal>,
  rules: DuplicateRules,
): void {
  if (status >= 400) {
    const failure = partFailure(status, body);
    const errors = errorsIn(body);
    const [error] = errors;
    // Not about rows: an org that is shut, or a limit.
    if (error === undefined || error.code === 'REQUEST_LIMIT_EXCEEDED' || error.code.startsWith('API_'))
      throw faultOf('write rows', failure);
    for (const write of chunk) note(refusals, write, { meaning: meaningOfRow(error), detail: describe(errors) });
    return;
  }
  const saved = savedSchema.safeParse(body);
  for (const [index, write] of chunk.entries()) {
    const row = saved.success ? saved.data[index] : undefined;
    if (row?.success) continue;
    const errors = row ? rowErrors(row) : [];
    const [error] = errors;
    note(
      refusals,
      write,
      error
        ? { meaning: meaningOfRow(error), detail: describe(errors) + remedyOf(errors, rules) }
        : { meaning: 'again', detail: 'Salesforce’s answer does not tell of this row' },
    );
  }
}

function meaningOfRow(error: SalesforceError): Meaning {
  // The row that is named has not been written yet: a member's, of another batch, or one that was refused beside this one.
  if (error.code === 'INVALID_FIELD' && /foreign key external id/i.test(error.message)) return 'again';
  // Two that create the same row at the same time: the second finds it the next time.
  if (error.code === 'DUPLICATE_VALUE') return 'again';
  return meaningOf(error.code);
}

function partOf({ prefix }: OrgShape, object: string, key: string, chunk: readonly Write[]): Part {
  const name = prefix + object;
  return {
    method: 'PATCH',
    url: PATHS.upsert(name, prefix + key),
    body: {
      allOrNone: false,
      records: chunk.map((write) => ({ attributes: { type: name }, [prefix + key]: write.key, ...write.values })),
    },
  };
}

/** Several records may be told by one row, as a member's by those of all friends: it is written once, with all that is known. */
export function writesOf(shape: OrgShape, rows: readonly MirrorRow[], accounts: Accounts): Write[] {
  const writes = new Map<string, { -readonly [K in keyof Write]: Write[K] }>();
  const add = (about: string, object: string, key: string, parent: string, values: Write['values']) => {
    const known = writes.get(`${object} ${key}`);
    if (!known) {
      writes.set(`${object} ${key}`, {
        object,
        key,
        parent,
        values: fitting(shape, object, values),
        about: new Set([about]),
      });
      return;
    }
    known.values = { ...known.values, ...fitting(shape, object, values) };
    known.about.add(about);
  };
  for (const { id, values } of rows) {
    if (values.kind !== 'rows') throw new Error('Salesforce is written rows, not properties');
    for (const member of values.members) add(id, MEMBER.object, member.key, member.key, memberValues(member, accounts));
    for (const referral of values.referrals)
      add(id, REFERRAL.object, referral.key, referral.memberKey, referralValues(referral, shape, accounts));
    for (const reward of values.rewards)
      add(id, REWARD.object, reward.key, reward.referralKey, rewardValues(reward, shape));
  }
  return [...writes.values()];
}

/** Whose customer a contact or an opportunity is; by it the page and the reports of an account find what belongs there. */
type Accounts = ReadonlyMap<string, string>;

export async function accountsOf(api: OrgApi, rows: readonly MirrorRow[]): Promise<Accounts> {
  const named = rows.flatMap(({ values }) =>
    values.kind === 'rows'
      ? [
          ...values.members.flatMap(({ own }) => own?.contactId ?? []),
          ...values.referrals.flatMap(({ friendContactId, dealId }) => [friendContactId ?? [], dealId ?? []].flat()),
        ]
      : [],
  );
  const queriesOf = (object: string, kind: 'contact' | 'opportunity') =>
    chunksOf([...new Set(named.filter((id) => isOf(id, kind) && longId(id) !== null))], IDS_PER_QUERY).map((ids) => ({
      soql: select(['Id', 'AccountId'], object, `WHERE Id IN ${idList(ids)}`),
      scope: 'live' as const,
    }));
  const queries = [...queriesOf('Contact', 'contact'), ...queriesOf('Opportunity', 'opportunity')];
  if (queries.length === 0) return new Map();
  const { rows: found } = await runQueries(api, 'read accounts of records', queries);
  return new Map(
    found
      .flat()
      .flatMap(({ Id, AccountId }) => (typeof AccountId === 'string' ? [[String(Id), AccountId] as const] : [])),
  );
}

function accountIn(field: string, accountId: string | undefined): Record<string, Value> {
  return accountId === undefined ? {} : { [field]: accountId };
}

function personField(id: string, fields: { readonly contact: string; readonly lead: string }): string {
  return isOf(id, 'lead') ? fields.lead : fields.contact;
}

function memberValues(
  { name, program, code, shareLink, own, isErased }: MemberRow,
  accounts: Accounts,
): Record<string, Value> {
  const { fields } = MEMBER;
  const base = {
    [MEMBER.nameField]: name,
    [fields.program]: program,
    [fields.code]: code,
    [fields.shareLink]: shareLink,
  };
  if (isErased) return { ...base, [fields.contact]: null, [fields.lead]: null, [fields.account]: null };
  if (!own) return base;
  return {
    ...base,
    [personField(own.contactId, fields)]: own.contactId,
    ...accountIn(fields.account, accounts.get(own.contactId)),
    [fields.referrals]: own.referrals,
    [fields.wonReferrals]: own.wonReferrals,
    [fields.tier]: own.tier,
    [fields.rewardsHeld]: own.rewardsHeld,
    [fields.rewardsApproved]: own.rewardsApproved,
    [fields.rewardsIssued]: own.rewardsIssued,
    [fields.rewardsReversed]: own.rewardsReversed,
    [fields.lastReward]: own.lastReward,
    [fields.lastRewardAt]: own.lastRewardAt,
    [fields.lastRewardReason]: own.lastRewardReason,
  };
}

function referralValues(row: ReferralRow, { prefix }: OrgShape, accounts: Accounts): Record<string, Value> {
  const { fields } = REFERRAL;
  return {
    [MEMBER.relationship]: { [prefix + MEMBER.key]: row.memberKey },
    ...(row.friendContactId === null
      ? {}
      : {
          [personField(row.friendContactId, { contact: fields.friendContact, lead: fields.friendLead })]:
            row.friendContactId,
        }),
    ...(row.dealId === undefined ? {} : { [fields.opportunity]: row.dealId }),
    // Whose account it is stays out as well: that of a person may be the person.
    ...(row.isErased
      ? { [fields.friendContact]: null, [fields.friendLead]: null, [fields.account]: null }
      : accountIn(fields.account, accounts.get(row.dealId ?? '') ?? accounts.get(row.friendContactId ?? ''))),
    [fields.program]: row.program,
    [fields.stage]: row.stage,
    [fields.stageSince]: row.stageSince,
    [fields.source]: row.source,
    [fields.submittedAt]: row.submittedAt,
    ...(row.nextStep === undefined ? {} : { [fields.nextStep]: row.nextStep }),
  };
}

function rewardValues(row: RewardRow, { prefix }: OrgShape): Record<string, Value> {
  const { fields } = REWARD;
  return {
    [REFERRAL.relationship]: { [prefix + REFERRAL.key]: row.referralKey },
    [fields.opportunity]: row.dealId,
    [fields.party]: row.party,
    [fields.rule]: row.rule,
    [fields.state]: row.state,
    // A number, since the field is one; the ledger is where it is exact.
    [fields.amount]: row.money === null ? null : Number(row.money.amount),
    [fields.currency]: row.money?.currency ?? null,
    [fields.reasonCode]: row.reasonCode,
    [fields.reason]: row.reason,
    [fields.nextStep]: row.nextStep,
    [fields.decidedAt]: row.decidedAt,
    [fields.releaseAt]: row.releaseAt,
    [fields.issuedAt]: row.issuedAt,
  };
}

/** By the names of this org; without what it does not have, or its user may not write; no text longer than its field. */
function fitting(
  { prefix, fields }: OrgShape,
  object: string,
  values: Readonly<Record<string, Value>>,
): Record<string, Value> {
  const known = fields.get(prefix + object);
  const out: Record<string, Value> = {};
  for (const [name, value] of Object.entries(values)) {
    const field = name === MEMBER.nameField ? name : prefix + name;
    if (typeof value === 'object' && value !== null) {
      out[field] = value;
      continue;
    }
    const shape = known?.get(field);
    if (!shape?.isWritable) continue;
    out[field] = typeof value === 'string' && shape.length > 0 ? cut(value, shape.length) : value;
  }
  return out;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
