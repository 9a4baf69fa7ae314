import { useQuery } from '@tanstack/react-query';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';

export type PolicyVersion =
  operations['listAttributionPolicies']['responses'][200]['content']['application/json']['items'][number];
type Sent = operations['validateAttributionPolicy']['requestBody']['content']['application/json'];
/** Every field is said, so that what is read here holds whatever the service takes for granted. */
export type Policy = Required<Omit<Sent, 'assistPercent'>> & Pick<Sent, 'assistPercent'>;
export type Source = Policy['sources'][number];

/** In the order in which they stand where no policy names them. */
export const SOURCES: readonly Source[] = ['email', 'label', 'code', 'company'];

/** What holds where none was published: said by the service only as what differs from it. */
export const WITHOUT: Policy = {
  windowDays: null,
  touch: 'first',
  sources: ['email', 'label', 'code'],
  existingCustomer: 'accept',
  selfReferral: 'decline',
};

/** How often a page looks whether somebody else has published. */
const REFETCH_MS = 15_000;

/** Newest first; none while none was published. */
export function usePolicies() {
  const { api, account } = useAccount();
  return useQuery({
    queryKey: [account.id, 'attribution-policies'],
    refetchInterval: REFETCH_MS,
    queryFn: async () => (await api.GET('/attribution-policies')).data?.items ?? [],
  });
}

/** A published version as it is written anew: evidence of a person's own making is ranked by no policy. */
export function policyOf({ policy: { sources, ...rest } }: PolicyVersion): Policy {
  return { ...rest, sources: sources.filter((source): source is Source => source !== 'explicit') };
}

/** The same for the same policy, in whatever order its fields were written. */
export function textOf({ windowDays, touch, sources, existingCustomer, selfReferral, assistPercent }: Policy): string {
  return JSON.stringify({ windowDays, touch, sources, existingCustomer, selfReferral, assistPercent });
}
