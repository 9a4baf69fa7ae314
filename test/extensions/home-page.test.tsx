import { describe, expect, it } from 'vitest';
import type { HomeResponse } from '../../contracts/hubspot-home/home-view.generated.ts';
import { Pages } from '../../extensions/hubspot/src/app/pages/pages.tsx';
import { examplesOf } from '../contracts/contract-schema.ts';
import { textOf } from './render-card.tsx';
import { sdk, testing } from './ui-extensions.ts';

const { Alert, EmptyState, ErrorState, Link, LoadingButton, LoadingSpinner, StatusTag, TableRow, Tag, Tile } = sdk;
const EXAMPLES = examplesOf<HomeResponse>('hubspot-home');

/** Each call of hubspot.fetch gets the next answer, the last one for ever. */
function renderPages(
  answers: readonly (HomeResponse | (() => Response))[],
  api: string | null = 'https://wonward.test',
) {
  const requests: { url: string; timeout?: number }[] = [];
  const hsFetch = async (url: string, options: { timeout?: number }) => {
    requests.push({ url, ...options });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === undefined) throw new Error('no answer is left');
    return typeof answer === 'function' ? answer() : Response.json(answer);
  };
  Object.assign(globalThis, { self: Object.assign(globalThis, { hsFetch }) });
  const renderer = testing.createRenderer('pages');
  const { context, actions, setPageLocation } = renderer.mocks;
  setPageLocation({ path: '/', params: {} });
  const reader = {
    ...context,
    user: { ...context.user, locale: 'en-gb' },
    portal: { id: 48_000_001, timezone: 'UTC' },
    variables: (api === null ? {} : { API: api }) as Record<string, string>,
  };
  renderer.render(<Pages context={reader} actions={actions} />);
  return { ...renderer, requests, text: () => textOf(renderer.getRootNode()) };
}

function example(name: string): HomeResponse {
  const found = EXAMPLES[name];
  if (!found) throw new Error(`there is no example ${name}`);
  return found;
}

async function shown(...answers: (HomeResponse | (() => Response))[]) {
  const page = renderPages(answers);
  await page.waitFor(() => expect(page.maybeFind(LoadingSpinner)).toBeNull());
  return page;
}

describe('the home page', () => {
  it('asks the service once, with a deadline inside HubSpot’s own', async () => {
    const { requests } = await shown(example('new'));
    expect(requests.map(({ url }) => url)).toEqual(['https://wonward.test/hubspot/home']);
    expect(requests[0]?.timeout).toBeLessThan(15_000);
  });

  it('shows first what needs attention, each with why, what to do, its time and where', async () => {
    const page = await shown(example('busy'));
    const [first, second, third, ...more] = page.findAll(Tile);
    if (!first || !second || !third) throw new Error('the page shows fewer');
    expect(more).toEqual([]);
    expect(textOf(first.find(Tag))).toBe('Urgent');
    expect(textOf(first)).toContain('A reward waits for a decision€1,200.00');
    expect(textOf(first)).toContain('A person has to approve it: over 1000.00 EUR.');
    expect(textOf(first)).toContain('What to do: Approve or reject it in Wonward');
    expect(textOf(first)).toContain('Its time is over.');
    expect(first.find(Link).props.href).toMatchObject({ url: expect.stringContaining('/record/0-3/301') });
    expect(textOf(second)).toContain('Some records could not be finished');
    expect(textOf(third)).toContain('Due 23 Nov 2026, 09:00');
    expect(page.text()).toContain('There are more open cases in Wonward.');
  });

  it('shows recent referrals and rewards with their reasons, and the health with its time', async () => {
    const page = await shown(example('busy'));
    const rows = page.findAll(TableRow).map(textOf);
    expect(rows).toContain('Bob NoyceAda LovelaceWonThe deal "Analytical engine" is Closed Won.22 Nov 2026');
    expect(rows).toContainEqual(expect.stringContaining('€1,200.00In reviewA person has to approve it'));
    expect(page.findAll(StatusTag).map(textOf)).toContain('Needs attention');
    expect(page.text()).toContain('As of 22 Nov 2026, 09:00');
    expect(page.text()).toContain('within 5 s');
    expect(page.text()).toContain('within 1 min');
  });

  it('says of a new portal what is missing, and shows no empty tables', async () => {
    const page = await shown(example('new'));
    expect(page.text()).toContain('No program is published yet');
    expect(page.findAll(TableRow)).toEqual([]);
  });

  it('says of a disconnected portal how to connect it, and shows nobody', async () => {
    const page = await shown(example('disconnected'));
    expect(page.text()).toContain('Connect it again in the app’s settings.');
    expect(page.text()).not.toContain('Recent rewards');
  });

  it('says who can connect a portal that never was', async () => {
    const page = await shown(example('not-connected'));
    expect(page.find(EmptyState).props.title).toBe('Connect Wonward to this HubSpot account');
  });

  it.each<[string, () => Response]>([
    ['a status that HubSpot’s proxy passes on', () => new Response('', { status: 502 })],
    ['a body that is no JSON', () => new Response('<html>')],
    ['another version', () => Response.json({ ok: true, data: { version: 2 } })],
    [
      'no answer',
      () => {
        throw new Error('offline');
      },
    ],
  ])('says that it could not be loaded, and tries again: %s', async (_, answer) => {
    const page = await shown(answer, example('new'));
    expect(page.find(ErrorState).props.title).toBe('Your referral program could not be loaded');
    page.find(LoadingButton).trigger('onClick');
    await page.waitFor(() => expect(page.text()).toContain('No program is published yet'));
  });

  it('keeps what was read when a refresh fails, and says so', async () => {
    const page = await shown(example('busy'), example('unavailable'));
    page.find(LoadingButton).trigger('onClick');
    await page.waitFor(() => expect(page.find(Alert).props.title).toBe('What you see may be out of date'));
    expect(page.findAll(Tile)).toHaveLength(3);
  });

  it('says that it was uploaded without an address', () => {
    const page = renderPages([], null);
    expect(page.find(Alert).props.title).toBe('This page does not know where Wonward is');
  });

  it('proposes whom to ask, with the reason and every input, and leads to the contact and the console', async () => {
    const page = await shown(example('asks'));
    const { asks = [] } = (example('asks') as Extract<HomeResponse, { ok: true }>).data;
    expect(asks.length).toBeGreaterThan(0);
    for (const { sentence, inputs } of asks) {
      expect(page.text()).toContain(sentence);
      for (const { label, value } of inputs) expect(page.text()).toMatch(new RegExp(`${label}.*${value}`));
    }
    const links = page
      .findAll(Link)
      .map(({ props }) => JSON.stringify(props.href))
      .join();
    expect(links).toContain(asks[0]?.url);
    expect(links).toContain('/console/connections/con_1/health');
    expect((await shown(example('busy'))).text()).not.toContain('Whom you could ask');
  });
});
