import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { useUrlState } from '../../parts/url-state.ts';
import { Checklist, type OpenPeriod, useMonth } from './period-parts.tsx';
import { periodText } from './period-texts.ts';

const REASON_LENGTH_MAX = 500;

function useLookAgain(): () => void {
  const { account } = useAccount();
  const client = useQueryClient();
  return () => {
    for (const name of ['periods', 'next-period', 'period'])
      void client.invalidateQueries({ queryKey: [account.id, name] });
  };
}

/** What speaks against it, a reason where anything does, and what closing means. */
export function ClosePeriod({ next }: { next: OpenPeriod }) {
  const t = useText(periodText);
  const nameOf = useMonth();
  const lookAgain = useLookAgain();
  // As it was when somebody began: whoever else closes it meanwhile does not take the dialog away from what it has to say.
  const [begun, setBegun] = useState<OpenPeriod | null>(null);
  return (
    <>
      {next.isClosable && <Button onClick={() => setBegun(next)}>{t('close', { month: nameOf(next.month) })}</Button>}
      <Dialog
        opened={begun !== null}
        onClose={() => {
          lookAgain();
          setBegun(null);
        }}
        title={begun ? t('close', { month: nameOf(begun.month) }) : ''}
        size="lg"
      >
        {begun && <CloseForm next={begun} onDone={() => setBegun(null)} />}
      </Dialog>
    </>
  );
}

function CloseForm({ next, onDone }: { next: OpenPeriod; onDone: () => void }) {
  const t = useText(periodText);
  const c = useText(common);
  const { api } = useAccount();
  const month = useMonth()(next.month);
  const lookAgain = useLookAgain();
  const [, setUrl] = useUrlState();
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const needsReason = next.warnings.length > 0;
  const closing = useMutation({
    mutationFn: async () => {
      const said = reason.trim();
      return (await api.POST('/periods', { body: { month: next.month, reason: said === '' ? null : said } })).data;
    },
    onSuccess: (period) => {
      lookAgain();
      onDone();
      // What takes longer is told of by the month that comes next.
      if (period && 'id' in period) setUrl({ period: period.id });
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const isMissing = needsReason && reason.trim() === '';
    setWrong(isMissing ? t('neededReason') : null);
    if (!isMissing && !closing.isPending) closing.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('closeWhat', { month })}</Text>
        <Checklist warnings={next.warnings} />
        {/* Also where nothing spoke against it when the dialog was opened: something may by now. */}
        <Textarea
          label={t('closeReason')}
          description={t('closeReasonWhat')}
          value={reason}
          required={needsReason}
          autosize
          minRows={2}
          maxLength={REASON_LENGTH_MAX}
          error={wrong}
          data-autofocus
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {closing.isError && <ProblemNote thrown={closing.error} />}
        <Group justify="flex-end">
          <Button
            variant="default"
            onClick={() => {
              lookAgain();
              onDone();
            }}
          >
            {c('cancel')}
          </Button>
          <Button type="submit" loading={closing.isPending}>
            {t('closeIt')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

export function ReopenPeriod({ period }: { period: { readonly id: string; readonly month: string } }) {
  const t = useText(periodText);
  const c = useText(common);
  const { api } = useAccount();
  const month = useMonth()(period.month);
  const lookAgain = useLookAgain();
  const [opened, { open, close }] = useDisclosure();
  const [reason, setReason] = useState('');
  const [wrong, setWrong] = useState<string | null>(null);
  const reopening = useMutation({
    mutationFn: () =>
      api.POST('/periods/{periodId}/reopen', {
        params: { path: { periodId: period.id } },
        body: { reason: reason.trim() },
      }),
    onSuccess: () => {
      lookAgain();
      close();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const isMissing = reason.trim() === '';
    setWrong(isMissing ? t('neededReason') : null);
    if (!isMissing && !reopening.isPending) reopening.mutate();
  }
  return (
    <>
      <Button variant="default" onClick={open}>
        {t('reopen')}
      </Button>
      <Dialog opened={opened} onClose={close} title={t('reopenTitle', { month })}>
        <form onSubmit={submit} noValidate>
          <Stack>
            <Text size="sm">{t('reopenWhat')}</Text>
            <Textarea
              label={t('reason')}
              value={reason}
              required
              autosize
              minRows={2}
              maxLength={REASON_LENGTH_MAX}
              error={wrong}
              data-autofocus
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            {reopening.isError && <ProblemNote thrown={reopening.error} />}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {c('cancel')}
              </Button>
              <Button type="submit" color="red.9" loading={reopening.isPending}>
                {t('reopen')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Dialog>
    </>
  );
}
