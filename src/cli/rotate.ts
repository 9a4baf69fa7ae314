import { createReseal } from '../application/reseal.ts';
import { systemClock } from '../platform/clock.ts';
import { createSeal } from '../platform/seal.ts';
import { CliError, type Result, type Terminal } from './output.ts';
import { withServices } from './services.ts';

/** Seals every stored token with the first key of ENCRYPTION_KEY, so that the keys behind it can be taken away. */
export function rotateKey(terminal: Terminal): Promise<Result> {
  return withServices(terminal, async ({ store, config }) => {
    const reseal = createReseal({ store, seal: createSeal(config.encryptionKeys), clock: systemClock });
    const { keyId, resealed, remaining, unreadable } = await reseal();
    const left = Object.entries(remaining);
    if (unreadable.length > 0) {
      throw new CliError(
        `${resealed} sealed anew with "${keyId}"; ${unreadable.length} cannot be opened with the configured keys.`,
        'Put the key they were sealed with back into ENCRYPTION_KEY and run this again, or connect these CRMs anew:',
        { problems: unreadable.map(({ accountId, connectionId }) => `${connectionId} of ${accountId}`) },
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
