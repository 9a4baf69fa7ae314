import type { ProblemCode } from '../../problem-codes.ts';
import type { Phrases } from '../phrasebook.ts';

/** What is said of each code; `problem.ts` has the English words. */
export const TITLES: Readonly<Record<ProblemCode, string>> = {
  invalid_json: 'Der Inhalt ist kein JSON.',
  invalid_request: 'Etwas in der Anfrage ist nicht, wie es sein soll.',
  invalid_cursor: 'Diesen Cursor hat diese Liste nicht ausgegeben.',
  invalid_path: 'Die Adresse lässt sich nicht lesen.',
  empty_body: 'Der Inhalt ist leer.',
  malformed_delivery: 'Die Lieferung lässt sich nicht lesen.',
  aborted: 'Die Anfrage endete vor ihrem Inhalt.',
  unauthenticated: 'Es braucht einen gültigen API-Schlüssel.',
  unsigned: 'Die Signatur stimmt nicht.',
  forbidden: 'Das darf von hier nicht gelesen werden.',
  not_allowed: 'Ihre Rollen erlauben das nicht.',
  cross_site: 'Die Anfrage kommt nicht aus der Konsole.',
  not_found: 'Hier ist nichts.',
  method_not_allowed: 'Diese Adresse kennt die Methode nicht.',
  not_acceptable: 'Die Antwort ist JSON, was die Anfrage nicht annimmt.',
  second_person: 'Eine andere Person muss das veröffentlichen.',
  draft_changed: 'Der Entwurf hat sich geändert, seit er gelesen wurde.',
  settings_changed: 'Die Einstellungen haben sich geändert, seit sie gelesen wurden.',
  mapping_changed: 'Die Zuordnung hat sich geändert, seit sie gelesen wurde.',
  other_draft: 'Erprobt wurde ein anderer Entwurf.',
  other_entry: 'Die Id steht für einen anderen Eintrag.',
  referred_by_another: 'Ein anderes Mitglied hat diese Person früher empfohlen.',
  person_erased: 'Die Person wurde auf Verlangen gelöscht.',
  no_program: 'Das Konto hat noch kein Programm.',
  awaits_nobody: 'Die Prämie wartet auf niemanden.',
  not_possible: 'Das kann nicht sein.',
  batch_state: 'So weit ist der Sammelauftrag nicht.',
  period_state: 'So weit ist der Monat nicht.',
  batch_waits: 'Aufträge warten in einem Sammelauftrag.',
  same_person: 'Das muss jemand anderes tun.',
  nothing_owed: 'Nichts ist zurückgeschuldet.',
  backfill_open: 'Ein anderes Nachladen dieser Verbindung ist noch nicht zu Ende.',
  other_refund: 'Die Id steht für eine andere Erstattung.',
  connection_lost: 'Das CRM ist nicht verbunden.',
  body_too_large: 'Der Inhalt ist zu groß.',
  unsupported_media_type: 'Dieser Inhaltstyp wird hier nicht gelesen.',
  user_changed: 'Die Rollen haben sich geändert, seit sie gelesen wurden.',
  last_owner: 'Ein Konto braucht einen Inhaber.',
  no_such_friend: 'Kein Kontakt, der die empfohlene Person sein könnte.',
  no_such_member: 'Dieses Mitglied gibt es nicht.',
  no_such_referral: 'Diese Empfehlung gibt es nicht.',
  no_such_reward: 'Diese Prämie gibt es nicht.',
  no_such_dry_run: 'Diese Erprobung gibt es nicht.',
  no_such_case: 'Diesen Fall gibt es nicht.',
  no_such_order: 'Diesen Auftrag gibt es nicht.',
  not_batched: 'Dieser Anbieter zahlt nicht gesammelt.',
  no_such_provider: 'Diesen Anbieter gibt es nicht.',
  no_such_connection: 'Diese Verbindung gibt es nicht.',
  nothing_to_release: 'Es gibt nichts, das sich freigeben ließe.',
  self_referral: 'Das Mitglied und die empfohlene Person sind derselbe Mensch.',
  too_many_requests: 'Zu viele Anfragen.',
  internal: 'Bei uns ist etwas schiefgegangen.',
  misconfigured: 'Wonward ist nicht richtig eingerichtet.',
  sign_in_refused: 'Die Anmeldung ging nicht.',
  provider_refused: 'Der Anbieter nimmt die Zugangsdaten nicht an.',
  crm_refused: 'Das CRM hat nicht getan, worum es gebeten wurde.',
  busy: 'Zu viel auf einmal.',
  storage: 'Die Datenbank kann das gerade nicht.',
  try_again: 'Gerade nicht möglich.',
  stopping: 'Der Dienst wird beendet.',
};

