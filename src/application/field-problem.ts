/** What is wrong with one place of a document, and what it should be. */
export interface FieldProblem {
  readonly field: string;
  readonly problem: string;
}
