import { Anchor, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Loaded, Screen } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Tag } from '../../parts/tag.tsx';
import { Wide } from '../../parts/wide.tsx';
import { useProviders, useRulesByProvider } from './provider-queries.ts';
import { providerText } from './provider-texts.ts';

export default function Providers() {
  const t = useText(providerText);
  const { account } = useAccount();
  const query = useProviders();
  const rules = useRulesByProvider();
  return (
    <Screen title={t('providers')} description={t('providersWhat')}>
      <Loaded query={query}>
        {(providers) => (
          <Wide label={t('providers')}>
            <Table aria-label={t('providers')} verticalSpacing="sm" miw={640}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('provider')}</Table.Th>
                  <Table.Th>{t('state')}</Table.Th>
                  <Table.Th>{t('usedBy')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {providers.map(({ name, label, summary, configured }) => {
                  const used = rules.data?.get(name)?.length ?? 0;
                  return (
                    <Table.Tr key={name}>
                      <Table.Td>
                        <Anchor component={Link} to={`/${account.id}/settings/providers/${name}` as string} fw={600}>
                          {label}
                        </Anchor>
                        <Text size="sm" c="dimmed">
                          {summary}
                        </Text>
                      </Table.Td>
                      <Table.Td>
                        {configured ? (
                          <Tag tone="green">{t('ready')}</Tag>
                        ) : used > 0 ? (
                          <Tag tone="red">{t('needed')}</Tag>
                        ) : (
                          <Tag>{t('notReady')}</Tag>
                        )}
                      </Table.Td>
                      <Table.Td>{used === 0 ? t('nothing') : t('rules', { count: used })}</Table.Td>
                    </Table.Tr>
                  );
                })}
              </Table.Tbody>
            </Table>
          </Wide>
        )}
      </Loaded>
    </Screen>
  );
}