/** What happened, and what to do about it. */
export const PROBLEMS: Phrases = {
  'The mistake was logged. Name the reference when you report it.':
    'Der Fehler wurde aufgezeichnet. Nennen Sie die Referenz, wenn Sie ihn melden.',
  'Encode it as UTF-8.': 'Schreiben Sie sie als UTF-8.',
  'No such address.': 'Diese Adresse gibt es nicht.',
  'Use {methods}.': 'Benutzen Sie {+methods}.',
  'Try again in {seconds} s.': 'Versuchen Sie es in {seconds} s noch einmal.',
  'The service is stopping.': 'Der Dienst wird beendet.',
  'More is being answered than can be. Send it again.':
    'Es wird mehr beantwortet, als geht. Senden Sie es noch einmal.',
  'Those before it wait too long already.': 'Was davor kam, wartet schon zu lange.',
  'The database does not answer.': 'Die Datenbank antwortet nicht.',
  'The database could not keep this just now. Send it again.':
    'Die Datenbank konnte das gerade nicht behalten. Senden Sie es noch einmal.',
  'More is waiting to be kept than can be held.':
    'Es wartet mehr darauf, behalten zu werden, als gehalten werden kann.',
  'A booking does not add up and was not made.': 'Eine Buchung geht nicht auf und wurde nicht gemacht.',
  'A stored secret cannot be opened with the configured ENCRYPTION_KEY.':
    'Ein verwahrtes Geheimnis lässt sich mit dem eingerichteten ENCRYPTION_KEY nicht öffnen.',
  'Send less in one request.': 'Senden Sie weniger in einer Anfrage.',
  'Send the whole body.': 'Senden Sie den ganzen Inhalt.',
  'Send a JSON body.': 'Senden Sie einen Inhalt als JSON.',
  'Send one JSON object, as UTF-8.': 'Senden Sie ein JSON-Objekt, als UTF-8.',
  'Send the body with Content-Type: application/json.': 'Senden Sie den Inhalt mit Content-Type: application/json.',
  'Send the body as UTF-8.': 'Senden Sie den Inhalt als UTF-8.',
  'Send the body without Content-Encoding.': 'Senden Sie den Inhalt ohne Content-Encoding.',
  'Accept application/json.': 'Nehmen Sie application/json an.',
  // Who calls.
  'Send a valid API key: Authorization: Bearer wk_…':
    'Senden Sie einen gültigen API-Schlüssel: Authorization: Bearer wk_…',
  'Your session is over. Sign in again.': 'Ihre Sitzung ist zu Ende. Melden Sie sich noch einmal an.',
  'Only the console may use its own session; a program uses an API key.':
    'Nur die Konsole darf ihre Sitzung benutzen; ein Programm nimmt einen API-Schlüssel.',
  'You have no seat in this account.': 'Sie haben in diesem Konto keinen Platz.',
  'It takes the permission "{permission}". An owner of the account gives it.':
    'Es braucht das Recht „{permission}“. Ein Inhaber des Kontos gibt es.',
  'Journals and payouts take the permission "money.read".': 'Buchungen und Zahlungen brauchen das Recht „money.read“.',
  'You cannot give what you do not have yourself: {permissions}.':
    'Sie können nicht geben, was Sie selbst nicht haben: {permissions}.',
  'Open the console and sign in there.': 'Öffnen Sie die Konsole und melden Sie sich dort an.',
  'The link was used before, or its time is over. Ask for a new one.':
    'Der Link wurde schon benutzt, oder seine Zeit ist um. Bitten Sie um einen neuen.',
  'No OpenID provider is configured.': 'Kein OpenID-Anbieter ist eingerichtet.',
  'Begin again from the sign-in page.': 'Beginnen Sie noch einmal auf der Anmeldeseite.',
  '{provider} does not say that your e-mail address is yours. Ask your administrator there.':
    '{provider} bestätigt nicht, dass Ihre E-Mail-Adresse Ihnen gehört. Fragen Sie dort Ihren Administrator.',
  'You have no seat here. Ask an owner of the account to invite you.':
    'Sie haben hier keinen Platz. Bitten Sie einen Inhaber des Kontos um eine Einladung.',
  'The OpenID provider cannot be asked.': 'Der OpenID-Anbieter lässt sich nicht fragen.',
  'The OpenID provider did not confirm who it is.': 'Der OpenID-Anbieter hat nicht bestätigt, wer es ist.',
  // What is not there.
  'This account has no such thing.': 'So etwas gibt es in diesem Konto nicht.',
  'This account has no such member.': 'Dieses Mitglied gibt es in diesem Konto nicht.',
  'This account has no such recruiter.': 'Diesen Werber gibt es in diesem Konto nicht.',
  'This account has no such referral.': 'Diese Empfehlung gibt es in diesem Konto nicht.',
  'This account has no such reward.': 'Diese Prämie gibt es in diesem Konto nicht.',
  'This account has no such reward, or nothing was given for it.':
    'Diese Prämie gibt es in diesem Konto nicht, oder es wurde nichts für sie ausgegeben.',
  'The referral has no such reward.': 'Diese Prämie gehört nicht zu der Empfehlung.',
  'This account has no such case.': 'Diesen Fall gibt es in diesem Konto nicht.',
  'This account has no such connection.': 'Diese Verbindung gibt es in diesem Konto nicht.',
  'This account has no such program.': 'Dieses Programm gibt es in diesem Konto nicht.',
  'This account has no such dry run.': 'Diese Erprobung gibt es in diesem Konto nicht.',
  'This account has no such batch.': 'Diesen Sammelauftrag gibt es in diesem Konto nicht.',
  'This account has no such close.': 'Diesen Abschluss gibt es in diesem Konto nicht.',
  'This account has no such report.': 'Diesen Bericht gibt es in diesem Konto nicht.',
  'This account has no such release.': 'Diese Freigabe gibt es in diesem Konto nicht.',
  'This account has no such backfill.': 'Dieses Nachladen gibt es in diesem Konto nicht.',
  'This account has no such import.': 'Diesen Import gibt es in diesem Konto nicht.',
  'This account has no such user.': 'Diese Person gibt es in diesem Konto nicht.',
  'This account has no such live key.': 'Diesen gültigen Schlüssel gibt es in diesem Konto nicht.',
  'This account has no such invitation; it may have been used.':
    'Diese Einladung gibt es in diesem Konto nicht; vielleicht wurde sie benutzt.',
  'This account has no such webhook endpoint.': 'Diesen Webhook gibt es in diesem Konto nicht.',
  'This endpoint was not to be told of such an event.': 'Von diesem Ereignis sollte dieser Webhook nicht erfahren.',
  'This connection has no such alert.': 'Diese Warnung gibt es an dieser Verbindung nicht.',
  'This program has no draft.': 'Dieses Programm hat keinen Entwurf.',
  'There is no such account.': 'Dieses Konto gibt es nicht.',
  'You have no such view.': 'Diese Ansicht haben Sie nicht.',
  'No such provider is installed.': 'Dieser Anbieter ist nicht installiert.',
  'No such provider is installed; /providers lists them.':
    'Dieser Anbieter ist nicht installiert; /providers zählt sie auf.',
  'This provider is not paid in batches.': 'Über diesen Anbieter wird nicht gesammelt gezahlt.',
  'The providers manual, paypal, stripe and tremendous can be paid in batches.':
    'Gesammelt gezahlt werden kann über manual, paypal, stripe und tremendous.',
  'Nothing is kept about such a person.': 'Über so eine Person ist nichts aufbewahrt.',
  'Nothing is kept about this person. They were erased on {=at} ({erasure}).':
    'Über diese Person ist nichts aufbewahrt. Sie wurde am {=at} gelöscht ({erasure}).',
  'No mapping was proposed for this connection yet: POST /connections/{connectionId}/mapping/proposal makes one.':
    'Für diese Verbindung wurde noch keine Zuordnung vorgeschlagen: POST /connections/{connectionId}/mapping/proposal erzeugt eine.',
  // Fields.
  'Correct the fields that are named.': 'Berichtigen Sie die genannten Felder.',
  'The file cannot be read; nothing was changed.': 'Die Datei lässt sich nicht lesen; nichts wurde geändert.',
  "Send the last page's nextCursor as it came, or no cursor to begin anew.":
    'Senden Sie den nextCursor der letzten Seite, wie er kam, oder keinen, um von vorn zu beginnen.',
  'There is no time between the two.': 'Zwischen beiden liegt keine Zeit.',
  'The time ends before it begins.': 'Die Zeit endet, bevor sie beginnt.',
  'A currency goes with a ledger account.': 'Eine Währung gehört zu einem Konto im Hauptbuch.',
  'These figures cannot be given.': 'Diese Zahlen lassen sich nicht geben.',
  'These credentials cannot be used.': 'Diese Zugangsdaten lassen sich nicht benutzen.',
  'This address cannot be called.': 'Diese Adresse lässt sich nicht rufen.',
  'A member is known by an e-mail address or by a contact.':
    'Ein Mitglied ist durch eine E-Mail-Adresse oder einen Kontakt bekannt.',
  'A friend is known by an e-mail address or by a contact.':
    'Eine empfohlene Person ist durch eine E-Mail-Adresse oder einen Kontakt bekannt.',
  'Nobody can refer themselves.': 'Niemand kann sich selbst empfehlen.',
  'The friend stays with the member who referred first.':
    'Die empfohlene Person bleibt bei dem Mitglied, das sie zuerst empfohlen hat.',
  'This contact was erased here on request. If the person has come back, make a new contact for them in the CRM.':
    'Dieser Kontakt wurde hier auf Verlangen gelöscht. Ist die Person zurückgekommen, legen Sie im CRM einen neuen Kontakt für sie an.',
  'No such consent text was ever saved, so nobody was shown it.':
    'So ein Einwilligungstext wurde nie gespeichert, also hat ihn niemand gesehen.',
  'A threshold is not an amount.': 'Eine Schwelle ist kein Betrag.',
  'A rate cannot be entered. Nothing was.': 'Ein Kurs lässt sich nicht eintragen. Es wurde keiner eingetragen.',
  'The logo was not taken; nothing was changed.': 'Das Logo wurde nicht angenommen; nichts wurde geändert.',
  'Nobody logs in to this CRM there.': 'Dort meldet sich niemand bei diesem CRM an.',
  'No such CRM is configured here.': 'Dieses CRM ist hier nicht eingerichtet.',
  'The policy cannot hold for this account.': 'Diese Regelung kann für dieses Konto nicht gelten.',
  'A rule could never be paid.': 'Eine Regel könnte nie gezahlt werden.',
  'A rule asks about what the CRM does not have.': 'Eine Regel fragt nach etwas, das es im CRM nicht gibt.',
  'The draft is of another program.': 'Der Entwurf ist der eines anderen Programms.',
  'That cannot be said of these stages.': 'Das lässt sich von diesen Phasen nicht sagen.',
  'It is not said which stage means what.': 'Es ist nicht gesagt, welche Phase was bedeutet.',
  'That does not mend it.': 'Das behebt es nicht.',
  'It cannot be put off until then.': 'Bis dahin lässt es sich nicht aufschieben.',
  'A case of this kind does not end that way now.': 'Ein Fall dieser Art endet jetzt nicht so.',
  'Some of the programs were never published.': 'Einige der Programme wurden nie veröffentlicht.',
  'People of this CRM cannot be told by tasks.':
    'Menschen in diesem CRM lassen sich nicht durch Aufgaben benachrichtigen.',
  'Timelines of this CRM take nothing of ours: HubSpot has to have approved the app for app events, and the service to know it.':
    'Aktivitätenfeeds dieses CRM nehmen nichts von uns: HubSpot muss die App für App-Ereignisse freigegeben haben, und der Dienst muss es wissen.',
  'The CRM has not granted what telling timelines needs. Connect it anew, by POST /connections.':
    'Das CRM hat nicht erlaubt, was Ereignisse in Aktivitätenfeeds brauchen. Verbinden Sie es noch einmal, mit POST /connections.',
  'This CRM has no objects to turn on.': 'Dieses CRM hat keine Objekte, die sich einschalten ließen.',
  'The CRM has not granted what they need. Connect it anew, by POST /connections; HubSpot leaves these permissions out where the subscription has no custom objects.':
    'Das CRM hat nicht gewährt, was sie brauchen. Verbinden Sie es neu, mit POST /connections; HubSpot lässt diese Rechte weg, wo das Abonnement keine eigenen Objekte hat.',
  // What has changed meanwhile.
  'Others changed the same referral at the same time. Nothing was written.':
    'Andere haben dieselbe Empfehlung gleichzeitig geändert. Nichts wurde geschrieben.',
  'Others changed the same thing at the same time. Nothing was written.':
    'Andere haben dasselbe gleichzeitig geändert. Nichts wurde geschrieben.',
  'Others changed the same people at the same time.': 'Andere haben dieselben Menschen gleichzeitig geändert.',
  'Others changed the same mapping at the same time.': 'Andere haben dieselbe Zuordnung gleichzeitig geändert.',
  'Others looked at the same connection at the same time. Try again.':
    'Andere haben dieselbe Verbindung gleichzeitig angesehen. Versuchen Sie es noch einmal.',
  'Others are comparing the same connection.': 'Andere gleichen dieselbe Verbindung gerade ab.',
  'The amount that is owed again is another now, or none.':
    'Der Betrag, der wieder geschuldet ist, ist jetzt ein anderer oder keiner.',
  'The same dispute was decided at this very moment.': 'Derselbe Einspruch wurde in diesem Augenblick entschieden.',
  'Another backfill of this connection ended at this very moment.':
    'Ein anderes Nachladen dieser Verbindung endete in diesem Augenblick.',
  'The import went on at this very moment. Nothing was changed.':
    'Der Import ging in diesem Augenblick weiter. Nichts wurde geändert.',
  'The same call is being carried out.': 'Derselbe Aufruf wird gerade ausgeführt.',
  'Somebody has changed it since you read it. Read it again, and set yours on top of that.':
    'Jemand hat es geändert, seit Sie es gelesen haben. Laden Sie es neu und setzen Sie Ihres darauf.',
  'Somebody has changed the brand since you read it. Read it again, and set yours on top of that.':
    'Jemand hat die Marke geändert, seit Sie sie gelesen haben. Laden Sie sie neu und setzen Sie Ihres darauf.',
  'Somebody has saved another version since you read it. Read it, and write yours on top of that.':
    'Jemand hat eine andere Fassung gespeichert, seit Sie sie gelesen haben. Lesen Sie sie und schreiben Sie Ihres darauf.',
  'The settings have changed since you read them. Read them again, and set yours on top of that.':
    'Die Einstellungen haben sich geändert, seit Sie sie gelesen haben. Laden Sie sie neu und setzen Sie Ihres darauf.',
  'The account has changed since the document was compared with it. Check it again before you apply it.':
    'Das Konto hat sich geändert, seit das Dokument damit verglichen wurde. Prüfen Sie es noch einmal, bevor Sie es anwenden.',
  'Read the settings again, and make your change to them.': 'Laden Sie die Einstellungen neu und ändern Sie diese.',
  'Read the chart of accounts again, and make your change to it.':
    'Laden Sie den Kontenplan neu und ändern Sie diesen.',
  'Somebody changed the roles meanwhile. Read them and decide again.':
    'Jemand hat die Rollen inzwischen geändert. Lesen Sie sie und entscheiden Sie noch einmal.',
  'Make somebody else an owner first.': 'Machen Sie zuerst jemand anderen zum Inhaber.',
  'Somebody has changed the draft since you read it. Read it again, and put your change on top of theirs.':
    'Jemand hat den Entwurf geändert, seit Sie ihn gelesen haben. Laden Sie ihn neu und setzen Sie Ihre Änderung darauf.',
  'Somebody has changed the draft since you read it. Read it again before you publish it.':
    'Jemand hat den Entwurf geändert, seit Sie ihn gelesen haben. Lesen Sie ihn noch einmal, bevor Sie ihn veröffentlichen.',
  'The mapping has changed since you read it. Read it again, and say it on top of that.':
    'Die Zuordnung hat sich geändert, seit Sie sie gelesen haben. Laden Sie sie neu und sagen Sie es darauf.',
  'Somebody else has answered it at the same moment. Read it again.':
    'Jemand anderes hat im selben Augenblick geantwortet. Laden Sie es neu.',
  'Somebody has changed the webhook since it was read. Read it again.':
    'Jemand hat den Webhook geändert, seit er gelesen wurde. Laden Sie ihn neu.',
  'Somebody has changed the webhook at this moment. Do it again.':
    'Jemand hat den Webhook in diesem Augenblick geändert. Tun Sie es noch einmal.',
  // Programs.
  'Publish a program first: POST /api/v1/programs.': 'Veröffentlichen Sie zuerst ein Programm: POST /api/v1/programs.',
  'This account asks for two people. Keep the program as a draft (PUT /programs/{programId}/draft); somebody who has not worked on it publishes it.':
    'Dieses Konto verlangt zwei Personen. Behalten Sie das Programm als Entwurf (PUT /programs/{programId}/draft); jemand, der nicht daran gearbeitet hat, veröffentlicht ihn.',
  'The entry {id} stands for another amount. Use a new id.':
    'Der Eintrag {id} steht für einen anderen Betrag. Nehmen Sie eine neue Id.',
  'Nothing was changed: {=remedy}.': 'Nichts wurde geändert: {=remedy}.',
  'Nothing was changed, for this is not the draft that was tried: {=remedy}.':
    'Nichts wurde geändert, denn das ist nicht der erprobte Entwurf: {=remedy}.',
  'try it with {tryAt}, and name the id that it answers':
    'Erproben Sie ihn mit {tryAt}, und nennen Sie die Id der Antwort',
  'You have {count} views of this list. Remove one first.':
    'Sie haben {count} Ansichten dieser Liste. Entfernen Sie zuerst eine.',
  // Rewards, cases and money.
  'The reward is {=state}; there is nothing to decide on it.':
    'Die Prämie ist {=state}; über sie ist nichts zu entscheiden.',
  'The case is decided ({=outcome}); there is nothing more to decide on it.':
    'Der Fall ist entschieden ({=outcome}); darüber ist nichts mehr zu entscheiden.',
  'Nothing was decided: this account has no such case.':
    'Nichts wurde entschieden: Diesen Fall gibt es in diesem Konto nicht.',
  'The batch is open still: cut it, look at it, then approve it.':
    'Der Sammelauftrag ist noch offen: Schließen Sie ihn, sehen Sie ihn an, dann genehmigen Sie ihn.',
  'The batch has to be approved before anything of it is paid.':
    'Der Sammelauftrag muss genehmigt sein, bevor etwas davon gezahlt wird.',
  'The batch was approved before; its orders are on their way.':
    'Der Sammelauftrag wurde schon genehmigt; seine Aufträge sind unterwegs.',
  'Whoever cut the batch cannot approve it: use the API key of another person.':
    'Wer den Sammelauftrag geschlossen hat, kann ihn nicht genehmigen: Das muss eine andere Person tun.',
  'The provider pays this batch itself and says what became of each order.':
    'Der Anbieter zahlt diesen Sammelauftrag selbst und sagt, was aus jedem Auftrag wurde.',
  'Nothing was marked: an order is none of this batch.':
    'Nichts wurde gemeldet: Ein Auftrag gehört nicht zu diesem Sammelauftrag.',
  'Orders wait in a batch that is not approved: cut and approve it first.':
    'Aufträge warten in einem Sammelauftrag, der nicht genehmigt ist: Schließen und genehmigen Sie ihn zuerst.',
  'Nothing of this reward is owed back; there is nothing to write off.':
    'Von dieser Prämie ist nichts zurückgeschuldet; es gibt nichts abzuschreiben.',
  'A refund of this id was told with another amount or another deal.':
    'Eine Erstattung mit dieser Id wurde mit einem anderen Betrag oder Deal gemeldet.',
  'A release of this id was asked for with another rule or selection.':
    'Eine Freigabe mit dieser Id wurde mit einer anderen Regel oder Auswahl verlangt.',
  'Nothing of this rule would have been paid and waits.': 'Von dieser Regel wartet nichts, das gezahlt worden wäre.',
  'Who asked for it does not approve it.': 'Wer darum gebeten hat, genehmigt es nicht.',
  'The release is {=state}.': 'Die Freigabe ist {=state}.',
  'This close was taken back. Export the one that stands for the month.':
    'Dieser Abschluss wurde zurückgenommen. Führen Sie den aus, der für den Monat steht.',
  'Only the last month that stands closed can be taken back; take back the later ones first.':
    'Zurückgenommen werden kann nur der letzte abgeschlossene Monat; nehmen Sie zuerst die späteren zurück.',
  'Nothing was ever booked, so there is no month to close.':
    'Es wurde nie etwas gebucht, also gibt es keinen Monat abzuschließen.',
  '{month} was closed by {who} at {=at}. The next month is {next}.':
    '{month} wurde von {who} abgeschlossen, am {=at}. Der nächste Monat ist {next}.',
  'Months are closed in order and none is left out. The next one is {next}.':
    'Monate werden der Reihe nach abgeschlossen, und keiner wird ausgelassen. Der nächste ist {next}.',
  'The month can be closed from {=at} on.': 'Der Monat kann ab dem {=at} abgeschlossen werden.',
  'There is something to look at first: {+warnings}. Say why the month is closed all the same.':
    'Zuerst ist etwas anzusehen: {+warnings}. Sagen Sie, warum der Monat trotzdem abgeschlossen wird.',
  batches_unsettled: 'offene Sammelaufträge',
  provider_differences: 'Abweichungen bei Anbietern',
  orders_parked: 'liegende Aufträge',
  cases_open: 'offene Fälle',
  receivables: 'Forderungen',
  // Connections.
  'The backfill is {=state}.': 'Das Nachladen ist {=state}.',
  '{backfill} is {=state}: let it end, or cancel it.':
    '{backfill} ist {=state}: Lassen Sie es enden, oder beenden Sie es.',
  'Connect the CRM again, and begin then.': 'Verbinden Sie das CRM noch einmal, und beginnen Sie dann.',
  'The CRM is not connected. Connect it again; it is searched then.':
    'Das CRM ist nicht verbunden. Verbinden Sie es wieder; dann wird gesucht.',
  'The CRM is not connected. Connect it again first.': 'Das CRM ist nicht verbunden. Verbinden Sie es zuerst wieder.',
  'The CRM is not connected: connect it again, then ask anew.':
    'Das CRM ist nicht verbunden: Verbinden Sie es wieder, und fragen Sie dann noch einmal.',
  'This CRM has no duplicate rules.': 'Dieses CRM hat keine Duplikatregeln.',
  'This CRM gives each app a limit of its own; there is nothing to share.':
    'Dieses CRM gibt jeder App ein eigenes Limit; es gibt nichts zu teilen.',
  'This CRM cannot be compared.': 'Dieses CRM lässt sich nicht abgleichen.',
  'The stages of this CRM were not read yet. They are, by the next sweep, as soon as it is connected.':
    'Die Phasen dieses CRM wurden noch nicht gelesen. Das tut die nächste Suche, sobald es verbunden ist.',
  'Wonward may not read lists in this CRM: connect it again and allow it, or import a file.':
    'Wonward darf in diesem CRM keine Listen lesen: Verbinden Sie es noch einmal und erlauben Sie es, oder importieren Sie eine Datei.',
  'The CRM has no such list of people; its lists are under GET /connections/{connectionId}/lists.':
    'Diese Liste von Menschen gibt es im CRM nicht; seine Listen stehen unter GET /connections/{connectionId}/lists.',
  'An import of this id was begun with another file or mapping.':
    'Ein Import mit dieser Id wurde mit einer anderen Datei oder Zuordnung begonnen.',
  'An import of this id was begun with something else.': 'Ein Import mit dieser Id wurde mit etwas anderem begonnen.',
  'The webhook is switched off. Switch it on first; nothing is sent to it until then.':
    'Der Webhook ist abgeschaltet. Schalten Sie ihn zuerst ein; bis dahin wird ihm nichts gesendet.',
  'An account has at most {max} webhook endpoints. Remove one that is not needed.':
    'Ein Konto hat höchstens {max} Webhooks. Entfernen Sie einen, der nicht gebraucht wird.',
  // Tests of a program.
  'The test is not there any more.': 'Diesen Test gibt es nicht mehr.',
  'The test has ended.': 'Der Test ist beendet.',
  'A test of this connection is not over. End it first.':
    'Ein Test dieser Verbindung ist nicht zu Ende. Beenden Sie ihn zuerst.',
  'There is no such draft, and no such program in force.':
    'Diesen Entwurf gibt es nicht, und auch kein solches Programm in Kraft.',
  'The CRM has no such contact. Create it there first.':
    'Diesen Kontakt gibt es im CRM nicht. Legen Sie ihn dort zuerst an.',
  'Several contacts of the CRM have this address. Name one by friendContactId.':
    'Mehrere Kontakte im CRM haben diese Adresse. Nennen Sie einen durch friendContactId.',
  'This contact was really referred: what their deals pay is no test. Choose another one.':
    'Dieser Kontakt wurde wirklich empfohlen: Was seine Deals zahlen, ist kein Test. Wählen Sie einen anderen.',
  'This account has no member with this e-mail address.': 'In diesem Konto hat kein Mitglied diese E-Mail-Adresse.',
  'The member and the friend have the same e-mail address.':
    'Das Mitglied und die empfohlene Person haben dieselbe E-Mail-Adresse.',
  'This account has no such test.': 'Diesen Test gibt es in diesem Konto nicht.',
};
