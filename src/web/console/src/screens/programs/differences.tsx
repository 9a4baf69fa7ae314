import { Code, List, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Loaded } from '../../parts/states.tsx';
import type { ProgramDocument } from './document.ts';
import { programText } from './texts.ts';

/** What publishing a program would change about the version in force, a line for each field. */
export function Differences({ document }: { document: ProgramDocument }) {
  const t = useText(programText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'program-diff', JSON.stringify(document)],
    queryFn: async () => (await api.POST('/programs/diff', { body: document })).data ?? { differences: [] },
  });
  return (
    <Loaded query={query}>
      {({ differences }) =>
        differences.length === 0 ? (
          <Text size="sm">{t('noChanges')}</Text>
        ) : (
          <List size="sm" spacing={4}>
            {differences.map((line) => (
              <List.Item key={line}>
                <Code style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{line}</Code>
              </List.Item>
            ))}
          </List>
        )
      }
    </Loaded>
  );
}
