/** A field that the vendor would not take, or that is missing. `path` is written with dots. */
export class FieldError extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.name = 'FieldError';
    this.path = path;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** An object with no other fields than these: stricter than the vendors, so that a misspelt field is found here and not in production. */
export function objectAt(value: unknown, path: string, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FieldError(path, 'must be an object');
  for (const name of Object.keys(value))
    if (!known.includes(name)) throw new FieldError(path === '' ? name : `${path}.${name}`, 'is no known field');
  return value as Fields;
}

export function textAt(fields: Fields, name: string, path: string, lengthMax: number): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw new FieldError(`${path}${name}`, 'is missing');
  if (value.length > lengthMax) throw new FieldError(`${path}${name}`, `must be at most ${lengthMax} characters`);
  return value;
}

export function optionalTextAt(fields: Fields, name: string, path: string, lengthMax: number): string | null {
  return fields[name] === undefined || fields[name] === null ? null : textAt(fields, name, path, lengthMax);
}

export function oneOf<T extends string>(value: unknown, path: string, choices: readonly T[]): T {
  if (choices.includes(value as T)) return value as T;
  throw new FieldError(path, `must be one of ${choices.join(', ')}`);
}
