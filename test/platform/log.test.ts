import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from '../../src/platform/log.ts';

function capture() {
  let text = '';
  const destination = new Writable({
    write(chunk, _, done) {
      text += String(chunk);
      done();
    },
  });
  return { log: createLog({ level: 'info', destination }), text: () => text };
}

test.each([
  ['a token', { accessToken: 'CANARY' }],
  ['a token in an object', { grant: { refreshToken: 'CANARY' } }],
  ['a code two levels down', { request: { query: { code: 'CANARY' } } }],
  ['an authorization header', { req: { headers: { authorization: 'CANARY' } } }],
  ['an e-mail address', { friend: { email: 'CANARY' } }],
  ['a name', { member: { name: 'CANARY' } }],
  ['a body', { body: 'CANARY' }],
  ['an address in a list', { friends: [{ email: 'CANARY' }] }],
  ['what an error carries', { err: Object.assign(new Error('failed'), { request: { code: 'CANARY' } }) }],
])('%s never reaches the log', (_, fields) => {
  const { log, text } = capture();
  log.info(fields, 'something happened');
  expect(text()).toContain('something happened');
  expect(text()).toContain('[redacted]');
  expect(text()).not.toContain('CANARY');
});

test('what a child logger is given is looked at too, and what lies too deep is not written', () => {
  const { log, text } = capture();
  log
    .child({ member: { name: 'CANARY' } })
    .info({ a: { b: { c: { d: { e: { f: 'CANARY' } } } } } }, 'something happened');
  expect(text()).not.toContain('CANARY');
  expect(JSON.parse(text())).toMatchObject({
    member: { name: '[redacted]' },
    a: { b: { c: { d: { e: '[too deep]' } } } },
  });
});

test('what is needed to find out stays: ids, counts, times', () => {
  const { log, text } = capture();
  log.info({ connection: 'con_1', records: 3, tookMs: 12 }, 'processed');
  expect(JSON.parse(text())).toMatchObject({
    level: 'info',
    connection: 'con_1',
    records: 3,
    tookMs: 12,
    msg: 'processed',
  });
});
