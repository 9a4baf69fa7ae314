import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The SDK belongs to the cards' own package, wherever npm puts it; from here it is not in scope by name.
const cards = createRequire(new URL('../../extensions/hubspot/src/app/cards/package.json', import.meta.url));

type Sdk = typeof import('../../extensions/hubspot/src/app/cards/node_modules/@hubspot/ui-extensions');
type Crm = typeof import('../../extensions/hubspot/src/app/cards/node_modules/@hubspot/ui-extensions/dist/crm');
type Testing = typeof import('../../extensions/hubspot/src/app/cards/node_modules/@hubspot/ui-extensions/dist/testing');

export const sdk = (await import(pathToFileURL(cards.resolve('@hubspot/ui-extensions')).href)) as Sdk;
export const testing = (await import(pathToFileURL(cards.resolve('@hubspot/ui-extensions/testing')).href)) as Testing;
export const crm = (await import(pathToFileURL(cards.resolve('@hubspot/ui-extensions/crm')).href)) as Crm;
