import type { Phrases } from '../phrasebook.ts';

/** Alerts, and what has changed in a CRM. */
export const ALERTS: Phrases = {
  '{recent} rewards for {=of} {id} within {hours} hours; there were {before} in the {days} days before.':
    '{recent} Prämien für {=of} {id} innerhalb von {hours} Stunden; in den {days} Tagen davor waren es {before}.',
  'The budget of program {program} in {currency} is spent; rewards wait in line.':
    'Das Budget des Programms {program} in {currency} ist verbraucht; Prämien warten in der Reihe.',
  'The budget of program {program} has {=left} left and lasts until about {=until}, as it was spent in the last {days} days.':
    'Das Budget des Programms {program} hat noch {=left} und reicht etwa bis zum {=until}, so wie es in den letzten {days} Tagen verbraucht wurde.',
  '{parked} orders, records or write-backs have failed and wait for a person.':
    '{parked} Aufträge, Datensätze oder Einträge ins CRM sind gescheitert und warten auf einen Menschen.',
  '{=back} came back for {=of} {id} after it had been kept from another reward of theirs.':
    '{=back} kamen für {=of} {id} zurück, nachdem sie von einer anderen Prämie einbehalten worden waren.',
  'It is owed to them, and nothing goes out by itself.': 'Das ist geschuldet, und von selbst geht nichts hinaus.',
  'It is owed again, and nothing goes out by itself.': 'Sie ist wieder geschuldet, und von selbst geht nichts hinaus.',
  'Something in {connection} sets "{field}" of {=records} back: {reports} reports in a row found another value there than Wonward had written.':
    'Etwas in {connection} setzt „{field}“ von {=records} zurück: {reports} Berichte in Folge fanden dort einen anderen Wert als den, den Wonward geschrieben hatte.',
  'Look for a workflow or an integration that writes it.':
    'Suchen Sie einen Workflow oder eine Integration, die dort schreibt.',
  'Decisions and rewards are not touched by it.': 'Entscheidungen und Prämien berührt das nicht.',
  'The webhook {name} answered 410 (gone) and was switched off.':
    'Der Webhook {name} hat mit 410 (fort) geantwortet und wurde abgeschaltet.',
  'The webhook {name} has failed for three days and was switched off.':
    'Der Webhook {name} ist seit drei Tagen gescheitert und wurde abgeschaltet.',
  'Events are kept for {days} days and can be replayed.':
    'Ereignisse bleiben {days} Tage und lassen sich noch einmal senden.',
  contacts: 'Kontakten',
  deals: 'Deals',
  companys: 'Firmen',
  companies: 'Firmen',
  'the pipeline "{label}"': 'der Pipeline „{label}“',
  '{count} pipelines': '{count} Pipelines',
  '{deals} deal stands there now.': '{deals} Deal steht jetzt dort.',
  '{deals} deals stand there now.': '{deals} Deals stehen jetzt dort.',
  'The pipeline "{label}" is new in the CRM.': 'Die Pipeline „{label}“ ist neu im CRM.',
  'Its deals count by the metadata of its stages; nobody has looked at what these mean.':
    'Ihre Deals zählen nach den Angaben des CRM zu den Phasen; niemand hat nachgesehen, was diese bedeuten.',
  'The pipeline "{former}" is called "{label}" now.': 'Die Pipeline „{former}“ heißt jetzt „{label}“.',
  'Nothing changes: deals are judged by its id.': 'Nichts ändert sich: Deals werden nach ihrer Id beurteilt.',
  'The pipeline "{label}" was deleted in the CRM.': 'Die Pipeline „{label}“ wurde im CRM gelöscht.',
  'What was decided on its deals stays; stages of deals that were in it go on meaning what they meant.':
    'Was über ihre Deals entschieden wurde, bleibt; die Phasen der Deals, die darin waren, bedeuten weiter, was sie bedeuteten.',
  'The stage "{label}" of {=where} is new in the CRM.': 'Die Phase „{label}“ in {=where} ist neu im CRM.',
  'Deals in it count as {=means}, by its metadata, until you say otherwise.':
    'Deals darin zählen nach den Angaben des CRM so: {=means}, bis Sie es anders sagen.',
  'Deals in it count as {=means}, and pay, by its metadata, until you say otherwise.':
    'Deals darin zählen nach den Angaben des CRM so: {=means}, und zahlen, bis Sie es anders sagen.',
  'The stage "{former}" of {=where} is called "{label}" now.':
    'Die Phase „{former}“ in {=where} heißt jetzt „{label}“.',
  'Nothing changes: it goes on meaning {=means}, since deals are judged by its id.':
    'Nichts ändert sich: Sie bedeutet weiter „{=means}“, denn Deals werden nach ihrer Id beurteilt.',
  'The stage "{label}" of {=where} was deleted in the CRM.': 'Die Phase „{label}“ in {=where} wurde im CRM gelöscht.',
  'Deals that were in it go on counting as won; none there can be won any more, until another stage means it.':
    'Deals, die darin waren, zählen weiter als gewonnen; dort kann keiner mehr gewonnen werden, bis eine andere Phase das bedeutet.',
  'Deals that were in it go on counting as {=means}.': 'Deals, die darin waren, zählen weiter so: {=means}.',
  'The stage "{label}" of {=where} was {=former} by the metadata of the CRM, and is {=now}.':
    'Die Phase „{label}“ in {=where} bedeutete nach den Angaben des CRM „{=former}“ und bedeutet jetzt „{=now}“.',
  "An admin's word outweighs it: deals in it go on counting as {=means}.":
    'Das Wort eines Admins wiegt mehr: Deals darin zählen weiter so: {=means}.',
  'Deals in it count as {=means} from now on, and what was paid for them is taken back as they are looked at, unless you say that it means won.':
    'Deals darin zählen von jetzt an so: {=means}, und was für sie gezahlt wurde, wird beim nächsten Blick zurückgenommen, außer Sie sagen, dass sie „gewonnen“ bedeutet.',
  'Deals in it count as won from now on, and pay, unless you say otherwise.':
    'Deals darin zählen von jetzt an als gewonnen und zahlen, außer Sie sagen es anders.',
  'Deals in it count as {=means} from now on.': 'Deals darin zählen von jetzt an so: {=means}.',
  'No stage of this CRM means {=trigger}.': 'Keine Phase dieses CRM bedeutet „{=trigger}“.',
  '{count} rule waits for it and can never pay here, until a stage means it.':
    '{count} Regel wartet darauf und kann hier nie zahlen, bis eine Phase das bedeutet.',
  '{count} rules wait for it and can never pay here, until a stage means it.':
    '{count} Regeln warten darauf und können hier nie zahlen, bis eine Phase das bedeutet.',
  '{name} was removed in the CRM, and is there again: Wonward has made it anew.':
    '{name} wurde im CRM entfernt und ist wieder da: Wonward hat es neu angelegt.',
  'All values are written into it anew.': 'Alle Werte werden neu hineingeschrieben.',
  '{name} cannot be used: {=problem}.': '{name} lässt sich nicht benutzen: {=problem}.',
  'What belongs there is not shown in the CRM.': 'Was dorthin gehört, zeigt das CRM nicht.',
  'Decisions and rewards go on.': 'Entscheidungen und Prämien laufen weiter.',
  'The property "{name}" of {=object}, which rules of {programs} ask about, is not in the CRM any more.':
    'Die Eigenschaft „{name}“ von {=object}, nach der Regeln von {programs} fragen, gibt es im CRM nicht mehr.',
  'What these rules would grant waits, since what they ask for cannot be read.':
    'Was diese Regeln gewähren würden, wartet, denn wonach sie fragen, lässt sich nicht lesen.',
  'Bring it back in the CRM, or publish rules without it.':
    'Stellen Sie sie im CRM wieder her, oder veröffentlichen Sie Regeln ohne sie.',
  'The property "{name}" of {=object}, which rules of {programs} ask about, was of the type {seen} and is {type}.':
    'Die Eigenschaft „{name}“ von {=object}, nach der Regeln von {programs} fragen, war vom Typ {seen} und ist jetzt {type}.',
  'Rules go on comparing its values as they are written now.':
    'Regeln vergleichen ihre Werte weiter, so wie sie jetzt geschrieben sind.',
  'The CRM does not grant {scopes}.': 'Das CRM gewährt {scopes} nicht.',
  'What needs it is put off and loses nothing, until an admin of the CRM grants it.':
    'Was es braucht, wird aufgeschoben und verliert nichts, bis ein Admin des CRM es gewährt.',
  'Nothing is read from the CRM or written to it.': 'Aus dem CRM wird nichts gelesen und nichts hineingeschrieben.',
  'What happens there meanwhile is found afterwards.': 'Was dort inzwischen geschieht, wird danach gefunden.',
  'What cannot be read is put off and loses nothing.':
    'Was sich nicht lesen lässt, wird aufgeschoben und verliert nichts.',
  'The CRM tells of no changes any more: of {count} changes of deals no event has come.':
    'Das CRM meldet keine Änderungen mehr: Von {count} Änderungen an Deals kam keine Meldung.',
  'The CRM tells of no changes any more: of {count} changes of deals no event has come, and of nothing else either.':
    'Das CRM meldet keine Änderungen mehr: Von {count} Änderungen an Deals kam keine Meldung, und auch sonst von nichts.',
  'Nothing is lost: the sweep finds what changed, later than an event would have told.':
    'Nichts geht verloren: Die Suche findet, was sich geändert hat, später als eine Meldung es gesagt hätte.',
  'in the group "{found}", not in "{wanted}"': 'steht in der Gruppe „{found}“, nicht in „{wanted}“',
  'of type {found}, not {wanted}': 'ist vom Typ {found}, nicht {wanted}',
  'a label "{label}" or "{inverse}" exists without the other':
    'von den Bezeichnungen „{label}“ und „{inverse}“ gibt es nur eine',
  // Whether what an admin says of stages can be said.
  'It is gone.': 'Es ist behoben.',
  'Taken as it is.': 'So angenommen.',
  '{stage} means {=means}.': '{stage} bedeutet: {=means}.',
};
