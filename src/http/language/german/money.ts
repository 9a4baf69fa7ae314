import type { Phrases } from '../phrasebook.ts';

/** The books, months, comparisons with providers, and figures. */
export const MONEY: Phrases = {
  'Mark the rows of these batches as paid or refused; until then the money stands as owed.':
    'Melden Sie die Zeilen dieser Sammelaufträge als gezahlt oder abgelehnt; bis dahin steht das Geld als geschuldet.',
  'Go through the findings of the newest comparison with the provider and settle each.':
    'Gehen Sie die Befunde des neuesten Abgleichs mit dem Anbieter durch und klären Sie jeden.',
  'Look why the provider did not carry these orders out, and try them again or take the rewards back.':
    'Sehen Sie nach, warum der Anbieter diese Aufträge nicht ausgeführt hat, und versuchen Sie sie noch einmal, oder nehmen Sie die Prämien zurück.',
  'Decide these cases: rewards wait for them, and are in the books as held.':
    'Entscheiden Sie diese Fälle: Prämien warten darauf und stehen in den Büchern als zurückgehalten.',
  'Collect what is owed back, leave it to be kept from the next reward, or write it off.':
    'Ziehen Sie ein, was zurückgeschuldet ist, lassen Sie es von der nächsten Prämie einbehalten, oder schreiben Sie es ab.',
  'The order is sent again by itself under its key and then booked. If it is parked, look why, and try it again.':
    'Der Auftrag wird von selbst unter seinem Schlüssel noch einmal gesendet und dann gebucht. Liegt er still, sehen Sie nach, warum, und versuchen Sie ihn noch einmal.',
  'Look at the provider whether it was paid there under another id. If it was not, the beneficiary has nothing: tell us of it as the provider’s message would, or pay by hand.':
    'Sehen Sie beim Anbieter nach, ob dort unter einer anderen Id gezahlt wurde. Wenn nicht, hat der Begünstigte nichts: Sagen Sie es uns, wie die Nachricht des Anbieters es täte, oder zahlen Sie von Hand.',
  'Compare both at the provider: an order is of one amount, so one of the two was changed by hand.':
    'Vergleichen Sie beides beim Anbieter: Ein Auftrag hat einen Betrag, also wurde einer der beiden von Hand geändert.',
  'Somebody else pays through the same account; nothing is to be done here.':
    'Jemand anderes zahlt über dasselbe Konto; hier ist nichts zu tun.',
  'Nothing yet: the provider has not said the last word, and is asked again.':
    'Noch nichts: Der Anbieter hat noch nicht das letzte Wort gesagt und wird wieder gefragt.',
  'ours: given, {=money}': 'gegeben, {=money}',
  'theirs: {=state}, {=money}': '{=state}, {=money}',
  'theirs: nothing': 'nichts',
  // Whether a closed month is what it was.
  'Its {lines} lines are not the {signed} that were signed.':
    'Seine {lines} Zeilen sind nicht die {signed} signierten.',
  'The month that stands closed before it is {month}.': 'Der Monat, der davor abgeschlossen steht, ist {month}.',
  '{journals} journals are booked in the month, {closed} were when it was closed.':
    'Im Monat sind {journals} Buchungen, beim Abschluss waren es {closed}.',
  'The journals of the month do not come to what was kept of {account} in {currency}.':
    'Die Buchungen des Monats ergeben nicht, was von {account} in {currency} festgehalten wurde.',
  '{kept} accounts were kept, the journals of the month move {moved}.':
    '{kept} Konten wurden festgehalten, die Buchungen des Monats bewegen {moved}.',
  'The totals are not what the accounts come to.': 'Die Summen sind nicht, was die Konten ergeben.',
  'Somebody else has closed or reopened a month at the same moment.':
    'Jemand anderes hat im selben Augenblick einen Monat abgeschlossen oder wieder geöffnet.',
  '{deals} won deals that the connected CRMs have shown, {referred} of them referred. Deals that no connection has read are in no figure.':
    '{deals} gewonnene Deals, die die verbundenen CRMs gezeigt haben, {referred} davon durch Empfehlung. Deals, die keine Verbindung gelesen hat, stehen in keiner Zahl.',
  // What stays of somebody who was forgotten, and why.
  'What was owed and paid is part of the books. It names a member or a referral by an id.':
    'Was geschuldet und gezahlt war, gehört zu den Büchern. Ein Mitglied oder eine Empfehlung steht darin mit einer Id.',
  'Journals of the double-entry ledger are never changed or deleted: the law asks for them for years.':
    'Buchungen der doppelten Buchführung werden nie geändert oder gelöscht: Das Gesetz verlangt sie für Jahre.',
  'Each payment has to name the decision that it came from, with the rule and the facts it was judged by.':
    'Jede Zahlung muss die Entscheidung nennen, aus der sie kam, mit der Regel und den Tatsachen, nach denen geurteilt wurde.',
  'What linked a friend to a member, by ids and codes: the reason for the decision.':
    'Was eine empfohlene Person mit einem Mitglied verband, mit Ids und Codes: der Grund der Entscheidung.',
  'An order’s key keeps a provider from paying it twice. The provider has its own copy of what it was told.':
    'Der Schlüssel eines Auftrags verhindert, dass ein Anbieter zweimal zahlt. Was ihm gesagt wurde, hat der Anbieter selbst.',
  'What a person decided about a reward. The name and the address were taken out of the words.':
    'Was ein Mensch über eine Prämie entschieden hat. Name und Anschrift wurden aus den Worten genommen.',
  'Ids of the contact in the CRM, so that the next look at it does not bring the person back.':
    'Ids des Kontakts im CRM, damit der nächste Blick darauf die Person nicht zurückbringt.',
  // What became of each part of a document that was applied.
  'Somebody has changed it meanwhile. Check again.': 'Jemand hat es inzwischen geändert. Prüfen Sie noch einmal.',
  'Kept as a draft: this account asks for two people, so somebody else publishes it.':
    'Als Entwurf behalten: Dieses Konto verlangt zwei Personen, also veröffentlicht ihn jemand anderes.',
  'Version {version} is in force.': 'Fassung {version} ist in Kraft.',
  'Pages show it from now on.': 'Seiten zeigen es von jetzt an.',
  'What is older is forgotten within the hour.': 'Was älter ist, wird innerhalb einer Stunde vergessen.',
  'It was like that already.': 'Es war schon so.',
  'It takes the permission "{permission}", which you do not have.':
    'Es braucht das Recht „{permission}“, das Sie nicht haben.',
  // What became of each row of a batch's marks, and of a file of rates.
  'it was {=before} before and stays so; correct it with whoever was paid':
    'war vorher {=before} und bleibt so; klären Sie es mit dem, der gezahlt wurde',
};
