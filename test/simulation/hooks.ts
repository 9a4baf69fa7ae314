import crypto from 'node:crypto';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { createRandom, type Random } from '../crash/random.ts';
import { replaceGlobalTimers } from './timers.ts';

/** A known mistake: each snippet, which must stand in the file exactly once, is replaced as the file is loaded. Nothing is written. */
export interface Edit {
  /** Under src/. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const SRC = new URL('../../src/', import.meta.url).href;

/** What the code under src/ gets instead of something that is not repeatable. */
const INSTEAD: Readonly<Record<string, string>> = {
  'better-sqlite3': new URL('./sqlite-in-memory.ts', import.meta.url).href,
  'node-cron': new URL('./cron.ts', import.meta.url).href,
  'node:timers/promises': new URL('./timers.ts', import.meta.url).href,
};

let random: Random = createRandom(0, 'crypto');

/** From here on ids and nonces that the code draws come from the seed. */
export function seedCrypto(seed: number): void {
  random = createRandom(seed, 'crypto');
}

/** Before the first import from src/. @throws when a snippet is not there, or not only once. */
export function install(edits: readonly Edit[]): () => void {
  const open = new Set(edits);
  registerHooks({
    resolve(specifier, context, next) {
      const instead = INSTEAD[specifier];
      if (instead && context.parentURL?.startsWith(SRC)) return { url: instead, shortCircuit: true };
      return next(specifier, context);
    },
    load(url, context, next) {
      const loaded = next(url, context);
      const own = edits.filter(({ file }) => url === SRC + file);
      if (own.length === 0) return loaded;
      let source = String(loaded.source);
      for (const edit of own) {
        const count = source.split(edit.find).length - 1;
        if (count !== 1)
          throw new Error(`src/${edit.file} has the snippet ${count} times instead of once: ${edit.find}`);
        source = source.replace(edit.find, () => edit.replace);
        open.delete(edit);
      }
      return { ...loaded, source };
    },
  });
  const bytes = (size: number) => Buffer.from(Array.from({ length: size }, () => random.integer(0, 255)));
  Object.assign(crypto, {
    randomUUID: () => bytes(16).toString('hex'),
    randomBytes: (size: number) => bytes(size),
  });
  syncBuiltinESMExports();
  replaceGlobalTimers();
  return () => {
    const [missing] = open;
    if (missing) throw new Error(`src/${missing.file} is not loaded by the simulation`);
  };
}
