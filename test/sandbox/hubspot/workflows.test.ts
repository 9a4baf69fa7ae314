import { Signature } from '@hubspot/api-client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hubspotManifest } from '../../../manifests/hubspot/app.ts';
import { uploadedActions } from '../../../manifests/hubspot/project.ts';
import { readActionDefinition } from '../../../src/sandbox/hubspot/action-definitions.ts';
import { CLIENT_SECRET, type Json, PORTAL, SCOPES, startWorld, tokensFor, type World } from './harness.ts';

const CALLBACKS = '/automation/actions/callbacks/2026-03';
const [example] = uploadedActions(hubspotManifest, 'https://wonward.example.com').filter(({ name }) =>
  name.startsWith('wait'),
);

/** A copy of a definition of ours, somewhere it may be broken. */
function definition(change: (config: Json) => void = () => {}) {
  const config = structuredClone(example?.config) as Json;
  change(config);
  return () => readActionDefinition({ uid: 'a', config });
}

describe('an action’s definition', () => {
  test.each(uploadedActions(hubspotManifest, 'https://wonward.example.com').map((action) => [action.uid, action]))(
    '%s is as HubSpot wants it',
    (_, action) => {
      expect(() => readActionDefinition(action)).not.toThrow();
    },
  );

  test.each<[string, (config: Json) => void]>([
    [
      'no name for people',
      (config) => {
        delete config.labels.en.actionName;
      },
    ],
    [
      'no English',
      (config) => {
        delete config.labels.en;
      },
    ],
    [
      'an input without a label',
      (config) => {
        delete config.labels.de.inputFieldLabels.days;
      },
    ],
    [
      'a label of an output that is not there',
      (config) => {
        config.labels.en.outputFieldLabels.other = 'x';
      },
    ],
    [
      'a rule without a label',
      (config) => {
        delete config.labels.de.executionRules.not_connected;
      },
    ],
    [
      'a condition that is no text',
      (config) => {
        config.executionRules[0].conditions.errorCode = { is: 'X' };
      },
    ],
    [
      'a condition on an output that is not there',
      (config) => {
        config.executionRules[0].conditions.other = 'X';
      },
    ],
    [
      'an outcome that cannot be',
      (config) => {
        config.executionRules[0].conditions = { outcome: 'never' };
      },
    ],
    [
      'a value from nowhere',
      (config) => {
        config.inputFields[0].supportedValueTypes = ['DYNAMIC'];
      },
    ],
    [
      'a type that does not exist',
      (config) => {
        config.inputFields[3].typeDefinition.type = 'integer';
      },
    ],
    [
      'nothing to choose from',
      (config) => {
        delete config.inputFields[0].typeDefinition.optionsUrl;
      },
    ],
    [
      'a dependency on nothing',
      (config) => {
        config.inputFieldDependencies[0].controllingFieldName = 'x';
      },
    ],
    [
      'a card that names no input',
      (config) => {
        config.labels.en.actionCardContent = '{{nobody}}';
      },
    ],
    [
      'an address that is not https',
      (config) => {
        config.actionUrl = 'http://wonward.example.com/x';
      },
    ],
    [
      'an object type that does not exist',
      (config) => {
        config.objectTypes = ['PERSON'];
      },
    ],
    [
      'a key nobody knows',
      (config) => {
        config.published = true;
      },
    ],
    [
      'a name of HubSpot’s own',
      (config) => {
        config.outputFields[0].typeDefinition.name = 'hs_state';
      },
    ],
  ])('with %s is refused', (_, change) => {
    expect(definition(change)).toThrow(/workflow action a/);
  });
});

