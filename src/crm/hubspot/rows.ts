import type { MirrorComparison, MirrorOutcome, RecordOwnRows } from '../../application/ports/crm.ts';
import type { ReferralRow, RewardRow } from '../../domain/mirror.ts';
import { isSameValue } from '../answers.ts';
import { readAssociations } from './associations.ts';
import type { PortalApi } from './call.ts';
import type { ObjectState, ObjectStates, RowObject } from './custom-objects.ts';
import { describe, saysNotFound, saysUnknownProperty } from './errors.ts';
import { type MirroredObject, PATH_OF } from './fields.ts';
import { idsIn } from './mirror.ts';
import { BATCH_MAX, chunksOf } from './records.ts';
import { type ObjectPath, PATHS } from './version.ts';
import {
  anythingSchema,
  associatedSchema,
  batchRecordsSchema,
  type HubSpotError,
  objectPageSchema,
  upsertedSchema,
} from './wire.ts';

/** "Batch create associations: limited to 2,000 inputs"; a read takes 1,000, and there is no use in two sizes. */
const ASSOCIATED_TOGETHER = 1_000;
/** As for properties: two bad rows among a hundred are found by about twice log2(100) further calls each. */
const SPLIT_CALLS_MAX = 40;

const KEY = 'wonward_key';

type Values = Readonly<Record<string, string | null>>;

/** What may become of one row; the worst of a record's rows is the record's. */
type Trouble = Exclude<MirrorOutcome, { readonly result: 'written' }>['result'];
interface Problem {
  readonly result: Trouble;
  readonly detail: string;
}
const ORDER: readonly Trouble[] = ['retry', 'unprovisioned', 'rejected', 'gone'];

interface Both {
  readonly referral: ObjectState;
  readonly reward: ObjectState;
}

/**
 * Writes the rows that are about records by our own keys, and ties them to these records: what was written already is written once more with
 * the same values, and what a record no longer tells of is taken from it. Every record gets exactly one outcome.
 */
export async function writeRows(
  api: PortalApi,
  states: ObjectStates,
  object: MirroredObject,
  rows: readonly RecordOwnRows[],
): Promise<MirrorOutcome[]> {
  const distinct = [...new Map(rows.map((row) => [row.id, row])).values()];
  const both = wholeOf(states);
  if (typeof both === 'string') return distinct.map(({ id }) => ({ id, result: 'unprovisioned', detail: both }));
  const problems = new Map<string, Problem>();
  const note = (ids: Iterable<string>, problem: Problem) => {
    for (const id of ids) {
      const before = problems.get(id);
      if (!before || ORDER.indexOf(problem.result) > ORDER.indexOf(before.result)) problems.set(id, problem);
    }
  };
  const referrals = await upsertAll(api, both.referral, writesOf(distinct, 'referral'), note);
  const rewards = await upsertAll(api, both.reward, writesOf(distinct, 'reward'), note);
  const open = () => distinct.filter(({ id }) => !problems.has(id));

  await tie(api, PATH_OF[object], both.referral.path, {
    wanted: new Map(open().map((row) => [row.id, idsOf(linkedReferrals(object, row), referrals)])),
    note,
    drop: 'tie',
  });
  if (object === 'deal') {
    // Before they are tied to their deal: a tie to the deal proves that there is one to the referral, whatever broke off in between.
    const belongs = new Map(
      open().flatMap(({ rows: { rewards: told } }) =>
        told.flatMap(({ key, referralKey }) => {
          const id = rewards.get(key);
          return id === undefined ? [] : [[id, idsOf([referralKey], referrals)] as const];
        }),
      ),
    );
    const dealOf = new Map(
      open().flatMap(({ id, rows: { rewards: told } }) =>
        idsOf(
          told.map(({ key }) => key),
          rewards,
        ).map((row) => [row, id] as const),
      ),
    );
    await tie(api, both.reward.path, both.referral.path, {
      wanted: belongs,
      note: (ids, problem) =>
        note(
          [...ids].flatMap((id) => dealOf.get(id) ?? []),
          problem,
        ),
      drop: 'tie',
    });
    await tie(api, 'deals', both.reward.path, {
      wanted: new Map(
        open().map(({ id, rows: { rewards: told } }) => [
          id,
          idsOf(
            told.map(({ key }) => key),
            rewards,
          ),
        ]),
      ),
      note,
      drop: 'record',
    });
  }
  return distinct.map(({ id }): MirrorOutcome => {
    const problem = problems.get(id);
    if (!problem) return { id, result: 'written' };
    return problem.result === 'gone' ? { id, result: 'gone' } : { id, ...problem };
  });
}

