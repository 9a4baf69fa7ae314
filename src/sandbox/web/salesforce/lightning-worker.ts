import { cacheLightningBundle } from './lightning-bundle.ts';

/** A thread of its own: compiling takes a core for half a minute, and the local CRMs have to answer meanwhile. */
await cacheLightningBundle();
