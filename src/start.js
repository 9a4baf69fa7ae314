// Starts the service as main.ts does, but lets Node keep what it makes of our files and of the packages' (types stripped, compiled), so that the
// next start reads it: half the time. It is no TypeScript because what strips types is itself a tenth of what is left.
//
// The cache lies where only those can write who can change the packages. Where it cannot be made, as on a read-only file system, Node says nothing and
// compiles; what lies there already is read all the same. NODE_COMPILE_CACHE names another place, NODE_DISABLE_COMPILE_CACHE=1 does without.
import module from 'node:module';
import { fileURLToPath } from 'node:url';

module.enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/wonward', import.meta.url)));
await import('./main.ts');
