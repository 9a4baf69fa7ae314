import { describe, expect, it } from 'vitest';
import { contractJudge, examplesOf } from './contract-schema.ts';

describe('the contract of the home page', () => {
  const judge = contractJudge('hubspot-home/home.schema.json');
  const examples = examplesOf<{ data: Record<string, unknown> }>('hubspot-home');

  it.each(Object.keys(examples))('holds for the example %s', (name) => {
    expect(judge(examples[name])).toEqual([]);
  });

  it('has an example for every state that somebody can meet', () => {
    expect(Object.keys(examples).sort()).toEqual([
      'asks',
      'busy',
      'disconnected',
      'new',
      'not-connected',
      'unavailable',
    ]);
  });

  it.each<[string, (data: Record<string, unknown>) => void]>([
    ['a field nobody declared', (data) => Object.assign(data, { internalId: 7 })],
    ['a time without a zone', (data) => Object.assign(data, { generatedAt: '2026-11-22 09:00' })],
    ['an item without what to do', (data) => Reflect.deleteProperty((data.attention as object[])[0] ?? {}, 'next')],
    [
      'a link that is a script',
      (data) => Object.assign((data.attention as object[])[0] ?? {}, { url: 'javascript:0' }),
    ],
  ])('refuses %s', (_, plant) => {
    const body = structuredClone(examples.busy);
    if (!body) throw new Error('no example');
    plant(body.data);
    expect(judge(body)).not.toEqual([]);
  });
});

describe('the contract of the settings page', () => {
  const judge = contractJudge('hubspot-settings/settings.schema.json');
  const examples = examplesOf<{ data: Record<string, unknown> }>('hubspot-settings');

  it.each(Object.keys(examples))('holds for the example %s', (name) => {
    expect(judge(examples[name])).toEqual([]);
  });

  it.each<[string, (data: Record<string, unknown>) => void]>([
    ['a field nobody declared', (data) => Object.assign(data, { managers: ['7'] })],
    ['no word on who may change it', (data) => Reflect.deleteProperty(data, 'mayChange')],
    ['a link that is a script', (data) => Object.assign(data, { reconnectUrl: 'javascript:0' })],
  ])('refuses %s', (_, plant) => {
    const body = structuredClone(examples.connected);
    if (!body) throw new Error('no example');
    plant(body.data);
    expect(judge(body)).not.toEqual([]);
  });
});
