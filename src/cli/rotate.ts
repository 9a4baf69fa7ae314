import { createReseal } from '../application/reseal.ts';
import { resealPayouts } from '../application/reseal-payouts.ts';
import { resealWebhooks } from '../application/reseal-webhooks.ts';
import { systemClock } from '../platform/clock.ts';
import { createSeal } from '../platform/seal.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { withServices } from './services.ts';

/** Seals every stored secret with the first key of ENCRYPTION_KEY, so that the keys behind it can be taken away. */
export function rotateKey(terminal: Terminal): Promise<Result> {
  return withServices(terminal, async ({ store, config }) => {
    const seal = createSeal(config.encryptionKeys);
    const payouts = await resealPayouts(store.payoutRecords, seal);
    const webhooks = await resealWebhooks(store.webhooks, seal);
    const reseal = createReseal({ store, seal, clock: systemClock });
    const { keyId, resealed: tokens, remaining, unreadable } = await reseal();
    const resealed = tokens + payouts.resealed + webhooks.resealed;
    const left = Object.entries(remaining);
    if (unreadable.length > 0) {
      throw new CliError(
        `${resealed} sealed anew with "${keyId}"; ${unreadable.length} cannot be opened with the configured keys.`,
        'Put the key they were sealed with back into ENCRYPTION_KEY and run this again, or connect these CRMs anew:',
        { problems: unreadable.map(({ accountId, connectionId }) => `${connectionId} of ${accountId}`) },
      );
    }
    if (payouts.unreadable.length > 0) {
      throw new CliError(
        `${resealed} sealed anew with "${keyId}"; ${payouts.unreadable.length} secrets of reward providers cannot be opened with the configured keys.`,
        'Put the key they were sealed with back into ENCRYPTION_KEY and run this again, or give the providers their credentials anew:',
        { problems: payouts.unreadable.map(({ kind, accountId, id }) => `${kind} ${id} of ${accountId}`) },
      );
    }
    if (webhooks.unreadable.length > 0) {
      throw new CliError(
        `${resealed} sealed anew with "${keyId}"; ${webhooks.unreadable.length} secrets of webhooks cannot be opened with the configured keys.`,
        'Put the key they were sealed with back into ENCRYPTION_KEY and run this again, or give these webhooks new secrets:',
        { problems: webhooks.unreadable.map(({ accountId, id }) => `${id} of ${accountId}`) },
      );
    }
    if (payouts.remaining + webhooks.remaining > 0) {
      throw new CliError(
        `${resealed} sealed anew with "${keyId}"; ${payouts.remaining + webhooks.remaining} secrets of reward providers and webhooks were written by others meanwhile.`,
        'Run this again until none remain, and keep the old key until then.',
      );
    }
    if (left.length > 0) {
      throw new CliError(
        `${resealed} sealed anew with "${keyId}"; ${left.map(([id, count]) => `${count} remain on "${id}"`).join(', ')}.`,
        'They were being renewed at this moment. Run this again until none remain, and keep the old key until then.',
      );
    }
    const others = config.encryptionKeys.slice(1).map(({ id }) => `"${id}"`);
    return {
      json: { keyId, resealed, remaining: 0 },
      lines: [
        `${resealed} sealed anew with "${keyId}"; none remain on another key.`,
        ...(others.length > 0 ? [`${others.join(', ')} may be taken out of ENCRYPTION_KEY now.`] : []),
      ],
    };
  });
}
