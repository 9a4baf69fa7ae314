import { Button, Group, Radio, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ProblemNote } from '../../parts/states.tsx';
import { listText } from './list-texts.ts';
import { TEMPLATES, templateDocument } from './templates.ts';

const KEY = /^[a-z][a-z0-9-]{0,62}$/;

/** A template under a key and a name of one's own, as a draft. */
export function NewProgram({ taken, suggested = '' }: { taken: readonly string[]; suggested?: string }) {
  const t = useText(listText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [template, setTemplate] = useState<string>(TEMPLATES[0].id);
  const [name, setName] = useState('');
  const [programId, setProgramId] = useState(suggested);
  const [isTried, setTried] = useState(false);
  const wrong = !KEY.test(programId) ? t('idWrong') : taken.includes(programId) ? t('idTaken') : null;
  const create = useMutation({
    mutationFn: () =>
      api.PUT('/programs/{programId}/draft', {
        params: { path: { programId } },
        body: { revision: 0, program: templateDocument(template, programId, name.trim() || programId) },
      }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: [account.id, 'programs'] });
      await navigate({ to: `/${account.id}/programs/${programId}` as string });
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (wrong === null && !create.isPending) create.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <Radio.Group label={t('template')} value={template} onChange={setTemplate}>
          <Stack gap="xs" mt="xs">
            {TEMPLATES.map(({ id, title, what }) => (
              <Radio key={id} value={id} label={t(title)} description={t(what)} />
            ))}
          </Stack>
        </Radio.Group>
        <Group align="flex-start" grow>
          <TextInput
            label={t('name')}
            value={name}
            maxLength={200}
            onChange={({ currentTarget: { value } }) => {
              // The key follows the name until somebody writes one.
              if (programId === '' || programId === keyFrom(name)) setProgramId(keyFrom(value));
              setName(value);
            }}
          />
          <TextInput
            label={t('programId')}
            description={t('programIdWhat')}
            value={programId}
            error={isTried ? wrong : null}
            maxLength={63}
            onChange={({ currentTarget }) => setProgramId(currentTarget.value)}
          />
        </Group>
        {create.isError && <ProblemNote thrown={create.error} />}
        <Group>
          <Button type="submit" loading={create.isPending}>
            {t('create')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function keyFrom(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '')
    .slice(0, 63);
}