/** Both objects with all that is written to them; otherwise what is missing. */
function wholeOf(states: ObjectStates): Both | string {
  const [referral, reward] = [states.get('referral'), states.get('reward')];
  if (!referral || !reward) return 'the objects of Wonward are missing in the portal';
  const missing = [...referral.missing, ...reward.missing];
  if (missing.length > 0) return `missing in the portal: ${missing.join(', ')}`;
  if (!referral.writable.has(KEY) || !reward.writable.has(KEY)) return `${KEY} is not a unique text property`;
  return { referral, reward };
}

/** Who was forgotten is tied to nothing; a deal goes on telling of its referral. */
function linkedReferrals(object: MirroredObject, { rows: { referrals } }: RecordOwnRows): string[] {
  return referrals.filter(({ isErased }) => object === 'deal' || isErased !== true).map(({ key }) => key);
}

function idsOf(keys: readonly string[], ids: ReadonlyMap<string, string>): string[] {
  return [...new Set(keys.flatMap((key) => ids.get(key) ?? []))];
}

interface Write {
  readonly key: string;
  readonly values: Values;
  readonly about: ReadonlySet<string>;
}

/** A referral may stand in the rows of several deals: it is written once, with all that is known. */
function writesOf(records: readonly RecordOwnRows[], object: RowObject): Write[] {
  const writes = new Map<string, { values: Values; about: Set<string> }>();
  for (const { id, rows } of records) {
    const told =
      object === 'referral'
        ? rows.referrals.map((row) => [row.key, referralValues(row)] as const)
        : rows.rewards.map((row) => [row.key, rewardValues(row)] as const);
    for (const [key, values] of told) {
      const known = writes.get(key);
      writes.set(key, { values: { ...known?.values, ...values }, about: new Set([...(known?.about ?? []), id]) });
    }
  }
  return [...writes].map(([key, write]) => ({ key, ...write }));
}

function referralValues(row: ReferralRow): Values {
  return {
    wonward_name: `${row.program}, ${row.submittedAt.slice(0, 10)}`,
    wonward_member_id: row.memberKey,
    wonward_program: row.program,
    wonward_stage: row.stage,
    wonward_stage_since: row.stageSince,
    wonward_source: row.source,
    wonward_submitted_at: row.submittedAt,
    ...(row.nextStep === undefined ? {} : { wonward_next_step: row.nextStep }),
  };
}

function rewardValues(row: RewardRow): Values {
  return {
    wonward_name: `${row.rule}: ${row.state.replaceAll('_', ' ')}`,
    wonward_party: row.party,
    wonward_rule: row.rule,
    wonward_state: row.state,
    wonward_amount: row.money?.amount ?? null,
    wonward_currency: row.money?.currency ?? null,
    wonward_reason_code: row.reasonCode,
    wonward_reason: row.reason,
    wonward_next_step: row.nextStep,
    wonward_decided_at: row.decidedAt,
    wonward_release_at: row.releaseAt,
    wonward_issued_at: row.issuedAt,
  };
}

/** As HubSpot takes them: text, an empty one clears; without what the portal has of another kind. */
function propertiesOf(values: Values, { writable }: ObjectState): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (writable.has(name) ? [[name, value ?? '']] : [])),
  );
}

type Note = (ids: Iterable<string>, problem: Problem) => void;

/** HubSpot's ids by our keys, of those that were written. */
async function upsertAll(
  api: PortalApi,
  state: ObjectState,
  writes: readonly Write[],
  note: Note,
): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  const budget = { callsLeft: SPLIT_CALLS_MAX };
  for (const chunk of chunksOf(writes, BATCH_MAX)) await upsert(api, state, chunk, { ids, note, budget });
  return ids;
}

