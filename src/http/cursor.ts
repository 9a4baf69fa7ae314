import type { PageCursor } from '../application/ports/store.ts';

/**
 * Where a list goes on, as text that callers hand back unread. It holds a time and an id of a row they have just seen, and every
 * query names the account anyway, so a forged one shows nobody anything that their own list does not. Hence no signature; only the
 * list's name, so that a cursor of one list is not taken for one of another.
 */
export function encodeCursor(list: string, { at, id }: PageCursor): string {
  return Buffer.from(`${list} ${at} ${id}`).toString('base64url');
}

/** Null when the text is not what `encodeCursor` wrote for this list. */
export function decodeCursor(list: string, text: string): PageCursor | null {
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(text)) return null;
  const match = /^([a-z-]+) ([0-9]{1,15}) ([a-z]{2,5}_[a-z0-9-]{1,64})$/.exec(
    Buffer.from(text, 'base64url').toString(),
  );
  if (match?.[1] !== list || match[2] === undefined || match[3] === undefined) return null;
  const cursor = { at: Number(match[2]), id: match[3] };
  return encodeCursor(list, cursor) === text ? cursor : null;
}
