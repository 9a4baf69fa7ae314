import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { DifferenceList } from '../../parts/difference-list.tsx';
import type { ProgramDocument } from './document.ts';
import { trialText } from './trial-texts.ts';

/** What publishing a program would change about the version in force, a line for each field. */
export function Differences({ document }: { document: ProgramDocument }) {
  const t = useText(trialText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'program-diff', JSON.stringify(document)],
    queryFn: async () => (await api.POST('/programs/diff', { body: document })).data ?? { differences: [] },
  });
  return <DifferenceList query={query} none={t('noChanges')} />;
}
