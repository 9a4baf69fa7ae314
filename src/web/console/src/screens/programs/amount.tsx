import { Button, CloseButton, Group, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useText } from '../../i18n/text.ts';
import { currencyOf, isStepped, type Path } from './document.ts';
import { ChoiceAt, MoneyAt, NumberAt, PercentAt, TextAt, useEditing } from './fields.tsx';
import { rulePartText } from './rule-part-texts.ts';
import { ruleText } from './texts.ts';

/** How much a rule gives, as it stands in its sentence. */
export function AmountInSentence({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { text, set, document, list } = useEditing();
  const kind = text([...path, 'kind']);
  const currency = currencyOf(document);
  const level = String((list(['tiers', 'levels'])[0] as { key?: unknown } | undefined)?.key ?? '');
  function choose(next: string) {
    const flat = { kind: 'percent', basisPoints: 500 };
    if (next === 'fixed') set(path, { kind: next, money: { amount: '', currency } });
    else if (next === 'percent') set(path, flat);
    else if (next === 'by_amount') set(path, { kind: next, steps: [{ from: { amount: '', currency }, amount: flat }] });
    else set(path, { kind: next, steps: [{ from: next === 'by_count' ? 1 : level, amount: flat }] });
  }
  return (
    <>
      <ChoiceAt
        path={[...path, 'kind']}
        label={t('amountKind')}
        isInline
        width={230}
        onChoose={choose}
        options={[
          { value: 'percent', label: t('percentOfDeal') },
          { value: 'fixed', label: t('fixedAmount') },
          { value: 'by_amount', label: t('byAmount') },
          { value: 'by_count', label: t('byCount') },
          { value: 'per_tier', label: t('perTier') },
        ]}
      />
      {!isStepped(kind) && <FlatAmount path={path} />}
    </>
  );
}

function FlatAmount({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { text, document } = useEditing();
  if (text([...path, 'kind']) === 'percent')
    return <PercentAt path={[...path, 'basisPoints']} label={t('percent')} isInline />;
  return (
    <MoneyAt
      path={[...path, 'money']}
      label={t('amount')}
      isInline
      isRequired
      currency={currencyOf(document)}
      currencyLabel={t('currency')}
    />
  );
}

/** The steps of an amount that has some, in their order. */
export function AmountSteps({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const word = useText(ruleText);
  const { text, list, set, document, problem } = useEditing();
  const kind = text([...path, 'kind']);
  if (!isStepped(kind)) return null;
  const currency = currencyOf(document);
  const steps = list([...path, 'steps']);
  const tiers = list(['tiers', 'levels']).map((one) => String((one as { key?: unknown }).key ?? ''));
  const flat = { kind: 'percent', basisPoints: 500 };
  const next = kind === 'by_amount' ? { amount: '', currency } : kind === 'by_count' ? steps.length + 1 : '';
  return (
    <Stack gap="xs">
      {steps.map((_, at) => {
        const step = [...path, 'steps', at];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step has no name of its own, and its fields hold no state
          <Group key={at} gap="xs" align="flex-start">
            <Text size="sm" lh="36px">
              {t(kind === 'by_amount' ? 'from' : kind === 'by_count' ? 'fromWon' : 'fromTier')}
            </Text>
            {kind === 'by_amount' && (
              <MoneyAt
                path={[...step, 'from']}
                label={t('from')}
                isInline
                isRequired
                currency={currency}
                currencyLabel={t('currency')}
              />
            )}
            {kind === 'by_count' && <NumberAt path={[...step, 'from']} label={t('fromWon')} isInline min={1} />}
            {kind === 'per_tier' &&
              (tiers.length > 0 ? (
                <ChoiceAt
                  path={[...step, 'from']}
                  label={t('fromTier')}
                  isInline
                  options={['', ...tiers].map((key) => ({ value: key, label: key }))}
                />
              ) : (
                <TextAt path={[...step, 'from']} label={t('fromTier')} isInline isRequired width={130} />
              ))}
            <Text size="sm" lh="36px">
              {t('stepGive')}
            </Text>
            <ChoiceAt
              path={[...step, 'amount', 'kind']}
              label={t('amountKind')}
              isInline
              width={190}
              options={[
                { value: 'percent', label: t('percentOfDeal') },
                { value: 'fixed', label: t('fixedAmount') },
              ]}
              onChoose={(one) =>
                set([...step, 'amount'], one === 'fixed' ? { kind: one, money: { amount: '', currency } } : flat)
              }
            />
            <FlatAmount path={[...step, 'amount']} />
            <CloseButton
              aria-label={word('removeRow', { number: at + 1 })}
              disabled={steps.length === 1}
              onClick={() => set(step, undefined)}
            />
          </Group>
        );
      })}
      {problem([...path, 'steps']) && (
        <Text size="sm" c="red">
          {problem([...path, 'steps'])}
        </Text>
      )}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() => set([...path, 'steps', steps.length], { from: next, amount: flat })}
        >
          {t('addStep')}
        </Button>
      </Group>
    </Stack>
  );
}
