import { NativeSelect, Switch, TextInput } from '@mantine/core';
import { createContext, type ReactNode, useContext } from 'react';
import { NumberInput, TagsInput } from '../../parts/later.tsx';
import { listAt, type Path, placeOf, textAt, valueAt, withValue } from './document.ts';

/** What one text may hold: more was pasted by mistake, and no rule has it. */
export const TEXT_LENGTH_MAX = 2_000;

interface Editing {
  readonly document: unknown;
  readonly problems: readonly { readonly field: string; readonly problem: string }[];
  change(document: unknown): void;
  /** Something was pasted that is too long to be meant; it is not taken. */
  refuse(length: number): void;
}

const EditingContext = createContext<Editing | null>(null);

export function EditingProvider({ value, children }: { value: Editing; children: ReactNode }) {
  return <EditingContext value={value}>{children}</EditingContext>;
}

/** The document that is being written, field by field. */
export function useEditing() {
  const editing = useContext(EditingContext);
  if (!editing) throw new Error('Only the editor of a program has a document.');
  const { document, problems, change, refuse } = editing;
  return {
    document,
    refuse,
    value: (path: Path) => valueAt(document, path),
    text: (path: Path) => textAt(document, path),
    list: (path: Path) => listAt(document, path),
    set: (path: Path, value: unknown) => change(withValue(document, path, value)),
    /** What is wrong there, or with `deep` anywhere below it. */
    problem(path: Path, deep = false): string | undefined {
      const place = placeOf(path);
      const found = problems.find(
        ({ field }) => field === place || (deep && (field.startsWith(`${place}.`) || field.startsWith(`${place}[`))),
      );
      return found?.problem;
    },
    problemsBelow: (path: Path) => {
      const place = placeOf(path);
      return problems.filter(({ field }) => field === place || new RegExp(`^${escaped(place)}[.[]`).test(field));
    },
  };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

interface FieldProps {
  path: Path;
  label: string;
  /** Its label is the sentence around it. */
  isInline?: boolean;
  description?: string | undefined;
  width?: number | string;
  placeholder?: string;
}

/** Words about a mistake need more room than a number does. */
const ERROR_WIDTH = 220;

function roomFor(error: string | undefined, width: number): number {
  return error === undefined ? width : Math.max(width, ERROR_WIDTH);
}

function named(label: string, isInline: boolean | undefined) {
  return isInline ? { 'aria-label': label } : { label };
}

export function TextAt({
  path,
  label,
  isInline,
  description,
  width,
  placeholder,
  isRequired,
  type,
}: FieldProps & { isRequired?: boolean; type?: 'date' }) {
  const { text, set, problem, refuse } = useEditing();
  return (
    <TextInput
      {...named(label, isInline)}
      description={description}
      size="sm"
      w={width}
      type={type}
      placeholder={placeholder}
      value={text(path)}
      error={problem(path)}
      onChange={({ currentTarget: { value } }) => {
        if (value.length > TEXT_LENGTH_MAX) refuse(value.length);
        else set(path, value === '' && !isRequired ? undefined : value);
      }}
    />
  );
}

export function NumberAt({
  path,
  label,
  isInline,
  description,
  width = 84,
  min = 0,
}: Omit<FieldProps, 'width'> & { min?: number; width?: number }) {
  const { value, set, problem } = useEditing();
  const number = value(path);
  return (
    <NumberInput
      {...named(label, isInline)}
      description={description}
      size="sm"
      w={roomFor(problem(path), width)}
      min={min}
      allowDecimal={false}
      hideControls
      value={typeof number === 'number' ? number : ''}
      error={problem(path)}
      onChange={(next) => set(path, typeof next === 'number' ? next : undefined)}
    />
  );
}

const BASIS_POINTS = 100;

/** A share in percent, kept in hundredths of a percent. */
export function PercentAt({ path, label, isInline }: FieldProps) {
  const { value, set, problem } = useEditing();
  const points = value(path);
  return (
    <NumberInput
      {...named(label, isInline)}
      size="sm"
      w={roomFor(problem(path), 92)}
      min={0}
      decimalScale={2}
      suffix=" %"
      hideControls
      value={typeof points === 'number' ? points / BASIS_POINTS : ''}
      error={problem(path)}
      onChange={(next) => set(path, typeof next === 'number' ? Math.round(next * BASIS_POINTS) : undefined)}
    />
  );
}

export function ChoiceAt({
  path,
  label,
  isInline,
  description,
  width,
  options,
  onChoose,
  fallback = '',
}: FieldProps & {
  options: readonly { value: string; label: string }[];
  /** Instead of writing the value there. */
  onChoose?: (value: string) => void;
  /** What a document means that does not say it. */
  fallback?: string;
}) {
  const { text, set, problem } = useEditing();
  return (
    <NativeSelect
      {...named(label, isInline)}
      description={description}
      size="sm"
      w={width}
      data={[...options]}
      value={text(path) || fallback}
      error={problem(path)}
      onChange={({ currentTarget: { value } }) => {
        if (onChoose) onChoose(value);
        else set(path, value === '' ? undefined : value);
      }}
    />
  );
}

/** An amount as text, never a number, with its currency. Empty, it is left out where it may be. */
export function MoneyAt({
  path,
  label,
  isInline,
  description,
  currencyLabel,
  currency,
  isRequired,
}: FieldProps & { currencyLabel: string; currency: string; isRequired?: boolean }) {
  const { value, text, set, problem, refuse } = useEditing();
  const inForce = value(path);
  return (
    <span style={{ display: 'inline-flex', gap: 4, alignItems: isInline ? 'flex-start' : 'flex-end' }}>
      <TextInput
        {...named(label, isInline)}
        description={description}
        size="sm"
        w={roomFor(problem(path, true), isInline ? 104 : 150)}
        inputMode="decimal"
        placeholder="0.00"
        value={text([...path, 'amount'])}
        error={problem(path, true)}
        onChange={({ currentTarget: { value: typed } }) => {
          if (typed.length > TEXT_LENGTH_MAX) return refuse(typed.length);
          // In much of Europe a comma stands before the cents.
          const amount = /^[0-9]+,[0-9]{0,3}$/.test(typed) ? typed.replace(',', '.') : typed;
          if (amount === '' && !isRequired) set(path, undefined);
          else set(path, { amount, currency: text([...path, 'currency']) || currency });
        }}
      />
      <TextInput
        aria-label={`${label}: ${currencyLabel}`}
        size="sm"
        w={64}
        maxLength={3}
        disabled={inForce === undefined}
        value={inForce === undefined ? currency : text([...path, 'currency'])}
        onChange={({ currentTarget }) => set([...path, 'currency'], currentTarget.value.toUpperCase())}
      />
    </span>
  );
}

export function SwitchAt({ path, label, description }: FieldProps) {
  const { value, set } = useEditing();
  return (
    <Switch
      label={label}
      description={description}
      checked={value(path) === true}
      onChange={({ currentTarget }) => set(path, currentTarget.checked ? true : undefined)}
    />
  );
}

/** Several words, each confirmed with Enter or a comma. */
export function WordsAt({
  path,
  label,
  isInline,
  description,
  width = 260,
  placeholder,
  choices,
}: FieldProps & { choices?: readonly string[] }) {
  const { list, set, problem } = useEditing();
  return (
    <TagsInput
      {...named(label, isInline)}
      description={description}
      size="sm"
      w={width}
      placeholder={placeholder}
      data={choices ? [...choices] : []}
      value={list(path).map(String)}
      error={problem(path, true)}
      acceptValueOnBlur
      onChange={(words) => set(path, words)}
    />
  );
}
