type Fact = string | number | boolean | null | readonly string[];
type Facts = Readonly<Record<string, Fact>>;
/** What the facts must be; a pattern where the value cannot be known beforehand. A fact that is not named only informs. */
type Expected<Seen extends Facts> = { readonly [Key in keyof Seen]?: Seen[Key] | RegExp };

/** One thing that was read back from outside, and whether it is as it should be. */
export interface Finding {
  /** Names it in the report. */
  readonly key: string;
  /** Who was asked. */
  readonly where: Witness;
  /** As it was read. */
  readonly seen: Facts;
  /** Empty when everything is as expected; otherwise sentences. */
  readonly problems: readonly string[];
  /** The evidence in a sentence; only where there is no problem. */
  readonly line: string;
}

export type Witness = 'HubSpot' | 'Salesforce' | 'Wonward' | 'Ledger' | 'Card' | 'Component';

/** Compares what was read with what must be there. `says` is only asked when they agree, so it may trust the facts. */
export function finding<Seen extends Facts>(
  where: Witness,
  key: string,
  {
    seen,
    expected,
    says,
  }: { readonly seen: Seen; readonly expected: Expected<Seen>; readonly says: (seen: Seen) => string },
): Finding {
  const problems = Object.entries(expected as Readonly<Record<string, Fact | RegExp>>).flatMap(([name, wanted]) => {
    const got = seen[name] ?? null;
    return agrees(wanted, got) ? [] : [`${key}.${name}: expected ${textOf(wanted)}, seen ${textOf(got)}`];
  });
  return { key, where, seen, problems, line: problems.length === 0 ? says(seen) : '' };
}

function agrees(wanted: Fact | RegExp, got: Fact): boolean {
  if (wanted instanceof RegExp) return typeof got === 'string' && wanted.test(got);
  return JSON.stringify(wanted) === JSON.stringify(got);
}

function textOf(value: Fact | RegExp): string {
  return value instanceof RegExp ? `something like ${value.source}` : JSON.stringify(value);
}
