import { Accordion, Alert, Badge, Button, CloseButton, Group, Stack, Switch, Text, Title } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useText } from '../../i18n/text.ts';
import { AmountInSentence, AmountSteps } from './amount.tsx';
import { Condition, Conditions } from './conditions.tsx';
import { currencyOf, type Path, textAt } from './document.ts';
import { ChoiceAt, MoneyAt, NumberAt, SwitchAt, TextAt, useEditing } from './fields.tsx';
import { rulePartText } from './rule-part-texts.ts';
import { ruleText } from './texts.ts';

const PAYOUTS = ['credit', 'coupon', 'manual', 'webhook', 'tremendous', 'paypal', 'stripe'] as const;
const NAMED_PAYOUTS: readonly string[] = ['credit', 'coupon', 'manual', 'webhook'];
const PAYOUT_NAMES: Readonly<Record<string, string>> = { tremendous: 'Tremendous', paypal: 'PayPal', stripe: 'Stripe' };

/** Everything that can be said of a rule, the most important first. */
export function RuleParts({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { problem } = useEditing();
  const whole = problem(path);
  return (
    <Stack gap="md">
      {whole && <Alert color="red">{whole}</Alert>}
      <Sentence path={path} />
      <AmountSteps path={[...path, 'amount']} />
      <Stack gap="xs">
        <Title order={4} size="h6">
          {t('onlyIf')}
        </Title>
        <Conditions path={[...path, 'conditions']} />
      </Stack>
      <Accordion variant="separated" multiple order={4}>
        <Part name="limits" path={path}>
          <Limits path={path} />
        </Part>
        <Part name="schedule" path={path}>
          <Schedule path={path} />
        </Part>
        <Part name="afterwards" path={path}>
          <Afterwards path={path} />
        </Part>
        <Part name="finePrint" path={path}>
          <FinePrint path={path} />
        </Part>
      </Accordion>
    </Stack>
  );
}

function Part({
  name,
  path,
  children,
}: {
  name: 'limits' | 'schedule' | 'afterwards' | 'finePrint';
  path: Path;
  children: React.ReactNode;
}) {
  const t = useText(rulePartText);
  const { value } = useEditing();
  const set = FIELDS[name].filter((field) => value([...path, field]) !== undefined).length;
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>
        <Group gap="xs">
          <Text size="sm" fw={600}>
            {t(name)}
          </Text>
          {set > 0 && (
            <Badge size="sm" variant="default">
              {set}
            </Badge>
          )}
        </Group>
      </Accordion.Control>
      <Accordion.Panel>{children}</Accordion.Panel>
    </Accordion.Item>
  );
}

/** What each part is made of, to say on its closed head how much of it is said. */
const FIELDS = {
  limits: ['minimum', 'maximum', 'limits', 'usesBudget'],
  schedule: ['holdUntil', 'payOnDay', 'review'],
  afterwards: ['amountChanges', 'refunds', 'refundedProperty', 'onReversal', 'expiresAfterDays'],
  finePrint: ['payIn', 'rounding', 'bestOf', 'allowOverWhole'],
} as const;

/** Words of a sentence stand on the line of its fields, also when one of those says below it what is wrong. */
const IN_LINE = { lineHeight: '36px' } as const;

