import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { saveFile } from '../../parts/save-file.ts';
import { Panel } from '../work/panel.tsx';
import { NotHeld } from './not-held.tsx';
import { peopleText } from './texts.ts';
import type { Asked } from './who.ts';

const EraseDialog = lazy(() => import('./erase-dialog.tsx'));

/** On a person's own page: what is kept, and to forget it. */
export function PersonData(asked: Asked) {
  const t = useText(peopleText);
  return (
    <Panel title={t('data')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('dataWhat')}
        </Text>
        <PersonActions asked={asked} />
      </Stack>
    </Panel>
  );
}

/** Nobody is named yet: the buttons are there and do nothing. */
export function PersonActions({ asked }: { asked: Asked | null }) {
  const t = useText(peopleText);
  const { api } = useAccount();
  // It stays when it is closed, so that the focus goes back to where it came from; the next time it begins anew.
  const [erasing, setErasing] = useState<{ of: Asked; isOpen: boolean; turn: number } | null>(null);
  const save = useMutation({
    mutationFn: async ({ who }: Asked) => {
      const { data } = await api.POST('/people/export', { body: who });
      // No name and no address: files of this name lie in folders that others see.
      if (data)
        saveFile(`person-${data.exportedAt.slice(0, 10)}.json`, JSON.stringify(data, null, 2), 'application/json');
      return data?.cut ?? [];
    },
  });
  return (
    <>
      <Group gap="sm">
        <Button
          size="xs"
          variant="default"
          disabled={asked === null}
          loading={save.isPending}
          onClick={() => asked && save.mutate(asked)}
        >
          {t('export')}
        </Button>
        <Button
          size="xs"
          variant="subtle"
          color="red"
          disabled={asked === null}
          aria-haspopup="dialog"
          onClick={() => asked && setErasing({ of: asked, isOpen: true, turn: (erasing?.turn ?? 0) + 1 })}
        >
          {t('erase')}
        </Button>
      </Group>
      {save.isSuccess && (
        <Alert color="green" role="status">
          {t('exported')} {save.data.length > 0 && t('cut', { lists: save.data.join(', ') })}
        </Alert>
      )}
      {save.isError && <NotHeld thrown={save.error} />}
      {erasing && (
        <Suspense>
          <EraseDialog
            key={erasing.turn}
            asked={erasing.of}
            opened={erasing.isOpen}
            onClose={() => setErasing({ ...erasing, isOpen: false })}
          />
        </Suspense>
      )}
    </>
  );
}
