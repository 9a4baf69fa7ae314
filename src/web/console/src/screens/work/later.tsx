import { type ComponentProps, lazy, Suspense } from 'react';
import { useAccount } from '../../app/session.tsx';
import type { Asked } from '../people/who.ts';
import type { Consents as ConsentsPanel } from './consents.tsx';

/* What stands beneath a record comes after it: nearly nobody opens the record for this. */

const LazyConsents = lazy(() => import('./consents.tsx').then((one) => ({ default: one.Consents })));
const LazyPersonData = lazy(() => import('../people/person-data.tsx').then((one) => ({ default: one.PersonData })));

export function Consents(props: ComponentProps<typeof ConsentsPanel>) {
  return (
    <Suspense>
      <LazyConsents {...props} />
    </Suspense>
  );
}

/** For whoever may. */
export function PersonData(asked: Asked) {
  const { may } = useAccount();
  return <Suspense>{may('privacy.write') && <LazyPersonData {...asked} />}</Suspense>;
}
