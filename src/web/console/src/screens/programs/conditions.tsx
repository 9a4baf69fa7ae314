import { Button, CloseButton, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useText } from '../../i18n/text.ts';
import { MultiSelect } from '../../parts/later.tsx';
import { currencyOf, type Path } from './document.ts';
import { ChoiceAt, MoneyAt, NumberAt, TextAt, useEditing, WordsAt } from './fields.tsx';
import { rulePartText } from './rule-part-texts.ts';
import { ruleText } from './texts.ts';

const COMPARED = ['at_least', 'at_most'] as const;
const AMONG = ['in', 'not_in'] as const;

/** What can be asked of each fact. */
const FACTS = {
  'deal.amount': COMPARED,
  'deal.pipeline': AMONG,
  'deal.currency': AMONG,
  'deal.property': [...AMONG, ...COMPARED, 'known'],
  'friend.property': [...AMONG, ...COMPARED, 'known'],
  'company.property': [...AMONG, ...COMPARED, 'known'],
  'friend.email_domain': AMONG,
  'referral.source': AMONG,
  'referral.days': COMPARED,
  'event.day': ['from', 'until'],
  'member.won_referrals': [...COMPARED, 'exactly', 'every'],
  'member.tier': ['at_least', ...AMONG],
} as const;
type Fact = keyof typeof FACTS;
type Op = (typeof FACTS)[Fact][number];

const GROUPS = ['all', 'any', 'not'] as const;
type GroupKind = (typeof GROUPS)[number];
const SOURCES = ['explicit', 'label', 'code', 'email', 'company'] as const;

/** As deep as a program may have them. */
const DEPTH_MAX = 5;

function isFact(kind: string): kind is Fact {
  return Object.hasOwn(FACTS, kind);
}

/** What a condition begins with: nothing in it that a person has not said. */
function begun(kind: string, currency: string): object {
  if (kind === 'all' || kind === 'any') return { [kind]: [fresh('deal.amount', 'at_least', currency)] };
  if (kind === 'not') return { not: fresh('deal.amount', 'at_least', currency) };
  return isFact(kind) ? fresh(kind, FACTS[kind][0], currency) : {};
}

function fresh(fact: Fact, op: Op, currency: string): object {
  const whole = { fact, op };
  switch (fact) {
    case 'deal.amount':
      return { ...whole, money: { amount: '', currency } };
    case 'deal.pipeline':
      return { ...whole, pipelineIds: [] };
    case 'deal.currency':
      return { ...whole, currencies: [] };
    case 'referral.source':
      return { ...whole, sources: [] };
    case 'referral.days':
      return { ...whole, days: 90 };
    case 'friend.email_domain':
      return { ...whole, domains: [] };
    case 'event.day':
      return { ...whole, day: '' };
    case 'member.won_referrals':
      return { ...whole, count: 1 };
    case 'member.tier':
      return op === 'at_least' ? { ...whole, tier: '' } : { ...whole, tiers: [] };
    default:
      if (op === 'known') return { ...whole, property: '' };
      return { ...whole, property: '', ...(op === 'in' || op === 'not_in' ? { values: [] } : { number: '' }) };
  }
}

/** A list of conditions, all of which (or any, inside a group) have to be met. */
export function Conditions({ path, depth = 1 }: { path: Path; depth?: number }) {
  const t = useText(rulePartText);
  const word = useText(ruleText);
  const { list, set, document } = useEditing();
  const rows = list(path);
  return (
    <Stack gap="xs">
      {rows.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('onlyIfNone')}
        </Text>
      )}
      {rows.map((_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a condition has no name of its own, and its fields hold no state
        <Group key={at} gap="xs" align="flex-start" wrap="nowrap">
          <div style={{ flex: 1 }}>
            <Condition path={[...path, at]} depth={depth} />
          </div>
          <CloseButton aria-label={word('remove', { number: at + 1 })} onClick={() => set([...path, at], undefined)} />
        </Group>
      ))}
      <Group>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() => set([...path, rows.length], begun('deal.amount', currencyOf(document)))}
        >
          {t('addCondition')}
        </Button>
      </Group>
    </Stack>
  );
}

