import { Alert } from '@mantine/core';
import { ProblemNote, problemIn } from '../../parts/states.tsx';

/** That nothing is kept is an answer here, in the service's own words; everything else is a problem. */
export function NotHeld({ thrown }: { thrown: unknown }) {
  const { status, detail } = problemIn(thrown);
  if (status !== 404) return <ProblemNote thrown={thrown} />;
  return (
    <Alert color="gray" role="status">
      {detail}
    </Alert>
  );
}
