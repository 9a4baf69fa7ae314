/** One letter to one person, as text; what reads it makes the links clickable. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** @throws Fault when the server did not take it. */
export type SendLetter = (letter: Letter) => Promise<void>;
