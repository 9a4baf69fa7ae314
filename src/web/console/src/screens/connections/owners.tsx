import { Anchor, Badge, Button, Group, List, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import type { Proposal } from './queries.ts';
import { connectionText } from './texts.ts';

type Owners = NonNullable<Proposal['owners']>;

/** Who of the customer's own people the deals belong to, and what an admin could say of them. Nothing of it is said by itself. */
export function OwnersPanel({ owners: found }: { owners: Owners }) {
  const t = useText(connectionText);
  const { account } = useAccount();
  const { number } = useFormat();
  const { owners, others, withoutOwner, deals, suggestions } = found;
  const nameOf = ({ name, id }: Owners['owners'][number]) => name ?? t('ownerUnnamed', { id });
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <div>
          <Title order={2} size="h5">
            {t('owners')}
          </Title>
          <Text size="sm" c="dimmed" maw={640}>
            {t('ownersWhat', { deals })} {withoutOwner > 0 && t('ownersNone', { count: withoutOwner })}
          </Text>
        </div>
        {suggestions.length > 0 && (
          <List size="sm" spacing="xs">
            {suggestions.map((one) => {
              const owner = owners.find(({ id }) => id === one.ownerId);
              return (
                <List.Item key={`${one.kind} ${one.ownerId}`}>
                  <b>{owner ? nameOf(owner) : one.ownerId}</b>: {one.text}{' '}
                  {one.kind === 'tasks' && <Text span>{t('ownerTasksWhere')}</Text>}
                  {one.kind === 'staff' && one.memberId !== null && <SayStaff memberId={one.memberId} />}
                </List.Item>
              );
            })}
          </List>
        )}
        {owners.length > 0 && (
          <Wide label={t('owners')}>
            <Table aria-label={t('owners')} verticalSpacing={6} miw={560}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('owner')}</Table.Th>
                  <Table.Th ta="right">{t('ownerDeals')}</Table.Th>
                  <Table.Th ta="right">{t('ownerOpen')}</Table.Th>
                  <Table.Th ta="right">{t('ownerWon')}</Table.Th>
                  <Table.Th>{t('ownerPipelines')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {owners.map((owner) => (
                  <Table.Tr key={owner.id}>
                    <Table.Td>
                      <Group gap="xs">
                        {owner.memberId === null ? (
                          nameOf(owner)
                        ) : (
                          <Anchor component={Link} to={`/${account.id}/members/${owner.memberId}` as string} size="sm">
                            {nameOf(owner)}
                          </Anchor>
                        )}
                        {owner.memberId !== null && (
                          <Badge variant="light" tt="none">
                            {t('ownerMember')}
                          </Badge>
                        )}
                        {!owner.isActive && (
                          <Badge variant="default" tt="none">
                            {t('ownerLeft')}
                          </Badge>
                        )}
                      </Group>
                    </Table.Td>
                    <Table.Td ta="right">{number(owner.deals)}</Table.Td>
                    <Table.Td ta="right">{number(owner.open)}</Table.Td>
                    <Table.Td ta="right">{number(owner.won)}</Table.Td>
                    <Table.Td>
                      {owner.pipelines.map(({ label, deals: here }) => `${label} (${number(here)})`).join(', ')}
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        )}
        {others > 0 && (
          <Text size="sm" c="dimmed">
            {t('ownersOthers', { count: others })}
          </Text>
        )}
      </Stack>
    </Paper>
  );
}

function SayStaff({ memberId }: { memberId: string }) {
  const t = useText(connectionText);
  const { api, may } = useAccount();
  const say = useMutation({
    mutationFn: async () =>
      (
        await api.PUT('/members/{memberId}/recruiter', {
          params: { path: { memberId } },
          body: { isRecruiter: true },
        })
      ).data,
  });
  if (say.isSuccess)
    return (
      <Text span role="status" c="green">
        {t('ownerIsStaff')}
      </Text>
    );
  if (!may('review.decide')) return null;
  return (
    <>
      <Button size="compact-xs" variant="light" loading={say.isPending} onClick={() => say.mutate()}>
        {t('ownerSayStaff')}
      </Button>
      {say.isError && <ProblemNote thrown={say.error} />}
    </>
  );
}
