import { Fault } from '../domain/errors.ts';
import type { PayoutNews } from '../domain/reward.ts';
import { malformedNews } from './faults.ts';

/**
 * What a signed message says. Vendors change what they send: one whose parts are of other kinds than they were is refused as unreadable, and
 * never half understood.
 *
 * @throws Fault `payout_news_malformed`.
 */
export async function newsFrom(read: () => PayoutNews[] | Promise<PayoutNews[]>): Promise<PayoutNews[]> {
  let news: PayoutNews[];
  try {
    news = await read();
  } catch (thrown) {
    throw thrown instanceof Fault ? thrown : malformedNews();
  }
  if (!news.every(isPlain)) throw malformedNews();
  return news;
}

function isPlain({ eventId, kind, key, reference, why, at, facts = {} }: PayoutNews): boolean {
  const texts: unknown[] = [eventId, ...Object.values(facts)];
  const maybe: unknown[] = [key, reference, why];
  return (
    texts.every((text) => typeof text === 'string') &&
    maybe.every((text) => text === null || typeof text === 'string') &&
    Number.isSafeInteger(at) &&
    // Or nobody could say what it is about.
    (kind === 'refunded' || key !== null || reference !== null)
  );
}
