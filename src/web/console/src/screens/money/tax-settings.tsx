import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { NumberInput } from '../../parts/later.tsx';
import { ProblemNote } from '../../parts/states.tsx';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { LinesEnd, RemoveLine, useLines } from './lines.tsx';
import { taxText } from './tax-texts.ts';

type Settings = operations['getTaxSettings']['responses'][200]['content']['application/json'];

/** Thresholds by country and year, each with where it stands, and where a person's country is read from. */
export function TaxSettingsButton({ settings }: { settings: Settings }) {
  const t = useText(taxText);
  const [opened, { open, close }] = useDisclosure();
  return (
    <>
      <Button variant="default" onClick={open}>
        {t('settings')}
      </Button>
      <Dialog opened={opened} onClose={close} title={t('settings')} size="90rem">
        {/* What somebody has written stays when the page looks again; another version begins anew. */}
        <Form key={settings.version} settings={settings} onDone={close} />
      </Dialog>
    </>
  );
}

const FIELDS = ['country', 'fromYear', 'amount', 'currency', 'form', 'source'] as const;
type Line = Record<(typeof FIELDS)[number], string>;

const WIDTHS: Readonly<Record<(typeof FIELDS)[number], number>> = {
  country: 80,
  fromYear: 90,
  amount: 120,
  currency: 90,
  form: 200,
  source: 360,
};

function Form({ settings, onDone }: { settings: Settings; onDone: () => void }) {
  const t = useText(taxText);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [property, setProperty] = useState(settings.countryProperty ?? '');
  const [warnAt, setWarnAt] = useState<number | string>(settings.warnAtPercent);
  const { lines, change, add, remove } = useLines<Line>(() =>
    settings.thresholds.map((one) => ({ ...one, fromYear: String(one.fromYear) })),
  );
  const save = useMutation({
    mutationFn: () =>
      api.PUT('/tax/settings', {
        body: {
          version: settings.version,
          countryProperty: property.trim() === '' ? null : property.trim(),
          warnAtPercent: Number(warnAt),
          thresholds: lines.map(({ country, fromYear, amount, currency, form, source }) => ({
            country: country.trim().toUpperCase(),
            fromYear: Number(fromYear),
            amount: amount.trim(),
            currency: currency.trim().toUpperCase(),
            form,
            source,
          })),
        },
      }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [account.id, 'tax-settings'] });
      onDone();
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm" c="dimmed">
          {t('what')}
        </Text>
        <Group align="flex-start" gap="md">
          <TextInput
            w={420}
            label={t('countryProperty')}
            description={t('countryPropertyWhat')}
            value={property}
            maxLength={100}
            onChange={(event) => setProperty(event.currentTarget.value)}
          />
          <NumberInput label={t('warnAt')} w={140} min={1} max={100} value={warnAt} onChange={setWarnAt} />
        </Group>
        <Wide label={t('settings')} role="group">
          <Table miw={1_000} aria-label={t('settings')}>
            <Table.Thead>
              <Table.Tr>
                {FIELDS.map((field) => (
                  <Table.Th key={field}>{t(field)}</Table.Th>
                ))}
                <Table.Td />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {lines.map((line) => (
                <Table.Tr key={line.key}>
                  {FIELDS.map((field) => (
                    <Table.Td key={field}>
                      <TextInput
                        size="xs"
                        miw={WIDTHS[field]}
                        aria-label={`${t(field)}: ${line.country} ${line.fromYear}`}
                        value={line[field]}
                        maxLength={400}
                        onChange={(event) => change(line.key, { [field]: event.currentTarget.value })}
                      />
                    </Table.Td>
                  ))}
                  <Table.Td>
                    <RemoveLine
                      label={t('remove', { country: line.country, year: line.fromYear })}
                      onRemove={() => remove(line.key)}
                    />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
        {save.isError && <ProblemNote thrown={save.error} />}
        <LinesEnd
          addText={t('add')}
          saveText={t('save')}
          isPending={save.isPending}
          onAdd={() => {
            const fromYear = String(new Date().getUTCFullYear());
            add({ country: '', fromYear, amount: '', currency: '', form: '', source: '' });
          }}
          onCancel={onDone}
        />
      </Stack>
    </form>
  );
}
