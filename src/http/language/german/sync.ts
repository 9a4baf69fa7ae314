import type { Phrases } from '../phrasebook.ts';

/** How a connection does, what a comparison has found, and what a CRM has answered, as the service says it. */
export const SYNC: Phrases = {
  '{=why} What waits is kept ({waiting}); connect again, and what changed meanwhile is read.':
    '{=why} Was wartet, bleibt erhalten ({waiting}); verbinden Sie wieder, dann wird gelesen, was sich inzwischen geändert hat.',
  'The CRM is not connected.': 'Das CRM ist nicht verbunden.',
  'There is no authorisation any more. Connect the CRM again.':
    'Die Berechtigung fehlt. Verbinden Sie das CRM noch einmal.',
  'Not finished, waiting for a person: {parked}. Mend what each of them names, then retry it.':
    'Nicht abgeschlossen, wartet auf einen Menschen: {parked}. Beheben Sie, was jeweils genannt ist, und versuchen Sie es dann noch einmal.',
  'A change has waited for its decision for {minutes} minutes.':
    'Eine Änderung wartet seit {minutes} Minuten auf ihre Entscheidung.',
  'A record has not shown what it should for {minutes} minutes.':
    'Ein Datensatz zeigt seit {minutes} Minuten nicht, was er soll.',
  'The last search for lost events did not end: {=problem}':
    'Die letzte Suche nach verlorenen Meldungen kam nicht zum Ende: {=problem}',
  "Lost events were not searched for for {minutes} minutes. Is the service's schedule running?":
    'Seit {minutes} Minuten wurde nicht nach verlorenen Meldungen gesucht. Läuft der Zeitplan des Dienstes?',
  'Of {all} changes of the last day {missed} came without an event and were found by the search. Nothing is lost, but it is found late: look whether the CRM reaches Wonward.':
    'Von {all} Änderungen des letzten Tages kamen {missed} ohne Meldung und wurden von der Suche gefunden. Nichts ist verloren, aber es wird spät gefunden: Sehen Sie nach, ob das CRM Wonward erreicht.',
  '{used} of {limit} API calls are used. Wonward waits when there are none left.':
    '{used} von {limit} API-Aufrufen sind verbraucht. Wonward wartet, wenn keine übrig sind.',
  'Records that no decision explains, by the last comparison with the CRM: {count}.':
    'Datensätze, die keine Entscheidung erklärt, nach dem letzten Abgleich mit dem CRM: {count}.',
  'Records that showed something else than they should, by the last comparison: {count}. They were written again.':
    'Datensätze, die etwas anderes zeigten, als sie sollten, nach dem letzten Abgleich: {count}. Sie wurden neu geschrieben.',
  'unexpected: see the log': 'unerwartet: siehe Protokoll',
  'Disconnected by an admin.': 'Von einem Admin getrennt.',
  'The app was uninstalled there.': 'Die App wurde dort deinstalliert.',
  'The authorisation was given back.': 'Die Berechtigung wurde zurückgegeben.',
  'The CRM could not be told: an admin has to remove the app there.':
    'Dem CRM ließ es sich nicht sagen: Ein Admin muss die App dort entfernen.',
  'The authorisation is being renewed.': 'Die Berechtigung wird gerade erneuert.',
  'The CRM could not be set up yet; it is tried again.':
    'Das CRM ließ sich noch nicht einrichten; es wird noch einmal versucht.',
  'A search through everything since the install was asked for.':
    'Eine Suche durch alles seit der Installation wurde verlangt.',
  'A search was asked for.': 'Eine Suche wurde verlangt.',
  'Connected again. {decisions} records that waited are decided on now and {mirror} are written; what changed since {since} is searched for.':
    'Wieder verbunden. Über {decisions} wartende Datensätze wird jetzt entschieden, und {mirror} werden geschrieben; was sich seit {since} geändert hat, wird gesucht.',
  'The CRM "{provider}" is not configured here.': 'Das CRM „{provider}“ ist hier nicht eingerichtet.',
  'Stopping.': 'Wird beendet.',
  // Comparisons.
  '{referral} was declined': '{referral} wurde abgelehnt',
  '{program} does not apply in this connection': '{program} gilt in dieser Verbindung nicht',
  'no rule asks for this stage': 'keine Regel fragt nach dieser Phase',
  'no decision of {rules}': 'keine Entscheidung von {rules}',
  '{=error} (no decision of {rules})': '{=error} (keine Entscheidung von {rules})',
  'is to be looked at ({=detail})': 'wird noch angesehen ({=detail})',
  'is to be looked at': 'wird noch angesehen',
  'stands in a stage that the mapping does not know; nothing is taken back':
    'steht in einer Phase, die die Zuordnung nicht kennt; nichts wird zurückgenommen',
  'qualifies, and the search does not know of it yet': 'kommt in Frage, und die Suche weiß noch nichts davon',
  'a reward stands, and the deal is gone': 'eine Prämie steht, und den Deal gibt es nicht mehr',
  'a reward stands, and the deal does not qualify': 'eine Prämie steht, und der Deal kommt nicht in Frage',
  'is to be written': 'wird noch geschrieben',
  'could not be written and waits for a person': 'ließ sich nicht schreiben und wartet auf einen Menschen',
  'the CRM does not have the record any more': 'im CRM gibt es den Datensatz nicht mehr',
  'What Wonward writes stays there again.': 'Was Wonward schreibt, bleibt dort wieder stehen.',
  'The list "{list}" has {rows} rows that are not the {signed} that were signed.':
    'Die Liste „{list}“ hat {rows} Zeilen, die nicht die {signed} signierten sind.',
  'What it says is not what was hashed when it was {=made}.':
    'Was darin steht, ist nicht, was gehasht wurde, als er {=made} wurde.',
  'made: made': 'erstellt',
  'made: closed': 'gemacht',
  'It was signed with the key "{key}", which ENCRYPTION_KEY does not hold any more.':
    'Signiert wurde mit dem Schlüssel „{key}“, den ENCRYPTION_KEY nicht mehr enthält.',
  'The signature is not that of this service’s key.': 'Die Signatur ist nicht die des Schlüssels dieses Dienstes.',
  'It lies under another number or {=place} than it was made for.':
    'Er wurde für eine andere Nummer oder {=place} gemacht.',
  'place: connection': 'Verbindung',
  'place: month': 'einen anderen Monat',
  'The {=one} before it is not the one that it was made behind.':
    '{=one} davor ist nicht der, hinter dem er gemacht wurde.',
  'one: report': 'Der Bericht',
  'one: close': 'Der Abschluss',
  // What stands in the way of a call.
  'HubSpot did not answer. Wonward tries again by itself.':
    'HubSpot hat nicht geantwortet. Wonward versucht es von selbst noch einmal.',
  'HubSpot asks Wonward to slow down. Wonward tries again by itself.':
    'HubSpot bittet um langsamere Aufrufe. Wonward versucht es von selbst noch einmal.',
  'HubSpot has locked the record for a moment. Wonward tries again by itself.':
    'HubSpot hat den Datensatz für einen Augenblick gesperrt. Wonward versucht es von selbst noch einmal.',
  'HubSpot sent an answer that cannot be read. Wonward tries again by itself.':
    'HubSpot hat etwas geantwortet, das sich nicht lesen lässt. Wonward versucht es von selbst noch einmal.',
  'HubSpot does not allow Wonward to do this. An admin has to check the permissions of the app.':
    'HubSpot erlaubt Wonward das nicht. Ein Admin muss die Rechte der App prüfen.',
  'HubSpot refused what Wonward sent. The details are in the log.':
    'HubSpot hat abgelehnt, was Wonward gesendet hat. Einzelheiten stehen im Protokoll.',
  'HubSpot did not say which contact it has created.': 'HubSpot hat nicht gesagt, welchen Kontakt es angelegt hat.',
  'HubSpot refuses this contact. Check the e-mail address, or create the contact in HubSpot and choose it here.':
    'HubSpot lehnt diesen Kontakt ab. Prüfen Sie die E-Mail-Adresse, oder legen Sie den Kontakt in HubSpot an und wählen Sie ihn hier.',
  'HubSpot does not accept the client id, secret or redirect address that Wonward is configured with. The operator has to correct it; the connection itself is untouched.':
    'HubSpot nimmt Client-Id, Secret oder Rückadresse nicht an, mit denen Wonward eingerichtet ist. Der Betreiber muss es berichtigen; die Verbindung selbst ist unberührt.',
  'HubSpot no longer accepts this authorisation. An admin has to connect the portal again.':
    'HubSpot nimmt diese Berechtigung nicht mehr an. Ein Admin muss das Portal noch einmal verbinden.',
  'HubSpot refused to hand out a token. The details are in the log.':
    'HubSpot hat kein Token ausgegeben. Einzelheiten stehen im Protokoll.',
  'HubSpot did not say what became of the task.': 'HubSpot hat nicht gesagt, was aus der Aufgabe wurde.',
  'the objects of Wonward are missing in the portal': 'die Objekte von Wonward fehlen im Portal',
  'missing in the portal: {fields}': 'fehlt im Portal: {fields}',
  '{field} is not a unique text property': '{field} ist kein eindeutiges Textfeld',
  'HubSpot’s answer does not name a row': 'HubSpots Antwort nennt keine Zeile',
  'HubSpot’s answer does not name this row': 'HubSpots Antwort nennt diese Zeile nicht',
  'not written: HubSpot refused the batch ({=why})': 'nicht geschrieben: HubSpot hat das Paket abgelehnt ({=why})',
  'This HubSpot account may have {limit} custom objects and has {usage}; Wonward needs {needed} more. Delete one that is not used, or ask HubSpot for more.':
    'Dieses HubSpot-Konto darf {limit} eigene Objekte haben und hat {usage}; Wonward braucht {needed} weitere. Löschen Sie ein unbenutztes, oder bitten Sie HubSpot um mehr.',
  'The subscription of this HubSpot account has no custom objects: HubSpot gives them with an Enterprise edition.':
    'Das Abonnement dieses HubSpot-Kontos hat keine eigenen Objekte: HubSpot gibt sie mit einer Enterprise-Edition.',
  'an object of this name was deleted before; HubSpot keeps the name until it is deleted for good ({text})':
    'ein Objekt dieses Namens wurde früher gelöscht; HubSpot behält den Namen, bis es endgültig gelöscht ist ({text})',
  'A duplicate rule of the org blocks this row, also for those who save all the same: set its action to "Allow" in Setup, or leave the object out of it.':
    'Eine Duplikatregel der Org blockiert diese Zeile, auch für alle, die trotzdem speichern dürfen: Setzen Sie ihre Aktion in Setup auf „Allow“, oder nehmen Sie das Objekt aus ihr heraus.',
  'A duplicate rule of the org refuses this row: leave the object out of it, or have Wonward save all the same by the connection’s setting duplicateRules.':
    'Eine Duplikatregel der Org lehnt diese Zeile ab: Nehmen Sie das Objekt aus ihr heraus, oder lassen Sie Wonward durch die Einstellung duplicateRules der Verbindung trotzdem speichern.',
  'Salesforce gave no refresh token: the app has to allow the scope "refresh_token".':
    'Salesforce hat kein Refresh-Token gegeben: Die App muss den Scope „refresh_token“ erlauben.',
  'Salesforce did not say which org this is.': 'Salesforce hat nicht gesagt, welche Org das ist.',
  'Salesforce no longer accepts this authorisation. An admin has to connect the org again.':
    'Salesforce nimmt diese Berechtigung nicht mehr an. Ein Admin muss die Org noch einmal verbinden.',
  'The Wonward package is not installed in this org. An admin has to install it and connect again.':
    'Das Paket von Wonward ist in dieser Org nicht installiert. Ein Admin muss es installieren und noch einmal verbinden.',
  'Salesforce does not accept the client id, secret or redirect address that Wonward is configured with. The operator has to correct it; the connection itself is untouched.':
    'Salesforce nimmt Client-Id, Secret oder Rückadresse nicht an, mit denen Wonward eingerichtet ist. Der Betreiber muss es berichtigen; die Verbindung selbst ist unberührt.',
  'Salesforce refused to hand out a token. The details are in the log.':
    'Salesforce hat kein Token ausgegeben. Einzelheiten stehen im Protokoll.',
  'Salesforce sent an answer that cannot be read. Wonward tries again by itself.':
    'Salesforce hat etwas geantwortet, das sich nicht lesen lässt. Wonward versucht es von selbst noch einmal.',
  'It is not known where this org is. An admin has to connect it again.':
    'Wo diese Org ist, ist nicht bekannt. Ein Admin muss sie noch einmal verbinden.',
  'is not installed in this org, or not allowed to the user that connected; install it and assign the permission set "Referral Integration"':
    'ist in dieser Org nicht installiert oder dem verbundenen Benutzer nicht erlaubt; installieren Sie es und weisen Sie den Berechtigungssatz „Referral Integration“ zu',
  'The Wonward package': 'Das Paket von Wonward',
  'is missing, or not allowed to the user that connected; what belongs there is not written':
    'fehlt oder ist dem verbundenen Benutzer nicht erlaubt; was dorthin gehört, wird nicht geschrieben',
  'is missing, or not allowed to the user that connected; upgrade the package, and assign the permission set "Referral Integration" to that user. What belongs there is not written':
    'fehlt oder ist dem verbundenen Benutzer nicht erlaubt; aktualisieren Sie das Paket und weisen Sie diesem Benutzer den Berechtigungssatz „Referral Integration“ zu. Was dorthin gehört, wird nicht geschrieben',
  'the user that connected may not write {fields}: assign it the permission set "Referral Integration"':
    'der verbundene Benutzer darf {fields} nicht schreiben: Weisen Sie ihm den Berechtigungssatz „Referral Integration“ zu',
  'The row was deleted: restore it from the recycle bin, or empty the bin.':
    'Die Zeile wurde gelöscht: Stellen Sie sie aus dem Papierkorb wieder her, oder leeren Sie ihn.',
  'the Wonward package is not installed in this org, or not allowed to the user that connected':
    'das Paket von Wonward ist in dieser Org nicht installiert oder dem verbundenen Benutzer nicht erlaubt',
  'Salesforce’s answer does not tell of this row': 'Salesforces Antwort sagt nichts von dieser Zeile',
  'The user that connected Salesforce may not read {fields}. An admin has to give it the permission set "Referral Integration".':
    'Der Benutzer, der Salesforce verbunden hat, darf {fields} nicht lesen. Ein Admin muss ihm den Berechtigungssatz „Referral Integration“ geben.',
  'Salesforce does not accept the authorisation for its change events. Wonward tries again by itself.':
    'Salesforce nimmt die Berechtigung für seine Änderungsmeldungen nicht an. Wonward versucht es von selbst noch einmal.',
  'The address of the Salesforce org is not known yet. Wonward tries again by itself.':
    'Die Adresse der Salesforce-Org ist noch nicht bekannt. Wonward versucht es von selbst noch einmal.',
  'Salesforce refused to send change events. The details are in the log; the regular sweep goes on.':
    'Salesforce sendet keine Änderungsmeldungen. Einzelheiten stehen im Protokoll; die regelmäßige Suche läuft weiter.',
  'Salesforce named an address for this org that is not one of its own. Nothing was sent there.':
    'Salesforce hat für diese Org eine Adresse genannt, die keine von seinen ist. Dorthin wurde nichts gesendet.',
  'The org has nearly used up its API calls of the day. Wonward leaves the last ones to others and goes on when there are more.':
    'Die Org hat ihre API-Aufrufe des Tages fast verbraucht. Wonward lässt die letzten anderen und macht weiter, wenn es mehr gibt.',
  'Wonward has used its share of the API calls of this org for today, and goes on when there are more. An admin can set the share at the connection.':
    'Wonward hat seinen Anteil an den API-Aufrufen dieser Org für heute verbraucht und macht weiter, wenn es mehr gibt. Ein Admin kann den Anteil an der Verbindung setzen.',
  'Salesforce did not answer. Wonward tries again by itself.':
    'Salesforce hat nicht geantwortet. Wonward versucht es von selbst noch einmal.',
  'The org has used up its API calls for now. Wonward goes on when there are some again.':
    'Die Org hat ihre API-Aufrufe vorerst verbraucht. Wonward macht weiter, wenn es wieder welche gibt.',
  'Somebody else is writing the same record in Salesforce. Wonward tries again by itself.':
    'Jemand anderes schreibt in Salesforce gerade denselben Datensatz. Wonward versucht es von selbst noch einmal.',
  'The org has no storage left. Wonward goes on when an admin has made room.':
    'Die Org hat keinen Speicherplatz mehr. Wonward macht weiter, wenn ein Admin Platz geschaffen hat.',
  'The REST API is switched off in this org. An admin has to switch it on, or choose an edition that has it.':
    'Die REST-API ist in dieser Org abgeschaltet. Ein Admin muss sie einschalten oder eine Edition wählen, die sie hat.',
  'Salesforce refused what Wonward sent. The details are in the log.':
    'Salesforce hat abgelehnt, was Wonward gesendet hat. Einzelheiten stehen im Protokoll.',
  'Salesforce does not allow Wonward to do this: {message} An admin has to give the permission set "Referral Integration" to the user that connected.':
    'Salesforce erlaubt Wonward das nicht: {message} Ein Admin muss dem verbundenen Benutzer den Berechtigungssatz „Referral Integration“ geben.',
  'The connection may not complete callbacks. Connect again.':
    'Die Verbindung darf keine Rückrufe abschließen. Verbinden Sie noch einmal.',
  'The CRM takes no events of ours for timelines: its maker has to have approved the app for them, and the connection to have granted the permission. See to both, connect again, then retry.':
    'Das CRM nimmt von uns keine Ereignisse für Aktivitätenfeeds: Sein Hersteller muss die App dafür freigegeben und die Verbindung die Berechtigung erteilt haben. Sorgen Sie für beides, verbinden Sie noch einmal und versuchen Sie es dann erneut.',
  'the CRM did not answer for this event': 'das CRM hat zu diesem Ereignis nichts geantwortet',
  'The CRM does not know of the wait yet.': 'Das CRM weiß noch nichts von dem Warten.',
  'Another node may be listening by now.': 'Inzwischen hört vielleicht ein anderer Knoten.',
  'This CRM has no tasks.': 'Dieses CRM hat keine Aufgaben.',
  'the CRM did not answer for this record': 'das CRM hat zu diesem Datensatz nichts geantwortet',
};
