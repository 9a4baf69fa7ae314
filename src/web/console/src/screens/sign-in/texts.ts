import { catalogue } from '../../i18n/text.ts';

export const signInText = catalogue({
  en: {
    title: 'Sign in to Wonward',
    email: 'Your e-mail address',
    send: 'Send me a link',
    sent: 'Look into your mailbox',
    sentWhat: 'If {email} has a seat here, a link is on its way. It works once, for 15 minutes.',
    again: 'Use another address',
    continueWith: 'Continue with {name}',
    or: 'or',
    byHand:
      'No mail server is set up. Ask who runs this service for a link; they make one with: npm run cli -- user link <e-mail>',
    redeemTitle: 'Sign in',
    redeemWhat: 'Press the button to finish. The link is used up by it.',
    redeem: 'Sign in',
    failed: 'You could not be signed in',
    invalidEmail: 'Write a whole e-mail address, such as ada@example.com',
  },
  de: {
    title: 'Bei Wonward anmelden',
    email: 'Ihre E-Mail-Adresse',
    send: 'Link schicken',
    sent: 'Sehen Sie in Ihr Postfach',
    sentWhat: 'Wenn {email} hier einen Platz hat, ist ein Link unterwegs. Er gilt einmal, 15 Minuten lang.',
    again: 'Andere Adresse nehmen',
    continueWith: 'Weiter mit {name}',
    or: 'oder',
    byHand:
      'Es ist kein Mailserver eingerichtet. Wer diesen Dienst betreibt, macht einen Link mit: npm run cli -- user link <E-Mail>',
    redeemTitle: 'Anmelden',
    redeemWhat: 'Drücken Sie den Knopf, um fertig zu werden. Der Link ist damit verbraucht.',
    redeem: 'Anmelden',
    failed: 'Sie konnten nicht angemeldet werden',
    invalidEmail: 'Schreiben Sie eine ganze E-Mail-Adresse, etwa ada@example.com',
  },
});
