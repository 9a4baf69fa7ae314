import { List } from '@mantine/core';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { type Policy, SOURCES } from './queries.ts';
import { attributionText } from './texts.ts';

/** A policy as somebody would say it. */
function useSentences() {
  const t = useText(attributionText);
  const { percent } = useFormat();
  return ({ sources, touch, windowDays, existingCustomer, selfReferral, assistPercent }: Policy): string[] => {
    const left = SOURCES.filter((source) => !sources.includes(source));
    const named = (list: Policy['sources']) => list.map((source) => t(`source_${source}`)).join(t('joint'));
    return [
      t('saysSources', { count: sources.length, sources: named(sources) }),
      ...(left.length > 0 ? [t('saysLeft', { sources: left.map((source) => t(`source_${source}`)).join(', ') })] : []),
      t(touch === 'first' ? 'saysFirst' : 'saysLast'),
      windowDays === null ? t('saysEver') : t('saysWindow', { days: windowDays }),
      t(`saysCustomer_${existingCustomer}`),
      t(`saysSelf_${selfReferral}`),
      assistPercent === undefined ? t('saysAlone') : t('saysAssist', { share: percent(assistPercent / 100) }),
    ];
  };
}

export function Sentences({ policy }: { policy: Policy }) {
  const say = useSentences();
  return (
    <List size="sm" spacing={4}>
      {say(policy).map((sentence) => (
        <List.Item key={sentence}>{sentence}</List.Item>
      ))}
    </List>
  );
}
