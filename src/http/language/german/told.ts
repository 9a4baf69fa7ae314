import type { Phrases } from '../phrasebook.ts';

/** What somebody can do, what comes next, and a decision in the words of who asks. */
export const TOLD: Phrases = {
  'Enter an amount on the deal.': 'Tragen Sie am Deal einen Betrag ein.',
  'Correct the amount on the deal.': 'Berichtigen Sie den Betrag am Deal.',
  'Round the amount on the deal to what its currency allows.':
    'Runden Sie den Betrag am Deal auf das, was seine Währung erlaubt.',
  'Check the amount on the deal.': 'Prüfen Sie den Betrag am Deal.',
  'Choose a currency on the deal.': 'Wählen Sie am Deal eine Währung.',
  'Choose a valid currency on the deal.': 'Wählen Sie am Deal eine gültige Währung.',
  'Enter the exchange rates of that day.': 'Tragen Sie die Wechselkurse dieses Tages ein.',
  'Look at the deal there; it pays there when it is won and the friend is on it.':
    'Sehen Sie sich den Deal dort an; dort zahlt er, wenn er gewonnen ist und die empfohlene Person daran steht.',
  'Move the deal to Closed Won again.': 'Setzen Sie den Deal wieder auf gewonnen.',
  'Restore the deal in the CRM.': 'Stellen Sie den Deal im CRM wieder her.',
  'Associate the deal with the friend again.': 'Ordnen Sie den Deal wieder der empfohlenen Person zu.',
  'Move the deal forward again.': 'Bringen Sie den Deal wieder voran.',
  'Pays when a reward that counts towards the limit is taken back.':
    'Zahlt, wenn eine Prämie zurückgenommen wird, die zur Grenze zählt.',
  'Fill up the budget of the program.': 'Füllen Sie das Budget des Programms auf.',
  'Enter the amount of the deal, in the currency in which it was paid.':
    'Tragen Sie den Betrag des Deals in der Währung ein, in der er bezahlt wurde.',
  'Ask the person who rejected it.': 'Fragen Sie, wer sie abgelehnt hat.',
  'Nothing brings it back: a reward that expired is not given again.':
    'Nichts bringt sie zurück: Was verfallen ist, wird nicht noch einmal gegeben.',
  'A reviewer can allow it in its case.': 'Ein Prüfer kann sie in ihrem Fall erlauben.',
  'Ask the person who took it back.': 'Fragen Sie, wer sie zurückgenommen hat.',
  'Judged again as soon as the deal changes.': 'Wird neu beurteilt, sobald sich der Deal ändert.',
  'Paid when the hold ends, if the deal is still Closed Won.':
    'Wird am Ende der Wartezeit gezahlt, wenn der Deal noch gewonnen ist.',
  'A reviewer decides.': 'Ein Prüfer entscheidet.',
  'On its way to the reward provider.': 'Unterwegs zum Anbieter.',
  "Waiting for the reward provider's answer.": 'Wartet auf die Antwort des Anbieters.',
  "An admin has to look at the provider's answer.": 'Ein Admin muss sich die Antwort des Anbieters ansehen.',
  'Paid when that is so; if it is not by then, a person decides.':
    'Wird gezahlt, sobald es so ist; sonst entscheidet dann ein Mensch.',
  'Paid in its turn when the budget is filled up.': 'Wird der Reihe nach gezahlt, wenn das Budget aufgefüllt ist.',
  'Has to be used before {=day}; then it expires.': 'Muss vor dem {=day} benutzt werden; dann verfällt sie.',
  'What is owed back is kept from what is owed next, unless finance writes it off.':
    'Was zurückgeschuldet ist, wird vom Nächsten einbehalten, wenn die Finanzabteilung es nicht abschreibt.',
  'Pays when the {=condition} is {=expected}.': 'Zahlt, wenn es heißt: {=condition} {=expected}.',
  'The friend has no deal yet.': 'Die empfohlene Person hat noch keinen Deal.',
  'Create a deal for this friend and win it.':
    'Legen Sie für diese empfohlene Person einen Deal an und gewinnen Sie ihn.',
  'The deal "{deal}" is lost.': 'Der Deal „{deal}“ ist verloren.',
  'Open the deal "{deal}" again and win it.': 'Öffnen Sie den Deal „{deal}“ wieder und gewinnen Sie ihn.',
  '{=money} for {beneficiary} when the deal "{deal}" reaches {=stage}.':
    '{=money} für {beneficiary}, wenn der Deal „{deal}“ so weit ist: {=stage}.',
  '{=money} for {beneficiary} when the deal "{deal}" reaches {=stage}, {days} days later.':
    '{=money} für {beneficiary}, {days} Tage nachdem der Deal „{deal}“ so weit ist: {=stage}.',
  '{=money} for {beneficiary} when the deal "{deal}" reaches {=stage} and the {=condition} is {=expected}.':
    '{=money} für {beneficiary}, wenn der Deal „{deal}“ so weit ist: {=stage}, und es heißt: {=condition} {=expected}.',
  '{=money} for {beneficiary} when the deal "{deal}" reaches {=stage} and the {=condition} is {=expected}, {days} days later.':
    '{=money} für {beneficiary}, {days} Tage nachdem der Deal „{deal}“ so weit ist: {=stage}, und es heißt: {=condition} {=expected}.',
  '{=remedy} Then win the deal "{deal}".': '{=remedy} Gewinnen Sie dann den Deal „{deal}“.',
  'A person has to approve it.': 'Ein Mensch muss sie freigeben.',
  'Reached today, it is paid with the batch of that day.':
    'Heute erreicht, wird sie mit dem Sammelauftrag dieses Tages gezahlt.',
  'Reached today, it is paid on the next day of payment.': 'Heute erreicht, wird sie am nächsten Zahltag gezahlt.',
  'Reached today, it is paid when the hold ends.': 'Heute erreicht, wird sie am Ende der Wartezeit gezahlt.',
  'Reached today, it is paid at once.': 'Heute erreicht, wird sie sofort gezahlt.',
  'Rule "{rule}" of program "{program}", version {version}; stage mapping {mapping}.':
    'Regel „{rule}“ des Programms „{program}“, Version {version}; Zuordnung der Phasen {mapping}.',
  'Asked for: {=asked}; found: {=found}.': 'Verlangt: {=asked}; gefunden: {=found}.',
  'Signal {=signal} ({weight}): {=evidence}.': 'Zeichen {=signal} ({weight}): {=evidence}.',
  'Taken back: {=money}.': 'Zurückgenommen: {=money}.',
  'Would have paid: {=money}.': 'Gezahlt worden wären: {=money}.',
  'Stands for: {=money}.': 'Gilt mit: {=money}.',
  'Amount: {=money}.': 'Betrag: {=money}.',
  'Counts from {=day}, recorded {=recorded}.': 'Zählt ab dem {=day}, aufgezeichnet am {=recorded}.',
  // Why a person has to look.
  'the friend was a customer before the referral': 'die empfohlene Person war schon vor der Empfehlung Kunde',
  'the member and the friend are the same person': 'das Mitglied und die empfohlene Person sind derselbe Mensch',
  'it is over {=money}': 'sie liegt über {=money}',
  'its rule asks for it': 'ihre Regel verlangt es',
  'something speaks against it: {+signs}': 'etwas spricht dagegen: {+signs}',
  // Dry runs.
  'The draft has no rule of this key.': 'Der Entwurf hat keine Regel mit diesem Schlüssel.',
  'By the draft the friend belongs to nobody: none of the evidence counts.':
    'Nach dem Entwurf gehört die empfohlene Person niemandem: Kein Beleg zählt.',
  'The {=limit} is {=expected}, and there were {=actual}.': '{=limit} ist {=expected}, und es waren {=actual}.',
};
