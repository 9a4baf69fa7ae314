import { Badge, Button, Group, Paper, Stack, Text, TextInput, Title, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ShownOnce } from '../../parts/once.tsx';
import { Loaded, ProblemNote, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { type Role, RoleSelect } from './role-select.tsx';
import { roleText, settingsText } from './texts.ts';

export default function Users() {
  const t = useText(settingsText);
  const name = useText(roleText);
  const { api, account } = useAccount();
  const { day } = useFormat();
  const client = useQueryClient();
  const queryKey = [account.id, 'users'];
  const query = useQuery({ queryKey, queryFn: async () => (await api.GET('/users')).data });
  const refresh = () => void client.invalidateQueries({ queryKey });
  const setRoles = useMutation({
    mutationFn: ({ userId, roles, version }: { userId: string; roles: Role[]; version: number }) =>
      api.PUT('/users/{userId}/roles', { params: { path: { userId } }, body: { roles, version } }),
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: (userId: string) => api.DELETE('/users/{userId}', { params: { path: { userId } } }),
    onSettled: refresh,
  });
  const withdraw = useMutation({
    mutationFn: (invitationId: string) =>
      api.DELETE('/users/invitations/{invitationId}', { params: { path: { invitationId } } }),
    onSettled: refresh,
  });
  const failed = setRoles.error ?? remove.error ?? withdraw.error;
  return (
    <Screen title={t('users')} description={t('usersWhat')}>
      <Invite onInvited={refresh} />
      {failed && <ProblemNote thrown={failed} />}
      <Loaded query={query}>
        {(team) =>
          team && (
            <Wide label={t('users')}>
              <Table aria-label={t('users')} verticalSpacing="xs" miw={640}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('email')}</Table.Th>
                    <Table.Th miw={260}>{t('roles')}</Table.Th>
                    <Table.Th>{t('since')}</Table.Th>
                    <Table.Th>
                      <VisuallyHidden>{t('remove')}</VisuallyHidden>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {team.users.map((user) => (
                    <Table.Tr key={user.id}>
                      <Table.Td>{user.email}</Table.Td>
                      <Table.Td>
                        <RoleSelect
                          value={user.roles}
                          disabled={setRoles.isPending}
                          onChange={(roles) =>
                            roles.length > 0 && setRoles.mutate({ userId: user.id, roles, version: user.version })
                          }
                        />
                      </Table.Td>
                      <Table.Td>{day(user.since)}</Table.Td>
                      <Table.Td>
                        <ConfirmButton
                          label={t('remove')}
                          title={user.email}
                          onConfirm={() => remove.mutate(user.id)}
                          loading={remove.isPending && remove.variables === user.id}
                        >
                          {t('removeWhat', { email: user.email })}
                        </ConfirmButton>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                  {team.invitations.map((invitation) => (
                    <Table.Tr key={invitation.id}>
                      <Table.Td>
                        {invitation.email} <Badge variant="light">{t('invited')}</Badge>
                      </Table.Td>
                      <Table.Td>{invitation.roles.map((role) => name(role)).join(', ')}</Table.Td>
                      <Table.Td>{t('until', { day: day(invitation.expiresAt) })}</Table.Td>
                      <Table.Td>
                        <Button
                          size="xs"
                          variant="subtle"
                          color="red"
                          onClick={() => withdraw.mutate(invitation.id)}
                          loading={withdraw.isPending && withdraw.variables === invitation.id}
                        >
                          {t('withdraw')}
                        </Button>
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          )
        }
      </Loaded>
    </Screen>
  );
}

function Invite({ onInvited }: { onInvited: () => void }) {
  const t = useText(settingsText);
  const { api } = useAccount();
  const [email, setEmail] = useState('');
  const [roles, setRoles] = useState<Role[]>([]);
  const [wrong, setWrong] = useState<{ email?: string; roles?: string }>({});
  const invite = useMutation({
    mutationFn: async () => {
      const { data } = await api.POST('/users/invitations', { body: { email: email.trim(), roles } });
      return data && { ...data, email: email.trim() };
    },
    onSuccess: () => {
      onInvited();
      setEmail('');
      setRoles([]);
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const problems = {
      ...(/^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(email.trim()) ? {} : { email: t('neededEmail') }),
      ...(roles.length > 0 ? {} : { roles: t('neededRole') }),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !invite.isPending) invite.mutate();
  }
  const made = invite.data;
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} noValidate aria-label={t('invite')}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('invite')}
        </Title>
        <Text size="sm" c="dimmed">
          {t('inviteWhat')}
        </Text>
        <Group align="flex-start" grow>
          <TextInput
            label={t('email')}
            type="email"
            value={email}
            error={wrong.email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
          <RoleSelect label={t('roles')} value={roles} error={wrong.roles} onChange={setRoles} />
        </Group>
        <Group>
          <Button type="submit" loading={invite.isPending}>
            {t('invite')}
          </Button>
        </Group>
        {invite.isError && <ProblemNote thrown={invite.error} />}
        {made?.isSent && <Text size="sm">{t('sentTo', { email: made.email })}</Text>}
        {made && !made.isSent && <ShownOnce secret={made.link}>{t('handOver', { email: made.email })}</ShownOnce>}
      </Stack>
    </Paper>
  );
}
