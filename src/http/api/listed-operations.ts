import type { Operation } from './operation.ts';
import { type OperationsDeps, operations } from './operations.ts';

/** Every operation as it is described, for whoever lists them: none of these can be carried out. */
export function listedOperations(): Operation[] {
  // Whatever an operation takes from its services while it is made answers to any name, and is an empty list.
  const anything: object = new Proxy(() => anything, {
    get: (_target, name) => (name === Symbol.iterator ? [][Symbol.iterator] : anything),
  });
  return operations(new Proxy({}, { get: () => anything }) as OperationsDeps);
}
