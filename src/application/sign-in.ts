import { createHash, randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { USUAL_BRAND } from '../domain/brand.ts';
import { normaliseEmail } from '../domain/record.ts';
import { permissionsOf, type Role } from '../domain/roles.ts';
import type { Instant } from '../domain/time.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/log.ts';
import type { SendLetter } from './ports/mail.ts';
import type { NewSession, Session, Store, User } from './ports/store.ts';

/** 256 bits: nobody guesses one, so a fast hash at rest is safe. */
const SECRET_BYTES = 32;
const SECRET_SHAPE = /^[A-Za-z0-9_-]{43}$/;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Long enough for a slow mailbox, short enough that a mailbox opened tomorrow holds nothing of use. */
const LINK_MS = 15 * MINUTE;
/** An invited person may be on holiday for a week. */
export const INVITATION_MS = 7 * DAY;
/** A working day may be interrupted by a night's sleep, not by a weekend. */
const IDLE_MS = 14 * HOUR;
/** Whoever works every day signs in once a week. */
const SESSION_MS = 7 * DAY;
/** A session is written back at most this often: a page of the console makes a dozen calls. */
const SEEN_EVERY_MS = 5 * MINUTE;
/** Of each kind at a time; they are many only after an attack on the sign-in page. */
const PRUNE_LIMIT = 1_000;

export interface SignInDeps {
  readonly store: Pick<Store, 'users' | 'accounts' | 'brands'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly publicUrl: string;
  /** Null where no mail server is configured: links then come from the command line, or an OpenID provider is asked. */
  readonly sendLetter: SendLetter | null;
}

/** A session just opened: the secret is for the cookie alone and is not kept. */
export interface Opened {
  readonly secret: string;
  readonly user: User;
  readonly expiresAt: Instant;
}

export interface SignIn {
  /** Whether letters can be sent at all. */
  readonly byMail: boolean;
  /** Sends a link to a person with a seat. Who asks learns nothing of who has one: it always ends the same way, and at once. */
  askForLink(email: string): void;
  /** A link that signs in who has a seat, for the command line. Null when nobody is called so. */
  linkFor(email: string): Promise<string | null>;
  /** A link that gives a seat. */
  invite(seat: { accountId: string; roles: readonly Role[] }, email: string, madeBy: string | null): Promise<Invited>;
  /** Null when the link is not, or was used, or is over. */
  redeem(token: string): Promise<Opened | null>;
  /** Who an OpenID provider says it is: known by its subject, else by an address that the provider has verified. */
  enter(identity: OpenIdIdentity): Promise<Opened | 'no_seat' | 'unverified'>;
  /** Null for anything that is not a live session. */
  session(secret: string): Promise<Session | null>;
  end(secret: string): Promise<void>;
  prune(): Promise<void>;
}

export interface OpenIdIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
}

export interface Invited {
  readonly link: string;
  readonly expiresAt: Instant;
  /** Whether a letter is on its way; otherwise the link has to be handed over. */
  readonly isSent: boolean;
}

