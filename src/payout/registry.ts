import { readdir } from 'node:fs/promises';
import type { PayoutProvider, PayoutSettings } from '../application/ports/payout.ts';

/** What a folder under src/payout/ exports from provider.ts. */
interface ProviderFolder {
  fromSettings(settings: PayoutSettings): PayoutProvider | null;
}

/** Every provider that is configured, by name: a provider is added by adding a folder. */
export async function loadProviders(settings: PayoutSettings): Promise<ReadonlyMap<string, PayoutProvider>> {
  const providers = new Map<string, PayoutProvider>();
  const entries = await readdir(new URL('.', import.meta.url), { withFileTypes: true });
  for (const { name } of entries.filter((entry) => entry.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { fromSettings }: ProviderFolder = await import(`./${name}/provider.ts`);
    const provider = fromSettings(settings);
    if (provider === null) continue;
    if (provider.name !== name) throw new Error(`src/payout/${name} calls itself ${provider.name}`);
    providers.set(name, provider);
  }
  return providers;
}
