import { useLocation, useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';

/**
 * Filters, columns and the open tab stand in the page's address, so that back, reload and a link that somebody sends show the same. A key
 * without a value is not in it.
 */
export function useListSearch<K extends string>(keys: readonly K[]) {
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>;
  const navigate = useNavigate();
  const { searchStr } = useLocation();
  const wanted = keys.join(' ');
  const values = useMemo(() => {
    const found: { [key in K]?: string } = {};
    for (const key of wanted.split(' ') as K[]) {
      const value = search[key];
      if (value !== undefined && value !== null && String(value) !== '') found[key] = String(value);
    }
    return found;
  }, [search, wanted]);
  return {
    values,
    /** Behind the question mark. */
    text: searchStr.replace(/^\?/, ''),
    set(changes: { readonly [key in K]?: string | undefined }, options: { readonly replace?: boolean } = {}) {
      const changed: Record<string, unknown> = { ...search, ...changes };
      for (const [key, value] of Object.entries(changed)) if (value === undefined || value === '') delete changed[key];
      void navigate({ to: '.', search: changed as never, ...options });
    },
    /** Another look at the same list. */
    show: (whole: Readonly<Record<string, unknown>>) => void navigate({ to: '.', search: whole as never }),
  };
}
