import fc from 'fast-check';
import { awkwardJson, textOf } from './json-text.ts';

/** JSON text that is nearly `example`: some of its values are others. */
export function near(example: unknown): fc.Arbitrary<string> {
  const text = JSON.stringify(example);
  const places = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[0-9]+|true|false|null/g)];
  return fc.array(fc.tuple(fc.nat(places.length - 1), awkwardJson), { minLength: 1, maxLength: 3 }).map((changes) => {
    const byPlace = new Map(changes);
    let at = 0;
    let out = '';
    for (const [index, place] of places.entries()) {
      const poison = byPlace.get(index);
      // A name must stay text, or nothing behind it is looked at.
      const isName = text[place.index + place[0].length] === ':';
      if (poison === undefined || (isName && typeof poison !== 'string')) continue;
      out += text.slice(at, place.index) + textOf(poison);
      at = place.index + place[0].length;
    }
    return out + text.slice(at);
  });
}
