/** What a member sends to a friend: short enough for a chat, and it says why there is a link in it. */
export function invitationOf(shareLink: string): string {
  return `I know the people at this company and think that they could help you. With my link they know that I sent you: ${shareLink}`;
}
