import { useInfiniteQuery } from '@tanstack/react-query';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useUrlState } from '../../parts/url-state.ts';

export type QueuedCase = operations['listCaseQueue']['responses'][200]['content']['application/json']['items'][number];
export type WholeCase = operations['getCase']['responses'][200]['content']['application/json'];
export type Outcome = NonNullable<WholeCase['case']['outcome']>;

export const KINDS = ['review', 'dispute', 'alert'] as const;
export const SEVERITIES = ['urgent', 'high', 'normal', 'low'] as const;

/** Others work on the same list; what they have decided leaves it within this time. */
const REFRESH_MS = 20_000;
const PAGE = 25;

function among<T extends string>(values: readonly T[], value: string | undefined): T | undefined {
  return values.find((one) => one === value);
}

/** The open cases with the filters of the address, in the order in which they are due. */
export function useQueue() {
  const { api, account, session } = useAccount();
  const [url, setUrl] = useUrlState<'kind' | 'severity' | 'whose'>();
  const kind = among(KINDS, url.kind);
  const severity = among(SEVERITIES, url.severity);
  const whose = among(['mine', 'roles'] as const, url.whose);
  const me = `person:${session.user.id}`;
  const owners = [
    me,
    ...(whose === 'roles' ? account.roles.map((role) => (role === 'owner' ? 'account_owner' : `role:${role}`)) : []),
  ];
  const filters = {
    ...(kind === undefined ? {} : { kind }),
    ...(severity === undefined ? {} : { severity }),
    ...(whose === undefined ? {} : { owner: owners.join(',') }),
  };
  const query = useInfiniteQuery({
    queryKey: [account.id, 'case-queue', filters],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam }) => {
      const cursor = pageParam === undefined ? {} : { cursor: pageParam };
      const { data } = await api.GET('/case-queue', { params: { query: { ...filters, limit: PAGE, ...cursor } } });
      return data ?? { items: [], nextCursor: null };
    },
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: REFRESH_MS,
  });
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return { query, items, filters: { kind, severity, whose }, setUrl };
}

/** How a case ends when somebody says yes to it, and when they say no. */
export function outcomesFor(one: Pick<QueuedCase, 'kind' | 'topic' | 'facts' | 'rewardId'>): {
  readonly yes: 'approved' | 'allowed' | 'resolved' | 'reattributed' | 'taken_back' | 'upheld';
  readonly no: 'rejected' | 'dismissed';
} {
  if (one.topic === 'reward_review') return { yes: 'approved', no: 'rejected' };
  if (one.topic === 'risk_blocked') return { yes: 'allowed', no: 'dismissed' };
  if (one.kind === 'alert') return { yes: 'resolved', no: 'dismissed' };
  if (typeof one.facts.memberId === 'string') return { yes: 'reattributed', no: 'dismissed' };
  return { yes: one.rewardId !== null && one.topic === 'fraud' ? 'taken_back' : 'upheld', no: 'dismissed' };
}

export const caseKey = (accountId: string, caseId: string) => [accountId, 'case', caseId];

/** Whom a case is about, in a few words; of an alert, what it says. */
export function aboutOf(
  { member, friend, summary }: QueuedCase,
  t: (key: 'about' | 'nobody', values?: Record<string, string>) => string,
): string {
  if (!member || !friend) return summary;
  const nameOf = (person: { name: string | null; email: string | null }) => person.name ?? person.email ?? t('nobody');
  return t('about', { member: nameOf(member), friend: nameOf(friend) });
}
