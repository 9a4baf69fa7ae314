import type { Brand } from '../domain/brand.ts';

type Whose = Pick<Brand, 'name' | 'language'>;

/** What a member sends to a friend: short enough for a chat, and it says why there is a link in it. */
export function invitationOf(shareLink: string, { name, language }: Whose): string {
  if (language === 'de') {
    const who = name === null ? 'die Leute in diesem Unternehmen' : `die Leute bei ${name}`;
    return `Ich kenne ${who} und glaube, dass sie dir helfen können. Mit meinem Link wissen sie, dass du von mir kommst: ${shareLink}`;
  }
  const who = name === null ? 'the people at this company' : `the people at ${name}`;
  return `I know ${who} and think that they could help you. With my link they know that I sent you: ${shareLink}`;
}

/** What a rep writes to a member: one paragraph, since nobody documents how the CRM's composer takes line breaks. */
export function askMessageOf(
  memberName: string | null,
  shareLink: string,
  { name, language }: Whose,
): { readonly subject: string; readonly text: string } {
  if (language === 'de') {
    const hello = memberName === null ? 'Guten Tag' : `Guten Tag ${memberName}`;
    return {
      subject: `Kennen Sie jemanden, dem ${name ?? 'wir'} auch helfen ${name === null ? 'können' : 'kann'}?`,
      text: `${hello}, ich freue mich über unsere Zusammenarbeit. Kennen Sie jemanden, dem wir auch helfen könnten? Das ist Ihr persönlicher Link: ${shareLink} – wer darüber kommt, kommt erkennbar von Ihnen, und Sie sehen, was daraus wird.`,
    };
  }
  const hello = memberName === null ? 'Hello' : `Hello ${memberName}`;
  return {
    subject: `Do you know somebody whom ${name ?? 'we'} could help, too?`,
    text: `${hello}, I am glad that we work together. Do you know somebody whom we could help as well? This is your personal link: ${shareLink} – whoever comes with it is known to come from you, and you see what becomes of it.`,
  };
}
