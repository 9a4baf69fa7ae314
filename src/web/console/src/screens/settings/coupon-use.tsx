import { Button, FileButton, Group, List, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { dated } from '../../parts/export-button.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { Wide } from '../../parts/wide.tsx';
import { CSV_LENGTH_MAX, codesIn, inParts } from './coupon-codes.ts';
import { useListProblem } from './coupon-list-problem.ts';
import { couponText } from './coupon-texts.ts';

const RESULTS = ['redeemed', 'already_redeemed', 'withdrawn', 'unknown', 'unreadable'] as const;

interface Told {
  /** In the list or the file, as people count lines. */
  readonly line: number;
  readonly result: (typeof RESULTS)[number];
}

/** As many as somebody reads here. */
const SHOWN_MAX = 50;

/** What the account's shop has taken, from a list or a file, and what became of each. */
export function MarkUsed({ onClose }: { onClose: () => void }) {
  const t = useText(couponText);
  const c = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const reset = useRef<() => void>(null);
  const [list, setList] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const listProblem = useListProblem();
  const codes = codesIn(list);
  const onSettled = async () => {
    await client.invalidateQueries({ queryKey: [account.id, 'coupons'] });
    await client.invalidateQueries({ queryKey: [account.id, 'rewards'] });
  };
  const mark = useMutation({
    async mutationFn(): Promise<Told[]> {
      const told: Told[] = [];
      for (const part of inParts(codes)) {
        const { data } = await api.POST('/coupons/redeemed', { body: { codes: part } });
        for (const { result } of data?.items ?? []) told.push({ line: told.length + 1, result });
      }
      return told;
    },
    onSettled,
  });
  const read = useMutation({
    mutationFn: async (csv: string): Promise<readonly Told[]> =>
      (await api.POST('/coupons/redemptions/csv', { body: { csv } })).data?.items ?? [],
    onSettled,
  });
  async function take(file: File) {
    // The same file again, mended meanwhile, is another choice.
    reset.current?.();
    const csv = file.size > CSV_LENGTH_MAX * 4 ? null : await file.text();
    if (csv === null || csv.length > CSV_LENGTH_MAX) setWrong(t('tooLarge', { max: CSV_LENGTH_MAX }));
    else {
      setWrong(null);
      read.mutate(csv);
    }
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    const problem = listProblem(codes);
    setWrong(problem);
    if (problem === null && !mark.isPending) mark.mutate();
  }
  const told = mark.data ?? read.data;
  if (told)
    return (
      <Outcome
        told={told}
        onAgain={() => {
          mark.reset();
          read.reset();
          setList('');
        }}
        onClose={onClose}
      />
    );
  const failed = mark.error ?? read.error;
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('useWhat')}</Text>
        <Textarea
          label={t('list')}
          rows={8}
          value={list}
          error={wrong}
          required
          spellCheck={false}
          data-autofocus
          onChange={(event) => setList(event.currentTarget.value)}
        />
        {failed && <ProblemNote thrown={failed} />}
        <Group justify="space-between">
          <FileButton resetRef={reset} accept="text/csv,.csv" onChange={(file) => file && void take(file)}>
            {(props) => (
              <Button variant="default" loading={read.isPending} {...props}>
                {t('useFile')}
              </Button>
            )}
          </FileButton>
          <Group gap="sm">
            <Button variant="default" onClick={onClose}>
              {c('cancel')}
            </Button>
            <Button type="submit" loading={mark.isPending}>
              {t('useCount', { count: codes.length })}
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function Outcome({ told, onAgain, onClose }: { told: readonly Told[]; onAgain: () => void; onClose: () => void }) {
  const t = useText(couponText);
  const c = useText(common);
  const others = told.filter(({ result }) => result !== 'redeemed');
  return (
    <Stack>
      <div role="status">
        <Text size="sm" fw={600}>
          {t('result')}
        </Text>
        <List size="sm">
          {RESULTS.map((result) => [result, told.filter((one) => one.result === result).length] as const)
            .filter(([, count]) => count > 0)
            .map(([result, count]) => (
              <List.Item key={result}>
                {t(`result_${result}`)}: {count}
              </List.Item>
            ))}
        </List>
      </div>
      {others.length > 0 && (
        <Wide label={t('result')} maxHeight={280}>
          <Table aria-label={t('result')} verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('line')}</Table.Th>
                <Table.Th>{t('outcome')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {others.slice(0, SHOWN_MAX).map(({ line, result }) => (
                <Table.Tr key={line}>
                  <Table.Td>{line}</Table.Td>
                  <Table.Td>{t(`result_${result}`)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
      )}
      {others.length > SHOWN_MAX && <Text size="sm">{t('firstOf', { count: SHOWN_MAX })}</Text>}
      <Group justify="space-between">
        <Button
          variant="default"
          onClick={() =>
            saveFile(
              `${dated('redemptions')}.csv`,
              ['line,result', ...told.map(({ line, result }) => `${line},${result}`), ''].join('\r\n'),
            )
          }
        >
          {t('saveResult')}
        </Button>
        <Group gap="sm">
          <Button variant="default" onClick={onAgain}>
            {t('again')}
          </Button>
          <Button onClick={onClose}>{c('close')}</Button>
        </Group>
      </Group>
    </Stack>
  );
}
