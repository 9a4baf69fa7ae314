import type {
  ActionResponse,
  CardResponse,
  CompanyCardResponse,
  DealCardResponse,
  PeopleResponse,
} from '../../contracts/hubspot-card/card-view.generated.ts';
import { CompanyCard } from '../../extensions/hubspot/src/app/cards/company-card.tsx';
import { CompanySidebar } from '../../extensions/hubspot/src/app/cards/company-sidebar.tsx';
import { ContactSidebar } from '../../extensions/hubspot/src/app/cards/contact-sidebar.tsx';
import { DealCard } from '../../extensions/hubspot/src/app/cards/deal-card.tsx';
import { DealSidebar } from '../../extensions/hubspot/src/app/cards/deal-sidebar.tsx';
import { ReferralCard } from '../../extensions/hubspot/src/app/cards/referral-card.tsx';
import { testing } from './ui-extensions.ts';

type Answer =
  | CardResponse
  | DealCardResponse
  | CompanyCardResponse
  | ActionResponse
  | PeopleResponse
  | (() => Response | Promise<Response>);

export interface CardRequest {
  readonly url: URL;
  readonly options: { readonly method?: string; readonly timeout?: number; readonly body?: Record<string, unknown> };
}

interface ReaderOptions {
  readonly locale?: string;
  readonly timezone?: string;
  readonly api?: string | null;
  readonly kind?: keyof typeof CARDS;
}

const CARDS = {
  contact: { Card: ReferralCard, objectTypeId: '0-1' },
  deal: { Card: DealCard, objectTypeId: '0-3' },
  company: { Card: CompanyCard, objectTypeId: '0-2' },
  contactSidebar: { Card: ContactSidebar, objectTypeId: '0-1' },
  dealSidebar: { Card: DealSidebar, objectTypeId: '0-3' },
  companySidebar: { Card: CompanySidebar, objectTypeId: '0-2' },
} as const;

/** Renders the card in HubSpot's own test renderer; each call of hubspot.fetch gets the next answer, the last one for ever. */
export function renderCard(
  answers: readonly Answer[],
  { locale = 'en-gb', timezone = 'UTC', api = 'https://wonward.test', kind = 'contact' }: ReaderOptions = {},
) {
  const requests: CardRequest[] = [];
  const hsFetch = async (url: string, options: CardRequest['options']): Promise<Response> => {
    requests.push({ url: new URL(url), options });
    const answer = answers[Math.min(requests.length, answers.length) - 1];
    if (answer === undefined) throw new Error('no answer is left');
    return typeof answer === 'function' ? answer() : Response.json(answer);
  };
  // hubspot.fetch goes through the worker's global; there is no worker here.
  Object.assign(globalThis, { self: Object.assign(globalThis, { hsFetch }) });
  // The sidebar's renderer knows fewer of HubSpot's own components; what it hands to a card is the same.
  const place = kind.endsWith('Sidebar') ? 'crm.record.sidebar' : 'crm.record.tab';
  const renderer = testing.createRenderer(place as 'crm.record.tab');
  const { context, actions } = renderer.mocks;
  const reader = {
    ...context,
    crm: { objectId: 101, objectTypeId: CARDS[kind].objectTypeId },
    user: { ...context.user, locale },
    portal: { id: 48_000_001, timezone },
    variables: variablesOf(api),
  };
  const { Card } = CARDS[kind];
  const render = () => renderer.render(<Card context={reader} actions={actions} />);
  render();
  return { ...renderer, requests, text: () => textOf(renderer.getRootNode()) };
}

function variablesOf(api: string | null): Record<string, string> {
  return api === null ? {} : { API: api };
}

type Node = ReturnType<
  ReturnType<typeof testing.createRenderer<'crm.record.tab'>>['getRootNode']
>['childNodes'][number];

/** All text below a node in reading order; the renderer's own `text` leaves out what child components hold. */
export function textOf(node: { readonly childNodes: readonly Node[] }): string {
  return node.childNodes.map((child) => ('childNodes' in child ? textOf(child) : child.text)).join('');
}
