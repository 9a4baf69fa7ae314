import { Button, Group, NativeSelect, Radio, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useFormat } from '../../i18n/format.ts';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { common } from '../../parts/texts.ts';
import { sumOf } from '../money/sums.ts';
import { useWords } from './desk-words.ts';
import { Effects, useEffects } from './effects.tsx';
import { aboutOf, type Outcome, outcomesFor, type QueuedCase } from './queue.ts';
import { reviewText } from './texts.ts';

const WHY_LENGTH_MAX = 300;
const WORDS_LENGTH_MAX = 1_000;

type DecidedCase = Pick<QueuedCase, 'id' | 'kind' | 'topic' | 'facts' | 'rewardId' | 'owner' | 'chain'>;

/** What somebody is about to say of a case. */
export interface Word {
  readonly of: DecidedCase;
  readonly outcome: Outcome;
  readonly isNo: boolean;
  /** Other ways in which the case can end. */
  readonly others: readonly Outcome[];
  readonly to?: { readonly id: string; readonly name: string };
}

/** Lists and the case itself are read anew: somebody has changed them, whoever it was. */
export function useRefresh() {
  const client = useQueryClient();
  const { account } = useAccount();
  return (caseId?: string) => {
    void client.invalidateQueries({ queryKey: [account.id, 'case-queue'] });
    void client.invalidateQueries({ queryKey: [account.id, 'risk-signals'] });
    void client.invalidateQueries({ queryKey: [account.id, 'case', ...(caseId === undefined ? [] : [caseId])] });
  };
}

export function DecideDialog({
  word,
  onClose,
  onDecided,
}: {
  word: Word | null;
  onClose: () => void;
  onDecided: (caseId: string) => void;
}) {
  const t = useText(reviewText);
  const title = word?.isNo
    ? t('denyTitle')
    : word && word.outcome === 'approved'
      ? t('approveTitle')
      : t('decideTitle');
  return (
    <Dialog opened={word !== null} onClose={onClose} title={title} size="lg">
      {word && <DecideForm key={`${word.of.id} ${word.outcome}`} word={word} onClose={onClose} onDecided={onDecided} />}
    </Dialog>
  );
}

