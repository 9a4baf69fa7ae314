/**
 * What the name of a stage sounds like, in the languages that CRMs are mostly used in. Weak evidence, to be told beside what the CRM's
 * metadata and its deals say and never instead of them: names are free text, and "closedwon" is only a default.
 */
const WON = [
  'won',
  'gewonnen',
  'gagné',
  'gagnée',
  'ganado',
  'ganada',
  'ganho',
  'vinto',
  'vinta',
  'vunnet',
  'vundet',
  'wygrane',
];
const LOST = [
  'lost',
  'verloren',
  'perdu',
  'perdue',
  'perdido',
  'perdida',
  'perso',
  'persa',
  'tapt',
  'tabt',
  'przegrane',
];

/** Null when it sounds like neither, or like both. */
export function soundsLike(label: string): 'won' | 'lost' | null {
  const words = new Set(label.toLowerCase().split(/[^\p{L}]+/u));
  const [isWon, isLost] = [WON, LOST].map((known) => known.some((word) => words.has(word)));
  if (isWon === isLost) return null;
  return isWon ? 'won' : 'lost';
}
