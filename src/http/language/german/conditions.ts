import type { Phrases } from '../phrasebook.ts';

/** What rules ask for, by name. */
const NAMES: Phrases = {
  'deal amount': 'Betrag des Deals',
  'deal pipeline': 'Pipeline des Deals',
  'deal currency': 'Währung des Deals',
  'source of the referral': 'Beleg der Empfehlung',
  "domain of the friend's e-mail address": 'Mail-Domain der empfohlenen Person',
  'days since the referral': 'Tage seit der Empfehlung',
  'day of the event': 'Tag des Ereignisses',
  'won referrals of the member': 'gewonnene Empfehlungen des Mitglieds',
  'tier of the member': 'Rang des Mitglieds',
  'tier reached by the member': 'vom Mitglied erreichter Rang',
  'recruiter behind the referral': 'Werber hinter der Empfehlung',
  'member paid as a member': 'Mitglied wird als Mitglied bezahlt',
  'deal won after the referral': 'Deal nach der Empfehlung gewonnen',
  'deal won after the program began': 'Deal nach Beginn des Programms gewonnen',
  'first referral on the deal': 'erste Empfehlung an diesem Deal',
  'first rewarded deal of the referral': 'erster belohnter Deal der Empfehlung',
  'rewarded deals of the referral': 'belohnte Deals der Empfehlung',
  'refunded of the deal': 'vom Deal erstattet',
  'decided in this connection': 'in dieser Verbindung entschieden',
  'deal amount and currency': 'Betrag und Währung des Deals',
  'an exact amount in a known currency': 'ein genauer Betrag in einer bekannten Währung',
  'no such deal in another connection': 'kein solcher Deal in einer anderen Verbindung',
  'deal stage': 'Phase des Deals',
  'budget of the program': 'Budget des Programms',
  risk: 'Risiko',
  'deal property {!property}': 'Eigenschaft {property} des Deals',
  "friend's property {!property}": 'Eigenschaft {property} der empfohlenen Person',
  "company's property {!property}": 'Eigenschaft {property} der Firma',
};

/** Conditions inside others stand beside their values: "deal amount at least 100.00 EUR or deal currency EUR". */
const WITH_VALUES: Phrases = Object.fromEntries(
  Object.entries(NAMES).map(([name, said]) => [`${name} {=value}`, `${said} {=value}`]),
);

/** What rules ask for, what is there, and words that stand for a value in other sentences. */
export const CONDITIONS: Phrases = {
  ...NAMES,
  ...WITH_VALUES,
  'none of': 'keine von',
  'all of': 'alle von',
  'one of': 'eine von',
  'not: {+inner}': 'nicht: {+inner}',
  'limit per {=per}': 'Grenze je {=per}',
  'limit per {=per} and {=window}': 'Grenze je {=per} und {=window}',
  yes: 'ja',
  no: 'nein',
  none: 'keiner',
  empty: 'leer',
  anything: 'irgendein Wert',
  unknown: 'unbekannt',
  'not known': 'nicht bekannt',
  'not read': 'nicht gelesen',
  'at least {=value}': 'mindestens {=value}',
  'at most {=value}': 'höchstens {=value}',
  'exactly {=value}': 'genau {=value}',
  'every {=value}': 'jede {=value}.',
  'from {=value}': 'ab {=value}',
  'until {=value}': 'bis {=value}',
  'below {=value}': 'unter {=value}',
  'less than {=value}': 'weniger als {=value}',
  'on or after {=day}': 'am oder nach dem {=day}',
  '{=expected}, or released': '{=expected}, oder freigegeben',
  '{=day}, released': '{=day}, freigegeben',
  'not {+values}': 'nicht {+values}',
  '{#count} reward': '{count} Prämie',
  '{#count} rewards': '{count} Prämien',
  '{#count} in {#days} days': '{count} in {days} Tagen',
  '{=value} before this one': '{=value} vor dieser',
  '{=value} left': '{=value} übrig',
  'the reward is in {currency}': 'die Prämie ist in {currency}',
  '{#score}: {+findings}': '{score}: {+findings}',
  'a deal of the same friend over {=amount} was rewarded in {crm} ({dealId}), and may be the same one':
    'ein Deal derselben empfohlenen Person über {=amount} wurde in {crm} belohnt ({dealId}) und könnte derselbe sein',
  // What stands between the parts of a list.
  ' and ': ' und ',
  ' or ': ' oder ',
  'not ': 'nicht ',
  // How a referral came, and how far.
  company: 'Firma',
  explicit: 'von Hand eingereicht',
  label: 'Zuordnung im CRM',
  code: 'Empfehlungscode',
  email: 'E-Mail-Adresse',
  'Closed Won': 'gewonnen',
  'a qualified stage': 'eine qualifizierte Phase',
  'an open stage': 'eine offene Phase',
  // Tiers.
  '{#count} won referral': '{count} gewonnene Empfehlung',
  '{#count} won referrals': '{count} gewonnene Empfehlungen',
  '{#count} submissions': '{count} eingereichte Empfehlungen',
  '{#count} touches': '{count} gebrachte Kontakte',
  ' in {days} days': ' in {days} Tagen',
  'no longer a tier of the program': 'kein Rang des Programms mehr',
  // Rounding.
  'mode: half even': 'Zur geraden Ziffer',
  'mode: half up': 'Kaufmännisch',
  'mode: up': 'Nach oben',
  'mode: down': 'Nach unten',
  '{source}, carried on from {=day}': '{source}, fortgeführt vom {=day}',
};

