import { randomUUID } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';
import type { Seal } from '../platform/seal.ts';
import { REFRESH_LEASE_MS, refreshLease, tokenContext } from './connect.ts';
import type { SealedTokens, Store, TokenOwner } from './ports/store.ts';

/** Read at once; each is then written on its own, so an end at any moment leaves every token readable. */
const PAGE_SIZE = 200;
/** A refresh that is under way holds its connection for seconds; one whose node died for `REFRESH_LEASE_MS` at most. */
const PASSES_MAX = 5;
const BETWEEN_PASSES_MS = 2_000;

export interface ResealReport {
  /** The key that everything is to be sealed with. */
  readonly keyId: string;
  /** How many connections' tokens were sealed anew by this run. */
  readonly resealed: number;
  /** How many connections' tokens still lie under another key, by that key's name. */
  readonly remaining: Readonly<Record<string, number>>;
  /** Those that no configured key opens. They stay as they are. */
  readonly unreadable: readonly TokenOwner[];
}

export interface ResealDeps {
  readonly store: Pick<Store, 'connections' | 'leases'>;
  readonly seal: Seal;
  readonly clock: Pick<Clock, 'now' | 'sleep'>;
}

/**
 * Seals every stored secret with the first of the configured keys. Safe beside running nodes (it takes the same lease as a refresh),
 * safe to repeat, and safe to stop at any moment: what was not reached is found by the next run.
 */
export function createReseal({ store, seal, clock }: ResealDeps): () => Promise<ResealReport> {
  const owner = randomUUID();

  const isCurrent = ({ accessToken, refreshToken }: SealedTokens) =>
    [accessToken, refreshToken].every((text) => seal.keyIdOf(text) === seal.currentKeyId);

  async function* stale(): AsyncGenerator<TokenOwner & SealedTokens> {
    let after: TokenOwner | null = null;
    for (;;) {
      const page = await store.connections.listTokens(after, PAGE_SIZE);
      yield* page.filter((tokens) => !isCurrent(tokens));
      const last = page.at(-1);
      if (!last) return;
      after = last;
    }
  }

  /** `busy`: somebody else is replacing them just now. `overtaken`: somebody else has, with the current key. */
  async function reseal({
    accountId,
    connectionId,
  }: TokenOwner): Promise<'done' | 'busy' | 'overtaken' | 'unreadable'> {
    const lease = refreshLease(connectionId);
    const now = clock.now();
    if (!(await store.leases.acquire(lease, owner, now, now + REFRESH_LEASE_MS))) return 'busy';
    try {
      const tokens = await store.connections.tokens(accountId, connectionId);
      if (!tokens || isCurrent(tokens)) return 'overtaken';
      const fresh = freshOf(accountId, tokens);
      if (!fresh) return 'unreadable';
      // An install does not take the lease; its newer tokens win and are looked at again.
      return (await store.connections.replaceTokens(accountId, connectionId, tokens.version, fresh)) ? 'done' : 'busy';
    } finally {
      await store.leases.release(lease, owner);
    }
  }

  function freshOf(accountId: string, tokens: SealedTokens): Omit<SealedTokens, 'version'> | null {
    const again = (sealed: string, column: 'access' | 'refresh') => {
      const context = tokenContext(accountId, column);
      return seal.seal(seal.open(sealed, context), context);
    };
    try {
      return {
        accessToken: again(tokens.accessToken, 'access'),
        refreshToken: again(tokens.refreshToken, 'refresh'),
        expiresAt: tokens.expiresAt,
      };
    } catch {
      return null;
    }
  }

  return async () => {
    let resealed = 0;
    for (let pass = 1; pass <= PASSES_MAX; pass += 1) {
      let busy = 0;
      for await (const tokens of stale()) {
        const outcome = await reseal(tokens);
        if (outcome === 'done') resealed += 1;
        if (outcome === 'busy') busy += 1;
      }
      if (busy === 0) break;
      if (pass < PASSES_MAX) await clock.sleep(BETWEEN_PASSES_MS);
    }

    const remaining: Record<string, number> = {};
    const unreadable: TokenOwner[] = [];
    for await (const { accountId, connectionId, ...tokens } of stale()) {
      const keyId = otherKeyOf(tokens);
      remaining[keyId] = (remaining[keyId] ?? 0) + 1;
      if (!freshOf(accountId, tokens)) unreadable.push({ accountId, connectionId });
    }
    return { keyId: seal.currentKeyId, resealed, remaining, unreadable };
  };

  function otherKeyOf({ accessToken, refreshToken }: SealedTokens): string {
    const ids = [accessToken, refreshToken].map((text) => seal.keyIdOf(text));
    return ids.find((id) => id !== seal.currentKeyId) ?? 'unknown';
  }
}
