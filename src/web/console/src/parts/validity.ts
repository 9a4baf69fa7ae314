import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { problemIn } from './states.tsx';

/** The service is not asked at each key: so long after the last one. */
const STILL_MS = 400;

/**
 * What the service finds wrong with a text while somebody writes it. `isSound` is true only for the very text that was looked at; `check`
 * asks the service, and throws what it says.
 */
export function useValidity(
  text: string,
  {
    queryKey,
    enabled,
    check,
  }: { queryKey: readonly unknown[]; enabled: boolean; check: (text: string) => Promise<unknown> },
) {
  const [looked] = useDebouncedValue(text, STILL_MS);
  const query = useQuery({
    queryKey: [...queryKey, looked],
    enabled,
    staleTime: Number.POSITIVE_INFINITY,
    async queryFn() {
      try {
        await check(looked);
        return [];
      } catch (thrown) {
        const { errors } = problemIn(thrown);
        if (errors) return errors;
        throw thrown;
      }
    },
  });
  return { query, problems: query.data ?? [], isSound: text === looked && query.data?.length === 0 };
}
