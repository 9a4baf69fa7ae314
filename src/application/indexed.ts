/** Items by each of their keys, in the order in which they come. */
export function indexed<T>(
  items: readonly T[],
  keysOf: (item: T) => readonly string[],
): ReadonlyMap<string, readonly T[]> {
  const index = new Map<string, T[]>();
  for (const item of items) {
    for (const key of new Set(keysOf(item))) {
      const others = index.get(key);
      if (others) others.push(item);
      else index.set(key, [item]);
    }
  }
  return index;
}