function Sentence({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { text, set, list } = useEditing();
  const trigger = text([...path, 'trigger']) || 'won';
  const dealsKind = text([...path, 'deals', 'kind']) || 'first';
  const tiers = list(['tiers', 'levels']).map((level) => textAt(level, ['key']));
  const say = (words: string) => (
    <Text size="sm" component="span" style={IN_LINE}>
      {words}
    </Text>
  );
  return (
    <Group gap={8} align="flex-start" role="group" aria-label={t('rule')}>
      {say(t('when'))}
      <ChoiceAt
        path={[...path, 'trigger']}
        label={t('trigger')}
        isInline
        fallback="won"
        width={190}
        options={[
          { value: 'won', label: t('won') },
          { value: 'opportunity', label: t('opportunity') },
          { value: 'qualified', label: t('qualified') },
          { value: 'tier_reached', label: t('tierReached') },
        ]}
        onChoose={(next) => {
          set([...path, 'trigger'], next === 'won' ? undefined : next);
        }}
      />
      {trigger === 'tier_reached' && (
        <ChoiceAt
          path={[...path, 'tier']}
          label={t('tier')}
          isInline
          options={['', ...tiers].map((key) => ({ value: key, label: key }))}
        />
      )}
      {say(t('for'))}
      <ChoiceAt
        path={[...path, 'deals', 'kind']}
        label={t('deals')}
        isInline
        width={210}
        fallback="first"
        options={[
          { value: 'first', label: t('dealsFirst') },
          { value: 'every', label: t('dealsEvery') },
          { value: 'up_to', label: t('dealsUpTo') },
        ]}
        onChoose={(kind) => set([...path, 'deals'], kind === 'up_to' ? { kind, count: 3, withinDays: null } : { kind })}
      />
      {dealsKind === 'up_to' && (
        <>
          <NumberAt path={[...path, 'deals', 'count']} label={t('howMany')} isInline min={1} width={64} />
          {say(t('within'))}
          <WithinDays path={[...path, 'deals', 'withinDays']} />
          {say(t('daysFromFirst'))}
        </>
      )}
      {say(t('give'))}
      <ChoiceAt
        path={[...path, 'party']}
        label={t('party')}
        isInline
        width={150}
        options={(['member', 'friend', 'recruiter'] as const).map((party) => ({ value: party, label: t(party) }))}
      />
      <AmountInSentence path={[...path, 'amount']} />
      {say(t('after'))}
      <NumberAt path={[...path, 'holdDays']} label={t('holdDays')} isInline width={64} />
      {say(t('daysHold'))}
      {say(t('paidAs'))}
      <ChoiceAt
        path={[...path, 'payout']}
        label={t('payout')}
        isInline
        width={160}
        options={PAYOUTS.map((one) => ({
          value: one,
          label: NAMED_PAYOUTS.includes(one) ? t(one as 'credit') : (PAYOUT_NAMES[one] ?? one),
        }))}
      />
    </Group>
  );
}

/** Null stands for "for ever", and has to be said. */
function WithinDays({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { value, set } = useEditing();
  const days = value(path);
  return (
    <input
      type="number"
      min={1}
      aria-label={`${t('within')} ${t('daysFromFirst')}`}
      value={typeof days === 'number' ? days : ''}
      onChange={({ currentTarget }) =>
        set(path, currentTarget.value === '' ? null : Math.trunc(Number(currentTarget.value)))
      }
      style={{
        width: 72,
        height: 36,
        paddingInline: 10,
        borderRadius: 8,
        border: '1px solid var(--mantine-color-default-border)',
        background: 'var(--mantine-color-default)',
        color: 'inherit',
        font: 'inherit',
      }}
    />
  );
}

function Limits({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const word = useText(ruleText);
  const { list, set, document, problem } = useEditing();
  const currency = currencyOf(document);
  const limits = list([...path, 'limits']);
  const change = (next: readonly unknown[]) => set([...path, 'limits'], next.length === 0 ? undefined : next);
  const choices = (values: readonly string[], keys: readonly Parameters<typeof t>[0][]) =>
    values.map((value, at) => ({ value, label: t(keys[at] ?? 'none') }));
  return (
    <Stack gap="sm">
      <Group align="flex-start">
        <MoneyAt path={[...path, 'minimum']} label={t('minimum')} currency={currency} currencyLabel={t('currency')} />
        <MoneyAt path={[...path, 'maximum']} label={t('maximum')} currency={currency} currencyLabel={t('currency')} />
      </Group>
      {limits.map((_, at) => {
        const limit = [...path, 'limits', at];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a limit has no name of its own, and its fields hold no state
          <Group key={at} gap={8} align="flex-start">
            <Text size="sm" style={IN_LINE}>
              {t('limit')}
            </Text>
            <NumberAt path={[...limit, 'count']} label={t('limitCount')} isInline min={1} width={72} />
            <Text size="sm" style={IN_LINE}>
              {t('limitCount')}
            </Text>
            <Text size="sm" style={IN_LINE}>
              {t('limitMoney')}
            </Text>
            <MoneyAt
              path={[...limit, 'money']}
              label={t('limitMoney')}
              isInline
              currency={currency}
              currencyLabel={t('currency')}
            />
            <Text size="sm" style={IN_LINE}>
              {t('limitPer')}
            </Text>
            <ChoiceAt
              path={[...limit, 'per']}
              label={t('limitPer')}
              isInline
              options={choices(
                ['member', 'friend', 'company', 'program'],
                ['perMember', 'perFriend', 'perCompany', 'perProgram'],
              )}
            />
            <Text size="sm" style={IN_LINE}>
              {t('limitWindow')}
            </Text>
            <ChoiceAt
              path={[...limit, 'window']}
              label={t('limitWindow')}
              isInline
              options={choices(
                ['life', 'day', 'week', 'month', 'quarter', 'year'],
                ['life', 'day', 'week', 'month', 'quarter', 'year'],
              )}
            />
            <Text size="sm" style={IN_LINE}>
              {t('limitAcross')}
            </Text>
            <ChoiceAt
              path={[...limit, 'across']}
              label={t('limitAcross')}
              isInline
              fallback="rule"
              options={choices(['rule', 'program'], ['acrossRule', 'acrossProgram'])}
            />
            <CloseButton
              aria-label={word('removeRow', { number: at + 1 })}
              onClick={() => change(limits.filter((_one, index) => index !== at))}
            />
            {problem(limit) && (
              <Text size="sm" c="red">
                {problem(limit)}
              </Text>
            )}
          </Group>
        );
      })}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() => change([...limits, { per: 'member', across: 'rule', window: 'year', count: 10 }])}
        >
          {t('addLimit')}
        </Button>
      </Group>
      <SwitchAt path={[...path, 'usesBudget']} label={t('usesBudget')} description={t('usesBudgetWhat')} />
    </Stack>
  );
}

function Schedule({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { value, text, set, document, problem } = useEditing();
  const currency = currencyOf(document);
  const holdUntil = value([...path, 'holdUntil']) !== undefined;
  const when = text([...path, 'review', 'when']) || 'never';
  return (
    <Stack gap="sm">
      <Group align="flex-start">
        <ChoiceAt
          path={[...path, 'review', 'when']}
          label={t('review')}
          fallback="never"
          options={[
            { value: 'never', label: t('reviewNever') },
            { value: 'always', label: t('reviewAlways') },
            { value: 'over', label: t('reviewOver') },
          ]}
          onChoose={(next) =>
            set(
              [...path, 'review'],
              next === 'never'
                ? undefined
                : next === 'always'
                  ? { when: next }
                  : { when: next, money: { amount: '', currency } },
            )
          }
        />
        {when === 'over' && (
          <MoneyAt
            path={[...path, 'review', 'money']}
            label={t('reviewAmount')}
            isRequired
            currency={currency}
            currencyLabel={t('currency')}
          />
        )}
        <NumberAt path={[...path, 'payOnDay']} label={t('payOnDay')} description={t('payOnDayWhat')} width={220} />
      </Group>
      <Switch
        label={t('holdUntil')}
        checked={holdUntil}
        onChange={({ currentTarget }) =>
          set(
            [...path, 'holdUntil'],
            currentTarget.checked
              ? { met: { fact: 'deal.property', op: 'in', property: '', values: [] }, askAfterDays: 60 }
              : undefined,
          )
        }
      />
      {holdUntil && (
        <>
          <Condition path={[...path, 'holdUntil', 'met']} depth={1} />
          <NumberAt path={[...path, 'holdUntil', 'askAfterDays']} label={t('askAfter')} min={1} width={260} />
          {problem([...path, 'holdUntil']) && (
            <Text size="sm" c="red">
              {problem([...path, 'holdUntil'])}
            </Text>
          )}
        </>
      )}
    </Stack>
  );
}

function Afterwards({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const followOrIgnore = (['follow', 'ignore'] as const).map((value) => ({ value, label: t(value) }));
  return (
    <Group align="flex-start" gap="md">
      <ChoiceAt
        path={[...path, 'amountChanges']}
        label={t('amountChanges')}
        fallback="follow"
        options={followOrIgnore}
      />
      <ChoiceAt path={[...path, 'refunds']} label={t('refunds')} fallback="follow" options={followOrIgnore} />
      <TextAt path={[...path, 'refundedProperty']} label={t('refundedProperty')} width={300} />
      <ChoiceAt
        path={[...path, 'onReversal']}
        label={t('onReversal')}
        fallback="claim"
        options={(['claim', 'cancel'] as const).map((value) => ({ value, label: t(value) }))}
      />
      <NumberAt path={[...path, 'expiresAfterDays']} label={t('expires')} width={300} min={1} />
    </Group>
  );
}

function FinePrint({ path }: { path: Path }) {
  const t = useText(rulePartText);
  const { value, set } = useEditing();
  const rounding = [...path, 'rounding'];
  const isRounded = value(rounding) !== undefined;
  return (
    <Group align="flex-start" gap="md">
      <TextAt path={[...path, 'name']} label={t('ruleName')} width={260} />
      <TextAt path={[...path, 'key']} label={t('ruleKey')} description={t('ruleKeyWhat')} isRequired width={300} />
      <TextAt path={[...path, 'bestOf']} label={t('bestOf')} width={300} />
      <TextAt path={[...path, 'payIn']} label={t('payIn')} description={t('payInWhat')} width={300} placeholder="EUR" />
      <ChoiceAt
        path={[...rounding, 'mode']}
        label={t('roundMode')}
        fallback="half_even"
        options={['half_even', 'half_up', 'down', 'up'].map((mode) => ({ value: mode, label: mode.replace('_', ' ') }))}
        onChoose={(mode) => set(rounding, { mode, toMinor: isRounded ? (value([...rounding, 'toMinor']) ?? 1) : 1 })}
      />
      {isRounded && <NumberAt path={[...rounding, 'toMinor']} label={t('roundTo')} width={260} min={1} />}
      <SwitchAt path={[...path, 'allowOverWhole']} label={t('overWhole')} />
    </Group>
  );
}