export function Condition({ path, depth }: { path: Path; depth: number }) {
  const word = useText(ruleText);
  const { value, text, set, document, problem } = useEditing();
  const node = value(path);
  const group = GROUPS.find((kind) => typeof node === 'object' && node !== null && kind in node);
  const fact = text([...path, 'fact']);
  const kinds = [...Object.keys(FACTS), ...(depth < DEPTH_MAX ? GROUPS : [])] as (Fact | GroupKind)[];
  const currency = currencyOf(document);
  return (
    <Stack gap={6}>
      <Group gap="xs" align="flex-start">
        <NativeSelect
          aria-label={word('fact')}
          size="sm"
          w={230}
          value={group ?? fact}
          data={kinds.map((kind) => ({ value: kind, label: word(kind) }))}
          error={problem(path) ?? problem([...path, 'fact'])}
          onChange={({ currentTarget }) => set(path, begun(currentTarget.value, currency))}
        />
        {!group && isFact(fact) && <FactFields path={path} fact={fact} />}
      </Group>
      {group === 'not' && (
        <div style={INSIDE}>
          <Condition path={[...path, 'not']} depth={depth + 1} />
        </div>
      )}
      {(group === 'all' || group === 'any') && (
        <div style={INSIDE}>
          <Conditions path={[...path, group]} depth={depth + 1} />
        </div>
      )}
    </Stack>
  );
}

const INSIDE = { borderInlineStart: '2px solid var(--mantine-color-default-border)', paddingInlineStart: 12 } as const;

function FactFields({ path, fact }: { path: Path; fact: Fact }) {
  const t = useText(rulePartText);
  const word = useText(ruleText);
  const { text, set, document, list, problem } = useEditing();
  const op = text([...path, 'op']);
  const ops = FACTS[fact];
  const isAmong = op === 'in' || op === 'not_in';
  const currency = currencyOf(document);
  const tiers = list(['tiers', 'levels']).map((level) => String((level as { key?: unknown }).key ?? ''));
  const becauseOf = text([...path, 'because']);
  const keep = (next: object) => ({ ...next, ...(becauseOf === '' ? {} : { because: becauseOf }) });
  const property = text([...path, 'property']);
  return (
    <>
      {fact.endsWith('.property') && (
        <TextAt
          path={[...path, 'property']}
          label={t('property')}
          isInline
          isRequired
          width={170}
          placeholder="invoice_status"
        />
      )}
      <ChoiceAt
        path={[...path, 'op']}
        label={word('op')}
        isInline
        width={150}
        options={ops.map((one) => ({ value: one, label: word(one) }))}
        onChoose={(next) =>
          // Another comparison of the same kind keeps what was typed.
          kindOf(next) === kindOf(op)
            ? set([...path, 'op'], next)
            : set(path, keep({ ...fresh(fact, next as Op, currency), ...(property === '' ? {} : { property }) }))
        }
      />
      {fact === 'deal.amount' && (
        <MoneyAt
          path={[...path, 'money']}
          label={t('amount')}
          isInline
          isRequired
          currency={currency}
          currencyLabel={t('currency')}
        />
      )}
      {fact === 'deal.pipeline' && <WordsAt path={[...path, 'pipelineIds']} label={word('ids')} isInline />}
      {fact === 'deal.currency' && <WordsAt path={[...path, 'currencies']} label={t('currency')} isInline />}
      {fact === 'friend.email_domain' && (
        <WordsAt path={[...path, 'domains']} label={t('domains')} isInline placeholder="example.com" />
      )}
      {fact === 'referral.source' && (
        <MultiSelect
          aria-label={word('referral.source')}
          size="sm"
          w={300}
          data={SOURCES.map((one) => ({ value: one, label: word(one) }))}
          value={list([...path, 'sources']).map(String)}
          error={problem([...path, 'sources'], true)}
          onChange={(sources) => set([...path, 'sources'], sources)}
        />
      )}
      {fact === 'referral.days' && <NumberAt path={[...path, 'days']} label={word('days')} isInline />}
      {fact === 'event.day' && <TextAt path={[...path, 'day']} label={t('day')} isInline isRequired type="date" />}
      {fact === 'member.won_referrals' && <NumberAt path={[...path, 'count']} label={word('count')} isInline min={1} />}
      {fact === 'member.tier' &&
        (isAmong ? (
          <WordsAt path={[...path, 'tiers']} label={t('tier')} isInline choices={tiers} />
        ) : (
          <ChoiceAt
            path={[...path, 'tier']}
            label={t('tier')}
            isInline
            options={['', ...tiers].map((key) => ({ value: key, label: key }))}
          />
        ))}
      {fact.endsWith('.property') && isAmong && <WordsAt path={[...path, 'values']} label={word('values')} isInline />}
      {fact.endsWith('.property') && (op === 'at_least' || op === 'at_most') && (
        <TextAt path={[...path, 'number']} label={word('number')} isInline isRequired width={110} />
      )}
      <TextAt path={[...path, 'because']} label={word('because')} isInline width={250} placeholder={word('because')} />
    </>
  );
}

function kindOf(op: string): string {
  if (op === 'in' || op === 'not_in') return 'among';
  return op === 'known' ? 'known' : 'compared';
}
