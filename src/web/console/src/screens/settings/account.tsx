import { Alert, Button, Group, Stack, Switch, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Loaded, ProblemNote, problemIn, Screen } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { settingsText } from './texts.ts';

export default function AccountSettings() {
  const t = useText(settingsText);
  const { api, account } = useAccount();
  const query = useQuery({
    queryKey: [account.id, 'account'],
    queryFn: async () => (await api.GET('/account')).data,
  });
  return (
    <Screen title={t('account')}>
      <Loaded query={query}>{(found) => found && <AccountForm found={found} />}</Loaded>
    </Screen>
  );
}

function AccountForm({ found }: { found: { name: string; needsSecondPerson: boolean } }) {
  const t = useText(settingsText);
  const word = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [name, setName] = useState(found.name);
  const [needsSecondPerson, setNeedsSecondPerson] = useState(found.needsSecondPerson);
  const save = useMutation({
    mutationFn: () => api.PUT('/account', { body: { name, needsSecondPerson } }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [account.id, 'account'] });
      void client.invalidateQueries({ queryKey: ['session'] });
    },
  });
  const wrong = save.isError ? problemIn(save.error).errors?.find(({ field }) => field === 'name') : undefined;
  function submit(event: FormEvent) {
    event.preventDefault();
    save.mutate();
  }
  return (
    <form onSubmit={submit}>
      <Stack maw={520}>
        <TextInput
          label={t('accountName')}
          value={name}
          error={wrong?.problem}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Switch
          label={t('twoPeople')}
          description={t('twoPeopleWhat')}
          checked={needsSecondPerson}
          onChange={(event) => setNeedsSecondPerson(event.currentTarget.checked)}
        />
        {save.isError && !wrong && <ProblemNote thrown={save.error} />}
        {save.isSuccess && (
          <Alert color="green" role="status">
            {t('saved')}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={save.isPending}>
            {word('save')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
