import { ActionIcon, Button, Group, NumberInput, Stack, Table, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { operations } from '../../api/schema.generated.ts';
import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { Dialog } from '../../parts/dialog.tsx';
import { ProblemNote } from '../../parts/states.tsx';
import { common } from '../../parts/texts.ts';
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
type Line = Record<(typeof FIELDS)[number], string> & { readonly key: number };

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
  const c = useText(common);
  const { api, account } = useAccount();
  const client = useQueryClient();
  const [property, setProperty] = useState(settings.countryProperty ?? '');
  const [warnAt, setWarnAt] = useState<number | string>(settings.warnAtPercent);
  const [lines, setLines] = useState<readonly Line[]>(() =>
    settings.thresholds.map((one, key) => ({ ...one, fromYear: String(one.fromYear), key })),
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
  const change = (key: number, part: Partial<Line>) =>
    setLines(lines.map((line) => (line.key === key ? { ...line, ...part } : line)));
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
        <Table.ScrollContainer minWidth={1_000} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
          <Table aria-label={t('settings')}>
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
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={t('remove', { country: line.country, year: line.fromYear })}
                      onClick={() => setLines(lines.filter(({ key }) => key !== line.key))}
                    >
                      <IconTrash size={16} />
                    </ActionIcon>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
        {save.isError && <ProblemNote thrown={save.error} />}
        <Group justify="space-between">
          <Button
            variant="subtle"
            onClick={() =>
              setLines([
                ...lines,
                {
                  ...{ country: '', fromYear: String(new Date().getUTCFullYear()), amount: '', currency: '' },
                  ...{ form: '', source: '', key: Math.max(-1, ...lines.map(({ key }) => key)) + 1 },
                },
              ])
            }
          >
            {t('add')}
          </Button>
          <Group gap="sm">
            <Button variant="default" onClick={onDone}>
              {c('cancel')}
            </Button>
            <Button type="submit" loading={save.isPending}>
              {t('save')}
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}
