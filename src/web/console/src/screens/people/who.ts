import type { components, operations } from '../../api/schema.generated.ts';

/** What a person is asked for by, as the service takes it. */
export type Who = operations['exportPerson']['requestBody']['content']['application/json'];
export type PersonExport = components['schemas']['PersonExport'];
export type Erased = components['schemas']['ErasedPerson'];

/** A person, with the word that whoever erases them writes once more. */
export interface Asked {
  readonly who: Who;
  readonly name: string;
  readonly word: string;
}
