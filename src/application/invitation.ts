/** What a member sends to a friend: short enough for a chat, and it says why there is a link in it. */
export function invitationOf(shareLink: string): string {
  return `I know the people at this company and think that they could help you. With my link they know that I sent you: ${shareLink}`;
}

/** What a rep writes to a member: one paragraph, since nobody documents how the CRM's composer takes line breaks. */
export function askMessageOf(
  name: string | null,
  shareLink: string,
): { readonly subject: string; readonly text: string } {
  const hello = name === null ? 'Hello' : `Hello ${name}`;
  return {
    subject: 'Do you know somebody whom we could help, too?',
    text: `${hello}, I am glad that we work together. Do you know somebody whom we could help as well? This is your personal link: ${shareLink} – whoever comes with it is known to come from you, and you see what becomes of it.`,
  };
}
