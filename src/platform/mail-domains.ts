import disposable from 'disposable-email-domains-js';

/**
 * Providers that give mailboxes to anybody: two people with an address there have nothing in common. Our own list, of the providers that
 * Wikipedia's "Comparison of webmail providers" names and the largest access providers; what is missing counts as a company.
 */
const PUBLIC = new Set(
  `gmail.com googlemail.com outlook.com hotmail.com live.com msn.com outlook.de outlook.fr hotmail.co.uk hotmail.fr hotmail.de
  hotmail.it hotmail.es live.co.uk live.nl live.fr yahoo.com yahoo.co.uk yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.co.jp yahoo.co.in
  yahoo.com.br yahoo.ca ymail.com rocketmail.com aol.com icloud.com me.com mac.com gmx.de gmx.net gmx.at gmx.ch gmx.com web.de
  t-online.de freenet.de mail.de posteo.de mailbox.org proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.io tuta.com
  fastmail.com fastmail.fm hushmail.com zoho.com zohomail.com zohomail.eu yandex.com yandex.ru ya.ru mail.ru inbox.ru list.ru bk.ru rambler.ru
  qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com aliyun.com naver.com hanmail.net daum.net nate.com
  docomo.ne.jp ezweb.ne.jp softbank.ne.jp rediffmail.com orange.fr wanadoo.fr free.fr laposte.net sfr.fr neuf.fr bbox.fr libero.it
  virgilio.it tiscali.it alice.it tin.it telefonica.net terra.es telenet.be skynet.be proximus.be ziggo.nl kpnmail.nl planet.nl
  xs4all.nl home.nl btinternet.com sky.com virginmedia.com ntlworld.com talktalk.net bluewin.ch sunrise.ch aon.at chello.at seznam.cz
  email.cz centrum.cz wp.pl o2.pl onet.pl interia.pl op.pl abv.bg ukr.net i.ua comcast.net verizon.net att.net sbcglobal.net bellsouth.net
  cox.net charter.net earthlink.net juno.com optonline.net rogers.com shaw.ca bell.net sympatico.ca telus.net bigpond.com optusnet.com.au
  uol.com.br bol.com.br terra.com.br globo.com ig.com.br mail.com email.com usa.com hey.com duck.com`.split(/\s+/),
);

/** Services that pass mail on to an address that they hide. Named by the services themselves as the domains of their aliases. */
const RELAYS = new Set(
  `privaterelay.appleid.com relay.firefox.com mozmail.com duck.com simplelogin.com simplelogin.co simplelogin.fr aleeas.com slmail.me
  passmail.net passinbox.com passfwd.com anonaddy.com anonaddy.me addy.io addymail.com erine.email 33mail.com`.split(
    /\s+/,
  ),
);

/** Throw-away addresses are those of the public list that the package carries (github.com/disposable-email-domains). */
const throwAway = disposable.disposableEmailBlocklistSet();

/** What kind of provider an address is of; null for what is no address. */
export function mailKindOf(email: string | null): 'company' | 'public' | 'disposable' | 'relay' | null {
  const domain = /^[^@\s]+@([^@\s]+\.[^@\s]+)$/.exec(email?.trim().toLowerCase() ?? '')?.[1];
  if (domain === undefined) return null;
  if (RELAYS.has(domain)) return 'relay';
  if (PUBLIC.has(domain)) return 'public';
  return throwAway.has(domain) ? 'disposable' : 'company';
}
