import { describe, expect, it } from 'vitest';
import type { SettingsResponse } from '../../contracts/hubspot-settings/settings-view.generated.ts';
import { SettingsPage } from '../../extensions/hubspot/src/app/settings/settings-page.tsx';
import { examplesOf } from '../contracts/contract-schema.ts';
import { textOf } from './render-card.tsx';
import { sdk, testing } from './ui-extensions.ts';

const { Alert, Checkbox, EmptyState, ErrorState, Input, Link, LoadingButton, LoadingSpinner, Select, StatusTag, Tag } =
  sdk;
const EXAMPLES = examplesOf<SettingsResponse>('hubspot-settings');

interface Sent {
  readonly url: string;
  readonly method?: string;
  readonly body?: unknown;
}

async function shown(...names: string[]) {
  const sent: Sent[] = [];
  const hsFetch = async (url: string, options: Omit<Sent, 'url'>) => {
    sent.push({ url, ...options });
    const name = names[Math.min(sent.length, names.length) - 1] ?? '';
    if (name === 'broken') return new Response('', { status: 502 });
    return Response.json(EXAMPLES[name]);
  };
  Object.assign(globalThis, { self: Object.assign(globalThis, { hsFetch }) });
  const renderer = testing.createRenderer('settings');
  const { context, actions } = renderer.mocks;
  const reader = { ...context, variables: { API: 'https://wonward.test/' } };
  renderer.render(<SettingsPage context={reader} actions={actions} />);
  await renderer.waitFor(() => expect(renderer.maybeFind(LoadingSpinner)).toBeNull());
  const button = (label: string) => renderer.find(LoadingButton, (node) => textOf(node) === label);
  const select = (label: string) => renderer.find(Select, (node) => node.props.label === label);
  const choose = (label: string, value: string) => (select(label).props.onChange as (value: string) => void)(value);
  return { ...renderer, sent, button, select, choose, text: () => textOf(renderer.getRootNode()) };
}