function DecideForm({
  word: said,
  onClose,
  onDecided,
}: {
  word: Word;
  onClose: () => void;
  onDecided: (caseId: string) => void;
}) {
  const t = useText(reviewText);
  const c = useText(common);
  const { word } = useWords();
  const { api } = useAccount();
  const refresh = useRefresh();
  const [outcome, setOutcome] = useState(said.outcome);
  const [why, setWhy] = useState(said.isNo || said.to ? '' : t('usualWhy'));
  const [isMissing, setIsMissing] = useState(false);
  const memberId = outcome === 'reattributed' ? said.to?.id : undefined;
  const effects = useEffects(said.of.id, outcome, memberId);
  const decide = useMutation({
    mutationFn: async () => {
      const { data } = await api.POST('/cases/{caseId}/decide', {
        params: { path: { caseId: said.of.id } },
        body: { outcome, why: why.trim(), ...(memberId === undefined ? {} : { memberId }) },
      });
      return data;
    },
    onSuccess: () => {
      refresh(said.of.id);
      onDecided(said.of.id);
    },
    onError: () => refresh(said.of.id),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setIsMissing(why.trim() === '');
    if (why.trim() !== '' && !decide.isPending && effects.isSuccess) decide.mutate();
  }
  const outcomes = [said.outcome, ...said.others];
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        {outcomes.length > 1 ? (
          <Radio.Group label={t('outcome')} value={outcome} onChange={(value) => setOutcome(value as Outcome)}>
            <Group gap="md" mt={4}>
              {outcomes.map((one) => (
                <Radio key={one} value={one} label={word(one)} />
              ))}
            </Group>
          </Radio.Group>
        ) : null}
        <Effects query={effects} nextName={said.to?.name ?? null} />
        <WhyInput value={why} onChange={setWhy} isMissing={isMissing} />
        {decide.isError && <ProblemNote thrown={decide.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {c('cancel')}
          </Button>
          <Button
            type="submit"
            color={said.isNo ? 'red.9' : 'brand'}
            loading={decide.isPending}
            disabled={!effects.isSuccess}
          >
            {t('confirm')}: {word(outcome)}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function HoldDialog({
  of,
  onClose,
  onHeld,
}: {
  of: DecidedCase | null;
  onClose: () => void;
  onHeld: (caseId: string) => void;
}) {
  const t = useText(reviewText);
  return (
    <Dialog opened={of !== null} onClose={onClose} title={t('holdTitle')}>
      {of && <HoldForm key={of.id} of={of} onClose={onClose} onHeld={onHeld} />}
    </Dialog>
  );
}

function HoldForm({ of, onClose, onHeld }: { of: DecidedCase; onClose: () => void; onHeld: (caseId: string) => void }) {
  const t = useText(reviewText);
  const c = useText(common);
  const { owner: nameOf } = useWords();
  const { api, session } = useAccount();
  const refresh = useRefresh();
  const [words, setWords] = useState('');
  const [owner, setOwner] = useState(of.owner);
  const [isMissing, setIsMissing] = useState(false);
  const me = `person:${session.user.id}`;
  const owners = [...new Set([of.owner, me, ...of.chain.map((step) => step.owner), 'account_owner'])];
  const hold = useMutation({
    mutationFn: async () => {
      const params = { path: { caseId: of.id } };
      // What is said stays though giving it on may be refused; the other way round nobody would know why they have it.
      await api.POST('/cases/{caseId}/comments', { params, body: { words: words.trim() } });
      if (owner !== of.owner) await api.POST('/cases/{caseId}/assign', { params, body: { owner } });
    },
    onSuccess: () => {
      refresh(of.id);
      onHeld(of.id);
    },
    onError: () => refresh(of.id),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setIsMissing(words.trim() === '');
    if (words.trim() !== '' && !hold.isPending) hold.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('holdWhat')}</Text>
        <Textarea
          label={t('holdWords')}
          description={t('whyWhat')}
          value={words}
          required
          autosize
          minRows={2}
          maxRows={8}
          maxLength={WORDS_LENGTH_MAX}
          error={isMissing ? t('holdNeeded') : undefined}
          data-autofocus
          onChange={(event) => setWords(event.currentTarget.value)}
        />
        <NativeSelect
          label={t('give')}
          value={owner}
          data={owners.map((one) => ({
            value: one,
            label: one === of.owner ? t('keepOwner', { owner: nameOf(one) }) : nameOf(one),
          }))}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
        {hold.isError && <ProblemNote thrown={hold.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {c('cancel')}
          </Button>
          <Button type="submit" loading={hold.isPending}>
            {t('hold')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Several cases at once, each by itself; what became of each is shown before the dialog is closed. */
export function BulkDialog({
  of,
  isNo,
  onClose,
}: {
  of: readonly QueuedCase[] | null;
  isNo: boolean;
  onClose: (isDone: boolean) => void;
}) {
  const t = useText(reviewText);
  return (
    <Dialog
      opened={of !== null}
      onClose={() => onClose(false)}
      title={t('bulkTitle', { count: of?.length ?? 0 })}
      size="lg"
    >
      {of && <BulkForm of={of} isNo={isNo} onClose={onClose} />}
    </Dialog>
  );
}

function BulkForm({
  of,
  isNo,
  onClose,
}: {
  of: readonly QueuedCase[];
  isNo: boolean;
  onClose: (isDone: boolean) => void;
}) {
  const t = useText(reviewText);
  const c = useText(common);
  const { word } = useWords();
  const { api } = useAccount();
  const { money } = useFormat();
  const refresh = useRefresh();
  const [why, setWhy] = useState(isNo ? '' : t('usualWhy'));
  const [isMissing, setIsMissing] = useState(false);
  const groups = [...Map.groupBy(of, (one) => outcomesFor(one)[isNo ? 'no' : 'yes'])];
  const decide = useMutation({
    mutationFn: async () => {
      const rows = [];
      for (const [outcome, group] of groups) {
        const caseIds = group.map(({ id }) => id);
        const { data } = await api.POST('/case-decisions', { body: { caseIds, outcome, why: why.trim() } });
        rows.push(...(data?.items ?? []));
      }
      return rows;
    },
    onSettled: () => refresh(),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    setIsMissing(why.trim() === '');
    if (why.trim() !== '' && !decide.isPending) decide.mutate();
  }
  const values = of.flatMap(({ value }) => (value ? [value] : []));
  const sums = [...Map.groupBy(values, ({ currency }) => currency).values()].flatMap((own) => {
    const sum = sumOf(own);
    return sum ? [money(sum)] : [];
  });
  const nameOf = (id: string) => {
    const one = of.find((each) => each.id === id);
    return one ? aboutOf(one, t) : id;
  };
  if (decide.data)
    return (
      <Stack>
        <Table aria-label={t('bulkDone')} fz="sm">
          <Table.Tbody>
            {decide.data.map(({ caseId, result, outcome, decidedBy, problem }) => (
              <Table.Tr key={caseId}>
                <Table.Td>{nameOf(caseId)}</Table.Td>
                <Table.Td>
                  {t(`result_${result}`, {
                    outcome: outcome === null ? '' : word(outcome),
                    who: decidedBy ?? '',
                    problem: problem ?? '',
                  })}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Group justify="flex-end">
          <Button onClick={() => onClose(true)} data-autofocus>
            {t('close')}
          </Button>
        </Group>
      </Stack>
    );
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('bulkWhat')}</Text>
        <Table aria-label={t('effects')} fz="sm">
          <Table.Tbody>
            {groups.flatMap(([outcome, group]) =>
              group.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td>{aboutOf(one, t)}</Table.Td>
                  <Table.Td ta="right">{one.value ? money(one.value) : ''}</Table.Td>
                  <Table.Td>{word(outcome)}</Table.Td>
                </Table.Tr>
              )),
            )}
          </Table.Tbody>
        </Table>
        {sums.length > 0 && (
          <Text size="sm" fw={600}>
            {t('bulkSum', { sums: sums.join(', ') })}
          </Text>
        )}
        <WhyInput value={why} onChange={setWhy} isMissing={isMissing} />
        {decide.isError && <ProblemNote thrown={decide.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={() => onClose(false)}>
            {c('cancel')}
          </Button>
          <Button type="submit" color={isNo ? 'red.9' : 'brand'} loading={decide.isPending}>
            {isNo ? t('deny') : t('approve')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** The reason that stays with a decision. */
function WhyInput({
  value,
  onChange,
  isMissing,
}: {
  value: string;
  onChange: (why: string) => void;
  isMissing: boolean;
}) {
  const t = useText(reviewText);
  return (
    <TextInput
      label={t('why')}
      description={t('whyWhat')}
      value={value}
      required
      maxLength={WHY_LENGTH_MAX}
      error={isMissing ? t('whyNeeded') : undefined}
      data-autofocus
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
