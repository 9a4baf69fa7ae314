import { Anchor, Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { Empty, Loaded, Loading, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import type { Version } from './document.ts';
import { listText } from './list-texts.ts';
import { ProgramState } from './program-state.tsx';
import { usePrograms } from './queries.ts';

/** With the templates, and what reads them. */
const NewProgram = lazy(async () => ({ default: (await import('./new-program.tsx')).NewProgram }));

export default function Programs() {
  const t = useText(listText);
  const { account, may } = useAccount();
  const { day, since } = useFormat();
  const query = usePrograms();
  const [isCreating, creating] = useDisclosure();
  const create = may('programs.write') && <Button onClick={creating.open}>{t('newProgram')}</Button>;
  return (
    <Screen title={t('programs')} description={t('programsWhat')} actions={create}>
      <Loaded query={query}>
        {({ programs }) =>
          programs.length === 0 ? (
            <Empty title={t('noPrograms')}>
              <Text size="sm" ta="center">
                {t('noProgramsWhat')}
              </Text>
              {create}
            </Empty>
          ) : (
            <Wide label={t('programs')}>
              <Table aria-label={t('programs')} verticalSpacing="sm" miw={720} highlightOnHover>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('program')}</Table.Th>
                    <Table.Th>{t('state')}</Table.Th>
                    <Table.Th>{t('draft')}</Table.Th>
                    <Table.Th ta="right">{t('rules')}</Table.Th>
                    <Table.Th ta="right">{t('budget')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {programs.map(({ programId, name, versions, draft }) => {
                    const inForce = versions.at(0);
                    return (
                      <Table.Tr key={programId}>
                        <Table.Td>
                          <Anchor component={Link} to={`/${account.id}/programs/${programId}` as string} fw={600}>
                            {name}
                          </Anchor>
                          <Text size="xs" c="dimmed">
                            {programId}
                          </Text>
                        </Table.Td>
                        <Table.Td>
                          <Group gap="xs">
                            <ProgramState inForce={inForce} />
                            {inForce && (
                              <Text size="sm" c="dimmed">
                                {t('versionOf', { version: inForce.version })} ·{' '}
                                {t('publishedOn', { day: day(inForce.publishedAt) })}
                              </Text>
                            )}
                          </Group>
                        </Table.Td>
                        <Table.Td>
                          {draft && (
                            <Text size="sm">
                              {t('draftBy', { who: draft.changedBy, since: since(draft.changedAt) })}
                            </Text>
                          )}
                        </Table.Td>
                        <Table.Td ta="right">{inForce?.rules.length ?? draft?.program.rules.length ?? 0}</Table.Td>
                        <Table.Td ta="right">
                          {inForce && <BudgetLeft programId={programId} inForce={inForce} />}
                        </Table.Td>
                      </Table.Tr>
                    );
                  })}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
      <Dialog opened={isCreating} onClose={creating.close} title={t('newProgram')} size="lg">
        <Suspense fallback={<Loading />}>
          <NewProgram taken={query.data?.programs.map(({ programId }) => programId) ?? []} />
        </Suspense>
      </Dialog>
    </Screen>
  );
}

function BudgetLeft({ programId, inForce }: { programId: string; inForce: Version }) {
  const t = useText(listText);
  const { api, account } = useAccount();
  const { money } = useFormat();
  const isUsed = inForce.rules.some(({ usesBudget }) => usesBudget);
  const query = useQuery({
    queryKey: [account.id, 'budget-left', programId],
    enabled: isUsed,
    queryFn: async () =>
      (await api.GET('/programs/{programId}/budget', { params: { path: { programId }, query: { limit: 1 } } })).data,
  });
  if (!isUsed)
    return (
      <Text size="sm" c="dimmed">
        {t('noBudget')}
      </Text>
    );
  return <Text size="sm">{query.data?.left.map((one) => one && money(one)).join(', ') || '–'}</Text>;
}
