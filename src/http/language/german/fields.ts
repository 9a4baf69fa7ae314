import type { Phrases } from '../phrasebook.ts';

/** What a field should be. The field's name stands before it, so these begin with a verb. */
export const FIELDS: Phrases = {
  'is missing: it must be {=what}': 'fehlt: Es muss {=what} sein',
  'must be {=what}': 'muss {=what} sein',
  'what: text': 'Text',
  'a number': 'eine Zahl',
  'a whole number': 'eine ganze Zahl',
  'true or false': 'wahr oder falsch',
  'a JSON object': 'ein JSON-Objekt',
  'a list': 'eine Liste',
  'must be one of {values}': 'muss eines davon sein: {values}',
  'must be one of its own: {values}': 'muss eines der eigenen sein: {values}',
  'must be one of {values}, as configured here': 'muss eines davon sein, wie hier eingerichtet: {values}',
  'must be one or more of {values}, with commas': 'muss eines oder mehrere davon sein, mit Kommas: {values}',
  'must be at most {max}': 'darf höchstens {max} sein',
  'must be at most {max} characters long': 'darf höchstens {max} Zeichen lang sein',
  'must be at most {max} entries long': 'darf höchstens {max} Einträge haben',
  'must be at least {min}': 'muss mindestens {min} sein',
  'must be at least {min} characters long': 'muss mindestens {min} Zeichen lang sein',
  'must be at least {min} entries long': 'muss mindestens {min} Einträge haben',
  'is not a known field; leave it out': 'ist kein bekanntes Feld; lassen Sie es weg',
  'must be one of the kinds that the documentation names': 'muss eine der Arten sein, die die Dokumentation nennt',
  'has a form that is not known': 'hat eine unbekannte Form',
  'is not as it should be': 'ist nicht, wie es sein soll',
  'must have at most {max} characters': 'darf höchstens {max} Zeichen haben',
  'must have at most {max} characters; send it in parts': 'darf höchstens {max} Zeichen haben; senden Sie es in Teilen',
  'must have at most {max} entries': 'darf höchstens {max} Einträge haben',
  'must be at most {max} codes': 'dürfen höchstens {max} Codes sein',
  'must be at most {max} fields': 'dürfen höchstens {max} Felder sein',
  'must be at most {max} rows': 'dürfen höchstens {max} Zeilen sein',
  'must be at most {max} programs': 'dürfen höchstens {max} Programme sein',
  'must be at most {max} days after from': 'darf höchstens {max} Tage nach from liegen',
  'must be a picture of at most {max} kB': 'muss ein Bild von höchstens {max} kB sein',
  'must name at most {max} rewards': 'darf höchstens {max} Prämien nennen',
  'must be a number from 1 to {max}': 'muss eine Zahl von 1 bis {max} sein',
  'must be the id of {=what}, such as {example}': 'muss die Id davon sein: {=what}, etwa {example}',
  'a member': 'ein Mitglied',
  'a referral': 'eine Empfehlung',
  'a decision': 'eine Entscheidung',
  'a reward': 'eine Prämie',
  'a dry run': 'eine Erprobung',
  'a journal': 'eine Buchung',
  'a connection': 'eine Verbindung',
  'a case': 'ein Fall',
  'must be given': 'muss angegeben werden',
  'must be given once': 'darf nur einmal angegeben werden',
  'must be given when there is a currency': 'muss angegeben werden, wenn es eine Währung gibt',
  'must be given when there is no contact': 'muss angegeben werden, wenn es keinen Kontakt gibt',
  'must be given: amounts in two currencies are not compared':
    'muss angegeben werden: Beträge in zwei Währungen werden nicht verglichen',
  'must be text': 'muss Text sein',
  'must be text or null': 'muss Text oder null sein',
  'must be true or false': 'muss wahr oder falsch sein',
  'must be "true"; leave it out for all': 'muss „true“ sein; lassen Sie es für alle weg',
  'must be "true"; leave it out for everybody': 'muss „true“ sein; lassen Sie es für alle weg',
  'must be 0 or more': 'muss 0 oder mehr sein',
  'must be a whole number': 'muss eine ganze Zahl sein',
  'must be more than zero': 'muss mehr als null sein',
  'must not be empty': 'darf nicht leer sein',
  'must not be empty; leave it out for everybody': 'darf nicht leer sein; lassen Sie es für alle weg',
  'must not be empty; leave it out for everything': 'darf nicht leer sein; lassen Sie es für alles weg',
  'must not be empty; leave it out or send null when it is not known':
    'darf nicht leer sein; lassen Sie es weg, wenn es nicht bekannt ist',
  'must not contain control characters': 'darf keine Steuerzeichen enthalten',
  'must not contain control characters or broken Unicode':
    'darf keine Steuerzeichen und kein zerstörtes Unicode enthalten',
  'must not begin with = + - @ or a tab: a spreadsheet would take it for a formula':
    'darf nicht mit = + - @ oder einem Tabulator beginnen: Eine Tabelle nähme es für eine Formel',
  'must be an e-mail address': 'muss eine E-Mail-Adresse sein',
  'must be an e-mail address or null': 'muss eine E-Mail-Adresse oder null sein',
  'must be an e-mail address or a user id of the CRM':
    'muss eine E-Mail-Adresse oder die Id eines Benutzers im CRM sein',
  'must be a time in UTC, such as {example}': 'muss ein Zeitpunkt in UTC sein, etwa {example}',
  'must be a day that there is, such as {example}': 'muss ein Tag sein, den es gibt, etwa {example}',
  'must be a month, such as {example}': 'muss ein Monat sein, etwa {example}',
  'must be a year, such as {example}': 'muss ein Jahr sein, etwa {example}',
  'must be {year} or earlier': 'muss {year} oder früher sein',
  'must be {year} or later': 'muss {year} oder später sein',
  'must be before "to"': 'muss vor „to“ liegen',
  'must be after from': 'muss nach from liegen',
  'must not be after "to"': 'darf nicht nach „to“ liegen',
  'must not be before 1970': 'darf nicht vor 1970 liegen',
  'must be within {days} days of "to"': 'muss innerhalb von {days} Tagen vor „to“ liegen',
  'must be within a year from now': 'muss innerhalb eines Jahres liegen',
  'must be a longer step for so long a period': 'muss für einen so langen Zeitraum ein größerer Schritt sein',
  'must be over': 'muss vorbei sein',
  'must be a decimal in quotes, such as {example}': 'muss eine Dezimalzahl in Anführungszeichen sein, etwa {example}',
  'must be decimal text': 'muss eine Dezimalzahl als Text sein',
  'must be an amount of money': 'muss ein Geldbetrag sein',
  'must be a decimal above zero with no more decimals than {currency} has':
    'muss eine Dezimalzahl über null sein, mit nicht mehr Nachkommastellen, als {currency} hat',
  '"{amount}" must be a decimal above zero with no more decimals than {currency} has':
    '„{amount}“ muss eine Dezimalzahl über null sein, mit nicht mehr Nachkommastellen, als {currency} hat',
  'must be an ISO 4217 code such as EUR': 'muss ein Kürzel nach ISO 4217 sein, etwa EUR',
  'must be a currency as ISO 4217 has it, such as EUR': 'muss eine Währung nach ISO 4217 sein, etwa EUR',
  'must be a country as ISO 3166 has it, such as US': 'muss ein Land nach ISO 3166 sein, etwa US',
  'must be a whole number of hundredths of a percent': 'muss eine ganze Zahl von Hundertsteln eines Prozents sein',
  'must be from 1 to 100': 'muss von 1 bis 100 sein',
  'must be a whole number of days, or null for ever': 'muss eine ganze Zahl von Tagen sein, oder null für immer',
  'must be a whole number of days from {min} to {max}': 'muss eine ganze Zahl von Tagen von {min} bis {max} sein',
  'must be a whole number of days from {min} to {max}, or null for ever':
    'muss eine ganze Zahl von Tagen von {min} bis {max} sein, oder null für immer',
  'must be lower case letters, digits and dashes, such as {example}':
    'muss aus Kleinbuchstaben, Ziffern und Strichen bestehen, etwa {example}',
  'must be 1 to 60 lower case letters, digits and dashes':
    'muss aus 1 bis 60 Kleinbuchstaben, Ziffern und Strichen bestehen',
  'must be up to 60 lower case letters, digits and dashes':
    'muss aus bis zu 60 Kleinbuchstaben, Ziffern und Strichen bestehen',
  'must be 1 to 100 letters, digits, dots, colons, dashes or underscores':
    'muss aus 1 bis 100 Buchstaben, Ziffern, Punkten, Doppelpunkten, Strichen oder Unterstrichen bestehen',
  'must be the key of a program: lower case letters, digits and dashes':
    'muss der Schlüssel eines Programms sein: Kleinbuchstaben, Ziffern und Striche',
  'must be the key of a rule, as the list of history shows it':
    'muss der Schlüssel einer Regel sein, wie die Liste des Vergangenen ihn zeigt',
  'must be a lifecycle stage: {stages}': 'muss eine Phase sein: {stages}',
  'must be a reward state: {states}': 'muss der Zustand einer Prämie sein: {states}',
  'must be member, friend, recruiter or assist': 'muss member, friend, recruiter oder assist sein',
  'must be member or friend': 'muss member oder friend sein',
  'must be members, referrals or rewards': 'muss members, referrals oder rewards sein',
  'must be contact or deal': 'muss contact oder deal sein',
  'must be paid or refused': 'muss paid oder refused sein',
  'state must be paid or refused, it is "{state}"': 'state muss paid oder refused sein, es ist „{state}“',
  'order must be one of this batch, as its export names it':
    'order muss einer dieses Sammelauftrags sein, wie seine Ausfuhr ihn nennt',
  'must be "approve" or "reject"': 'muss „approve“ oder „reject“ sein',
  'must be "role:" with a role, "person:" with an id, or "account_owner"':
    'muss „role:“ mit einer Rolle sein, „person:“ mit einer Id oder „account_owner“',
  'must be a day of the week in English, such as monday': 'muss ein Wochentag auf Englisch sein, etwa monday',
  'must be 1 to 28: the 29th, 30th and 31st do not come every month':
    'muss 1 bis 28 sein: Der 29., 30. und 31. kommen nicht jeden Monat',
  'must be 1 to {max}, or "last": the 29th, 30th and 31st do not come every month':
    'muss 1 bis {max} sein, oder „last“: Der 29., 30. und 31. kommen nicht jeden Monat',
  'must be 1, the format that this service writes': 'muss 1 sein, das Format, das dieser Dienst schreibt',
  // Ids of other things.
  "must be the record's id in the CRM: letters and digits":
    'muss die Id des Datensatzes im CRM sein: Buchstaben und Ziffern',
  'must be the id of one of your cases': 'muss die Id eines Ihrer Fälle sein',
  'must be the id of one of your connections': 'muss die Id einer Ihrer Verbindungen sein',
  'must be the id of one of your members': 'muss die Id eines Ihrer Mitglieder sein',
  'must be the id of one of your referrals': 'muss die Id einer Ihrer Empfehlungen sein',
  'must be the id of a list of people': 'muss die Id einer Liste von Menschen sein',
  'must be the id of a member who is a recruiter': 'muss die Id eines Mitglieds sein, das Werber ist',
  'must be a connection of this account': 'muss eine Verbindung dieses Kontos sein',
  'must be a contact that was not erased': 'muss ein Kontakt sein, der nicht gelöscht wurde',
  'must be an order of this batch': 'muss ein Auftrag dieses Sammelauftrags sein',
  'must be another person than the member': 'muss jemand anderes als das Mitglied sein',
  'must be somebody who can have referred this friend': 'muss jemand sein, der diese Person empfohlen haben kann',
  'must be a new one, or that of the very same file': 'muss eine neue sein, oder die genau derselben Datei',
  'must be a new one, or that of the very same list': 'muss eine neue sein, oder die genau derselben Liste',
  'must be a new one, or that of the very same release': 'muss eine neue sein, oder die genau derselben Freigabe',
  'must be a rule that the list of history shows': 'muss eine Regel sein, die die Liste des Vergangenen zeigt',
  'must be the CRM’s own id of a user, such as {example}': 'muss die Id eines Benutzers im CRM sein, etwa {example}',
  'must be the CRM’s own id of an owner, such as {example}':
    'muss die Id eines Zuständigen im CRM sein, etwa {example}',
  'must be {"connectionId", "id"} or null': 'muss {"connectionId", "id"} oder null sein',
  'must be {"name", "email", "contact"}': 'muss {"name", "email", "contact"} sein',
  'must be {"version", "language"}': 'muss {"version", "language"} sein',
  'must be the `next` of the page before': 'muss das `next` der Seite davor sein',
  "must be this list's nextCursor, unchanged": 'muss der nextCursor dieser Liste sein, unverändert',
  'must be the line of the page before': 'muss die Zeile der Seite davor sein',
  'must be the number of the last row that was read': 'muss die Nummer der letzten gelesenen Zeile sein',
  'must be the newest one': 'muss die neueste sein',
  'must be the version that was read': 'muss die gelesene Fassung sein',
  'must be the version that you have read': 'muss die Fassung sein, die Sie gelesen haben',
  'must be the version that you have read; 0 for the first':
    'muss die Fassung sein, die Sie gelesen haben; 0 für die erste',
  'must be the version of a consent text': 'muss die Fassung eines Einwilligungstexts sein',
  'must be a version of the text for a {purpose} that has words in "{language}"; see GET /consent-texts':
    'muss eine Fassung des Texts für {purpose} sein, die Worte in „{language}“ hat; siehe GET /consent-texts',
  'must have words in one language at least': 'muss in mindestens einer Sprache Worte haben',
  'must be the basis that the check has given': 'muss die Grundlage sein, die die Prüfung genannt hat',
  'must be the id of a dry run of this draft: {=remedy}': 'muss die Id einer Erprobung dieses Entwurfs sein: {=remedy}',
  'must be of this very draft: {=remedy}': 'muss von genau diesem Entwurf sein: {=remedy}',
  'must say why, while there are warnings': 'muss sagen, warum, solange es Warnungen gibt',
  'has to be said for this fix': 'muss für diese Behebung gesagt werden',
  'must be up to ten owners with commas between them': 'müssen bis zu zehn Zuständige mit Kommas dazwischen sein',
  'must be the name of a provider, such as stripe': 'muss der Name eines Anbieters sein, etwa stripe',
  'must be the name of a ledger account, such as {example}':
    'muss der Name eines Kontos im Hauptbuch sein, etwa {example}',
  'must be a ledger account, such as {example}, or a kind for all that have no entry of their own, such as {kind}':
    'muss ein Konto im Hauptbuch sein, etwa {example}, oder eine Art für alle ohne eigenen Eintrag, etwa {kind}',
  'must be the internal name of a contact property, such as {example}':
    'muss der interne Name einer Eigenschaft von Kontakten sein, etwa {example}',
  'must be a list of entries': 'muss eine Liste von Einträgen sein',
  'must be a list of thresholds': 'muss eine Liste von Schwellen sein',
  'must have one entry for a country and year': 'darf für ein Land und Jahr nur einen Eintrag haben',
  'must name a reward': 'muss eine Prämie nennen',
  'must name a setting: duplicateRules or callShare': 'muss eine Einstellung nennen: duplicateRules oder callShare',
  'must name at least one role': 'muss mindestens eine Rolle nennen',
  'must name at least one type': 'muss mindestens eine Art nennen',
  'must be a type of event': 'muss eine Art von Ereignis sein',
  'must name each ledger account once': 'darf jedes Konto im Hauptbuch nur einmal nennen',
  'must name each once': 'darf jedes nur einmal nennen',
  'must name each program once': 'darf jedes Programm nur einmal nennen',
  'must name each role once': 'darf jede Rolle nur einmal nennen',
  'must name each type once': 'darf jede Art nur einmal nennen',
  'must name everybody once': 'darf jeden nur einmal nennen',
  'must name somebody: a case without an owner would be decided by nobody':
    'muss jemanden nennen: Einen Fall ohne Zuständigen entschiede niemand',
  'must be a CRM that this service is configured for, such as hubspot':
    'muss ein CRM sein, für das dieser Dienst eingerichtet ist, etwa hubspot',
  'must be an address of the CRM itself, such as {one} or {other}; leave it out for a CRM that has one only':
    'muss eine Adresse des CRM selbst sein, etwa {one} oder {other}; lassen Sie sie bei einem CRM weg, das nur eine hat',
  'can be set for Salesforce only': 'lässt sich nur für Salesforce setzen',
  'cannot be "on" for this connection': 'kann für diese Verbindung nicht „on“ sein',
  'must be empty for a CRM without tasks': 'muss für ein CRM ohne Aufgaben leer sein',
  '"{program}" is no published program': '„{program}“ ist kein veröffentlichtes Programm',
  'must be {program}, as in the address': 'muss {program} sein, wie in der Adresse',
  // Addresses, colours, pictures.
  'must be a web address, such as {example}': 'muss eine Webadresse sein, etwa {example}',
  'must begin with https://': 'muss mit https:// beginnen',
  'must be an address that begins with https://': 'muss eine Adresse sein, die mit https:// beginnt',
  'must be an address or null': 'muss eine Adresse oder null sein',
  'must be the whole address of a page, such as {example}': 'muss die ganze Adresse einer Seite sein, etwa {example}',
  'must not contain a # part': 'darf keinen Teil mit # enthalten',
  'must not contain a user or a password': 'darf weder Benutzer noch Passwort enthalten',
  'must name a host, not an IP address': 'muss einen Host nennen, keine IP-Adresse',
  'must be reachable from the internet': 'muss aus dem Internet erreichbar sein',
  'must be a colour such as {example}': 'muss eine Farbe sein, etwa {example}',
  'must be the bytes of the picture as Base64': 'müssen die Bytes des Bildes als Base64 sein',
  'must be a PNG, JPEG or WebP picture; an SVG can hold scripts and is not taken':
    'muss ein Bild als PNG, JPEG oder WebP sein; ein SVG kann Skripte enthalten und wird nicht angenommen',
  'must be a domain in lower case, such as {example}': 'muss eine Domain in Kleinbuchstaben sein, etwa {example}',
  // Files.
  'has a quote that is not closed': 'hat ein Anführungszeichen, das nicht geschlossen ist',
  'has no row below its first line': 'hat unter der ersten keine Zeile',
  'names a column twice in its first line': 'nennt in der ersten Zeile eine Spalte zweimal',
  'needs a first line with the columns {columns}': 'braucht eine erste Zeile mit den Spalten {columns}',
  'has more than {max} rows; send it in parts': 'hat mehr als {max} Zeilen; senden Sie sie in Teilen',
  'The address is missing.': 'Die Adresse fehlt.',
  'The address is no e-mail address.': 'Die Adresse ist keine E-Mail-Adresse.',
  'The name has more than {max} characters.': 'Der Name hat mehr als {max} Zeichen.',
  'The name has control characters.': 'Der Name hat Steuerzeichen.',
  'The address is that of line {line} too.': 'Die Adresse ist auch die der Zeile {line}.',
  'The contact was deleted.': 'Der Kontakt wurde gelöscht.',
  'the person was erased': 'die Person wurde gelöscht',
  'The import was stopped before this line.': 'Der Import wurde vor dieser Zeile beendet.',
  'The list is gone: nobody behind this line was read.':
    'Die Liste gibt es nicht mehr: Hinter dieser Zeile wurde niemand gelesen.',
  'the CRM of the list is not connected': 'das CRM der Liste ist nicht verbunden',
  'the connection may not read lists any more': 'die Verbindung darf keine Listen mehr lesen',
  // Stages.
  'must be the id of a pipeline of this CRM: {ids}': 'muss die Id einer Pipeline dieses CRM sein: {ids}',
  'must be the id of a stage of this pipeline: {ids}': 'muss die Id einer Phase dieser Pipeline sein: {ids}',
  'names a stage a second time; keep one of them': 'nennt eine Phase ein zweites Mal; behalten Sie eine davon',
  'leaves the pipeline {pipeline} without any stage that means "won": no deal in it could ever pay; let one of its stages mean it':
    'lässt die Pipeline {pipeline} ohne eine Phase, die „gewonnen“ bedeutet: Kein Deal darin könnte je zahlen; lassen Sie eine ihrer Phasen das bedeuten',
  // Several connections.
  'must name the key of the connection that decides, too':
    'muss auch den Schlüssel der Verbindung nennen, die entscheidet',
  'must name two connections at least: a key ties records':
    'muss mindestens zwei Verbindungen nennen: Ein Schlüssel verbindet Datensätze',
  'must be a property that holds the id of the other connection\'s record: "{own}" stands for one only':
    'muss eine Eigenschaft sein, die die Id des Datensatzes der anderen Verbindung enthält: „{own}“ gilt nur für eine',
  // Rates.
  'must be of another currency than the base': 'muss eine andere Währung als die Basis haben',
  'must not end before its day': 'darf nicht vor seinem Tag enden',
  'must be for one {base}, as the rates before it': 'muss für einen {base} gelten, wie die Kurse davor',
  'must be {rate}, as it was entered before: what was decided by it stands':
    'muss {rate} sein, wie vorher eingetragen: Was danach entschieden wurde, steht',
  'must be of a day after {=day}, where the newest one ends':
    'muss von einem Tag nach dem {=day} sein, an dem der neueste endet',
  'line 1: must begin with "Date", then the currencies': 'Zeile 1: muss mit „Date“ beginnen, dann kommen die Währungen',
  'line {line}, {currency}: {=problem}': 'Zeile {line}, {currency}: {=problem}',
  // Programs.
  "must be the CRM's own name of a property, such as {example}":
    'muss der Name einer Eigenschaft im CRM sein, etwa {example}',
  "must be the CRM's own name of a deal property, such as {example}":
    'muss der Name einer Eigenschaft von Deals im CRM sein, etwa {example}',
  'pays more than 100 % of the deal; set "allowOverWhole": true if that is meant':
    'zahlt mehr als 100 % des Deals; setzen Sie „allowOverWhole“, wenn das gemeint ist',
  'every rule needs a key of its own': 'jede Regel braucht einen eigenen Schlüssel',
  'every tier needs a key of its own': 'jeder Rang braucht einen eigenen Schlüssel',
  'every source counts once: leave out the second': 'jeder Beleg zählt einmal: Lassen Sie den zweiten weg',
  'must be in {currency} like the first step': 'muss wie die erste Stufe in {currency} sein',
  'must be in {currency} like the first tier': 'muss wie der erste Rang in {currency} sein',
  'must be more than the step before, {=before}': 'muss mehr sein als die Stufe davor, {=before}',
  'must be more than the tier before, {=before}': 'muss mehr sein als der Rang davor, {=before}',
  'must be a higher tier than the step before, {before}': 'muss ein höherer Rang sein als die Stufe davor, {before}',
  'must be at least the minimum, {=minimum}, in its currency':
    'muss mindestens der Mindestbetrag sein, {=minimum}, in dessen Währung',
  'must be {+currencies}, in which the rule pays': 'muss {+currencies} sein, worin die Regel zahlt',
  'must be {+currencies}, as the conditions ask of the deal':
    'muss {+currencies} sein, wie die Bedingungen es vom Deal verlangen',
  'must ask for the amount in {currency}, in which the rule pays':
    'muss nach dem Betrag in {currency} fragen, worin die Regel zahlt',
  'has nothing to convert: the rule never looks at the amount; leave it out':
    'hat nichts umzurechnen: Die Regel sieht nie auf den Betrag; lassen Sie es weg',
  'has nothing to round: every amount of the rule is fixed; leave it out':
    'hat nichts zu runden: Jeder Betrag der Regel ist fest; lassen Sie es weg',
  'can never be met together with the others: {=why}': 'kann zusammen mit den anderen nie erfüllt sein: {=why}',
  'a deal has one currency': 'ein Deal hat eine Währung',
  'no amount is at least {=low} and at most {=high}': 'kein Betrag ist mindestens {=low} und höchstens {=high}',
  'no number is at least {=low} and at most {=high}': 'keine Zahl ist mindestens {=low} und höchstens {=high}',
  'no day is from {=first} and until {=last}': 'kein Tag liegt ab dem {=first} und bis zum {=last}',
  'no value is left': 'kein Wert bleibt übrig',
  '{count} is none of them': '{count} ist keine davon',
  'none is at most {count}': 'keine ist höchstens {count}',
  'the amount is asked for in {currency}': 'der Betrag ist in {currency} verlangt',
  'can only ask about the deal, not about {fact}': 'kann nur nach dem Deal fragen, nicht nach {fact}',
  'ask about {count} properties of the CRM; at most {max} can be read':
    'fragen nach {count} Eigenschaften des CRM; höchstens {max} lassen sich lesen',
  'ask about {fact} "{property}", which the CRM does not have; check its internal name':
    'fragt nach {fact} „{property}“, was es im CRM nicht gibt; prüfen Sie den internen Namen',
  'asks about the deal property "{property}", which the CRM does not have; check its internal name':
    'fragt nach der Deal-Eigenschaft „{property}“, die es im CRM nicht gibt; prüfen Sie den internen Namen',
  '"{property}" is no property of the CRM\'s deals; check its internal name':
    '„{property}“ ist im CRM keine Eigenschaft von Deals; prüfen Sie den internen Namen',
  'needs exactly one of count and money': 'braucht genau eines von Anzahl und Betrag',
  'can never be reached: the limit per {=window} lets through less':
    'kann nie erreicht werden: Die Grenze je {=window} lässt weniger durch',
  'can never be reached: a condition ends with won referral {count}':
    'kann nie erreicht werden: Eine Bedingung endet mit der gewonnenen Empfehlung {count}',
  'can never be reached: all signals together weigh {most}; leave it out':
    'kann nie erreicht werden: Alle Zeichen zusammen wiegen {most}; lassen Sie es weg',
  'can never be reached: all signals together weigh {most}; lower it or give them more weight':
    'kann nie erreicht werden: Alle Zeichen zusammen wiegen {most}; senken Sie es, oder geben Sie ihnen mehr Gewicht',
  'must be above reviewAt, {reviewAt}: else nothing doubtful would ever come before a person':
    'muss über reviewAt liegen, {reviewAt}: Sonst käme nie etwas Zweifelhaftes vor einen Menschen',
  'must name at least one signal; leave "risk" out to look for nothing':
    'muss mindestens ein Zeichen nennen; lassen Sie „risk“ weg, um auf nichts zu achten',
  '"{signal}" is named twice; keep one of them': '„{signal}“ ist zweimal genannt; behalten Sie eines davon',
  'is asked by no rule that ignores refunds; leave it out':
    'danach fragt keine Regel, die Erstattungen übergeht; lassen Sie es weg',
  'a rule that ignores what the deal is worth cannot follow its refunds; let amountChanges be follow':
    'eine Regel, die den Wert des Deals übergeht, kann seinen Erstattungen nicht folgen; setzen Sie amountChanges auf follow',
  'what {payout} gave cannot be made worthless; leave it out, or pay by {others}':
    'was {payout} gegeben hat, lässt sich nicht wertlos machen; lassen Sie es weg, oder zahlen Sie über {others}',
  'what {payout} gave cannot be undone there; leave it out, or pay by {others}':
    'was {payout} gegeben hat, lässt sich dort nicht rückgängig machen; lassen Sie es weg, oder zahlen Sie über {others}',
  'credit is always taken back from the credit itself; leave it out':
    'Guthaben wird immer vom Guthaben selbst zurückgenommen; lassen Sie es weg',
  'no other rule is in this group; leave it out or put a second rule into it':
    'keine andere Regel ist in dieser Gruppe; lassen Sie es weg, oder setzen Sie eine zweite Regel hinein',
  'the other rules of the group pay somebody else than the {=party}; the best of one party would leave the other with nothing':
    'die anderen Regeln der Gruppe zahlen an jemand anderen als „{=party}“; die beste der einen Seite ließe der anderen nichts',
  'must be another word: "none" is no tier': 'muss ein anderes Wort sein: „none“ ist kein Rang',
  'a score for life has no window that could end; set windowDays, or go down by "grace" or "never"':
    'ein Stand auf Lebenszeit hat kein Fenster, das enden könnte; setzen Sie windowDays, oder wählen Sie „grace“ oder „never“',
  'must name the tier that the reward is for': 'muss den Rang nennen, für den die Prämie ist',
  'goes with "trigger": "tier_reached" only; leave it out':
    'gehört nur zu „trigger“: „tier_reached“; lassen Sie es weg',
  'looks at tiers, and the program has none: add "tiers"':
    'sieht auf Ränge, und das Programm hat keine: Fügen Sie „tiers“ hinzu',
  '"{tier}" is not one of the program\'s tiers: {known}': '„{tier}“ ist keiner der Ränge des Programms: {known}',
};
