import fc from 'fast-check';

/** A property that a mutant breaks fails within its first histories or in none of many: what it takes to try 12,000 mutants counts more. */
const PROPERTY_MS = 400;

// The same histories for each mutant.
fc.configureGlobal({ interruptAfterTimeLimit: PROPERTY_MS, seed: 20261122 });
