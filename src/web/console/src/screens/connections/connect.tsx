import { Alert, Anchor, Button, CopyButton, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { connectionText } from './texts.ts';

const SITES = ['https://login.salesforce.com', 'https://test.salesforce.com'] as const;

/** A link by which an admin of a CRM lets Wonward in. */
export function ConnectCrm() {
  const t = useText(connectionText);
  const word = useText(common);
  const { api } = useAccount();
  const [provider, setProvider] = useState('hubspot');
  const [site, setSite] = useState<string>(SITES[0]);
  const begin = useMutation({
    mutationFn: async () => {
      const body = { provider, ...(provider === 'salesforce' ? { site } : {}) };
      return (await api.POST('/connections/install', { body })).data;
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!begin.isPending) begin.mutate();
  }
  const link = begin.data && (begin.data.page ?? begin.data.url);
  return (
    <form onSubmit={submit} aria-label={t('connect')}>
      <Stack gap="sm">
        <Text size="sm">{t('connectWhat')}</Text>
        <Group align="flex-end">
          <NativeSelect
            label={t('crm')}
            value={provider}
            data={[
              { value: 'hubspot', label: 'HubSpot' },
              { value: 'salesforce', label: 'Salesforce' },
            ]}
            onChange={({ currentTarget }) => {
              setProvider(currentTarget.value);
              begin.reset();
            }}
          />
          {provider === 'salesforce' && (
            <NativeSelect
              label={t('site')}
              value={site}
              data={[
                { value: SITES[0], label: t('siteProduction') },
                { value: SITES[1], label: t('siteSandbox') },
              ]}
              onChange={({ currentTarget }) => setSite(currentTarget.value)}
            />
          )}
          <Button type="submit" variant={link ? 'default' : 'filled'} loading={begin.isPending}>
            {t('makeLink')}
          </Button>
        </Group>
        {begin.isError && <ProblemNote thrown={begin.error} />}
        {link && (
          <Alert color="brand" role="status">
            <Stack gap="xs">
              <Group>
                <Anchor href={link} target="_blank" rel="noopener noreferrer" fw={600}>
                  {t('openLink')} <IconExternalLink size={14} />
                </Anchor>
                <CopyButton value={link}>
                  {({ copied, copy }) => (
                    <Button size="xs" variant="default" onClick={copy}>
                      {copied ? word('copied') : t('copyLink')}
                    </Button>
                  )}
                </CopyButton>
              </Group>
              <Text size="sm">{t('waiting')}</Text>
            </Stack>
          </Alert>
        )}
      </Stack>
    </form>
  );
}
