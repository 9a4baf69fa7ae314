import { Group, NativeSelect, Tabs, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ComponentType, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { dated, ExportButton } from '../../parts/export-button.tsx';
import { usePublishedPrograms } from '../../parts/programs.ts';
import { Screen } from '../../parts/states.tsx';
import { useAsked } from './asked.ts';
import { Overview } from './overview.tsx';
import { PRESETS } from './period.ts';
import { Channels, Cohorts, Comparison, Funnel, Returns, TopMembers } from './reports.tsx';
import { analyticsText } from './texts.ts';

const VIEWS = ['overview', 'funnel', 'channels', 'members', 'cohorts', 'returns', 'comparison'] as const;
type View = (typeof VIEWS)[number];

const OF_VIEW: Readonly<Record<View, ComponentType>> = {
  overview: Overview,
  funnel: Funnel,
  channels: Channels,
  members: TopMembers,
  cohorts: Cohorts,
  returns: Returns,
  comparison: Comparison,
};

/** Files of a view; the server writes each with what is asked for here. */
const FILES: Readonly<Record<View, readonly string[]>> = {
  overview: ['overview', 'trend'],
  funnel: ['funnel', 'times'],
  channels: ['channels'],
  members: ['members'],
  cohorts: ['cohorts'],
  returns: ['returns'],
  comparison: ['comparison'],
};

export default function Analytics() {
  const t = useText(analyticsText);
  const { api } = useAccount();
  const { url, setUrl, preset, period, query, isSound } = useAsked();
  const view = VIEWS.find((one) => one === url.view) ?? 'overview';
  const Shown = OF_VIEW[view];
  return (
    <Screen
      title={t('analytics')}
      description={t('analyticsWhat')}
      actions={
        <ExportButton
          fileName={dated(`figures-${view}`)}
          load={async () => {
            const files = FILES[view].map(async (name) => {
              const asked = {
                ...query,
                ...(name === 'members' && url.order === 'referrals' ? { order: 'referrals' } : {}),
              };
              const path = `/figures/${name}/csv` as '/figures/overview/csv';
              return (await api.GET(path, { params: { query: asked } })).data?.csv ?? '';
            });
            return { csv: (await Promise.all(files)).join('\r\n'), nextCursor: null };
          }}
        />
      }
    >
      <Group align="flex-end" gap="sm">
        <NativeSelect
          label={t('period')}
          value={preset ?? 'custom'}
          data={[...PRESETS, 'custom' as const].map((one) => ({ value: one, label: t(one) }))}
          onChange={({ currentTarget: { value } }) =>
            setUrl(
              value === 'custom' ? { ...period, period: undefined } : { period: value, from: undefined, to: undefined },
            )
          }
        />
        {(['from', 'to'] as const).map((end) => (
          <DayInput
            key={`${end} ${period[end]}`}
            label={t(end)}
            value={period[end]}
            onChange={(day) => setUrl({ ...period, [end]: day, period: undefined })}
          />
        ))}
        <Programs chosen={url.program} onChoose={(program) => setUrl({ program })} />
      </Group>
      {isSound ? <Freshness /> : <Text role="alert">{t('badPeriod')}</Text>}
      <Tabs
        value={view}
        onChange={(next) => setUrl({ view: next === 'overview' ? undefined : (next ?? undefined) })}
        keepMounted={false}
      >
        <Tabs.List aria-label={t('views')}>
          {VIEWS.map((one) => (
            <Tabs.Tab key={one} value={one}>
              {t(one)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={view} pt="lg">
          {isSound && <Shown />}
        </Tabs.Panel>
      </Tabs>
    </Screen>
  );
}

/** Kept here while it is typed: half a date is none. */
function DayInput({ label, value, onChange }: { label: string; value: string; onChange: (day: string) => void }) {
  const [text, setText] = useState(value);
  return (
    <TextInput
      type="date"
      label={label}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={() => text !== value && text !== '' && onChange(text)}
      onKeyDown={(event) => event.key === 'Enter' && text !== value && text !== '' && onChange(text)}
    />
  );
}

function Programs({ chosen, onChoose }: { chosen: string | undefined; onChoose: (id: string | undefined) => void }) {
  const t = useText(analyticsText);
  const known = usePublishedPrograms().data ?? [];
  const isUnknown = chosen !== undefined && known.every(({ value }) => value !== chosen);
  return (
    <NativeSelect
      label={t('program')}
      value={chosen ?? ''}
      data={[
        { value: '', label: t('allPrograms') },
        ...known,
        ...(isUnknown ? [{ value: chosen, label: chosen }] : []),
      ]}
      onChange={(event) => onChoose(event.currentTarget.value || undefined)}
    />
  );
}

/** Whether everything that has happened is in the figures. */
function Freshness() {
  const t = useText(analyticsText);
  const { api, account } = useAccount();
  const { query } = useAsked();
  const overview = useQuery({
    queryKey: [account.id, 'figures', 'overview', query],
    queryFn: async () => (await api.GET('/figures/overview', { params: { query } })).data ?? null,
  });
  const { waiting } = overview.data?.freshness ?? {};
  if (waiting === undefined) return null;
  return (
    <Text size="xs" c="dimmed" role="status">
      {waiting === 0 ? t('fresh') : t('waiting', { count: waiting })}
    </Text>
  );
}