describe('a workflow', () => {
  let world: World;
  let contact: string;
  beforeEach(async () => {
    world = await startWorld({ appChange: { requiredScopes: [...SCOPES, 'automation'] } });
  });
  afterEach(() => world.close());

  /** Another world, whose app has the action at the receiver; the receiver says what a test tells it. */
  async function withAction(answer: () => { status: number; body: unknown; headers?: Record<string, string> }) {
    await world.close();
    const { createServer } = await import('node:http');
    const seen: { body: Json; headers: Record<string, string | string[] | undefined>; url: string }[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        seen.push({ body: JSON.parse(text), headers: request.headers, url: request.url ?? '' });
        const { status, body, headers } = answer();
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const actions = uploadedActions(hubspotManifest, url);
    world = await startWorld({
      portals: [{ portalId: PORTAL }, { portalId: PORTAL + 1 }],
      appChange: { requiredScopes: [...SCOPES, 'automation'], workflowActions: actions },
    });
    contact = world.sandbox.control.createRecord(PORTAL, 'contact', {
      properties: { email: 'ada@example.com', firstname: 'Ada' },
    }).id;
    return { seen, url, close: () => server.close() };
  }
  const enrol = async (uid: string, inputs = {}) => {
    const { callbackId } = world.sandbox.control.enrolInAction(PORTAL, {
      uid,
      objectType: 'contact',
      objectId: contact,
      inputs,
    });
    await world.sandbox.idle();
    return world.sandbox.control.execution(callbackId);
  };
  const outputs = (fields: Record<string, string>) => ({ status: 200, body: { outputFields: fields } });
  const block = () => outputs({ hs_execution_state: 'BLOCK', hs_expiration_duration: 'P1WT1H' });

  test('sends what is documented, signed as the SDK signs it, with the properties that the action asks for', async () => {
    const app = await withAction(() => outputs({ outcome: 'created' }));
    await enrol('wonward_enrol_member');
    const [{ body, headers } = { body: null, headers: {} as Json }] = app.seen;
    expect(body).toMatchObject({
      callbackId: expect.stringMatching(/^ap-147000001-/),
      origin: { portalId: PORTAL, actionDefinitionVersion: 1 },
      context: { source: 'WORKFLOWS', workflowId: expect.any(Number) },
      object: { objectId: Number(contact), objectType: 'CONTACT', properties: { email: 'ada@example.com' } },
      inputFields: {},
    });
    const requestBody = JSON.stringify(body);
    const url = `${app.url}/hubspot/actions/enrol-member`;
    const timestamp = Number(headers['x-hubspot-request-timestamp']);
    const by = (version: 'v2' | 'v3') =>
      Signature.getSignature('POST', version, { requestBody, clientSecret: CLIENT_SECRET, url, timestamp } as never);
    expect(headers['x-hubspot-signature']).toBe(by('v2'));
    expect(headers['x-hubspot-signature-v3']).toBe(by('v3'));
    app.close();
  });

  test('waits for as many milliseconds as a 429 says, comes again after 5xx, and gives up after 4xx', async () => {
    const statuses = [429, 503, 500, 200];
    const app = await withAction(() => {
      const status = statuses.shift() ?? 400;
      return {
        ...outputs({ outcome: 'created' }),
        status,
        ...(status === 429 ? { headers: { 'retry-after': '40' } } : {}),
      };
    });
    const from = performance.now();
    expect(await enrol('wonward_enrol_member')).toMatchObject({ state: 'succeeded', outputs: { outcome: 'created' } });
    expect(performance.now() - from).toBeGreaterThan(39);
    expect(app.seen).toHaveLength(4);
    expect(new Set(app.seen.map(({ body }) => body.callbackId)).size).toBe(1);
    expect(await enrol('wonward_enrol_member')).toMatchObject({ state: 'failed' });
    expect(app.seen).toHaveLength(5);
    app.close();
  });

  test.each<[string, Record<string, unknown>]>([
    ['an output that is not defined', { other: 'x' }],
    ['an outcome that is none of the options', { outcome: 'maybe' }],
    ['a value that is no text', { outcome: 5 }],
    ['a state that does not exist', { hs_execution_state: 'DONE' }],
    ['a duration that is none', { hs_execution_state: 'BLOCK', hs_expiration_duration: '7 days' }],
  ])('refuses %s', async (_, fields) => {
    const app = await withAction(() => outputs(fields as Record<string, string>));
    expect((await enrol('wonward_enrol_member')).state).toBe('failed');
    app.close();
  });

  test('takes a callback for what it blocked: once, from its own portal, in time, and all of a batch or none', async () => {
    const app = await withAction(block);
    const [first, second] = [await enrol('wonward_wait_until_rewarded'), await enrol('wonward_wait_until_rewarded')];
    expect(first).toMatchObject({ state: 'blocked', expiresAt: world.now.value + 608_400_000 });
    const done = { outputFields: { outcome: 'rewarded', hs_execution_state: 'SUCCESS' }, typedOutputs: {} };
    const batch = (...ids: string[]) =>
      world.call('POST', `${CALLBACKS}/complete`, { inputs: ids.map((callbackId) => ({ callbackId, ...done })) });
    const single = (id: string, body: object = done, token?: string) =>
      world.call('POST', `${CALLBACKS}/${id}/complete`, body, token ? { Authorization: `Bearer ${token}` } : {});

    expect((await batch(first.callbackId, 'ap-unknown')).status).toBe(404);
    expect((await single(first.callbackId, { outputFields: done.outputFields })).status).toBe(400);
    expect((await single(first.callbackId, { ...done, outputFields: { outcome: 'maybe' } })).status).toBe(400);
    expect((await single(first.callbackId, { ...done, outputFields: { hs_execution_state: 'BLOCK' } })).status).toBe(
      400,
    );
    const other = await tokensFor(world.sandbox, PORTAL + 1);
    expect((await single(first.callbackId, done, other.access_token)).status).toBe(404);
    expect((await single(first.callbackId, done, 'nobody')).status).toBe(401);
    expect(world.sandbox.control.execution(first.callbackId)).toMatchObject({ state: 'blocked', completions: 0 });

    expect((await batch(first.callbackId)).status).toBe(204);
    expect(world.sandbox.control.execution(first.callbackId)).toMatchObject({
      state: 'succeeded',
      message: 'Issued',
      completions: 1,
    });
    expect((await batch(first.callbackId)).status).toBe(404);
    expect((await single(first.callbackId)).status).toBe(404);
    world.now.value += 608_400_001;
    // Its token is over by then as well.
    const { access_token: token } = await tokensFor(world.sandbox, PORTAL);
    expect((await single(second.callbackId, done, token)).status).toBe(404);
    expect(world.sandbox.control.execution(second.callbackId).state).toBe('expired');
    app.close();
  });

  test('asks for the scope, and refuses inputs that the action does not have', async () => {
    const app = await withAction(block);
    const refused = (inputs: Json) => () =>
      world.sandbox.control.enrolInAction(PORTAL, {
        uid: 'wonward_wait_until_rewarded',
        objectType: 'contact',
        objectId: contact,
        inputs,
      });
    expect(refused({ other: { type: 'STATIC_VALUE', value: 'x' } })).toThrow(/no input/);
    expect(refused({ party: { type: 'STATIC_VALUE', value: 'nobody' } })).toThrow(/cannot be/);
    expect(refused({ program: { type: 'OBJECT_PROPERTY', propertyName: 'email' } })).toThrow(/cannot be/);
    const { callbackId } = await enrol('wonward_wait_until_rewarded');
    const { code } = world.sandbox.control.install(PORTAL, { state: 's' });
    expect(code).not.toBe('');
    const answer = await fetch(`${world.sandbox.url}${CALLBACKS}/${callbackId}/complete`, { method: 'POST' });
    expect(answer.status).toBe(401);
    app.close();
  });

  test('goes on calling when the app is uninstalled', async () => {
    const app = await withAction(() =>
      outputs({ outcome: 'refused', errorCode: 'NOT_CONNECTED', hs_execution_state: 'FAIL_CONTINUE' }),
    );
    world.sandbox.control.uninstall(PORTAL);
    expect(await enrol('wonward_enrol_member')).toMatchObject({
      state: 'continued',
      message: 'Wonward is not connected to this account any more',
    });
    app.close();
  });
});
