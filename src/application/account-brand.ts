import { createHash } from 'node:crypto';
import { type Brand, LOGO_BYTES_MAX, logoTypeOf, USUAL_BRAND } from '../domain/brand.ts';
import { isTestAccount } from '../domain/test-run.ts';
import type { Clock } from '../platform/clock.ts';
import type { KeptSettings, Logo, ShownBrand, Store } from './ports/store.ts';

export interface AccountBrandDeps {
  readonly store: Pick<Store, 'accountSettings' | 'brands' | 'reads'>;
  readonly clock: Pick<Clock, 'now'>;
}

export type LogoSet = { readonly kind: 'set'; readonly hash: string } | { readonly kind: 'too_large' | 'no_picture' };

export interface AccountBrand {
  /** Version 0 is what holds before anybody has set anything. */
  of(accountId: string): Promise<KeptSettings<Brand>>;
  /** Null when another version is in force than the one that was read. */
  save(
    accountId: string,
    brand: Brand,
    as: { readonly basis: number; readonly by: string },
  ): Promise<KeptSettings<Brand> | null>;
  /** By the bytes alone; what they are called says nothing. */
  setLogo(accountId: string, bytes: Buffer): Promise<LogoSet>;
  removeLogo(accountId: string): Promise<void>;
  /** As pages and letters show it. */
  shown(accountId: string): Promise<ShownBrand | null>;
  shownOf(accountIds: readonly string[]): Promise<ShownBrand[]>;
  /** Of the member who has the code; null when nobody has it. */
  behindCode(code: string): Promise<ShownBrand | null>;
  logo(hash: string): Promise<Logo | null>;
}

/** How an account shows itself to members and friends. */
export function createAccountBrand({ store, clock }: AccountBrandDeps): AccountBrand {
  const { accountSettings, brands, reads } = store;
  const shown = async (accountId: string) => (await brands.ofAccounts([accountId]))[0] ?? null;

  return {
    async of(accountId) {
      const kept = await accountSettings.newest(accountId, 'brand');
      // What was saved before there was something to set says nothing of it.
      if (kept) return { ...kept, settings: { ...USUAL_BRAND, ...kept.settings } };
      return { version: 0, settings: USUAL_BRAND, by: '', at: 0 };
    },
    save: (accountId, brand, { basis, by }) =>
      accountSettings.save(accountId, 'brand', brand, { basis, by, now: clock.now() }),

    async setLogo(accountId, bytes) {
      if (bytes.length > LOGO_BYTES_MAX) return { kind: 'too_large' };
      const type = logoTypeOf(bytes);
      if (type === null) return { kind: 'no_picture' };
      const hash = createHash('sha256').update(bytes).digest('base64url');
      await brands.setLogo(accountId, { hash, type, bytes }, clock.now());
      return { kind: 'set', hash };
    },
    removeLogo: (accountId) => brands.setLogo(accountId, null, clock.now()),
    shown,
    shownOf: (accountIds) => (accountIds.length === 0 ? Promise.resolve([]) : brands.ofAccounts(accountIds)),
    async behindCode(code) {
      const accountId = await reads.accountOfCode(code);
      // A test's member has a code, and nobody to refer.
      return accountId === null || isTestAccount(accountId) ? null : shown(accountId);
    },
    logo: (hash) => brands.logo(hash),
  };
}
