import { describe, expect, test } from 'vitest';
import { type CardActors, type CardUser, mayAct, normaliseActors, whyNotAct } from '../../src/domain/card-actors.ts';

const ADA: CardUser = { id: '7', email: ' Ada@Acme.test ' };
const LOOK = 'You may look at referrals here, and not act on them.';

describe('who may act from a card', () => {
  test.each<[string, CardActors, CardUser | null, string | null]>([
    ['everyone who sees it, where nobody was chosen', null, ADA, null],
    [
      'nobody whom the CRM did not name',
      null,
      null,
      'HubSpot did not say who you are, so you can look and not act. Reload the page.',
    ],
    ['who is chosen by the address', ['eve@acme.test', 'ada@acme.test'], ADA, null],
    ['who is chosen by the CRM’s number', ['eve@acme.test', '7'], ADA, null],
    ['who has no address, by the number', ['7'], { id: '7', email: null }, null],
    [
      'not who has no address, by another number',
      ['8'],
      { id: '7', email: null },
      `${LOOK} An admin of Wonward chooses who may.`,
    ],
    ['nobody where nobody is left', [], ADA, `${LOOK} An admin of Wonward chooses who may.`],
    [
      'others, who are named up to three, and numbers are no names',
      ['8', 'a@x.test', 'b@x.test', 'c@x.test'],
      ADA,
      `${LOOK} a@x.test, b@x.test, c@x.test may: ask one of them, or an admin of Wonward to add you.`,
    ],
    [
      'more than three others',
      ['a@x.test', 'b@x.test', 'c@x.test', 'd@x.test'],
      ADA,
      `${LOOK} a@x.test, b@x.test, c@x.test and others may: ask one of them, or an admin of Wonward to add you.`,
    ],
  ])('%s', (_, actors, user, why) => {
    expect(whyNotAct(actors, user)).toBe(why);
    expect(mayAct(actors, user)).toBe(why === null);
  });

  test('is kept in one spelling and one order, each once', () => {
    expect(normaliseActors([' B@x.test', '7', 'a@x.test', 'b@X.test', ' ', '7 '])).toEqual([
      '7',
      'a@x.test',
      'b@x.test',
    ]);
    expect(normaliseActors([])).toEqual([]);
    expect(normaliseActors(null)).toBeNull();
  });
});
