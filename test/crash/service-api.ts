import { OWN_CONNECTION } from '../support/processes.ts';

/** The public API, as a customer's program sees it. */
export interface Money {
  readonly amount: string;
  readonly currency: string;
}

export interface Ref {
  readonly connectionId: string;
  readonly id: string;
}

export interface ApiReason {
  readonly code: string;
  readonly text: string;
}

export interface ApiMember {
  readonly id: string;
  readonly name: string | null;
  readonly email: string | null;
  readonly code: string;
  readonly shareLink: string;
  readonly contact: Ref | null;
}

export interface ApiReferral {
  readonly id: string;
  readonly memberId: string;
  readonly friend: { readonly name: string | null; readonly contact: Ref | null };
  readonly stage: string;
  readonly submittedAt: string;
}

export interface ApiDecision {
  readonly id: string;
  readonly referralId: string;
  readonly deal: Ref;
  readonly ruleKey: string;
  readonly party: string;
  readonly sequence: number;
  readonly outcome: string;
  readonly reason: ApiReason;
  readonly money: Money | null;
  readonly rewardId: string | null;
  readonly effectiveAt: string;
  readonly recordedAt: string;
}

export interface ApiReward {
  readonly id: string;
  readonly referralId: string;
  readonly deal: Ref;
  readonly ruleKey: string;
  readonly party: string;
  readonly beneficiaryId: string;
  readonly money: Money;
  readonly state: string;
  readonly reason: ApiReason;
  readonly payout: string;
  readonly programId: string;
  readonly reversalPending: boolean;
  /** Amounts without their currency, which is that of the reward. */
  readonly netted: string;
  readonly clawedBack: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ApiJournal {
  readonly id: string;
  readonly kind: string;
  readonly rewardId: string;
  readonly decisionId: string | null;
  readonly postings: ReadonlyArray<{ readonly account: string } & Money>;
}

export interface ApiConnection {
  readonly id: string;
  readonly externalId: string;
  readonly status: string;
  readonly statusReason: string | null;
}

/** All that one account can see. */
export interface AccountView {
  readonly accountId: string;
  readonly connections: readonly ApiConnection[];
  readonly members: readonly ApiMember[];
  readonly referrals: readonly ApiReferral[];
  readonly decisions: readonly ApiDecision[];
  readonly rewards: readonly ApiReward[];
  readonly journals: readonly ApiJournal[];
  readonly balances: ReadonlyArray<{ readonly account: string } & Money>;
}

export interface Tenant {
  readonly accountId: string;
  readonly apiKey: string;
  readonly portalId: number;
}

export interface ServiceApi {
  get(tenant: Tenant, path: string): Promise<{ status: number; body: unknown }>;
  post(tenant: Tenant, path: string, body: unknown): Promise<{ status: number; body: unknown }>;
  view(tenant: Tenant): Promise<AccountView>;
}

export function createServiceApi(url: string): ServiceApi {
  async function call(method: string, tenant: Tenant, path: string, body?: unknown) {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { ...OWN_CONNECTION, authorization: `Bearer ${tenant.apiKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
  }

  async function list<T>(tenant: Tenant, path: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const page: string = path === '/balances' || path === '/connections' ? '' : '?limit=100';
      const at: string = cursor === null ? page : `${page}&cursor=${encodeURIComponent(cursor)}`;
      const { status, body } = await call('GET', tenant, `${path}${at}`);
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`);
      const answer = body as { items: T[]; nextCursor?: string | null };
      items.push(...answer.items);
      cursor = answer.nextCursor ?? null;
    } while (cursor !== null);
    return items;
  }

  return {
    get: (tenant, path) => call('GET', tenant, path),
    post: (tenant, path, body) => call('POST', tenant, path, body),
    async view(tenant) {
      return {
        accountId: tenant.accountId,
        connections: await list(tenant, '/connections'),
        members: await list(tenant, '/members'),
        referrals: await list(tenant, '/referrals'),
        decisions: await list(tenant, '/decisions'),
        rewards: await list(tenant, '/rewards'),
        journals: await list(tenant, '/journals'),
        balances: await list(tenant, '/balances'),
      };
    },
  };
}
