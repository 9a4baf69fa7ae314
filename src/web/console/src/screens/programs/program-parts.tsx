import { Button, CloseButton, Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useText } from '../../i18n/text.ts';
import { currencyOf, freeKey, textAt } from './document.ts';
import { ChoiceAt, MoneyAt, NumberAt, TextAt, useEditing, WordsAt } from './fields.tsx';
import { rulePartText } from './rule-part-texts.ts';
import { ruleText } from './texts.ts';

/** Tiers that members rise through, for rules that pay by them. */
export function Tiers() {
  const t = useText(rulePartText);
  const word = useText(ruleText);
  const { value, text, list, set, document } = useEditing();
  const has = value(['tiers']) !== undefined;
  const by = text(['tiers', 'by', 'kind']);
  const currency = currencyOf(document);
  const levels = list(['tiers', 'levels']);
  const keys = levels.map((level) => textAt(level, ['key']));
  const from = by === 'revenue' ? { amount: '', currency } : 1;
  return (
    <Paper withBorder p="md" component="section" aria-label={t('tiers')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <div>
            <Title order={3} size="h5">
              {t('tiers')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('tiersWhat')}
            </Text>
          </div>
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              set(
                ['tiers'],
                has
                  ? undefined
                  : {
                      by: { kind: 'won_referrals' },
                      down: { kind: 'never' },
                      levels: [{ key: 'member', name: t('member'), from: 1 }],
                    },
              )
            }
          >
            {has ? t('removeTiers') : t('addTiers')}
          </Button>
        </Group>
        {has && (
          <>
            <Group align="flex-start">
              <ChoiceAt
                path={['tiers', 'by', 'kind']}
                label={t('tiersBy')}
                options={[
                  { value: 'won_referrals', label: t('wonReferrals') },
                  { value: 'revenue', label: t('revenue') },
                  { value: 'engagement', label: t('engagement') },
                ]}
                onChoose={(kind) => {
                  const start = kind === 'revenue' ? { amount: '', currency } : 1;
                  set(['tiers'], {
                    ...(value(['tiers']) as object),
                    by: kind === 'engagement' ? { kind, counts: 'submissions' } : { kind },
                    // An amount is no number of referrals: what it began at has to be said anew.
                    levels:
                      (kind === 'revenue') === (by === 'revenue')
                        ? levels
                        : levels.map((level) => ({ ...(level as object), from: start })),
                  });
                }}
              />
              {by === 'engagement' && (
                <ChoiceAt
                  path={['tiers', 'by', 'counts']}
                  label={t('counts')}
                  options={(['submissions', 'touches'] as const).map((one) => ({ value: one, label: t(one) }))}
                />
              )}
              <NumberAt
                path={['tiers', 'windowDays']}
                label={t('window')}
                description={t('windowWhat')}
                width={220}
                min={1}
              />
              <ChoiceAt
                path={['tiers', 'down', 'kind']}
                label={t('down')}
                options={[
                  { value: 'never', label: t('never') },
                  { value: 'window_end', label: t('windowEnd') },
                  { value: 'grace', label: t('grace') },
                ]}
                onChoose={(kind) => set(['tiers', 'down'], kind === 'grace' ? { kind, days: 30 } : { kind })}
              />
              {text(['tiers', 'down', 'kind']) === 'grace' && (
                <NumberAt path={['tiers', 'down', 'days']} label={t('graceDays')} width={120} />
              )}
            </Group>
            {levels.map((_, at) => {
              const level = ['tiers', 'levels', at];
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: keys are edited here, and the fields hold no state
                <Group key={at} align="flex-end" gap="xs">
                  <TextAt path={[...level, 'name']} label={t('levelName')} isRequired width={200} />
                  <TextAt path={[...level, 'key']} label={t('levelKey')} isRequired width={150} />
                  {by === 'revenue' ? (
                    <MoneyAt
                      path={[...level, 'from']}
                      label={t('levelFrom')}
                      isRequired
                      currency={currency}
                      currencyLabel={t('currency')}
                    />
                  ) : (
                    <NumberAt path={[...level, 'from']} label={t('levelFrom')} min={1} />
                  )}
                  <CloseButton
                    aria-label={word('removeRow', { number: at + 1 })}
                    disabled={levels.length === 1}
                    onClick={() => set(level, undefined)}
                  />
                </Group>
              );
            })}
            <Group>
              <Button
                size="xs"
                variant="default"
                leftSection={<IconPlus size={14} />}
                onClick={() =>
                  set(['tiers', 'levels', levels.length], { key: freeKey('gold', keys), name: 'Gold', from })
                }
              >
                {t('addLevel')}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Paper>
  );
}

/** Signals with the weight that they have where nobody says another one. */
const SIGNALS = [
  'same_email',
  'disposable_email',
  'relay_email',
  'same_company_domain',
  'same_phone',
  'same_household',
  'same_ip',
  'same_device',
  'velocity_member',
  'velocity_source',
  'duplicate_friend',
  'already_customer',
  'deal_before_referral',
  'purchase_unverified',
  'employee',
  'referral_cycle',
] as const;

function begunSignal(signal: string): object {
  if (signal === 'velocity_member' || signal === 'velocity_source') return { signal, most: 10, hours: 24 };
  if (signal === 'purchase_unverified') return { signal, property: '', verified: [] };
  if (signal === 'employee') return { signal, domains: [] };
  return { signal };
}

/** What speaks against a referral, and what their sum means. */
export function Risk() {
  const t = useText(rulePartText);
  const word = useText(ruleText);
  const { value, list, set, text } = useEditing();
  const has = value(['risk']) !== undefined;
  const signals = list(['risk', 'signals']);
  const named = signals.map((one) => textAt(one, ['signal']));
  const free = SIGNALS.filter((signal) => !named.includes(signal));
  return (
    <Paper withBorder p="md" component="section" aria-label={t('risk')}>
      <Stack gap="sm">
        <Group justify="space-between">
          <div>
            <Title order={3} size="h5">
              {t('risk')}
            </Title>
            <Text size="sm" c="dimmed">
              {t('riskWhat')}
            </Text>
          </div>
          <Button
            size="xs"
            variant="default"
            onClick={() =>
              set(
                ['risk'],
                has
                  ? undefined
                  : {
                      signals: ['same_email', 'disposable_email', 'same_phone'].map(begunSignal),
                      reviewAt: 50,
                    },
              )
            }
          >
            {has ? t('removeRisk') : t('addRisk')}
          </Button>
        </Group>
        {has && (
          <>
            <Group align="flex-start">
              <NumberAt path={['risk', 'reviewAt']} label={t('reviewAt')} width={200} min={1} />
              <NumberAt
                path={['risk', 'blockAt']}
                label={t('blockAt')}
                description={t('blockAtWhat')}
                width={260}
                min={1}
              />
            </Group>
            {signals.map((_, at) => {
              const path = ['risk', 'signals', at];
              const signal = text([...path, 'signal']);
              const known = SIGNALS.find((one) => one === signal);
              return (
                // biome-ignore lint/suspicious/noArrayIndexKey: the fields of a row hold no state
                <Group key={at} align="flex-end" gap="xs">
                  <Text size="sm" w={230} pb={8}>
                    {known ? word(known) : signal}
                  </Text>
                  <NumberAt path={[...path, 'weight']} label={t('weight')} min={1} />
                  {signal.startsWith('velocity_') && (
                    <>
                      <NumberAt path={[...path, 'most']} label={t('most')} min={1} />
                      <NumberAt path={[...path, 'hours']} label={t('inHours')} min={1} width={150} />
                    </>
                  )}
                  {signal === 'purchase_unverified' && (
                    <>
                      <TextAt path={[...path, 'property']} label={t('property')} isRequired width={180} />
                      <WordsAt path={[...path, 'verified']} label={t('verified')} width={220} />
                    </>
                  )}
                  {signal === 'employee' && (
                    <WordsAt path={[...path, 'domains']} label={t('domains')} placeholder="example.com" />
                  )}
                  <CloseButton
                    mb={4}
                    aria-label={word('removeRow', { number: at + 1 })}
                    disabled={signals.length === 1}
                    onClick={() => set(path, undefined)}
                  />
                </Group>
              );
            })}
            {free.length > 0 && (
              <NativeSelect
                aria-label={t('addSignal')}
                size="xs"
                w={260}
                value=""
                data={[{ value: '', label: t('addSignal') }, ...free.map((one) => ({ value: one, label: word(one) }))]}
                onChange={({ currentTarget }) =>
                  set(['risk', 'signals', signals.length], begunSignal(currentTarget.value))
                }
              />
            )}
          </>
        )}
      </Stack>
    </Paper>
  );
}
