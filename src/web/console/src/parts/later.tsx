import type { MultiSelectProps, NumberInputProps, TagsInputProps } from '@mantine/core';
import { Skeleton } from '@mantine/core';
import { type ComponentType, lazy, type ReactNode, Suspense } from 'react';

/* Fields that are large for what a page shows first: each kind comes when one of it is shown, and its place is kept. */

const LazyMultiSelect = lazy<ComponentType<MultiSelectProps>>(() => import('./multi-select.ts'));
const LazyNumberInput = lazy<ComponentType<NumberInputProps>>(() => import('./number-input.ts'));
const LazyTagsInput = lazy(() => import('./tags-input.ts'));

const FIELD_HEIGHT_PX = 36;

function Later({ width, children }: { width: unknown; children: ReactNode }) {
  const place = <Skeleton h={FIELD_HEIGHT_PX} w={typeof width === 'number' ? width : '100%'} />;
  return <Suspense fallback={place}>{children}</Suspense>;
}

export function MultiSelect(props: MultiSelectProps) {
  return (
    <Later width={props.w}>
      <LazyMultiSelect {...props} />
    </Later>
  );
}

export function NumberInput(props: NumberInputProps) {
  return (
    <Later width={props.w}>
      <LazyNumberInput {...props} />
    </Later>
  );
}

export function TagsInput(props: TagsInputProps) {
  return (
    <Later width={props.w}>
      <LazyTagsInput {...props} />
    </Later>
  );
}