async function upsert(
  api: PortalApi,
  state: ObjectState,
  writes: readonly Write[],
  into: { readonly ids: Map<string, string>; readonly note: Note; readonly budget: { callsLeft: number } },
): Promise<void> {
  const reply = await api.call({
    name: 'write rows',
    method: 'POST',
    path: PATHS.batchUpsert(state.path),
    json: {
      inputs: writes.map(({ key, values }) => ({
        id: key,
        idProperty: KEY,
        properties: propertiesOf(values, state),
        // With it HubSpot names the row in an error, and writes the others.
        objectWriteTraceId: key,
      })),
    },
    schema: upsertedSchema,
    refusals: [400, 403, 404, 409],
  });
  if (!reply.ok) {
    const problem = problemOf(reply.status, reply.error);
    // What has to do with the object and not with a row is so for all of them.
    const [first, ...others] = writes;
    const isOfAll = problem.result !== 'rejected';
    if (isOfAll || others.length === 0 || first === undefined || into.budget.callsLeft < 2) {
      const told = isOfAll || others.length === 0 ? problem : { ...problem, result: 'retry' as const };
      for (const { about } of writes) into.note(about, told);
      return;
    }
    into.budget.callsLeft -= 2;
    const middle = Math.ceil(writes.length / 2);
    await upsert(api, state, writes.slice(0, middle), into);
    await upsert(api, state, writes.slice(middle), into);
    return;
  }
  for (const { id, properties } of reply.data.results) {
    const key = properties[KEY];
    if (typeof key === 'string') into.ids.set(key, id);
  }
  const refused = new Map<string, HubSpotError>();
  for (const error of reply.data.errors ?? []) for (const key of idsIn(error)) refused.set(key, error);
  for (const { key, about } of writes) {
    const error = refused.get(key);
    if (error) into.note(about, problemOf(400, error));
    else if (!into.ids.has(key)) into.note(about, { result: 'retry', detail: 'HubSpot’s answer does not name a row' });
  }
}

function problemOf(status: number, error: HubSpotError): Problem {
  const detail = describe(error);
  // An object that is not there any more is no unknown row: it is made anew.
  if (saysUnknownProperty(error) || /infer object type/i.test(error.message ?? ''))
    return { result: 'unprovisioned', detail };
  // A subscription that has ended shows in the grant within half an hour; until then nothing is given up.
  if (status === 403 || status === 404) return { result: 'retry', detail };
  if (/^(RATE_LIMITS?|INTERNAL_ERROR|RECORD_LOCKED|CONFLICT)$/.test(error.category ?? ''))
    return { result: 'retry', detail };
  return { result: 'rejected', detail };
}

interface Ties {
  /** By the id of the record that they begin at: all that it should be tied to. */
  readonly wanted: ReadonlyMap<string, readonly string[]>;
  readonly note: Note;
  /** What happens to what it should not be tied to: the tie goes, or the row itself. */
  readonly drop: 'tie' | 'record';
}

async function tie(api: PortalApi, from: ObjectPath, to: ObjectPath, { wanted, note, drop }: Ties): Promise<void> {
  if (wanted.size === 0) return;
  const shown = await readAssociations(api, from, to, [...wanted.keys()]);
  const absent: { from: { id: string }; to: { id: string } }[] = [];
  const extra: { from: string; to: string[] }[] = [];
  for (const [id, ids] of wanted) {
    const present = new Set((shown.get(id) ?? []).map(({ toId }) => toId));
    for (const toId of ids) if (!present.has(toId)) absent.push({ from: { id }, to: { id: toId } });
    const superfluous = [...present].filter((toId) => !ids.includes(toId));
    if (superfluous.length > 0) extra.push({ from: id, to: superfluous });
  }
  for (const inputs of chunksOf(absent, ASSOCIATED_TOGETHER)) {
    const reply = await api.call({
      name: 'tie rows to records',
      method: 'POST',
      path: PATHS.associate(from, to),
      json: { inputs },
      schema: associatedSchema,
      refusals: [400, 403, 404, 409],
    });
    if (!reply.ok) {
      note(
        inputs.map((input) => input.from.id),
        problemOf(reply.status, reply.error),
      );
      continue;
    }
    for (const error of reply.data.errors ?? []) {
      const named = idsNamed(error);
      const problem = saysNotFound(error)
        ? { result: 'gone' as const, detail: describe(error) }
        : problemOf(400, error);
      const about = inputs.map((input) => input.from.id).filter((id) => named.has(id));
      // A refusal that names nobody is everybody's until the next attempt.
      if (about.length > 0) note(about, problem);
      else
        note(
          inputs.map((input) => input.from.id),
          { result: 'retry', detail: problem.detail },
        );
    }
  }
  if (drop === 'record')
    return archive(
      api,
      to,
      extra.flatMap((one) => one.to),
    );
  for (const chunk of chunksOf(extra, ASSOCIATED_TOGETHER)) {
    await api.data({
      name: 'untie rows from records',
      method: 'POST',
      path: PATHS.dissociate(from, to),
      json: { inputs: chunk.map((one) => ({ from: { id: one.from }, to: one.to.map((id) => ({ id })) })) },
      schema: anythingSchema,
    });
  }
}

