import type { SendLetter } from '../../application/ports/mail.ts';
import { Fault } from '../../domain/errors.ts';

/** A server that takes longer is not going to; who waits for a link asks again. */
const TIMEOUT_MS = 10_000;

export interface MailSettings {
  /** smtp:// or smtps://, with name and password where the server wants them. */
  readonly url: string;
  readonly from: string;
}

/** By SMTP, which every mail provider speaks. A pool, as sign-ins come in the morning. */
export function createLetters({ url, from }: MailSettings): SendLetter {
  const options = {
    url,
    pool: true,
    maxConnections: 2,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    // Nothing in a letter is ever read from a file or an address.
    disableFileAccess: true,
    disableUrlAccess: true,
  } as const;
  // Loaded with the first letter: most starts send none.
  let transport: ReturnType<typeof import('nodemailer').createTransport> | null = null;
  const own = addressIn(from);
  return async ({ to, subject, text, senderName, replyTo }) => {
    try {
      transport ??= (await import('nodemailer')).createTransport(options);
      await transport.sendMail({
        from: senderName === undefined ? from : { name: senderName, address: own },
        ...(replyTo === undefined ? {} : { replyTo: { name: '', address: replyTo } }),
        to: { name: '', address: to },
        subject,
        text,
      });
    } catch (cause) {
      throw new Fault('mail_unavailable', { kind: 'retry' }, 'The mail server did not take a letter.', { cause });
    }
  };
}

/** The address in "Wonward <referrals@acme.test>". */
function addressIn(from: string): string {
  return /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from;
}
