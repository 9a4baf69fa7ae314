/** What somebody had written and not saved when the page was left, in this tab alone; null where there is nothing. */
export function copyAt(key: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null;
  }
}

/** Null forgets it. */
export function keepCopy(key: string, copy: object | null): void {
  try {
    if (copy === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify(copy));
  } catch {
    // The browser's room is used up: what is written stands on the page and is kept by saving it.
  }
}