function idsNamed({ context }: HubSpotError): Set<string> {
  const value = context?.fromObjectId;
  return new Set((Array.isArray(value) ? value : [value]).map(String));
}

async function archive(api: PortalApi, path: ObjectPath, ids: readonly string[]): Promise<void> {
  for (const chunk of chunksOf([...new Set(ids)], BATCH_MAX)) {
    await api.data({
      name: 'remove rows',
      method: 'POST',
      path: PATHS.batchArchive(path),
      json: { inputs: chunk.map((id) => ({ id })) },
      schema: anythingSchema,
    });
  }
}

/** Takes away at most `max` rows of each object; the same again goes on. */
export async function removeRows(
  api: PortalApi,
  states: ObjectStates,
  max: number,
): Promise<{ readonly removed: number; readonly isDone: boolean }> {
  let removed = 0;
  let isDone = true;
  for (const { path } of states.values()) {
    let ofThis = 0;
    for (;;) {
      const { results } = await api.data({
        name: 'read rows to remove',
        method: 'GET',
        path: PATHS.objects(path),
        query: { limit: String(BATCH_MAX) },
        schema: objectPageSchema,
      });
      if (results.length === 0) break;
      if (ofThis >= max) {
        isDone = false;
        break;
      }
      await archive(
        api,
        path,
        results.map(({ id }) => id),
      );
      ofThis += results.length;
    }
    removed += ofThis;
  }
  return { removed, isDone };
}

/** What the rows about records show now, and what they are tied to, against what they should. */
export async function compareRows(
  api: PortalApi,
  states: ObjectStates,
  object: MirroredObject,
  rows: readonly RecordOwnRows[],
): Promise<MirrorComparison[]> {
  const both = wholeOf(states);
  if (typeof both === 'string') return rows.map(({ id }) => ({ id, result: 'different', fields: ['objects'] }));
  const shown = {
    referral: await readRows(api, both.referral, writesOf(rows, 'referral')),
    reward: await readRows(api, both.reward, writesOf(rows, 'reward')),
  };
  const ids = rows.map(({ id }) => id);
  const ties = {
    referral: await readAssociations(api, PATH_OF[object], both.referral.path, ids),
    reward: object === 'deal' ? await readAssociations(api, 'deals', both.reward.path, ids) : new Map(),
  };
  return rows.map((row): MirrorComparison => {
    const fields = new Set<string>();
    for (const kind of ['referral', 'reward'] as const) {
      const linked = kind === 'referral' ? linkedReferrals(object, row) : row.rows.rewards.map(({ key }) => key);
      for (const { key, values } of writesOf([row], kind)) {
        const found = shown[kind].get(key);
        if (!found) fields.add(kind);
        else
          for (const [name, wanted] of Object.entries(propertiesOf(values, both[kind])))
            if (!isToldByMany(kind, name) && !isSameValue(wanted, found.properties[name] ?? ''))
              fields.add(`${kind}.${name}`);
      }
      const wantedIds = linked.flatMap((key) => shown[kind].get(key)?.id ?? []).sort();
      const tiedTo = (ties[kind].get(row.id) ?? []).map(({ toId }: { toId: string }) => toId).sort();
      if (wantedIds.join() !== tiedTo.join()) fields.add(`${kind}.association`);
    }
    return fields.size === 0
      ? { id: row.id, result: 'same' }
      : { id: row.id, result: 'different', fields: [...fields] };
  });
}

/** Each deal of a referral has a next step, and the row shows that of the deal that was written last: any of them is right. */
function isToldByMany(kind: RowObject, name: string): boolean {
  return kind === 'referral' && name === 'wonward_next_step';
}

async function readRows(api: PortalApi, state: ObjectState, writes: readonly Write[]) {
  const found = new Map<string, { readonly id: string; readonly properties: Values }>();
  for (const chunk of chunksOf(writes, BATCH_MAX)) {
    const { results } = await api.data({
      name: 'read rows',
      method: 'POST',
      path: PATHS.batchRead(state.path),
      json: {
        inputs: chunk.map(({ key }) => ({ id: key })),
        idProperty: KEY,
        properties: [KEY, ...state.writable],
        propertiesWithHistory: [],
      },
      schema: batchRecordsSchema,
    });
    for (const { id, properties } of results) {
      const key = properties[KEY];
      if (typeof key === 'string') found.set(key, { id, properties });
    }
  }
  return found;
}
