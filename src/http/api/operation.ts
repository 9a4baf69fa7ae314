import type { z } from 'zod';
import type { Permission } from '../../domain/roles.ts';
import type { ProblemCode } from '../problem-codes.ts';

export interface OperationInput<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  /** The account that the API key belongs to. Every read and write names it. */
  readonly accountId: string;
  /** Label of the API key or e-mail address of the user: who is said to have done it where that is recorded. */
  readonly actor: string;
  /** What they may do; who gives something away cannot give more than they have. */
  readonly may: ReadonlySet<Permission>;
  readonly params: z.output<P>;
  readonly query: z.output<Q>;
  readonly body: z.output<B>;
}

/** One method on one path: what the router serves and what the OpenAPI document says are both made from it. */
export interface Operation<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  A extends z.ZodType = z.ZodType,
> {
  readonly id: string;
  readonly tag: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below /api/v1, with {parameters} as OpenAPI writes them. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** Of a body that is a file; absent: what fits every other. */
  readonly bodyBytesMax?: number;
  /** What each status that is a success means. */
  readonly statuses: Readonly<Record<number, string>>;
  readonly answer: A;
  /** Beside those that every operation has. */
  readonly problems: readonly ProblemCode[];
  handle(input: OperationInput<P, Q, B>): Promise<{ status: number; body: z.input<A> }>;
}

/** Ties the handler's types to the schemas, and forgets them for the list of all operations. */
export function operation<
  P extends z.ZodType = z.ZodUndefined,
  Q extends z.ZodType = z.ZodUndefined,
  B extends z.ZodType = z.ZodUndefined,
  A extends z.ZodType = z.ZodType,
>(definition: Operation<P, Q, B, A>): Operation {
  return definition as unknown as Operation;
}
