import { useCallback, useEffect, useRef, useState } from 'react';
import type { CardError, CardView } from './card-view.generated.ts';
import { type CardQuery, fetchCard } from './fetch-card.ts';

export type CardState =
  | { readonly kind: 'loading' }
  | { readonly kind: 'problem'; readonly problem: CardError; readonly retrying: boolean }
  | {
      readonly kind: 'ready';
      readonly view: CardView;
      readonly busy: 'refresh' | 'more' | null;
      /** The last refresh or page failed; the view is what was read before. */
      readonly problem: CardError | null;
    };

export interface Card {
  readonly state: CardState;
  /** Reads again as many pages as are shown. What is shown stays until the answer is there. */
  readonly refresh: () => void;
  readonly loadMore: () => void;
}

type CardRecord = Omit<CardQuery, 'cursor'>;

interface Shown {
  readonly view: CardView | null;
  readonly pages: number;
}

const NOTHING_SHOWN: Shown = { view: null, pages: 0 };

export function useCard({ api, objectId, objectTypeId }: CardRecord): Card {
  const [state, setState] = useState<CardState>({ kind: 'loading' });
  const shown = useRef(NOTHING_SHOWN);
  // A slow answer must not overwrite a newer one, nor an answer for one contact appear on the next.
  const newest = useRef(0);

  const read = useCallback(
    async (busy: 'refresh' | 'more', from: CardView | null, pages: number, pagesAfter: number) => {
      newest.current += 1;
      const mine = newest.current;
      setState((before) => whileBusy(before, busy));
      const result = await readPages({ api, objectId, objectTypeId }, from, pages);
      if (mine !== newest.current) return;
      if ('version' in result) shown.current = { view: result, pages: pagesAfter };
      setState((before) => afterwards(before, result));
    },
    [api, objectId, objectTypeId],
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
    shown.current = NOTHING_SHOWN;
    setState({ kind: 'loading' });
    refresh();
    return () => {
      newest.current += 1;
    };
  }, [refresh]);

  return { state, refresh, loadMore };
}

async function readPages(record: CardRecord, shown: CardView | null, howMany: number): Promise<CardView | CardError> {
  let view = shown;
  for (let page = 0; page < howMany; page += 1) {
    if (view !== null && view.nextCursor === null) break;
    const answer = await fetchCard({ ...record, cursor: view?.nextCursor ?? null });
    if (!answer.ok) return answer;
    view = view === null ? answer.data : joined(view, answer.data);
  }
  return view ?? { ok: false, code: 'unavailable', message: 'Nothing was read.' };
}

/** A referral that moved while the reader paged would come twice. */
function joined(before: CardView, page: CardView): CardView {
  const fresh = new Set(page.referrals.map(({ referralId }) => referralId));
  return {
    ...page,
    referrals: [...before.referrals.filter(({ referralId }) => !fresh.has(referralId)), ...page.referrals],
  };
}

function whileBusy(before: CardState, busy: 'refresh' | 'more'): CardState {
  if (before.kind === 'ready') return { ...before, busy, problem: null };
  return before.kind === 'problem' ? { ...before, retrying: true } : before;
}

function afterwards(before: CardState, result: CardView | CardError): CardState {
  if ('version' in result) return { kind: 'ready', view: result, busy: null, problem: null };
  // A portal that was disconnected or a contact that is gone must not be shown from memory.
  const passing = result.code === 'unavailable';
  if (before.kind === 'ready' && passing) return { ...before, busy: null, problem: result };
  return { kind: 'problem', problem: result, retrying: false };
}
