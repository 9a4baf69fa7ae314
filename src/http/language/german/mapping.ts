import type { Phrases } from '../phrasebook.ts';

/** Why a stage is proposed to mean what it means, and what there is doubt about. */
export const MAPPING: Phrases = {
  'An admin has said so.': 'Ein Admin hat es so gesagt.',
  'The CRM says that it is closed, with a chance of 100 %.': 'Laut CRM abgeschlossen, mit einer Chance von 100 %.',
  'The CRM says that it is closed, with a chance of 0 %.': 'Laut CRM abgeschlossen, mit einer Chance von 0 %.',
  'The CRM says that it is closed, {=chance}: that wins nothing.':
    'Laut CRM abgeschlossen, {=chance}: Das gewinnt nichts.',
  'without a chance': 'ohne Angabe einer Chance',
  'with a chance of {percent} %': 'mit einer Chance von {percent} %',
  'The CRM says that it is open.': 'Laut CRM offen.',
  'It is number {position} of {of}, behind one at which deals are opportunities.':
    'Sie ist Nummer {position} von {of}, hinter einer, auf der Deals Verkaufschancen sind.',
  'Of the deals that were in it {decided} are decided, fewer than {fewest}: that says nothing about it.':
    'Von den Deals, die darin waren, sind {decided} entschieden, weniger als {fewest}: Das sagt nichts über sie.',
  'Of {decided} decided deals that were in it {won} were won ({share} %), {=side} {percent} in a hundred.':
    'Von {decided} entschiedenen Deals, die darin waren, wurden {won} gewonnen ({share} %), {=side} {percent} von hundert.',
  'fewer than': 'weniger als',
  'at least': 'mindestens',
  'Half of the deals leave it within a day.': 'Die Hälfte der Deals verlässt sie innerhalb eines Tages.',
  'Half of the deals leave it within {days} days.': 'Die Hälfte der Deals verlässt sie innerhalb von {days} Tagen.',
  'Its name agrees, which is weak evidence.': 'Ihr Name passt dazu, was ein schwacher Beleg ist.',
  '"{label}" is closed in the CRM, and neither surely won nor surely lost. It counts as lost until you say otherwise.':
    '„{label}“ ist im CRM abgeschlossen und weder sicher gewonnen noch sicher verloren. Sie zählt als verloren, bis Sie es anders sagen.',
  '{left} of {deals} deals that were in "{label}" have left it again, though the CRM calls it closed.':
    '{left} von {deals} Deals, die in „{label}“ waren, haben sie wieder verlassen, obwohl das CRM sie abgeschlossen nennt.',
  '"{label}" sounds like {=sounds}, and by the CRM it is {=stage}. A name decides nothing: look whether the CRM is right.':
    '„{label}“ klingt nach „{=sounds}“, und laut CRM ist sie „{=stage}“. Ein Name entscheidet nichts: Sehen Sie nach, ob das CRM recht hat.',
  'No stage of "{label}" is won by the CRM: no deal in it could ever pay.':
    'Keine Phase von „{label}“ ist laut CRM gewonnen: Kein Deal darin könnte je zahlen.',
  '"{label}" has {count} stages that are won: each of them pays.':
    '„{label}“ hat {count} Phasen, die gewonnen sind: Jede davon zahlt.',
  'No deal of this time stands in "{label}".': 'In „{label}“ steht kein Deal aus dieser Zeit.',
  'None of {deals} deals in "{label}" was ever won.': 'Keiner von {deals} Deals in „{label}“ wurde je gewonnen.',
  'Of the deals in "{label}" {decided} are decided: too few to tell how far along its open stages are.':
    'Von den Deals in „{label}“ sind {decided} entschieden: zu wenige, um zu sagen, wie weit ihre offenen Phasen sind.',
  '{gone} of {deals} deals in "{label}" were in a stage that the CRM has no more, of which nobody knows what it meant.':
    '{gone} von {deals} Deals in „{label}“ waren in einer Phase, die es im CRM nicht mehr gibt und von der niemand weiß, was sie bedeutete.',
  '{resting} deals have stood in "{label}" for more than {days} days. If that is where deals are won, say so; nobody else can.':
    '{resting} Deals stehen seit mehr als {days} Tagen in „{label}“. Wenn Deals dort gewonnen sind, sagen Sie es; sonst kann es niemand.',
  // Who owns the deals.
  'Owns {deals} of these deals and is a member by the same e-mail address, so a reward for a friend’s deal would go to somebody who works on deals.':
    'Hat {deals} dieser Deals und ist unter derselben E-Mail-Adresse Mitglied; eine Prämie für den Deal einer empfohlenen Person ginge also an jemanden, der an Deals arbeitet.',
  'Say that they are a recruiter: the rules for your own people then apply to them.':
    'Sagen Sie, dass es ein Werber ist: Dann gelten die Regeln für Ihre eigenen Leute.',
  'Owns {mine} of the {open} open deals that have an owner, more than anybody else.':
    'Hat {mine} der {open} offenen Deals mit Inhaber, mehr als jeder andere.',
  'Tasks about reviews and disputes could be theirs: nobody is chosen for them yet.':
    'Aufgaben zu Prüfungen und Einsprüchen könnten dorthin gehen: Noch ist niemand dafür gewählt.',
};