export function createSignIn({ store, clock, log, publicUrl, sendLetter }: SignInDeps): SignIn {
  const { users } = store;

  async function makeLink(
    link: { email: string; seat: { accountId: string; roles: readonly Role[] } | null; madeBy: string | null },
    lifeMs: number,
  ): Promise<{ url: string; expiresAt: Instant }> {
    const token = newSecret();
    const now = clock.now();
    const expiresAt = now + lifeMs;
    const purpose = link.seat ? 'invitation' : 'sign_in';
    await users.saveLink({ ...link, purpose, createdAt: now, expiresAt }, hashOf(token));
    // Behind the "#": it is in no log of a server or proxy, and no mail scanner that opens the page uses it up.
    return { url: `${publicUrl}/console/sign-in#${token}`, expiresAt };
  }

  async function mayEnter(email: string): Promise<boolean> {
    return (await users.byEmail(email))?.hasSeat === true;
  }

  function newSession(): { secret: string; opened: NewSession } {
    const secret = newSecret();
    const now = clock.now();
    return { secret, opened: { hash: hashOf(secret), now, expiresAt: now + IDLE_MS } };
  }

  async function sendLink(email: string): Promise<void> {
    if (!sendLetter || !(await mayEnter(email))) return;
    const { url } = await makeLink({ email, seat: null, madeBy: null }, LINK_MS);
    await sendLetter({
      to: email,
      subject: 'Your link to Wonward',
      text: `Open this link to sign in. It works once, for ${LINK_MS / MINUTE} minutes:\n\n${url}\n\nIf you did not ask for it, there is nothing to do: nobody gets in without it.\n`,
    });
  }

  return {
    byMail: sendLetter !== null,

    askForLink(raw) {
      const email = normaliseEmail(raw);
      if (email === null) return;
      sendLink(email).catch((err: unknown) => log.error({ err }, 'no link to sign in was sent'));
    },

    async linkFor(raw) {
      const email = normaliseEmail(raw);
      if (email === null || !(await mayEnter(email))) return null;
      return (await makeLink({ email, seat: null, madeBy: null }, LINK_MS)).url;
    },

    async invite(seat, raw, madeBy) {
      const email = normaliseEmail(raw) ?? raw;
      const { url, expiresAt } = await makeLink({ email, seat, madeBy }, INVITATION_MS);
      const account = await store.accounts.get(seat.accountId);
      let isSent = false;
      if (sendLetter && account) {
        try {
          const [shown] = await store.brands.ofAccounts([account.id]);
          const { name, senderName, replyTo, postalAddress } = shown?.brand ?? USUAL_BRAND;
          const called = name ?? account.name;
          await sendLetter({
            to: email,
            subject: `You are invited to ${called} on Wonward`,
            text: `${madeBy ?? 'Your administrator'} invites you to "${called}". Open this link within ${INVITATION_MS / DAY} days; it works once:\n\n${url}\n${postalAddress === null ? '' : `\n--\n${called}\n${postalAddress}\n`}`,
            senderName: senderName ?? undefined,
            replyTo: replyTo ?? undefined,
          });
          isSent = true;
        } catch (err) {
          log.error({ err }, 'an invitation was not sent; its link can be handed over');
        }
      }
      return { link: url, expiresAt, isSent };
    },

    async redeem(token) {
      if (!SECRET_SHAPE.test(token)) return null;
      const { secret, opened } = newSession();
      const user = await users.redeem(hashOf(token), opened, `usr_${uuidv7()}`);
      return user && { secret, user, expiresAt: opened.expiresAt };
    },

    async enter({ issuer, subject, email, emailVerified }) {
      let user = await users.bySubject(issuer, subject);
      if (!user) {
        const address = email === null ? null : normaliseEmail(email);
        // Anybody can write any address into an account of theirs: only a verified one says who it is.
        if (address === null || !emailVerified) return 'unverified';
        const known = await users.byEmail(address);
        if (!known?.hasSeat) return 'no_seat';
        await users.tieSubject(issuer, subject, known.id, clock.now());
        user = known;
      } else if (!(await mayEnter(user.email))) return 'no_seat';
      const { secret, opened } = newSession();
      await users.openSession(user.id, opened);
      return { secret, user, expiresAt: opened.expiresAt };
    },

    async session(secret) {
      if (!SECRET_SHAPE.test(secret)) return null;
      const now = clock.now();
      const hash = hashOf(secret);
      const session = await users.session(hash, now);
      if (!session) return null;
      if (now - session.seenAt < SEEN_EVERY_MS) return session;
      const expiresAt = Math.min(now + IDLE_MS, session.createdAt + SESSION_MS);
      await users.seen(hash, now, expiresAt);
      return { ...session, seenAt: now, expiresAt };
    },

    end: (secret) => (SECRET_SHAPE.test(secret) ? users.endSession(hashOf(secret)) : Promise.resolve()),

    async prune() {
      await users.prune(clock.now(), PRUNE_LIMIT);
    },
  };
}

/** What a session may do in an account; null when its user has no seat there. */
export function mayIn(session: Session, accountId: string) {
  const seat = session.seats.find((one) => one.accountId === accountId);
  return seat ? permissionsOf(seat.roles) : null;
}

function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

function hashOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
