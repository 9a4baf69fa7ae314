import { useCallback, useEffect, useRef, useState } from 'react';
import type { CardError, CardView, CompanyCardView, DealCardView } from './card-view.generated.ts';
import { type CardQuery, fetchCard } from './fetch-card.ts';

export type CardState<V> =
  | { readonly kind: 'loading' }
  | { readonly kind: 'problem'; readonly problem: CardError; readonly retrying: boolean }
  | {
      readonly kind: 'ready';
      readonly view: V;
      readonly busy: 'refresh' | 'more' | null;
      /** The last refresh or page failed; the view is what was read before. */
      readonly problem: CardError | null;
    };

export interface Card<V> {
  readonly state: CardState<V>;
  /** Reads again as many pages as are shown. What is shown stays until the answer is there. */
  readonly refresh: () => void;
  readonly loadMore: () => void;
}

export type CardRecord = Omit<CardQuery, 'cursor'>;

interface Views {
  readonly contact: CardView;
  readonly deal: DealCardView;
  readonly company: CompanyCardView;
}
type AnyView = Views[keyof Views];

interface Shown<V> {
  readonly view: V | null;
  readonly pages: number;
}

export function useCard<K extends keyof Views>(kind: K, { api, objectId, objectTypeId }: CardRecord): Card<Views[K]> {
  type View = Views[K];
  const [state, setState] = useState<CardState<View>>({ kind: 'loading' });
  const shown = useRef<Shown<View>>({ view: null, pages: 0 });
  // A slow answer must not overwrite a newer one, nor an answer for one record appear on the next.
  const newest = useRef(0);

  const read = useCallback(
    async (busy: 'refresh' | 'more', from: View | null, pages: number, pagesAfter: number) => {
      newest.current += 1;
      const mine = newest.current;
      setState((before) => whileBusy(before, busy));
      const result = await readPages(kind, { api, objectId, objectTypeId }, from, pages);
      if (mine !== newest.current) return;
      if ('version' in result) shown.current = { view: result, pages: pagesAfter };
      setState((before) => afterwards(before, result));
    },
    [api, kind, objectId, objectTypeId],
  );

  const refresh = useCallback(() => {
    const pages = Math.max(1, shown.current.pages);
    void read('refresh', null, pages, pages);
  }, [read]);

  const loadMore = useCallback(() => {
    const { view, pages } = shown.current;
    void read('more', view, 1, pages + 1);
  }, [read]);

  useEffect(() => {
    shown.current = { view: null, pages: 0 };
    setState({ kind: 'loading' });
    refresh();
    return () => {
      newest.current += 1;
    };
  }, [refresh]);

  return { state, refresh, loadMore };
}

async function readPages<K extends keyof Views>(
  kind: K,
  record: CardRecord,
  shown: Views[K] | null,
  howMany: number,
): Promise<Views[K] | CardError> {
  let view = shown;
  for (let page = 0; page < howMany; page += 1) {
    if (view !== null && cursorOf(view) === null) break;
    const answer = await fetchCard(kind, { ...record, cursor: view === null ? null : cursorOf(view) });
    if (!answer.ok) return answer as CardError;
    const data = answer.data as Views[K];
    view = view === null ? data : joined(view, data);
  }
  return view ?? { ok: false, code: 'unavailable', message: 'Nothing was read.' };
}

/** A deal's card has one page. */
function cursorOf(view: AnyView): string | null {
  return 'nextCursor' in view ? view.nextCursor : null;
}

/** A referral that moved while the reader paged would come twice. */
function joined<V extends AnyView>(before: V, page: V): V {
  if (!('referrals' in before) || !('referrals' in page)) return page;
  const fresh = new Set(page.referrals.map(({ referralId }) => referralId));
  const kept = (before.referrals as readonly { readonly referralId: string }[]).filter(
    ({ referralId }) => !fresh.has(referralId),
  );
  return { ...page, referrals: [...kept, ...page.referrals] };
}

function whileBusy<V>(before: CardState<V>, busy: 'refresh' | 'more'): CardState<V> {
  if (before.kind === 'ready') return { ...before, busy, problem: null };
  return before.kind === 'problem' ? { ...before, retrying: true } : before;
}

function afterwards<V extends AnyView>(before: CardState<V>, result: V | CardError): CardState<V> {
  if ('version' in result) return { kind: 'ready', view: result, busy: null, problem: null };
  // A portal that was disconnected or a record that is gone must not be shown from memory.
  const passing = result.code === 'unavailable';
  if (before.kind === 'ready' && passing) return { ...before, busy: null, problem: result };
  return { kind: 'problem', problem: result, retrying: false };
}
