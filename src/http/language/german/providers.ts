import type { Phrases } from '../phrasebook.ts';

/** What providers say of themselves, what they answer, and what webhooks were answered. */
export const PROVIDERS: Phrases = {
  'Nothing is given to anybody.': 'Niemandem wird etwas ausgegeben.',
  'There is nothing to stop: nothing was given.': 'Es gibt nichts aufzuhalten: Es wurde nichts ausgegeben.',
  'There is nothing to connect: nothing is given.': 'Es gibt nichts zu verbinden: Es wird nichts ausgegeben.',
  Codes: 'Codes',
  'Prefix of generated codes': 'Anfang erzeugter Codes',
  'pool: codes that you made in your shop and uploaded here. generated: we make them, and your shop asks us about each.':
    'pool: Codes, die Sie in Ihrem Shop erzeugt und hier hochgeladen haben. generated: Wir erzeugen sie, und Ihr Shop fragt uns nach jedem.',
  'Up to 12 letters and digits, such as THANKS.': 'Bis zu 12 Buchstaben und Ziffern, etwa DANKE.',
  'A code for your own shop, from a pool that you upload or made here.':
    'Ein Code für Ihren eigenen Shop, aus einem Vorrat, den Sie hochladen, oder hier erzeugt.',
  'A code that was not used is withdrawn; your shop has to stop taking it.':
    'Ein unbenutzter Code wird zurückgezogen; Ihr Shop darf ihn dann nicht mehr annehmen.',
  'no code worth {=money} is left; upload more': 'kein Code im Wert von {=money} ist übrig; laden Sie weitere hoch',
  'Up to 12 letters and digits.': 'Bis zu 12 Buchstaben und Ziffern.',
  'Codes are made when they are needed.': 'Codes werden erzeugt, wenn sie gebraucht werden.',
  'No code is left in the pool; upload some.': 'Kein Code ist im Vorrat übrig; laden Sie welche hoch.',
  '{free} codes are left in the pool.': '{free} Codes sind im Vorrat übrig.',
  'Account credit': 'Guthaben',
  'The amount is credited to the beneficiary in the ledger.':
    'Der Betrag wird dem Begünstigten im Hauptbuch gutgeschrieben.',
  'A reversal is taken from the credit itself.': 'Was zurückgenommen wird, geht vom Guthaben selbst ab.',
  'The ledger keeps the credit; there is nothing to connect.':
    'Das Hauptbuch führt das Guthaben; es gibt nichts zu verbinden.',
  'Paid by hand': 'Zahlung von Hand',
  'Finance pays a batch by bank transfer or payroll, from a CSV, and marks each row.':
    'Die Finanzabteilung zahlt einen Sammelauftrag aus einer CSV per Überweisung oder Gehalt und meldet jede Zeile.',
  'An order is taken out of its batch until the batch is exported.':
    'Ein Auftrag wird aus seinem Sammelauftrag genommen, bis dieser ausgeführt ist.',
  'Orders are collected in batches; there is nothing to connect.':
    'Aufträge werden gesammelt; es gibt nichts zu verbinden.',
  'taken out of its batch': 'aus seinem Sammelauftrag genommen',
  'the order waits in a batch': 'der Auftrag wartet in einem Sammelauftrag',
  'Client ID': 'Client-ID',
  Secret: 'Secret',
  Environment: 'Umgebung',
  'Webhook ID': 'Webhook-ID',
  'developer.paypal.com › Apps & Credentials › your app. The app needs Payouts switched on.':
    'developer.paypal.com › Apps & Credentials › Ihre App. In der App muss Payouts eingeschaltet sein.',
  'Beside the client ID.': 'Neben der Client-ID.',
  'sandbox: PayPal’s own test system.': 'sandbox: PayPals eigenes Testsystem.',
  'Beside the webhook on the app’s page. Without it no news is accepted.':
    'Neben dem Webhook auf der Seite der App. Ohne sie werden keine Nachrichten angenommen.',
  'Money to the PayPal account with the beneficiary’s e-mail address.':
    'Geld auf das PayPal-Konto mit der E-Mail-Adresse des Begünstigten.',
  'A payment that nobody claimed yet is cancelled, and the money comes back.':
    'Eine Zahlung, die noch niemand abgeholt hat, wird storniert, und das Geld kommt zurück.',
  'no e-mail address to pay to': 'keine E-Mail-Adresse, an die gezahlt werden kann',
  'PayPal does not know this client id with this secret, in this environment.':
    'PayPal kennt diese Client-ID mit diesem Secret in dieser Umgebung nicht.',
  'PayPal has no such webhook.': 'Diesen Webhook gibt es bei PayPal nicht.',
  'PayPal answers.': 'PayPal antwortet.',
  'PayPal {what} the payout': 'PayPal hat die Auszahlung nicht ausgeführt ({what})',
  'the payment is {state}': 'die Zahlung hat den Stand {state}',
  'does not let this app do it; payouts have to be switched on for it':
    'lässt diese App das nicht tun; Payouts müssen für sie eingeschaltet sein',
  'Secret key': 'Geheimer Schlüssel',
  Reward: 'Prämie',
  'Stripe › Developers › API keys. A restricted key needs: coupons and promotion codes, customers, balance: write.':
    'Stripe › Developers › API keys. Ein eingeschränkter Schlüssel braucht: coupons and promotion codes, customers, balance: write.',
  'promotion_code: a code for one use. customer_balance: credit on the next invoice of the customer with the same e-mail address.':
    'promotion_code: ein Code für einmal. customer_balance: Guthaben auf der nächsten Rechnung des Kunden mit derselben E-Mail-Adresse.',
  'Webhook signing secret': 'Signaturschlüssel des Webhooks',
  'Stripe › Developers › Webhooks; begins with whsec_. Without it no news is accepted.':
    'Stripe › Developers › Webhooks; beginnt mit whsec_. Ohne ihn werden keine Nachrichten angenommen.',
  'Metadata field with the deal': 'Metadatenfeld mit dem Deal',
  'Name of the metadata field of a refund, its charge or its payment that holds the deal’s id in the CRM, such as hubspot_deal_id. Without it refunds are kept, and lower no reward.':
    'Name des Metadatenfelds einer Erstattung, ihrer Belastung oder Zahlung mit der Id des Deals im CRM, etwa hubspot_deal_id. Ohne es werden Erstattungen behalten und senken keine Prämie.',
  'A promotion code for one use, or credit on the customer’s next invoice.':
    'Ein Gutscheincode für einmal, oder Guthaben auf der nächsten Rechnung des Kunden.',
  'A promotion code that was not used is switched off. Credit on a customer’s balance stays.':
    'Ein unbenutzter Gutscheincode wird abgeschaltet. Guthaben eines Kunden bleibt.',
  'the code was switched off at Stripe': 'der Code wurde bei Stripe abgeschaltet',
  'no e-mail address to find the Stripe customer by':
    'keine E-Mail-Adresse, nach der sich der Stripe-Kunde finden ließe',
  'several Stripe customers have this e-mail address': 'mehrere Stripe-Kunden haben diese E-Mail-Adresse',
  'no Stripe customer has this e-mail address': 'kein Stripe-Kunde hat diese E-Mail-Adresse',
  'Stripe answers, in test mode.': 'Stripe antwortet, im Testmodus.',
  'Stripe answers.': 'Stripe antwortet.',
  'Stripe does not know this key.': 'Stripe kennt diesen Schlüssel nicht.',
  'The key may not do what this reward needs.': 'Der Schlüssel darf nicht, was diese Prämie braucht.',
  'API key': 'API-Schlüssel',
  Campaign: 'Kampagne',
  Products: 'Produkte',
  'Funding source': 'Geldquelle',
  'Webhook private key': 'Privater Schlüssel des Webhooks',
  'Tremendous › Team settings › Developers › Add API key.': 'Tremendous › Team settings › Developers › Add API key.',
  'sandbox: testflight.tremendous.com, where nothing costs money.':
    'sandbox: testflight.tremendous.com, wo nichts Geld kostet.',
  'What the beneficiary may choose from. Tremendous › Campaigns; the id stands in the address. Or name products.':
    'Woraus der Begünstigte wählen darf. Tremendous › Campaigns; die Id steht in der Adresse. Oder nennen Sie Produkte.',
  'Ids of products, separated by commas, instead of a campaign.':
    'Ids von Produkten, durch Kommas getrennt, statt einer Kampagne.',
  'What pays for the orders; "balance" when left out.':
    'Was die Aufträge bezahlt; „balance“, wenn nichts angegeben ist.',
  'Shown with the webhook under Team settings › Developers › Webhooks. Without it no news is accepted.':
    'Steht beim Webhook unter Team settings › Developers › Webhooks. Ohne ihn werden keine Nachrichten angenommen.',
  'Gift cards, prepaid cards and donations; the beneficiary gets a link and chooses.':
    'Geschenkkarten, Guthabenkarten und Spenden; der Begünstigte bekommt einen Link und wählt.',
  'A link that was not used yet is cancelled, and the money returns to the balance.':
    'Ein unbenutzter Link wird storniert, und das Geld kommt auf das Guthaben zurück.',
  'the order was cancelled at Tremendous': 'der Auftrag wurde bei Tremendous storniert',
  'the order failed at Tremendous': 'der Auftrag ist bei Tremendous gescheitert',
  'cancelled at Tremendous': 'bei Tremendous storniert',
  'Name a campaign, or products.': 'Nennen Sie eine Kampagne oder Produkte.',
  'Tremendous has no such funding source.': 'Diese Geldquelle gibt es bei Tremendous nicht.',
  'Tremendous answers; {count} funding sources.': 'Tremendous antwortet; {count} Geldquellen.',
  'Tremendous does not know this API key.': 'Tremendous kennt diesen API-Schlüssel nicht.',
  'Tremendous has no such campaign.': 'Diese Kampagne gibt es bei Tremendous nicht.',
  'does not accept the API key': 'nimmt den API-Schlüssel nicht an',
  'Your own program': 'Ihr eigenes Programm',
  'Each reward is ordered from a program of your own by a signed request.':
    'Jede Prämie wird mit einer signierten Anfrage bei einem Programm von Ihnen bestellt.',
  'Your program keeps what it was told; a reversal is claimed back in the ledger.':
    'Ihr Programm behält, was ihm gesagt wurde; was zurückgenommen wird, wird im Hauptbuch zurückgefordert.',
  'Orders are signed and sent to {host}.': 'Aufträge werden signiert und an {host} gesendet.',
  'The reward webhook leads to a private or local address, which is not called. Correct REWARD_WEBHOOK_URL.':
    'Der Webhook führt zu einer privaten oder lokalen Adresse, die nicht gerufen wird. Berichtigen Sie REWARD_WEBHOOK_URL.',
  'The reward webhook did not answer. The order is sent again with the same key.':
    'Der Webhook hat nicht geantwortet. Der Auftrag wird mit demselben Schlüssel noch einmal gesendet.',
  'The reward webhook answered with a redirect ({status}), which is not followed. Correct REWARD_WEBHOOK_URL.':
    'Der Webhook hat mit einer Weiterleitung geantwortet ({status}), der nicht gefolgt wird. Berichtigen Sie REWARD_WEBHOOK_URL.',
  'The reward webhook answered {status}. The order is sent again with the same key.':
    'Der Webhook hat mit {status} geantwortet. Der Auftrag wird mit demselben Schlüssel noch einmal gesendet.',
  'answered {status}': 'antwortete mit {status}',
  '{provider} did not answer. The order is sent again with the same key.':
    '{provider} hat nicht geantwortet. Der Auftrag wird mit demselben Schlüssel noch einmal gesendet.',
  '{provider} {=what}. The order is sent again with the same key.':
    '{provider} {=what}. Der Auftrag wird mit demselben Schlüssel noch einmal gesendet.',
  '{provider}: {=what}. It is asked again.': '{provider}: {=what}. Es wird wieder gefragt.',
  '{provider} does not accept the API key. Give it new credentials, then try again.':
    '{provider} nimmt den API-Schlüssel nicht an. Geben Sie neue Zugangsdaten ein und versuchen Sie es noch einmal.',
  '{provider} {=what}. Give it new credentials, then try again.':
    '{provider} {=what}. Geben Sie neue Zugangsdaten ein und versuchen Sie es noch einmal.',
  '{provider}: {=what}. A person has to look at it there.': '{provider}: {=what}. Ein Mensch muss dort nachsehen.',
  "{provider}'s name leads to a private or local address from here, which is not called.":
    'Der Name von {provider} führt von hier zu einer privaten oder lokalen Adresse, die nicht gerufen wird.',
  'The signature does not match the request.': 'Die Signatur passt nicht zur Anfrage.',
  'The news is signed, but cannot be read.': 'Die Nachricht ist signiert, lässt sich aber nicht lesen.',
  'No reward provider "{name}" is installed.': 'Kein Anbieter „{name}“ ist installiert.',
  '{provider} is not set up for this account: {missing} missing. Give it its credentials, then try again.':
    '{provider} ist für dieses Konto nicht eingerichtet: {missing} fehlt. Geben Sie die Zugangsdaten ein und versuchen Sie es noch einmal.',
  'It was not given yet.': 'Das wurde noch nicht angegeben.',
  '{provider} recognises an order for {days} days, and this one is older: sent again, it could be paid twice. Look there whether it was paid.':
    '{provider} erkennt einen Auftrag {days} Tage lang wieder, und dieser ist älter: Noch einmal gesendet, könnte er zweimal gezahlt werden. Sehen Sie dort nach, ob er gezahlt wurde.',
  '{provider} does not pay in {currency}; it takes {currencies}.':
    '{provider} zahlt nicht in {currency}; möglich sind {currencies}.',
  '{provider} takes orders from {=from}; this one is {=money}.':
    '{provider} nimmt Aufträge ab {=from}; dieser ist {=money}.',
  '{provider} takes orders from {=from} up to {=to}; this one is {=money}.':
    '{provider} nimmt Aufträge von {=from} bis {=to}; dieser ist {=money}.',
  '{provider} takes orders from {=from}, in steps of {=step}; this one is {=money}.':
    '{provider} nimmt Aufträge ab {=from}, in Schritten von {=step}; dieser ist {=money}.',
  '{provider} takes orders from {=from} up to {=to}, in steps of {=step}; this one is {=money}.':
    '{provider} nimmt Aufträge von {=from} bis {=to}, in Schritten von {=step}; dieser ist {=money}.',
  'taken back before it was paid': 'vor der Zahlung zurückgenommen',
  'taken back before it was sent': 'vor dem Senden zurückgenommen',
  'it was undone': 'es wurde rückgängig gemacht',
  // What the address of a webhook has answered.
  'It could not be sent; the reason stands in the log of the service.':
    'Es ließ sich nicht senden; der Grund steht im Protokoll des Dienstes.',
  'The address leads to a private or local network, which is not called. Change the URL.':
    'Die Adresse führt in ein privates oder lokales Netz, das nicht gerufen wird. Ändern Sie die URL.',
  'The answer was a redirect ({status}), which is not followed. Change the URL.':
    'Die Antwort war eine Weiterleitung ({status}), der nicht gefolgt wird. Ändern Sie die URL.',
  'The answer was {status}.': 'Die Antwort war {status}.',
  'Nobody listens at this address.': 'Unter dieser Adresse hört niemand.',
  'The connection was closed before there was an answer.': 'Die Verbindung wurde geschlossen, bevor eine Antwort kam.',
  'There is no such host.': 'Diesen Host gibt es nicht.',
  'The name of the host could not be looked up.': 'Der Name des Hosts ließ sich nicht auflösen.',
  'There was no answer in time.': 'Es kam nicht rechtzeitig eine Antwort.',
  'The host does not speak TLS as it should.': 'Der Host spricht TLS nicht, wie er soll.',
  'The certificate of the host has expired.': 'Das Zertifikat des Hosts ist abgelaufen.',
  'The certificate of the host is not signed by anybody who is known.':
    'Das Zertifikat des Hosts hat niemand Bekanntes signiert.',
  'The certificate is for another host.': 'Das Zertifikat ist für einen anderen Host.',
  'There was no answer.': 'Es kam keine Antwort.',
  'The mail server did not take a letter.': 'Der Mailserver hat einen Brief nicht angenommen.',
};
