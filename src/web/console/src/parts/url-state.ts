import { useNavigate, useSearch } from '@tanstack/react-router';

type Values = Readonly<Record<string, string | undefined>>;

/** What the page shows as far as it stands in its address, so that back, reload and a shared link work. */
export function useUrlState<K extends string>(): [Partial<Record<K, string>>, (changes: Values) => void] {
  const found: Readonly<Record<string, unknown>> = useSearch({ strict: false });
  const navigate = useNavigate();
  const values = Object.fromEntries(
    Object.entries(found).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  ) as Partial<Record<K, string>>;
  function change(changes: Values) {
    void navigate({
      to: '.',
      search: ((before: Values) =>
        Object.fromEntries(
          Object.entries({ ...before, ...changes }).filter(([, value]) => value !== undefined),
        )) as never,
    });
  }
  return [values, change];
}
