import {
  ActionIcon,
  Button,
  Checkbox,
  Group,
  Input,
  NativeSelect,
  Paper,
  SimpleGrid,
  Stack,
  Text,
} from '@mantine/core';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useId } from 'react';
import { useText } from '../../i18n/text.ts';
import { NumberInput } from '../../parts/later.tsx';
import { type Policy, SOURCES, type Source } from './queries.ts';
import { attributionText } from './texts.ts';

/** As every CRM's cookie of a campaign, where somebody begins with a bound. */
const WINDOW_DAYS_FIRST = 90;
const ASSIST_PERCENT_FIRST = 30;

interface FormProps {
  readonly policy: Policy;
  readonly problems: readonly { readonly field: string; readonly problem: string }[];
  readonly onChange: (policy: Policy) => void;
}

/** An empty field is no number, which the service says of it. */
function numberOf(value: number | string): number {
  return (typeof value === 'number' ? value : value.trim() === '' ? null : Number(value)) as number;
}

/** The policy field by field; what is wrong with one stands beside it. */
export function PolicyForm({ policy, problems, onChange }: FormProps) {
  const t = useText(attributionText);
  const wrong = (field: string) => problems.find((one) => one.field === field)?.problem;
  const set = (part: Partial<Policy>) => onChange({ ...policy, ...part });
  const { windowDays, assistPercent } = policy;
  return (
    <Stack gap="md">
      <Sources policy={policy} problem={wrong('sources')} onChange={(sources) => set({ sources })} />
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        <NativeSelect
          label={t('touch')}
          description={t('touchWhat')}
          value={policy.touch}
          error={wrong('touch')}
          data={(['first', 'last'] as const).map((value) => ({ value, label: t(`touch_${value}`) }))}
          onChange={({ currentTarget }) => set({ touch: currentTarget.value as Policy['touch'] })}
        />
        <Bounded
          label={t('window')}
          description={t('windowWhat')}
          freeLabel={t('windowEver')}
          suffix={t('daysSuffix')}
          value={windowDays}
          problem={wrong('windowDays')}
          onFree={(isFree) => set({ windowDays: isFree ? null : WINDOW_DAYS_FIRST })}
          onChange={(days) => set({ windowDays: days })}
        />
        <NativeSelect
          label={t('existingCustomer')}
          description={t('existingCustomerWhat')}
          value={policy.existingCustomer}
          error={wrong('existingCustomer')}
          data={(['accept', 'review', 'decline'] as const).map((value) => ({ value, label: t(`doubt_${value}`) }))}
          onChange={({ currentTarget }) => set({ existingCustomer: currentTarget.value as Policy['existingCustomer'] })}
        />
        <NativeSelect
          label={t('selfReferral')}
          description={t('selfReferralWhat')}
          value={policy.selfReferral}
          error={wrong('selfReferral')}
          data={(['review', 'decline'] as const).map((value) => ({ value, label: t(`doubt_${value}`) }))}
          onChange={({ currentTarget }) => set({ selfReferral: currentTarget.value as Policy['selfReferral'] })}
        />
        <Bounded
          label={t('assist')}
          description={t('assistWhat')}
          freeLabel={t('assistNone')}
          suffix=" %"
          value={assistPercent ?? null}
          isFree={assistPercent === undefined}
          problem={wrong('assistPercent')}
          onFree={(isFree) => {
            const { assistPercent: _, ...rest } = policy;
            onChange(isFree ? rest : { ...rest, assistPercent: ASSIST_PERCENT_FIRST });
          }}
          onChange={(share) => set({ assistPercent: share })}
        />
      </SimpleGrid>
    </Stack>
  );
}

/** A number, or none. */
function Bounded({
  label,
  description,
  freeLabel,
  suffix,
  value,
  isFree = value === null,
  problem,
  onFree,
  onChange,
}: {
  label: string;
  description: string;
  freeLabel: string;
  suffix: string;
  value: number | null;
  isFree?: boolean;
  problem: string | undefined;
  onFree: (isFree: boolean) => void;
  onChange: (value: number) => void;
}) {
  return (
    <Stack gap={6}>
      <NumberInput
        label={label}
        description={description}
        value={isFree ? '' : (value ?? '')}
        disabled={isFree}
        allowDecimal={false}
        hideControls
        suffix={suffix}
        error={problem}
        onChange={(next) => onChange(numberOf(next))}
      />
      <Checkbox label={freeLabel} checked={isFree} onChange={({ currentTarget }) => onFree(currentTarget.checked)} />
    </Stack>
  );
}

/** The strongest first; each moves by its buttons, and what does not count stands below. */
function Sources({
  policy: { sources },
  problem,
  onChange,
}: {
  policy: Policy;
  problem: string | undefined;
  onChange: (sources: Source[]) => void;
}) {
  const t = useText(attributionText);
  const id = useId();
  const left = SOURCES.filter((source) => !sources.includes(source));
  function move(at: number, by: number) {
    const next = [...sources];
    const [one] = next.splice(at, 1);
    if (one) next.splice(at + by, 0, one);
    onChange(next);
  }
  return (
    <Paper withBorder p="md" component="section" aria-labelledby={id}>
      <Stack gap="xs">
        <div>
          <Text fw={600} size="sm" id={id}>
            {t('sources')}
          </Text>
          <Text size="sm" c="dimmed">
            {t('sourcesWhat')}
          </Text>
        </div>
        <Stack component="ol" gap={6} m={0} p={0} style={{ listStyle: 'none' }}>
          {sources.map((source, at) => (
            <Group component="li" key={source} gap="xs" justify="space-between" wrap="nowrap">
              <div style={{ minWidth: 0 }}>
                <Text size="sm">
                  {at + 1}. {t(`source_${source}`)}
                </Text>
                <Text size="xs" c="dimmed">
                  {t(`sourceWhat_${source}`)}
                </Text>
              </div>
              <Group gap={4} wrap="nowrap">
                <ActionIcon
                  variant="default"
                  disabled={at === 0}
                  aria-label={t('stronger', { source: t(`source_${source}`) })}
                  onClick={() => move(at, -1)}
                >
                  <IconArrowUp size={16} />
                </ActionIcon>
                <ActionIcon
                  variant="default"
                  disabled={at === sources.length - 1}
                  aria-label={t('weaker', { source: t(`source_${source}`) })}
                  onClick={() => move(at, 1)}
                >
                  <IconArrowDown size={16} />
                </ActionIcon>
                <Button
                  size="xs"
                  variant="subtle"
                  color="red"
                  aria-label={t('leaveOutOne', { source: t(`source_${source}`) })}
                  onClick={() => onChange(sources.filter((one) => one !== source))}
                >
                  {t('leaveOut')}
                </Button>
              </Group>
            </Group>
          ))}
        </Stack>
        {problem !== undefined && <Input.Error role="alert">{problem}</Input.Error>}
        {left.length > 0 && (
          <Group gap="xs">
            <Text size="sm" c="dimmed">
              {t('notCounted')}
            </Text>
            {left.map((source) => (
              <Button
                key={source}
                size="xs"
                variant="default"
                aria-label={t('countOne', { source: t(`source_${source}`) })}
                onClick={() => onChange([...sources, source])}
              >
                + {t(`source_${source}`)}
              </Button>
            ))}
          </Group>
        )}
      </Stack>
    </Paper>
  );
}