describe('the settings page', () => {
  it('shows the connection, the programs, and what each stage means and by whose word', async () => {
    const page = await shown('connected');
    expect(page.sent.map(({ url, method }) => [url, method])).toEqual([
      ['https://wonward.test/hubspot/settings', 'GET'],
    ]);
    expect(textOf(page.find(StatusTag))).toBe('Connected');
    expect(page.text()).toContain('Friends of Acme, version 3');
    expect(page.findAll(Tag).map(textOf)).toEqual(
      expect.arrayContaining(['New referrals go here', 'No stage means won']),
    );
    expect(page.select('Contract sent').props.value).toBe('qualified');
    expect(page.select('Closed Won').props).toMatchObject({
      value: 'metadata',
      options: expect.arrayContaining([{ value: 'metadata', label: 'As HubSpot says: Won' }]),
    });
    expect(page.text()).toContain('HubSpot never does it by itself');
  });

  it('sends all that is said, on top of the version that was read, and only once something was changed', async () => {
    const page = await shown('connected');
    expect(page.button('Save what stages mean').props.disabled).toBe(true);
    page.choose('Renewed', 'won');
    await page.waitFor(() => expect(page.find(Alert).props.title).toBe('This judges every referral again'));
    page.button('Save what stages mean').trigger('onClick');
    await page.waitFor(() => expect(page.sent).toHaveLength(2));
    expect(page.sent[1]).toMatchObject({
      url: 'https://wonward.test/hubspot/settings/mapping',
      method: 'POST',
      body: {
        version: 'v1',
        stages: [
          { pipelineId: 'default', stageId: 'contractsent', stage: 'qualified' },
          { pipelineId: 'renewals', stageId: 'renewed', stage: 'won' },
        ],
      },
    });
  });

  it('gives a stage back to HubSpot’s metadata by leaving it out', async () => {
    const page = await shown('connected');
    page.choose('Contract sent', 'metadata');
    await page.waitFor(() => expect(page.button('Save what stages mean').props.disabled).toBe(false));
    page.button('Save what stages mean').trigger('onClick');
    await page.waitFor(() => expect(page.sent[1]?.body).toEqual({ version: 'v1', stages: [] }));
  });

  it('sends the programs that were chosen, and says what a change means before it is saved', async () => {
    const page = await shown('connected');
    const save = () => page.button('Save which programs apply');
    expect(page.select('Which programs apply in this portal').props.value).toBe('some');
    expect(save().props.disabled).toBe(true);
    const box = (label: string) => page.find(Checkbox, (node) => textOf(node).startsWith(label));
    expect([box('Friends').props.checked, box('Partners').props.checked]).toEqual([true, false]);
    (box('Partners').props.onChange as (isOn: boolean) => void)(true);
    await page.waitFor(() => expect(save().props.disabled).toBe(false));
    expect(page.text()).toContain('counts for referrals that begin from now on');
    save().trigger('onClick');
    await page.waitFor(() => expect(page.sent).toHaveLength(2));
    expect(page.sent[1]).toMatchObject({
      url: 'https://wonward.test/hubspot/settings/programs',
      body: { version: 2, programs: ['friends', 'partners'] },
    });
  });

  it('keeps what is being chosen of tasks while the programs are saved', async () => {
    const page = await shown('connected', 'viewer');
    const box = (label: string) => page.find(Checkbox, (node) => textOf(node).startsWith(label));
    (box('Low budget').props.onChange as (isOn: boolean) => void)(true);
    page.choose('Which programs apply in this portal', 'every');
    await page.waitFor(() => expect(page.button('Save which programs apply').props.disabled).toBe(false));
    page.button('Save which programs apply').trigger('onClick');
    await page.waitFor(() => expect(page.select('Which programs apply in this portal').props.readOnly).toBe(true));
    expect(box('Low budget').props.checked).toBe(true);
  });

  it('warns before no program applies, and takes every one back', async () => {
    const page = await shown('connected');
    (page.find(Checkbox, (node) => textOf(node).startsWith('Friends')).props.onChange as (isOn: boolean) => void)(
      false,
    );
    await page.waitFor(() => expect(page.find(Alert).props.title).toBe('No referral can begin here'));
    page.choose('Which programs apply in this portal', 'every');
    await page.waitFor(() => expect(page.maybeFind(Alert)).toBeNull());
    page.button('Save which programs apply').trigger('onClick');
    await page.waitFor(() => expect(page.sent[1]?.body).toEqual({ version: 2, programs: null }));
  });

  it('sends what HubSpot gets a task for, and not before an owner is a number', async () => {
    const page = await shown('connected');
    const save = () => page.button('Save who is told');
    const box = (label: string) => page.find(Checkbox, (node) => textOf(node).startsWith(label));
    const owner = (label: string) => page.find(Input, (node) => node.props.label === `${label}: whose task`);
    expect([box('Reviews').props.checked, box('Low budget').props.checked]).toEqual([true, false]);
    expect(owner('Reviews and disputes').props.value).toBe('41629779');
    expect(save().props.disabled).toBe(true);
    (box('Low budget').props.onChange as (isOn: boolean) => void)(true);
    await page.waitFor(() => expect(save().props.disabled).toBe(false));
    (owner('Low budget').props.onInput as (text: string) => void)('Ada');
    await page.waitFor(() => expect(save().props.disabled).toBe(true));
    (owner('Low budget').props.onInput as (text: string) => void)(' ');
    await page.waitFor(() => expect(save().props.disabled).toBe(false));
    save().trigger('onClick');
    await page.waitFor(() => expect(page.sent).toHaveLength(2));
    expect(page.sent[1]).toMatchObject({
      url: 'https://wonward.test/hubspot/settings/notices',
      body: {
        version: 2,
        notices: [
          { notice: 'review_due', ownerId: '41629779' },
          { notice: 'low_budget', ownerId: null },
        ],
      },
    });
  });

  it.each([
    ['changed', 'Not saved'],
    ['forbidden', 'That did not work'],
    ['broken', 'That did not work'],
  ])('says when a change was not taken (%s), and keeps what was chosen', async (answer, title) => {
    const page = await shown('connected', answer);
    page.choose('Renewed', 'won');
    await page.waitFor(() => expect(page.button('Save what stages mean').props.disabled).toBe(false));
    page.button('Save what stages mean').trigger('onClick');
    await page.waitFor(() => expect(page.findAll(Alert).map(({ props }) => props.title)).toContain(title));
    expect(page.select('Renewed').props.value).toBe('won');
  });

  it('turns rows of referrals and rewards on, on top of the version that was read', async () => {
    const page = await shown('connected');
    expect(page.text()).toContain('They name nobody');
    page.button('Write referrals and rewards as rows').trigger('onClick');
    await page.waitFor(() => expect(page.sent).toHaveLength(2));
    expect(page.sent[1]).toMatchObject({
      url: 'https://wonward.test/hubspot/settings/objects',
      body: { version: 2, isOn: true },
    });
  });

  it('turns them on for nobody whose HubSpot has not granted what they need, and says what to do', async () => {
    const page = await shown('disconnected');
    expect(page.button('Write referrals and rewards as rows').props.disabled).toBe(true);
    expect(page.text()).toContain('HubSpot has not granted what they need');
  });

  it('says before they are turned off that the rows are removed', async () => {
    const page = await shown('objects', 'connected');
    page.button('Turn off and remove the rows').trigger('onClick');
    await page.waitFor(() => expect(page.sent[1]).toMatchObject({ body: { version: 2, isOn: false } }));
  });

  it('shows a viewer everything and no button that changes something', async () => {
    const page = await shown('viewer');
    expect(page.find(Alert).props.title).toBe('You may look, and change nothing');
    expect(page.findAll(LoadingButton).map(textOf)).toEqual(['Reload']);
    expect(page.findAll(Select).every(({ props }) => props.readOnly === true)).toBe(true);
  });

  it('leads to HubSpot’s consent when the portal is disconnected', async () => {
    const page = await shown('disconnected', 'reconnect');
    expect(textOf(page.find(StatusTag))).toBe('Disconnected');
    page.button('Connect again').trigger('onClick');
    await page.waitFor(() =>
      expect(page.find(Link).props.href).toMatchObject({ url: expect.stringContaining('oauth') }),
    );
  });

  it('says what to do when it is not connected or cannot be loaded', async () => {
    expect((await shown('not-connected')).find(EmptyState).props.title).toBe('Connect Wonward to this HubSpot account');
    const broken = await shown('broken', 'connected');
    expect(broken.find(ErrorState).props.title).toBe('The settings could not be loaded');
    broken.button('Try again').trigger('onClick');
    await broken.waitFor(() => expect(broken.text()).toContain('What deal stages mean'));
  });
});
