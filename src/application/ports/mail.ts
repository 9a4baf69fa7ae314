/** One letter to one person, as text; what reads it makes the links clickable. */
export interface Letter {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** By whose name it comes; the address stays the service's own, which the mail server vouches for. */
  readonly senderName?: string | undefined;
  readonly replyTo?: string | undefined;
}

/** @throws Fault when the server did not take it. */
export type SendLetter = (letter: Letter) => Promise<void>;
