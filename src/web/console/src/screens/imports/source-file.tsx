import { Alert, Button, FileButton, Group, NativeSelect, Paper, Stack, Text } from '@mantine/core';
import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { useText } from '../../i18n/text.ts';
import { Table } from '../../parts/table.tsx';
import { Wide } from '../../parts/wide.tsx';
import { Panel } from '../work/panel.tsx';
import { type Columns, FIELDS, type Field, type FileRead, guessColumns, readFile, rowsOf } from './csv.ts';
import type { Wanted } from './new.tsx';
import { importText } from './texts.ts';

/** Rows that show what a column holds. */
const SAMPLES = 3;
const SAMPLE_LENGTH_MAX = 80;

interface Chosen {
  readonly name: string;
  readonly text: string;
  readonly columns: readonly string[];
  readonly samples: readonly (readonly string[])[];
  readonly rows: number;
}

/** A file by its button or dropped, and which of its columns holds what. */
export function FileSource({ onChange, next }: { onChange: () => void; next: (wanted: Wanted | null) => ReactNode }) {
  const t = useText(importText);
  const [file, setFile] = useState<Chosen | null>(null);
  const [columns, setColumns] = useState<Columns | null>(null);
  const [problem, setProblem] = useState<Exclude<FileRead['kind'], 'text'> | 'rows' | null>(null);
  const [isOver, setOver] = useState(false);
  const forget = useRef<() => void>(null);

  async function take(chosen: File | null | undefined) {
    if (!chosen) return;
    onChange();
    // The same file, mended, can be chosen again.
    forget.current?.();
    const read = await readFile(chosen);
    const rows = read.kind === 'text' ? rowsOf(read.text) : [];
    const [head, ...rest] = rows;
    if (read.kind !== 'text' || !head || rest.length === 0) {
      setFile(null);
      setProblem(read.kind === 'text' ? 'rows' : read.kind);
      return;
    }
    const names = head.map((name) => name.trim());
    setProblem(null);
    setFile({ name: chosen.name, text: read.text, columns: names, samples: rest.slice(0, SAMPLES), rows: rest.length });
    setColumns(guessColumns(names));
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    void take(event.dataTransfer.files[0]);
  }

  return (
    <>
      <Paper
        withBorder
        p="lg"
        bg={isOver ? 'var(--mantine-color-brand-light)' : undefined}
        style={{ borderStyle: 'dashed' }}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <Group>
          <FileButton resetRef={forget} accept=".csv,.txt,text/csv" onChange={(chosen) => void take(chosen)}>
            {(props) => (
              <Button variant={file ? 'default' : 'filled'} {...props}>
                {file ? t('another') : t('choose')}
              </Button>
            )}
          </FileButton>
          <Text size="sm" role="status" style={{ overflowWrap: 'anywhere' }}>
            {file ? t('chosen', { name: file.name, rows: file.rows }) : t('drop')}
          </Text>
        </Group>
      </Paper>
      {problem !== null && (
        <Alert color="red" role="alert">
          {t(`file_${problem}`)}
        </Alert>
      )}
      {file && columns && (
        <ColumnChoice
          file={file}
          columns={columns}
          onChange={(changed) => {
            onChange();
            setColumns(changed);
          }}
          next={next}
        />
      )}
    </>
  );
}

function ColumnChoice({
  file,
  columns,
  onChange,
  next,
}: {
  file: Chosen;
  columns: Columns;
  onChange: (columns: Columns) => void;
  next: (wanted: Wanted | null) => ReactNode;
}) {
  const t = useText(importText);
  const samplesOf = (field: Field) => {
    const place = columns[field] === '' ? -1 : file.columns.indexOf(columns[field]);
    const found = place < 0 ? [] : file.samples.map((row) => (row[place] ?? '').trim()).filter((text) => text !== '');
    return found.map((text) => text.slice(0, SAMPLE_LENGTH_MAX)).join(' · ');
  };
  const { email, ...names } = columns;
  const named = Object.fromEntries(Object.entries(names).filter(([, column]) => column !== ''));
  return (
    <Panel title={t('columns')}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">
          {t('columnsWhat')}
        </Text>
        <Wide label={t('columns')}>
          <Table verticalSpacing="xs" aria-label={t('columns')} miw={480}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th w={150}>{t('field')}</Table.Th>
                <Table.Th w={240}>{t('column')}</Table.Th>
                <Table.Th>{t('sample')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {FIELDS.map((field) => (
                <Table.Tr key={field}>
                  <Table.Td>{t(field)}</Table.Td>
                  <Table.Td>
                    <NativeSelect
                      aria-label={t(field)}
                      value={columns[field]}
                      data={[
                        { value: '', label: t('noColumn') },
                        ...[...new Set(file.columns)]
                          .filter((name) => name !== '')
                          .map((name) => ({ value: name, label: name })),
                      ]}
                      error={field === 'email' && email === '' ? t('needsEmail') : undefined}
                      onChange={({ currentTarget }) => onChange({ ...columns, [field]: currentTarget.value })}
                    />
                  </Table.Td>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{samplesOf(field)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Wide>
        {next(email === '' ? null : { of: 'file', csv: file.text, mapping: { email, ...named } })}
      </Stack>
    </Panel>
  );
}
