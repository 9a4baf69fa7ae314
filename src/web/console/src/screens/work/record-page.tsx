import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Loaded, ProblemNote, Screen } from '../../parts/states.tsx';

/** The page of one thing: a title also where it could not be loaded, so that the page says what it would have been. */
export function RecordPage<T>({
  title,
  query,
  children,
}: {
  title: string;
  query: UseQueryResult<T | null>;
  children: (found: T) => ReactNode;
}) {
  if (query.isError)
    return (
      <Screen title={title}>
        <ProblemNote thrown={query.error} onRetry={() => void query.refetch()} />
      </Screen>
    );
  return <Loaded query={query}>{(found) => found && children(found)}</Loaded>;
}
