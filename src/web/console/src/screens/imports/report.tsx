import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { Wide } from '../../parts/wide.tsx';
import { Mark, To } from '../work/marks.tsx';
import { Panel } from '../work/panel.tsx';
import type { ReportRow } from './csv.ts';
import { importText, problemOf, problemText } from './texts.ts';

const ROWS_SHOWN = 50;

const OUTCOMES = ['open', 'created', 'matched', 'refused', 'removed', 'kept'] as const;
type Outcome = (typeof OUTCOMES)[number];

const COLOURS: Readonly<Record<Outcome, string>> = {
  open: 'gray',
  created: 'teal',
  matched: 'blue',
  refused: 'orange',
  removed: 'gray',
  kept: 'blue',
};

function isOutcome(text: string): text is Outcome {
  return OUTCOMES.some((one) => one === text);
}

/** What became of each row, or would: those that were left out are looked for first. */
export function ReportTable({
  rows,
  what,
  actions,
  first,
}: {
  rows: readonly ReportRow[];
  what: string;
  actions?: ReactNode;
  /** What is shown before somebody chooses. */
  first?: Outcome | undefined;
}) {
  const t = useText(importText);
  const word = useText(common);
  const [chosen, setChosen] = useState<string | null>(null);
  const [page, setPage] = useState(0);
  const there = OUTCOMES.filter((one) => rows.some(({ outcome }) => outcome === one));
  const shown = chosen ?? (first !== undefined && there.includes(first) ? first : '');
  const fitting = shown === '' ? rows : rows.filter(({ outcome }) => outcome === shown);
  const from = Math.min(page, Math.max(0, Math.ceil(fitting.length / ROWS_SHOWN) - 1)) * ROWS_SHOWN;
  const visible = fitting.slice(from, from + ROWS_SHOWN);
  return (
    <Panel title={t('report')} actions={actions}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed" maw={720}>
          {what}
        </Text>
        <NativeSelect
          label={t('outcome')}
          w={220}
          value={shown}
          data={[{ value: '', label: t('everything') }, ...there.map((one) => ({ value: one, label: t(one) }))]}
          onChange={({ currentTarget }) => {
            setChosen(currentTarget.value);
            setPage(0);
          }}
        />
        {visible.length === 0 ? (
          <Text size="sm">{t('noneOf')}</Text>
        ) : (
          <Wide label={t('report')}>
            <Table verticalSpacing="xs" aria-label={t('report')} miw={520}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={80}>{t('line')}</Table.Th>
                  <Table.Th w={180}>{t('outcome')}</Table.Th>
                  <Table.Th>{t('why')}</Table.Th>
                  <Table.Th>{t('member')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {visible.map((row) => (
                  <OneRow key={row.line} row={row} />
                ))}
              </Table.Tbody>
            </Table>
          </Wide>
        )}
        {fitting.length > ROWS_SHOWN && (
          <Group justify="flex-end" gap="sm">
            <Text size="sm" c="dimmed" role="status">
              {t('lines', { from: from + 1, to: from + visible.length, all: fitting.length })}
            </Text>
            <Button size="xs" variant="default" disabled={from === 0} onClick={() => setPage(from / ROWS_SHOWN - 1)}>
              {word('previous')}
            </Button>
            <Button
              size="xs"
              variant="default"
              disabled={from + ROWS_SHOWN >= fitting.length}
              onClick={() => setPage(from / ROWS_SHOWN + 1)}
            >
              {word('next')}
            </Button>
          </Group>
        )}
      </Stack>
    </Panel>
  );
}

function OneRow({ row: { line, outcome, problem, memberId } }: { row: ReportRow }) {
  const t = useText(importText);
  const say = useText(problemText);
  const known = problemOf(problem);
  const isThere = memberId !== '' && outcome !== 'removed';
  return (
    <Table.Tr>
      <Table.Td>{line}</Table.Td>
      <Table.Td>{isOutcome(outcome) ? <Mark color={COLOURS[outcome]}>{t(outcome)}</Mark> : outcome}</Table.Td>
      <Table.Td>{known ? say(known.key, { value: known.value }) : problem}</Table.Td>
      <Table.Td>{isThere && <To path={`members/${memberId}`}>{t('open_member')}</To>}</Table.Td>
    </Table.Tr>
  );
}
