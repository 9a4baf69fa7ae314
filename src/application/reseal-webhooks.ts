import { type Seal, webhookContext } from '../platform/seal.ts';
import type { SealedWebhookSecret, WebhookStore } from './ports/store.ts';

/** Read at once; each is then written on its own, so an end at any moment leaves every secret readable. */
const PAGE_SIZE = 200;

export interface ResealedWebhooks {
  readonly resealed: number;
  /** Somebody changed them at this moment; the next run finds them. */
  readonly remaining: number;
  /** Those that no configured key opens. They stay as they are. */
  readonly unreadable: ReadonlyArray<{ readonly accountId: string; readonly id: string }>;
}

/** Seals the secrets of webhooks with the first of the configured keys. As safe beside running nodes as `resealPayouts`. */
export async function resealWebhooks(
  webhooks: Pick<WebhookStore, 'listSealed' | 'replaceSealed'>,
  seal: Seal,
): Promise<ResealedWebhooks> {
  let resealed = 0;
  let remaining = 0;
  const unreadable: Array<ResealedWebhooks['unreadable'][number]> = [];
  const isCurrent = (text: string | null) => text === null || seal.keyIdOf(text) === seal.currentKeyId;

  function freshOf({ accountId, id, secret, former }: SealedWebhookSecret) {
    const context = webhookContext(accountId, id);
    const again = (text: string) => seal.seal(seal.open(text, context), context);
    try {
      return { secret: again(secret), former: former === null ? null : again(former) };
    } catch {
      return null;
    }
  }

  for (let after: SealedWebhookSecret | null = null; ; ) {
    const page: SealedWebhookSecret[] = await webhooks.listSealed(after, PAGE_SIZE);
    for (const one of page) {
      if (isCurrent(one.secret) && isCurrent(one.former)) continue;
      const fresh = freshOf(one);
      if (fresh === null) unreadable.push({ accountId: one.accountId, id: one.id });
      else if (await webhooks.replaceSealed(one, fresh)) resealed += 1;
      else remaining += 1;
    }
    after = page.at(-1) ?? null;
    if (after === null) return { resealed, remaining, unreadable };
  }
}
