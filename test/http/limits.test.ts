import { expect, test } from 'vitest';
import { startHttp } from './service.ts';

/** Which of two callers, one after the other, is let in when one page is allowed each. */
async function statusesOf(first: string, second: string, trustProxy: number): Promise<number[]> {
  const service = await startHttp({ deps: { trustProxy, limits: { pages: { points: 1, perSeconds: 60 } } } });
  const statuses = [];
  for (const from of [first, second]) {
    statuses.push((await fetch(`${service.url}/r/x`, { headers: { 'x-forwarded-for': from } })).status);
  }
  await service.close();
  return statuses;
}

test.each([
  ['203.0.113.1', '203.0.113.1', [404, 429]],
  ['203.0.113.1', '203.0.113.2', [404, 404]],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff:0:0:9', [404, 429]],
  ['2001:db8:1:2::1', '2001:db8:1:3::1', [404, 404]],
  ['2001:db8::1', '2001:db8:0:0:5::', [404, 429]],
  ['2001:0DB8::1', '2001:db8::2', [404, 429]],
  ['2001:db8::1', '2001:db8:0:1::1', [404, 404]],
  ['::1', '::2', [404, 429]],
  ['203.0.113.9, 203.0.113.1', '203.0.113.8, 203.0.113.1', [404, 429]],
])('behind one proxy, %s and then %s', async (first, second, expected) => {
  expect(await statusesOf(first, second, 1)).toEqual(expected);
});

test('without a proxy in front, nobody gets a limit of their own by a header', async () => {
  expect(await statusesOf('203.0.113.1', '203.0.113.2', 0)).toEqual([404, 429]);
});
