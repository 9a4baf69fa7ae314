import { Button, Checkbox, Group, Menu, Popover, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter } from '@tanstack/react-router';
import { type FormEvent, type ReactElement, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { workText } from './texts.ts';
import type { View } from './words.ts';

type List = 'members' | 'referrals' | 'rewards';

/** Filters that somebody typed to look for a person: they are not kept in a view, so that erasing the person erases them here too. */
const OF_A_PERSON = ['search', 'friend'];

/** Which columns of a table are shown; the first one names the row and always is. */
export function ColumnMenu({
  button,
  columns,
  usual,
  shown,
  onChange,
}: {
  button: ReactElement;
  columns: readonly { readonly key: string; readonly title: string }[];
  usual: readonly string[];
  shown: readonly string[];
  onChange: (value: string | undefined) => void;
}) {
  const t = useText(workText);
  const [first, ...others] = columns;
  return (
    <Popover position="bottom-end" trapFocus returnFocus defaultOpened>
      <Popover.Target>{button}</Popover.Target>
      <Popover.Dropdown>
        <Checkbox.Group
          label={t('columns')}
          value={[...shown]}
          onChange={(keys) => {
            const kept = others.map(({ key }) => key).filter((key) => keys.includes(key));
            onChange(kept.join() === usual.join() ? undefined : kept.join() || first?.key);
          }}
        >
          <Stack gap={6} pt="xs">
            {others.map(({ key, title }) => (
              <Checkbox key={key} value={key} label={title} size="sm" />
            ))}
          </Stack>
        </Checkbox.Group>
      </Popover.Dropdown>
    </Popover>
  );
}

export interface ViewsProps {
  button: ReactElement;
  list: List;
  text: string;
  onShow: (search: Readonly<Record<string, unknown>>) => void;
}

/** Views that the user has kept of a list, and keeping this one. */
export function ViewsMenu({ button, list, text, onShow }: ViewsProps) {
  const t = useText(workText);
  const word = useText(common);
  const { api, account } = useAccount();
  const { options } = useRouter();
  const client = useQueryClient();
  const [opened, { open, close }] = useDisclosure();
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState(false);
  const queryKey = [account.id, 'views', list];
  const query = useQuery({
    queryKey,
    queryFn: async () => (await api.GET('/views', { params: { query: { list } } })).data?.items ?? [],
  });
  const refresh = () => client.invalidateQueries({ queryKey });
  const save = useMutation({
    mutationFn: () => {
      const search = new URLSearchParams(text);
      for (const key of OF_A_PERSON) search.delete(key);
      return api.POST('/views', { body: { list, name: name.trim(), search: search.toString() } });
    },
    onSuccess: async () => {
      await refresh();
      setName('');
      close();
    },
  });
  const remove = useMutation({
    mutationFn: (viewId: string) => api.DELETE('/views/{viewId}', { params: { path: { viewId } } }),
    onSettled: refresh,
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setWrong(name.trim() === '');
    if (name.trim() !== '' && !save.isPending) save.mutate();
  }
  const show = ({ search }: View) => onShow(options.parseSearch?.(`?${search}`) ?? {});
  const views = query.data ?? [];
  return (
    <>
      <Menu position="bottom-end" width={260} defaultOpened>
        <Menu.Target>{button}</Menu.Target>
        <Menu.Dropdown>
          {views.map((view) => (
            <Menu.Item key={view.id} onClick={() => show(view)}>
              {view.name}
            </Menu.Item>
          ))}
          {views.length > 0 && <Menu.Divider />}
          <Menu.Item onClick={open}>{t('saveView')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Dialog opened={opened} onClose={close} title={t('saveView')}>
        <form onSubmit={submit} noValidate>
          <Stack>
            <Text size="sm">{t('saveViewWhat')}</Text>
            <TextInput
              label={t('viewName')}
              value={name}
              maxLength={60}
              data-autofocus
              error={wrong && t('viewNeedsName')}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            {save.isError && <ProblemNote thrown={save.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {word('cancel')}
              </Button>
              <Button type="submit" loading={save.isPending}>
                {word('save')}
              </Button>
            </Group>
            {views.map((view) => (
              <Group key={view.id} justify="space-between" wrap="nowrap">
                <Text size="sm" truncate>
                  {view.name}
                </Text>
                <Button
                  size="xs"
                  variant="subtle"
                  color="red"
                  aria-label={t('removeView', { name: view.name })}
                  loading={remove.isPending && remove.variables === view.id}
                  onClick={() => remove.mutate(view.id)}
                >
                  <IconTrash size={16} />
                </Button>
              </Group>
            ))}
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
