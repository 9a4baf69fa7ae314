import { Alert, Button, FileButton, Group, Paper, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ProblemNote, problemIn } from '../../parts/states.tsx';
import { brandText } from './brand-texts.ts';

const KB = 1_024;
/** As the service has it; a larger one is not even sent. */
const LOGO_KB_MAX = 100;

/** The bytes as Base64, read by the browser itself. */
function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^data:[^,]*,/, ''));
    reader.onerror = () => reject(new Error('unreadable'));
    reader.readAsDataURL(file);
  });
}

export function LogoField({ logo, name }: { logo: string | null; name: string }) {
  const t = useText(brandText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [problem, setProblem] = useState<string | null>(null);
  const show = (saved: unknown) => {
    client.setQueryData([account.id, 'brand'], saved);
    void client.invalidateQueries({ queryKey: ['session'] });
  };
  const set = useMutation({
    mutationFn: async (content: string) => (await api.PUT('/brand/logo', { body: { content } })).data,
    onSuccess: show,
  });
  const remove = useMutation({
    mutationFn: async () => (await api.DELETE('/brand/logo')).data,
    onSuccess: show,
  });
  const refused = set.isError ? problemIn(set.error).errors?.[0]?.problem : undefined;
  const isBusy = set.isPending || remove.isPending;

  async function take(file: File | null) {
    if (!file || isBusy) return;
    setProblem(null);
    set.reset();
    if (file.size > LOGO_KB_MAX * KB) {
      setProblem(t('logoLarge', { size: Math.ceil(file.size / KB), max: LOGO_KB_MAX }));
      return;
    }
    try {
      set.mutate(await base64Of(file));
    } catch {
      setProblem(t('logoFailed'));
    }
  }

  return (
    <Paper withBorder p="md" component="section" aria-label={t('logo')}>
      <Stack gap="xs">
        <Title order={2} size="h5">
          {t('logo')}
        </Title>
        <Text size="xs" c="dimmed">
          {t('logoWhat')}
        </Text>
        <Group justify="space-between">
          {logo === null ? (
            <Text size="sm">{t('logoNone')}</Text>
          ) : (
            <img src={logo} alt={name.trim() || t('logo')} style={{ maxHeight: 48, maxWidth: 200 }} />
          )}
          <Group gap="xs">
            <FileButton accept="image/png,image/jpeg,image/webp" onChange={(file) => void take(file)}>
              {(props) => (
                <Button variant="default" size="xs" loading={set.isPending} {...props}>
                  {logo === null ? t('logoChoose') : t('logoReplace')}
                </Button>
              )}
            </FileButton>
            {logo !== null && (
              <Button variant="subtle" color="red" size="xs" loading={remove.isPending} onClick={() => remove.mutate()}>
                {t('logoRemove')}
              </Button>
            )}
          </Group>
        </Group>
        {(problem ?? refused) && (
          <Alert color="red" role="alert">
            {problem ?? refused}
          </Alert>
        )}
        {set.isError && !refused && <ProblemNote thrown={set.error} />}
        {remove.isError && <ProblemNote thrown={remove.error} />}
      </Stack>
    </Paper>
  );
}
