import { type ComponentProps, lazy, Suspense } from 'react';
import type { BulkDialog as Bulk, DecideDialog as Decide, HoldDialog as Hold } from './dialogs.tsx';

/* What a reviewer decides in comes when it is first opened. */

const LazyDecide = lazy(() => import('./dialogs.tsx').then((one) => ({ default: one.DecideDialog })));
const LazyHold = lazy(() => import('./dialogs.tsx').then((one) => ({ default: one.HoldDialog })));
const LazyBulk = lazy(() => import('./dialogs.tsx').then((one) => ({ default: one.BulkDialog })));

export function DecideDialog(props: ComponentProps<typeof Decide>) {
  return <Suspense>{props.word !== null && <LazyDecide {...props} />}</Suspense>;
}

export function HoldDialog(props: ComponentProps<typeof Hold>) {
  return <Suspense>{props.of !== null && <LazyHold {...props} />}</Suspense>;
}

export function BulkDialog(props: ComponentProps<typeof Bulk>) {
  return <Suspense>{props.of !== null && <LazyBulk {...props} />}</Suspense>;
}
