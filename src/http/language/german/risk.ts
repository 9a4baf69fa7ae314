import type { Phrases } from '../phrasebook.ts';

/** What may speak against a referral, and by what it was seen. */
export const RISK: Phrases = {
  'same mailbox': 'dasselbe Postfach',
  'throw-away e-mail address': 'Wegwerf-Adresse',
  'relayed e-mail address': 'weitergeleitete E-Mail-Adresse',
  'same company domain': 'dieselbe Firmendomain',
  'same phone number': 'dieselbe Telefonnummer',
  'same household': 'derselbe Haushalt',
  'same network': 'dasselbe Netz',
  'same device': 'dasselbe Gerät',
  'many referrals by the member': 'viele Empfehlungen des Mitglieds',
  'many friends from one place': 'viele Empfohlene von einem Ort',
  'duplicate of another contact': 'Doppel eines anderen Kontakts',
  'already a customer': 'schon Kunde',
  'deal older than the referral': 'Deal älter als die Empfehlung',
  'purchase not verified': 'Kauf nicht bestätigt',
  'own employee': 'eigener Mitarbeiter',
  'circle of referrals': 'Kreis von Empfehlungen',
  '{=signal} ({#weight})': '{=signal} ({weight})',
  'the friend and the member have one mailbox': 'die empfohlene Person und das Mitglied haben ein Postfach',
  '{=people} have one company domain': '{=people} haben eine Firmendomain',
  '{=people} have one phone number': '{=people} haben eine Telefonnummer',
  '{=people} have one postal address': '{=people} haben eine Anschrift',
  '{others} other referrals within {hours} hours': '{others} andere Empfehlungen innerhalb von {hours} Stunden',
  'contact {other} has the same mailbox or phone number':
    'der Kontakt {other} hat dasselbe Postfach oder dieselbe Telefonnummer',
  'deal {deal} was won before the referral': 'der Deal {deal} wurde vor der Empfehlung gewonnen',
  'contact {contact} became a customer before the referral': 'der Kontakt {contact} war schon vor der Empfehlung Kunde',
  'deal {deal} was created before the referral': 'der Deal {deal} wurde vor der Empfehlung angelegt',
  'the deal\'s "{property}" does not say that the purchase was verified':
    'die Eigenschaft „{property}“ des Deals sagt nicht, dass der Kauf bestätigt ist',
  "the friend's address is one of the account's own": 'die Adresse der empfohlenen Person ist eine des Kontos selbst',
  "the member's address is one of the account's own": 'die Adresse des Mitglieds ist eine des Kontos selbst',
  'the friend stands above the member in the chain of referrals':
    'die empfohlene Person steht in der Kette der Empfehlungen über dem Mitglied',
  'contacts {friend} and {member}': 'die Kontakte {friend} und {member}',
  'the address of the {=who} is relayed': 'die Adresse {=who} wird weitergeleitet',
  'the address of the {=who} is of a throw-away provider': 'die Adresse {=who} ist von einem Wegwerf-Anbieter',
  'who: friend': 'der empfohlenen Person',
  'who: member': 'des Mitglieds',
  'who: friend and of the member': 'der empfohlenen Person und des Mitglieds',
  'contact {!id}': 'Kontakt {id}',
  'referral {!id}': 'Empfehlung {id}',
  'as touch {touch}': 'wie beim Beleg {touch}',
  '{others} other friends from there within {hours} hours':
    '{others} andere Empfohlene von dort innerhalb von {hours} Stunden',
};
