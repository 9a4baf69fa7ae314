import type { Chance } from './chance.ts';

const FIRST = (
  'Amelia Noah Sofia Liam Mila Elias Clara Jonas Lena Felix Marta Hugo Inés Pablo Lucía Mateo Chiara Luca Giulia Marco Zoé Louis Camille Jules ' +
  'Emma Oliver Isla George Freya Harry Aoife Sean Maya Ethan Ava Mason Nora James Ruby Caleb Yuki Haruto Sakura Ren Priya Arjun Ananya Rohan Mei ' +
  'Wei Linh Minh Amara Kofi Zainab Tunde Layla Omar Noor Yusuf Ingrid Lars Astrid Erik Katarzyna Piotr Zofia Jakub Elena Andrei Ioana Mihai'
).split(' ');
const LAST = (
  'Bergmann Keller Vogt Brandt Lindner Falk Sommer Hartmann Moreau Lefèvre Girard Fontaine Mercier Rossi Bianchi Conti Marino Ferrari García Navarro ' +
  'Ortega Molina Serrano Whitfield Ashworth Pemberton Hale Thornton Blackwood Mercer Calloway Donovan Gallagher Byrne Sullivan Hayes Bennett Coleman ' +
  'Tanaka Kobayashi Mori Ishikawa Sharma Patel Iyer Reddy Chen Liu Zhang Nguyen Tran Okafor Mensah Adeyemi Diallo Haddad Nasser Rahimi Aziz Lindqvist ' +
  'Nyström Halvorsen Dahl Kowalski Nowak Wiśniewska Zieliński Popescu Ionescu Dumitru Novák Horvat'
).split(' ');
const TRADES = (
  'Analytics Logistics Foods Textiles Robotics Architects Dental Studio Media Energy Software Travel Coffee Furniture Legal Optics Garden Cycles ' +
  'Packaging Ceramics Insurance Audio Metals Paper'
).split(' ');
const THROW_AWAY = ['mailinator.com', 'guerrillamail.com', 'yopmail.com'];

export const REGIONS = {
  de: { currency: 'EUR', dial: '+49151', weight: 34, per: 1 },
  fr: { currency: 'EUR', dial: '+33612', weight: 16, per: 1 },
  es: { currency: 'EUR', dial: '+34612', weight: 12, per: 1 },
  us: { currency: 'USD', dial: '+1415', weight: 22, per: 1.1 },
  gb: { currency: 'GBP', dial: '+447400', weight: 9, per: 0.86 },
  ch: { currency: 'CHF', dial: '+4179', weight: 4, per: 0.95 },
  jp: { currency: 'JPY', dial: '+8190', weight: 3, per: 160 },
} as const;
export type Region = keyof typeof REGIONS;

/** Digits after the dialling code that make a number which can be in every one of the regions. */
const DIGITS: Readonly<Record<Region, number>> = { de: 8, fr: 6, es: 6, us: 7, gb: 6, ch: 7, jp: 8 };

export interface Person {
  readonly first: string;
  readonly last: string;
  readonly email: string;
  readonly phone: string;
  readonly company: string;
  readonly region: Region;
}

/** How somebody pretends to be somebody else. */
export type Disguise = 'same_phone' | 'throw_away' | 'colleague' | 'own_mailbox';

export function createPeople(chance: Chance) {
  let people = 0;

  const companyOf = () => `${chance.pick(LAST)} ${chance.pick(TRADES)}`;

  return {
    person(
      region: Region = chance.weighed((Object.keys(REGIONS) as Region[]).map((key) => [key, REGIONS[key].weight])),
    ): Person {
      people += 1;
      const [first, last, company] = [chance.pick(FIRST), chance.pick(LAST), companyOf()];
      const number = String(people * 7_919 + chance.integer(7_919))
        .padStart(DIGITS[region], '0')
        .slice(-DIGITS[region]);
      return {
        first,
        last,
        company,
        region,
        phone: `${REGIONS[region].dial}${number}`,
        // Nobody's: the top-level domain is kept free for examples, and a number makes each address one person's.
        email: `${plain(first)}.${plain(last)}${people}@${plain(company)}${people % 900}.example`,
      };
    },
    disguised(of: Person, how: Disguise): Person {
      const other = this.person(of.region);
      const [mailbox = '', domain = ''] = of.email.split('@');
      people += 1;
      if (how === 'same_phone') return { ...other, phone: of.phone };
      if (how === 'throw_away')
        return { ...other, email: `${plain(other.last)}${people}@${chance.pick(THROW_AWAY)}`, phone: of.phone };
      if (how === 'colleague')
        return { ...other, company: of.company, email: `${plain(other.first)}${people}@${domain}` };
      return { ...other, last: of.last, email: `${mailbox}+${people}@${domain}` };
    },
  };
}

function plain(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/ł/g, 'l')
    .toLowerCase()
    .replace(/[^a-z]+/g, '');
}