const STAGES: Phrases = {
  submitted: 'eingereicht',
  accepted: 'angenommen',
  qualified: 'qualifiziert',
  opportunity: 'Verkaufschance',
  won: 'gewonnen',
  lost: 'verloren',
  declined: 'abgelehnt',
  expired: 'abgelaufen',
};

const WHOSE: Phrases = {
  member: 'Mitglied',
  friend: 'empfohlene Person',
  company: 'Firma',
  program: 'Programm',
  referral: 'Empfehlung',
  recruiter: 'Werber',
  assist: 'beteiligtes Mitglied',
};

const WINDOWS: Phrases = { day: 'Tag', week: 'Woche', month: 'Monat', quarter: 'Quartal', year: 'Jahr' };

const STATES: Phrases = {
  held: 'zurückgehalten',
  in_review: 'in Prüfung',
  approved: 'freigegeben',
  rejected: 'abgelehnt',
  issuing: 'in Zahlung',
  issued: 'gezahlt',
  redeemed: 'eingelöst',
  failed: 'gescheitert',
  voided: 'verworfen',
  expired: 'verfallen',
  clawed_back: 'zurückgenommen',
  taken_back: 'zurückgenommen',
  upheld: 'bestätigt',
  dismissed: 'abgewiesen',
  resolved: 'erledigt',
  reattributed: 'neu zugeordnet',
  allowed: 'erlaubt',
  moot: 'gegenstandslos',
  asked: 'beauftragt',
  refused: 'abgelehnt',
  paid: 'gezahlt',
  pending: 'ausstehend',
  returned: 'zurückgegeben',
  cancelled: 'storniert',
  unclaimed: 'nicht abgeholt',
  refunded: 'erstattet',
  withdrawn: 'zurückgezogen',
  waiting: 'wartend',
  running: 'im Gange',
  paused: 'angehalten',
  done: 'fertig',
};

/** Each word where it means this; elsewhere it may be a name or a value of a CRM. */
function at(places: readonly string[], words: Phrases): Phrases {
  return Object.fromEntries(
    places.flatMap((place) => Object.entries(words).map(([word, said]) => [`${place}: ${word}`, said])),
  );
}

export const WORDS: Phrases = {
  ...at(['stage', 'means', 'former', 'now', 'trigger', 'sounds'], STAGES),
  ...at(['of', 'per', 'party'], WHOSE),
  ...at(['window'], WINDOWS),
  ...at(['state', 'outcome', 'before', 'ours', 'theirs'], STATES),
};
