import type { Attempt } from '../../domain/webhook.ts';

export interface WebhookToSend {
  readonly url: string;
  /** One, or two while the first is being changed. */
  readonly secrets: readonly string[];
  readonly eventId: string;
  readonly body: string;
}

/** One attempt; whatever goes wrong is told by it and not thrown. */
export type SendWebhook = (webhook: WebhookToSend) => Promise<Attempt>;
