/** A decimal as people write an amount: not negative, with a point. */
export function isAmount(text: string): boolean {
  return /^[0-9]+(\.[0-9]+)?$/.test(text);
}

/** Written as a currency is; whether there is such a one the service knows. */
export function isCurrency(text: string): boolean {
  return /^[A-Z]{3}$/.test(text);
}
