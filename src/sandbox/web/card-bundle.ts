import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { remoteBuild } from '@hubspot/ui-extensions-dev-server/build';
import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import type { CardDeclaration, PageDeclaration } from '../../../manifests/hubspot/manifest-type.ts';

const APP = fileURLToPath(new URL('../../../extensions/hubspot/src/app', import.meta.url));
const CARDS = join(APP, 'cards');

export interface CardBundle {
  /** As in the manifest. */
  readonly uid: string;
  readonly name: string;
  /** The script that HubSpot would serve. */
  readonly code: string;
}

/**
 * The production bundle of a card, made by the function that HubSpot's own builder uses. React and the remote-ui runtime are
 * not in it: they come from the worker it runs in, ours as much as HubSpot's.
 */
export async function buildCardBundle(uid: string, root = CARDS): Promise<CardBundle> {
  const card = hubspotManifest.cards.find((candidate) => candidate.uid === uid);
  if (card === undefined) throw new Error(`the manifest declares no card "${uid}"`);
  return bundleOf(card, root);
}

/** The same of the pages that HubSpot places by itself. */
export function buildPageBundle(page: PageDeclaration): Promise<CardBundle> {
  return bundleOf(page, join(APP, page.folder));
}

async function bundleOf(card: Pick<PageDeclaration, 'uid' | 'name' | 'entry'>, root: string): Promise<CardBundle> {
  const { uid } = card;
  const outputDir = await mkdtemp(join(tmpdir(), 'wonward-card-'));
  try {
    await remoteBuild({ root, entryPoint: card.entry, outputDir, logLevel: 'silent' });
    const code = await readFile(join(outputDir, card.entry.replace(/\.tsx$/, '.js')), 'utf8');
    return { uid, name: card.name, code };
  } finally {
    await rm(outputDir, { recursive: true, force: true });
  }
}

/** The cards of one place of the record pages, each where the manifest puts it. */
export async function buildCardBundles(
  location: CardDeclaration['location'],
): Promise<Readonly<Record<'contact' | 'deal' | 'company', CardBundle>>> {
  const of = (objectType: string) => {
    const card = hubspotManifest.cards.find((one) => one.location === location && one.objectTypes.includes(objectType));
    if (card === undefined) throw new Error(`the manifest declares no card at ${location} for ${objectType}`);
    return bundleOf(card, CARDS);
  };
  const [contact, deal, company] = await Promise.all([of('contacts'), of('deals'), of('companies')]);
  return { contact, deal, company };
}
