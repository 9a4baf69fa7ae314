import { Alert, Button, FileButton, Group, Paper, Stack, Text, Textarea, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { isAmount, isCurrency } from '../../parts/money-text.ts';
import { saveFile } from '../../parts/save-file.ts';
import { ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
import { CODES_MAX, CSV_LENGTH_MAX, codesIn, inParts, newCodes } from './coupon-codes.ts';
import { useListProblem } from './coupon-list-problem.ts';
import { couponText } from './coupon-texts.ts';

type Currency = operations['addCoupons']['requestBody']['content']['application/json']['value']['currency'];

/** Of the account's own shop, or made here for it. */
export function AddCodes({ onClose }: { onClose: () => void }) {
  const t = useText(couponText);
  const c = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const reset = useRef<() => void>(null);
  const [form, setForm] = useState({ amount: '', currency: 'EUR', list: '', many: '100', prefix: '' });
  const [wrong, setWrong] = useState<Partial<typeof form>>({});
  const [sent, setSent] = useState(0);
  const listProblem = useListProblem();
  const codes = codesIn(form.list);
  const add = useMutation({
    async mutationFn() {
      setSent(0);
      const value = { amount: form.amount, currency: form.currency as Currency };
      const result = { added: 0, duplicates: 0 };
      for (const part of inParts(codes)) {
        const { data } = await api.POST('/coupons', { body: { codes: part, value } });
        result.added += data?.added ?? 0;
        result.duplicates += data?.duplicates ?? 0;
        setSent((before) => before + part.length);
      }
      return result;
    },
    onSettled: () => client.invalidateQueries({ queryKey: [account.id, 'coupons'] }),
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    const list = listProblem(codes);
    const problems = {
      ...(isAmount(form.amount) ? {} : { amount: t('wrongAmount') }),
      ...(isCurrency(form.currency) ? {} : { currency: t('wrongCurrency') }),
      ...(list === null ? {} : { list }),
    };
    setWrong(problems);
    if (Object.keys(problems).length === 0 && !add.isPending) add.mutate();
  }
  function make() {
    const count = Number(form.many);
    const problems = {
      ...(Number.isInteger(count) && count >= 1 && count <= CODES_MAX
        ? {}
        : { many: t('wrongMany', { max: CODES_MAX }) }),
      ...(/^[A-Za-z0-9]{0,12}$/.test(form.prefix) ? {} : { prefix: t('wrongPrefix') }),
    };
    setWrong(problems);
    if (Object.keys(problems).length > 0) return;
    setForm({ ...form, list: [...codes, ...newCodes(count, form.prefix)].join('\n') });
  }
  async function read(file: File) {
    // The same file again, mended meanwhile, is another choice.
    reset.current?.();
    if (file.size > CSV_LENGTH_MAX * 4) setWrong({ list: t('tooLarge', { max: CSV_LENGTH_MAX }) });
    else {
      setWrong({});
      setForm({ ...form, list: codesIn(await file.text()).join('\n') });
    }
  }
  const field = (name: keyof typeof form) => ({
    value: form[name],
    error: wrong[name],
    onChange: (event: { currentTarget: { value: string } }) => setForm({ ...form, [name]: event.currentTarget.value }),
  });
  if (add.isSuccess)
    return (
      <Stack>
        <Alert color="green" role="status">
          {t('added', add.data)}
        </Alert>
        <Group justify="flex-end">
          <SaveCodes codes={codes} />
          <Button onClick={onClose}>{c('close')}</Button>
        </Group>
      </Stack>
    );
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('addWhat')}</Text>
        <Group grow align="flex-start">
          <TextInput label={t('amount')} inputMode="decimal" required data-autofocus {...field('amount')} />
          <TextInput label={t('currency')} maxLength={3} required {...field('currency')} />
        </Group>
        <Textarea
          label={t('list')}
          description={t('listWhat')}
          rows={8}
          required
          spellCheck={false}
          {...field('list')}
        />
        <Group gap="sm">
          <FileButton
            resetRef={reset}
            accept=".txt,.csv,text/plain,text/csv"
            onChange={(file) => file && void read(file)}
          >
            {(props) => (
              <Button size="xs" variant="default" {...props}>
                {t('file')}
              </Button>
            )}
          </FileButton>
          {codes.length > 0 && <SaveCodes codes={codes} />}
        </Group>
        <Paper withBorder p="sm">
          <Stack gap="xs">
            <Text size="sm">{t('makeWhat')}</Text>
            <Group align="flex-start">
              <TextInput label={t('many')} inputMode="numeric" w={120} {...field('many')} />
              <TextInput label={t('prefix')} maxLength={12} w={160} {...field('prefix')} />
              <Button variant="default" mt={25} onClick={make}>
                {t('make')}
              </Button>
            </Group>
          </Stack>
        </Paper>
        {add.isError && <ProblemNote thrown={add.error} />}
        {add.isPending && (
          <Text size="sm" role="status">
            {t('sending', { sent, count: codes.length })}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {c('cancel')}
          </Button>
          <Button type="submit" loading={add.isPending}>
            {t('addCount', { count: codes.length })}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** As plain text: no spreadsheet opens it by itself and takes a code for a formula. */
function SaveCodes({ codes }: { codes: readonly string[] }) {
  const t = useText(couponText);
  return (
    <Button
      size="xs"
      variant="default"
      onClick={() => saveFile('codes.txt', `${codes.join('\n')}\n`, 'text/plain;charset=utf-8')}
    >
      {t('save')}
    </Button>
  );
}
