import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readNumbers, readQueries, readViews, restSoql, viewOf } from './apex-source.ts';
import { readLabels } from './lightning-bundle.ts';
import type { OrgReply, OrgSession } from './org-session.ts';

/**
 * Answers for ReferralHistoryController, which cannot be run here. Queries, limits and views come from the classes' text; the order in which
 * they are run, and how a row is written, is told again below and has to be kept alike by hand.
 */

const PACKAGE = fileURLToPath(new URL('../../../../extensions/salesforce/force-app/main/default', import.meta.url));

export interface ApexAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface ApexStandIn {
  invoke(className: string, method: string, params: Readonly<Record<string, unknown>>): Promise<ApexAnswer>;
}

class ApexProblem extends Error {}

const LOOKUPS: Readonly<Record<string, string>> = {
  '003': 'Contact__c',
  '00Q': 'Lead__c',
  '001': 'Account__c',
  '006': 'Opportunity__c',
};

export function createApexStandIn(session: OrgSession, root = PACKAGE): ApexStandIn {
  const read = (name: string): string => readFileSync(join(root, 'classes', `${name}.cls`), 'utf8');
  const controller = read('ReferralHistoryController');
  const queries = readQueries(controller);
  const numbers = readNumbers(controller);
  const views = readViews(read('ReferralHistoryView'));
  const labels = readLabels(root);
  const limits = Object.fromEntries(numbers);

  async function describe(object: string): Promise<{ createable: boolean } | null> {
    const { status, body } = await session.call('GET', `/sobjects/${object}/describe`);
    return status === 200 ? body : null;
  }

  async function rows(name: string, binds: Parameters<typeof restSoql>[1]): Promise<Record<string, unknown>[]> {
    const query = queries.get(name);
    if (query === undefined) throw new Error(`the controller has no query ${name}`);
    const soql = restSoql(query.soql, { ...limits, ...binds });
    const reply = await session.call('GET', `/query?q=${encodeURIComponent(soql)}`);
    if (reply.status !== 200) throw refusal(reply);
    return reply.body.records;
  }

  async function list(name: string, view: string, binds: Parameters<typeof restSoql>[1]) {
    const copies = views.get(view);
    if (copies === undefined) throw new Error(`the classes have no view ${view}`);
    return (await rows(name, binds)).map((row) => viewOf(copies, row));
  }

  function refusal({ body }: OrgReply): Error {
    const [first] = body as [{ errorCode: string; message: string }];
    // What a query in user mode says of a hidden field or object.
    if (first.errorCode === 'INVALID_FIELD' || first.errorCode === 'INVALID_TYPE') {
      return new ApexProblem(`${labels.get('Referral_Error_Fields')} ${first.message.trim().split('\n').at(-1)}`);
    }
    return new ApexProblem(first.message);
  }

  const idsOf = (rows: readonly Record<string, unknown>[]): string[] => rows.map(({ id }) => String(id));

  async function getHistory({ recordId, maxRows }: Readonly<Record<string, unknown>>): Promise<unknown> {
    const empty = { canRead: false, canAct: false, members: [], referrals: [], rewards: [], actions: [], consents: [] };
    if ((await describe('Referral__c')) === null) return empty;
    const rowsMax = Math.min(Math.max(Number(maxRows ?? 1), 1), numbers.get('ROWS_MAX') ?? 1) + 1;
    const page = { recordId: String(recordId) };
    const members = await list('members', 'Member', page);
    const memberIds = idsOf(members);
    const referrals = await list('referrals', 'Referral', { ...page, memberIds, rowsMax });
    const referralIds = idsOf(referrals);
    const rewards = await list('rewards', 'Reward', { referralIds });
    const action = await describe('Referral_Action__c');
    const actions = action === null ? [] : await list('actions', 'Action', { ...page, memberIds, referralIds });
    const consents = (await describe('Referral_Consent_Text__c')) === null ? [] : await list('texts', 'Consent', page);
    return { canRead: true, canAct: action?.createable ?? false, members, referrals, rewards, actions, consents };
  }

  async function findMembers({ term }: Readonly<Record<string, unknown>>): Promise<unknown> {
    const code = String(term ?? '').trim();
    if (code.length < (numbers.get('TERM_LENGTH_MIN') ?? 0)) return [];
    return list('found', 'Member', { code, part: `%${code.replace(/[\\%_]/g, '\\$&')}%` });
  }

  async function friendOf(opportunityId: string): Promise<{ Contact__c: string }> {
    const [role] = await rows('roles', { opportunityId });
    if (role === undefined) throw new ApexProblem(labels.get('Referral_Error_No_Primary') ?? '');
    return { Contact__c: String(role.ContactId) };
  }

  /** As ReferralActions.save: what was asked before is not asked again. */
  async function ask(type: string, params: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>>) {
    const key = `${type}:${String(params.key)}`;
    const lookup = LOOKUPS[String(params.recordId).slice(0, 3)];
    if (lookup === undefined) {
      throw new ApexProblem('recordId: send the id of a Contact, Lead, Account or Opportunity.');
    }
    const row = {
      Type__c: type,
      Idempotency_Key__c: key,
      Request__c: JSON.stringify({ ...(JSON.parse(String(params.request)) as object), v: 1, by: 'rep' }),
      [lookup]: params.recordId,
      ...(type === 'submit_referral' && lookup === 'Opportunity__c' ? await friendOf(String(params.recordId)) : {}),
      ...more,
    };
    const before = await session.call(
      'GET',
      `/sobjects/Referral_Action__c/Idempotency_Key__c/${encodeURIComponent(key)}`,
    );
    if (before.status === 200) return before.body.Id;
    const reply = await session.call('POST', '/sobjects/Referral_Action__c', row);
    if (reply.status !== 201) throw refusal(reply);
    return reply.body.id;
  }

  const methods: Readonly<Record<string, (params: Readonly<Record<string, unknown>>) => Promise<unknown>>> = {
    getHistory,
    findMembers,
    submitReferral: (params) => ask('submit_referral', params, params.memberId ? { Member__c: params.memberId } : {}),
    openDispute: (params) => ask('open_dispute', params, { Referral__c: params.referralId }),
  };

  return {
    async invoke(className, method, params) {
      const run = className === 'ReferralHistoryController' ? methods[method] : undefined;
      if (run === undefined) return { status: 404, body: { message: `There is no ${className}.${method} here.` } };
      try {
        return { status: 200, body: await run(params) };
      } catch (error) {
        if (error instanceof ApexProblem) return { status: 500, body: { message: error.message } };
        throw error;
      }
    },
  };
}
