import { readdirSync, readFileSync } from 'node:fs';
import type { CardResponse } from '../../contracts/hubspot-card/card-view.generated.ts';

const EXAMPLES = new URL('../../contracts/hubspot-card/examples/', import.meta.url);

export function cardExampleNames(): readonly string[] {
  return readdirSync(EXAMPLES)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
}

export function cardExample(name: string): CardResponse {
  return JSON.parse(readFileSync(new URL(`${name}.json`, EXAMPLES), 'utf8')) as CardResponse;
}
