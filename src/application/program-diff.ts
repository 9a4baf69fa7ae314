/** What differs between two programs as they are written, a line for each field: `rules[member-won].holdDays: 0 → 14`. */
export function programDiff(before: unknown, after: unknown): string[] {
  const [was, is] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((path) => {
    const [from, to] = [was.get(path), is.get(path)];
    return from === to ? [] : [`${path}: ${from ?? 'nothing'} → ${to ?? 'nothing'}`];
  });
}

/** Every value by its place. Of a list whose entries have keys the place is the key, so that a rule that was moved is the same rule. */
function fieldsOf(value: unknown, path = ''): Map<string, string> {
  if (value === null || typeof value !== 'object') return new Map([[path, JSON.stringify(value)]]);
  const parts = Array.isArray(value)
    ? value.map((entry: unknown, index) => [`[${keyOf(entry) ?? index}]`, entry] as const)
    : Object.entries(value).map(([name, inner]) => [path === '' ? name : `.${name}`, inner] as const);
  return new Map(parts.flatMap(([step, inner]) => [...fieldsOf(inner, `${path}${step}`)]));
}

function keyOf(entry: unknown): string | null {
  return entry !== null && typeof entry === 'object' && 'key' in entry ? String(entry.key) : null;
}
