import { ACTION, MEMBER, REFERRAL, REWARD } from '../../../manifests/salesforce/package.ts';
import type { CrmAnswer, CrmRequest, CrmRequests, DuplicateRules } from '../../application/ports/crm.ts';
import type { OrgApi } from './call.ts';
import { savedAllTheSame } from './duplicates.ts';
import { longId } from './ids.ts';
import type { OrgShape } from './org.ts';
import { runParts, runQueries, runQuery } from './query.ts';
import { chunksOf, idList, select } from './soql.ts';
import { PATHS } from './version.ts';
import { isoSeconds, type Row, savedSchema, text } from './wire.ts';

const ROWS_MAX = 200;

/** Rows of `Referral_Action__c`, which flows and the component write; answered by changing the row, which a flow can wait for. */
export function createRequests(
  api: OrgApi,
  shapeOf: () => Promise<OrgShape>,
  clock: () => number,
  rules: DuplicateRules,
): CrmRequests {
  return {
    async open(limit) {
      const shape = await shapeOf();
      const { prefix } = shape;
      const object = prefix + ACTION.object;
      if (!shape.fields.has(object)) return [];
      const own = (name: string) => prefix + name;
      const { fields } = ACTION;
      const columns = [
        'Id',
        'CreatedById',
        ...[fields.type, fields.request, fields.contact, fields.lead, fields.opportunity].map(own),
        own(`${fields.referral.replace(/__c$/, '__r')}.${own(REFERRAL.key)}`),
        own(`${fields.member.replace(/__c$/, '__r')}.${own(MEMBER.key)}`),
      ];
      const rest = `WHERE ${own(fields.status)} = 'pending' ORDER BY CreatedDate, Id LIMIT ${limit}`;
      const { rows } = await runQuery(api, 'read actions', { soql: select(columns, object, rest), scope: 'live' });
      const requests = rows.map((row) => requestOf(row, own));
      return withKeys(api, own, requests);
    },

    async answer(answers) {
      const { prefix } = await shapeOf();
      const own = (name: string) => prefix + name;
      const parts = chunksOf(answers, ROWS_MAX).map((chunk) => ({
        chunk,
        part: { ...partOf(own, chunk, clock()), ...savedAllTheSame(rules) },
      }));
      const { answers: replies } = await runParts(
        api,
        'answer actions',
        parts.map(({ part }) => part),
      );
      return parts.flatMap(({ chunk }, index) => {
        const { status = 500, body } = replies[index] ?? {};
        const saved = status < 400 ? savedSchema.safeParse(body) : null;
        return chunk
          .filter((_, place) => saved?.success !== true || saved.data[place]?.success !== true)
          .map(({ id }) => id);
      });
    },
  };
}

type Named = (name: string) => string;

/** The body may name rows of ours by their Salesforce ids, since that is what a component knows. */
interface Open extends CrmRequest {
  readonly memberRowId: string | null;
  readonly rewardRowId: string | null;
}

function requestOf(row: Row, own: Named): Open {
  const { fields } = ACTION;
  const body = parsed(text(row[own(fields.request)]));
  const parentKey = (name: string, key: string) => {
    const parent = row[own(name.replace(/__c$/, '__r'))];
    return typeof parent === 'object' && parent !== null && !Array.isArray(parent) ? text(parent[own(key)]) : null;
  };
  const idIn = (name: string) => {
    const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : null;
    return typeof value === 'string' ? longId(value) : null;
  };
  return {
    id: String(row.Id),
    type: text(row[own(fields.type)]) ?? '',
    askedBy: text(row.CreatedById) ?? '',
    contactId: text(row[own(fields.contact)]) ?? text(row[own(fields.lead)]),
    dealId: text(row[own(fields.opportunity)]),
    referralKey: parentKey(fields.referral, REFERRAL.key),
    memberKey: parentKey(fields.member, MEMBER.key),
    rewardKey: null,
    body,
    memberRowId: idIn('memberId'),
    rewardRowId: idIn('rewardId'),
  };
}

function parsed(json: string | null): unknown {
  try {
    return json === null ? {} : JSON.parse(json);
  } catch {
    return null;
  }
}

async function withKeys(api: OrgApi, own: Named, requests: readonly Open[]): Promise<CrmRequest[]> {
  const [memberIds, rewardIds] = [
    requests.flatMap(({ memberRowId }) => memberRowId ?? []),
    requests.flatMap(({ rewardRowId }) => rewardRowId ?? []),
  ];
  const queryOf = (object: string, key: string, ids: readonly string[]) => ({
    soql: select(['Id', own(key)], own(object), `WHERE Id IN ${idList([...new Set(ids)])}`),
    scope: 'live' as const,
  });
  const queries = [
    ...(memberIds.length > 0 ? [queryOf(MEMBER.object, MEMBER.key, memberIds)] : []),
    ...(rewardIds.length > 0 ? [queryOf(REWARD.object, REWARD.key, rewardIds)] : []),
  ];
  const rows = queries.length === 0 ? [] : (await runQueries(api, 'read rows of actions', queries)).rows.flat();
  // Members and rewards call their key the same.
  const keys = new Map(rows.map((row) => [String(row.Id), text(row[own(MEMBER.key)])]));
  const keyOf = (id: string | null) => (id === null ? null : (keys.get(id) ?? null));
  return requests.map(({ memberRowId, rewardRowId, ...request }) => ({
    ...request,
    memberKey: request.memberKey ?? keyOf(memberRowId),
    rewardKey: keyOf(rewardRowId),
  }));
}

function partOf(own: Named, chunk: readonly CrmAnswer[], now: number) {
  const { fields } = ACTION;
  return {
    method: 'PATCH' as const,
    url: PATHS.update,
    body: {
      allOrNone: false,
      records: chunk.map(({ id, status, code, words, result }) => ({
        attributes: { type: own(ACTION.object) },
        Id: id,
        [own(fields.status)]: status,
        [own(fields.outcomeCode)]: code,
        [own(fields.outcome)]: words,
        [own(fields.result)]: JSON.stringify(result),
        [own(fields.completedAt)]: isoSeconds(now),
      })),
    },
  };
}
