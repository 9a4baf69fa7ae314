import { useAccount } from '../../app/session.tsx';
import { useText } from '../../i18n/text.ts';
import { roleText } from '../settings/texts.ts';
import { deskText, reviewText } from './texts.ts';

/** What the service names with a word of its own, in the user's language; a word that is new to the console is shown as it came. */
export function useWords() {
  const t = useText(reviewText);
  const known = useText(deskText);
  const role = useText(roleText);
  const { session } = useAccount();
  const isKnown = (word: string): word is keyof (typeof deskText)['en'] => Object.hasOwn(deskText.en, word);
  const isRole = (word: string): word is keyof (typeof roleText)['en'] => Object.hasOwn(roleText.en, word);
  const plain = (text: string) => text.replaceAll('_', ' ');
  return {
    word: (word: string) => (isKnown(word) ? known(word) : plain(word)),
    owner(owner: string) {
      if (owner === 'account_owner') return t('ownerOfAccount');
      const [kind, name = ''] = owner.split(':');
      if (kind === 'role') return isRole(name) ? role(name) : plain(name);
      return name === session.user.id ? t('you') : name;
    },
  };
}
