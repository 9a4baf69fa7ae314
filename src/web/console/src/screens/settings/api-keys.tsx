import { Badge, Button, Group, Paper, Stack, TextInput, Title, VisuallyHidden } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { ConfirmButton } from '../../parts/confirm.tsx';
import { ShownOnce } from '../../parts/once.tsx';
import { Empty, Loaded, ProblemNote, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { type Role, RoleSelect } from './role-select.tsx';
import { roleText, settingsText } from './texts.ts';

export default function ApiKeys() {
  const t = useText(settingsText);
  const name = useText(roleText);
  const { api, account } = useAccount();
  const { day } = useFormat();
  const client = useQueryClient();
  const queryKey = [account.id, 'api-keys'];
  const refresh = () => void client.invalidateQueries({ queryKey });
  const query = useQuery({ queryKey, queryFn: async () => (await api.GET('/api-keys')).data });
  const revoke = useMutation({
    mutationFn: (keyId: string) => api.DELETE('/api-keys/{keyId}', { params: { path: { keyId } } }),
    onSettled: refresh,
  });
  return (
    <Screen title={t('keys')} description={t('keysWhat')}>
      <NewKey onMade={refresh} />
      {revoke.isError && <ProblemNote thrown={revoke.error} />}
      <Loaded query={query}>
        {(keys) =>
          keys && keys.items.length > 0 ? (
            <Wide label={t('keys')}>
              <Table aria-label={t('keys')} verticalSpacing="xs" miw={640}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('label')}</Table.Th>
                    <Table.Th>{t('roles')}</Table.Th>
                    <Table.Th>{t('created')}</Table.Th>
                    <Table.Th>{t('state')}</Table.Th>
                    <Table.Th>
                      <VisuallyHidden>{t('revoke')}</VisuallyHidden>
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {keys.items.map((key) => (
                    <Table.Tr key={key.id}>
                      <Table.Td>{key.label}</Table.Td>
                      <Table.Td>{key.roles.map((role) => name(role)).join(', ')}</Table.Td>
                      <Table.Td>{day(key.createdAt)}</Table.Td>
                      <Table.Td>
                        <Badge variant="light" color={key.revokedAt === null ? 'green' : 'gray'}>
                          {key.revokedAt === null ? t('live') : t('revoked', { day: day(key.revokedAt) })}
                        </Badge>
                      </Table.Td>
                      <Table.Td>
                        {key.revokedAt === null && (
                          <ConfirmButton
                            label={t('revoke')}
                            title={key.label}
                            onConfirm={() => revoke.mutate(key.id)}
                            loading={revoke.isPending && revoke.variables === key.id}
                          >
                            {t('revokeWhat', { label: key.label })}
                          </ConfirmButton>
                        )}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Wide>
          ) : (
            <Empty title={t('noKeys')} />
          )
        }
      </Loaded>
    </Screen>
  );
}

function NewKey({ onMade }: { onMade: () => void }) {
  const t = useText(settingsText);
  const { api } = useAccount();
  const [label, setLabel] = useState('');
  const [roles, setRoles] = useState<Role[]>([]);
  const [wrong, setWrong] = useState<{ label?: string; roles?: string }>({});
  const make = useMutation({
    mutationFn: async () => (await api.POST('/api-keys', { body: { label: label.trim(), roles } })).data,
    onSuccess: () => {
      onMade();
      setLabel('');
      setRoles([]);
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const problems = {
      ...(label.trim() === '' ? { label: t('neededLabel') } : {}),
      ...(roles.length > 0 ? {} : { roles: t('neededRole') }),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !make.isPending) make.mutate();
  }
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} noValidate aria-label={t('newKey')}>
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('newKey')}
        </Title>
        <Group align="flex-start" grow>
          <TextInput
            label={t('label')}
            value={label}
            error={wrong.label}
            onChange={(event) => setLabel(event.currentTarget.value)}
          />
          <RoleSelect label={t('roles')} value={roles} error={wrong.roles} onChange={setRoles} />
        </Group>
        <Group>
          <Button type="submit" loading={make.isPending}>
            {t('newKey')}
          </Button>
        </Group>
        {make.isError && <ProblemNote thrown={make.error} />}
        {make.data && <ShownOnce secret={make.data.key}>{t('made')}</ShownOnce>}
      </Stack>
    </Paper>
  );
}
