import { Alert, Button, Group, Paper, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ProblemNote } from '../../parts/states.tsx';
import type { Connection } from './queries.ts';
import { connectionText } from './texts.ts';

/** How much of an org's API calls of a day may be taken. Whoever may not change it sees it. */
export function CallShare({ connection }: { connection: Connection }) {
  const t = useText(connectionText);
  const { api, account, may } = useAccount();
  const client = useQueryClient();
  const [share, setShare] = useState<number | null>(connection.callShare);
  const mayWrite = may('connections.write');
  const save = useMutation({
    mutationFn: () =>
      api.PUT('/connections/{connectionId}/settings', {
        params: { path: { connectionId: connection.id } },
        body: { callShare: share },
      }),
    onSuccess: () => client.invalidateQueries({ queryKey: [account.id, 'connections'] }),
  });
  return (
    <Paper withBorder p="md">
      <Group align="flex-end" gap="sm">
        <TextInput
          type="number"
          label={t('share')}
          description={t('shareHelp')}
          value={share ?? ''}
          onChange={({ currentTarget: { value } }) => setShare(value === '' ? null : Math.trunc(Number(value)))}
          min={1}
          max={100}
          step={1}
          rightSection="%"
          readOnly={!mayWrite}
          maw={560}
        />
        {mayWrite && (
          <Button
            variant="default"
            loading={save.isPending}
            disabled={share === connection.callShare}
            onClick={() => save.mutate()}
          >
            {t('shareSave')}
          </Button>
        )}
      </Group>
      {save.isSuccess && (
        <Alert color="green" role="status" mt="sm">
          {t('shareSaved')}
        </Alert>
      )}
      {save.isError && <ProblemNote thrown={save.error} />}
    </Paper>
  );
}
