import { readFileSync } from 'node:fs';

/** What once broke something, or might: replayed before anything new is made up. corpus/README.md says how to add to it. */
export interface ApiEntry {
  readonly why: string;
  readonly operation: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: string;
  readonly status: number;
  readonly withinMs?: number;
}

export interface RouteEntry {
  readonly why: string;
  readonly method: string;
  readonly target: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  /** Signs as HubSpot does. */
  readonly signed?: true;
  readonly status: number;
}

export interface ChangeEventEntry {
  readonly why: string;
  /** In hexadecimal. */
  readonly payload: string;
  readonly readable: boolean;
}

interface Corpora {
  readonly api: ApiEntry;
  readonly routes: RouteEntry;
  readonly 'change-events': ChangeEventEntry;
}

/** "{{aa*1000}}" in a file stands for "aa", a thousand times, so that long inputs stay readable. */
export function readCorpus<K extends keyof Corpora>(name: K): Corpora[K][] {
  const text = readFileSync(new URL(`corpus/${name}.json`, import.meta.url), 'utf8');
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string'
      ? value.replace(/\{\{(.+?)\*([0-9]+)\}\}/gs, (_match, part: string, times: string) => part.repeat(Number(times)))
      : value,
  ) as Corpora[K][];
}
