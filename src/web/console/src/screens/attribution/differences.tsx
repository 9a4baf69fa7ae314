import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { DifferenceList } from '../../parts/difference-list.tsx';
import { type Policy, textOf } from './queries.ts';
import { attributionText } from './texts.ts';

/** What publishing a policy would change about what holds, a line for each field. `inForce`: asked anew when it is another version. */
export function Differences({ policy, inForce }: { policy: Policy; inForce: number }) {
  const t = useText(attributionText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'attribution-diff', inForce, textOf(policy)],
    queryFn: async () => (await api.POST('/attribution-policies/diff', { body: policy })).data ?? { differences: [] },
  });
  return <DifferenceList query={query} none={t('noChanges')} />;
}
