/** A key for one click. It need not be a secret, only nobody else's. */
export function newKey(): string {
  if (typeof crypto !== 'undefined' && typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const part = () => Math.random().toString(36).slice(2).padEnd(12, '0').slice(0, 12);
  return `${part()}-${part()}`;
}
